//! From records to a plan.

use std::hint::black_box;

use gungraun::library_benchmark;
use rollback_operator::api::OperationRecordSpec;
use rollback_operator::api::instance::Policy;
use rollback_operator::model::{Before, Effect};
use rollback_operator::plan::{Access, Intent, Plan, Proposal, Request, propose, record_digest};

use crate::history::{history, live, operation};

/// 50 operations of 40 keys, each key touched twice, every fifth undone before.
fn request() -> &'static Request<'static> {
    let records = Box::leak(Box::new(history(50, 2_000)));
    let selected = &records[..50];
    let arn =
        Box::leak(Box::new("arn:aws:sso:::instance/ssoins-grrwdwht9b3hswl7".parse().unwrap()));
    Box::leak(Box::new(Request {
        instance: "main",
        instance_arn: arn,
        records,
        selected,
        policy: Box::leak(Box::new(Policy::default())),
        live: Box::leak(Box::new(live(selected))),
        intent: Intent::default(),
        accept: &[],
    }))
}

fn proposal() -> Proposal<'static> {
    propose(request()).unwrap()
}

fn record() -> &'static OperationRecordSpec {
    let record = operation(0, 0..5_000, Effect::Granted, Before::Absent);
    &Box::leak(Box::new(record)).spec
}

#[library_benchmark]
#[bench::operations_50(setup = request)]
fn replay(request: &Request<'static>) -> Proposal<'static> {
    black_box(propose(request).unwrap())
}

#[library_benchmark]
#[bench::keys_2000(setup = proposal)]
fn plan(proposal: Proposal<'static>) -> Plan {
    black_box(proposal.plan(&Access::default()).unwrap())
}

#[library_benchmark]
#[bench::keys_5000(setup = record)]
fn digest(record: &OperationRecordSpec) -> String {
    black_box(record_digest(record))
}
