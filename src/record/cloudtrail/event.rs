//! One event, as far as an undo needs it.
//!
//! The shapes are those of real events; AWS documents the members, not their spelling
//! (<https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html>).

use serde::Deserialize;
use serde_json::Value;

/// An event. Members that are of no use here are not read.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(clippy::struct_field_names, reason = "CloudTrail names them so")]
pub struct Event {
    #[serde(default)]
    pub event_source: String,
    #[serde(default)]
    pub event_name: String,
    #[serde(default)]
    pub event_time: String,
    #[serde(default, rename = "eventID")]
    pub event_id: Option<String>,
    /// The same in every account that the event was delivered to.
    #[serde(default, rename = "sharedEventID")]
    pub shared_event_id: Option<String>,
    #[serde(default, rename = "requestID")]
    pub request_id: Option<String>,
    #[serde(default)]
    pub error_code: Option<String>,
    #[serde(default)]
    pub user_agent: Option<String>,
    #[serde(default)]
    pub user_identity: Option<Identity>,
    #[serde(default)]
    pub recipient_account_id: Option<String>,
    #[serde(default)]
    pub read_only: Option<bool>,
    /// What was asked; its members differ by call.
    #[serde(default)]
    pub request_parameters: Value,
    /// What was answered.
    #[serde(default)]
    pub response_elements: Value,
}

/// Who called.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Identity {
    #[serde(default)]
    pub arn: Option<String>,
    #[serde(default)]
    pub user_name: Option<String>,
    #[serde(default)]
    pub principal_id: Option<String>,
    #[serde(default)]
    pub on_behalf_of: Option<OnBehalfOf>,
    #[serde(default)]
    pub invoked_by: Option<String>,
}

/// The user of Identity Center for whom a call was made.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OnBehalfOf {
    #[serde(default)]
    pub user_id: Option<String>,
}

/// What `CreateAccountAssignment` and `DeleteAccountAssignment` are asked.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Assignment {
    #[serde(default)]
    pub instance_arn: String,
    #[serde(default)]
    pub target_id: String,
    #[serde(default)]
    pub target_type: String,
    #[serde(default)]
    pub permission_set_arn: String,
    #[serde(default)]
    pub principal_type: String,
    #[serde(default)]
    pub principal_id: String,
}

/// What `CreatePermissionSet` is asked.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NewSet {
    #[serde(default)]
    pub name: String,
    #[serde(default)]
    pub instance_arn: String,
    #[serde(default)]
    pub description: Option<String>,
    #[serde(default)]
    pub session_duration: Option<String>,
    #[serde(default)]
    pub relay_state: Option<String>,
    #[serde(default)]
    pub tags: Option<Vec<Tag>>,
}

/// A tag.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Tag {
    #[serde(default)]
    pub key: String,
    #[serde(default)]
    pub value: String,
}

impl Identity {
    /// Who it was: the ARN, which for a role ends with the name of the session, or what else there
    /// is. An Identity Center user who acts without a role has an id alone.
    pub fn actor(&self) -> Option<&str> {
        let on_behalf_of = self.on_behalf_of.as_ref().and_then(|it| it.user_id.as_deref());
        [self.arn.as_deref(), self.user_name.as_deref(), on_behalf_of]
            .into_iter()
            .chain([self.principal_id.as_deref(), self.invoked_by.as_deref()])
            .flatten()
            .find(|text| !text.is_empty())
    }
}

/// What `EventBridge` calls an event of `CloudTrail` in `detail-type`, among others that end alike.
const VIA_CLOUDTRAIL: &str = "via CloudTrail";

/// The event within an element of a file: the element itself, the text that `LookupEvents` wraps it
/// in, or the `detail` of `EventBridge`, which may be about something else altogether. An object
/// that is no event is an error: it may be a list of events in a form that is not read.
pub fn unwrap(element: Value) -> Result<Event, String> {
    let no_event = |why: String| format!("it is not an event that CloudTrail writes: {why}");
    let Value::Object(mut members) = element else { return Err("it is not an object".to_owned()) };
    let event = if let Some(Value::String(text)) = members.get("CloudTrailEvent") {
        serde_json::from_str(text).map_err(|error| no_event(error.to_string()))?
    } else if !members.contains_key("eventName")
        && let Some(detail @ Value::Object(_)) = members.remove("detail")
    {
        let kind = members.get("detail-type").and_then(Value::as_str);
        if kind.is_some_and(|kind| !kind.ends_with(VIA_CLOUDTRAIL)) {
            return Ok(Event::default());
        }
        detail
    } else {
        Value::Object(members)
    };
    let has = |name| event.get(name).is_some();
    let is_event = has("eventVersion") || has("eventName") && has("eventSource");
    if !is_event {
        let why = "it has neither eventVersion nor eventName and eventSource; docs/import.md names \
                   the forms that are read";
        return Err(no_event(why.to_owned()));
    }
    serde_json::from_value(event).map_err(|error| no_event(error.to_string()))
}
