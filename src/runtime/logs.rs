//! Logs to stderr: JSON for machines, text for people.
//!
//! One line per transition; what must never be in one (credentials, policy documents) is the
//! business of who logs.

use std::io::IsTerminal as _;

use clap::ValueEnum;
use tracing::Subscriber;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// How a line of the log looks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// One JSON object a line.
    #[default]
    Json,
    /// For people.
    Text,
}

/// Why logging could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum LogsError {
    /// The filter has a mistake.
    #[error(
        "the log filter {filter:?} cannot be read: {source}; \
         use a level such as info, or directives such as info,kube=debug"
    )]
    Filter {
        /// What was given.
        filter: String,
        /// What is wrong with it.
        source: tracing_subscriber::filter::ParseError,
    },
    /// Something else logs already.
    #[error("logging was set up twice in one process: {0}")]
    AlreadySet(#[from] tracing::subscriber::SetGlobalDefaultError),
}

/// What is logged of kube's own client when nobody says otherwise. As a warning it writes whole
/// answers that it cannot read, policy documents included; as an error a line without method or
/// path for every answer of 500 and above, which the operator logs itself with both.
const QUIET: &str = "kube_client::client=error,kube_client::client::builder=off";

/// Sets up logging for the process. `RUST_LOG` counts when it is set, else `level`.
///
/// # Errors
/// A filter that cannot be read, or logging that was set up before.
pub fn init(format: LogFormat, level: &str) -> Result<(), LogsError> {
    let filter = std::env::var(EnvFilter::DEFAULT_ENV)
        .ok()
        .filter(|filter| !filter.is_empty())
        .unwrap_or_else(|| format!("{level},{QUIET}"));
    let colour = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let subscriber = subscriber(format, &filter, colour, std::io::stderr)?;
    tracing::subscriber::set_global_default(subscriber)?;
    Ok(())
}

fn subscriber<W>(
    format: LogFormat,
    filter: &str,
    colour: bool,
    writer: W,
) -> Result<Box<dyn Subscriber + Send + Sync>, LogsError>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let filter = EnvFilter::try_new(filter)
        .map_err(|source| LogsError::Filter { filter: filter.to_owned(), source })?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer);
    Ok(match format {
        LogFormat::Json => Box::new(builder.json().flatten_event(true).finish()),
        LogFormat::Text => Box::new(builder.with_ansi(colour).finish()),
    })
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn logged(format: LogFormat, filter: &str) -> String {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = subscriber(format, filter, false, move || writer.clone()).unwrap();
        tracing::subscriber::with_default(subscriber, || {
            let span = tracing::info_span!("reconcile", rollback = "access/undo");
            let _entered = span.enter();
            tracing::info!(action = 7, "action verified");
            tracing::debug!("a detail");
        });
        let bytes = lines.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn json_has_one_object_a_line_with_the_fields_and_the_span() {
        let text = logged(LogFormat::Json, "info");
        let line: serde_json::Value = serde_json::from_str(text.trim_end()).unwrap();
        assert_eq!(line["message"], "action verified");
        assert_eq!(line["action"], 7);
        assert_eq!(line["span"]["rollback"], "access/undo");
        assert_eq!(line["level"], "INFO");
    }

    #[test]
    fn text_is_plain_and_the_filter_holds() {
        let text = logged(LogFormat::Text, "debug");
        assert_eq!(text.lines().count(), 2);
        assert!(!text.contains('\u{1b}'));
        assert!(logged(LogFormat::Text, "warn").is_empty());
    }

    #[test]
    fn a_bad_filter_is_refused_with_advice() {
        let error = subscriber(LogFormat::Text, "info,kube=loud", false, std::io::stderr)
            .err()
            .unwrap()
            .to_string();
        assert!(error.contains("info,kube=loud") && error.contains("info,kube=debug"), "{error}");
    }
}
