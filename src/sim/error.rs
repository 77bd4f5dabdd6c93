//! The errors of AWS: a code, a message and the HTTP status that goes with them.

use serde_json::{Map, Value, json};

/// An error reply. Client faults are HTTP 400, those of the service 500.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct AwsError {
    pub status: u16,
    pub code: String,
    pub message: String,
    /// Members beside the message, such as `ResourceType`.
    pub members: Map<String, Value>,
}

impl AwsError {
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self { status: 400, code: code.to_owned(), message: message.into(), members: Map::new() }
    }

    pub fn with(mut self, member: &str, value: impl Into<Value>) -> Self {
        self.members.insert(member.to_owned(), value.into());
        self
    }

    pub fn validation(message: impl Into<String>) -> Self {
        Self::new("ValidationException", message)
    }

    /// A constraint of the service model that a member does not satisfy.
    pub fn constraint(member: &str, value: &str, constraint: &str) -> Self {
        let mut name = member.to_owned();
        if let Some(first) = name.get_mut(0..1) {
            first.make_ascii_lowercase();
        }
        let value: String = value.chars().take(200).collect();
        Self::validation(format!(
            "1 validation error detected: Value '{value}' at '{name}' failed to satisfy constraint: {constraint}"
        ))
    }

    pub fn missing(member: &str) -> Self {
        let mut name = member.to_owned();
        if let Some(first) = name.get_mut(0..1) {
            first.make_ascii_lowercase();
        }
        Self::validation(format!(
            "1 validation error detected: Value at '{name}' failed to satisfy constraint: Member must not be null"
        ))
    }

    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new("ResourceNotFoundException", message)
    }

    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new("ConflictException", message)
    }

    pub fn quota(message: impl Into<String>) -> Self {
        Self::new("ServiceQuotaExceededException", message)
    }

    /// More requests in a second than the quota.
    pub fn rate_exceeded() -> Self {
        Self::new("ThrottlingException", "Rate exceeded")
    }

    /// More asynchronous requests at work than the quota.
    pub fn too_many_outstanding() -> Self {
        Self::new(
            "ThrottlingException",
            "There are too many requests processing. Please try again later.",
        )
    }

    /// Another change is at work on the same thing.
    pub fn busy() -> Self {
        Self::conflict("There is a conflicting operation in process.")
    }

    pub fn body(&self) -> Value {
        let mut body = json!({"__type": self.code, "message": self.message});
        if let Value::Object(object) = &mut body {
            object.extend(self.members.clone());
        }
        body
    }
}
