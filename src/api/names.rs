//! Names of objects that the operator writes.

use sha2::{Digest, Sha256};

/// A name that may be at most this long.
const MAX_NAME: usize = 253;

/// The ledger record of one attempt of a Rollback: `<rollback>-<first 8 of uid>-<attempt>`.
#[must_use]
pub fn ledger(rollback: &str, uid: &str, attempt: i32) -> String {
    with_suffix(rollback, &format!("-{}-{attempt}", short(uid)))
}

/// One shard of the plan of one attempt: `<rollback>-<first 8 of uid>-<attempt>-<first 8 of the digest>-<shard>`.
///
/// The digest is part of the name because shards are immutable and a plan may be made anew.
#[must_use]
pub fn shard(rollback: &str, uid: &str, attempt: i32, digest: &str, index: usize) -> String {
    let digest = digest.strip_prefix("sha256:").unwrap_or(digest);
    with_suffix(rollback, &format!("-{}-{attempt}-{}-{index}", short(uid), short(digest)))
}

fn short(id: &str) -> String {
    id.chars().filter(char::is_ascii_alphanumeric).take(8).collect()
}

fn with_suffix(name: &str, suffix: &str) -> String {
    if name.len() + suffix.len() <= MAX_NAME {
        return format!("{name}{suffix}");
    }
    let hash = hex(&Sha256::digest(name.as_bytes()));
    let keep = MAX_NAME - suffix.len() - 9;
    format!("{}-{}{suffix}", name[..keep].trim_end_matches(['-', '.']), &hash[..8])
}

/// Lower-case hexadecimal digits of some bytes.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fit_and_stay_apart() {
        let uid = "3c3b70b4-4776-41de-9a49-39631b4f118b";
        assert_eq!(ledger("undo", uid, 1), "undo-3c3b70b4-1");
        let long = "a".repeat(253);
        let other = format!("{}b", "a".repeat(252));
        let name = ledger(&long, uid, 12);
        assert!(name.len() <= 253);
        assert_ne!(name, ledger(&other, uid, 12));
        assert!(shard(&long, uid, 1, "sha256:0123456789abcdef", 3).ends_with("-1-01234567-3"));
    }
}
