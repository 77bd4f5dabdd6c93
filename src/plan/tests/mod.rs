//! Tests of planning: tables of the rules, and random histories against a plain model.

mod blocked;
mod clones;
mod digests;
mod fixtures;
mod ledgers;
mod model;
mod model_properties;
mod order;
mod replay;
mod uncertain;
mod warnings;
