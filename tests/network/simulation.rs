//! What the network simulation has in common with the one without a network.

#[path = "../simulation/aws.rs"]
pub mod aws;
#[path = "../simulation/cluster/mod.rs"]
pub mod cluster;
#[path = "../simulation/ending.rs"]
pub mod ending;
#[path = "../simulation/jobs.rs"]
pub mod jobs;
#[path = "../simulation/judge.rs"]
pub mod judge;
#[path = "../simulation/life.rs"]
pub mod life;
#[path = "../simulation/people.rs"]
pub mod people;
#[path = "../simulation/place.rs"]
pub mod place;
#[path = "../simulation/play.rs"]
pub mod play;
#[path = "../simulation/process.rs"]
pub mod process;
#[path = "../simulation/scenario.rs"]
pub mod scenario;
#[path = "../simulation/schedule.rs"]
pub mod schedule;
#[path = "../simulation/trace.rs"]
pub mod trace;
