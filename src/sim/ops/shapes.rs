//! The patterns and lengths of the service model for values that have no type of their own.

use crate::sim::error::AwsError;
use crate::sim::input::Input;
use crate::sim::permission_set::{PolicyReference, root_path};

fn check(
    member: &str,
    value: &str,
    lengths: std::ops::RangeInclusive<usize>,
    allowed: impl Fn(char) -> bool,
    pattern: &str,
) -> Result<String, AwsError> {
    let length = value.chars().count();
    if length < *lengths.start() {
        let text = format!("Member must have length greater than or equal to {}", lengths.start());
        return Err(AwsError::constraint(member, value, &text));
    }
    if length > *lengths.end() {
        let text = format!("Member must have length less than or equal to {}", lengths.end());
        return Err(AwsError::constraint(member, value, &text));
    }
    if !value.chars().all(allowed) {
        let text = format!("Member must satisfy regular expression pattern: {pattern}");
        return Err(AwsError::constraint(member, value, &text));
    }
    Ok(value.to_owned())
}

fn is_name(character: char) -> bool {
    character.is_ascii_alphanumeric() || "_+=,.@-".contains(character)
}

pub(super) fn set_name(input: Input<'_>) -> Result<String, AwsError> {
    check("Name", input.required_text("Name")?, 1..=32, is_name, r"[\w+=,.@-]+")
}

pub(super) fn description(input: Input<'_>) -> Result<Option<String>, AwsError> {
    let allowed = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='~' | '\u{a1}'..='\u{ff}');
    let pattern = r"[\u0009\u000A\u000D\u0020-\u007E\u00A1-\u00FF]*";
    let text = input.text("Description")?;
    text.map(|text| check("Description", text, 1..=700, allowed, pattern)).transpose()
}

pub(super) fn relay_state(input: Input<'_>) -> Result<Option<String>, AwsError> {
    let allowed =
        |c: char| c.is_ascii_alphanumeric() || r#"&$@#\/%?=~-_'"|!:,.;*+[] (){}"#.contains(c);
    let pattern = r#"[a-zA-Z0-9&$@#\\\/%?=~\-_'"|!:,.;*+\[\]\ \(\)\{\}]+"#;
    let text = input.text("RelayState")?;
    text.map(|text| check("RelayState", text, 1..=240, allowed, pattern)).transpose()
}

/// From one to twelve hours, in ISO 8601.
pub(super) fn session_duration(input: Input<'_>) -> Result<Option<String>, AwsError> {
    let Some(text) = input.text("SessionDuration")? else { return Ok(None) };
    let allowed = |c: char| c.is_ascii_digit() || "PTHMS.DWY-".contains(c);
    let pattern = r"(-?)P(?=\d|T\d)(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)([DW]))?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?";
    check("SessionDuration", text, 1..=100, allowed, pattern)?;
    let length = text.parse::<jiff::SignedDuration>().map_err(|_| {
        let text_of = format!("Member must satisfy regular expression pattern: {pattern}");
        AwsError::constraint("SessionDuration", text, &text_of)
    })?;
    if !(1..=12).contains(&length.as_hours()) || length.as_secs() > 12 * 3600 {
        return Err(AwsError::validation(
            "SessionDuration must be between one hour (PT1H) and twelve hours (PT12H)",
        ));
    }
    Ok(Some(text.to_owned()))
}

pub(super) fn inline_policy(input: Input<'_>) -> Result<String, AwsError> {
    let text = input.required_text("InlinePolicy")?;
    let allowed = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{ff}');
    check("InlinePolicy", text, 1..=32_768, allowed, r"[\u0009\u000A\u000D\u0020-\u00FF]+")?;
    match serde_json::from_str::<serde_json::Value>(text) {
        Ok(serde_json::Value::Object(_)) => Ok(text.to_owned()),
        _ => Err(AwsError::validation("The inline policy is not a JSON policy document")),
    }
}

/// The ARN of a policy that AWS manages.
pub(super) fn managed_policy(input: Input<'_>) -> Result<String, AwsError> {
    let text = input.required_text("ManagedPolicyArn")?;
    let pattern = r"arn:aws(-[a-z]{1,5}){0,3}:iam::aws:policy((/[A-Za-z0-9\.,\+@=_-]+)*)/([A-Za-z0-9\.,\+=@_-]+)";
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let fits = matches!(parts.as_slice(), ["arn", partition, "iam", "", "aws", policy]
    if partition.starts_with("aws")
        && policy.strip_prefix("policy/").is_some_and(|path| {
            path.split('/').all(|part| !part.is_empty() && part.chars().all(is_name))
        }));
    if fits && text.len() >= 20 && text.len() <= 2048 {
        return Ok(text.to_owned());
    }
    let constraint = format!("Member must satisfy regular expression pattern: {pattern}");
    Err(AwsError::constraint("ManagedPolicyArn", text, &constraint))
}

/// A customer managed policy: its name, and its path unless that is `/`.
pub(super) fn policy_reference(input: Input<'_>) -> Result<PolicyReference, AwsError> {
    let name = check("Name", input.required_text("Name")?, 1..=128, is_name, r"[\w+=,.@-]+")?;
    let Some(path) = input.text("Path")? else {
        return Ok(PolicyReference { name, path: root_path() });
    };
    let inner = path.strip_prefix('/').and_then(|rest| match rest {
        "" => Some(""),
        rest => rest.strip_suffix('/'),
    });
    let fits = inner.is_some_and(|inner| {
        inner.is_empty()
            || inner.split('/').all(|part| !part.is_empty() && part.chars().all(is_name))
    });
    if fits && path.len() <= 512 {
        return Ok(PolicyReference { name, path: path.to_owned() });
    }
    let pattern = r"Member must satisfy regular expression pattern: ((/[A-Za-z0-9\.,\+@=_-]+)*)/";
    Err(AwsError::constraint("Path", path, pattern))
}

fn is_tag(character: char) -> bool {
    character.is_alphanumeric() || character.is_whitespace() || "_.:/=+-@".contains(character)
}

pub(super) fn tag_key(key: &str) -> Result<String, AwsError> {
    check("Key", key, 1..=128, is_tag, r"([\p{L}\p{Z}\p{N}_.:/=+\-@]*)")
}

pub(super) fn tag_value(value: &str) -> Result<String, AwsError> {
    check("Value", value, 0..=256, is_tag, r"([\p{L}\p{Z}\p{N}_.:/=+\-@]*)")
}
