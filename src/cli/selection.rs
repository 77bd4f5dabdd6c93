//! What `plan` and `apply` are asked to undo: operations by name, or by criteria that become
//! `spec.operations.select`.
//!
//! People type parts of names. A selection is exact, because somebody approves it and it may be
//! read again years later: so a part must mean one actor, one principal, one permission set, by
//! what is recorded, and what it means is written out.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use jiff::Timestamp;

use super::criteria::Criteria;
use super::error::CliError;
use super::exit::Exit;
use super::operations::filter::{self, Filter, is_rolled_back};
use super::operations::{list, pick, plain_name};
use super::screen::{Screen, one_line};
use super::session::Session;
use crate::api::rollback::{Operations, Select};
use crate::api::rollback_status::RollbackStatus;
use crate::api::{OperationRecord, Rollback};
use crate::model::words::count;
use crate::model::{AccountId, OperationType, PermissionSetArn, PrincipalId};
use crate::plan;

/// Records that one Rollback can undo.
const MOST: usize = 1000;
/// So many names are shown in a line.
const NAMED: usize = 8;

/// What to write into a Rollback: names, or criteria after it was said what they fit, or what a
/// person picks from a list where neither is given. None where the person gave up.
pub async fn operations(
    names: &[String],
    criteria: &Criteria,
    session: &Session,
    screen: Screen,
) -> Result<Option<Operations>, CliError> {
    if names.is_empty() && !criteria.is_given() {
        let picked = pick(session, screen).await?;
        return Ok(picked.map(|names| Operations { names, select: None }));
    }
    if !criteria.is_given() {
        let names = names.iter().map(|name| plain_name(name).to_owned()).collect();
        return Ok(Some(Operations { names, select: None }));
    }
    let now = session.clock.now();
    let filter = criteria.filter(now);
    let listed = list(session, &session.records(), criteria, &filter, None).await?;
    let select = select(criteria, &filter, &listed, now)?;
    let preview = preview(&select, &listed, now, &session.namespace)?;
    screen.note(&preview);
    Ok(Some(Operations { names: Vec::new(), select: Some(select) }))
}

/// The selection that the criteria mean, by the records that they fit.
fn select(
    criteria: &Criteria,
    filter: &Filter,
    listed: &[OperationRecord],
    now: Timestamp,
) -> Result<Select, CliError> {
    let actors = listed.iter().filter_map(|record| record.spec.actor.as_ref());
    let actors = actors.map(|actor| (actor.clone(), actor.clone()));
    let principals = listed.iter().flat_map(|record| filter::principals(&record.spec));
    let principals = principals.filter(|principal| filter.fits_principal(principal));
    let principals =
        principals.map(|it| (it.id.clone(), it.name.clone().unwrap_or_else(|| it.id.to_string())));
    let sets = listed.iter().flat_map(|record| filter::sets(&record.spec));
    let sets = sets.filter(|(arn, name)| filter.fits_set(arn, *name));
    let sets =
        sets.map(|(arn, name)| (arn.clone(), name.unwrap_or_else(|| arn.short_id()).to_owned()));
    let last = criteria.last.map(i32::try_from).transpose();
    let last = last.ok().filter(|last| last.is_none_or(|last| last <= 1000));
    let Some(last) = last else {
        return Err(CliError::usage(format!("--last: one Rollback can undo {MOST} operations")));
    };
    let principal: Option<PrincipalId> =
        only("--principal", criteria.principal.as_deref(), principals)?;
    let permission_set: Option<PermissionSetArn> =
        only("--permission-set", criteria.permission_set.as_deref(), sets)?;
    Ok(Select {
        instance: criteria.instance.clone(),
        labels: criteria.selector.clone(),
        types: filter.types.clone(),
        actor: only("--actor", criteria.actor.as_deref(), actors)?,
        principal,
        permission_set,
        accounts: filter.accounts.clone(),
        from: filter.since,
        // Written out, so that the same object created again means the same.
        to: Some(filter.until.unwrap_or(now)),
        last,
    })
}

/// The one thing that a text means: the one whose name or identity it is, or the only one that it
/// is a part of.
fn only<T: Ord + ToString>(
    option: &str,
    text: Option<&str>,
    found: impl Iterator<Item = (T, String)>,
) -> Result<Option<T>, CliError> {
    let Some(text) = text else { return Ok(None) };
    let mut names: BTreeMap<T, BTreeSet<String>> = BTreeMap::new();
    for (identity, name) in found {
        names.entry(identity).or_default().insert(name);
    }
    let is = |other: &str| other.eq_ignore_ascii_case(text);
    let whole = |(identity, names): &(&T, &BTreeSet<String>)| {
        is(&identity.to_string()) || names.iter().any(|name| is(name))
    };
    let count_of_whole = names.iter().filter(whole).count();
    if names.len() > 1 && count_of_whole == 1 {
        return Ok(names.into_iter().find(|(it, names)| whole(&(it, names))).map(|(it, _)| it));
    }
    if names.len() > 1 {
        let meant = names.iter().map(|(identity, names)| {
            let identity = identity.to_string();
            let names: Vec<&str> =
                names.iter().map(String::as_str).filter(|name| *name != identity).collect();
            if names.is_empty() {
                one_line(&identity)
            } else {
                format!("{} ({identity})", one_line(&names.join(", ")))
            }
        });
        let meant: Vec<String> = meant.collect();
        return Err(CliError::usage(format!(
            "{option} {text} fits several: {}; an undo is about one of them: give its whole name or id",
            meant.join(", ")
        )));
    }
    Ok(names.into_keys().next())
}

/// What the selection fits, in words; an error where nothing or too much fits.
fn preview(
    select: &Select,
    listed: &[OperationRecord],
    now: Timestamp,
    namespace: &str,
) -> Result<String, CliError> {
    let criteria = plan::Criteria::new(select, now);
    let (over, mut open): (Vec<&OperationRecord>, Vec<&OperationRecord>) = listed
        .iter()
        .filter(|record| criteria.fits(&record.spec))
        .partition(|record| is_rolled_back(record));
    let last = select.last.and_then(|last| usize::try_from(last).ok());
    open.truncate(last.unwrap_or(usize::MAX));
    if open.is_empty() && over.is_empty() {
        return Err(CliError::new(
            Exit::NotFound,
            format!(
                "no operation in namespace {namespace} fits; see what there is: kubectl rollback operations -n {namespace}"
            ),
        ));
    }
    if open.len() > MOST {
        return Err(CliError::usage(format!(
            "{} operations fit, and one Rollback can undo {MOST}: narrow the criteria, or take the newest with --last",
            open.len()
        )));
    }
    let mut types: BTreeMap<OperationType, usize> = BTreeMap::new();
    for record in &open {
        *types.entry(record.spec.operation_type).or_default() += 1;
    }
    let types: Vec<String> = types.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
    let mut text = match open.len() {
        0 => "Every operation that fits is rolled back already".to_owned(),
        1 => format!("1 operation fits ({})", types.join(", ")),
        number => format!("{number} operations fit ({})", types.join(", ")),
    };
    if !open.is_empty() && !over.is_empty() {
        let _ = write!(text, "; {} more rolled back already", over.len());
    }
    Ok(format!("{text}: {}.", words(select)))
}

/// Criteria in words.
#[must_use]
pub fn words(select: &Select) -> String {
    let Select {
        instance,
        labels,
        types,
        actor,
        principal,
        permission_set,
        accounts,
        from,
        to,
        last,
    } = select;
    let types: Vec<&str> = types.iter().map(|kind| kind.as_str()).collect();
    let accounts: Vec<&str> = accounts.iter().map(AccountId::as_str).collect();
    let some = |text: String| (!text.is_empty()).then_some(text);
    [
        last.map(|last| format!("the last {last}")),
        some(types.join(" or ")),
        actor.as_ref().map(|actor| format!("by {}", one_line(actor))),
        principal.as_ref().map(|id| format!("on {id}")),
        permission_set.as_ref().map(|set| format!("with {set}")),
        some(accounts.join(" or ")).map(|accounts| format!("in {accounts}")),
        labels.as_ref().map(|labels| format!("labelled {}", one_line(labels))),
        instance.as_ref().map(|instance| format!("of instance {instance}")),
        from.map(|from| format!("from {from:.0}")),
        to.map(|to| format!("to {to:.0}")),
    ]
    .into_iter()
    .flatten()
    .collect::<Vec<_>>()
    .join(", ")
}

/// What a Rollback is about, in one line.
#[must_use]
pub fn described(rollback: &Rollback, all: bool) -> String {
    let default = RollbackStatus::default();
    let status = rollback.status.as_ref().unwrap_or(&default);
    let Operations { names, select } = &rollback.spec.operations;
    let Some(select) = select else {
        return listed(&names.iter().map(String::as_str).collect::<Vec<_>>(), all);
    };
    let criteria = words(select);
    let found: Vec<&str> = status.record_refs.iter().map(|found| found.name.as_str()).collect();
    if found.is_empty() {
        return format!("what fits: {criteria}");
    }
    format!("{}: {criteria}: {}", count(found.len(), "record"), listed(&found, all))
}

fn listed(names: &[&str], all: bool) -> String {
    let shown = if all { names.len() } else { names.len().min(NAMED) };
    let text = names.get(..shown).unwrap_or_default().join(", ");
    match names.len() - shown {
        0 => text,
        more => format!("{text} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::fixtures;

    fn now() -> Timestamp {
        "2026-11-24T00:00:00Z".parse().unwrap()
    }

    /// As the fixture, by another actor on somebody else.
    fn other(actor: &str) -> OperationRecord {
        let mut record = fixtures::record();
        record.spec.actor = Some(actor.to_owned());
        record.spec.source.id = actor.to_owned();
        for change in &mut record.spec.changes {
            change.principal.id = "08574c02-bbc3-4aac-841f-0c24ea4bad1f".parse().unwrap();
            change.principal.name = Some("john.doe.admin".to_owned());
        }
        record
    }

    fn selected(criteria: &Criteria, records: &[OperationRecord]) -> Result<Select, CliError> {
        let filter = criteria.filter(now());
        let listed: Vec<_> = records.iter().filter(|it| filter.fits(it)).cloned().collect();
        select(criteria, &filter, &listed, now())
    }

    fn given(actor: Option<&str>, principal: Option<&str>) -> Criteria {
        Criteria {
            actor: actor.map(str::to_owned),
            principal: principal.map(str::to_owned),
            ..Criteria::default()
        }
    }

    #[test]
    fn a_part_of_a_name_is_written_out_as_the_one_that_it_means() {
        let records = [fixtures::record(), other("bob")];
        let found = selected(&given(Some("ALI"), None), &records).unwrap();
        assert_eq!(found.actor.as_deref(), Some("alice"));
        assert_eq!(found.to, Some(now()), "the end is written out");
        let found = selected(&given(None, Some("john.doe.a")), &records).unwrap();
        assert_eq!(found.principal.unwrap().as_str(), "08574c02-bbc3-4aac-841f-0c24ea4bad1f");
    }

    #[test]
    fn a_part_of_several_names_is_refused_and_a_whole_name_is_not() {
        let records = [fixtures::record(), other("alice2")];
        let refused = selected(&given(Some("lic"), None), &records).unwrap_err();
        assert_eq!(refused.exit, Exit::Usage);
        assert!(refused.message.contains("--actor lic fits several: alice, alice2;"), "{refused}");
        let found = selected(&given(Some("alice"), None), &records).unwrap();
        assert_eq!(found.actor.as_deref(), Some("alice"));
        let refused = selected(&given(None, Some("john")), &records).unwrap_err();
        assert!(
            refused.message.contains("john.doe.admin (08574c02-bbc3-4aac-841f-0c24ea4bad1f)"),
            "{refused}"
        );
        let found = selected(&given(None, Some("John.Doe")), &records).unwrap();
        assert_eq!(found.principal.unwrap().as_str(), "0f791059-3b41-4313-86da-59fa2cf217a7");
    }

    #[test]
    fn the_preview_counts_what_fits() {
        let mut undone = other("alice");
        let condition = serde_json::json!({"conditions": [{
            "type": "RolledBack", "status": "True", "reason": "Succeeded", "message": "",
            "lastTransitionTime": "2026-11-23T21:00:00Z",
        }]});
        undone.status = serde_json::from_value(condition).unwrap();
        let select = Select { actor: Some("alice".to_owned()), ..Select::default() };
        let said = |listed: &[OperationRecord]| preview(&select, listed, now(), "access");
        assert_eq!(
            said(&[fixtures::record(), undone.clone(), other("bob")]).unwrap(),
            "1 operation fits (1 Assign); 1 more rolled back already: by alice."
        );
        assert_eq!(
            said(&[undone]).unwrap(),
            "Every operation that fits is rolled back already: by alice."
        );
        assert_eq!(said(&[other("bob")]).unwrap_err().exit, Exit::NotFound);
        assert_eq!(said(&vec![fixtures::record(); 1001]).unwrap_err().exit, Exit::Usage);
    }

    #[test]
    fn a_rollback_says_what_it_is_about() {
        let mut rollback = fixtures::rollback(crate::api::Phase::Pending);
        assert_eq!(described(&rollback, false), "assign-2abdc948");
        rollback.spec.operations = Operations {
            names: Vec::new(),
            select: Some(Select {
                actor: Some("alice".into()),
                last: Some(12),
                ..Select::default()
            }),
        };
        assert_eq!(described(&rollback, false), "what fits: the last 12, by alice");
        let reference = |number: usize| {
            serde_json::from_value(serde_json::json!({
                "name": format!("r{number}"), "digest": "",
                "source": {"tool": "test", "id": number.to_string()},
            }))
            .unwrap()
        };
        rollback.status.as_mut().unwrap().record_refs = (0..12).map(reference).collect();
        assert_eq!(
            described(&rollback, false),
            "12 records: the last 12, by alice: r0, r1, r2, r3, r4, r5, r6, r7 and 4 more"
        );
        assert!(described(&rollback, true).ends_with(", r10, r11"));
    }
}
