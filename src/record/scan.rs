//! Finds the items in the bytes of a JSON file, whole or damaged.
//!
//! An item is an object. Tools write `{"Records": […]}` and the like, and what people make of that
//! are lists, one item a line, or many such files in one. All of these are items with something
//! between them, so what stands between is passed over.

use serde::de::IgnoredAny;
use serde_json::{Deserializer, Value};

use super::damage::{Damage, find, message, position_of, skip_space};

/// After so many damages the rest of a file is given up.
const MAX_DAMAGES: usize = 100;

/// How the items of a source are written.
#[derive(Debug, Clone, Copy)]
pub struct Form {
    /// What an item is, in the singular.
    pub item: &'static str,
    /// Names of the members that lists of items are in, in quotes.
    pub lists: &'static [&'static [u8]],
    /// Names of members by which an object is an item and no list is looked for behind them, in
    /// quotes.
    pub members: &'static [&'static [u8]],
    /// The next place, from a byte on, where an item begins.
    pub next: fn(&[u8], usize) -> Option<usize>,
}

/// Gives every item that is complete to `found`, with the byte at which it begins, and returns
/// where the file is damaged.
pub fn scan(form: &Form, bytes: &[u8], mut found: impl FnMut(usize, Value)) -> Vec<Damage> {
    let mut scanner = Scanner { form, bytes, at: 0, objects: 0, lists: 0, resumed: false };
    let mut damages: Vec<Damage> = Vec::new();
    let mut attempts = 0;
    while let Err((damage, resume)) = scanner.items(&mut found) {
        // What is broken within another object shows again when that object is looked into.
        if damages.last().is_none_or(|last| last.position != damage.position) {
            damages.push(damage);
        }
        let Some(next) = (form.next)(bytes, resume) else { break };
        attempts += 1;
        if attempts >= MAX_DAMAGES {
            let what = "there is so much damage that the rest of the file was not read".to_owned();
            damages.push(Damage { position: next, what });
            break;
        }
        (scanner.at, scanner.resumed) = (next, true);
    }
    damages
}

/// The next object, from `from` on, whose first member fits: it is given the bytes from that
/// member's name on.
pub fn next_object(bytes: &[u8], from: usize, fits: impl Fn(&[u8]) -> bool) -> Option<usize> {
    let mut at = from;
    loop {
        let begin = find(bytes, at, b"{")?;
        if fits(bytes.get(skip_space(bytes, begin + 1)..).unwrap_or_default()) {
            return Some(begin);
        }
        at = begin + 1;
    }
}

/// A damage, and where to look on.
type Broken = (Damage, usize);

/// How far a file was read.
struct Scanner<'a> {
    form: &'a Form,
    bytes: &'a [u8],
    /// The next byte.
    at: usize,
    /// Objects with a list of items that have begun and not ended.
    objects: usize,
    /// Lists that have begun and not ended.
    lists: usize,
    /// Whether it went on behind a damage: perhaps within an object whose beginning it never saw.
    resumed: bool,
}

impl Scanner<'_> {
    /// Reads items up to the end of the file.
    fn items(&mut self, found: &mut impl FnMut(usize, Value)) -> Result<(), Broken> {
        loop {
            self.at = skip_space(self.bytes, self.at);
            match self.byte(self.at) {
                None => return self.end(),
                Some(b',') => self.at += 1,
                Some(b'[') => {
                    self.lists += 1;
                    self.at += 1;
                }
                Some(b']') => {
                    self.lists = self.lists.saturating_sub(1);
                    self.at += 1;
                }
                Some(b'}') if self.objects > 0 || self.resumed => {
                    self.objects = self.objects.saturating_sub(1);
                    self.at += 1;
                }
                Some(b'"') if self.objects > 0 || self.resumed => self.member()?,
                Some(b'{') => match self.list_within() {
                    Some(inside) => {
                        self.objects += 1;
                        self.lists += 1;
                        self.at = inside;
                    }
                    None => self.item(found)?,
                },
                Some(_) => {
                    let what = format!("what stands here is not an {}", self.form.item);
                    return Err((Damage { position: self.at, what }, self.at + 1));
                }
            }
        }
    }

    fn byte(&self, at: usize) -> Option<u8> {
        self.bytes.get(at).copied()
    }

    /// Whether the file may end here.
    fn end(&self) -> Result<(), Broken> {
        let what = if self.bytes.iter().all(u8::is_ascii_whitespace) {
            "the file is empty".to_owned()
        } else if self.objects + self.lists > 0 {
            let item = self.form.item;
            format!("the file ends before its list of {item}s does; what followed is lost")
        } else {
            return Ok(());
        };
        Err((Damage { position: self.at, what }, self.at))
    }

    /// Reads one item.
    fn item(&mut self, found: &mut impl FnMut(usize, Value)) -> Result<(), Broken> {
        let at = self.at;
        let rest = self.bytes.get(at..).unwrap_or_default();
        let mut stream = Deserializer::from_slice(rest).into_iter::<Value>();
        match stream.next() {
            Some(Ok(value)) => {
                found(at, value);
                self.at += stream.byte_offset();
                Ok(())
            }
            Some(Err(error)) => {
                let position = at + position_of(rest, &error);
                let what = format!(
                    "the {} that begins at byte {at} is not complete and is lost: {}",
                    self.form.item,
                    message(&error)
                );
                Err((Damage { position, what }, at + 1))
            }
            None => Err((Damage { position: at, what: "nothing follows".to_owned() }, at + 1)),
        }
    }

    /// The place inside the list, where an object begins here that holds a list of items: as its
    /// first member, or behind others that no item has, such as `NextToken`.
    fn list_within(&self) -> Option<usize> {
        let mut at = skip_space(self.bytes, self.at + 1);
        loop {
            if let Some(inside) = self.list_named(at) {
                return Some(inside);
            }
            let rest = self.bytes.get(at..).unwrap_or_default();
            if self.form.members.iter().any(|name| rest.starts_with(name)) {
                return None;
            }
            at = skip_space(self.bytes, self.behind_member(at)?);
            if self.byte(at)? != b',' {
                return None;
            }
            at = skip_space(self.bytes, at + 1);
        }
    }

    fn list_named(&self, at: usize) -> Option<usize> {
        let rest = self.bytes.get(at..)?;
        let name = self.form.lists.iter().find(|name| rest.starts_with(name))?;
        let colon = skip_space(self.bytes, at + name.len());
        let bracket = skip_space(self.bytes, colon + 1);
        let is_list = self.byte(colon)? == b':' && self.byte(bracket)? == b'[';
        is_list.then_some(bracket + 1)
    }

    /// Passes over another member of the object that holds the list, or goes into another list.
    fn member(&mut self) -> Result<(), Broken> {
        if let Some(inside) = self.list_named(self.at) {
            self.lists += 1;
            self.at = inside;
            return Ok(());
        }
        let Some(behind) = self.behind_member(self.at) else {
            let item = self.form.item;
            let what =
                format!("after an {item} neither another one nor the end of the list follows");
            return Err((Damage { position: self.at, what }, self.at + 1));
        };
        self.at = behind;
        Ok(())
    }

    /// The end of the member, name and value, that begins at `at`.
    fn behind_member(&self, at: usize) -> Option<usize> {
        let name = if self.byte(at)? == b'"' { passed(self.bytes, at)? } else { return None };
        let colon = skip_space(self.bytes, name);
        if self.byte(colon)? != b':' {
            return None;
        }
        passed(self.bytes, colon + 1)
    }
}

/// The end of the value at `at`.
fn passed(bytes: &[u8], at: usize) -> Option<usize> {
    let mut stream = Deserializer::from_slice(bytes.get(at..)?).into_iter::<IgnoredAny>();
    stream.next()?.ok()?;
    Some(at + stream.byte_offset())
}

#[cfg(test)]
mod tests;
