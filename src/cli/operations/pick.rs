//! Operations to undo, picked from a list on a terminal.

use std::fmt;
use std::io::ErrorKind;
use std::time::Duration;

use inquire::list_option::ListOption;
use inquire::ui::RenderConfig;
use inquire::validator::Validation;
use inquire::{InquireError, MultiSelect};
use jiff::Timestamp;
use kube::ResourceExt as _;
use terminal_size::{Height, Width, terminal_size_of};

use super::filter::{Filter, rolled_back};
use super::list::list;
use super::rows::{accounts, row};
use crate::api::OperationRecord;
use crate::cli::criteria::Criteria;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::follow::interrupted;
use crate::cli::narrow::Yields;
use crate::cli::screen::{Paint, Screen, fit, one_line};
use crate::cli::session::Session;
use crate::cli::table::{Cell, table};
use crate::model::words::count;
use crate::model::{AccountId, OperationType};

/// So many are offered: more than anybody looks through, and as many as one Rollback can undo.
const MOST: usize = 1000;
/// Columns of a line that hold its mark and the cursor.
const MARK: usize = 6;
/// Lines of the terminal that the question, its help and an error take.
const AROUND: usize = 6;
/// How long the list may take to leave the terminal after Ctrl-C.
const LEAVING: Duration = Duration::from_millis(500);
const QUESTION: &str = "Undo which operations?";
const HELP: &str = "↑↓ move, space marks, → all, ← none, type to filter, enter goes on, esc ends";

/// One line of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Choice {
    name: String,
    instance: String,
    line: String,
    /// In lower case; all that can be typed to find it, also what the line has no room for.
    words: String,
}

impl fmt::Display for Choice {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.line)
    }
}

/// Offers the open operations of the namespace, the newest first; gives the names of those that
/// were picked, none where the person gave up.
pub async fn pick(session: &Session, screen: Screen) -> Result<Option<Vec<String>>, CliError> {
    let all = Criteria::default();
    let records = list(session, &session.records(), &all, &open(), Some(MOST)).await?;
    if records.is_empty() {
        return Err(CliError::new(
            Exit::NotFound,
            format!(
                "no operation in namespace {0} is open; see what there is: kubectl rollback operations -n {0}",
                session.namespace
            ),
        ));
    }
    if records.len() == MOST {
        screen.note(&format!(
            "The newest {MOST} are offered; older ones are undone by name or by criteria."
        ));
    }
    let size = terminal_size_of(std::io::stderr());
    let (width, height) = size.map_or((80, 24), |(Width(width), Height(height))| (width, height));
    let choices = choices(&records, session.clock.now(), usize::from(width));
    let page = usize::from(height).saturating_sub(AROUND).clamp(3, 15);
    let colours = screen.err.colours;
    let mut asking = tokio::task::spawn_blocking(move || ask(choices, page, colours));
    let picked = tokio::select! {
        biased;
        () = interrupted() => {
            // The list is left first, so that what is said comes below it.
            let _ = session.clock.timeout(LEAVING, &mut asking).await;
            None
        }
        asked = &mut asking => match asked {
            Ok(Ok(picked)) => Some(picked),
            Ok(Err(error)) if is_given_up(&error) => None,
            Ok(Err(error)) => return Err(cannot_ask(&error)),
            Err(error) => return Err(cannot_ask(&error)),
        },
    };
    if picked.is_none() {
        screen.note("Nothing was picked; nothing is created.");
    }
    Ok(picked)
}

/// Esc, or Ctrl-C, which the terminal's reader reports before the signal arrives.
fn is_given_up(error: &InquireError) -> bool {
    match error {
        InquireError::OperationCanceled | InquireError::OperationInterrupted => true,
        InquireError::IO(error) => error.kind() == ErrorKind::Interrupted,
        _ => false,
    }
}

/// What is not, or not wholly, rolled back. Ledgers are not offered, because to undo one is a redo.
fn open() -> Filter {
    Filter {
        types: vec![
            OperationType::Assign,
            OperationType::Revoke,
            OperationType::CopyAssignments,
            OperationType::ClonePermissionSet,
        ],
        rolled_back: Some(false),
        ..Filter::default()
    }
}

fn cannot_ask(error: &dyn fmt::Display) -> CliError {
    CliError::failed(format!("cannot show the list: {error}; give names or criteria"))
}

/// The records as lines that fit a terminal of this many columns.
fn choices(records: &[OperationRecord], now: Timestamp, width: usize) -> Vec<Choice> {
    let rows = records.iter().map(|record| {
        let mut cells = row(record, false, false, Some(now));
        cells.truncate(6);
        cells.push(Cell::from(count(accounts(record), "account")));
        let partly = rolled_back(record) == Some(false);
        cells.push(Cell::from(if partly { "partly undone" } else { "open" }));
        cells
    });
    let text = table(&[], Yields::default(), rows.collect(), Paint::PLAIN);
    let lines = text.lines().map(|line| fit(line, width.saturating_sub(MARK)));
    let choice = |(record, line): (&OperationRecord, String)| Choice {
        name: record.name_any(),
        instance: record.spec.instance.clone(),
        line,
        words: words(record),
    };
    records.iter().zip(lines).map(choice).collect()
}

fn words(record: &OperationRecord) -> String {
    let cells = row(record, false, true, None);
    let cells: Vec<&str> = cells.iter().map(|cell| cell.text.as_str()).collect();
    let mut words = cells.join(" ");
    for change in &record.spec.changes {
        let set = change.permission_set_name.as_deref();
        let texts = [change.principal.name.as_deref(), Some(change.principal.id.as_str()), set];
        for text in texts.into_iter().flatten().chain(change.accounts.iter().map(AccountId::as_str))
        {
            words.push(' ');
            words.push_str(text);
        }
    }
    words.to_lowercase()
}

fn ask(choices: Vec<Choice>, page: usize, colours: bool) -> Result<Vec<String>, InquireError> {
    let config = if colours { RenderConfig::default_colored() } else { RenderConfig::empty() };
    let picked = MultiSelect::new(QUESTION, choices)
        .with_help_message(HELP)
        .with_page_size(page)
        .with_scorer(&score)
        .with_formatter(&|picked| {
            let names: Vec<String> = picked.iter().map(|it| one_line(&it.value.name)).collect();
            names.join(", ")
        })
        .with_validator(|picked: &[ListOption<&Choice>]| Ok(judge(picked)))
        .with_render_config(config)
        .prompt()?;
    Ok(picked.into_iter().map(|choice| choice.name).collect())
}

/// Those that contain what was typed, in the order that they have: the newest first.
fn score(typed: &str, choice: &Choice, _: &str, index: usize) -> Option<i64> {
    let index = i64::try_from(index).unwrap_or(i64::MAX);
    choice.words.contains(&typed.to_lowercase()).then_some(-index)
}

/// What one Rollback can undo: some, of one instance.
fn judge(picked: &[ListOption<&Choice>]) -> Validation {
    let Some(first) = picked.first() else {
        return Validation::Invalid("nothing is marked: space marks the line at the cursor".into());
    };
    match picked.iter().find(|other| other.value.instance != first.value.instance) {
        Some(other) => Validation::Invalid(
            format!(
                "{} is of instance {}, {} of {}: one Rollback undoes operations of one instance",
                first.value.name, first.value.instance, other.value.name, other.value.instance
            )
            .into(),
        ),
        None => Validation::Valid,
    }
}

#[cfg(test)]
mod tests {
    use inquire::validator::ErrorMessage;

    use super::*;
    use crate::cli::fixtures;

    fn now() -> Timestamp {
        "2026-11-23T20:55:11Z".parse().unwrap()
    }

    fn condition(record: &mut OperationRecord, status: &str) {
        record.status = serde_json::from_value(serde_json::json!({"conditions": [{
            "type": "RolledBack", "status": status, "reason": "Succeeded", "message": "",
            "lastTransitionTime": "2026-11-23T21:00:00Z",
        }]}))
        .unwrap();
    }

    #[test]
    fn what_is_undone_and_ledgers_are_not_offered() {
        let mut record = fixtures::record();
        assert!(open().fits(&record));
        condition(&mut record, "False");
        assert!(open().fits(&record), "undone in part");
        condition(&mut record, "True");
        assert!(!open().fits(&record));
        assert!(!open().fits(&fixtures::ledger("undo-1", "undo", "u", "Verified")));
    }

    #[test]
    fn lines_fit_the_terminal_and_hold_no_control_characters() {
        let mut other = fixtures::record();
        other.metadata.name = Some("copy-39156504".to_owned());
        other.spec.actor = Some("eve\u{1b}[31m\nroot".to_owned());
        condition(&mut other, "False");
        let records = [fixtures::record(), other];
        let lines = |width| -> Vec<String> {
            choices(&records, now(), width).into_iter().map(|choice| choice.line).collect()
        };
        assert_eq!(
            lines(200),
            [
                "assign-2abdc948   Assign   4m59s   alice           john.doe   ReadOnlyAccess   2 accounts   open",
                "copy-39156504     Assign   4m59s   eve [31m root   john.doe   ReadOnlyAccess   2 accounts   partly undone",
            ]
        );
        assert_eq!(lines(40)[0], "assign-2abdc948   Assign   4m59s…");
        assert_eq!(lines(3), ["…", "…"]);
    }

    #[test]
    fn what_is_typed_finds_also_what_the_line_has_no_room_for() {
        let choice = &choices(&[fixtures::record()], now(), 40)[0];
        for typed in ["", "ALI", "readonly", "592740528984", "0f791059", "2abdc948-e85d"] {
            assert_eq!(score(typed, choice, "", 7), Some(-7), "{typed}");
        }
        assert_eq!(score("bob", choice, "", 7), None);
    }

    #[test]
    fn something_of_one_instance_must_be_picked() {
        let one = &choices(&[fixtures::record()], now(), 80)[0];
        let other = &Choice { instance: "other".to_owned(), ..one.clone() };
        let said = |picked: &[&Choice]| {
            let picked: Vec<_> = picked.iter().map(|it| ListOption::new(0, *it)).collect();
            match judge(&picked) {
                Validation::Valid => String::new(),
                Validation::Invalid(ErrorMessage::Custom(message)) => message,
                Validation::Invalid(ErrorMessage::Default) => unreachable!("it says why"),
            }
        };
        assert_eq!(said(&[one, one]), "");
        assert!(said(&[]).contains("nothing is marked"));
        assert!(said(&[one, other]).contains("is of instance main, assign-2abdc948 of other"));
    }
}
