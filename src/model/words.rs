//! Numbers in sentences.

use std::fmt::Display;

/// A number with its noun: `1 account`, `2 accounts`.
#[must_use]
pub fn count<N: Copy + Display + PartialEq + From<bool>>(number: N, noun: &str) -> String {
    let plural = if number == N::from(true) { "" } else { "s" };
    format!("{number} {noun}{plural}")
}
