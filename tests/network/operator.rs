//! The host of an operator.

use std::sync::Arc;

use rollback_operator::cluster::{ClientOptions, Clients};
use rollback_operator::controller::{AwsAccess, Operator};
use rollback_operator::runtime::admin::DebugState;
use rollback_operator::runtime::effects::ChokePoint;
use rollback_operator::runtime::{Metrics, Traces};
use tokio_util::sync::CancellationToken;

use super::draw::{NO_LIMIT, Without};
use super::run::{Around, keep_time};
use super::simulation::life::{Hook, Life};
use super::simulation::process::{NAMESPACE, flags, identity};
use super::wire::{ToKubernetes, to_aws};

/// One life of an operator's process. It says when it has ended, and waits to be buried.
pub async fn live(around: Around, operator: usize) -> turmoil::Result {
    keep_time(around.clock).await;
    let (clock, trace) = (around.clock, Arc::clone(&around.trace));
    trace.note(clock.now(), format!("operator {operator} starts"));
    let life = Life::new(operator, clock, Arc::clone(&trace), Arc::default());
    let choke_point = ChokePoint::new(Arc::new(Hook(Arc::clone(&life))));
    let mut options =
        ClientOptions { choke_point: choke_point.clone(), ..ClientOptions::default() };
    let mut more = Vec::new();
    match around.without {
        Some(Without::Kubernetes) => options.request_timeout = NO_LIMIT,
        Some(Without::Aws) => more.push("--request-timeout=1h"),
        None => {}
    }
    let process = Operator {
        flags: flags(operator, &more),
        clock,
        clients: Clients::over(ToKubernetes::new(options.connect_timeout), NAMESPACE, &options),
        aws: AwsAccess {
            transport: Some(to_aws(around.clone())),
            identity: Some(identity()),
            choke_point,
        },
        metrics: Metrics::new()?,
        traces: Traces::default(),
        lease_seen: None,
    };
    let outcome = Box::pin(process.run(&DebugState::default(), CancellationToken::new())).await;
    // Its tasks are still there, but nothing of them leaves any more.
    life.kill();
    trace.note(clock.now(), format!("operator {operator} ends: {outcome:?}"));
    around.ended.lock().unwrap().push(operator);
    std::future::pending().await
}
