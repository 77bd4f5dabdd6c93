//! Shapes that recur in the schemas: bounded strings, timestamps and atomic lists.

use schemars::{Schema, SchemaGenerator, json_schema};

/// A string of at most 63 characters that can be the name of an object's label or short name.
pub fn name(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "minLength": 1, "maxLength": 253})
}

/// A short free text: one line.
pub fn line(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "maxLength": 256})
}

/// A free text of a few sentences.
pub fn text(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "maxLength": 2048})
}

/// A point in time as RFC 3339 writes it.
pub fn time(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "format": "date-time", "maxLength": 64})
}

/// A duration as Kubernetes writes it: `300ms`, `2s`, `5m`, `24h`, `1h30m`.
pub fn duration(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "maxLength": 32, "pattern": "^([0-9]+(ms|s|m|h))+$"})
}

/// The digest of a plan or of content: `sha256:` and 64 hexadecimal digits.
pub fn digest(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "maxLength": 71, "pattern": "^sha256:[0-9a-f]{64}$"})
}

/// A list of short lines that is replaced as a whole.
pub fn lines(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array",
        "maxItems": 100,
        "items": {"type": "string", "maxLength": 1024},
        "x-kubernetes-list-type": "atomic",
    })
}

/// A list of object names that is replaced as a whole.
pub fn names(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array",
        "maxItems": 1000,
        "items": {"type": "string", "minLength": 1, "maxLength": 253},
        "x-kubernetes-list-type": "atomic",
    })
}

/// A list of accounts that is replaced as a whole.
pub fn accounts(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array",
        "minItems": 1,
        "maxItems": 10000,
        "items": {"type": "string", "pattern": "^\\d{12}$", "maxLength": 12},
        "x-kubernetes-list-type": "atomic",
    })
}
