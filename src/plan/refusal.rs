//! Why there is no plan at all.

use crate::model::{InstanceArn, PermissionSetArn};

/// Why a plan was refused as a whole. Nothing is written to AWS.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No record was named or found.
    #[error("no record is selected: name at least one OperationRecord in spec.operations")]
    NothingSelected,
    /// Everything that the records did is undone already, or they did nothing.
    #[error(
        "none of the selected records has a key left that is open: the ledger shows that they were undone, or they changed nothing"
    )]
    NothingOpen,
    /// A selected record belongs to another instance.
    #[error(
        "record {record} belongs to instance {found} and the others to {expected}: create one Rollback for each instance"
    )]
    InstancesDiffer {
        /// The record.
        record: String,
        /// Its instance.
        found: String,
        /// The instance that is planned for.
        expected: String,
    },
    /// A record names a permission set of another instance or partition.
    #[error(
        "record {record} names permission set {permission_set}, which does not belong to instance {instance}: correct spec.instance of the record by importing it again for the right instance"
    )]
    ForeignInstance {
        /// The record.
        record: String,
        /// The permission set.
        permission_set: PermissionSetArn,
        /// The instance that is planned for.
        instance: InstanceArn,
    },
    /// Two objects claim to be the same record and say different things.
    #[error(
        "records {first} and {second} have the same source ({tool}, {id}) and say different things: find out which one is right and delete the other"
    )]
    RecordsContradict {
        /// One of them.
        first: String,
        /// The other one.
        second: String,
        /// The tool of both.
        tool: String,
        /// The id of both.
        id: String,
    },
    /// More is refused by the policy than anybody can accept one by one.
    #[error(
        "the instance's policy refuses {refusals} things of this plan, and an approval can accept {max}: undo fewer records at once"
    )]
    TooManyRefusals {
        /// What is refused.
        refusals: usize,
        /// What can be accepted.
        max: usize,
    },
    /// A plan can hold fewer keys.
    #[error(
        "the records touch {keys} keys and one plan can hold {max}: undo fewer records at once"
    )]
    TooLarge {
        /// Keys that would be planned.
        keys: usize,
        /// Keys that a plan can hold.
        max: usize,
    },
    /// Something that this version cannot plan.
    #[error("{0}")]
    Unsupported(String),
    /// A permission set was not looked at, so that nothing can be said about it.
    #[error("permission set {0} was not read in AWS: plan again")]
    Unread(PermissionSetArn),
}
