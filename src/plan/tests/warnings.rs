//! The sentences beside the plan.

use super::fixtures::{account, key, live, operation, triple, try_plan, undo};
use crate::model::Before::{Present, Unknown};
use crate::model::Effect::{Granted, Revoked};
use crate::plan::{AccountState, PrincipalState, Record};

fn line<'a>(warnings: &'a [String], start: &str) -> Option<&'a str> {
    warnings.iter().map(String::as_str).find(|line| line.starts_with(start))
}

#[test]
fn an_exact_plan_in_a_healthy_world_warns_of_sessions_alone() {
    let a = operation("a", 0).grants(&key(1)).grants(&key(2));
    let mut world = live(std::slice::from_ref(&a), &[key(1), key(2)]);
    let plan = try_plan(&[], &[&a], &world).unwrap();
    assert_eq!(
        plan.warnings,
        ["Removes 2 assignments; sessions that are open then go on for up to 1 hour"]
    );
    world.permission_sets.values_mut().for_each(|it| {
        (it.session_duration, it.content) = (None, None);
    });
    let plan = try_plan(&[], &[&a], &world).unwrap();
    assert!(line(&plan.warnings, "Removes 2 assignments;").unwrap().contains("until"));
}

#[test]
fn the_longest_session_counts() {
    let a = operation("a", 0).grants(&triple(1, 1, 1)).grants(&triple(1, 2, 1));
    let mut world = live(std::slice::from_ref(&a), &[triple(1, 1, 1), triple(1, 2, 1)]);
    for (set, duration) in world.permission_sets.values_mut().zip(["PT90M", "PT11H30M"]) {
        set.session_duration = Some(duration.to_owned());
    }
    let plan = try_plan(&[], &[&a], &world).unwrap();
    assert!(plan.warnings[0].ends_with("up to 11 hours 30 minutes"), "{:?}", plan.warnings);
}

#[test]
fn each_kind_of_doubt_has_a_sentence_with_its_number() {
    let a = operation("a", 0)
        .grants(&triple(1, 0, 1))
        .change(Revoked, Present, &triple(2, 0, 2))
        .change(Revoked, Present, &triple(3, 0, 3))
        .change(Revoked, Unknown, &triple(4, 0, 4))
        .grants(&triple(5, 0, 5))
        .change(Granted, Present, &triple(6, 0, 6));
    let b = operation("b", 60).change(Granted, Present, &triple(5, 0, 5));
    let records = [a.clone(), b];
    let mut world = live(&records, &[triple(1, 0, 1), triple(5, 0, 5)]);
    let states = [
        (triple(1, 0, 1).principal, PrincipalState::Missing),
        (triple(2, 0, 2).principal, PrincipalState::Disabled),
        (triple(3, 0, 3).principal, PrincipalState::Unknown),
    ];
    world.principals.extend(states);
    world.accounts.insert(account(3), AccountState::Unknown);
    let warnings = try_plan(&records, &[&a], &world).unwrap().warnings;
    for start in [
        "Removes 1 assignment;",
        "Removes 1 assignment of users or groups that do not exist",
        "Restores 1 assignment of disabled users",
        "Restores 1 assignment of users or groups that could not be looked up",
        "Changes 1 assignment in accounts whose state could not be looked up",
        "Assumed: bases 1 action ",
        "Keeps 1 key ",
        "Unexplained: leaves 1 key ",
    ] {
        assert!(line(&warnings, start).is_some(), "{start}: {warnings:#?}");
    }
    assert_eq!(warnings.len(), 8, "{warnings:#?}");
}

#[test]
fn warnings_stay_short_however_large_the_plan() {
    let mut records: Vec<Record> = Vec::new();
    for number in 0..300 {
        let name = format!("{}-{number}", "n".repeat(200));
        records.push(
            operation(&format!("a{name}"), number).grants(&key(usize::try_from(number).unwrap())),
        );
        records.push(operation(&format!("b{name}"), number + 1).tool("terraform").change(
            Granted,
            Unknown,
            &key(usize::try_from(number).unwrap()),
        ));
    }
    let selected: Vec<&Record> =
        records.iter().filter(|record| record.name.starts_with('a')).collect();
    let present: Vec<_> = (0..300).map(key).collect();
    let plan = undo(&records, &selected, &present);
    assert!(
        line(&plan.warnings, "PossibleDuplicate: for 300 keys").unwrap().ends_with("and 295 more")
    );
    assert!(plan.warnings.len() <= 100);
    assert!(plan.warnings.iter().all(|line| line.chars().count() <= 1024));
    let messages = plan.items.iter().filter_map(|item| item.message.as_ref());
    assert!(messages.map(|message| message.chars().count()).max().unwrap() <= 2048);
}

#[test]
fn more_authors_than_a_status_takes_are_cut_and_counted() {
    let undone = |people: usize| {
        let records: Vec<_> = (0..people)
            .map(|at| {
                let record =
                    operation(&format!("r{at}"), i64::try_from(at).unwrap()).grants(&key(at));
                record.with(|spec| spec.recorded_by = Some(format!("person-{at:03}")))
            })
            .collect();
        let present: Vec<_> = (0..people).map(key).collect();
        undo(&records, &records.iter().collect::<Vec<_>>(), &present)
    };
    let plan = undone(100);
    assert_eq!(plan.authors.len(), 100);
    assert!(!plan.warnings.iter().any(|line| line.contains("people recorded")));
    let plan = undone(101);
    assert_eq!(plan.authors.len(), 100);
    assert!(plan.warnings.iter().any(|line| line.starts_with("101 people recorded")));
}
