//! The names on a Rollback, and whether they prove anything.

use jiff::SignedDuration;
use kube::{Client, ResourceExt};
use tokio::sync::OnceCell;

use super::select::Selection;
use crate::api::Rollback;
use crate::cluster::admission;
use crate::engine::approval::Stamps;
use crate::model::time::later;

/// How long after it was written a policy may not be in force yet.
const IN_FORCE_AFTER: SignedDuration = SignedDuration::from_secs(10);

/// The name of the operator's account, once it is known. What the policies are is asked anew each time:
/// an answer that is older than the names says nothing about them.
pub type OwnName = OnceCell<String>;

/// The names on a Rollback of these records, for an approval that would otherwise count. Where it bears
/// none and nobody needs any, nothing is asked.
pub async fn stamps(
    own_name: &OwnName,
    client: &Client,
    rollback: &Rollback,
    selection: &Selection,
    needed: bool,
) -> Result<Stamps, kube::Error> {
    let spec = &rollback.spec;
    let names = Stamps {
        distrusted: None,
        requested_by: spec.requested_by.clone(),
        changed_by: spec.changed_by.clone(),
        approved_by: spec.approval.as_ref().and_then(|approval| approval.approved_by.clone()),
        recorded_by: selection
            .selected
            .iter()
            .filter_map(|record| record.spec.recorded_by.clone())
            .collect(),
    };
    if !needed && names.approved_by.is_none() && names.requested_by.is_none() {
        return Ok(Stamps { distrusted: Some("nothing stamped the Rollback".to_owned()), ..names });
    }
    let own_name = own_name.get_or_try_init(|| admission::own_name(client)).await?;
    let since = match admission::in_force(client, own_name).await? {
        Ok(since) => later(since, IN_FORCE_AFTER),
        Err(why) => return Ok(Stamps { distrusted: Some(why), ..names }),
    };
    let created = |rollback: &Rollback| rollback.creation_timestamp().map(|time| time.0);
    let distrusted = if created(rollback).is_none_or(|created| created < since) {
        Some(format!(
            "the Rollback is older than the admission policies, which are in force since {since}; create it again"
        ))
    } else {
        selection.selected.iter().find_map(|record| {
            let old = record.created.is_none_or(|created| created < since);
            (old || record.spec.recorded_by.is_none()).then(|| {
                format!(
                    "nobody knows who recorded OperationRecord {}, which is older than the admission policies (in force since {since}); delete it and import it again",
                    record.name
                )
            })
        })
    };
    Ok(Stamps { distrusted, ..names })
}
