//! Parts of documents that a test writes, so that they show what was seen.

use std::sync::{Mutex, PoisonError};

use super::checkout;

/// Holds that this document shows this text between the marks of this name. `UPDATE_DOCS=1` writes
/// it there.
#[track_caller]
pub fn shows(document: &str, name: &str, found: &str) {
    shows_like(document, name, found, str::to_owned);
}

/// The same where some of the text is another one each time, which `lasting` leaves out.
#[track_caller]
pub fn shows_like(document: &str, name: &str, found: &str, lasting: impl Fn(&str) -> String) {
    // Two tests may write at the same time.
    static DOCUMENTS: Mutex<()> = Mutex::new(());
    let _alone = DOCUMENTS.lock().unwrap_or_else(PoisonError::into_inner);
    let path = checkout().join(document);
    let text = std::fs::read_to_string(&path).unwrap();
    let (begin, end) = (format!("<!-- {name} -->\n"), format!("<!-- /{name} -->"));
    let from = text.find(&begin).unwrap_or_else(|| panic!("{begin} is missing")) + begin.len();
    let to = text.find(&end).unwrap_or_else(|| panic!("{end} is missing"));
    if std::env::var_os("UPDATE_DOCS").is_some() {
        let new = format!("{}{found}{}", &text[..from], &text[to..]);
        std::fs::write(&path, new).unwrap();
        return;
    }
    let (shown, found) = (lasting(&text[from..to]), lasting(found));
    assert!(
        shown == found,
        "{document} does not show what was found; run this test with UPDATE_DOCS=1 to write it\n--- shown\n{shown}\n--- found\n{found}"
    );
}

/// A command as a document shows it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Shown {
    /// The heading that it is below.
    pub section: String,
    /// The command, with its line breaks.
    pub command: String,
}

/// Every command of a document: what stands behind a `$` in a block of a console.
pub fn commands(document: &str) -> Vec<Shown> {
    let text = std::fs::read_to_string(checkout().join(document)).unwrap();
    let (mut section, mut found, mut inside) = (String::new(), Vec::<Shown>::new(), false);
    let mut goes_on = false;
    for line in text.lines() {
        if line.starts_with("```") {
            inside = line == "```console";
            goes_on = false;
        } else if !inside {
            if let Some(heading) = line.strip_prefix('#') {
                heading.trim_start_matches('#').trim().clone_into(&mut section);
            }
        } else if let Some(command) = line.strip_prefix("$ ") {
            found.push(Shown { section: section.clone(), command: command.to_owned() });
            goes_on = command.ends_with('\\');
        } else if goes_on {
            let last = found.last_mut().unwrap();
            last.command.push('\n');
            last.command.push_str(line);
            goes_on = line.ends_with('\\');
        }
    }
    found
}
