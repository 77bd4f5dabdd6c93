//! The AWS adapter against the simulator over HTTP: the conversation that boto3 has with it too.
#![cfg(all(feature = "operator", feature = "sim"))]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

#[path = "aws_adapter/assignments.rs"]
mod assignments;
#[path = "aws_adapter/directory.rs"]
mod directory;
#[path = "aws_adapter/instance.rs"]
mod instance;
#[path = "aws_adapter/permission_sets.rs"]
mod permission_sets;
#[path = "aws_adapter/trouble.rs"]
mod trouble;
#[path = "aws_adapter/world.rs"]
mod world;
