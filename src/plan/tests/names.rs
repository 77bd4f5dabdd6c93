//! Names for people: AWS's of now, else the records' of then.

use super::fixtures::{account, key, live, operation, try_plan};
use crate::plan::{AccountState, Record};

#[test]
fn a_plan_shows_the_names_of_now_and_else_those_that_were_recorded() {
    let record = operation("a", 0).grants(&key(1)).with(|spec| {
        spec.changes[0].principal.name = Some("alice.then".to_owned());
    });
    let mut world = live(std::slice::from_ref(&record), &[key(1)]);
    let shown = |world: &crate::plan::Live| {
        let item = try_plan(&[], &[&record], world).unwrap().items.remove(0);
        (item.principal.unwrap().name, item.account_name)
    };
    assert_eq!(shown(&world), (Some("alice.then".to_owned()), None));
    world.principal_names.insert(key(1).principal, "alice.now".to_owned());
    world.account_names.insert(account(1), "payments".to_owned());
    assert_eq!(shown(&world), (Some("alice.now".to_owned()), Some("payments".to_owned())));
}

#[test]
fn what_is_blocked_names_the_account_too() {
    let record = operation("a", 0).grants(&key(1));
    let mut world = live(std::slice::from_ref(&record), &[key(1)]);
    world.accounts.insert(account(1), AccountState::Suspended);
    world.account_names.insert(account(1), "payments".to_owned());
    let message = try_plan(&[], &[&record], &world).unwrap().items.remove(0).message.unwrap();
    let named = format!("payments ({})", account(1));
    assert!(message.contains(&named), "{message}");
}

#[test]
fn everybody_who_recorded_an_object_of_what_is_undone_is_an_author() {
    let by = |name: &str, who: &str| {
        let record = operation("a", 0).grants(&key(1)).with(|spec| {
            spec.recorded_by = Some(who.to_owned());
        });
        Record { name: name.to_owned(), ..record }
    };
    let (first, second, third) = (by("a", "alice"), by("b", "bob"), by("c", "carol"));
    let other = operation("other", 100).grants(&key(2)).with(|spec| {
        spec.recorded_by = Some("dave".to_owned());
    });
    let world = live(std::slice::from_ref(&first), &[key(1)]);
    let plan = try_plan(&[third, other], &[&first, &second], &world).unwrap();
    assert_eq!(plan.authors, ["alice", "bob", "carol"]);
}
