//! What is said of an object that is larger than what the API server or etcd takes.

use kube::core::Status;

/// Whether an answer says that an object is too large. etcd's own limit comes as an error of the
/// server, told by its words alone.
#[must_use]
pub fn is_too_large(status: &Status) -> bool {
    const WORDS: [&str; 3] = [
        "request is too large",
        "trying to send message larger than max",
        "Request entity too large",
    ];
    status.code == 413 || WORDS.iter().any(|words| status.message.contains(words))
}
