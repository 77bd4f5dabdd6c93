//! What was found, as the table of docs/approvals.md.

use std::fmt::Write as _;

use super::support::{Finished, docs};

/// What was tried and how it ended.
#[derive(Default)]
pub struct Table {
    rows: Vec<[String; 3]>,
    wrong: Vec<String>,
}

impl Table {
    /// Notes what passes.
    pub fn passes(&mut self, who: &str, does: &str, tried: Finished) {
        self.note(who, does, "passes".to_owned(), (!tried.ok).then_some(tried.stderr));
    }

    /// Notes what passes and has no effect: `what` says why, and was looked at.
    pub fn inert(&mut self, who: &str, does: &str, tried: Finished, holds: bool, what: &str) {
        let wrong = match (tried.ok, holds) {
            (false, _) => Some(tried.stderr),
            (true, false) => Some("that is not so".to_owned()),
            (true, true) => None,
        };
        self.note(who, does, format!("no effect: {what}"), wrong);
    }

    /// Notes what is refused with this message.
    pub fn refused(&mut self, who: &str, does: &str, tried: &Finished, because: &str) {
        let refused = !tried.ok && tried.stderr.contains(because);
        let wrong = (!refused).then(|| format!("{}{}", tried.stdout, tried.stderr));
        self.note(who, does, format!("refused: {because}"), wrong);
    }

    fn note(&mut self, who: &str, does: &str, outcome: String, wrong: Option<String>) {
        self.wrong.extend(wrong.map(|why| format!("{who} {does}: {outcome}\n  but: {why}")));
        self.rows.push([who.to_owned(), does.to_owned(), outcome]);
    }

    fn text(&self) -> String {
        let mut text = String::from("| who | does | the API server |\n|---|---|---|\n");
        for [who, does, outcome] in &self.rows {
            let _ = writeln!(text, "| {who} | {does} | {outcome} |");
        }
        text
    }

    /// Holds that all was as noted, and that the document shows this table between the marks of this name.
    #[track_caller]
    pub fn is_in_the_docs(&self, name: &str) {
        assert!(self.wrong.is_empty(), "{}", self.wrong.join("\n"));
        docs::shows("docs/approvals.md", name, &self.text());
    }
}
