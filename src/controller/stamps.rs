//! The names on a Rollback, and whether they prove anything.

use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use kube::{Client, ResourceExt};

use super::select::Selection;
use crate::api::Rollback;
use crate::cluster::admission::{self, InForce};
use crate::engine::approval::Stamps;
use crate::model::time::later;

/// How long an answer about the policies is believed.
const REMEMBERED: SignedDuration = SignedDuration::from_secs(30);
/// How long after it was written a policy may not be in force yet.
const IN_FORCE_AFTER: SignedDuration = SignedDuration::from_secs(10);

/// What was last seen of the admission policies.
#[derive(Debug, Default)]
pub struct Policies(Mutex<Seen>);

#[derive(Debug, Default)]
struct Seen {
    own_name: Option<String>,
    answer: Option<(Timestamp, InForce)>,
}

impl Policies {
    async fn in_force(&self, client: &Client, now: Timestamp) -> Result<InForce, kube::Error> {
        let own_name = {
            let seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some((at, answer)) = &seen.answer
                && now.duration_since(*at).abs() < REMEMBERED
            {
                return Ok(answer.clone());
            }
            seen.own_name.clone()
        };
        let own_name = match own_name {
            Some(name) => name,
            None => admission::own_name(client).await?,
        };
        let answer = admission::in_force(client, &own_name).await?;
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *seen = Seen { own_name: Some(own_name), answer: Some((now, answer.clone())) };
        Ok(answer)
    }
}

/// The names on a Rollback of these records. Where it bears none and nobody needs any, nothing is asked.
pub async fn stamps(
    policies: &Policies,
    client: &Client,
    rollback: &Rollback,
    selection: &Selection,
    needed: bool,
    now: Timestamp,
) -> Result<Stamps, kube::Error> {
    let spec = &rollback.spec;
    let approved_by = spec.approval.as_ref().and_then(|approval| approval.approved_by.clone());
    let approved_by = approved_by.filter(|name| !name.is_empty());
    if !needed && approved_by.is_none() && spec.requested_by.is_none() {
        return Ok(Stamps::distrusted("nothing stamped the Rollback"));
    }
    let since = match policies.in_force(client, now).await? {
        Ok(since) => later(since, IN_FORCE_AFTER),
        Err(why) => return Ok(Stamps::distrusted(&why)),
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
    Ok(Stamps {
        distrusted,
        requested_by: spec.requested_by.clone(),
        changed_by: spec.changed_by.clone(),
        approved_by,
    })
}
