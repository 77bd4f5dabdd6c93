//! Slots: who waits for one, who gets one, who gives one back.

use std::sync::Arc;

use jiff::Timestamp;

use super::context::Context;
use super::instance_handle::InstanceHandle;
use crate::model::AccountId;

/// Says which items of a Rollback wait for a slot, and hands out what is free.
pub fn want(
    context: &Context,
    instance: &InstanceHandle,
    uid: &str,
    emergency: bool,
    items: Vec<(usize, AccountId)>,
) {
    instance.gate.governor().want(
        uid,
        emergency,
        items.into_iter().map(|(item, account)| (number(item), account)).collect(),
    );
    hand_out(context, instance);
}

/// Gives a slot back and hands it to whoever is next.
pub fn release(context: &Context, instance: &InstanceHandle, uid: &str, item: usize) {
    instance.gate.governor().release(uid, number(item));
    hand_out(context, instance);
}

/// Occupies a slot for a request that is, or may be, at work in AWS.
pub fn adopt(instance: &InstanceHandle, uid: &str, item: usize, account: AccountId) {
    instance.gate.governor().adopt(uid, number(item), account);
}

/// Leaves an account alone for a while.
pub fn hold_account(instance: &InstanceHandle, account: AccountId, until: Timestamp) {
    instance.gate.governor().hold_account(account, until);
    instance.gate.changed();
}

/// Forgets what a Rollback waits for.
pub fn forget(context: &Context, instance: &InstanceHandle, uid: &str) {
    instance.gate.governor().forget(uid);
    hand_out(context, instance);
}

/// Forgets what a Rollback waits for and gives back what it was granted and did not use.
pub fn withdraw(context: &Context, instance: &InstanceHandle, uid: &str) {
    if let Some(run) = context.runs.get(uid) {
        let mut observations = run.observations();
        let unused: Vec<usize> = observations.granted().collect();
        for item in unused {
            observations.item_mut(item).granted = false;
            instance.gate.governor().release(uid, number(item));
        }
    }
    forget(context, instance, uid);
}

/// Hands out what is free and wakes those who got something.
pub fn hand_out(context: &Context, instance: &InstanceHandle) {
    let grants = instance.gate.governor().grants(context.clock.now());
    for grant in grants {
        match context.runs.get(&grant.rollback) {
            Some(run) => {
                run.observations().item_mut(index(grant.item)).granted = true;
                context.wake(&run.reference);
            }
            None => {
                instance.gate.governor().release(&grant.rollback, grant.item);
            }
        }
    }
}

/// Hands out slots whenever an account that was left alone is free again.
pub async fn follow_holds(context: Arc<Context>, instance: Arc<InstanceHandle>) {
    loop {
        let next = instance.gate.governor().next_grant(context.clock.now());
        let changed = instance.gate.wait_for_change();
        match next {
            Some(at) => {
                tokio::select! {
                    biased;
                    () = context.clock.sleep_until(at) => {}
                    () = changed => {}
                    () = instance.stop.cancelled() => return,
                }
            }
            None => {
                tokio::select! {
                    biased;
                    () = changed => {}
                    () = instance.stop.cancelled() => return,
                }
            }
        }
        hand_out(&context, &instance);
    }
}

/// A plan has at most 20,000 items.
fn number(item: usize) -> u32 {
    u32::try_from(item).unwrap_or(u32::MAX)
}

fn index(item: u32) -> usize {
    usize::try_from(item).unwrap_or(usize::MAX)
}
