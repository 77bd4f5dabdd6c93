use proptest::prelude::*;

use super::*;

const ALL: [Priority; PRIORITIES] =
    [Priority::Recovery, Priority::Mutation, Priority::Poll, Priority::Verify, Priority::PreRead];

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(millis).unwrap()
}

/// Who leaves next, and when: somebody has to.
fn next(rate: &mut Rate, now: Timestamp) -> (Timestamp, Vec<Ticket>) {
    let at = rate.next_admission(now).expect("somebody waits");
    let admitted = rate.admit(at);
    assert!(!admitted.is_empty(), "nobody left at the time that was said");
    (at, admitted)
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
                    while rate.next_admission(now).is_some_and(|next| next < until) {
                        let (at, admitted) = next(&mut rate, now);
                        now = at;
                        for ticket in admitted {
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
        while rate.next_admission(now).is_some() {
            let (at, admitted) = next(&mut rate, now);
            prop_assert!(at > now);
            now = at;
            left += admitted.len();
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
            let (at, admitted) = next(&mut rate, now);
            now = at;
            for _ in admitted {
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
fn a_tenth_of_what_a_second_takes_may_leave_in_one_breath() {
    for (limit, together) in [(1, 1), (5, 1), (10, 1), (18, 2), (20, 2), (45, 5)] {
        let mut rate = Rate::new(limit, at(0));
        for _ in 0..20 {
            rate.enqueue(Priority::Verify);
        }
        assert_eq!(rate.admit(at(0)).len(), together, "of {limit} in a second");
    }
}

#[test]
fn every_eighth_request_is_of_whoever_waited_longest() {
    let mut rate = Rate::new(400, at(0));
    let passed_over = rate.enqueue(Priority::PreRead);
    for _ in 0..30 {
        rate.enqueue(Priority::Recovery);
    }
    let admitted = rate.admit(at(0));
    assert_eq!(admitted.iter().position(|ticket| *ticket == passed_over), Some(7));
}

#[test]
fn an_urgent_request_does_not_find_the_second_used_up() {
    let mut rate = Rate::new(18, at(0));
    for _ in 0..1000 {
        rate.enqueue(Priority::PreRead);
    }
    let mut now = at(0);
    for _ in 0..50 {
        (now, _) = next(&mut rate, now);
    }
    let change = rate.enqueue(Priority::Mutation);
    let came = now;
    while rate.waiting.contains_key(&change) {
        (now, _) = next(&mut rate, now);
    }
    assert!(seconds_between(came, now) <= 0.3, "{}", seconds_between(came, now));
}

#[test]
fn the_rate_falls_when_throttled_and_comes_back() {
    let mut rate = Rate::new(18, at(0));
    rate.throttled(at(1000));
    rate.throttled(at(1001));
    assert!((rate.allowed() - 14.4).abs() < 1e-9, "one burst counts once");
    rate.throttled(at(1999));
    assert!((rate.allowed() - 14.4).abs() < 1e-9, "nor does what follows within a second");
    let mut later = rate.clone();
    later.throttled(at(2000));
    assert!((later.allowed() - 11.52).abs() < 1e-9, "a second later it counts again");
    let mut rate = Rate::new(18, at(0));
    rate.throttled(at(1000));
    rate.throttled(at(1001));
    rate.answered(at(1900));
    assert!((rate.allowed() - 14.4).abs() < 1e-9, "not a second yet");
    rate.answered(at(2600));
    rate.answered(at(3100));
    assert!((rate.allowed() - 15.4).abs() < 1e-9, "parts of a second are not lost");
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

/// How much of `left` requests a second is used for five minutes when somebody else takes all others
/// of the 18, and which part is refused.
fn beside_others(left: usize) -> (f64, f64) {
    let mut rate = Rate::new(18, at(0));
    let mut passed: VecDeque<Timestamp> = VecDeque::new();
    let (mut now, mut throttled, mut answered) = (at(0), 0, 0);
    for _ in 0..5400 {
        rate.enqueue(Priority::Verify);
        let (at, admitted) = next(&mut rate, now);
        now = at;
        for _ in admitted {
            passed.retain(|at| now.duration_since(*at) < SECOND);
            if passed.len() < left {
                passed.push_back(now);
                answered += 1;
                rate.answered(now);
            } else {
                throttled += 1;
                rate.throttled(now);
            }
        }
    }
    let of = |count: i32, whole: f64| f64::from(count) / whole;
    let left = f64::from(u32::try_from(left).unwrap());
    (of(answered, 300.0 * left), of(throttled, f64::from(throttled + answered)))
}

#[test]
fn what_others_leave_is_found_and_most_of_it_used() {
    for (left, least) in [(6, 0.8), (10, 0.85), (14, 0.85)] {
        let (used, refused) = beside_others(left);
        println!("{left} left: {used:.3} used, {refused:.3} refused");
        assert!(used > least && refused < 0.1, "{left} left: {used:.2} used, {refused:.2} refused");
    }
}

#[test]
fn a_changed_limit_is_taken_at_once_and_throttling_is_remembered() {
    let mut rate = Rate::new(10, at(0));
    rate.set_limit(20);
    assert!((rate.allowed() - 20.0).abs() < 1e-9);
    rate.throttled(at(0));
    rate.set_limit(40);
    assert!((rate.allowed() - 16.0).abs() < 1e-9);
    rate.set_limit(5);
    assert!((rate.allowed() - 5.0).abs() < 1e-9);
}
