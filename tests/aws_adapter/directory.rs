//! The instance, principals, accounts, ourselves.

use rollback_operator::aws::{Client, ConnectOptions, Credentials, Gate, InstanceStatus};
use rollback_operator::model::{Class, IdentityStoreId};

use crate::world::*;

#[tokio::test]
async fn the_instance_and_who_we_are() {
    let world = World::start("").await;
    let client = world.client().await;
    let facts = client.describe_instance().await.unwrap();
    assert_eq!(facts.identity_store_id.as_str(), "d-0123456789");
    assert_eq!(facts.owner_account, Some(MANAGEMENT.parse().unwrap()));
    assert_eq!(facts.status, InstanceStatus::Active);
    assert_eq!(client.caller().await.map(|it| it.account), Ok(MANAGEMENT.parse().unwrap()));
    let (delegate, _) = world.client_as("DELEGATE", world.gate()).await;
    assert_eq!(delegate.caller().await.map(|it| it.account), Ok("555555555555".parse().unwrap()));
}

#[tokio::test]
async fn the_wrong_region_and_strangers_are_refused() {
    let world = World::start("").await;
    let gate = Gate::new(world.gate());
    let mut options = ConnectOptions::new(instance(), "us-east-1");
    options.endpoint = Some(world.server.url());
    let client = Client::connect_as(options, &gate, Some(identity("MANAGEMENT"))).await;
    let error = client.describe_instance().await.unwrap_err();
    assert!(matches!(error.class(), Class::Blocked(_) | Class::Terminal(_)), "{error}");
    let (stranger, _) = world.client_as("STRANGER", world.gate()).await;
    let error = stranger.describe_instance().await.unwrap_err();
    assert!(error.is_access_denied() && matches!(error.class(), Class::Blocked(_)), "{error}");
}

#[tokio::test]
async fn users_and_groups() {
    let world = World::start("").await;
    let client = world.client().await;
    let store: IdentityStoreId = "d-0123456789".parse().unwrap();
    let first = client.describe_principal(&store, &user(FIRST)).await.unwrap().unwrap();
    assert_eq!((first.name.as_deref(), first.enabled), (Some("first"), true));
    let second = client.describe_principal(&store, &user(SECOND)).await.unwrap().unwrap();
    assert_eq!((second.name.as_deref(), second.enabled), (Some("second"), false));
    let team = client.describe_principal(&store, &group(TEAM)).await.unwrap().unwrap();
    assert_eq!((team.name.as_deref(), team.enabled), (Some("Team"), true));
    assert_eq!(client.describe_principal(&store, &user(NOBODY)).await, Ok(None));
    assert_eq!(client.describe_principal(&store, &group(NOBODY)).await, Ok(None));
    assert_eq!(
        client.describe_principal(&store, &group(FIRST)).await,
        Ok(None),
        "a user is no group"
    );
    let no_store: IdentityStoreId = "d-9999999999".parse().unwrap();
    assert!(client.describe_principal(&no_store, &user(FIRST)).await.is_err());
}

#[tokio::test]
async fn accounts_and_who_may_not_ask() {
    let mut seed = World::seed();
    seed.callers[2].denied.insert("organizations:DescribeAccount".into());
    let world = World::of(seed, "", 20.0).await;
    let client = world.client().await;
    let one = client.describe_account(&ONE.parse().unwrap()).await.unwrap().unwrap();
    assert_eq!((one.name.as_deref(), one.active), (Some("one"), true));
    let closed = client.describe_account(&CLOSED.parse().unwrap()).await.unwrap().unwrap();
    assert!(!closed.active);
    assert_eq!(client.describe_account(&"999999999999".parse().unwrap()).await, Ok(None));
    let (limited, _) = world.client_as("LIMITED", world.gate()).await;
    let error = limited.describe_account(&ONE.parse().unwrap()).await.unwrap_err();
    assert!(error.is_access_denied(), "{error}");
}

#[tokio::test]
async fn accounts_are_listed_as_far_as_is_asked_for() {
    let mut seed = World::seed();
    let more = (0..60).map(|n| format!("{{id: \"{}\", name: more-{n}}}", 700_000_000_000_u64 + n));
    seed.accounts.extend(more.map(|text| serde_saphyr::from_str(&text).unwrap()));
    (seed.settings.paging.short_pages, seed.settings.paging.empty_pages) = (0.3, 0.2);
    let world = World::of(seed, "", 20.0).await;
    let client = world.client().await;
    let all = client.list_accounts(1000).await.unwrap();
    assert!(all.len() > 60, "{}", all.len());
    assert!(all[&ONE.parse().unwrap()].active && !all[&CLOSED.parse().unwrap()].active);
    let some = client.list_accounts(2).await.unwrap();
    assert!(some.len() <= 40 && some.iter().all(|(id, facts)| all.get(id) == Some(facts)));
}

#[tokio::test]
async fn an_assumed_role_is_who_calls() {
    let world = World::start("").await;
    let connect = async |external_id: Option<&str>| {
        let mut options = ConnectOptions::new(instance(), "eu-west-1");
        options.endpoint = Some(world.server.url());
        options.credentials = Some(Credentials {
            role_arn: "arn:aws:iam::111111111111:role/rollback-operator".into(),
            external_id: external_id.map(str::to_owned),
        });
        Client::connect_as(options, &Gate::new(world.gate()), Some(identity("STRANGER"))).await
    };
    let client = connect(Some("contract")).await;
    client.describe_instance().await.unwrap();
    assert_eq!(client.caller().await.map(|it| it.account), Ok(MANAGEMENT.parse().unwrap()));
    for external_id in [None, Some("wrong")] {
        let client = connect(external_id).await;
        let error = client.create_assignment(&absent()).await.unwrap_err();
        assert_eq!(error.class(), Class::Retry, "{error}");
        assert!(!error.may_have_been_sent(), "without credentials nothing is sent: {error}");
        assert!(error.to_string().contains("AccessDenied"), "{error}");
    }
}
