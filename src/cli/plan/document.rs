//! A plan as JSON and YAML show it: a stable shape, described by `docs/schemas/plan.json`.

use schemars::JsonSchema;
use serde::Serialize;

use crate::api::plan::PlanItem;
use crate::api::plan_status::PlanStatus;
use crate::api::rollback_status::RollbackStatus;
use crate::api::{Phase, Rollback};

/// A plan as `kubectl rollback plan -o json` prints it. Fields may be added; none is taken away or
/// given another meaning while the kinds are `identitycenter.dev/v1alpha1`.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(title = "Plan of a Rollback")]
pub struct PlanDocument<'a> {
    /// Namespace of the Rollback.
    namespace: &'a str,
    /// Name of the Rollback. Without `--keep` it is deleted again.
    rollback: String,
    /// Names of the records that it is about: those that were found, or else those asked for.
    operations: Vec<&'a str>,
    /// Where the Rollback is on its way.
    phase: Phase,
    /// One plain sentence: what happened and what is next.
    summary: &'a str,
    /// The plan, summed up; null where there is none, because nothing is open or something is amiss.
    plan: Option<&'a PlanStatus>,
    /// Every key of the plan, in the order of execution.
    items: &'a [PlanItem],
}

impl<'a> PlanDocument<'a> {
    /// The plan of a Rollback.
    #[must_use]
    pub fn new(
        namespace: &'a str,
        name: String,
        rollback: &'a Rollback,
        status: &'a RollbackStatus,
        items: &'a [PlanItem],
    ) -> Self {
        Self {
            namespace,
            rollback: name,
            operations: operations(rollback, status),
            phase: status.phase,
            summary: &status.summary,
            plan: status.plan.as_ref(),
            items,
        }
    }
}

/// Names of the records that it is about.
fn operations<'a>(rollback: &'a Rollback, status: &'a RollbackStatus) -> Vec<&'a str> {
    let asked = rollback.spec.operations.names.iter().map(String::as_str);
    if rollback.spec.operations.select.is_none() {
        return asked.collect();
    }
    status.record_refs.iter().map(|found| found.name.as_str()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::fixtures::{self, is_in};
    use crate::cli::output::{Output, document};

    #[test]
    fn the_schema_is_the_one_of_the_type() {
        let schema = serde_json::to_string_pretty(&schemars::schema_for!(PlanDocument<'static>));
        is_in("docs/schemas/plan.json", &(schema.unwrap() + "\n"));
    }

    /// What a validator of JSON Schema is given in `tests/json_schema`.
    #[test]
    fn the_outputs_that_are_validated_are_those_of_the_plugin() {
        let shard = fixtures::shard();
        let waits = fixtures::rollback(Phase::AwaitingApproval);
        let mut done = fixtures::rollback(Phase::AlreadyRolledBack);
        done.status.as_mut().unwrap().plan = None;
        for (file, rollback, items) in [
            ("tests/json_schema/plan.json", &waits, shard.spec.items.as_slice()),
            ("tests/json_schema/plan-without.json", &done, &[]),
        ] {
            let status = rollback.status.as_ref().unwrap();
            let plan = PlanDocument::new("access", "undo".to_owned(), rollback, status, items);
            is_in(file, &document(&plan, Output::Json).unwrap());
        }
    }
}
