//! Live names: asked of the cluster while somebody types.

use std::ffi::{OsStr, OsString};
use std::time::Duration;

use clap::{Args as _, FromArgMatches as _};
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate};
use kube::ResourceExt as _;
use kube::api::ListParams;

use crate::cli::error::CliError;
use crate::cli::session::{Connection, Session};

/// Longer than this nobody waits for a completion.
const LIMIT: Duration = Duration::from_secs(2);
/// So many names are asked for.
const MOST: u32 = 500;

/// Completes names of Rollbacks.
#[must_use]
pub fn rollbacks() -> ArgValueCompleter {
    ArgValueCompleter::new(|part: &OsStr| fitting(part, asked(Kind::Rollbacks)))
}

/// Completes names of operation records.
#[must_use]
pub fn operations() -> ArgValueCompleter {
    ArgValueCompleter::new(|part: &OsStr| fitting(part, asked(Kind::Operations)))
}

#[derive(Clone, Copy)]
enum Kind {
    Rollbacks,
    Operations,
}

/// A name and a word about it.
type Name = (String, String);

fn fitting(part: &OsStr, names: Vec<Name>) -> Vec<CompletionCandidate> {
    let part = part.to_string_lossy();
    let fits = names.into_iter().filter(|(name, _)| name.starts_with(part.as_ref()));
    fits.map(|(name, about)| CompletionCandidate::new(name).help(Some(about.into()))).collect()
}

/// All names, or none: a completion is no place for errors.
fn asked(kind: Kind) -> Vec<Name> {
    let Some(connection) = connection(std::env::args_os().collect()) else { return Vec::new() };
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
        return Vec::new();
    };
    runtime.block_on(list(kind, &connection)).unwrap_or_default()
}

async fn list(kind: Kind, connection: &Connection) -> Result<Vec<Name>, CliError> {
    let session = Session::connect(connection).await?;
    let parameters = ListParams::default().limit(MOST);
    let doing = "list names";
    Ok(match kind {
        Kind::Rollbacks => {
            let found = session.call(doing, session.rollbacks().list(&parameters)).await?;
            let about = |it: &crate::api::Rollback| {
                it.status.as_ref().map(|status| status.phase.to_string())
            };
            found.iter().map(|it| (it.name_any(), about(it).unwrap_or_default())).collect()
        }
        Kind::Operations => {
            let found = session.call(doing, session.records().list(&parameters)).await?;
            let about = |it: &crate::api::OperationRecord| {
                format!("{} at {:.0}", it.spec.operation_type, it.spec.occurred_at)
            };
            found.iter().map(|it| (it.name_any(), about(it))).collect()
        }
    })
}

/// Where to ask, by what of the connection was typed so far.
fn connection(words: Vec<OsString>) -> Option<Connection> {
    const OPTIONS: [&str; 4] = ["-n", "--namespace", "--context", "--kubeconfig"];
    let mut kept: Vec<OsString> = vec!["kubectl-rollback".into()];
    let mut words = words.into_iter().peekable();
    while let Some(word) = words.next() {
        let text = word.to_string_lossy().into_owned();
        if OPTIONS.contains(&text.as_str()) {
            // The option that is typed just now has no value yet.
            let Some(value) = words.next() else { break };
            kept.extend([word, value]);
        } else if OPTIONS.iter().any(|option| text.starts_with(&format!("{option}="))) {
            kept.push(word);
        }
    }
    kept.push(format!("--request-timeout={}s", LIMIT.as_secs()).into());
    let command = Connection::augment_args(clap::Command::new("kubectl-rollback"));
    let matches = command.try_get_matches_from(kept).ok()?;
    Connection::from_arg_matches(&matches).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_connection_is_what_was_typed_so_far() {
        let typed = |line: &str| connection(line.split(' ').map(OsString::from).collect());
        let found = typed("kubectl-rollback __complete plan --diff -n access --context=prod as");
        let found = found.unwrap();
        assert_eq!(found.namespace.as_deref(), Some("access"));
        assert_eq!(found.context.as_deref(), Some("prod"));
        assert_eq!(found.request_timeout, LIMIT);
        assert_eq!(typed("kubectl-rollback status -n").unwrap().namespace, None);
    }

    #[test]
    fn names_that_begin_so_are_offered() {
        let names = || {
            vec![("undo-a".to_owned(), "Failed".to_owned()), ("plan-b".to_owned(), String::new())]
        };
        let found = fitting(OsStr::new("un"), names());
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].get_value(), "undo-a");
        assert_eq!(fitting(OsStr::new(""), names()).len(), 2);
    }
}
