//! What the operator relies on of an API server, asked of a real one and of the one in memory that
//! the simulation uses. A difference between the two fails one of them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[allow(dead_code, unused_imports, reason = "the faults are for the simulation")]
#[path = "../simulation/cluster/mod.rs"]
mod cluster;
#[path = "../support/mod.rs"]
mod support;

mod creating;
mod deleting;
mod events;
mod garbage;
mod leases;
mod lists;
mod objects;
mod refusals;
mod server;
mod status;
mod watches;
mod writing;

use server::Server;

macro_rules! on_both {
    ($($module:ident::$check:ident,)*) => {
        mod in_memory {$(
            #[tokio::test(start_paused = true)]
            async fn $check() {
                crate::$module::$check(&crate::Server::in_memory()).await;
            }
        )*}

        mod real {$(
            #[tokio::test]
            async fn $check() {
                crate::$module::$check(&crate::Server::real().await).await;
            }
        )*}
    };
}

on_both! {
    creating::a_new_object_has_what_the_server_gives_it,
    creating::an_instance_is_in_no_namespace,
    creating::a_status_without_a_default_stays_away,
    creating::a_name_is_taken_once,
    creating::a_name_that_is_used_again_is_another_object,
    creating::a_ledger_record_is_written_once,
    creating::shards_are_written_once,
    status::a_status_is_applied_apart_from_the_rest,
    status::a_status_of_an_old_version_is_refused,
    status::fields_that_are_left_out_go,
    status::conditions_are_what_was_applied_last,
    status::the_same_status_again_changes_nothing,
    status::the_status_of_a_record_is_merged,
    status::the_status_of_a_shard_needs_no_version,
    status::nothing_else_is_written_with_a_status,
    status::of_many_writers_one_wins,
    status::the_status_of_an_instance_is_applied,
    writing::finalizers_are_set_on_the_version_that_was_read,
    writing::a_change_of_the_spec_is_a_new_generation,
    writing::a_status_is_not_written_with_the_rest,
    writing::a_field_that_is_removed_gets_its_default,
    writing::the_same_again_changes_nothing,
    leases::a_lease_is_replaced_at_its_version,
    leases::the_same_lease_again_changes_nothing,
    leases::of_many_contenders_one_wins,
    leases::a_lease_that_is_gone_cannot_be_renewed,
    leases::an_elector_leads_and_gives_back,
    deleting::without_finalizers_it_is_gone,
    deleting::with_finalizers_it_stays_until_the_last_is_removed,
    deleting::no_finalizer_is_added_while_it_is_deleted,
    garbage::what_nobody_owns_is_deleted,
    refusals::what_is_missing_is_not_found,
    refusals::an_unknown_path_is_no_missing_object,
    refusals::a_namespace_that_is_deleted_takes_nothing_new,
    refusals::what_is_too_large_is_refused,
    lists::pages_are_of_one_version,
    lists::a_list_of_any_version_is_one_page,
    lists::a_list_of_all_namespaces_has_both,
    lists::metadata_alone,
    lists::how_many_there_are_is_told,
    watches::a_watch_tells_what_came_after_its_version,
    watches::an_open_watch_goes_on,
    watches::a_watch_of_all_namespaces_tells_of_both,
    watches::a_deletion_is_told_in_two_steps,
    watches::a_watch_of_metadata_tells_no_more,
    watches::a_watch_from_a_forgotten_version_is_expired,
    watches::a_watch_ends_in_time_with_bookmarks_if_wanted,
    watches::the_watcher_of_kube_follows,
    watches::the_watcher_of_kube_follows_metadata,
    events::the_same_news_again_is_counted,
}
