//! How operations are written.

use crate::record::damage::skip_space;
use crate::record::scan::Form;

/// The form of operations.
pub const FORM: Form = Form { item: "operation", lists: &[b"\"operations\""], next: next_line };

/// The next line, from `from` on, that begins with an object.
fn next_line(bytes: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        let end = bytes.get(at..)?.iter().position(|byte| *byte == b'\n')?;
        let begin = skip_space(bytes, at + end + 1);
        if *bytes.get(begin)? == b'{' {
            return Some(begin);
        }
        at = at + end + 1;
    }
}
