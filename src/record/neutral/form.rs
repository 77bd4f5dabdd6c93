//! How operations are written.

use crate::record::damage::{find, skip_space};
use crate::record::scan::{Form, next_object};

/// The form of operations.
pub const FORM: Form = Form {
    item: "operation",
    lists: &[b"\"operations\""],
    members: &MEMBERS,
    next: next_operation,
};
/// The members of an operation.
const MEMBERS: [&[u8]; 14] = [
    b"\"actor\"",
    b"\"changes\"",
    b"\"createdPermissionSet\"",
    b"\"failed\"",
    b"\"instance\"",
    b"\"occurredAt\"",
    b"\"occurredAtPrecision\"",
    b"\"reason\"",
    b"\"recordedBy\"",
    b"\"rollback\"",
    b"\"source\"",
    b"\"startedAt\"",
    b"\"ticket\"",
    b"\"type\"",
];

/// The next place, from `from` on, where an operation begins: an object at the beginning of a line,
/// or one whose first member an operation has.
fn next_operation(bytes: &[u8], from: usize) -> Option<usize> {
    let line = find(bytes, from, b"\n{").map(|at| at + 1);
    let end = line.unwrap_or(bytes.len());
    next_object(bytes.get(..end)?, from, begins_operation).or(line)
}

/// Whether the first member is one that an operation has. A principal has a `type` too, and a
/// created permission set a `source`.
fn begins_operation(member: &[u8]) -> bool {
    let Some(name) = MEMBERS.iter().find(|name| member.starts_with(name)) else { return false };
    let value = member.get(skip_space(member, name.len())..).unwrap_or_default();
    let value = value.get(skip_space(value, 1)..).unwrap_or_default();
    match *name {
        b"\"type\"" => !value.starts_with(b"\"USER\"") && !value.starts_with(b"\"GROUP\""),
        b"\"source\"" => value.starts_with(b"{"),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::OperationRecordSpec;

    #[test]
    fn the_members_are_those_of_the_type() {
        let schema = serde_json::to_value(schemars::schema_for!(OperationRecordSpec)).unwrap();
        let names = schema["properties"].as_object().unwrap().keys();
        let mut quoted: Vec<Vec<u8>> = names.map(|name| format!("{name:?}").into()).collect();
        quoted.sort();
        assert_eq!(quoted, MEMBERS);
    }
}
