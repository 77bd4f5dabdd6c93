//! `CloudTrail`: what was asked, seen late.

use serde_json::{Value, json};

use super::{GROUP, INSTANCE, Lab, ONE, READ, TWO, USER};

const LOOKUP: &str = "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents";

fn lookup(lab: &mut Lab, body: &Value) -> Vec<Value> {
    lab.wait(1000);
    let answer = lab.ask(LOOKUP, body).unwrap();
    let events = answer["Events"].as_array().unwrap();
    events
        .iter()
        .map(|event| serde_json::from_str(event["CloudTrailEvent"].as_str().unwrap()).unwrap())
        .collect()
}

#[test]
fn a_change_is_seen_minutes_later_with_what_was_asked_and_its_handle() {
    let mut lab = Lab::new();
    let id = lab.create(TWO, READ, USER).unwrap();
    lab.wait(298_000);
    assert!(lookup(&mut lab, &json!({})).is_empty());
    lab.wait(2000);
    let events = lookup(&mut lab, &json!({}));
    let [event] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!(event["eventName"], "CreateAccountAssignment");
    assert_eq!(event["requestParameters"]["principalId"], USER);
    assert_eq!(event["requestParameters"]["instanceArn"], INSTANCE);
    let status = &event["responseElements"]["accountAssignmentCreationStatus"];
    assert_eq!((&status["requestId"], &event["requestID"]), (&json!(id), &json!(id)));
    assert_eq!(status["status"], "IN_PROGRESS", "how it ended is not told");
    assert_eq!(event["userIdentity"]["type"], "IAMUser");
    assert_eq!(event["userAgent"], "aws-cli/2.31.0");
}

#[test]
fn events_are_found_by_one_attribute_and_time_newest_first() {
    let mut lab = Lab::with("settings: {latency: {trail: 0s}}");
    lab.create(TWO, READ, USER).unwrap();
    lab.wait(3000);
    lab.delete(TWO, READ, USER).unwrap();
    lab.delete(TWO, READ, GROUP).unwrap_err();
    lab.sso("CreatePermissionSet", json!({"Name": "New"})).unwrap();
    lab.wait(3000);
    let names = |events: Vec<Value>| -> Vec<String> {
        events.iter().map(|event| event["eventName"].as_str().unwrap().to_owned()).collect()
    };
    let all = names(lookup(&mut lab, &json!({})));
    assert_eq!((all.len(), all.last().map(String::as_str)), (4, Some("CreateAccountAssignment")));
    let by = |key: &str, value: &str| json!({"LookupAttributes": [{"AttributeKey": key, "AttributeValue": value}]});
    let deletes = lookup(&mut lab, &by("EventName", "DeleteAccountAssignment"));
    assert_eq!(deletes.len(), 2);
    let failed = deletes.iter().find(|event| event["errorCode"] == "ConflictException").unwrap();
    assert_eq!(failed["responseElements"], Value::Null);
    let made = lookup(&mut lab, &by("EventName", "CreatePermissionSet"));
    let date = made[0]["responseElements"]["permissionSet"]["createdDate"].as_str().unwrap();
    assert_eq!(date, "Jan 15, 2027 8:00:03 AM");
    let start = lab.now.as_second() - 8;
    assert_eq!(lookup(&mut lab, &json!({"StartTime": start})).len(), 3);
    assert!(lookup(&mut lab, &by("ResourceName", ONE)).is_empty());
    lab.caller = Some("DELEGATE");
    assert!(lookup(&mut lab, &json!({})).is_empty(), "each account sees its own calls");
}

#[test]
fn a_bad_lookup_is_refused_in_the_words_of_cloudtrail() {
    let mut lab = Lab::new();
    for (body, code) in [
        (json!({"MaxResults": 51}), "InvalidMaxResultsException"),
        (json!({"NextToken": "x"}), "InvalidNextTokenException"),
        (json!({"StartTime": 2, "EndTime": 1}), "InvalidTimeRangeException"),
        (
            json!({"LookupAttributes": [{"AttributeKey": "Color", "AttributeValue": "x"}]}),
            "InvalidLookupAttributesException",
        ),
        (json!({"LookupAttributes": [{}, {}]}), "InvalidLookupAttributesException"),
    ] {
        lab.wait(1000);
        assert_eq!(lab.ask(LOOKUP, &body).unwrap_err().0, code);
    }
    lab.wait(1000);
    let mut ask = || lab.ask(LOOKUP, &json!({}));
    assert!(ask().is_ok() && ask().is_ok());
    assert_eq!(ask().unwrap_err().0, "ThrottlingException");
}
