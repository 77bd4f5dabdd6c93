use std::collections::HashMap;

use proptest::prelude::*;

use super::*;

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn account(n: u32) -> AccountId {
    format!("{n:012}").parse().unwrap()
}

fn items(range: std::ops::Range<u32>) -> Vec<(u32, AccountId)> {
    range.map(|n| (n, account(n))).collect()
}

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(millis).unwrap()
}

fn by_rollback(grants: &[Grant]) -> HashMap<&str, usize> {
    let mut counts = HashMap::new();
    for grant in grants {
        *counts.entry(grant.rollback.as_str()).or_default() += 1;
    }
    counts
}

impl Slots {
    /// Whether what is kept ready is what a search over everything finds.
    fn check(&self) {
        let occupied: usize = self.rollbacks.values().map(|r| r.occupied.len()).sum();
        let queued: usize = self.rollbacks.values().map(|r| r.waiting.len()).sum();
        assert_eq!((self.in_flight, self.queued), (occupied, queued));
        assert!(self.allowed >= 1 && self.allowed <= self.limit);
        let mut usable = Classes::default();
        let mut wanted: HashMap<&AccountId, (BTreeSet<Id>, usize)> = HashMap::new();
        for (id, rollback) in &self.rollbacks {
            assert!(!(rollback.waiting.is_empty() && rollback.occupied.is_empty()), "idle");
            let in_lines: usize = rollback.lines.values().map(|line| line.items.len()).sum();
            assert_eq!(in_lines, rollback.waiting.len());
            for (account, line) in &rollback.lines {
                assert!(line.items.iter().all(|item| rollback.waiting[item] == *account));
                let (by, emergencies) = wanted.entry(account).or_default();
                by.insert(Arc::clone(id));
                *emergencies += usize::from(rollback.emergency);
            }
        }
        for (id, rollback) in &self.rollbacks {
            let ready: BTreeSet<_> = rollback
                .lines
                .iter()
                .filter(|(account, _)| {
                    let entry = &self.accounts[*account];
                    let first = rollback.emergency || wanted[account].1 == 0;
                    entry.occupied == 0 && entry.held_until.is_none() && first
                })
                .map(|(account, line)| (Reverse(line.items.len()), line.position, account.clone()))
                .collect();
            assert_eq!(ready, rollback.ready);
            if !ready.is_empty() {
                usable.of(rollback.emergency).insert((rollback.turn, Arc::clone(id)));
            }
        }
        assert_eq!(usable.emergencies, self.usable.emergencies);
        assert_eq!(usable.others, self.usable.others);
        for (account, entry) in &self.accounts {
            let by_rollbacks = self
                .rollbacks
                .values()
                .flat_map(|r| r.occupied.values())
                .filter(|(a, _)| a == account);
            assert_eq!(entry.occupied, by_rollbacks.count());
            let (by, emergencies) = wanted.remove(account).unwrap_or_default();
            assert_eq!((&entry.wanted_by, entry.emergencies), (&by, emergencies));
            let held = entry.held_until.map(|until| (until, account.clone()));
            assert!(held.is_none_or(|held| self.held.contains(&held)));
            let idle = entry.occupied == 0 && entry.held_until.is_none() && by.is_empty();
            assert!(!idle, "an account that nobody cares for is remembered");
        }
        assert!(wanted.is_empty());
    }
}

#[test]
fn slots_are_shared_alike_and_an_emergency_goes_first() {
    let mut slots = Slots::new(10);
    slots.want("a", false, items(0..20));
    slots.want("b", false, items(100..120));
    assert_eq!(by_rollback(&slots.grants(NOW)), HashMap::from([("a", 5), ("b", 5)]));

    let mut slots = Slots::new(10);
    slots.want("a", false, items(0..20));
    slots.want("z", true, items(100..120));
    let grants = slots.grants(NOW);
    assert!(grants[..4].iter().all(|grant| grant.rollback == "z"));
    assert_eq!(by_rollback(&grants)["z"], 8);
    assert_eq!(by_rollback(&grants)["a"], 2, "the others are not starved");
}

#[test]
fn one_account_has_one_change_at_a_time_and_an_emergency_first() {
    let mut slots = Slots::new(10);
    slots.want("a", false, vec![(0, account(7)), (1, account(7))]);
    assert_eq!(slots.grants(NOW).len(), 1);
    slots.want("z", true, vec![(0, account(7))]);
    slots.release("a", 0);
    assert_eq!(slots.grants(NOW)[0].rollback, "z");
    slots.release("z", 0);
    assert_eq!(slots.grants(NOW)[0].rollback, "a");
}

#[test]
fn the_longest_line_goes_first_and_the_order_within_an_account_is_kept() {
    let mut slots = Slots::new(2);
    let list = [(9, 1), (5, 2), (4, 3), (7, 3), (1, 3), (8, 2)];
    slots.want("a", false, list.map(|(item, n)| (item, account(n))).to_vec());
    let mut order = Vec::new();
    loop {
        let grants = slots.grants(NOW);
        if grants.is_empty() {
            break;
        }
        for grant in grants {
            order.push(grant.item);
            slots.release("a", grant.item);
        }
        slots.check();
    }
    assert_eq!(order, [4, 5, 7, 9, 8, 1]);
}

#[test]
fn a_stream_of_new_emergencies_starves_nobody() {
    let mut slots = Slots::new(1);
    slots.want("old", false, items(0..1));
    for n in 1..10 {
        let name = format!("emergency-{n}");
        slots.want(&name, true, items(n..n + 1));
        let grants = slots.grants(NOW);
        assert_eq!(grants.len(), 1);
        if grants[0].rollback == "old" {
            assert_eq!(n, 5, "after four turns of emergencies");
            return;
        }
        slots.release(&grants[0].rollback, grants[0].item);
    }
    panic!("never served");
}

#[test]
fn an_account_that_is_left_alone_is_granted_later() {
    let mut slots = Slots::new(10);
    slots.hold_account(account(1), at(2000));
    slots.hold_account(account(1), at(1000));
    slots.hold_account(account(77), at(500));
    slots.want("a", false, items(1..3));
    assert_eq!(slots.grants(NOW).len(), 1);
    assert_eq!(slots.next_grant(NOW), Some(at(2000)), "nobody wants account 77");
    assert!(slots.grants(at(1999)).is_empty());
    assert_eq!(slots.grants(at(2000)).len(), 1);
    assert_eq!(slots.next_grant(NOW), None);
    slots.check();
}

#[test]
fn what_was_adopted_counts_and_does_not_wait_any_more() {
    let mut slots = Slots::new(2);
    slots.want("a", false, items(0..9));
    for item in 0..3 {
        slots.adopt("a", item, account(item));
    }
    slots.adopt("a", 0, account(0));
    assert_eq!((slots.in_flight(), slots.queued()), (3, 6));
    assert!(slots.grants(NOW).is_empty());
    slots.release("a", 0);
    assert!(slots.grants(NOW).is_empty());
    slots.release("a", 1);
    assert_eq!(slots.grants(NOW).len(), 1);
    slots.check();
}

#[test]
fn what_is_at_work_is_not_granted_again_and_outlives_being_forgotten() {
    let mut slots = Slots::new(10);
    slots.want("a", false, items(0..2));
    assert_eq!(slots.grants(NOW).len(), 2);
    slots.want("a", false, items(0..3));
    assert_eq!(slots.grants(NOW).iter().map(|grant| grant.item).collect::<Vec<_>>(), [2]);
    slots.forget("a");
    slots.want("b", false, items(0..1));
    assert!(slots.grants(NOW).is_empty(), "the account is occupied");
    slots.release("a", 0);
    assert_eq!(slots.grants(NOW).len(), 1);
    slots.check();
}

#[test]
fn slots_fall_when_throttled_and_come_back() {
    let mut slots = Slots::new(10);
    slots.want("a", false, items(0..100));
    assert_eq!(slots.grants(NOW).len(), 10);
    slots.throttled(at(0));
    slots.throttled(at(999));
    assert_eq!(slots.allowed(), 5, "what left together counts once");
    for item in 0..10 {
        slots.release("a", item);
    }
    assert_eq!(slots.allowed(), 5, "they were granted before");
    for item in 10..100 {
        slots.grants(NOW);
        slots.release("a", item);
    }
    assert_eq!(slots.allowed(), 10);
    for second in 1..9 {
        slots.throttled(at(second * 1000));
    }
    assert_eq!(slots.allowed(), 1);
}

#[derive(Debug, Clone)]
enum Step {
    Want(u8, bool, Vec<(u32, u8)>),
    Grant,
    Release(usize),
    Adopt(u8, u32, u8),
    Hold(u8, i64),
    Pause(i64),
    Throttled,
    Forget(u8),
    Limit(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0_u8..4, any::<bool>(), prop::collection::vec((0_u32..40, 0_u8..12), 0..16))
            .prop_map(|(rollback, emergency, items)| Step::Want(rollback, emergency, items)),
        5 => Just(Step::Grant),
        5 => any::<usize>().prop_map(Step::Release),
        1 => (0_u8..4, 0_u32..40, 0_u8..12).prop_map(|(r, i, a)| Step::Adopt(r, i, a)),
        1 => (0_u8..12, 0_i64..3000).prop_map(|(account, millis)| Step::Hold(account, millis)),
        2 => (0_i64..2000).prop_map(Step::Pause),
        1 => Just(Step::Throttled),
        1 => (0_u8..4).prop_map(Step::Forget),
        1 => (1_usize..12).prop_map(Step::Limit),
    ]
}

proptest! {
    #[test]
    fn the_limits_hold_whatever_happens(
        limit in 1_usize..12,
        steps in prop::collection::vec(step(), 1..150),
    ) {
        let mut slots = Slots::new(limit);
        let mut open: BTreeMap<(String, u32), AccountId> = BTreeMap::new();
        let mut now = NOW;
        for step in steps {
            match step {
                Step::Want(rollback, emergency, items) => {
                    let items = items.into_iter().map(|(item, n)| (item, account(u32::from(n))));
                    slots.want(&rollback.to_string(), emergency, items.collect());
                }
                Step::Grant => {
                    let free = slots.allowed().saturating_sub(open.len());
                    let grants = slots.grants(now);
                    prop_assert!(grants.len() <= free, "more than are allowed");
                    for grant in grants {
                        prop_assert!(open.values().all(|busy| *busy != grant.account), "two in one account");
                        let known = open.insert((grant.rollback, grant.item), grant.account);
                        prop_assert!(known.is_none(), "granted twice");
                    }
                    // Work conserving: what still waits, waits for a slot, an account or a time.
                    let idle = slots.rollbacks.values().flat_map(|r| r.lines.keys()).any(|account| {
                        let entry = &slots.accounts[account];
                        entry.occupied == 0 && entry.held_until.is_none()
                    });
                    prop_assert!(!idle || slots.in_flight() >= slots.allowed());
                }
                Step::Release(n) => {
                    let nth = open.keys().nth(n % open.len().max(1)).cloned();
                    if let Some((rollback, item)) = nth {
                        open.remove(&(rollback.clone(), item));
                        slots.release(&rollback, item);
                        slots.release(&rollback, item);
                    }
                }
                Step::Adopt(rollback, item, n) => {
                    let (rollback, account) = (rollback.to_string(), account(u32::from(n)));
                    slots.adopt(&rollback, item, account.clone());
                    open.entry((rollback, item)).or_insert(account);
                }
                Step::Hold(n, millis) => {
                    let until = now + SignedDuration::from_millis(millis);
                    slots.hold_account(account(u32::from(n)), until);
                }
                Step::Pause(millis) => now += SignedDuration::from_millis(millis),
                Step::Throttled => slots.throttled(now),
                Step::Forget(rollback) => slots.forget(&rollback.to_string()),
                Step::Limit(limit) => slots.set_limit(limit),
            }
            slots.check();
            prop_assert_eq!(slots.in_flight(), open.len());
        }
        for ((rollback, item), _) in open {
            slots.release(&rollback, item);
        }
        (0..4).for_each(|rollback| slots.forget(&rollback.to_string()));
        slots.grants(now + SignedDuration::from_hours(1));
        prop_assert!(slots.rollbacks.is_empty() && slots.accounts.is_empty() && slots.held.is_empty());
    }

    #[test]
    fn everybody_has_a_fair_share(
        slots_allowed in 1_usize..12,
        others in 1_usize..6,
        emergencies in 0_usize..3,
    ) {
        const ROUNDS: usize = 600;
        let mut slots = Slots::new(slots_allowed);
        let name = |n: usize| format!("{n}");
        let wanted = |n: usize| {
            let first = u32::try_from(n).unwrap() * 10_000;
            items(first..first + u32::try_from(ROUNDS).unwrap())
        };
        for n in 0..others + emergencies {
            slots.want(&name(n), n >= others, wanted(n));
        }
        let (mut served, mut open) = (vec![0_usize; others + emergencies], VecDeque::new());
        for _ in 0..ROUNDS {
            for grant in slots.grants(NOW) {
                served[grant.rollback.parse::<usize>().unwrap()] += 1;
                open.push_back(grant);
            }
            if let Some(grant) = open.pop_front() {
                slots.release(&grant.rollback, grant.item);
            }
        }
        let spread = |served: &[usize]| {
            served.iter().max().unwrap_or(&0) - served.iter().min().unwrap_or(&0)
        };
        prop_assert!(spread(&served[..others]) <= 1 && spread(&served[others..]) <= 1, "{served:?}");
        if emergencies > 0 {
            let (normal, urgent) = served.split_at(others);
            let (normal, urgent) = (normal.iter().sum::<usize>(), urgent.iter().sum::<usize>());
            prop_assert!((normal * 4).abs_diff(urgent) <= 4, "{served:?}");
        }
    }
}
