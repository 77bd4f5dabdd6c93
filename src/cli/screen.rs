//! Where output goes and how it looks: colours only where a person sees them.

use std::io::{self, ErrorKind, IsTerminal as _, Write as _};

use anstream::adapter::strip_str;
use anstream::{AutoStream, ColorChoice};
use owo_colors::OwoColorize as _;
use terminal_size::{Height, Width, terminal_size_of};
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr};

use super::error::CliError;
use super::output::Output;

/// What a text means, and so how it is painted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tone {
    /// Nothing in particular.
    #[default]
    Plain,
    /// A heading or what the eye should find first.
    Strong,
    /// As it should be.
    Good,
    /// Look here.
    Warning,
    /// It went wrong, or access is taken away.
    Bad,
    /// Beside the point.
    Faint,
}

/// A text without what a name in an object may hold and would break lines, move the cursor, change
/// colours or turn the direction of what is read.
#[must_use]
pub fn one_line(text: &str) -> String {
    let turns = |c: &char| matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let plain =
        |c: char| if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') { ' ' } else { c };
    text.chars().filter(|c| !turns(c)).map(plain).collect()
}

/// A text of several lines, each as [`one_line`] leaves it.
fn lines(text: &str) -> String {
    text.split('\n').map(one_line).collect::<Vec<_>>().join("\n")
}

/// How many columns a text takes; colours take none.
#[must_use]
pub fn columns(text: &str) -> usize {
    strip_str(text).map(UnicodeWidthStr::width).sum()
}

/// A line of at most so many columns: what is longer ends with an ellipsis.
#[must_use]
pub fn fit(line: &str, width: usize) -> String {
    if line.width() <= width {
        return line.to_owned();
    }
    let mut text = String::new();
    let mut room = width.saturating_sub(1);
    for character in line.chars() {
        let Some(left) = room.checked_sub(character.width().unwrap_or(0)) else { break };
        room = left;
        text.push(character);
    }
    format!("{}…", text.trim_end())
}

/// Paints, or leaves as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paint {
    /// Whether to write colours.
    pub colours: bool,
    /// Columns of the terminal; none where there is no terminal, and so nothing is cut.
    pub width: Option<usize>,
}

impl Paint {
    /// Leaves every text as it is.
    pub const PLAIN: Self = Self { colours: false, width: None };

    /// The same as wide as it takes.
    #[must_use]
    pub const fn whole(self) -> Self {
        Self { width: None, ..self }
    }

    const fn choice(self) -> ColorChoice {
        if self.colours { ColorChoice::Always } else { ColorChoice::Never }
    }

    /// The text as its meaning looks.
    #[must_use]
    pub fn text(self, tone: Tone, text: &str) -> String {
        if !self.colours || text.is_empty() {
            return text.to_owned();
        }
        match tone {
            Tone::Plain => text.to_owned(),
            Tone::Strong => text.bold().to_string(),
            Tone::Good => text.green().to_string(),
            Tone::Warning => text.yellow().to_string(),
            Tone::Bad => text.red().to_string(),
            Tone::Faint => text.dimmed().to_string(),
        }
    }
}

/// The terminal, or what stands in for it.
#[derive(Debug, Clone, Copy)]
pub struct Screen {
    /// How standard output is painted.
    pub out: Paint,
    /// How standard error is painted.
    pub err: Paint,
    /// Whether a person can be asked: standard input and standard error are a terminal.
    pub can_ask: bool,
    /// Whether standard error shows lines that change: a progress bar.
    pub can_redraw: bool,
}

impl Screen {
    /// Nobody is there.
    #[cfg(test)]
    pub const SILENT: Self =
        Self { out: Paint::PLAIN, err: Paint::PLAIN, can_ask: false, can_redraw: false };

    /// What this process is connected to. `NO_COLOR` and its like are honoured.
    #[must_use]
    pub fn detect() -> Self {
        let err_is_terminal = io::stderr().is_terminal();
        Self {
            out: Paint {
                colours: AutoStream::choice(&io::stdout()) != ColorChoice::Never,
                width: width(terminal_size_of(io::stdout())),
            },
            err: Paint {
                colours: AutoStream::choice(&io::stderr()) != ColorChoice::Never,
                width: width(terminal_size_of(io::stderr())),
            },
            can_ask: io::stdin().is_terminal() && err_is_terminal,
            can_redraw: err_is_terminal,
        }
    }

    /// Writes a result. A reader who has gone away (`| head`) ends neither the work nor changes its
    /// exit code: half an import, or a failed undo that looks done, is worse than unread text.
    pub fn print(self, text: &str) -> Result<(), CliError> {
        let mut out = AutoStream::new(io::stdout().lock(), self.out.choice());
        written(out.write_all(text.as_bytes()).and_then(|()| out.flush()))
    }

    /// Writes a result in a form: what is for programs as it is, byte for byte.
    pub fn print_in(self, form: Output, text: &str) -> Result<(), CliError> {
        if matches!(form, Output::Table | Output::Wide) {
            self.print(text)
        } else {
            print_raw(text)
        }
    }

    /// Writes lines about the work to standard error. They may hold what objects and files say.
    pub fn note(self, text: &str) {
        self.note_painted(&lines(text));
    }

    /// Writes what was painted and made safe already to standard error.
    pub fn note_painted(self, text: &str) {
        // When standard error is gone there is nobody left to tell.
        let mut err = AutoStream::new(io::stderr().lock(), self.err.choice());
        let _ = writeln!(err, "{text}");
    }

    /// Writes a painted line about the work to standard error.
    pub fn note_in(self, tone: Tone, text: &str) {
        self.note_painted(&self.err.text(tone, &lines(text)));
    }

    /// Asks a question and reads the line that is typed.
    pub async fn ask(self, question: &str) -> Option<String> {
        let question = self.err.text(Tone::Strong, &one_line(question));
        let read = tokio::task::spawn_blocking(move || {
            let mut err = io::stderr().lock();
            write!(err, "{question} ").and_then(|()| err.flush()).ok()?;
            drop(err);
            let mut line = String::new();
            io::stdin().read_line(&mut line).ok().filter(|read| *read > 0)?;
            Some(line.trim().to_owned())
        });
        read.await.ok().flatten()
    }
}

/// Writes a result for programs: nothing is taken out of it.
pub fn print_raw(text: &str) -> Result<(), CliError> {
    let mut out = io::stdout().lock();
    written(out.write_all(text.as_bytes()).and_then(|()| out.flush()))
}

/// A terminal of which nothing is known says that it has no columns.
fn width(size: Option<(Width, Height)>) -> Option<usize> {
    size.map(|(Width(width), _)| usize::from(width)).filter(|width| *width > 0)
}

fn written(outcome: io::Result<()>) -> Result<(), CliError> {
    match outcome {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(CliError::failed(format!("cannot write the output: {error}")))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_wrote_moves_nothing_on_the_terminal() {
        assert_eq!(one_line("a\u{1b}[31mb\rc\u{9b}d\u{2028}e"), "a [31mb c d e");
        let turned = "a\u{202e}b\u{202a}\u{2066}\u{2069}\u{200e}\u{200f}\u{61c}c";
        assert_eq!(one_line(turned), "abc");
        assert_eq!(one_line("zwj \u{200d} and עברית stay"), "zwj \u{200d} and עברית stay");
        assert_eq!(lines("ours:\n  a\tb\u{1b}c"), "ours:\n  a b c");
    }

    #[test]
    fn a_line_that_is_too_long_ends_with_an_ellipsis() {
        for (line, width, expected) in [
            ("alice", 5, "alice"),
            ("alice", 4, "ali…"),
            ("al ice", 4, "al…"),
            ("日本語", 6, "日本語"),
            ("日本語", 5, "日本…"),
            ("日本語", 4, "日…"),
            ("", 0, ""),
        ] {
            assert_eq!(fit(line, width), expected, "{line} in {width}");
        }
    }

    #[test]
    fn a_reader_who_has_gone_away_is_no_error_and_a_full_disk_is() {
        assert_eq!(written(Ok(())), Ok(()));
        assert_eq!(written(Err(ErrorKind::BrokenPipe.into())), Ok(()));
        let full = written(Err(ErrorKind::StorageFull.into())).unwrap_err();
        assert!(full.message.starts_with("cannot write the output: "), "{full}");
    }
}
