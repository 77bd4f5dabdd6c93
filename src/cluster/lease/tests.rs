//! Elections on paused time against a Lease API in memory.

mod api;
mod contenders;
mod single;

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use self::api::LeaseApi;
use super::*;

/// One process that takes part.
struct Contender {
    leader: Leader,
    stop: CancellationToken,
    running: JoinHandle<Ended>,
}

fn settings(identity: &str) -> LeaseSettings {
    LeaseSettings {
        namespace: "operator".into(),
        name: "rollback-operator".into(),
        identity: identity.into(),
        duration: Duration::from_secs(15),
        renew_deadline: Duration::from_secs(10),
        retry_period: Duration::from_secs(2),
        request_timeout: Duration::from_secs(5),
    }
}

/// An elector whose machine's clock is wrong by some hours.
fn elector(api: &LeaseApi, identity: &str, hours_wrong: i64) -> (Elector, Leader) {
    let (mut elector, leader) =
        Elector::new(api.client(), settings(identity), Metrics::new().unwrap());
    let noon: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
    elector.clock = Clock::starting_at(noon + SignedDuration::from_hours(hours_wrong), 1.0);
    (elector, leader)
}

fn start(api: &LeaseApi, identity: &str, hours_wrong: i64) -> Contender {
    let (elector, leader) = elector(api, identity, hours_wrong);
    let stop = CancellationToken::new();
    let running = tokio::spawn(elector.run(stop.clone()));
    Contender { leader, stop, running }
}

impl Contender {
    fn is_valid(&self) -> bool {
        self.leader.permit.is_valid()
    }

    /// Waits for leadership and says how long that took.
    async fn leads_after(&mut self) -> (Duration, Term) {
        let began = Moment::now();
        let term = self.leader.leading().await.unwrap();
        assert!(self.is_valid());
        (began.elapsed(), term)
    }

    /// Ends as `kill -9` does.
    async fn killed(self) {
        self.running.abort();
        let _ = self.running.await;
    }
}

async fn pass(seconds: u64) {
    Clock::real().sleep(Duration::from_secs(seconds)).await;
}
