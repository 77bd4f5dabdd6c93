//! How events are written: `CloudTrail` writes `{"Records": […]}`, and the answer of `LookupEvents`
//! is `{"Events": […]}`.

use crate::record::damage::find;
use crate::record::scan::Form;

/// The form of events.
pub const FORM: Form =
    Form { item: "event", lists: &[b"\"Records\"", b"\"Events\""], next: next_event };
/// The first member of an event as `CloudTrail` writes it, and as `LookupEvents` does.
const FIRST: [&[u8]; 2] = [b"\"eventVersion\"", b"\"EventId\""];

/// The next place, from `from` on, where an event begins.
fn next_event(bytes: &[u8], from: usize) -> Option<usize> {
    FIRST.iter().filter_map(|name| begins_with(bytes, from, name)).min()
}

fn begins_with(bytes: &[u8], from: usize, name: &[u8]) -> Option<usize> {
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
