//! Tables that fit a terminal: columns are shortened, and where that is not enough, left out.

use super::screen::{columns, fit, one_line};
use super::table::Cell;

/// Columns between two columns of a table.
pub const GAP: u16 = 3;

/// What a table does without where a terminal is too narrow for all of it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Yields<'a> {
    /// Columns whose texts may be shortened, and to how much: to no less than an id takes that may
    /// stand there.
    pub shortened: &'a [(&'a str, usize)],
    /// Columns that are left out, the least important first.
    pub left_out: &'a [&'a str],
}

/// A table with what there is room for.
pub struct Narrow<'a> {
    /// The columns that are shown.
    pub headers: Vec<&'a str>,
    /// Their cells.
    pub rows: Vec<Vec<Cell>>,
    /// The columns for which there is no room.
    pub left_out: Vec<&'a str>,
}

/// One column: its name, how wide it is, how wide it must be at least.
struct Column<'a> {
    header: &'a str,
    width: usize,
    least: usize,
    is_shown: bool,
}

/// Makes a table fit so many columns of a terminal, as far as it yields.
#[must_use]
pub fn narrow<'a>(
    headers: &[&'a str],
    rows: Vec<Vec<Cell>>,
    yields: Yields<'_>,
    room: usize,
) -> Narrow<'a> {
    let mut all: Vec<Column<'a>> = headers
        .iter()
        .enumerate()
        .map(|(index, header)| {
            let cells = rows.iter().filter_map(|row| row.get(index));
            let widest = cells.map(|cell| columns(&one_line(&cell.text))).max().unwrap_or_default();
            let width = widest.max(columns(header));
            let least = yields.shortened.iter().find(|(name, _)| name == header);
            let least = least.map_or(width, |(_, least)| width.min(columns(header).max(*least)));
            Column { header, width, least, is_shown: true }
        })
        .collect();
    for name in yields.left_out {
        if total(&all, |column| column.least) <= room {
            break;
        }
        for column in all.iter_mut().filter(|column| column.header == *name) {
            column.is_shown = false;
        }
    }
    put_back(&mut all, yields.left_out, room);
    shorten(&mut all, room);
    let cut = |row: Vec<Cell>| {
        let shown = row.into_iter().zip(&all).filter(|(_, column)| column.is_shown);
        let cut = |(cell, column): (Cell, &Column<'a>)| {
            Cell::new(cell.tone, fit(&one_line(&cell.text), column.width))
        };
        shown.map(cut).collect()
    };
    let rows = rows.into_iter().map(cut).collect();
    let (shown, left_out): (Vec<&Column<'a>>, Vec<_>) = all.iter().partition(|it| it.is_shown);
    let names = |columns: Vec<&Column<'a>>| columns.into_iter().map(|it| it.header).collect();
    Narrow { headers: names(shown), rows, left_out: names(left_out) }
}

/// Shows again what there is room for after all, because a wider column went; the most important
/// first.
fn put_back(all: &mut [Column<'_>], left_out: &[&str], room: usize) {
    for name in left_out.iter().rev() {
        let Some(index) = all.iter().position(|it| it.header == *name && !it.is_shown) else {
            continue;
        };
        show(all, index, true);
        if total(all, |column| column.least) > room {
            show(all, index, false);
        }
    }
}

fn show(all: &mut [Column<'_>], index: usize, is_shown: bool) {
    if let Some(column) = all.get_mut(index) {
        column.is_shown = is_shown;
    }
}

fn total(all: &[Column<'_>], width: impl Fn(&Column<'_>) -> usize) -> usize {
    let gap = usize::from(GAP);
    let shown = all.iter().filter(|column| column.is_shown);
    shown.map(|column| width(column) + gap).sum::<usize>().saturating_sub(gap)
}

/// Takes what is too much from the widest columns, as far as they yield.
fn shorten(all: &mut [Column<'_>], room: usize) {
    let mut excess = total(all, |column| column.width).saturating_sub(room);
    while excess > 0 {
        let yielding = all.iter_mut().filter(|it| it.is_shown && it.width > it.least);
        let Some(widest) = yielding.max_by_key(|column| column.width) else { break };
        widest.width -= 1;
        excess -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const YIELDS: Yields<'_> =
        Yields { shortened: &[("ACTOR", 8), ("TEXT", 6)], left_out: &["TYPE", "ACTOR"] };

    fn narrowed(room: usize) -> (Vec<&'static str>, Vec<String>, Vec<&'static str>) {
        let row = ["assign-2abdc948", "Assign", "alice.in.wonderland", "twelve chars"];
        let row = row.into_iter().map(Cell::from).collect();
        let narrow = narrow(&["NAME", "TYPE", "ACTOR", "TEXT"], vec![row], YIELDS, room);
        let texts = narrow.rows[0].iter().map(|cell| cell.text.clone()).collect();
        (narrow.headers, texts, narrow.left_out)
    }

    #[test]
    fn texts_are_shortened_before_columns_are_left_out_and_ids_never() {
        let whole = ["assign-2abdc948", "Assign", "alice.in.wonderland", "twelve chars"];
        assert_eq!(narrowed(61).1, whole);
        assert_eq!(
            narrowed(58).1,
            ["assign-2abdc948", "Assign", "alice.in.wonder…", "twelve chars"]
        );
        assert_eq!(narrowed(44).1, ["assign-2abdc948", "Assign", "alice.i…", "twelv…"]);
        let (headers, texts, left_out) = narrowed(43);
        assert_eq!(headers, ["NAME", "ACTOR", "TEXT"]);
        assert_eq!(texts, ["assign-2abdc948", "alice.in.w…", "twelve cha…"]);
        assert_eq!(left_out, ["TYPE"]);
        let (headers, texts, left_out) = narrowed(33);
        assert_eq!((headers, left_out), (vec!["NAME", "TYPE", "TEXT"], vec!["ACTOR"]));
        assert_eq!(texts, ["assign-2abdc948", "Assign", "twelv…"]);
        let (headers, texts, left_out) = narrowed(5);
        assert_eq!((headers, left_out), (vec!["NAME", "TEXT"], vec!["TYPE", "ACTOR"]));
        assert_eq!(texts, ["assign-2abdc948", "twelv…"]);
    }
}
