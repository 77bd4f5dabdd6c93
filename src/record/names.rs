//! Names of imported objects: the same for the same operation, every time.

use sha2::{Digest, Sha256};

use crate::api::names::hex;
use crate::model::OperationType;

/// The longest operation id that still fits into a name.
const MAX_ID: usize = 200;
/// The longest value of a label.
const MAX_LABEL: usize = 63;

/// Whether the id can be told from others and written into a name.
pub fn is_operation_id(id: &str) -> bool {
    id.len() <= MAX_ID
        && id.starts_with(|first: char| first.is_ascii_alphanumeric())
        && id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))
}

/// Whether the tool can be told from others and is the value of a label.
pub fn is_tool(tool: &str) -> bool {
    tool.len() <= MAX_LABEL
        && is_operation_id(tool)
        && tool.ends_with(|last: char| last.is_ascii_alphanumeric())
}

/// Such as `assign-2abdc948`: the type and the first eight letters and digits of the id.
pub fn short(kind: OperationType, id: &str) -> String {
    let letters = id.chars().filter(char::is_ascii_alphanumeric).take(8);
    let letters: String = letters.map(|letter| letter.to_ascii_lowercase()).collect();
    format!("{}-{letters}", prefix(kind))
}

/// The type and the whole id, with a hash of the tool and the id: two tools may have one id, and the
/// id may have what a name must not have.
pub fn full(kind: OperationType, tool: &str, id: &str) -> String {
    let fit: String = id
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' })
        .collect();
    let hash = hex(&Sha256::digest(format!("{tool}/{id}").as_bytes()));
    format!("{}-{}-{}", prefix(kind), fit.trim_matches('-'), hash.get(..8).unwrap_or(&hash))
}

const fn prefix(kind: OperationType) -> &'static str {
    match kind {
        OperationType::Assign => "assign",
        OperationType::Revoke => "revoke",
        OperationType::CopyAssignments => "copy",
        OperationType::ClonePermissionSet => "clone",
        OperationType::Rollback => "rollback",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_short_or_whole_and_always_fit() {
        let id = "2abdc948-e85d-486a-8d50-37afbf1855ff";
        assert_eq!(short(OperationType::Assign, id), "assign-2abdc948");
        let whole = full(OperationType::Assign, "awsideman", id);
        assert_eq!(whole, format!("assign-{id}-c4311fa3"));
        assert_ne!(whole, full(OperationType::Assign, "portal", id), "two tools, two names");
        assert_eq!(short(OperationType::CopyAssignments, "A_b"), "copy-ab");
        assert_ne!(
            full(OperationType::Revoke, "portal", "x_1"),
            full(OperationType::Revoke, "portal", "x-1"),
            "two ids, two names"
        );
        let long = "A.".repeat(100);
        assert!(is_operation_id(&long));
        assert!(full(OperationType::ClonePermissionSet, "portal", &long).len() <= 253);
        for bad in ["", "-a", "a b", "ä", &"a".repeat(201)] {
            assert!(!is_operation_id(bad), "{bad}");
        }
        assert!(is_tool("a.portal") && is_tool(&"a".repeat(63)));
        for bad in ["", "portal-", "portal_", ".portal", "a b", &"a".repeat(64)] {
            assert!(!is_tool(bad), "{bad}");
        }
    }
}
