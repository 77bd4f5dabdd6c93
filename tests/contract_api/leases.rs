//! The lease of the leader.

use std::time::Duration;

use futures::future::join_all;
use k8s_openapi::api::coordination::v1::Lease;
use kube::Api;
use kube::api::{DeleteParams, PostParams};
use rollback_operator::cluster::lease::{Ended, LeaseSettings};
use rollback_operator::cluster::{Elector, is_not_found};
use rollback_operator::runtime::Metrics;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::cluster::Kind;
use crate::objects::{is_about, refusal};
use crate::server::Server;

fn leases(server: &Server) -> Api<Lease> {
    Api::namespaced(server.client.clone(), &server.namespace)
}

fn first_lease() -> Lease {
    let lease = json!({
        "metadata": {"name": "leader"},
        "spec": {
            "holderIdentity": "first", "leaseDurationSeconds": 15, "leaseTransitions": 0,
            "acquireTime": "2026-11-23T20:50:39.440975Z", "renewTime": "2026-11-23T20:50:39.000000Z",
        },
    });
    serde_json::from_value(lease).unwrap()
}

async fn held(server: &Server) -> Lease {
    let lease = first_lease();
    let created = leases(server).create(&PostParams::default(), &lease).await.unwrap();
    assert_eq!(created.spec, lease.spec);
    created
}

fn taken_by(lease: &Lease, holder: &str) -> Lease {
    let mut lease = lease.clone();
    let spec = lease.spec.as_mut().unwrap();
    spec.holder_identity = Some(holder.to_owned());
    lease
}

pub async fn a_lease_is_replaced_at_its_version(server: &Server) {
    let api = leases(server);
    let missing = api.get("leader").await.unwrap_err();
    assert!(is_not_found(&missing));
    let created = held(server).await;
    assert_eq!(created.metadata.generation, None);
    let again = api.create(&PostParams::default(), &taken_by(&first_lease(), "second")).await;
    is_about(&refusal(again), 409, "AlreadyExists", Kind::Lease, "leader");

    let parameters = PostParams::default();
    let replaced = api.replace("leader", &parameters, &taken_by(&created, "second")).await.unwrap();
    assert_eq!(replaced.spec.as_ref().unwrap().holder_identity.as_deref(), Some("second"));
    assert_eq!(replaced.metadata.uid, created.metadata.uid);
    assert_eq!(replaced.metadata.creation_timestamp, created.metadata.creation_timestamp);
    assert_eq!(replaced.metadata.generation, None);
    let version = |lease: &Lease| -> u64 {
        lease.metadata.resource_version.as_ref().unwrap().parse().unwrap()
    };
    assert!(version(&replaced) > version(&created));
    let late = api.replace("leader", &parameters, &taken_by(&created, "third")).await;
    is_about(&refusal(late), 409, "Conflict", Kind::Lease, "leader");
    assert_eq!(api.get("leader").await.unwrap(), replaced);
}

pub async fn the_same_lease_again_changes_nothing(server: &Server) {
    let api = leases(server);
    let created = held(server).await;
    let replaced = api.replace("leader", &PostParams::default(), &created).await.unwrap();
    assert_eq!(replaced, created);
}

pub async fn of_many_contenders_one_wins(server: &Server) {
    let api = leases(server);
    let parameters = PostParams::default();
    let wanted: Vec<Lease> = (1..=8).map(|n| taken_by(&first_lease(), &n.to_string())).collect();
    let creations = wanted.iter().map(|lease| api.create(&parameters, lease));
    let (won, lost): (Vec<_>, Vec<_>) =
        join_all(creations).await.into_iter().partition(Result::is_ok);
    let [Ok(created)] = won.as_slice() else { panic!("{won:?}") };
    for answer in lost {
        is_about(&refusal(answer), 409, "AlreadyExists", Kind::Lease, "leader");
    }
    let wanted: Vec<Lease> = (11..=18).map(|n| taken_by(created, &n.to_string())).collect();
    let replacements = wanted.iter().map(|lease| api.replace("leader", &parameters, lease));
    let (won, lost): (Vec<_>, Vec<_>) =
        join_all(replacements).await.into_iter().partition(Result::is_ok);
    for answer in lost {
        is_about(&refusal(answer), 409, "Conflict", Kind::Lease, "leader");
    }
    let [Ok(replaced)] = won.as_slice() else { panic!("{won:?}") };
    assert_eq!(api.get("leader").await.unwrap(), *replaced);
}

pub async fn a_lease_that_is_gone_cannot_be_renewed(server: &Server) {
    let api = leases(server);
    let created = held(server).await;
    api.delete("leader", &DeleteParams::default()).await.unwrap();
    let renewal = taken_by(&created, "first");
    let answer = api.replace("leader", &PostParams::default(), &renewal).await;
    is_about(&refusal(answer), 409, "Conflict", Kind::Lease, "leader");
    assert!(is_not_found(&api.get("leader").await.unwrap_err()));

    let again = held(server).await;
    let answer = api.replace("leader", &PostParams::default(), &renewal).await;
    is_about(&refusal(answer), 409, "Conflict", Kind::Lease, "leader");
    assert_eq!(api.get("leader").await.unwrap(), again);
}

pub async fn an_elector_leads_and_gives_back(server: &Server) {
    let mut transitions = Vec::new();
    for identity in ["first", "second"] {
        let settings = LeaseSettings {
            namespace: server.namespace.clone(),
            name: "leader".to_owned(),
            identity: identity.to_owned(),
            duration: Duration::from_mins(1),
            renew_deadline: Duration::from_secs(40),
            retry_period: Duration::from_millis(200),
            request_timeout: Duration::from_secs(5),
        };
        let metrics = Metrics::new().unwrap();
        let (elector, mut leader) = Elector::new(server.client.clone(), settings, metrics);
        let stop = CancellationToken::new();
        let running = tokio::spawn(elector.run(stop.clone()));
        let term = server.soon("leadership", leader.leading()).await.unwrap();
        transitions.push(term.transitions);
        let first = leases(server).get("leader").await.unwrap();
        server
            .eventually("a renewal", async || {
                let now = leases(server).get("leader").await.unwrap();
                (now.metadata.resource_version != first.metadata.resource_version).then_some(())
            })
            .await;
        stop.cancel();
        assert!(matches!(running.await.unwrap(), Ended::Stopped));
    }
    assert_eq!(transitions, [0, 1]);
}
