//! One rule at a time.

use super::api::Fault;
use super::*;

#[tokio::test(start_paused = true)]
async fn a_new_lease_is_taken_at_once_and_renewed() {
    let api = LeaseApi::default();
    let mut one = start(&api, "one", 0);
    let (took, term) = one.leads_after().await;
    assert!(took < Duration::from_secs(1));
    assert!(term.predecessor.is_none());
    assert_eq!(api.lease()["spec"]["leaseTransitions"], 0);
    assert_eq!(api.lease()["spec"]["leaseDurationSeconds"], 15);

    let acquired = api.lease()["spec"]["acquireTime"].clone();
    let first = api.lease()["spec"]["renewTime"].clone();
    for _ in 0..600 {
        pass(1).await;
        assert!(one.is_valid());
    }
    assert_eq!(api.lease()["spec"]["acquireTime"], acquired);
    assert_ne!(api.lease()["spec"]["renewTime"], first);
    let writes = api.writes().len();
    assert!(
        (280..=320).contains(&writes),
        "one renewal in two seconds, not {writes} in ten minutes"
    );
}

#[tokio::test(start_paused = true)]
async fn the_permit_ends_in_time_when_the_api_is_down() {
    for fault in [Fault::Silent, Fault::Refused(500), Fault::Starting, Fault::Slow(60_000)] {
        let api = LeaseApi::default();
        let mut one = start(&api, "one", 0);
        one.leads_after().await;
        pass(3).await;
        api.always(Some(fault));
        let last_renewal = 1;
        pass(10 - last_renewal - 1).await;
        assert!(one.is_valid(), "{fault:?}: a short outage ends nothing");
        pass(2).await;
        assert!(!one.is_valid(), "{fault:?}");
        let ended = one.running.await.unwrap();
        assert_eq!(ended, Ended::Lost(Loss::NotRenewed(Duration::from_secs(10))), "{fault:?}");
        assert!(matches!(*one.leader.leadership.borrow(), Leadership::Lost(_)));
    }
}

#[tokio::test(start_paused = true)]
async fn the_permit_ends_by_itself_when_the_elector_hangs() {
    let api = LeaseApi::default();
    let (elector, mut leader) = elector(&api, "one", 0);
    let mut running = Box::pin(elector.run(CancellationToken::new()));
    tokio::select! {
        biased;
        _ = &mut running => unreachable!(),
        term = leader.leading() => assert!(term.is_some()),
    }
    // From here on nobody polls the elector.
    pass(12).await;
    assert!(leader.permit.is_valid());
    pass(1).await;
    assert!(!leader.permit.is_valid());
    drop(running);
}

#[tokio::test(start_paused = true)]
async fn a_renewal_whose_reply_is_late_counts_from_its_start() {
    let api = LeaseApi::default();
    let (elector, leader) = elector(&api, "one", 0);
    let mut running = Box::pin(elector.run(CancellationToken::new()));
    api.next_faults([Fault::None, Fault::None, Fault::SlowReply(4_900)]);
    // Sent at 2 s, answered at 6.9 s: so valid until 14.5 s.
    tokio::select! {
        biased;
        _ = &mut running => unreachable!(),
        () = pass(8) => {}
    }
    pass(6).await;
    assert!(leader.permit.is_valid());
    pass(1).await;
    assert!(!leader.permit.is_valid());
    drop(running);
}

#[tokio::test(start_paused = true)]
async fn lost_replies_and_short_faults_do_not_end_leadership() {
    let api = LeaseApi::default();
    let mut one = start(&api, "one", 0);
    one.leads_after().await;
    for fault in [
        Fault::LostReply,
        Fault::Refused(500),
        Fault::Refused(429),
        Fault::Silent,
        Fault::Starting,
        Fault::Slow(6_000),
        Fault::SlowReply(6_000),
    ] {
        api.next_faults([fault]);
        for _ in 0..120 {
            Clock::real().sleep(Duration::from_millis(250)).await;
            assert!(one.is_valid(), "{fault:?}");
        }
    }
    assert_eq!(api.lease()["spec"]["leaseTransitions"], 0);
}

#[tokio::test(start_paused = true)]
async fn an_acquisition_whose_reply_was_lost_is_recognised() {
    let api = LeaseApi::default();
    api.next_faults([Fault::None, Fault::LostReply]);
    let mut one = start(&api, "one", 0);
    let (took, term) = one.leads_after().await;
    assert!(took < Duration::from_secs(4), "{took:?}");
    assert!(term.predecessor.is_none());
    assert_eq!(api.lease()["spec"]["leaseTransitions"], 0);
}

#[tokio::test(start_paused = true)]
async fn whoever_took_the_lease_has_it() {
    let api = LeaseApi::default();
    let mut one = start(&api, "one", 0);
    one.leads_after().await;
    api.edit(|lease| lease["spec"]["holderIdentity"] = "two".into());
    pass(3).await;
    assert!(!one.is_valid());
    assert_eq!(one.running.await.unwrap(), Ended::Lost(Loss::TakenBy("two".into())));
    assert_eq!(api.holder(), "two", "the loser writes nothing");
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_was_removed_or_emptied_is_lost() {
    for emptied in [true, false] {
        let api = LeaseApi::default();
        let mut one = start(&api, "one", 0);
        one.leads_after().await;
        if emptied {
            api.edit(|lease| lease["spec"]["holderIdentity"] = "".into());
        } else {
            api.delete();
        }
        pass(3).await;
        assert!(!one.is_valid());
        assert_eq!(one.running.await.unwrap(), Ended::Lost(Loss::Removed));
    }
}

#[tokio::test(start_paused = true)]
async fn a_label_does_not_disturb_the_holder_nor_prolong_its_lease() {
    let api = LeaseApi::default();
    let mut one = start(&api, "one", 0);
    one.leads_after().await;
    api.edit(|lease| lease["metadata"]["labels"] = serde_json::json!({"by": "hand"}));
    pass(20).await;
    assert!(one.is_valid());
    assert_eq!(api.lease()["metadata"]["labels"]["by"], "hand");

    let mut two = start(&api, "two", 0);
    pass(5).await;
    one.killed().await;
    let labelling = async {
        for number in 0_u32.. {
            api.edit(|lease| {
                lease["metadata"]["labels"] = serde_json::json!({"n": number.to_string()});
            });
            pass(1).await;
            assert!(number < 60, "nobody took it: {}", api.lease());
        }
    };
    tokio::select! {
        (took, _) = two.leads_after() => assert!(took < Duration::from_secs(20), "{took:?}"),
        () = labelling => unreachable!(),
    }
}
