//! More than one.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use proptest::prelude::*;

use super::api::Fault;
use super::*;

#[tokio::test(start_paused = true)]
async fn a_killed_holder_is_followed_after_its_lease_as_seen_here() {
    // The clocks of the two are hours apart in either direction.
    for (ours, theirs) in [(0, 0), (7, -7), (-7, 7)] {
        let api = LeaseApi::default();
        let mut one = start(&api, "one", ours);
        one.leads_after().await;
        let mut two = start(&api, "two", theirs);
        pass(31).await;
        assert!(one.is_valid() && !two.is_valid());
        assert!(matches!(
            &*two.leader.leadership.borrow(),
            Leadership::Standby { holder: Some(holder) } if holder == "one"
        ));
        one.killed().await;
        let (took, term) = two.leads_after().await;
        let took = took.as_secs_f64();
        // At most one renewal period before the kill, one retry and its jitter after.
        assert!((12.0..=20.0).contains(&took), "{took} s with clocks {ours} h and {theirs} h off");
        let predecessor = term.predecessor.clone().unwrap();
        assert_eq!(predecessor.holder, "one");
        assert!(predecessor.observed_renewal.elapsed() >= Duration::from_secs(15));
        assert_eq!(term.transitions, 1);

        let began = Moment::now();
        term.predecessor_is_done(Duration::from_secs(10)).await;
        let drained = predecessor.observed_renewal.elapsed();
        assert!(drained >= Duration::from_secs(25), "{drained:?}");
        assert!(began.elapsed() <= Duration::from_secs(10));
    }
}

#[tokio::test(start_paused = true)]
async fn a_dead_lease_of_long_ago_is_not_taken_before_it_was_watched() {
    let api = LeaseApi::default();
    let mut one = start(&api, "one", -100);
    one.leads_after().await;
    one.killed().await;
    pass(3_600).await;
    let mut two = start(&api, "two", 100);
    let (took, _) = two.leads_after().await;
    assert!(took >= Duration::from_secs(15), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_was_given_back_is_taken_at_once() {
    let api = LeaseApi::default();
    let mut one = start(&api, "one", 5);
    one.leads_after().await;
    let mut two = start(&api, "two", 0);
    pass(9).await;
    one.stop.cancel();
    let (took, term) = two.leads_after().await;
    assert!(took < Duration::from_secs(3), "{took:?}");
    assert!(term.predecessor.is_none(), "nothing to wait for");
    assert_eq!(one.running.await.unwrap(), Ended::Stopped);
    assert!(!one.leader.permit.is_valid());
    assert!(matches!(*one.leader.leadership.borrow(), Leadership::Stopped));
    assert_eq!(api.lease()["spec"]["leaseTransitions"], 1);

    let began = Moment::now();
    term.predecessor_is_done(Duration::from_secs(10)).await;
    assert!(began.elapsed() < Duration::from_millis(100));
}

#[tokio::test(start_paused = true)]
async fn giving_back_copes_with_a_lost_reply_and_an_api_that_is_down() {
    let api = LeaseApi::default();
    let mut one = start(&api, "one", 0);
    one.leads_after().await;
    api.next_faults([Fault::Refused(500)]);
    one.stop.cancel();
    assert_eq!(one.running.await.unwrap(), Ended::Stopped);
    assert_eq!(api.holder(), "");

    let mut two = start(&api, "two", 0);
    two.leads_after().await;
    api.always(Some(Fault::Silent));
    let began = Moment::now();
    two.stop.cancel();
    assert_eq!(two.running.await.unwrap(), Ended::Stopped);
    assert!(began.elapsed() <= Duration::from_secs(11), "stopping is bounded");
    assert_eq!(api.holder(), "two");
}

#[tokio::test(start_paused = true)]
async fn a_standby_that_is_stopped_leaves_the_lease_alone() {
    let api = LeaseApi::default();
    let mut one = start(&api, "one", 0);
    one.leads_after().await;
    let two = start(&api, "two", 0);
    pass(5).await;
    two.stop.cancel();
    assert_eq!(two.running.await.unwrap(), Ended::Stopped);
    pass(5).await;
    assert!(one.is_valid());
    assert_eq!(api.holder(), "one");
}

/// A process that is stopped and continued now and then, as by SIGSTOP and SIGCONT.
struct Freezing {
    inner: Pin<Box<dyn Future<Output = Ended> + Send>>,
    frozen: Arc<Mutex<bool>>,
}

impl Future for Freezing {
    type Output = Ended;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Ended> {
        if *self.frozen.lock().unwrap() {
            // Looked at again by the timer of the test, which wakes every contender.
            let waker = context.waker().clone();
            tokio::spawn(async move {
                Clock::real().sleep(Duration::from_millis(20)).await;
                waker.wake();
            });
            return Poll::Pending;
        }
        self.inner.as_mut().poll(context)
    }
}

/// What happens to one contender.
#[derive(Debug, Clone)]
struct Fate {
    hours_wrong: i64,
    faults: Vec<Fault>,
    /// Seconds that it runs and then is frozen, in turn.
    pauses: Vec<(u64, u64)>,
}

fn fault() -> impl Strategy<Value = Fault> {
    prop_oneof![
        8 => Just(Fault::None),
        1 => Just(Fault::Refused(500)),
        1 => (1..20_000_u64).prop_map(Fault::Slow),
        1 => (1..20_000_u64).prop_map(Fault::SlowReply),
        1 => Just(Fault::LostReply),
        1 => Just(Fault::Silent),
        1 => Just(Fault::Starting),
    ]
}

fn fate() -> impl Strategy<Value = Fate> {
    let faults = proptest::collection::vec(fault(), 0..80);
    let pauses = proptest::collection::vec((1..40_u64, 1..40_u64), 0..6);
    (-12..12_i64, faults, pauses).prop_map(|(hours_wrong, faults, pauses)| Fate {
        hours_wrong,
        faults,
        pauses,
    })
}

/// Takes part again and again, with a new identity each time, as a restarted pod does.
async fn live(api: LeaseApi, name: usize, fate: Fate, permit: Arc<Mutex<Permit>>) {
    let mut faults: VecDeque<Fault> = fate.faults.into();
    let frozen = Arc::new(Mutex::new(false));
    let freezing = Arc::clone(&frozen);
    tokio::spawn(async move {
        for (runs, rests) in fate.pauses {
            pass(runs).await;
            *freezing.lock().unwrap() = true;
            pass(rests).await;
            *freezing.lock().unwrap() = false;
        }
    });
    for life in 0.. {
        let (mut elector, leader) = elector(&api, &format!("{name}-{life}"), fate.hours_wrong);
        let client = api.client_with(std::mem::take(&mut faults));
        elector.api = Api::namespaced(client, &elector.settings.namespace);
        *permit.lock().unwrap() = leader.permit.clone();
        let inner = Box::pin(elector.run(CancellationToken::new()));
        Freezing { inner, frozen: Arc::clone(&frozen) }.await;
        pass(1).await;
    }
}

async fn hold_election(fates: Vec<Fate>) -> Result<(), TestCaseError> {
    let api = LeaseApi::default();
    let permits: Vec<_> = fates.iter().map(|_| Arc::new(Mutex::new(Permit::issue().1))).collect();
    let mut lives = tokio::task::JoinSet::new();
    for (name, (fate, permit)) in fates.into_iter().zip(&permits).enumerate() {
        lives.spawn(live(api.clone(), name, fate, Arc::clone(permit)));
    }
    let valid = || permits.iter().filter(|it| it.lock().unwrap().is_valid()).count();
    for step in 0..20 * 300 {
        Clock::real().sleep(Duration::from_millis(50)).await;
        let count = valid();
        prop_assert!(count <= 1, "{count} permits are valid at step {step}");
    }
    // Faults and pauses are over by now: somebody leads.
    for _ in 0..120 {
        pass(1).await;
        if valid() == 1 {
            return Ok(());
        }
    }
    Err(TestCaseError::fail("nobody leads although nothing is wrong any more"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn never_two_permits_at_a_time(fates in proptest::collection::vec(fate(), 2..4)) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(hold_election(fates))?;
    }
}
