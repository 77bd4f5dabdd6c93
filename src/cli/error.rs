//! Errors as a person reads them: what happened, to what, what to do next.

use kube::core::Status;
use kube::runtime::watcher;

use super::exit::Exit;
use crate::api::{GROUP, VERSION, size};

/// A sentence and an exit code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct CliError {
    /// The exit code.
    pub exit: Exit,
    /// The sentence.
    pub message: String,
}

impl CliError {
    /// An error with its own exit code.
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into() }
    }

    /// Something failed.
    pub fn failed(message: impl Into<String>) -> Self {
        Self::new(Exit::Failed, message)
    }

    /// The command line cannot be used.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// What a request to the API server ended with; `doing` is a clause such as `read rollback x`.
    #[must_use]
    pub fn request(doing: &str, error: &kube::Error) -> Self {
        match error {
            kube::Error::Api(status) => refused(doing, status),
            kube::Error::SerdeError(error) => Self::failed(format!(
                "cannot {doing}: the answer is not what this version of the plugin knows ({error}); \
                 install the plugin of the operator's version"
            )),
            kube::Error::Auth(error) => Self::failed(format!(
                "cannot {doing}: the kubeconfig's credentials cannot be used ({error}); log in again"
            )),
            other => Self::failed(format!(
                "cannot {doing}: the API server did not answer ({}); check the cluster and --context",
                innermost(other)
            )),
        }
    }

    /// What a watch ended with, if it is nothing that passes.
    #[must_use]
    pub fn watch(doing: &str, error: &watcher::Error) -> Option<Self> {
        let (watcher::Error::InitialListFailed(kube::Error::Api(status))
        | watcher::Error::WatchStartFailed(kube::Error::Api(status))
        | watcher::Error::WatchError(status)) = error
        else {
            return None;
        };
        matches!(status.code, 401 | 403 | 404).then(|| refused(doing, status))
    }
}

/// Whether the API server says that an object is not there.
#[must_use]
pub fn is_missing(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 404 && names_an_object(status))
}

/// Whether the API server says that an object is there already.
#[must_use]
pub fn is_conflict(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 409)
}

/// Whether an object is larger than what etcd takes.
#[must_use]
pub fn is_too_large(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if size::is_too_large(status))
}

fn refused(doing: &str, status: &Status) -> CliError {
    let said = status.message.trim_end_matches('.');
    match status.code {
        401 => CliError::failed(format!(
            "cannot {doing}: the API server does not accept the kubeconfig's credentials; log in again"
        )),
        403 if !by_admission(said) => CliError::failed(format!(
            "cannot {doing}: you may not ({said}); ask for a role that allows it"
        )),
        404 if names_an_object(status) => {
            CliError::new(Exit::NotFound, format!("cannot {doing}: {said}"))
        }
        404 => CliError::new(
            Exit::NotFound,
            format!(
                "cannot {doing}: the cluster does not know the kinds of {GROUP}/{VERSION}; are the \
                 CRDs installed? (kubectl get crds | grep {GROUP})"
            ),
        ),
        _ if by_admission(said) => CliError::new(
            Exit::RefusedByPolicy,
            format!("cannot {doing}: a policy of the cluster refuses it: {said}"),
        ),
        429 => CliError::failed(format!(
            "cannot {doing}: the API server is busy ({said}); try again in a moment"
        )),
        _ => CliError::failed(format!("cannot {doing}: {said}")),
    }
}

fn by_admission(message: &str) -> bool {
    message.contains("ValidatingAdmissionPolicy") || message.contains("admission webhook")
}

/// A 404 without a name is about the kind and not about an object.
fn names_an_object(status: &Status) -> bool {
    status.details.as_ref().is_some_and(|details| !details.name.is_empty())
}

fn innermost(error: &kube::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    if let kube::Error::Service(inner) = error {
        cause = inner.as_ref();
    }
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use kube::core::response::StatusDetails;

    use super::*;

    fn error(code: u16, message: &str, name: &str) -> CliError {
        let details: StatusDetails =
            serde_json::from_value(serde_json::json!({ "name": name })).unwrap();
        let mut status = Status::failure(message, "Reason").with_code(code);
        status.details = Some(details);
        CliError::request("read rollback undo", &kube::Error::Api(Box::new(status)))
    }

    #[test]
    fn errors_are_sentences_with_a_next_step() {
        for (code, message, name, exit, expected) in [
            (
                404,
                "rollbacks \"undo\" not found",
                "undo",
                Exit::NotFound,
                "cannot read rollback undo: rollbacks \"undo\" not found",
            ),
            (
                404,
                "the server could not find the requested resource",
                "",
                Exit::NotFound,
                "are the CRDs installed?",
            ),
            (
                403,
                "rollbacks is forbidden: User \"eve\" cannot get",
                "undo",
                Exit::Failed,
                "ask for a role",
            ),
            (
                403,
                "ValidatingAdmissionPolicy 'four-eyes' denied request: no",
                "undo",
                Exit::RefusedByPolicy,
                "a policy of the cluster refuses it",
            ),
            (
                422,
                "ValidatingAdmissionPolicy 'four-eyes' denied request: no",
                "undo",
                Exit::RefusedByPolicy,
                "a policy of the cluster refuses it",
            ),
            (422, "Rollback is invalid: spec.operations", "undo", Exit::Failed, "spec.operations"),
            (401, "Unauthorized", "", Exit::Failed, "log in again"),
        ] {
            let error = error(code, message, name);
            assert_eq!(error.exit, exit, "{error}");
            assert!(error.message.contains(expected), "{error}");
            assert!(!error.message.contains('{'), "no debug output: {error}");
        }
    }
}
