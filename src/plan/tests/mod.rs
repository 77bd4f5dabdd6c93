//! Tests of planning: tables of the rules, and random histories against a plain model.
#![allow(
    missing_docs,
    clippy::items_after_statements,
    clippy::missing_panics_doc,
    clippy::needless_for_each,
    clippy::return_self_not_must_use,
    clippy::too_many_lines,
    clippy::trivially_copy_pass_by_ref,
    clippy::type_complexity,
    reason = "fixtures and tables of tests: they are read where they are used, and a failure is a panic"
)]

mod blocked;
mod clones;
mod digest_properties;
mod digest_wording;
mod digests;
mod every_history;
mod fixtures;
mod given;
mod guard;
mod history;
mod ledgers;
mod long_histories;
mod model;
mod model_properties;
mod names;
mod order;
mod people;
mod replay;
mod roles;
mod uncertain;
mod warnings;
