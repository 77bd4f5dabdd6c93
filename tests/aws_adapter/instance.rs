//! What the controller learns of an instance through the adapter.

use rollback_operator::api::plan::{Disposition, PlanItem};
use rollback_operator::api::{OperationRecordSpec, Rollback, RollbackPlan};
use rollback_operator::aws::{Client, ConnectOptions, Direction, Gate, GateOptions};
use rollback_operator::controller::instance::caller;
use rollback_operator::controller::instance_handle::{Facts, InstanceHandle, Owner};
use rollback_operator::controller::live;
use rollback_operator::controller::poll::ask_one_by_one;
use rollback_operator::controller::resolve::find;
use rollback_operator::controller::run::Run;
use rollback_operator::engine::cover::ReadOperation;
use rollback_operator::engine::observations::Found;
use rollback_operator::engine::polling::Pool;
use rollback_operator::model::{AssignmentKey, BlockedReason};
use rollback_operator::plan::{self, AccountState, Plan, Record, Request};
use rollback_operator::runtime::Clock;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::world::{self, *};

fn spec(arn: &str) -> rollback_operator::api::IdentityCenterInstanceSpec {
    serde_json::from_value(json!({"instanceArn": arn, "region": "eu-west-1"})).unwrap()
}

fn facts() -> Facts {
    Facts {
        identity_store: "d-0123456789".parse().unwrap(),
        owner_account: None,
        delegated_administrator: false,
        caller: None,
    }
}

async fn handle_of(world: &World, access_key: &str) -> InstanceHandle {
    let (client, gate) = world.client_as(access_key, world.gate()).await;
    let stop = CancellationToken::new();
    InstanceHandle::new(
        "main".into(),
        spec(INSTANCE),
        client,
        gate,
        facts(),
        jiff::Timestamp::UNIX_EPOCH,
        stop,
    )
}

fn record(kind: &str, effect: &str, key: &AssignmentKey) -> Record {
    let spec: OperationRecordSpec = serde_json::from_value(json!({
        "instance": "main",
        "type": kind,
        "occurredAt": "2026-01-01T00:00:00Z",
        "source": {"tool": "awsideman", "id": kind},
        "changes": [{
            "effect": effect,
            "principal": {"type": "USER", "id": key.principal.id},
            "permissionSet": key.permission_set,
            "accounts": [key.account],
            "before": if effect == "Granted" { "Absent" } else { "Present" },
        }],
    }))
    .unwrap();
    Record {
        namespace: "access".into(),
        name: kind.to_lowercase(),
        created: None,
        digest: plan::record_digest(&spec),
        spec,
    }
}

async fn planned(handle: &InstanceHandle, now: Clock, records: &[Record]) -> Plan {
    let references: Vec<&Record> = records.iter().collect();
    let live = live::read(
        handle,
        &plan::touched(&references, &plan::Replacements::default()),
        &[],
        "uid",
        now.now(),
    )
    .await
    .unwrap();
    let spec = handle.spec();
    plan::plan(&Request {
        instance: "main",
        instance_arn: &spec.instance_arn,
        records,
        selected: records,
        policy: &spec.policy,
        live: &live,
        intent: plan::Intent::default(),
        accept: &[],
    })
    .unwrap()
}

#[tokio::test]
async fn what_was_done_with_a_set_that_is_gone_has_a_plan() {
    let world = World::start("").await;
    let handle = handle_of(&world, "MANAGEMENT").await;
    let pair = ReadOperation::Pair(ONE.parse().unwrap(), GONE.parse().unwrap());
    let shown = handle.read(&pair, rollback_operator::aws::Priority::Verify).await.unwrap();
    assert!(shown.present.is_empty(), "{shown:?}");
    let records = [
        record("Assign", "Granted", &key(ONE, GONE, user(FIRST))),
        record("Revoke", "Revoked", &key(ONE, GONE, user(SECOND))),
    ];
    // Two users with one set in one account: the pair is the cheaper list.
    let plan = planned(&handle, world.clock, &records).await;
    let told = |item: &PlanItem| {
        (item.principal.as_ref().unwrap().id.to_string(), item.disposition, item.blocked)
    };
    let items: Vec<_> = plan.items.iter().map(told).collect();
    let missing = Some(BlockedReason::PermissionSetMissing);
    assert_eq!(items.len(), 2, "{items:?}");
    assert!(items.contains(&(FIRST.to_owned(), Disposition::AlreadySo, None)), "{items:?}");
    assert!(items.contains(&(SECOND.to_owned(), Disposition::Blocked, missing)), "{items:?}");
}

#[tokio::test]
async fn an_instance_that_is_gone_shows_nothing_to_be_absent() {
    const ELSEWHERE: &str = "arn:aws:sso:::instance/ssoins-0000000000000000";
    const SET: &str = "arn:aws:sso:::permissionSet/ssoins-0000000000000000/ps-aaaaaaaaaaaaaaaa";
    let world = World::start("").await;
    let gate = Gate::new(world.gate());
    let mut options = ConnectOptions::new(ELSEWHERE.parse().unwrap(), "eu-west-1");
    options.endpoint = Some(world.server.url());
    let client = Client::connect_as(options, &gate, Some(identity("MANAGEMENT"))).await;
    let stop = CancellationToken::new();
    let handle = InstanceHandle::new(
        "main".into(),
        spec(ELSEWHERE),
        client,
        gate,
        facts(),
        jiff::Timestamp::UNIX_EPOCH,
        stop,
    );
    for operation in [
        ReadOperation::Pair(ONE.parse().unwrap(), SET.parse().unwrap()),
        ReadOperation::PermissionSet(SET.parse().unwrap()),
    ] {
        let read = handle.read(&operation, rollback_operator::aws::Priority::Verify).await;
        assert!(read.is_err(), "{operation:?}: {read:?}");
    }
}

#[tokio::test]
async fn what_an_account_is_like_is_not_believed_for_long() {
    let mut seed = World::seed();
    seed.callers[2].denied.insert("organizations:DescribeAccount".into());
    let world = World::of(seed.clone(), "", 20.0).await;
    let (limited, _) = world.client_as("LIMITED", world.gate()).await;
    let handle = handle_of(&world, "LIMITED").await;
    let account = TWO.parse().unwrap();
    let (begun, asked) = (world.clock.now(), async || {
        let counters = world.counters().await;
        counters["calls"]["DescribeAccount"]["total"].as_u64().unwrap()
    });
    for calls in 1..=2 {
        let state = handle.account_state(&account, begun).await;
        assert_eq!((state, asked().await), (Ok(AccountState::Unknown), calls));
    }
    let (client, _) = world.client_as("MANAGEMENT", world.gate()).await;
    handle.reconnect(spec(INSTANCE), client, facts(), begun);
    for _ in 0..2 {
        let state = handle.account_state(&account, begun).await;
        assert_eq!((state, asked().await), (Ok(AccountState::Active), 3));
    }
    let after = |seconds| begun + jiff::SignedDuration::from_secs(seconds);
    assert_eq!(handle.account_state(&account, after(59)).await, Ok(AccountState::Active));
    assert_eq!(asked().await, 3);
    assert_eq!(handle.account_state(&account, after(60)).await, Ok(AccountState::Active));
    assert_eq!(asked().await, 4);
    handle.reconnect(spec(INSTANCE), limited, facts(), begun);
    assert_eq!(handle.account_state(&account, after(61)).await, Ok(AccountState::Unknown));
}

#[tokio::test]
async fn who_calls_is_unknown_only_where_aws_refuses_to_tell() {
    let told = async |status: &str, code: &str| {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let body = format!(
            "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>no</Message></Error></ErrorResponse>"
        );
        let reply = format!(
            "HTTP/1.1 {status}\r\ncontent-type: text/xml\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        );
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.read(&mut vec![0; 16 * 1024]).await.unwrap();
            stream.write_all(reply.as_bytes()).await.unwrap();
        });
        let mut options = ConnectOptions::new(world::instance(), "eu-west-1");
        options.endpoint = Some(endpoint);
        let gate = Gate::new(GateOptions::new(Clock::real()));
        let client = Client::connect_as(options, &gate, Some(identity("MANAGEMENT"))).await;
        let caller = caller(&client).await;
        server.abort();
        caller
    };
    assert_eq!(told("403 Forbidden", "AccessDenied").await, Ok(None));
    told("503 Service Unavailable", "ServiceUnavailable").await.unwrap_err();
    told("400 Bad Request", "Throttling").await.unwrap_err();
    let world = World::start("").await;
    let client = world.client().await;
    let found = caller(&client).await.unwrap().unwrap();
    assert_eq!(found.account.as_str(), MANAGEMENT);
}

#[tokio::test]
async fn requests_that_ended_are_told_of_although_aws_fails_for_others() {
    let fault = "{match: {operations: [DescribeAccountAssignmentCreationStatus]}, after: 3, count: 6, do: {error: {code: InternalServerException}}}";
    let world = World::start(&format!("faults: [{fault}]")).await;
    let handle = handle_of(&world, "MANAGEMENT").await;
    let client = world.client().await;
    let owner = |item| Owner { uid: "undo".into(), item };
    let mut requests = Vec::new();
    for (item, account) in [ONE, TWO].into_iter().enumerate() {
        let accepted = client.create_assignment(&key(account, BARE, user(FIRST))).await.unwrap();
        let id = accepted.request_id.clone();
        handle.poller().track(id, owner(item), Pool::Creations, world.clock.now());
        requests.push(accepted.request_id);
    }
    world.clock.sleep(std::time::Duration::from_secs(30)).await;
    for request in &requests {
        // Two of the three calls that the fault spares.
        client.describe_request(Direction::Create, request).await.unwrap();
    }
    let ended = ask_one_by_one(world.clock, &handle, Pool::Creations).await.unwrap();
    assert_eq!(ended.len(), 1, "{ended:?}");
    let rest = ask_one_by_one(world.clock, &handle, Pool::Creations).await.unwrap();
    assert_eq!(rest.len(), 1, "{rest:?}");
    assert_ne!(ended[0].owner, rest[0].owner);
}

#[tokio::test]
async fn an_intent_is_judged_by_its_key_where_requests_cannot_be_looked_for() {
    let mut seed = World::seed();
    seed.callers[2].denied.remove("sso:CreateAccountAssignment");
    seed.callers[2].denied.insert("sso:ListAccountAssignmentCreationStatus".into());
    let world = World::of(seed, "", 20.0).await;
    let handle = handle_of(&world, "LIMITED").await;
    let (sent, unsent) = (key(TWO, BARE, user(FIRST)), key(TWO, READ, user(SECOND)));
    let began = world.clock.now();
    let run = Run::new(executing(began), &[shard(&[&sent, &unsent])], began);
    // AWS takes ten seconds: the first read does not show it yet, the second one must.
    handle.aws(rollback_operator::aws::Priority::Mutation).create_assignment(&sent).await.unwrap();
    let found = find(world.clock, &handle, &run, &[0, 1].into()).await.unwrap();
    assert_eq!(found[&0], Found::AtGoal);
    assert_eq!(found[&1], Found::NeverSent);
    let took = world.clock.now().duration_since(began);
    assert!(took >= jiff::SignedDuration::from_secs(60), "{took}");
}

fn executing(now: jiff::Timestamp) -> Rollback {
    let in_flight = |item: usize| {
        json!({
            "item": item, "action": "CreateAssignment", "attempt": 1,
            "intentAt": now.to_string(), "firstAt": now.to_string(),
        })
    };
    serde_json::from_value(json!({
        "apiVersion": "identitycenter.dev/v1alpha1",
        "kind": "Rollback",
        "metadata": {"name": "undo", "namespace": "access", "uid": "undo"},
        "spec": {"operations": {"names": ["revoke"]}},
        "status": {
            "observedGeneration": 1, "phase": "Executing", "attempt": 1,
            "inFlight": [in_flight(0), in_flight(1)],
        },
    }))
    .unwrap()
}

fn shard(keys: &[&AssignmentKey]) -> RollbackPlan {
    let items = keys.iter().map(|key| {
        json!({
            "disposition": "Act", "action": "CreateAssignment", "account": key.account,
            "principal": {"type": "USER", "id": key.principal.id},
            "permissionSet": key.permission_set, "live": "Absent", "grade": "Exact",
        })
    });
    serde_json::from_value(json!({
        "apiVersion": "identitycenter.dev/v1alpha1",
        "kind": "RollbackPlan",
        "metadata": {"name": "undo-0", "namespace": "access"},
        "spec": {
            "rollback": "undo", "rollbackUid": "undo", "instanceArn": INSTANCE, "attempt": 1,
            "digest": "", "shard": 0, "items": items.collect::<Vec<_>>(),
        },
    }))
    .unwrap()
}

#[tokio::test]
async fn many_accounts_are_asked_about_together() {
    let mut seed = World::seed();
    let ids: Vec<String> = (0..60).map(|n| (700_000_000_000_u64 + n).to_string()).collect();
    let rows = ids.iter().map(|id| format!("{{id: \"{id}\", name: a{id}}}"));
    seed.accounts.extend(rows.map(|text| serde_saphyr::from_str(&text).unwrap()));
    let world = World::of(seed, "", 20.0).await;
    let handle = handle_of(&world, "MANAGEMENT").await;
    let mut wanted: std::collections::BTreeSet<_> =
        ids.iter().map(|id| id.parse().unwrap()).collect();
    wanted.insert(CLOSED.parse().unwrap());
    let now = world.clock.now();
    handle.list_active_accounts(&wanted, now).await.unwrap();
    let mut active = 0;
    for account in &wanted {
        active += i32::from(handle.account_state(account, now).await == Ok(AccountState::Active));
    }
    assert_eq!(active, 60, "the closed one is not");
    let counters = world.counters().await;
    let calls = |name: &str| counters["calls"][name]["total"].as_u64().unwrap_or(0);
    assert!(calls("ListAccounts") <= 15);
    assert_eq!(
        calls("DescribeAccount"),
        1,
        "only what the list does not show as active is asked for"
    );
}
