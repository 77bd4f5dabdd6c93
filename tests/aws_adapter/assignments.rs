//! Giving, taking, listing, and what becomes of requests.

use std::collections::BTreeSet;

use rollback_operator::aws::{Direction, RequestState, failure_class};
use rollback_operator::model::class::Limit;
use rollback_operator::model::{AccountId, BlockedReason, Class, FailureReason};
use rollback_operator::sim::{AccountSeed, AccountStatus, AssignmentSeed, Span};

use crate::world::*;

#[tokio::test]
async fn a_grant_and_its_end() {
    let world = World::start("").await;
    let client = world.client().await;
    let key = absent();
    let accepted = client.create_assignment(&key).await.unwrap();
    assert!(accepted.in_progress);
    let found = client.describe_request(Direction::Create, &accepted.request_id).await.unwrap();
    let found = found.unwrap();
    assert_eq!((found.state, found.failure_reason), (RequestState::InProgress, None));
    assert_eq!(found.key.as_ref(), Some(&key));
    let age = world.clock.now().duration_since(found.created_at.unwrap()).as_secs_f64();
    assert!(age.abs() < 60.0, "{age}");

    let open = Some(RequestState::InProgress);
    let listed = client.list_requests(Direction::Create, open, None).await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].request_id, accepted.request_id);
    assert_eq!(listed[0].created_at, found.created_at);
    assert!(client.list_requests(Direction::Delete, None, None).await.unwrap().is_empty());

    let ended = world.ended(&client, Direction::Create, &accepted.request_id).await;
    assert_eq!(ended.state, RequestState::Succeeded);
    assert!(client.list_requests(Direction::Create, open, None).await.unwrap().is_empty());
    let all = client.list_requests(Direction::Create, None, None).await.unwrap();
    assert_eq!(all[0].state, RequestState::Succeeded);
    let assigned = client.list_assignments(&key.account, &key.permission_set).await.unwrap();
    assert!(assigned.contains(&key.principal) && assigned.contains(&group(TEAM)));

    let accepted = client.delete_assignment(&key).await.unwrap();
    let ended = world.ended(&client, Direction::Delete, &accepted.request_id).await;
    assert_eq!((ended.state, ended.key), (RequestState::Succeeded, Some(key.clone())));
    let assigned = client.list_assignments(&key.account, &key.permission_set).await.unwrap();
    assert_eq!(assigned, [group(TEAM)]);
    assert_eq!(client.describe_request(Direction::Create, &accepted.request_id).await, Ok(None));
}

#[tokio::test]
async fn twice_is_no_error_and_absent_meets_the_goal() {
    let world = World::start("").await;
    let client = world.client().await;
    world.grant(&client, &absent()).await;
    world.grant(&client, &absent()).await;
    let accepted = client.delete_assignment(&key(TWO, READ, user(FIRST))).await.unwrap();
    let ended = world.ended(&client, Direction::Delete, &accepted.request_id).await;
    assert_eq!(ended.state, RequestState::Failed);
    assert_eq!(failure_class(Direction::Delete, &ended.failure_reason.unwrap()), None);
}

#[tokio::test]
async fn every_asynchronous_failure_has_its_class() {
    let asynchronous = Class::Terminal(FailureReason::AsynchronousFailure);
    for (kind, class) in [
        ("principalMissing", Class::Blocked(BlockedReason::PrincipalMissing)),
        ("policyMissing", asynchronous.clone()),
        ("accessDeniedByIam", Class::Blocked(BlockedReason::AccessDenied)),
        ("accountNotReady", Class::Retry),
        ("internalError", Class::Retry),
        ("roleQuota", Class::Blocked(BlockedReason::QuotaExceeded)),
        ("assignmentMissing", asynchronous),
    ] {
        let world = World::start(&format!("faults: [{{do: {{fail: {{like: {kind}}}}}}}]")).await;
        let client = world.client().await;
        let accepted = client.create_assignment(&absent()).await.unwrap();
        let ended = world.ended(&client, Direction::Create, &accepted.request_id).await;
        let reason = ended.failure_reason.unwrap();
        assert_eq!(failure_class(Direction::Create, &reason), Some(class), "{kind}: {reason}");
    }
}

#[tokio::test]
async fn what_cannot_be_is_refused_with_its_reason() {
    let world = World::start("").await;
    let client = world.client().await;
    let missing = Class::Blocked(BlockedReason::PermissionSetMissing);
    for key in [key(TWO, GONE, user(FIRST)), key(ONE, GONE, group(TEAM))] {
        assert_eq!(client.create_assignment(&key).await.unwrap_err().class(), missing);
        assert_eq!(client.delete_assignment(&key).await.unwrap_err().class(), missing);
    }
    let unknown = key("999999999999", BARE, user(FIRST));
    let error = client.create_assignment(&unknown).await.unwrap_err();
    assert_eq!(error.class(), Class::Blocked(BlockedReason::AccountUnavailable), "{error}");

    let (limited, _) = world.client_as("LIMITED", world.gate()).await;
    let error = limited.create_assignment(&absent()).await.unwrap_err();
    assert_eq!(error.class(), Class::Blocked(BlockedReason::AccessDenied));
    assert!(error.to_string().contains("sso:CreateAccountAssignment"), "{error}");

    let (delegate, _) = world.client_as("DELEGATE", world.gate()).await;
    world.grant(&delegate, &absent()).await;
    let management = key(MANAGEMENT, BARE, group(TEAM));
    let error = delegate.delete_assignment(&management).await.unwrap_err();
    assert_eq!(error.class(), Class::Blocked(BlockedReason::ManagementAccount), "{error}");
    assert!(!error.may_have_been_sent());
}

#[tokio::test]
async fn one_change_at_a_time_in_an_account() {
    let world = World::start("").await;
    let client = world.client().await;
    client.create_assignment(&absent()).await.unwrap();
    let error = client.delete_assignment(&key(TWO, BARE, group(TEAM))).await.unwrap_err();
    assert_eq!(error.class(), Class::Conflict);
    assert!(!error.may_have_been_sent());
    assert!(error.to_string().contains("There is a conflicting operation in process."), "{error}");
}

#[tokio::test]
async fn both_throttles_are_told_apart() {
    let mut seed = World::seed();
    seed.settings.limits.outstanding_requests = 1;
    let world = World::of(seed, "", 20.0).await;
    let (client, gate) = world.client_as("MANAGEMENT", world.gate()).await;
    client.create_assignment(&absent()).await.unwrap();
    let error = client.create_assignment(&key(ONE, BARE, user(FIRST))).await.unwrap_err();
    assert!(matches!(error.class(), Class::Throttled { limit: Limit::Outstanding, .. }), "{error}");
    assert_eq!(gate.governor().view().slots, 5);

    world.post("/_sim/settings", "limits: {requestsPerSecond: 1}").await;
    let mut errors = Vec::new();
    for _ in 0..10 {
        errors.extend(client.describe_instance().await.err());
    }
    assert!(!errors.is_empty());
    for error in errors {
        assert!(matches!(error.class(), Class::Throttled { limit: Limit::Rate, .. }), "{error}");
    }
    let view = gate.governor().view();
    assert!(view.requests_per_second < 18.0 && view.throttled_since.is_some(), "{view:?}");
}

#[tokio::test]
async fn group_rows_are_told_from_a_users_own() {
    let world = World::start("").await;
    let client = world.client().await;
    let own = client.list_assignments_for_principal(&user(FIRST), None).await.unwrap();
    assert_eq!(own, [(ONE.parse().unwrap(), READ.parse().unwrap())]);
    let all = client.list_access(&user(FIRST), None).await.unwrap();
    assert_eq!(all.len(), 5, "{all:?}");
    assert_eq!(all.iter().filter(|access| access.through == group(TEAM)).count(), 4);
    let account: AccountId = TWO.parse().unwrap();
    let here = client.list_access(&user(FIRST), Some(&account)).await.unwrap();
    assert_eq!(here.len(), 1);
    assert!(
        client
            .list_assignments_for_principal(&user(FIRST), Some(&account))
            .await
            .unwrap()
            .is_empty()
    );
    let of_group = client.list_assignments_for_principal(&group(TEAM), None).await.unwrap();
    assert_eq!(of_group.len(), 4);
}

#[tokio::test]
async fn short_and_empty_pages_lose_nothing() {
    const ACCOUNTS: u64 = 250;
    let mut seed = World::seed();
    let id = |n: u64| format!("{:012}", 600_000_000_000 + n);
    seed.accounts.extend((0..ACCOUNTS).map(|n| AccountSeed {
        id: id(n).parse().unwrap(),
        name: format!("more-{n}"),
        email: None,
        status: AccountStatus::default(),
        joined: None,
        customer_managed_policies: BTreeSet::new(),
    }));
    let instance = &mut seed.instances[0];
    instance.assignments.push(AssignmentSeed {
        permission_set: "Bare".into(),
        user: Some("first".into()),
        group: None,
        accounts: (0..ACCOUNTS).map(id).collect(),
    });
    seed.settings.paging.short_pages = 0.3;
    seed.settings.paging.empty_pages = 0.3;
    seed.settings.limits.outstanding_requests = 0;
    seed.settings.latency.create = rollback_operator::sim::Latency::Fixed(Span::seconds(3600));
    let world = World::of(seed, "", 20.0).await;
    // The quota is not what this is about.
    let gate = rollback_operator::aws::GateOptions { requests_per_second: 900, ..world.gate() };
    let (client, _) = world.client_as("MANAGEMENT", gate).await;

    let own = client.list_assignments_for_principal(&user(FIRST), None).await.unwrap();
    let accounts = client.accounts_with_permission_set(&BARE.parse().unwrap()).await.unwrap();
    for n in 0..ACCOUNTS {
        let account: AccountId = id(n).parse().unwrap();
        assert!(
            own.contains(&(account.clone(), BARE.parse().unwrap())) && accounts.contains(&account)
        );
    }
    assert_eq!(own.len(), 251);
    assert_eq!(accounts.len(), 253);

    for n in 0..120 {
        client.create_assignment(&key(&id(n), READ, user(FIRST))).await.unwrap();
    }
    let open = Some(RequestState::InProgress);
    let listed = client.list_requests(Direction::Create, open, None).await.unwrap();
    assert_eq!(listed.len(), 120);
    let some = client.list_requests(Direction::Create, open, Some(7)).await.unwrap();
    assert_eq!(some.len(), 7);
}
