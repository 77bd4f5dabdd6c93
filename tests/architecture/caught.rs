//! Shows that the scan catches what it must, and lets through what it may: sources in memory.

use super::{Source, crates, judge};

/// What is said about one file.
fn said(path: &str, text: &str) -> Vec<String> {
    judge(&[Source { path: path.to_owned(), text: text.to_owned() }], &crates())
}

#[track_caller]
fn refuses(path: &str, text: &str, what: &str) {
    let said = said(path, text);
    assert!(said.iter().any(|s| s.contains(what)), "{path}: {text}\nsaid: {said:?}");
}

#[track_caller]
fn accepts(path: &str, text: &str) {
    assert_eq!(said(path, text), Vec::<String>::new(), "{path}: {text}");
}

#[test]
fn a_forbidden_room_is_found_however_it_is_named() {
    let file = "src/plan/replay.rs";
    for text in [
        "use crate::engine::decide;",
        "use crate::{api::Rollback, engine};",
        "use crate::{api::Rollback, model::{Key, Grade}, engine::{self, retry::{Backoff}}};",
        "pub use crate::engine::Decision as Verdict;",
        "use super::super::engine::decide;",
        "use super::super::{engine as e};",
        "fn f() { crate::engine::decide(); }",
        "fn f(x: &super::super::engine::Snapshot) {}",
        "fn f() -> Vec<u8> { vec![crate::engine::VALUE] }",
        "macro_rules! m { () => { $crate::engine::decide() } }",
        "macro_rules! m { () => { use $crate::{model::Key, engine::decide}; } }",
        "use crate as root; fn f() { root::engine::decide(); }",
        "use crate::{self as root}; fn f() { root::engine::decide(); }",
        "mod inner { mod deeper { use super::super::super::super::engine::decide; } }",
        "#[serde(with = \"crate::engine::text\")] struct S;",
        "impl Trait for <crate::engine::Journal as Iterator>::Item {}",
        "fn f() { let _ = Some(1).map(crate::engine::phase); }",
        "#[cfg(test)] mod tests { use crate::engine::decide; }",
    ] {
        refuses(file, text, "may not use crate::engine");
    }
    refuses("src/plan/mod.rs", "use super::engine::decide;", "may not use crate::engine");
    refuses("src/sim/mod.rs", "use crate::quota::Bucket;", "may not use crate::quota");
    refuses("src/cli/mod.rs", "use crate::aws::Client;", "may not use crate::aws");
    refuses("src/controller/mod.rs", "use crate::sim::World;", "may not use crate::sim");
    refuses(
        "src/bin/tool.rs",
        "use rollback_operator::engine::decide;",
        "may not use crate::engine",
    );
    refuses("src/plan/mod.rs", "use crate::*;", "glob over the root");
    refuses("src/plan/mod.rs", "use super::*;", "glob over the root");
    refuses("src/helpers/mod.rs", "", "not in the table");
}

#[test]
fn a_forbidden_crate_or_effect_is_found_however_it_is_named() {
    for (file, text, what) in [
        ("src/plan/mod.rs", "use tokio::sync::mpsc;", "tokio"),
        ("src/plan/mod.rs", "async fn f() { tokio::task::yield_now().await }", "tokio"),
        ("src/plan/mod.rs", "async fn f() { ::tokio::task::yield_now().await }", "tokio"),
        ("src/plan/mod.rs", "#[tokio::main] async fn main() {}", "tokio"),
        ("src/plan/mod.rs", "use tokio as runtime;", "tokio"),
        ("src/plan/mod.rs", "use tokio;", "tokio"),
        ("src/plan/mod.rs", "use std::fs;", "std::fs"),
        ("src/plan/mod.rs", "use std::{fmt, fs::File};", "std::fs::File"),
        (
            "src/plan/mod.rs",
            "use std::time; fn f() { time::Instant::now(); }",
            "std::time::Instant",
        ),
        ("src/plan/mod.rs", "use std::time as t; use t::SystemTime;", "std::time::SystemTime"),
        ("src/plan/mod.rs", "use std::time::*;", "std::time"),
        (
            "src/plan/mod.rs",
            "use jiff::Timestamp; fn f() { Timestamp::now(); }",
            "jiff::Timestamp::now",
        ),
        ("src/api/rollback.rs", "use kube::{CustomResource, Client};", "kube::Client"),
        ("src/api/rollback.rs", "use kube::*;", "kube"),
        ("src/engine/mod.rs", "fn f() { kube::runtime::wait(); }", "kube::runtime"),
        ("src/aws/mod.rs", "use kube::ResourceExt;", "kube"),
        ("src/cluster/mod.rs", "use aws_sdk_ssoadmin::Client;", "aws_sdk_ssoadmin"),
        ("src/cli/mod.rs", "fn f(c: &aws_sdk_identitystore::Config) {}", "aws_sdk_identitystore"),
        ("src/model/mod.rs", "use sha2::Sha256;", "sha2"),
    ] {
        refuses(file, text, &format!("may not use {what}"));
    }
}

#[test]
fn what_is_allowed_passes() {
    accepts(
        "src/plan/mod.rs",
        "use crate::{api::Rollback, model::Key}; use sha2::Digest; mod replay; use replay::Replay;",
    );
    accepts(
        "src/plan/replay.rs",
        "use super::order::sort; use std::{fmt, collections::BTreeMap, time::Duration};",
    );
    accepts(
        "src/plan/replay.rs",
        "pub(in crate::plan) fn f() {} pub(super) struct S(pub(crate) u8);",
    );
    accepts(
        "src/plan/replay.rs",
        "/// See [`crate::engine::decide`].\nfn f(tokio: u8) -> u8 { tokio }",
    );
    accepts("src/aws/mod.rs", "use crate::runtime::clock::Clock; use tokio::sync::mpsc;");
    // A module of one's own may bear the name of a crate.
    accepts("src/quota/mod.rs", "mod http; fn f() { http::header(); }");
    accepts("src/lib.rs", "pub mod api; pub mod plan;");
    accepts("src/bin/tool.rs", "fn main() { rollback_operator::cli::run(); }");
}

#[test]
fn tests_may_use_any_crate_but_no_other_room() {
    accepts(
        "src/plan/mod.rs",
        "#[cfg(test)] mod tests { use super::*; use proptest::prelude::*; use std::fs; }",
    );
    accepts(
        "src/plan/mod.rs",
        "#[cfg(test)] use std::fs; #[cfg(test)] fn f() { std::fs::read(\"x\"); }",
    );
    accepts("src/plan/mod.rs", "#[cfg(test)] const F: fn() = { std::process::abort };");
    // The exemption ends with the item.
    refuses("src/plan/mod.rs", "#[cfg(test)] mod tests {} use std::fs;", "std::fs");
    refuses("src/plan/mod.rs", "#[cfg(test)] use std::io; use std::fs;", "std::fs");
    refuses("src/plan/mod.rs", "#[cfg(test)] const F: u8 = { 1 }; use std::fs;", "std::fs");
    refuses("src/plan/mod.rs", "#[cfg(not(test))] use std::fs;", "std::fs");
    // A test module in a file of its own.
    let parent = Source {
        path: "src/plan/mod.rs".into(),
        text: "#[cfg(test)] mod tests; mod order;".into(),
    };
    let tests = Source { path: "src/plan/tests.rs".into(), text: "use std::fs;".into() };
    let order = Source { path: "src/plan/order.rs".into(), text: "use std::fs;".into() };
    let said = judge(&[parent, tests, order], &crates());
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].starts_with("src/plan/order.rs:1:"), "{said:?}");
}

#[test]
fn what_would_blind_the_scan_or_is_unfinished_is_refused() {
    refuses("src/plan/mod.rs", "#[path = \"../engine/mod.rs\"] mod engine;", "#[path]");
    refuses("src/plan/mod.rs", "include!(\"../engine/mod.rs\");", "include!");
    refuses("src/plan/mod.rs", "extern crate tokio;", "extern crate");
    refuses("src/plan/mod.rs", "fn f() { todo!() }", "todo!");
    refuses("src/plan/mod.rs", "fn f() { unimplemented!(\"later\") }", "unimplemented!");
    refuses(
        "src/plan/mod.rs",
        "#[cfg(test)] mod t { #[test] #[ignore = \"slow\"] fn f() {} }",
        "ignored",
    );
    refuses("src/plan/mod.rs", "fn f( {", "is not Rust");
}

#[test]
fn long_files_are_refused() {
    accepts("src/plan/mod.rs", &"// a line\n".repeat(450));
    refuses("src/plan/mod.rs", &"// a line\n".repeat(451), "451 lines");
    accepts("src/bin/tool.rs", &"// a line\n".repeat(59));
    refuses("src/bin/tool.rs", &"// a line\n".repeat(60), "60 lines");
}
