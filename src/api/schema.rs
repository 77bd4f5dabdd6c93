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

/// A free text that says something: not empty and not white space alone.
pub fn words(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "maxLength": 2048, "pattern": "\\S"})
}

/// What the API server takes for a date-time may be none that the operator can read, such as the end
/// of the year 9999, an offset of 99 hours, or ten digits of a second.
const TIME: &str = "^([0-8][0-9]{3}|9[0-8][0-9]{2}|99[0-8][0-9]|999[0-8])-[0-9]{2}-[0-9]{2}[Tt]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([.][0-9]{1,9})?([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$";

/// A point in time as RFC 3339 writes it, before the year 9999.
pub fn time(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "format": "date-time", "maxLength": 64, "pattern": TIME})
}

/// Each unit once and from large to small, with numbers that cannot overflow: what the API server
/// takes must be readable to the operator, which would otherwise act as if it were not set.
const DURATION: &str = "^([0-9]{1,6}h)?([0-9]{1,6}m)?([0-9]{1,6}s)?([0-9]{1,9}ms)?$";

/// A duration as Kubernetes writes it: `300ms`, `2s`, `5m`, `24h`, `1h30m`.
pub fn duration(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "minLength": 2, "maxLength": 32, "pattern": DURATION})
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::string::string_regex;

    use super::*;
    use crate::model::time::parse_duration;

    fn durations() -> impl Strategy<Value = String> {
        let schema = duration(&mut SchemaGenerator::default()).to_value();
        let pattern = schema["pattern"].as_str().unwrap();
        let inner = pattern.trim_start_matches('^').trim_end_matches('$');
        let length = |name: &str| usize::try_from(schema[name].as_u64().unwrap_or(0)).unwrap();
        let lengths = length("minLength")..=length("maxLength");
        string_regex(inner)
            .unwrap()
            .prop_filter("of a length that the schema takes", move |it| lengths.contains(&it.len()))
    }

    /// Of days that every month has: the format date-time refuses the others.
    fn times() -> impl Strategy<Value = String> {
        let inner = TIME.trim_start_matches('^').trim_end_matches('$');
        (string_regex(inner).unwrap(), 1..=12, 1..=28).prop_map(|(time, month, day)| {
            let (year, rest) = (&time[..4], &time["2026-11-30".len()..]);
            format!("{year}-{month:02}-{day:02}{rest}")
        })
    }

    proptest! {
        #[test]
        fn every_time_that_the_schema_takes_can_be_read(text in times()) {
            prop_assert!(text.parse::<jiff::Timestamp>().is_ok(), "{text}");
        }

        #[test]
        fn every_duration_that_the_schema_takes_can_be_read(text in durations()) {
            prop_assert!(parse_duration(&text).is_some(), "{text}");
        }
    }

    #[test]
    fn the_longest_duration_fits() {
        let longest = "999999h999999m999999s999999999ms";
        assert_eq!(longest.len(), 32);
        assert!(parse_duration(longest).is_some());
    }
}
