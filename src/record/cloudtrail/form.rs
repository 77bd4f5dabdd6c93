//! How events are written: `CloudTrail` writes `{"Records": […]}`, and the answer of `LookupEvents`
//! is `{"Events": […]}`.

use crate::record::scan::{Form, next_object};

/// The form of events.
pub const FORM: Form = Form {
    item: "event",
    lists: &[b"\"Records\"", b"\"Events\""],
    members: &[
        b"\"eventVersion\"",
        b"\"eventName\"",
        b"\"EventId\"",
        b"\"CloudTrailEvent\"",
        b"\"detail\"",
        b"\"additionalEventData\"",
        b"\"awsRegion\"",
    ],
    next: next_event,
};
/// The first member of an event as `CloudTrail` writes it, as `LookupEvents` does, and where its
/// members were sorted.
const FIRST: [&[u8]; 5] = [
    b"\"eventVersion\"",
    b"\"EventId\"",
    b"\"CloudTrailEvent\"",
    b"\"additionalEventData\"",
    b"\"awsRegion\"",
];

/// The next place, from `from` on, where an event begins.
fn next_event(bytes: &[u8], from: usize) -> Option<usize> {
    next_object(bytes, from, |member| FIRST.iter().any(|name| member.starts_with(name)))
}
