//! What can go wrong with a call, and what that means.

use std::error::Error as _;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;

use super::classify;
use super::connector::Refusal;
use super::reply::ErrorReply;
use crate::model::{Class, FailureReason};

/// What AWS answers in place of doing what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}{}", request(request_id.as_deref()))]
pub struct RefusalAnswer {
    /// HTTP status.
    pub status: u16,
    /// AWS's code, or `HTTP` and the status where there is none.
    pub code: String,
    /// AWS's message.
    pub message: String,
    /// The kind of what was not found, where AWS says it.
    pub resource_type: Option<String>,
    /// AWS's id of the request.
    pub request_id: Option<String>,
    /// What to do about it.
    pub class: Class,
}

/// What can go wrong with a call.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// AWS answered that it does not do it.
    #[error("{operation}: {answer}")]
    Refused {
        /// The operation.
        operation: &'static str,
        /// What it answered.
        answer: Box<RefusalAnswer>,
    },
    /// No answer came.
    #[error("{operation}: {problem}")]
    NoAnswer {
        /// The operation.
        operation: &'static str,
        /// What happened in place of an answer.
        problem: String,
        /// Whether the request may have reached AWS.
        sent: bool,
    },
    /// It would have changed something, and the permit to do so has ended. Nothing was sent.
    #[error("{operation}: not sent, because this process is not the leader any more")]
    Fenced {
        /// The operation.
        operation: &'static str,
    },
    /// It waited too long for its turn under the quota. Nothing was sent.
    #[error("{operation}: not sent: {problem}")]
    NotAdmitted {
        /// The operation.
        operation: &'static str,
        /// For how long.
        problem: String,
    },
    /// AWS answered without a member that the answer makes no sense without.
    #[error("{operation}: AWS's answer has no {member}")]
    MissingMember {
        /// The operation.
        operation: &'static str,
        /// The member.
        member: &'static str,
    },
    /// AWS answered with a member of another shape than it documents.
    #[error("{operation}: AWS's answer has a {member} that cannot be used: {problem}")]
    BadMember {
        /// The operation.
        operation: &'static str,
        /// The member.
        member: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// The content of a permission set holds what cannot be sent. Nothing was sent.
    #[error("{operation}: {member} {value:?} cannot be sent; correct the recorded content")]
    BadContent {
        /// The operation.
        operation: &'static str,
        /// The member of the content.
        member: &'static str,
        /// Its value.
        value: String,
    },
}

impl Error {
    /// The operation that it happened in, as AWS spells it.
    #[must_use]
    pub const fn operation(&self) -> &'static str {
        match self {
            Self::Refused { operation, .. }
            | Self::NoAnswer { operation, .. }
            | Self::Fenced { operation }
            | Self::NotAdmitted { operation, .. }
            | Self::MissingMember { operation, .. }
            | Self::BadMember { operation, .. }
            | Self::BadContent { operation, .. } => operation,
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Refused { answer, .. } => answer.class.clone(),
            Self::BadContent { .. } => Class::Terminal(FailureReason::InvalidRequest),
            Self::NoAnswer { .. }
            | Self::Fenced { .. }
            | Self::NotAdmitted { .. }
            | Self::MissingMember { .. }
            | Self::BadMember { .. } => Class::Retry,
        }
    }

    /// Whether the request may have reached AWS and be at work there. A refusal of the service is
    /// an answer; an internal error of it is none.
    #[must_use]
    pub fn may_have_been_sent(&self) -> bool {
        match self {
            Self::Refused { answer, .. } => answer.status >= 500,
            Self::NoAnswer { sent, .. } => *sent,
            Self::MissingMember { .. } | Self::BadMember { .. } => true,
            Self::Fenced { .. } | Self::NotAdmitted { .. } | Self::BadContent { .. } => false,
        }
    }

    /// Whether AWS says that what was asked about is not there.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        ["ResourceNotFoundException", "AccountNotFoundException"].contains(&self.code())
    }

    /// Whether AWS says that the caller lacks a permission.
    #[must_use]
    pub fn is_access_denied(&self) -> bool {
        self.code().starts_with("AccessDenied")
    }

    /// AWS's code; empty when it is not AWS that refused.
    #[must_use]
    pub fn code(&self) -> &str {
        match self {
            Self::Refused { answer, .. } => &answer.code,
            _ => "",
        }
    }

    /// Whether AWS says that the error is about a resource of this kind.
    pub(super) fn names_resource(&self, kind: &str) -> bool {
        matches!(self, Self::Refused { answer, .. } if answer.resource_type.as_deref() == Some(kind))
    }

    /// Makes an error of what the SDK says. `sent` is whether the connector sent anything.
    pub(super) fn from_sdk<E>(
        operation: &'static str,
        error: &SdkError<E, HttpResponse>,
        sent: bool,
    ) -> Self
    where
        E: std::error::Error + 'static,
    {
        if let Some(response) = error.raw_response().filter(|r| !r.status().is_success()) {
            return Self::from_reply(operation, ErrorReply::read(response));
        }
        let refusal = match error {
            SdkError::DispatchFailure(failure) => failure
                .as_connector_error()
                .and_then(|error| error.source())
                .and_then(|source| source.downcast_ref::<Refusal>()),
            _ => None,
        };
        match refusal {
            Some(Refusal::Fenced) => Self::Fenced { operation },
            Some(Refusal::NotAdmitted(late)) => {
                Self::NotAdmitted { operation, problem: late.to_string() }
            }
            None => Self::NoAnswer {
                operation,
                problem: causes(error),
                sent: sent && !was_refused_a_connection(error),
            },
        }
    }

    fn from_reply(operation: &'static str, reply: ErrorReply) -> Self {
        let class = classify::class(&reply);
        let status = reply.status;
        let code = if reply.code.is_empty() { format!("HTTP {status}") } else { reply.code };
        let answer = RefusalAnswer {
            status,
            code,
            message: reply.message,
            resource_type: reply.resource_type,
            request_id: reply.request_id,
            class,
        };
        Self::Refused { operation, answer: Box::new(answer) }
    }
}

/// The error and its causes in one line, without those that only repeat what came before.
fn causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}

/// Nobody listened, so nobody got it.
fn was_refused_a_connection<E>(error: &SdkError<E, HttpResponse>) -> bool
where
    E: std::error::Error + 'static,
{
    let mut source = error.source();
    while let Some(cause) = source {
        let io = cause.downcast_ref::<std::io::Error>();
        if io.is_some_and(|io| io.kind() == std::io::ErrorKind::ConnectionRefused) {
            return true;
        }
        source = cause.source();
    }
    false
}

fn request(id: Option<&str>) -> String {
    id.map(|id| format!(" (request {id})")).unwrap_or_default()
}
