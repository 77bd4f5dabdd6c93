//! Reading who has which access: for the guard, and for what a plan means to people.

use std::collections::{BTreeMap, BTreeSet};

use futures::stream::{self, StreamExt, TryStreamExt};

use super::administrators;
use super::error::Error;
use super::instance_handle::InstanceHandle;
use crate::aws;
use crate::engine::cover::ReadOperation;
use crate::model::{
    AccountId, AssignmentKey, Class, PermissionSetArn, PermissionSetContent, Principal,
    PrincipalId, PrincipalType,
};
use crate::plan::{Access, Changes, Given, Live, OwnAccess, Place, Proposal};

/// Calls that are spent at most on finding out who truly loses or gains access.
const MOST_CALLS: usize = 300;
/// Names that are asked for at most, beside those that the plan needs anyway.
const MOST_NAMES: usize = 25;
/// Permission sets that are looked into at most.
const MOST_SETS: usize = 100;
/// Calls that wait for their answers at once.
const AT_ONCE: usize = 16;

/// Reads everything about people that a plan tells or is refused for, given what other Rollbacks
/// are removing.
pub async fn read(
    instance: &InstanceHandle,
    proposal: &Proposal<'_>,
    live: &Live,
    being_removed: BTreeSet<AssignmentKey>,
) -> Result<Access, Error> {
    let changes = proposal.changes();
    let mut reader = Reader { instance, access: Access { being_removed, ..Access::default() } };
    reader.access.own = instance.facts().caller.and_then(|caller| {
        let permission_set_name = caller.permission_set_name?;
        Some(OwnAccess { account: caller.account, permission_set_name })
    });
    let groups = changes.principals().into_iter().filter(|it| it.kind == PrincipalType::Group);
    reader.members(groups.take(MOST_CALLS)).await?;
    administrators::read(&mut reader, proposal).await?;
    // Whether a role was there all along depends on who else holds the set.
    reader.holders(changes.places_of_exchanges().take(MOST_CALLS).cloned()).await?;
    reader.effects(changes).await?;
    reader.provisioned_sets(changes, live).await?;
    reader.given(changes, live).await?;
    reader.names(changes).await?;
    Ok(reader.access)
}

/// What was read so far; nothing is asked for twice.
pub struct Reader<'a> {
    /// The instance that is asked.
    pub instance: &'a InstanceHandle,
    /// What it told.
    pub access: Access,
}

impl Reader<'_> {
    /// Reads who is assigned at places, and who is in the groups among them.
    pub async fn holders(&mut self, places: impl IntoIterator<Item = Place>) -> Result<(), Error> {
        let unread: BTreeSet<Place> =
            places.into_iter().filter(|at| !self.access.holders.contains_key(at)).collect();
        let instance = self.instance;
        let read = stream::iter(unread).map(|at| async move {
            let list = ReadOperation::Pair(at.0.clone(), at.1.clone());
            let shown = told(instance.read(&list, aws::Priority::PreRead).await)?;
            Ok::<_, Error>(shown.map(|shown| {
                let holders: BTreeSet<Principal> =
                    shown.present.into_iter().map(|key| key.principal).collect();
                (at, holders)
            }))
        });
        let read: Vec<Option<(Place, BTreeSet<Principal>)>> =
            read.buffer_unordered(AT_ONCE).try_collect().await?;
        let read: Vec<_> = read.into_iter().flatten().collect();
        self.members(read.iter().flat_map(|(_, holders)| holders)).await?;
        self.access.holders.extend(read);
        Ok(())
    }

    /// Reads who is in those of the principals that are groups.
    async fn members(
        &mut self,
        principals: impl IntoIterator<Item = &Principal>,
    ) -> Result<(), Error> {
        let groups = principals.into_iter().filter(|it| it.kind == PrincipalType::Group);
        let unread: BTreeSet<PrincipalId> = groups
            .filter(|group| !self.access.members.contains_key(&group.id))
            .map(|group| group.id.clone())
            .collect();
        let (instance, store) = (self.instance, self.instance.facts().identity_store);
        let read = stream::iter(unread).map(|group| {
            let store = &store;
            async move {
                let aws = instance.aws(aws::Priority::PreRead);
                let members = told(aws.group_members(store, &group).await)?;
                // A group that is gone has no members.
                let members = members.map(|it| it.unwrap_or_default().into_iter().collect());
                Ok::<_, Error>(members.map(|members: BTreeSet<_>| (group, members)))
            }
        });
        let read: Vec<_> = read.buffer_unordered(AT_ONCE).try_collect().await?;
        self.access.members.extend(read.into_iter().flatten());
        Ok(())
    }

    /// Whether a user may sign in, as far as that can be found out.
    pub async fn is_enabled(&mut self, user: &PrincipalId) -> Result<Option<bool>, Error> {
        if let Some(known) = self.access.enabled.get(user) {
            return Ok(Some(*known));
        }
        let user = Principal { kind: PrincipalType::User, id: user.clone() };
        let store = self.instance.facts().identity_store;
        let aws = self.instance.aws(aws::Priority::PreRead);
        let Some(found) = told(aws.describe_principal(&store, &user).await)? else {
            return Ok(None);
        };
        let enabled = found.as_ref().is_some_and(|facts| facts.enabled);
        if let Some(name) = found.and_then(|facts| facts.name) {
            self.access.names.insert(user.id.clone(), name);
        }
        self.access.enabled.insert(user.id, enabled);
        Ok(Some(enabled))
    }

    /// Reads what is needed to say who truly loses or gains access: the lists of the people, or
    /// those of the places, whichever are fewer; nothing if both are too many.
    async fn effects(&mut self, changes: &Changes) -> Result<(), Error> {
        let principals = changes.principals();
        let people: BTreeSet<PrincipalId> =
            principals.iter().filter_map(|it| self.access.people(it)).flatten().collect();
        let places: BTreeSet<Place> = changes.places().cloned().collect();
        let by_person = !self.instance.hints().principal_lists_denied
            && people.len() <= places.len()
            && people.len() <= MOST_CALLS;
        if by_person && self.of_users(people).await? {
            return Ok(());
        }
        if places.len() <= MOST_CALLS {
            self.holders(places).await?;
        }
        Ok(())
    }

    /// Reads all access of some users; false where AWS denies such lists.
    async fn of_users(&mut self, users: BTreeSet<PrincipalId>) -> Result<bool, Error> {
        let instance = self.instance;
        let read = stream::iter(users).map(|user| async move {
            let principal = Principal { kind: PrincipalType::User, id: user.clone() };
            let aws = instance.aws(aws::Priority::PreRead);
            match aws.list_access(&principal, None).await {
                Ok(rows) => Ok(Some((user, rows))),
                Err(error) if instance.lists_by_principal_are_denied(&error) => Ok(None),
                // A user who is gone: a list that says so shows nothing to lose.
                Err(error) if error.is_not_found() => Ok(Some((user, Vec::new()))),
                Err(error) => Err(Error::from(error)),
            }
        });
        let read: Vec<_> = read.buffer_unordered(AT_ONCE).try_collect().await?;
        let denied = read.iter().any(Option::is_none);
        for (user, rows) in read.into_iter().flatten() {
            let mut places: BTreeMap<Place, BTreeSet<Principal>> = BTreeMap::new();
            for row in rows {
                let place = (row.account, row.permission_set);
                places.entry(place).or_default().insert(row.through);
            }
            self.access.of_user.insert(user, places);
        }
        Ok(!denied)
    }

    /// Counts the permission sets of accounts that would get one more.
    async fn provisioned_sets(&mut self, changes: &Changes, live: &Live) -> Result<(), Error> {
        let places = changes.places_of_creations();
        let more = places.filter(|(account, set)| !live.is_provisioned(set, account));
        let accounts: BTreeSet<AccountId> = more.map(|(account, _)| account.clone()).collect();
        if accounts.len() > MOST_CALLS {
            return Ok(());
        }
        let instance = self.instance;
        let read = stream::iter(accounts).map(|account| async move {
            let aws = instance.aws(aws::Priority::PreRead);
            let sets = told(aws.permission_sets_in_account(&account).await)?;
            Ok::<_, Error>(sets.map(|sets| (account, sets.len())))
        });
        let read: Vec<_> = read.buffer_unordered(AT_ONCE).try_collect().await?;
        self.access.provisioned_sets.extend(read.into_iter().flatten());
        Ok(())
    }

    /// Reads what the permission sets give through which assignments are made.
    async fn given(&mut self, changes: &Changes, live: &Live) -> Result<(), Error> {
        let sets: BTreeSet<&PermissionSetArn> =
            changes.places_of_creations().map(|(_, set)| set).collect();
        let there = sets.into_iter().filter_map(|set| {
            let facts = live.permission_sets.get(set).filter(|facts| facts.exists)?;
            Some((set.clone(), facts.session_duration.clone()))
        });
        let there: Vec<_> = there.enumerate().collect();
        let instance = self.instance;
        let read = stream::iter(there).map(|(number, (set, session))| async move {
            if number >= MOST_SETS {
                return Ok((set, Given::Unknown));
            }
            let aws = instance.aws(aws::Priority::PreRead);
            let policies = told(aws.permission_set_policies(&set).await)?.flatten();
            let given = policies.map_or(Given::Unknown, |policies| {
                Given::Content(PermissionSetContent { session_duration: session, ..policies })
            });
            Ok::<_, Error>((set, given))
        });
        self.access.given = read.buffer_unordered(AT_ONCE).try_collect().await?;
        Ok(())
    }

    /// Asks for the names of the groups that give access beside the plan, and of people in groups.
    async fn names(&mut self, changes: &Changes) -> Result<(), Error> {
        let known = &self.access.names;
        let through_lists = self.access.of_user.values().flat_map(BTreeMap::iter);
        let of_places: BTreeSet<&Place> = changes.places().collect();
        let givers = through_lists
            .filter(|(place, _)| of_places.contains(place))
            .flat_map(|(_, principals)| principals)
            .chain(self.access.holders.values().flatten());
        let members = changes.principals().into_iter().filter_map(|it| self.access.people(it));
        let members = members.flatten().map(|id| Principal { kind: PrincipalType::User, id });
        let groups: BTreeSet<Principal> =
            givers.filter(|it| it.kind == PrincipalType::Group).cloned().collect();
        let wanted: Vec<Principal> = groups
            .into_iter()
            .chain(changes.principals().into_iter().cloned())
            .chain(members.collect::<BTreeSet<_>>())
            .filter(|principal| !known.contains_key(&principal.id))
            .take(MOST_NAMES)
            .collect();
        let (instance, store) = (self.instance, self.instance.facts().identity_store);
        let read = stream::iter(wanted).map(|principal| {
            let store = &store;
            async move {
                let aws = instance.aws(aws::Priority::PreRead);
                let found = told(aws.describe_principal(store, &principal).await)?.flatten();
                Ok::<_, Error>(found.and_then(|facts| Some((principal.id, facts.name?))))
            }
        });
        let read: Vec<_> = read.buffer_unordered(AT_ONCE).try_collect().await?;
        self.access.names.extend(read.into_iter().flatten());
        Ok(())
    }
}

/// An answer; none where the operator may not ask. What may go away is an error: it is tried again.
pub fn told<T>(outcome: Result<T, aws::Error>) -> Result<Option<T>, Error> {
    match outcome {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if matches!(error.class(), Class::Blocked(_) | Class::Terminal(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
