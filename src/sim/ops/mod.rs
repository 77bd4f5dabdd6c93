//! The operations, a file for each family.

pub(super) mod assignment_lists;
pub(super) mod assignment_status;
pub(super) mod assignments;
pub(super) mod boundary;
pub(super) mod content;
pub(super) mod groups;
pub(super) mod instances;
pub(super) mod organization;
pub(super) mod permission_sets;
pub(super) mod provisioning;
pub(super) mod shapes;
pub(super) mod tags;
pub(super) mod trail;
pub(super) mod users;

use super::input::Input;
use super::operation::Operation;
use super::page::Pager;
use super::random::Random;
use super::settings::Settings;

/// A pager with the greatest page that Identity Center and Identity Store give.
fn pager<'a>(
    operation: &'static Operation,
    input: Input<'a>,
    settings: &'a Settings,
    random: &'a mut Random,
) -> Pager<'a> {
    Pager { operation, input, paging: &settings.paging, random, limit: 100 }
}
