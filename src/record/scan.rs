//! Finds the items in the bytes of a JSON file, whole or damaged.
//!
//! An item is an object. Tools write `{"Records": […]}` and the like, and what people make of that
//! are lists, one item a line, or many such files in one. All of these are items with something
//! between them, so what stands between is passed over.

use serde::de::IgnoredAny;
use serde_json::{Deserializer, Value};

use super::damage::{Damage, message, position_of, skip_space};

/// After so many damages the rest of a file is given up.
const MAX_DAMAGES: usize = 100;
/// How the items of a source are written.
#[derive(Debug, Clone, Copy)]
pub struct Form {
    /// What an item is, in the singular.
    pub item: &'static str,
    /// Names of the members that lists of items are in, in quotes.
    pub lists: &'static [&'static [u8]],
    /// The next place, from a byte on, where an item begins.
    pub next: fn(&[u8], usize) -> Option<usize>,
}

/// Gives every item that is complete to `found`, with the byte at which it begins, and returns
/// where the file is damaged.
pub fn scan(form: &Form, bytes: &[u8], mut found: impl FnMut(usize, Value)) -> Vec<Damage> {
    let mut damages = Vec::new();
    let mut next = Some(0);
    while let Some(from) = next {
        if damages.len() >= MAX_DAMAGES {
            let what = "there is so much damage that the rest of the file was not read".to_owned();
            damages.push(Damage { position: from, what });
            break;
        }
        next = match items(form, bytes, from, &mut found) {
            Ok(()) => None,
            Err((damage, resume)) => {
                damages.push(damage);
                (form.next)(bytes, resume)
            }
        };
    }
    damages
}

/// Reads items up to the end of the file. On damage: where to look on.
fn items(
    form: &Form,
    bytes: &[u8],
    from: usize,
    found: &mut impl FnMut(usize, Value),
) -> Result<(), (Damage, usize)> {
    let mut at = from;
    let mut open = 0_usize;
    loop {
        at = skip_space(bytes, at);
        let Some(byte) = bytes.get(at) else {
            let damage = |what: &str| {
                let what = what.replace("item", form.item);
                Err((Damage { position: at, what }, at))
            };
            return match open {
                0 if bytes.iter().all(u8::is_ascii_whitespace) => damage("the file is empty"),
                0 => Ok(()),
                _ => damage("the file ends before its list of items does; what followed is lost"),
            };
        };
        match byte {
            b',' | b'[' | b']' => at += 1,
            b'}' if open > 0 => {
                open -= 1;
                at += 1;
            }
            b'"' if open > 0 => at = member(form, bytes, at)?,
            b'{' => match list_within(form, bytes, at) {
                Some(inside) => {
                    open += 1;
                    at = inside;
                }
                None => at = item(form, bytes, at, found)?,
            },
            _ => {
                let what = format!("what stands here is not an {}", form.item);
                return Err((Damage { position: at, what }, at + 1));
            }
        }
    }
}

/// Reads one item and returns where it ends.
fn item(
    form: &Form,
    bytes: &[u8],
    at: usize,
    found: &mut impl FnMut(usize, Value),
) -> Result<usize, (Damage, usize)> {
    let rest = bytes.get(at..).unwrap_or_default();
    let mut stream = Deserializer::from_slice(rest).into_iter::<Value>();
    match stream.next() {
        Some(Ok(value)) => {
            found(at, value);
            Ok(at + stream.byte_offset())
        }
        Some(Err(error)) => {
            let position = at + position_of(rest, &error);
            let what = format!(
                "the {} that begins at byte {at} is not complete and is lost: {}",
                form.item,
                message(&error)
            );
            Err((Damage { position, what }, at + 1))
        }
        None => Ok(bytes.len()),
    }
}

/// The place inside the list, where an object begins at `at` that holds a list of items first.
fn list_within(form: &Form, bytes: &[u8], at: usize) -> Option<usize> {
    list_named(form, bytes, skip_space(bytes, at + 1))
}

fn list_named(form: &Form, bytes: &[u8], at: usize) -> Option<usize> {
    let name =
        form.lists.iter().find(|name| bytes.get(at..).is_some_and(|it| it.starts_with(name)))?;
    let colon = skip_space(bytes, at + name.len());
    let bracket = skip_space(bytes, colon + 1);
    (bytes.get(colon) == Some(&b':') && bytes.get(bracket) == Some(&b'[')).then_some(bracket + 1)
}

/// Passes over another member of the object that holds the list, such as `NextToken`.
fn member(form: &Form, bytes: &[u8], at: usize) -> Result<usize, (Damage, usize)> {
    if let Some(inside) = list_named(form, bytes, at) {
        return Ok(inside);
    }
    let broken = || {
        let what =
            format!("after an {} neither another one nor the end of the list follows", form.item);
        (Damage { position: at, what }, at + 1)
    };
    let name = passed(bytes, at).ok_or_else(broken)?;
    let colon = skip_space(bytes, name);
    if bytes.get(colon) != Some(&b':') {
        return Err(broken());
    }
    passed(bytes, colon + 1).ok_or_else(broken)
}

/// The end of the value at `at`.
fn passed(bytes: &[u8], at: usize) -> Option<usize> {
    let mut stream = Deserializer::from_slice(bytes.get(at..)?).into_iter::<IgnoredAny>();
    stream.next()?.ok()?;
    Some(at + stream.byte_offset())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::cloudtrail::FORM;

    fn read(text: &str) -> (Vec<String>, Vec<Damage>) {
        let mut ids = Vec::new();
        let damages = scan(&FORM, text.as_bytes(), |_, value| {
            ids.push(value["eventID"].as_str().unwrap_or("?").to_owned());
        });
        (ids, damages)
    }

    fn event(id: &str) -> String {
        format!(r#"{{"eventVersion": "1.08", "eventID": "{id}"}}"#)
    }

    #[test]
    fn every_form_of_events_is_read() {
        let (a, b) = (event("a"), event("b"));
        for text in [
            format!(r#"{{"Records":[{a},{b}]}}"#),
            format!(r#"{{"Records":[{a}]}}{{"Records":[{b}]}}"#),
            format!(r#"{{"Events": [{a}, {b}], "NextToken": "{{["}}"#),
            format!("[{a}, {b}]"),
            format!("{a}\n{b}\n"),
            format!("{a}{b}"),
        ] {
            assert_eq!(read(&text), (vec!["a".to_owned(), "b".to_owned()], vec![]), "{text}");
        }
        assert_eq!(read(r#"{"Records":[]}"#), (vec![], vec![]));
    }

    #[test]
    fn damage_is_named_and_costs_what_it_touches() {
        let (a, b) = (event("a"), event("b"));
        let cut = format!(r#"{{"Records":[{a},{b}"#);
        let (ids, damages) = read(&cut);
        assert_eq!(ids, ["a", "b"]);
        assert_eq!(damages[0].position, cut.len());
        assert!(damages[0].what.contains("ends before its list"), "{damages:?}");

        let broken = format!(r#"{{"Records":[{},{b}]}}"#, a.replace("1.08", "1.\n08"));
        let (ids, damages) = read(&broken);
        assert_eq!(ids, ["b"]);
        assert_eq!(damages.len(), 2, "the event, and an end without a beginning: {damages:?}");
        assert!(damages[0].what.starts_with("the event that begins at byte 12"), "{damages:?}");

        for (text, words) in [("", "empty"), ("<html>", "not an event"), ("3", "not an event")] {
            assert!(read(text).1[0].what.contains(words), "{text}");
        }
    }

    #[test]
    fn endless_damage_is_given_up() {
        let damages = scan(&FORM, &b"{\"eventVersion\" ".repeat(10_000), |_, _| ());
        assert_eq!(damages.len(), MAX_DAMAGES + 1);
    }
}
