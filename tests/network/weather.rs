//! What goes wrong in the network, and when.

use std::time::Duration;

use fastrand::Rng;
use turmoil::Sim;

use super::manner::{Manner, Manners};
use super::server::{AWS, KUBERNETES};

/// The last of it is over by then.
pub const LONGEST: Duration = Duration::from_mins(1);

pub fn operator(number: usize) -> String {
    format!("operator-{number}")
}

#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// Nothing passes in either direction. Who connects is refused; a connection that loses
    /// anything is dead for good, and neither side is told.
    Cut(String, String),
    /// The same in one direction alone.
    CutOneWay(String, String),
    /// What is sent is held back, and delivered when it is over.
    Hold(String, String),
    /// A server behaves badly.
    Server(&'static str, Manner),
    /// A process is killed, and started again when it is over; with its machine, if it vanishes:
    /// then its peers are not told that their connections are closed.
    Down { host: String, vanishes: bool },
}

#[derive(Debug, Clone)]
pub struct Spell {
    pub from: Duration,
    pub until: Duration,
    pub what: What,
}

/// All that is drawn for so many operators.
pub fn draw(rng: &mut Rng, operators: usize) -> Vec<Spell> {
    let mut weather = Vec::new();
    while weather.is_empty() {
        for number in 0..operators {
            for server in [KUBERNETES, AWS] {
                weather.extend(of_link(rng, &operator(number), server));
            }
            if rng.f64() < 0.35 {
                weather.push(down(rng, operator(number), 5.0));
            }
        }
        for server in [KUBERNETES, AWS] {
            weather.extend(of_server(rng, server));
            if rng.f64() < 0.25 {
                weather.push(down(rng, server.to_owned(), 20.0));
            }
        }
    }
    weather.sort_by_key(|spell| spell.from);
    weather
}

/// Spells that touch AWS alone, and end no process.
pub fn concerns_only_aws(spell: &Spell) -> bool {
    match &spell.what {
        What::Cut(one, other) | What::CutOneWay(one, other) | What::Hold(one, other) => {
            one == AWS || other == AWS
        }
        What::Server(server, _) => *server == AWS,
        What::Down { host, .. } => host == AWS,
    }
}

fn seconds(rng: &mut Rng, from: f64, to: f64) -> Duration {
    Duration::from_secs_f64((to - from).mul_add(rng.f64(), from))
}

/// How long something lasts: shorter than the deadlines, or longer.
fn length(rng: &mut Rng) -> Duration {
    if rng.bool() { seconds(rng, 0.2, 4.0) } else { seconds(rng, 4.0, 30.0) }
}

/// Spells one after another.
fn series(
    rng: &mut Rng,
    most: usize,
    mut what: impl FnMut(&mut Rng) -> What,
) -> impl Iterator<Item = Spell> {
    let mut free_from = Duration::ZERO;
    let mut spells = Vec::new();
    for _ in 0..rng.usize(0..=most) {
        let from = free_from + seconds(rng, 0.0, 15.0);
        let until = (from + length(rng)).min(LONGEST);
        if from < until {
            spells.push(Spell { from, until, what: what(rng) });
        }
        free_from = until + Duration::from_secs(1);
    }
    spells.into_iter()
}

fn of_link(rng: &mut Rng, operator: &str, server: &str) -> impl Iterator<Item = Spell> {
    let (operator, server) = (operator.to_owned(), server.to_owned());
    series(rng, 2, move |rng| {
        let (operator, server) = (operator.clone(), server.clone());
        match rng.usize(0..4) {
            0 => What::Cut(operator, server),
            1 => What::CutOneWay(operator, server),
            2 => What::CutOneWay(server, operator),
            _ => What::Hold(operator, server),
        }
    })
}

fn of_server(rng: &mut Rng, server: &'static str) -> impl Iterator<Item = Spell> {
    series(rng, 2, move |rng| {
        let manner = match rng.usize(0..4) {
            0 => Manner::AcceptsNobody,
            1 => Manner::Deaf,
            2 => Manner::Mute,
            _ => Manner::Slow(Duration::from_millis(rng.u64(1..=100))),
        };
        What::Server(server, manner)
    })
}

fn down(rng: &mut Rng, host: String, longest: f64) -> Spell {
    let from = seconds(rng, 0.0, 30.0);
    let until = from + seconds(rng, 0.5, longest);
    Spell { from, until, what: What::Down { host, vanishes: rng.bool() } }
}

/// A spell begins.
pub fn begin(sim: &mut Sim<'_>, manners: &Manners, operators: usize, what: &What) {
    match what {
        What::Cut(one, other) => sim.partition(one.as_str(), other.as_str()),
        What::CutOneWay(from, to) => sim.partition_oneway(from.as_str(), to.as_str()),
        What::Hold(one, other) => sim.hold(one.as_str(), other.as_str()),
        What::Server(server, manner) => manners.set(server, *manner),
        What::Down { host, vanishes } => {
            if *vanishes {
                for_peers(sim, host, operators, |sim, peer| sim.partition(host.as_str(), peer));
            }
            sim.crash(host.as_str());
        }
    }
}

/// A spell ends. Whoever was down is started by the caller.
pub fn end(sim: &mut Sim<'_>, manners: &Manners, operators: usize, what: &What) {
    match what {
        What::Cut(one, other) => sim.repair(one.as_str(), other.as_str()),
        What::CutOneWay(from, to) => sim.repair_oneway(from.as_str(), to.as_str()),
        What::Hold(one, other) => sim.release(one.as_str(), other.as_str()),
        What::Server(server, _) => manners.set(server, Manner::Usual),
        What::Down { host, vanishes: true } => {
            for_peers(sim, host, operators, |sim, peer| sim.repair(host.as_str(), peer));
        }
        What::Down { .. } => {}
    }
}

/// All is well between any two hosts, whatever overlapped before.
pub fn clear(sim: &mut Sim<'_>, manners: &Manners, operators: usize) {
    for server in [KUBERNETES, AWS] {
        manners.set(server, Manner::Usual);
        for number in 0..operators {
            sim.repair(operator(number), server);
            sim.release(operator(number), server);
        }
    }
}

fn for_peers(sim: &Sim<'_>, host: &str, operators: usize, then: impl Fn(&Sim<'_>, &str)) {
    if host == KUBERNETES || host == AWS {
        for number in 0..operators {
            then(sim, &operator(number));
        }
    } else {
        then(sim, KUBERNETES);
        then(sim, AWS);
    }
}
