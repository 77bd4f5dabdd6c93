//! What `CloudTrail` writes down about changes, and when that can be looked up.
//!
//! An event tells what was asked and that it was accepted, never how it ended. Reads are not
//! written down here.

use std::collections::VecDeque;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};

use super::operation::{Answer, Operation, Service};
use super::organization::Caller;
use crate::model::AccountId;

const KEPT: usize = 20_000;

/// One event and the columns that it is looked up by.
#[derive(Debug, Clone)]
pub(super) struct Event {
    /// It cannot be looked up before.
    pub seen: Timestamp,
    pub at: Timestamp,
    pub account: AccountId,
    pub region: String,
    pub id: String,
    pub name: &'static str,
    pub source: &'static str,
    pub user_name: String,
    pub access_key: String,
    pub document: Value,
}

/// The last events, oldest first.
#[derive(Debug, Clone, Default)]
pub(super) struct Trail(VecDeque<Event>);

/// A call as `CloudTrail` sees it.
pub(super) struct Called<'a> {
    pub operation: &'static Operation,
    pub body: &'a Map<String, Value>,
    pub answer: &'a Answer,
    pub caller: &'a Caller,
    pub access_key: &'a str,
    pub region: &'a str,
    pub request_id: &'a str,
    pub user_agent: Option<&'a str>,
}

impl Trail {
    /// Writes a call down, to be seen at a later time.
    pub fn write(&mut self, called: &Called<'_>, at: Timestamp, seen: Timestamp, id: String) {
        let Called { operation, caller, access_key, region, request_id, .. } = *called;
        let source = match operation.service {
            Service::IdentityStore => "identitystore.amazonaws.com",
            _ => "sso.amazonaws.com",
        };
        let user_name = caller.arn.rsplit('/').next().unwrap_or_default().to_owned();
        let mut document = json!({
            "eventVersion": "1.08",
            "userIdentity": identity(caller, access_key),
            "eventTime": at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            "eventSource": source,
            "eventName": operation.name,
            "awsRegion": region,
            "sourceIPAddress": "127.0.0.1",
            "userAgent": called.user_agent,
            "requestParameters": camel_case(&Value::Object(called.body.clone())),
            "responseElements": null,
            "requestID": request_id,
            "eventID": id,
            "readOnly": false,
            "eventType": "AwsApiCall",
            "managementEvent": true,
            "recipientAccountId": caller.account,
            "eventCategory": "Management",
        });
        match called.answer {
            Ok(answer) => document["responseElements"] = response(answer),
            Err(error) => {
                document["errorCode"] = json!(error.code);
                document["errorMessage"] = json!(error.message);
                if error.code == "ThrottlingException" {
                    document["requestParameters"] = Value::Null;
                }
            }
        }
        if self.0.len() == KEPT {
            self.0.pop_front();
        }
        self.0.push_back(Event {
            seen,
            at,
            account: caller.account.clone(),
            region: region.to_owned(),
            id,
            name: operation.name,
            source,
            user_name,
            access_key: access_key.to_owned(),
            document,
        });
    }

    /// What can be looked up now.
    pub fn seen(&self, now: Timestamp) -> impl Iterator<Item = &Event> {
        self.0.iter().filter(move |event| event.seen <= now)
    }
}

fn identity(caller: &Caller, access_key: &str) -> Value {
    let Caller { account, arn, .. } = caller;
    let mut identity = json!({
        "type": "IAMUser",
        "principalId": "AIDAEXAMPLE",
        "arn": arn,
        "accountId": account,
        "accessKeyId": access_key,
    });
    match arn.split_once(":assumed-role/").and_then(|(_, rest)| rest.split_once('/')) {
        Some((role, _)) => {
            let partition = arn.split(':').nth(1).unwrap_or("aws");
            identity["type"] = json!("AssumedRole");
            identity["sessionContext"] = json!({"sessionIssuer": {
                "type": "Role",
                "arn": format!("arn:{partition}:iam::{account}:role/{role}"),
                "accountId": account,
                "userName": role,
            }});
        }
        None => identity["userName"] = json!(arn.rsplit('/').next()),
    }
    identity
}

/// What a reply leaves in an event: nothing if it was empty.
fn response(answer: &Value) -> Value {
    let mut response = camel_case(answer);
    let Some(members) = response.as_object_mut().filter(|members| !members.is_empty()) else {
        return Value::Null;
    };
    for (name, member) in members {
        let Some(member) = member.as_object_mut() else { continue };
        let date = member.remove("createdDate").and_then(|date| date.as_f64());
        // A text in the manner of the United States, unlike everywhere else.
        if let Some(date) = date.filter(|_| name == "permissionSet") {
            #[expect(clippy::cast_possible_truncation, reason = "seconds of this age fit")]
            let at = Timestamp::from_second(date as i64).unwrap_or_default();
            let text = at.to_zoned(TimeZone::UTC).strftime("%b %-d, %Y %-I:%M:%S %p").to_string();
            member.insert("createdDate".to_owned(), text.into());
        }
    }
    response
}

/// The same with names that begin with a small letter.
fn camel_case(value: &Value) -> Value {
    match value {
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| {
                let mut name = name.clone();
                if let Some(first) = name.get_mut(0..1) {
                    first.make_ascii_lowercase();
                }
                (name, camel_case(value))
            })
            .collect(),
        Value::Array(list) => list.iter().map(camel_case).collect(),
        other => other.clone(),
    }
}
