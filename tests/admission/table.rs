//! What was found, as the table of docs/approvals.md.

use std::fmt::Write as _;

use super::support::{Finished, docs};

/// What was tried and how it ended.
#[derive(Default)]
pub struct Table(Vec<[String; 3]>);

impl Table {
    /// Notes what passes.
    #[track_caller]
    pub fn passes(&mut self, who: &str, does: &str, tried: Finished) {
        tried.succeeded();
        self.0.push([who.to_owned(), does.to_owned(), "passes".to_owned()]);
    }

    /// Notes what passes and has no effect: `what` says why, and was looked at.
    #[track_caller]
    pub fn inert(&mut self, who: &str, does: &str, tried: Finished, holds: bool, what: &str) {
        tried.succeeded();
        assert!(holds, "{who} {does}: it is not true that {what}");
        self.0.push([who.to_owned(), does.to_owned(), format!("no effect: {what}")]);
    }

    /// Notes what is refused with this message.
    #[track_caller]
    pub fn refused(&mut self, who: &str, does: &str, tried: &Finished, because: &str) {
        tried.refused(because);
        self.0.push([who.to_owned(), does.to_owned(), format!("refused: {because}")]);
    }

    fn text(&self) -> String {
        let mut text = String::from("| who | does | the API server |\n|---|---|---|\n");
        for [who, does, outcome] in &self.0 {
            let _ = writeln!(text, "| {who} | {does} | {outcome} |");
        }
        text
    }

    /// Holds that the document shows this table between the marks of this name.
    #[track_caller]
    pub fn is_in_the_docs(&self, name: &str) {
        docs::shows("docs/approvals.md", name, &self.text());
    }
}
