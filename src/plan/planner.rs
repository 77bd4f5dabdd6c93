//! The plan as a whole.

use std::collections::BTreeSet;

use super::access::{Access, Changes};
use super::catalogue::{Catalogue, display};
use super::digest::plan_digest;
use super::effects::effects;
use super::given;
use super::guard::refusals;
use super::history::histories;
use super::items::{Draft, World};
use super::order::order;
use super::record::{Entry, Record, each_key, entries, record_refs};
use super::refusal::Refusal;
use super::replacements::Replacements;
use super::request::{Plan, Request};
use super::roles;
use super::warnings::{access_warnings, warnings};
use crate::api::plan::{Disposition, ITEMS_PER_SHARD, MAX_SHARDS, PlanItem, RollbackPlanSpec};
use crate::api::plan_status::MAX_REFUSALS;
use crate::api::record::Source;
use crate::model::{ActionKind, Grade, InstanceArn, Key, Presence};

/// More authors than this do not fit into the status of a Rollback and into its ledger record.
const MAX_AUTHORS: usize = 100;

/// Plans the undo of the selected records without looking at who else has the access.
pub fn plan(request: &Request<'_>) -> Result<Plan, Refusal> {
    propose(request)?.plan(&Access::default())
}

/// What would be done about each key: every key of the selected records that is open, and no other.
pub fn propose<'a>(request: &Request<'a>) -> Result<Proposal<'a>, Refusal> {
    check(request.instance, request.instance_arn, request.records, request.selected)?;
    let catalogue = Catalogue::new(request.instance, request.records, request.selected)?;
    let histories = histories(&catalogue);
    let mut world = World {
        catalogue: &catalogue,
        live: request.live,
        accept: request.accept,
        created: BTreeSet::new(),
    };
    let mut drafts: Vec<Draft> = Vec::with_capacity(histories.len());
    let mut deletions = Vec::new();
    for (key, history) in &histories {
        let Key::PermissionSet(set) = key else { continue };
        if !request.live.permission_sets.contains_key(set) {
            return Err(Refusal::Unread(set.clone()));
        }
        let Some(mut draft) = world.draft(key, history) else { continue };
        match (draft.item.disposition, draft.item.action) {
            (Disposition::Act, ActionKind::CreatePermissionSet) => {
                if world.judge_creation(&mut draft, set) {
                    world.created.insert(set.clone());
                }
                drafts.push(draft);
            }
            (Disposition::Act, _) => deletions.push((draft, set, history)),
            _ => drafts.push(draft),
        }
    }
    let assignments = histories.iter().filter(|(key, _)| matches!(key, Key::Assignment(_)));
    drafts.extend(assignments.filter_map(|(key, history)| world.draft(key, history)));
    let changes = changes(&drafts);
    for (mut draft, set, history) in deletions {
        world.judge_deletion(&mut draft, set, history, &changes);
        drafts.push(draft);
    }
    if drafts.is_empty() {
        return Err(Refusal::NothingOpen);
    }
    let max = ITEMS_PER_SHARD * MAX_SHARDS;
    if drafts.len() > max {
        return Err(Refusal::TooLarge { keys: drafts.len(), max });
    }
    drop(histories);
    Ok(Proposal { request: request.clone(), catalogue, drafts, changes })
}

/// What would be done about each key, before anybody asked what it means for people.
#[derive(Debug)]
pub struct Proposal<'a> {
    request: Request<'a>,
    catalogue: Catalogue<'a>,
    drafts: Vec<Draft>,
    changes: Changes,
}

impl Proposal<'_> {
    /// The assignments that would be written.
    #[must_use]
    pub const fn changes(&self) -> &Changes {
        &self.changes
    }

    /// Which permission sets stand for deleted ones.
    #[must_use]
    pub const fn replacements(&self) -> &Replacements {
        &self.catalogue.replacements
    }

    /// The plan, given who has which access.
    pub fn plan(self, access: &Access) -> Result<Plan, Refusal> {
        let Self { request, catalogue, mut drafts, changes } = self;
        roles::judge(&mut drafts, &changes, access);
        given::judge(&mut drafts, access);
        let assumed = assumed(&mut drafts);
        let count = |wanted: &[Disposition]| {
            drafts.iter().filter(|draft| wanted.contains(&draft.item.disposition)).count()
        };
        let actions = count(&[Disposition::Act]);
        let blocked = count(&[Disposition::Blocked]);
        let kept = drafts.len() - actions - blocked;
        let mut warnings = warnings(&drafts, request.live);
        let mut authors = authors(&request);
        if authors.len() > MAX_AUTHORS {
            warnings.push(format!(
                "{} people recorded what is undone; the plan names the first {MAX_AUTHORS} of them as its authors",
                authors.len()
            ));
            authors.truncate(MAX_AUTHORS);
        }
        let acting = || drafts.iter().filter(|draft| draft.item.disposition == Disposition::Act);
        let gives_access = acting().any(|draft| draft.item.action.goal() == Presence::Present);
        let judged = [Disposition::Act, Disposition::Blocked];
        let grades = drafts.iter().filter(|draft| judged.contains(&draft.item.disposition));
        let grade = grades.map(|draft| draft.item.grade).max().unwrap_or(Grade::Exact);
        let mut items = order(drafts.into_iter().map(|draft| draft.item).collect());
        let people = effects(&mut items, &changes, access);
        warnings.extend(given::warnings(&items, access, &catalogue));
        warnings.extend(access_warnings(&items, access));
        let refusals = refusals(
            &items,
            &changes,
            request.live,
            access,
            request.policy,
            &catalogue.replacements,
        );
        if refusals.len() > MAX_REFUSALS {
            return Err(Refusal::TooManyRefusals { refusals: refusals.len(), max: MAX_REFUSALS });
        }
        let selected = catalogue.entries.iter().filter(|listed| listed.selected);
        let record_refs = record_refs(selected.map(|listed| listed.record));
        let digest = plan_digest(
            &items,
            &refusals,
            &record_refs,
            request.instance_arn,
            request.policy,
            &request.intent,
        );
        Ok(Plan {
            items,
            grade,
            gives_access,
            assumed,
            warnings,
            refusals,
            people,
            actions,
            kept,
            blocked,
            digest,
            record_refs,
            authors,
        })
    }
}

/// Refuses what cannot be planned whatever AWS shows: ask before AWS is asked about keys that are
/// not this instance's.
pub fn check(
    instance: &str,
    instance_arn: &InstanceArn,
    records: &[Record],
    selected: &[Record],
) -> Result<(), Refusal> {
    if selected.is_empty() {
        return Err(Refusal::NothingSelected);
    }
    for record in selected {
        if record.spec.instance != instance {
            return Err(Refusal::InstancesDiffer {
                record: display(record),
                found: record.spec.instance.clone(),
                expected: instance.to_owned(),
            });
        }
        let source =
            record.spec.created_permission_set.as_ref().and_then(|set| set.source.as_ref());
        let mut foreign = source.filter(|set| set.instance() != *instance_arn).cloned();
        let mut last_own = None;
        each_key(&record.spec, &mut |key, _| {
            let set = key.permission_set();
            if foreign.is_some() || last_own.as_ref() == Some(set) {
                return;
            }
            if set.instance() == *instance_arn {
                last_own = Some(set.clone());
            } else {
                foreign = Some(set.clone());
            }
        });
        if let Some(permission_set) = foreign {
            return Err(Refusal::ForeignInstance {
                record: display(record),
                permission_set,
                instance: instance_arn.clone(),
            });
        }
    }
    match records.iter().chain(selected).find(|record| stands_for_another(record)) {
        Some(record) => Err(Refusal::Unsupported(format!(
            "record {} says that a permission set stands for one that was deleted, which this version cannot follow: undo these records by hand",
            display(record)
        ))),
        None => Ok(()),
    }
}

fn stands_for_another(record: &Record) -> bool {
    entries(&record.spec)
        .any(|entry| matches!(entry, Entry::Created(created) if created.replaces.is_some()))
}

/// Notes on every item whether it rests on something unknown, beside its grade, which another reason
/// may hide; says whether an action does.
fn assumed(drafts: &mut [Draft]) -> bool {
    for draft in &mut *drafts {
        draft.item.assumed |= draft.rests_on_unknown;
    }
    let mut acting = drafts.iter().filter(|draft| draft.item.disposition == Disposition::Act);
    acting.any(|draft| draft.item.assumed)
}

/// The assignments that the plan writes.
fn changes(drafts: &[Draft]) -> Changes {
    let mut changes = Changes::default();
    let items = drafts.iter().map(|draft| &draft.item);
    for item in items.filter(|item| item.disposition == Disposition::Act) {
        if let Key::Assignment(key) = item.key() {
            changes.add(&key, item.action.goal());
        }
    }
    changes
}

/// Everybody who recorded what is undone: a record that several objects tell of has as many authors,
/// whichever of the objects are selected.
fn authors(request: &Request<'_>) -> Vec<String> {
    let sources: BTreeSet<&Source> =
        request.selected.iter().map(|record| &record.spec.source).collect();
    let objects = request.selected.iter().chain(request.records);
    let authors: BTreeSet<&String> = objects
        .filter(|record| sources.contains(&record.spec.source))
        .flat_map(|record| {
            let ledger = record.spec.rollback.iter();
            ledger.flat_map(|ledger| &ledger.authors).chain(&record.spec.recorded_by)
        })
        .collect();
    authors.into_iter().cloned().collect()
}

/// The plan in the shape in which it is stored: at most 1,000 items in each shard.
#[must_use]
pub fn shards(
    plan: &Plan,
    rollback: &str,
    rollback_uid: &str,
    instance_arn: &InstanceArn,
    attempt: i32,
) -> Vec<RollbackPlanSpec> {
    let shard = |(number, items): (i32, &[PlanItem])| RollbackPlanSpec {
        rollback: rollback.to_owned(),
        rollback_uid: rollback_uid.to_owned(),
        instance_arn: instance_arn.clone(),
        attempt,
        digest: plan.digest.clone(),
        shard: number,
        items: items.to_vec(),
    };
    (0..).zip(plan.items.chunks(ITEMS_PER_SHARD)).map(shard).collect()
}
