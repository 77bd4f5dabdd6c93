//! Tables as kubectl prints them, and the same rows as CSV.

use super::narrow::{GAP, Narrow, Yields, narrow};
use super::screen::{Paint, Tone, columns, one_line};
use super::wrap::wrap;

/// One cell.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cell {
    /// What it says.
    pub text: String,
    /// What it means.
    pub tone: Tone,
}

impl Cell {
    /// A cell with a meaning.
    pub fn new(tone: Tone, text: impl Into<String>) -> Self {
        Self { text: text.into(), tone }
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::new(Tone::Plain, text)
    }
}

/// A table without lines, and without a first row where no headers are given. Empty cells show as
/// `-`. On a terminal it does without what there is no room for, and says so; elsewhere nothing is
/// cut.
#[must_use]
pub fn table(headers: &[&str], yields: Yields<'_>, rows: Vec<Vec<Cell>>, paint: Paint) -> String {
    let Some(width) = paint.width else { return laid_out(headers, rows, paint) };
    let Narrow { headers, rows, left_out } = narrow(headers, rows, yields, width);
    let mut text = laid_out(&headers, rows, paint);
    if !left_out.is_empty() {
        let said = format!("No room for {}; -o wide shows all.", left_out.join(", "));
        text.push_str(&wrap(&(paint.text(Tone::Faint, &said) + "\n"), paint.width));
    }
    text
}

fn laid_out(headers: &[&str], mut rows: Vec<Vec<Cell>>, paint: Paint) -> String {
    for cell in rows.iter_mut().flatten() {
        cell.text = one_line(if cell.text.is_empty() { "-" } else { &cell.text });
    }
    if !headers.is_empty() {
        rows.insert(0, headers.iter().map(|header| Cell::from(*header)).collect());
    }
    let mut widths: Vec<usize> = Vec::new();
    for row in &rows {
        widths.resize(widths.len().max(row.len()), 0);
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = columns(&cell.text).max(*width);
        }
    }
    let mut text = String::new();
    for row in rows {
        let mut gap = 0;
        for (cell, width) in row.iter().zip(&widths) {
            text.extend(std::iter::repeat_n(' ', gap));
            text.push_str(&paint.text(cell.tone, &cell.text));
            gap = width + usize::from(GAP) - columns(&cell.text);
        }
        text.push('\n');
    }
    text
}

/// Rows as RFC 4180 writes them. What a spreadsheet would take for a formula begins with `'`.
#[must_use]
pub fn csv(headers: &[&str], rows: &[Vec<Cell>]) -> String {
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        cells.map(csv_field).collect::<Vec<_>>().join(",") + "\r\n"
    };
    let mut text = line(&mut headers.iter().copied());
    for row in rows {
        text.push_str(&line(&mut row.iter().map(|cell| cell.text.as_str())));
    }
    text
}

fn csv_field(text: &str) -> String {
    let begins = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let text = if begins && !is_number(text) { &format!("'{text}") } else { text };
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

/// Whether it is a sign, digits and at most one point.
fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    digits.parse::<f64>().is_ok() && digits.bytes().all(|b| b.is_ascii_digit() || b == b'.')
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAINTED: Paint = Paint { colours: true, width: None };

    #[test]
    fn columns_line_up_and_without_a_terminal_nothing_is_cut() {
        let rows = vec![
            vec![Cell::from("assign-2abdc948"), Cell::from("x".repeat(300))],
            vec![Cell::from("ä\nb"), Cell::from("")],
        ];
        let text = table(&["NAME", "ACTOR"], Yields::default(), rows, Paint::PLAIN);
        let expected = format!(
            "NAME              ACTOR\nassign-2abdc948   {}\nä b               -\n",
            "x".repeat(300)
        );
        assert_eq!(text, expected);
    }

    #[test]
    fn a_narrow_terminal_shows_what_there_is_room_for_and_says_so() {
        let row = || vec![Cell::from("assign-2abdc948"), Cell::from("alice"), Cell::from("")];
        let yields = Yields { left_out: &["ACTOR", "SET"], ..Yields::default() };
        let shown = |width| {
            let paint = Paint { width: Some(width), ..Paint::PLAIN };
            table(&["NAME", "ACTOR", "SET"], yields, vec![row()], paint)
        };
        assert_eq!(shown(29), "NAME              ACTOR   SET\nassign-2abdc948   alice   -\n");
        assert_eq!(
            shown(28),
            "NAME              SET\nassign-2abdc948   -\nNo room for ACTOR; -o wide\n    shows all.\n"
        );
    }

    #[test]
    fn colours_do_not_move_columns() {
        let rows = vec![vec![Cell::new(Tone::Bad, "no"), Cell::from("x")]];
        let text = table(&["READY", "NAME"], Yields::default(), rows, PAINTED);
        assert_eq!(text, "READY   NAME\n\u{1b}[31mno\u{1b}[39m      x\n");
    }

    #[test]
    fn csv_quotes_what_needs_it() {
        let rows = vec![vec![Cell::from("a,b"), Cell::from("say \"x\""), Cell::from("")]];
        assert_eq!(csv(&["A", "B", "C"], &rows), "A,B,C\r\n\"a,b\",\"say \"\"x\"\"\",\r\n");
    }

    #[test]
    fn csv_holds_no_formulas() {
        for (text, field) in [
            ("=1+2", "'=1+2"),
            ("@SUM(A1,A2)", "\"'@SUM(A1,A2)\""),
            ("+cmd", "'+cmd"),
            ("-2+3", "'-2+3"),
            ("\t=1", "'\t=1"),
            ("\r=1", "\"'\r=1\""),
            ("--1", "'--1"),
            ("-inf", "'-inf"),
            ("-", "'-"),
            ("-1.5", "-1.5"),
            ("+3", "+3"),
            ("a=b", "a=b"),
            ("", ""),
        ] {
            assert_eq!(csv_field(text), field, "{text:?}");
        }
    }
}
