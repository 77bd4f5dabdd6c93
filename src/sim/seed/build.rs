//! From a seed to a world.

use std::collections::{BTreeMap, BTreeSet};

use super::{InstanceSeed, PermissionSetSeed, ProvisionedSeed, Seed, SeedError};
use crate::model::{PermissionSetArn, PrincipalId};
use crate::sim::agenda::Agenda;
use crate::sim::assignments::Assignments;
use crate::sim::counters::Counters;
use crate::sim::directory::{Directory, Group, User};
use crate::sim::faults::{FaultScript, Faults};
use crate::sim::hex;
use crate::sim::instance::{Instance, Provisioned};
use crate::sim::lagged::LaggedSet;
use crate::sim::log::Log;
use crate::sim::organization::{Account, AssumableRole, Caller, Organization};
use crate::sim::permission_set::{Content, DEFAULT_SESSION_DURATION, PermissionSet};
use crate::sim::random::Random;
use crate::sim::requests::Requests;
use crate::sim::trail::Trail;
use crate::sim::world::World;
use jiff::Timestamp;

/// The version that a permission set begins with, and one that is older.
const CURRENT: u64 = 1;
const OUTDATED: u64 = 0;

/// When everything was made whose seed does not say: 2026-01-01T00:00:00Z.
fn long_ago() -> Timestamp {
    Timestamp::from_second(1_767_225_600).unwrap_or_default()
}

impl World {
    /// The world that a seed describes, at `now`. One random seed gives one run.
    pub fn new(
        seed: &Seed,
        faults: FaultScript,
        random_seed: u64,
        now: Timestamp,
    ) -> Result<Self, SeedError> {
        let mut accounts = seed.accounts.clone();
        let mut seeds = seed.instances.clone();
        for instance in &mut seeds {
            if let Some(generate) = instance.generate.take() {
                generate.expand(&mut accounts, instance)?;
            }
        }
        let management = seed.organization.management_account.clone();
        let partition = seeds.first().map_or("aws", |instance| instance.arn.partition()).to_owned();
        let mut organization = Organization {
            id: seed.organization.id.clone(),
            partition,
            management,
            accounts: BTreeMap::new(),
        };
        for account in accounts {
            let id = account.id;
            let made = Account {
                name: account.name,
                email: account.email.unwrap_or_else(|| format!("account-{id}@example.com")),
                status: account.status,
                joined: account.joined.unwrap_or_else(long_ago),
                policies: account.customer_managed_policies,
            };
            if organization.accounts.insert(id.clone(), made).is_some() {
                return Err(SeedError::at("accounts", format!("{id} is there twice")));
            }
        }
        if !organization.accounts.contains_key(&organization.management) {
            let problem = format!("{} is not among the accounts", organization.management);
            return Err(SeedError::at("organization.managementAccount", problem));
        }
        let mut instances = BTreeMap::new();
        for seed in &seeds {
            let arn = seed.arn.clone();
            if instances.insert(arn.clone(), instance(seed, &organization, now)?).is_some() {
                return Err(SeedError::at("instances", format!("{arn} is there twice")));
            }
        }
        Ok(Self {
            callers: callers(seed, &organization),
            roles: roles(seed),
            organization,
            instances,
            settings: seed.settings.clone(),
            random: Random::new(random_seed),
            agenda: Agenda::default(),
            faults: Faults::new(faults, now),
            counters: Counters::default(),
            log: Log::default(),
            trail: Trail::default(),
            windows: BTreeMap::new(),
            arrivals: BTreeMap::new(),
        })
    }
}

fn callers(seed: &Seed, organization: &Organization) -> BTreeMap<String, Caller> {
    let caller = |seed: &super::CallerSeed| {
        let (partition, account) = (&organization.partition, &seed.account);
        let arn = format!("arn:{partition}:iam::{account}:user/caller");
        let caller = Caller {
            account: account.clone(),
            arn: seed.arn.clone().unwrap_or(arn),
            denied: seed.denied.clone(),
            iam_in_management_account: seed.iam_in_management_account,
        };
        (seed.access_key_id.clone(), caller)
    };
    seed.callers.iter().map(caller).collect()
}

fn roles(seed: &Seed) -> BTreeMap<String, AssumableRole> {
    let role = |seed: &super::RoleSeed| {
        let role = AssumableRole {
            external_id: seed.external_id.clone(),
            denied: seed.denied.clone(),
            iam_in_management_account: seed.iam_in_management_account,
        };
        (seed.arn.clone(), role)
    };
    seed.roles.iter().map(role).collect()
}

fn instance(
    seed: &InstanceSeed,
    organization: &Organization,
    now: Timestamp,
) -> Result<Instance, SeedError> {
    let place = format!("instance {}", seed.arn);
    let mut instance = Instance {
        arn: seed.arn.clone(),
        name: seed.name.clone(),
        region: seed.region.clone(),
        owner: seed.owner_account.clone().unwrap_or_else(|| organization.management.clone()),
        delegated_administrators: seed.delegated_administrators.clone(),
        created: seed.created.unwrap_or_else(long_ago),
        directory: directory(seed, &place)?,
        sets: BTreeMap::new(),
        listed_sets: LaggedSet::default(),
        assignments: Assignments::default(),
        provisioned: BTreeMap::new(),
        requests: Requests::default(),
    };
    let mut names = BTreeSet::new();
    for set in &seed.permission_sets {
        let set = permission_set(set, seed, &place)?;
        if !names.insert(set.name.clone()) || instance.sets.contains_key(&set.arn) {
            let problem = format!("{} ({}) is there twice", set.name, set.arn);
            return Err(SeedError::at(format!("{place} permissionSets"), problem));
        }
        instance.listed_sets.set(&set.arn, true, now, now);
        instance.sets.insert(set.arn.clone(), set);
    }
    for provisioned in &seed.provisioned {
        provision(&mut instance, organization, provisioned, &place)?;
    }
    for (index, assignment) in seed.assignments.iter().enumerate() {
        let place = format!("{place} assignments[{index}]");
        for key in instance.keys(organization, assignment, &place)? {
            let suffix = suffix(&[key.account.as_str(), key.permission_set.as_str()]);
            instance.grant(&key, now, now, suffix);
        }
    }
    Ok(instance)
}

fn directory(seed: &InstanceSeed, place: &str) -> Result<Directory, SeedError> {
    let store = seed.identity_store_id.as_str();
    let mut directory = Directory {
        id: seed.identity_store_id.clone(),
        users: BTreeMap::new(),
        groups: BTreeMap::new(),
    };
    let mut names = BTreeMap::new();
    for user in &seed.users {
        let name = user.user_name.clone();
        let id = id_or(user.id.as_ref(), &[store, "user", &name], place)?;
        let twice = names.insert(name.clone(), id.clone()).is_some();
        let made = User {
            name: name.clone(),
            display_name: user.display_name.clone(),
            email: user.email.clone(),
            status: user.status,
            external_ids: user.external_ids.clone(),
        };
        if directory.users.insert(id, made).is_some() || twice {
            return Err(SeedError::at(format!("{place} users"), format!("{name} is there twice")));
        }
    }
    for group in &seed.groups {
        let name = group.display_name.clone();
        let id = id_or(group.id.as_ref(), &[store, "group", &name], place)?;
        let mut members = BTreeMap::new();
        for member in &group.members {
            let user = names.get(member).ok_or_else(|| {
                SeedError::at(format!("{place} group {name}"), format!("no user is named {member}"))
            })?;
            members.insert(user.clone(), id_or(None, &[id.as_str(), user.as_str()], place)?);
        }
        let twice = directory.groups.values().any(|other| other.display_name == name);
        let made = Group {
            display_name: name.clone(),
            description: group.description.clone(),
            external_ids: group.external_ids.clone(),
            members,
        };
        if directory.groups.insert(id, made).is_some() || twice {
            return Err(SeedError::at(format!("{place} groups"), format!("{name} is there twice")));
        }
    }
    Ok(directory)
}

fn permission_set(
    seed: &PermissionSetSeed,
    instance: &InstanceSeed,
    place: &str,
) -> Result<PermissionSet, SeedError> {
    let at = format!("{place} permission set {}", seed.name);
    let made = || {
        let id = instance.arn.as_str().rsplit('/').next().unwrap_or_default();
        let suffix = suffix(&[instance.arn.as_str(), &seed.name]);
        let partition = instance.arn.partition();
        format!("arn:{partition}:sso:::permissionSet/{id}/ps-{suffix}").parse::<PermissionSetArn>()
    };
    let arn: PermissionSetArn = match &seed.arn {
        Some(arn) => arn.clone(),
        None => made().map_err(|error| SeedError::at(&at, error.to_string()))?,
    };
    if arn.instance() != instance.arn {
        return Err(SeedError::at(at, format!("{arn} is of another instance")));
    }
    Ok(PermissionSet {
        arn,
        name: seed.name.clone(),
        description: seed.description.clone(),
        session_duration: seed
            .session_duration
            .clone()
            .unwrap_or_else(|| DEFAULT_SESSION_DURATION.to_owned()),
        relay_state: seed.relay_state.clone(),
        created: seed.created.unwrap_or_else(long_ago),
        content: Content {
            managed: seed.managed_policies.clone(),
            customer_managed: seed.customer_managed_policies.clone(),
            inline: seed.inline_policy.clone(),
            boundary: seed.permissions_boundary.clone(),
        },
        tags: seed.tags.clone(),
        version: CURRENT,
    })
}

fn provision(
    instance: &mut Instance,
    organization: &Organization,
    seed: &ProvisionedSeed,
    place: &str,
) -> Result<(), SeedError> {
    let place = format!("{place} provisioned {}", seed.permission_set);
    let set = instance.set_named(&seed.permission_set, &place)?;
    for (account, suffix) in &seed.suffixes {
        if !organization.accounts.contains_key(account) {
            return Err(SeedError::at(place, format!("there is no account {account}")));
        }
        let version = if seed.outdated.contains(account) { OUTDATED } else { CURRENT };
        let role = Provisioned { suffix: suffix.clone(), version };
        instance.provisioned.insert((account.clone(), set.clone()), role);
    }
    Ok(())
}

fn id_or(
    given: Option<&PrincipalId>,
    parts: &[&str],
    place: &str,
) -> Result<PrincipalId, SeedError> {
    if let Some(id) = given {
        return Ok(id.clone());
    }
    hex::uuid(&hex::digest(parts)).parse().map_err(|error| SeedError::at(place, format!("{error}")))
}

/// Sixteen digits that depend on the parts alone.
fn suffix(parts: &[&str]) -> String {
    hex::digest(parts).chars().take(16).collect()
}
