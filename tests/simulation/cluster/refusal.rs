//! The answers of an API server that says no.

use serde_json::{Value, json};

use super::kinds::Kind;
use super::store::Key;

/// An HTTP status and a `Status` object.
#[derive(Debug, Clone, PartialEq)]
pub struct Refusal {
    pub code: u16,
    pub body: Value,
}

impl Refusal {
    pub fn new(code: u16, reason: &str, message: &str, details: &Value) -> Self {
        let body = json!({
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": message,
            "reason": reason,
            "details": details,
            "code": code,
        });
        Self { code, body }
    }

    fn about(code: u16, reason: &str, kind: Kind, name: &str, message: &str) -> Self {
        let details = json!({"name": name, "group": kind.group(), "kind": kind.plural()});
        Self::new(code, reason, message, &details)
    }

    pub fn not_found(kind: Kind, (_, name): &Key) -> Self {
        let message = format!("{}.{} \"{name}\" not found", kind.plural(), kind.group());
        Self::about(404, "NotFound", kind, name, &message)
    }

    pub fn already_exists(kind: Kind, (_, name): &Key) -> Self {
        let message = format!("{}.{} \"{name}\" already exists", kind.plural(), kind.group());
        Self::about(409, "AlreadyExists", kind, name, &message)
    }

    pub fn conflict(kind: Kind, (_, name): &Key) -> Self {
        let message = format!(
            "Operation cannot be fulfilled on {}.{} \"{name}\": the object has been modified; please apply your changes to the latest version and try again",
            kind.plural(),
            kind.group()
        );
        Self::about(409, "Conflict", kind, name, &message)
    }

    /// A field has a value that it may not have.
    pub fn invalid(kind: Kind, name: &str, field: &str, reason: &str, problem: &str) -> Self {
        let message =
            format!("{}.{} \"{name}\" is invalid: {field}: {problem}", kind.name(), kind.group());
        let details = json!({
            "name": name,
            "group": kind.group(),
            "kind": kind.name(),
            "causes": [{"reason": reason, "message": problem, "field": field}],
        });
        Self::new(422, "Invalid", &message, &details)
    }

    pub fn terminating(kind: Kind, (namespace, name): &Key) -> Self {
        let message = format!(
            "{}.{} \"{name}\" is forbidden: unable to create new content in namespace {namespace} because it is being terminated",
            kind.plural(),
            kind.group()
        );
        let cause = format!("namespace {namespace} is being terminated");
        let details = json!({
            "name": name,
            "group": kind.group(),
            "kind": kind.plural(),
            "causes": [{"reason": "NamespaceTerminating", "message": cause, "field": "metadata.namespace"}],
        });
        Self::new(403, "Forbidden", &message, &details)
    }

    /// The path leads to nothing that is served: no object, but plain text.
    pub fn unknown_path() -> Self {
        Self { code: 404, body: Value::String("404 page not found\n".to_owned()) }
    }

    pub fn too_large() -> Self {
        Self::new(500, "", "etcdserver: request is too large", &Value::Null)
    }

    pub fn expired(from: u64, now: u64) -> Self {
        let message = format!("too old resource version: {from} ({now})");
        Self::new(410, "Expired", &message, &Value::Null)
    }

    pub fn unavailable(code: u16) -> Self {
        let (reason, message) = match code {
            429 => ("TooManyRequests", "the server has received too many requests"),
            500 => ("InternalError", "etcdserver: leader changed"),
            503 => ("ServiceUnavailable", "the server is currently unable to handle the request"),
            504 => ("Timeout", "Timeout: request did not complete within the allotted timeout"),
            _ => ("InternalError", "an error"),
        };
        Self::new(code, reason, message, &Value::Null)
    }
}
