//! `CloudTrail`'s `LookupEvents`: one attribute, 90 days, newest first, two calls a second.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;

use crate::sim::error::AwsError;
use crate::sim::input::Input;
use crate::sim::operation::Answer;
use crate::sim::page::Pager;
use crate::sim::scope::Global;
use crate::sim::settings::Paging;
use crate::sim::time::{epoch_seconds, later};
use crate::sim::trail::Event;

const MOST: usize = 50;
const REACH: Duration = Duration::from_hours(90 * 24);
const KEYS: [&str; 8] = [
    "EventId",
    "EventName",
    "ReadOnly",
    "Username",
    "ResourceType",
    "ResourceName",
    "EventSource",
    "AccessKeyId",
];

pub(in crate::sim) fn lookup(global: &mut Global<'_>) -> Answer {
    let Global { operation, input, now, caller, region, .. } = *global;
    let world = &mut *global.world;
    let shared = format!("trail {} {}", caller.account, region.unwrap_or_default());
    let limit = world.settings.limits.lookups_per_second;
    if !world.windows.entry(shared).or_default().admit(now, limit) {
        world.counters.throttles.rate += 1;
        return Err(AwsError::rate_exceeded());
    }
    let wanted = attribute(input)?;
    let (start, end) = (time(input, "StartTime")?, time(input, "EndTime")?);
    if start.zip(end).is_some_and(|(start, end)| start > end) {
        let text = "The start time must be before the end time.";
        return Err(AwsError::new("InvalidTimeRangeException", text));
    }
    let rename =
        |code: &'static str| move |error: AwsError| AwsError { code: code.to_owned(), ..error };
    input.max_results(MOST).map_err(rename("InvalidMaxResultsException"))?;
    let paging = Paging { default_size: MOST, ..world.settings.paging.clone() };
    let pager = Pager { operation, input, paging: &paging, random: &mut world.random, limit: MOST };
    let rows = world
        .trail
        .seen(now)
        .filter(|event| {
            event.account == caller.account
                && region.is_none_or(|region| event.region == region)
                && later(event.at, REACH) > now
                && start.is_none_or(|start| event.at >= start)
                && end.is_none_or(|end| event.at <= end)
                && wanted.is_none_or(|(key, value)| matches(event, key, value))
        })
        .map(|event| {
            let age = i64::MAX - event.at.as_microsecond();
            (format!("{age:020} {}", event.id), event)
        });
    let page = pager.page(rows).map_err(rename("InvalidNextTokenException"))?;
    Ok(page.reply("Events", |event| {
        json!({
            "EventId": event.id,
            "EventName": event.name,
            "ReadOnly": "false",
            "AccessKeyId": event.access_key,
            "EventTime": epoch_seconds(event.at).floor(),
            "EventSource": event.source,
            "Username": event.user_name,
            "Resources": [],
            "CloudTrailEvent": event.document.to_string(),
        })
    }))
}

/// The one attribute that events are looked up by.
fn attribute(input: Input<'_>) -> Result<Option<(&'static str, &str)>, AwsError> {
    let invalid = |text: &str| AwsError::new("InvalidLookupAttributesException", text);
    match input.list("LookupAttributes")?.unwrap_or_default() {
        [] => Ok(None),
        [attribute] => {
            let attribute =
                attribute.as_object().ok_or_else(|| invalid("It must be a structure."))?;
            let attribute = Input(attribute);
            let key = attribute.word("AttributeKey", &KEYS).ok().flatten();
            let key = key.ok_or_else(|| invalid("The attribute key is unknown."))?;
            let value = attribute.text("AttributeValue")?;
            Ok(Some((key, value.ok_or_else(|| invalid("The attribute needs a value."))?)))
        }
        _ => Err(invalid("You can only specify one attribute.")),
    }
}

fn matches(event: &Event, key: &str, value: &str) -> bool {
    match key {
        "EventId" => event.id == value,
        "EventName" => event.name == value,
        "ReadOnly" => value == "false",
        "Username" => event.user_name == value,
        "EventSource" => event.source == value,
        "AccessKeyId" => event.access_key == value,
        // These events name no resources.
        _ => false,
    }
}

fn time(input: Input<'_>, member: &str) -> Result<Option<Timestamp>, AwsError> {
    let invalid = || AwsError::new("InvalidTimeRangeException", format!("{member} is no time."));
    let Some(value) = input.0.get(member).filter(|value| !value.is_null()) else { return Ok(None) };
    let seconds =
        value.as_f64().filter(|seconds| (0.0..1e11).contains(seconds)).ok_or_else(invalid)?;
    Timestamp::UNIX_EPOCH
        .checked_add(Duration::from_secs_f64(seconds))
        .map(Some)
        .map_err(|_| invalid())
}
