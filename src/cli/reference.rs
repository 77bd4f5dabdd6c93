//! Names of Rollbacks as the command line takes them.

use crate::api::GROUP;

/// What kubectl and this plugin call the kind.
const KINDS: [&str; 3] = ["rollback", "rollbacks", "rb"];

/// The name of a Rollback, given alone or as `-o name` and kubectl write it:
/// `rollback.identitycenter.dev/undo`.
///
/// # Errors
/// That it names another kind, or nothing: a sentence.
pub fn rollback(text: &str) -> Result<String, String> {
    let (kind, name) = text.rsplit_once('/').unwrap_or((KINDS[0], text));
    let plain = kind.strip_suffix(GROUP).and_then(|kind| kind.strip_suffix('.')).unwrap_or(kind);
    if !KINDS.contains(&plain) {
        return Err(format!("it is of the kind {kind}; give the name of a Rollback"));
    }
    if name.is_empty() {
        return Err("it is empty; give the name of a Rollback".to_owned());
    }
    Ok(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rollback_is_named_alone_or_with_its_kind() {
        for text in [
            "undo",
            "rb/undo",
            "rollback/undo",
            "rollbacks/undo",
            "rollback.identitycenter.dev/undo",
            "rollbacks.identitycenter.dev/undo",
        ] {
            assert_eq!(rollback(text), Ok("undo".to_owned()), "{text}");
        }
        for text in ["", "rollback/", "pod/undo", "../undo", "rollback.example.com/undo"] {
            assert!(rollback(text).is_err(), "{text}");
        }
    }
}
