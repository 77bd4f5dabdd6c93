//! Finds the operations in the bytes of a store file, whole or damaged.
//!
//! awsideman rewrites its whole file for each operation, without a lock and without an atomic
//! rename, so a store may be cut short or hold the remains of a longer version of itself. Every
//! operation that is complete is taken; where one is not, the place is reported.

use serde::de::IgnoredAny;
use serde_json::{Deserializer, Value};

use crate::record::damage::{Damage, find, message, position_of, skip_space};

/// After so many damages the rest of a file is given up.
const MAX_DAMAGES: usize = 100;

/// What a file holds.
#[derive(Debug, Default, PartialEq)]
pub struct Scan {
    /// The elements of its list of operations, with the byte at which each begins.
    pub elements: Vec<(usize, Value)>,
    /// Where it is damaged.
    pub damages: Vec<Damage>,
}

/// Reads every operation that is complete.
#[must_use]
pub fn scan(bytes: &[u8]) -> Scan {
    let mut found = Scan::default();
    let mut next = match list_start(bytes) {
        Ok(start) => start,
        Err(None) => return found,
        Err(Some(damage)) => {
            found.damages.push(damage);
            next_operation(bytes, 0)
        }
    };
    while let Some(from) = next {
        if found.damages.len() >= MAX_DAMAGES {
            found.damages.push(Damage {
                position: from,
                what: "there is so much damage that the rest of the file was not read".to_owned(),
            });
            break;
        }
        next = match elements(bytes, from, &mut found.elements) {
            Ok(()) => None,
            Err((damage, resume)) => {
                found.damages.push(damage);
                next_operation(bytes, resume)
            }
        };
    }
    found
}

/// The position after the `[` of the list; `Err(None)` for a store that never held anything.
fn list_start(bytes: &[u8]) -> Result<Option<usize>, Option<Damage>> {
    let name = b"\"operations\"";
    if let Some(at) = find(bytes, 0, name) {
        let colon = skip_space(bytes, at + name.len());
        let bracket = skip_space(bytes, colon + 1);
        if bytes.get(colon) == Some(&b':') && bytes.get(bracket) == Some(&b'[') {
            return Ok(Some(bracket + 1));
        }
    }
    let damage = match serde_json::from_slice::<Value>(bytes) {
        Ok(Value::Object(map)) if map.is_empty() => return Err(None),
        Ok(_) => Damage { position: 0, what: "it holds no list named \"operations\"".to_owned() },
        Err(_) if bytes.iter().all(|byte| byte.is_ascii_whitespace() || *byte == 0) => {
            Damage { position: 0, what: "the file is empty".to_owned() }
        }
        Err(error) => Damage {
            position: position_of(bytes, &error),
            what: format!("it is not the store that awsideman writes: {}", message(&error)),
        },
    };
    Err(Some(damage))
}

/// Reads elements up to the end of the list and of the file. On damage: where to look on.
fn elements(
    bytes: &[u8],
    from: usize,
    found: &mut Vec<(usize, Value)>,
) -> Result<(), (Damage, usize)> {
    let mut at = skip_space(bytes, from);
    loop {
        match bytes.get(at) {
            None => return Err((ends_early(at), at)),
            Some(b']') => return list_end(bytes, at),
            Some(_) => {}
        }
        let rest = bytes.get(at..).unwrap_or_default();
        let mut stream = Deserializer::from_slice(rest).into_iter::<Value>();
        match stream.next() {
            Some(Ok(value @ Value::Object(_))) => found.push((at, value)),
            Some(Ok(_)) => {
                let what = "what stands here is not an operation";
                return Err((Damage { position: at, what: what.to_owned() }, at + 1));
            }
            Some(Err(error)) => {
                let position = at + position_of(rest, &error);
                return Err((broken_operation(rest, at, position, &error), at + 1));
            }
            None => return Err((ends_early(at), at)),
        }
        at = skip_space(bytes, at + stream.byte_offset());
        match bytes.get(at) {
            Some(b',') => at = skip_space(bytes, at + 1),
            Some(b']') => {}
            None => return Err((ends_early(at), at)),
            Some(_) => {
                let what = "after this operation neither another one nor the end of the list \
                            follows";
                return Err((Damage { position: at, what: what.to_owned() }, at));
            }
        }
    }
}

/// Checks that the document ends well after its list, at `at`.
fn list_end(bytes: &[u8], at: usize) -> Result<(), (Damage, usize)> {
    let head = b"{\"operations\":[";
    let tail = bytes.get(at..).unwrap_or_default();
    let document = [head, tail].concat();
    match serde_json::from_slice::<IgnoredAny>(&document) {
        Ok(_) => Ok(()),
        Err(error) => {
            let position = at + position_of(&document, &error).saturating_sub(head.len());
            let what = if error.is_eof() {
                "the file ends before it is complete; no operation is missing".to_owned()
            } else {
                "something else stands after the end of the list, as two writers at once leave it"
                    .to_owned()
            };
            Err((Damage { position, what }, at))
        }
    }
}

fn ends_early(at: usize) -> Damage {
    let what = "the file ends before its list of operations does; what followed is lost";
    Damage { position: at, what: what.to_owned() }
}

fn broken_operation(
    rest: &[u8],
    begins: usize,
    position: usize,
    error: &serde_json::Error,
) -> Damage {
    let id = operation_id(rest).map_or_else(String::new, |id| format!(" ({id})"));
    Damage {
        position,
        what: format!(
            "the operation{id} that begins at byte {begins} is not complete and is lost: {}",
            message(error)
        ),
    }
}

/// The id of a broken operation, if it stands at its beginning.
fn operation_id(rest: &[u8]) -> Option<String> {
    let start = next_operation(rest, 0).filter(|start| *start == 0)?;
    let name = b"\"operation_id\"";
    let colon = skip_space(rest, find(rest, start, name)? + name.len());
    let value = rest.get(skip_space(rest, colon + 1)..)?;
    match Deserializer::from_slice(value).into_iter::<String>().next()? {
        Ok(id) => Some(id.chars().take(100).collect()),
        Err(_) => None,
    }
}

/// The next place, from `from` on, where an operation begins as awsideman writes it.
fn next_operation(bytes: &[u8], from: usize) -> Option<usize> {
    let name = b"\"operation_id\"";
    let mut at = from;
    while let Some(found) = find(bytes, at, name) {
        let before = bytes.get(from..found).unwrap_or_default();
        let brace = before.iter().rposition(|byte| !byte.is_ascii_whitespace());
        if let Some(brace) = brace.filter(|brace| before.get(*brace) == Some(&b'{')) {
            return Some(from + brace);
        }
        at = found + name.len();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(scan: &Scan) -> Vec<&str> {
        scan.elements.iter().filter_map(|(_, value)| value["operation_id"].as_str()).collect()
    }

    #[test]
    fn a_whole_file_has_no_damage() {
        let text = br#" {"operations": [ {"operation_id": "a"}, {"operation_id": "b"} ], "x": 1} "#;
        let scan = scan(text);
        assert_eq!(ids(&scan), ["a", "b"]);
        assert_eq!(scan.elements[1].0, 41);
        assert_eq!(scan.damages, []);
        assert_eq!(super::scan(b"{}"), Scan::default());
        assert_eq!(super::scan(br#"{"operations": []}"#), Scan::default());
    }

    #[test]
    fn what_is_complete_before_a_cut_is_taken_and_the_cut_is_named() {
        let text = br#"{"operations": [{"operation_id": "a"}, {"operation_id": "b", "timesta"#;
        let scan = scan(text);
        assert_eq!(ids(&scan), ["a"]);
        assert_eq!(scan.damages.len(), 1);
        assert_eq!(scan.damages[0].position, text.len());
        assert_eq!(
            scan.damages[0].what,
            "the operation (b) that begins at byte 39 is not complete and is lost: EOF while \
             parsing a string"
        );
    }

    #[test]
    fn a_cut_between_operations_and_one_after_the_list_are_told_apart() {
        let between = scan(br#"{"operations": [{"operation_id": "a"},"#);
        assert_eq!(ids(&between), ["a"]);
        assert!(between.damages[0].what.contains("what followed is lost"));
        let after = scan(br#"{"operations": [{"operation_id": "a"}]"#);
        assert_eq!(ids(&after), ["a"]);
        assert!(after.damages[0].what.contains("no operation is missing"));
    }

    #[test]
    fn operations_behind_a_damage_are_taken_as_well() {
        let middle = scan(br#"{"operations": [{"operation_id": "a", !}, {"operation_id": "b"}]}"#);
        assert_eq!(ids(&middle), ["b"]);
        assert_eq!(middle.damages.len(), 1);
        assert_eq!(middle.damages[0].position, 38);
        let remains =
            scan(br#"{"operations": [{"operation_id": "a"}]}": 1}, {"operation_id": "b"}]}"#);
        assert_eq!(ids(&remains), ["a", "b"]);
        assert_eq!(remains.damages.len(), 1);
        assert_eq!(remains.damages[0].position, 39);
    }

    #[test]
    fn what_is_not_an_operation_hides_none() {
        let scan = scan(br#"{"operations": [3, [{"operation_id": "a"}, {"operation_id": "b"}]}"#);
        assert_eq!(ids(&scan), ["a", "b"]);
        assert_eq!(scan.damages[0].position, 16);
    }

    #[test]
    fn what_is_no_store_is_said_to_be_none() {
        for (bytes, words) in [
            (&b""[..], "empty"),
            (b"\0\0\0\0", "empty"),
            (b"[1]", "no list"),
            (b"{\"operations\": 3}", "no list"),
            (b"\xff\xfe", "not the store"),
            (b"<html>", "not the store"),
        ] {
            let scan = scan(bytes);
            assert_eq!(scan.elements, []);
            assert!(scan.damages[0].what.contains(words), "{:?}", scan.damages);
        }
    }

    #[test]
    fn endless_damage_is_given_up() {
        let scan = scan(&b"{\"operation_id\" ".repeat(10_000));
        assert_eq!(scan.damages.len(), MAX_DAMAGES + 1);
    }
}
