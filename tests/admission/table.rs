//! What was found, as the table of docs/approvals.md.

use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};

use super::support::{Finished, checkout};

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

    /// Holds that the document shows this table between the marks of this name. `UPDATE_DOCS=1`
    /// writes it there.
    #[track_caller]
    pub fn is_in_the_docs(&self, name: &str) {
        // Two tests may write their tables at the same time.
        static DOCUMENT: Mutex<()> = Mutex::new(());
        let _alone = DOCUMENT.lock().unwrap_or_else(PoisonError::into_inner);
        let path = checkout().join("docs/approvals.md");
        let text = std::fs::read_to_string(&path).unwrap();
        let (begin, end) = (format!("<!-- {name} -->\n"), format!("<!-- /{name} -->"));
        let from = text.find(&begin).unwrap_or_else(|| panic!("{begin} is missing")) + begin.len();
        let to = text.find(&end).unwrap_or_else(|| panic!("{end} is missing"));
        let found = self.text();
        if std::env::var_os("UPDATE_DOCS").is_some() {
            let new = format!("{}{found}{}", &text[..from], &text[to..]);
            std::fs::write(&path, new).unwrap();
            return;
        }
        let shown = &text[from..to];
        assert!(
            shown == found,
            "docs/approvals.md does not show what was found; write it with UPDATE_DOCS=1 cargo test --test admission\n--- shown\n{shown}\n--- found\n{found}"
        );
    }
}
