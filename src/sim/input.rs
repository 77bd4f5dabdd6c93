//! The members of a request, checked as the service model describes them.

use std::str::FromStr;

use serde_json::{Map, Value};

use super::error::AwsError;

/// A JSON object of a request. Members that AWS does not know are ignored, as AWS does.
#[derive(Debug, Clone, Copy)]
pub(super) struct Input<'a>(pub &'a Map<String, Value>);

impl<'a> Input<'a> {
    fn value(self, member: &str) -> Option<&'a Value> {
        self.0.get(member).filter(|value| !value.is_null())
    }

    pub fn text(self, member: &str) -> Result<Option<&'a str>, AwsError> {
        match self.value(member) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(wrong_type(member, "a string")),
        }
    }

    pub fn required_text(self, member: &str) -> Result<&'a str, AwsError> {
        self.text(member)?.ok_or_else(|| AwsError::missing(member))
    }

    /// A member with a pattern of its own, such as an ARN.
    pub fn id<T: FromStr>(self, member: &str, pattern: &str) -> Result<Option<T>, AwsError> {
        self.text(member)?
            .map(|text| {
                text.parse().map_err(|_| {
                    let pattern = pattern.trim_start_matches('^').trim_end_matches('$');
                    AwsError::constraint(
                        member,
                        text,
                        &format!("Member must satisfy regular expression pattern: {pattern}"),
                    )
                })
            })
            .transpose()
    }

    pub fn required_id<T: FromStr>(self, member: &str, pattern: &str) -> Result<T, AwsError> {
        self.id(member, pattern)?.ok_or_else(|| AwsError::missing(member))
    }

    /// A member whose value is one of a few words.
    pub fn word(
        self,
        member: &str,
        words: &[&'static str],
    ) -> Result<Option<&'static str>, AwsError> {
        let Some(text) = self.text(member)? else { return Ok(None) };
        words.iter().find(|word| **word == text).copied().map(Some).ok_or_else(|| {
            let words = words.join(", ");
            AwsError::constraint(
                member,
                text,
                &format!("Member must satisfy enum value set: [{words}]"),
            )
        })
    }

    pub fn required_word(
        self,
        member: &str,
        words: &[&'static str],
    ) -> Result<&'static str, AwsError> {
        self.word(member, words)?.ok_or_else(|| AwsError::missing(member))
    }

    pub fn object(self, member: &str) -> Result<Option<Input<'a>>, AwsError> {
        match self.value(member) {
            None => Ok(None),
            Some(Value::Object(object)) => Ok(Some(Input(object))),
            Some(_) => Err(wrong_type(member, "a structure")),
        }
    }

    pub fn required_object(self, member: &str) -> Result<Input<'a>, AwsError> {
        self.object(member)?.ok_or_else(|| AwsError::missing(member))
    }

    pub fn list(self, member: &str) -> Result<Option<&'a [Value]>, AwsError> {
        match self.value(member) {
            None => Ok(None),
            Some(Value::Array(list)) => Ok(Some(list)),
            Some(_) => Err(wrong_type(member, "a list")),
        }
    }

    /// `MaxResults`, from 1 to `limit`.
    pub fn max_results(self, limit: usize) -> Result<Option<usize>, AwsError> {
        let Some(value) = self.value("MaxResults") else { return Ok(None) };
        let number = value.as_i64().ok_or_else(|| wrong_type("MaxResults", "an integer"))?;
        match usize::try_from(number) {
            Ok(size) if (1..=limit).contains(&size) => Ok(Some(size)),
            _ if number < 1 => Err(AwsError::constraint(
                "MaxResults",
                &number.to_string(),
                "Member must have value greater than or equal to 1",
            )),
            _ => Err(AwsError::constraint(
                "MaxResults",
                &number.to_string(),
                &format!("Member must have value less than or equal to {limit}"),
            )),
        }
    }
}

fn wrong_type(member: &str, expected: &str) -> AwsError {
    AwsError::new("SerializationException", format!("{member} must be {expected}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::AccountId;
    use serde_json::json;

    #[test]
    fn what_does_not_fit_is_refused_by_name() {
        let body = json!({"AccountId": "12", "MaxResults": 101, "Status": "DONE", "Name": 3});
        let input = Input(body.as_object().unwrap());
        let message = |error: AwsError| (error.code, error.message);
        let (code, text) =
            message(input.required_id::<AccountId>("AccountId", AccountId::PATTERN).unwrap_err());
        assert_eq!(code, "ValidationException");
        assert_eq!(
            text,
            r"1 validation error detected: Value '12' at 'accountId' failed to satisfy constraint: Member must satisfy regular expression pattern: \d{12}"
        );
        assert!(
            message(input.max_results(100).unwrap_err()).1.contains("less than or equal to 100")
        );
        assert!(message(input.word("Status", &["FAILED"]).unwrap_err()).1.contains("[FAILED]"));
        assert_eq!(message(input.text("Name").unwrap_err()).0, "SerializationException");
        assert!(message(input.required_text("Arn").unwrap_err()).1.contains("must not be null"));
    }
}
