//! An undo at a terminal, with keys: what a person does and sees.

use serde_json::json;

use super::support::place::{Place, text};
use super::support::seed::accounts;
use super::terminal::Terminal;

const DOWN: &str = "\u{1b}[B";
const ESCAPE: &str = "\u{1b}";
const CONTROL_C: &str = "\u{3}";
const LIST: &str = "Undo which operations?";

/// Moves to the next line.
#[track_caller]
fn go_down(terminal: &Terminal, to: &str) {
    terminal.press(DOWN);
    terminal.wait(&format!("the cursor at {to}"), |screen| at_cursor(screen).starts_with(to));
}

/// The line of the list at the cursor, without its mark.
fn at_cursor(screen: &str) -> &str {
    let mut lines = screen.lines().filter_map(|line| line.strip_prefix("> ["));
    lines.next_back().and_then(|line| line.get(3..)).unwrap_or_default()
}

#[test]
fn two_operations_are_picked_confirmed_and_undone() {
    let place = Place::new(36);
    let before = place.simulator.access();
    place.operation("one", &accounts(1..=12));
    place.operation("three", &accounts(13..=24));
    place.operation("two", &accounts(25..=36));
    place.slow_down();

    let terminal = Terminal::start(&place, &["apply"], &[]);
    terminal.wait(LIST, |screen| at_cursor(screen).starts_with("one "));
    terminal.press("\r");
    terminal.wait_text("nothing is marked");
    terminal.press(" ");
    terminal.wait_text("[x] one ");
    go_down(&terminal, "three ");
    go_down(&terminal, "two ");
    terminal.press(" ");
    terminal.wait_text("[x] two ");
    terminal.press("\r");
    terminal.wait_text("Undo which operations? one, two");
    terminal.wait_text("operations   one, two");
    terminal.wait_text("Type 24 to execute these 24 actions:");
    terminal.press("24\r");
    terminal.wait("a bar with what is at work", |screen| {
        screen.contains("/24 ") && screen.contains('─') && screen.contains("DeleteAssignment Read")
    });
    let left = terminal.end();
    assert_eq!(left.code, Some(0), "{}", left.screen);
    assert!(left.screen.contains(": Succeeded"), "{}", left.screen);
    assert!(!left.screen.contains("DeleteAssignment"), "the bar is gone: {}", left.screen);
    assert!(left.is_clean, "{}", left.screen);
    assert!(!left.styles.is_empty(), "a terminal shows colours");

    let found = place.get(&["rollbacks"]);
    assert_eq!(found["items"][0]["spec"]["operations"]["names"], json!(["one", "two"]));
    assert_eq!(place.effective().len(), 24);
    let alice = place.simulator.access();
    assert_ne!(alice, before, "the operation that was not picked stands");
}

#[test]
fn control_c_leaves_the_rollback_running_and_the_terminal_clean() {
    let place = Place::new(40);
    place.operation("one", &accounts(1..=40));
    let latency = json!({"latency": {"create": "60s", "delete": "60s"}});
    place.simulator.post("/_sim/settings", &latency);
    let terminal = Terminal::start(&place, &["apply", "one", "--name", "undo"], &[]);
    terminal.wait_text("Type 40 to execute these 40 actions:");
    terminal.press("40\r");
    terminal.wait("what is at work", |screen| screen.contains("DeleteAssignment Read"));
    terminal.wait("the quota", |screen| {
        screen.lines().any(|line| line.contains("quota  ") && line.contains(" slots at work"))
    });
    terminal.press(CONTROL_C);
    let left = terminal.end();
    assert_eq!(left.code, Some(130), "{}", left.screen);
    let namespace = &place.namespace;
    for said in [
        "Rollback undo goes on without this terminal.".to_owned(),
        format!("Follow it with: kubectl rollback watch undo -n {namespace}"),
        format!("Cancel it with: kubectl rollback cancel undo -n {namespace}"),
    ] {
        assert!(left.screen.contains(&said), "{said} is not said:\n{}", left.screen);
    }
    assert!(!left.screen.contains("DeleteAssignment"), "the bar is gone: {}", left.screen);
    assert!(left.is_clean, "{}", left.screen);
    assert_eq!(text(&place.status("undo")["phase"]), "Executing");
}

#[test]
fn who_picks_nothing_creates_nothing() {
    let place = Place::new(2);
    let nothing = Terminal::start(&place, &["apply"], &[]).end();
    assert_eq!(nothing.code, Some(5), "{}", nothing.screen);
    assert!(nothing.screen.contains("no operation in namespace"), "{}", nothing.screen);
    place.operation("one", &accounts(1..=1));
    place.operation("two", &accounts(2..=2));
    for (verb, key) in [("apply", ESCAPE), ("plan", CONTROL_C)] {
        let terminal = Terminal::start(&place, &[verb], &[]);
        terminal.wait_text("[ ] two ");
        terminal.press("t");
        terminal.press("w");
        terminal.wait("only what was typed", |screen| {
            at_cursor(screen).starts_with("two ") && !screen.contains("[ ] one ")
        });
        terminal.press(" ");
        terminal.wait_text("[x] two ");
        terminal.press(key);
        let left = terminal.end();
        assert_eq!(left.code, Some(130), "{verb}: {}", left.screen);
        assert!(left.screen.contains("Nothing was picked; nothing is created."), "{}", left.screen);
        assert!(left.is_clean, "{verb}: {}", left.screen);
    }
    assert_eq!(place.kubectl(&["get", "rollbacks", "-o", "name"]), "");
}

#[test]
fn without_colour_there_is_none() {
    let place = Place::new(1);
    place.operation("one", &accounts(1..=1));
    let left = |environment: &[(&str, &str)]| {
        let terminal = Terminal::start(&place, &["plan"], environment);
        terminal.wait_text("[ ] one ");
        terminal.press(" ");
        terminal.wait_text("[x] one ");
        terminal.press("\r");
        let left = terminal.end();
        assert_eq!(left.code, Some(0), "{}", left.screen);
        assert!(left.screen.contains("USER alice"), "{}", left.screen);
        left
    };
    assert_ne!(left(&[]).styles, [""; 0]);
    assert_eq!(left(&[("NO_COLOR", "1")]).styles, [""; 0]);
}
