use super::*;
use crate::record::cloudtrail::FORM;

fn read(text: &str) -> (Vec<String>, Vec<Damage>) {
    let mut ids = Vec::new();
    let damages = scan(&FORM, text.as_bytes(), |_, value| {
        let event = value.get("detail").unwrap_or(&value);
        ids.push(event["eventID"].as_str().unwrap_or("?").to_owned());
    });
    (ids, damages)
}

fn event(id: &str) -> String {
    format!(r#"{{"eventVersion": "1.08", "eventID": "{id}"}}"#)
}

fn broken(id: &str) -> String {
    event(id).replace("1.08", "1.\n08")
}

/// An event as `EventBridge` wraps it.
fn wrapped(event: &str) -> String {
    format!(
        r#"{{"version": "0", "detail-type": "AWS API Call via CloudTrail", "detail": {event}}}"#
    )
}

#[test]
fn every_form_of_events_is_read() {
    let (a, b) = (event("a"), event("b"));
    for text in [
        format!(r#"{{"Records":[{a},{b}]}}"#),
        format!(r#"{{"Records":[{a}]}}{{"Records":[{b}]}}"#),
        format!(r#"{{"Events": [{a}, {b}], "NextToken": "{{["}}"#),
        format!(r#"{{"NextToken":"x","Events":[{a},{b}]}}"#),
        format!(r#"{{"ResponseMetadata":{{"a":[1]}},"a\u0022b":null,"Records":[{a},{b}]}}"#),
        format!("[{a}, {b}]"),
        format!("[{}, {}]", wrapped(&a), wrapped(&b)),
        format!("{a}\n{b}\n"),
        format!("{a}{b}"),
    ] {
        assert_eq!(read(&text), (vec!["a".to_owned(), "b".to_owned()], vec![]), "{text}");
    }
    assert_eq!(read(r#"{"Records":[]}"#), (vec![], vec![]));
}

#[test]
fn damage_is_named_and_costs_what_it_touches() {
    let (a, b) = (event("a"), event("b"));
    let cut = format!(r#"{{"Records":[{a},{b}"#);
    let (ids, damages) = read(&cut);
    assert_eq!(ids, ["a", "b"]);
    assert_eq!(damages[0].position, cut.len());
    assert!(damages[0].what.contains("ends before its list"), "{damages:?}");

    let broken = format!(r#"{{"Records":[{},{b}]}}"#, broken("a"));
    let (ids, damages) = read(&broken);
    assert_eq!(ids, ["b"]);
    assert_eq!(damages.len(), 1, "{damages:?}");
    assert!(damages[0].what.starts_with("the event that begins at byte 12"), "{damages:?}");

    for (text, words) in [("", "empty"), ("<html>", "not an event"), ("3", "not an event")] {
        assert!(read(text).1[0].what.contains(words), "{text}");
    }
}

#[test]
fn endless_damage_is_given_up() {
    let damages = scan(&FORM, &b"{\"eventVersion\" ".repeat(10_000), |_, _| ());
    assert_eq!(damages.len(), MAX_DAMAGES + 1);
}

#[test]
fn an_object_is_no_list_by_what_stands_in_an_item() {
    let (ids, damages) =
        read(r#"{"eventVersion": "1.08", "Records": [{"eventID": "x"}], "eventID": "a"}"#);
    assert_eq!((ids, damages), (vec!["a".to_owned()], vec![]));
}

#[test]
fn a_list_that_is_cut_between_its_items_says_so() {
    let (a, b) = (event("a"), event("b"));
    for cut in [format!("[{a},"), format!("[{a}, {b}"), format!("{a}\n[{b}"), "[".to_owned()] {
        let (_, damages) = read(&cut);
        assert_eq!(damages.len(), 1, "{cut}");
        assert_eq!(damages[0].position, cut.len());
        assert!(damages[0].what.contains("ends before its list of events"), "{damages:?}");
    }
    let (ids, damages) = read(&format!("[{}, {a}", broken("x")));
    assert_eq!((ids.len(), damages.len()), (1, 2), "behind a damage as well: {damages:?}");
}

#[test]
fn one_damage_among_many_wrapped_events_is_one() {
    let event = |at: usize| if at == 3 { broken("3") } else { event(&at.to_string()) };
    let all: Vec<String> = (0..300).map(|at| wrapped(&event(at))).collect();
    let around = |event: &String| format!(r#"{},"time":"x"}}"#, &event[..event.len() - 1]);
    let within: Vec<String> = all.iter().map(around).collect();
    for text in [format!("[{}]", all.join(",")), all.join("\n"), within.join("\n")] {
        let (ids, damages) = read(&text);
        assert_eq!((ids.len(), damages.len()), (299, 1), "{damages:?}");
    }
}
