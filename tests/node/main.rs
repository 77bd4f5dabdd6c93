//! The image and the chart on a real node: a kubelet starts it, a container runtime holds it, Helm
//! installs, upgrades and removes it.
//!
//! One story on one node, because a release owns objects of the whole cluster. It prints how long
//! each step took and what it measured.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![expect(clippy::disallowed_methods, reason = "a real node lives in real time")]

mod access;
mod documents;
mod idle;
mod image;
mod left;
mod release;
mod steps;
#[path = "../support/mod.rs"]
mod support;

use std::time::{Duration, Instant};

use access::Access;
use release::Release;
use support::Node;

/// The story. Its name says to `hack/test` what cannot run everywhere.
#[test]
fn on_a_node_the_release_undoes_through_upgrades_crashes_and_evictions() {
    let mut clock = Clock::start();
    let before = left::found();
    let node = Node::start();
    clock.step("the node is ready");
    image::build_for(&node);
    clock.step("the image is built and imported");

    let release = Release::new(&node, image::name());
    release.install_previous();
    clock.step("helm install --wait of the previous chart");
    steps::all_is_restricted(&release);
    steps::pods_are_ready_soon(&release);
    steps::image_holds_programs_alone(&release);
    let access = Access::new(&release);
    steps::undo(&access);
    clock.step("an undo");
    steps::upgrade_in_the_middle(&release, &access);
    clock.step("helm upgrade --wait in the middle of an undo");
    steps::leader_killed_in_the_middle(&release, &access);
    clock.step("the leader is killed in the middle of an undo");
    idle::is_quiet(&release, image::is_optimised());
    clock.step("idle");
    release.test();
    clock.step("helm test");
    steps::drained_in_the_middle(&release, &access);
    clock.step("helm uninstall is refused and the node drained in the middle of an undo");
    steps::uninstall(&release, &access);
    clock.step("helm uninstall");
    drop(access);
    documents::are_true(&node);
    clock.step("the commands of the documents");

    drop(node);
    assert_eq!(left::found(), before, "something was left behind");
    clock.step("all is ended, and nothing is left");
}

/// Says how long each step took.
struct Clock {
    began: Instant,
    last: Instant,
}

impl Clock {
    fn start() -> Self {
        let now = Instant::now();
        Self { began: now, last: now }
    }

    fn step(&mut self, what: &str) {
        let now = Instant::now();
        let seconds = |since: Instant| now.duration_since(since).as_secs_f64();
        println!("{:6.1} s {:6.1} s  {what}", seconds(self.began), seconds(self.last));
        self.last = now;
    }
}

/// How long anything may take; far more than it does on a machine with two cores.
const PATIENCE: Duration = Duration::from_mins(3);
