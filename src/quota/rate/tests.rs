use proptest::prelude::*;

use super::*;

const ALL: [Priority; PRIORITIES] =
    [Priority::Recovery, Priority::Mutation, Priority::Poll, Priority::Verify, Priority::PreRead];

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(millis).unwrap()
}

/// The most that left in any window of one second.
fn most_in_a_second(left: &[Timestamp]) -> usize {
    let within = |first: Timestamp| {
        left.iter().filter(|other| (first..later(first, SECOND)).contains(*other)).count()
    };
    left.iter().map(|first| within(*first)).max().unwrap_or(0)
}

#[derive(Debug, Clone)]
enum Step {
    Pause(i64),
    Enqueue(usize, usize),
    Cancel(usize),
    Throttled,
    Answered,
    Limit(u32),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0_i64..700).prop_map(Step::Pause),
        4 => (0..PRIORITIES, 0_usize..30).prop_map(|(line, n)| Step::Enqueue(line, n)),
        1 => (0_usize..500).prop_map(Step::Cancel),
        1 => Just(Step::Throttled),
        1 => Just(Step::Answered),
        1 => (1_u32..30).prop_map(Step::Limit),
    ]
}

proptest! {
    #[test]
    fn no_window_of_one_second_holds_more_than_the_limit(
        first in 1_u32..30,
        steps in prop::collection::vec(step(), 1..80),
    ) {
        let mut rate = Rate::new(first, at(0));
        let (mut now, mut highest) = (at(0), first);
        let (mut tickets, mut gone) = (Vec::new(), BTreeSet::new());
        let mut left = Vec::new();
        for step in steps {
            match step {
                Step::Pause(millis) => {
                    // All that becomes due on the way leaves when it is due.
                    let until = later(now, SignedDuration::from_millis(millis));
                    while let Some(next) = rate.next_admission(now).filter(|next| *next < until) {
                        now = next;
                        for ticket in rate.admit(now) {
                            prop_assert!(gone.insert(ticket), "left twice");
                            left.push(now);
                        }
                    }
                    now = until;
                }
                Step::Enqueue(line, n) => tickets.extend((0..n).map(|_| rate.enqueue(ALL[line]))),
                Step::Cancel(n) => {
                    if let Some(ticket) = tickets.get(n) {
                        rate.cancel(*ticket);
                        gone.insert(*ticket);
                    }
                }
                Step::Throttled => rate.throttled(now),
                Step::Answered => rate.answered(now),
                Step::Limit(limit) => {
                    rate.set_limit(limit);
                    highest = highest.max(limit);
                }
            }
            prop_assert!(rate.allowed() >= 1.0 && rate.allowed() <= rate.limit);
            for ticket in rate.admit(now) {
                prop_assert!(gone.insert(ticket), "left twice or after it was cancelled");
                left.push(now);
            }
            prop_assert_eq!(rate.waiting.len(), tickets.len() - gone.len());
            prop_assert_eq!(rate.lines.iter().map(|l| l.tickets.len()).sum::<usize>(), rate.waiting.len());
        }
        prop_assert!(most_in_a_second(&left) <= highest as usize);
    }

    #[test]
    fn whoever_waits_leaves_when_it_was_said_and_at_the_full_rate(
        limit in 1_u32..40,
        throttles in 0_i64..4,
        requests in 1_u32..200,
    ) {
        let mut rate = Rate::new(limit, at(-10_000));
        for n in 0..throttles {
            rate.throttled(at(n * 1000 - 5000));
        }
        for _ in 0..requests {
            rate.enqueue(Priority::PreRead);
        }
        let (mut now, mut left) = (at(0), rate.admit(at(0)).len());
        while let Some(next) = rate.next_admission(now) {
            prop_assert!(next > now);
            now = next;
            let admitted = rate.admit(now).len();
            prop_assert!(admitted > 0, "nobody left at the time that was said");
            left += admitted;
        }
        prop_assert_eq!(left, requests as usize);
        let took = seconds_between(at(0), now);
        let bound = f64::from(requests) / rate.allowed();
        prop_assert!(took <= bound + 1e-6, "{requests} took {took} s, more than {bound} s");
    }

    #[test]
    fn nobody_waits_for_ever(
        limit in 1_u32..30,
        victim in 0..PRIORITIES,
        crowd in prop::collection::vec(0..PRIORITIES, 1..4),
    ) {
        let mut rate = Rate::new(limit, at(0));
        let mut now = at(0);
        for line in crowd.iter().cycle().take(crowd.len() * 100) {
            rate.enqueue(ALL[*line]);
        }
        // Those of its own line are rightly before it.
        let waiting = rate.enqueue(ALL[victim]);
        let own = rate.lines[victim].tickets.len();
        let mut passed = 0;
        while rate.waiting.contains_key(&waiting) {
            now = rate.next_admission(now).unwrap_or(now);
            for _ in rate.admit(now) {
                passed += 1;
                for line in crowd.iter().filter(|line| **line != victim) {
                    rate.enqueue(ALL[*line]);
                }
            }
            prop_assert!(passed <= own * 8 * PRIORITIES, "{passed} went before it");
        }
    }
}

#[test]
fn the_most_urgent_go_first_in_the_order_that_they_came() {
    let mut rate = Rate::new(100, at(0));
    let reads: Vec<_> = (0..3).map(|_| rate.enqueue(Priority::PreRead)).collect();
    let polls: Vec<_> = (0..2).map(|_| rate.enqueue(Priority::Poll)).collect();
    let changes: Vec<_> = (0..2).map(|_| rate.enqueue(Priority::Mutation)).collect();
    let admitted = rate.admit(at(0));
    assert_eq!(admitted, [changes, polls, reads].concat());
}

#[test]
fn an_urgent_request_does_not_find_the_second_used_up() {
    let mut rate = Rate::new(18, at(0));
    for _ in 0..1000 {
        rate.enqueue(Priority::PreRead);
    }
    let mut now = at(0);
    for _ in 0..50 {
        now = rate.next_admission(now).unwrap();
        rate.admit(now);
    }
    let change = rate.enqueue(Priority::Mutation);
    let came = now;
    while rate.waiting.contains_key(&change) {
        now = rate.next_admission(now).unwrap();
        rate.admit(now);
    }
    assert!(seconds_between(came, now) <= 0.3, "{}", seconds_between(came, now));
}

#[test]
fn the_rate_falls_when_throttled_and_comes_back() {
    let mut rate = Rate::new(18, at(0));
    rate.throttled(at(1000));
    rate.throttled(at(1001));
    assert!((rate.allowed() - 12.6).abs() < 1e-9, "one burst counts once");
    rate.answered(at(1900));
    assert!((rate.allowed() - 12.6).abs() < 1e-9, "not a second yet");
    rate.answered(at(2600));
    rate.answered(at(3100));
    assert!((rate.allowed() - 13.6).abs() < 1e-9, "parts of a second are not lost");
    rate.answered(at(60_000));
    assert!(rate.is_recovered());
    for second in 61..200 {
        rate.throttled(at(second * 1000));
    }
    assert!((rate.allowed() - 1.0).abs() < 1e-9, "it never falls below one");
}

#[test]
fn a_second_with_one_throttled_request_is_not_quiet() {
    let mut rate = Rate::new(18, at(0));
    for tenth in 0..100 {
        rate.answered(at(tenth * 100));
        if tenth % 9 == 0 {
            rate.throttled(at(tenth * 100 + 50));
        }
    }
    // Every other of them counts, and nothing is given back in between.
    let expected = 18.0 * DECREASE.powi(6);
    assert!((rate.allowed() - expected).abs() < 1e-9, "{}", rate.allowed());
}

#[test]
fn what_others_leave_is_found_and_most_of_it_used() {
    // AWS lets 6 requests a second through; all others of the 18 are used by somebody else.
    const LEFT: usize = 6;
    let mut rate = Rate::new(18, at(0));
    let mut passed: VecDeque<Timestamp> = VecDeque::new();
    let (mut now, mut throttled, mut answered) = (at(0), 0, 0);
    while now < at(300_000) {
        rate.enqueue(Priority::Verify);
        now = rate.next_admission(now).unwrap();
        for _ in rate.admit(now) {
            passed.retain(|at| now.duration_since(*at) < SECOND);
            if passed.len() < LEFT {
                passed.push_back(now);
                answered += 1;
                rate.answered(now);
            } else {
                throttled += 1;
                rate.throttled(now);
            }
        }
    }
    let used = f64::from(answered) / 300.0 / 6.0;
    let refused = f64::from(throttled) / f64::from(throttled + answered);
    assert!(used > 0.75 && refused < 0.1, "{used:.2} used, {refused:.2} refused");
}

#[test]
fn a_changed_limit_is_taken_at_once_and_throttling_is_remembered() {
    let mut rate = Rate::new(10, at(0));
    rate.set_limit(20);
    assert!((rate.allowed() - 20.0).abs() < 1e-9);
    rate.throttled(at(0));
    rate.set_limit(40);
    assert!((rate.allowed() - 14.0).abs() < 1e-9);
    rate.set_limit(5);
    assert!((rate.allowed() - 5.0).abs() < 1e-9);
}
