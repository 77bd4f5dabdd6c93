//! By what operations are found, on the command line: the same for a list and for an undo.

use clap::{Args, ValueEnum};
use jiff::Timestamp;

use super::operations::filter::Filter;
use super::times::{self, When};
use crate::model::{AccountId, OperationType};

/// Criteria; all that are given must fit.
#[derive(Debug, Clone, Default, Args)]
#[group(id = "criteria", multiple = true)]
#[command(next_help_heading = "Which operations")]
pub struct Criteria {
    /// Of this type, as it is shown or in short (Assign, assign, copy, clone); may be repeated
    #[arg(short = 't', long = "type", value_name = "TYPE", value_enum, ignore_case = true)]
    pub types: Vec<Type>,
    /// Done by this actor: a part of the name
    #[arg(long, value_name = "TEXT")]
    pub actor: Option<String>,
    /// On this user or group: the id or a part of the name
    #[arg(short, long, value_name = "TEXT")]
    pub principal: Option<String>,
    /// With this permission set: the ARN, its end, or a part of the name
    #[arg(short = 's', long, value_name = "TEXT")]
    pub permission_set: Option<String>,
    /// In this account; may be repeated, and any of them fits
    #[arg(long = "account", value_name = "ID")]
    pub accounts: Vec<AccountId>,
    /// Of the instance with this name
    #[arg(long, value_name = "NAME")]
    pub instance: Option<String>,
    /// Not before: a time, or so long ago (2h, 3d)
    #[arg(long, visible_alias = "since", value_name = "TIME", value_parser = times::parse_when)]
    pub from: Option<When>,
    /// Not after: a time, or so long ago
    #[arg(long, visible_alias = "until", value_name = "TIME", value_parser = times::parse_when)]
    pub to: Option<When>,
    /// Whose records bear these labels, as kubectl takes them
    #[arg(short = 'l', long, value_name = "SELECTOR")]
    pub selector: Option<String>,
    /// At most so many, the newest
    #[arg(long, visible_alias = "limit", value_name = "COUNT",
          value_parser = clap::value_parser!(u32).range(1..))]
    pub last: Option<u32>,
}

impl Criteria {
    /// Every criterion, for a group of arguments of which one must be given: such a group takes no
    /// other group.
    pub const IDS: [&str; 10] = [
        "types",
        "actor",
        "principal",
        "permission_set",
        "accounts",
        "instance",
        "from",
        "to",
        "selector",
        "last",
    ];

    /// Whether any is given.
    #[must_use]
    pub fn is_given(&self) -> bool {
        !(self.types.is_empty() && self.accounts.is_empty())
            || self.from.is_some()
            || self.to.is_some()
            || self.last.is_some()
            || [&self.actor, &self.principal, &self.permission_set, &self.instance, &self.selector]
                .into_iter()
                .any(Option::is_some)
    }

    /// What a record is asked; labels, instance and number are not its to answer.
    #[must_use]
    pub fn filter(&self, now: Timestamp) -> Filter {
        let lower = |text: &Option<String>| text.as_deref().map(str::to_lowercase);
        Filter {
            types: self.types.iter().map(|kind| (*kind).into()).collect(),
            actor: lower(&self.actor),
            principal: lower(&self.principal),
            permission_set: lower(&self.permission_set),
            accounts: self.accounts.clone(),
            since: self.from.map(|when| when.at(now)),
            until: self.to.map(|when| when.at(now)),
            ..Filter::default()
        }
    }

    /// What the API server compares itself.
    #[must_use]
    pub fn field_selector(&self) -> Option<String> {
        let mut selectors = Vec::new();
        if let [kind] = self.types.as_slice() {
            selectors.push(format!("spec.type={}", OperationType::from(*kind)));
        }
        if let Some(instance) = &self.instance {
            selectors.push(format!("spec.instance={instance}"));
        }
        (!selectors.is_empty()).then(|| selectors.join(","))
    }
}

/// Types of operations as they are typed.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Type {
    /// A principal was given a permission set
    Assign,
    /// It was taken away
    Revoke,
    /// The assignments of one principal were given to another
    #[value(alias = "CopyAssignments")]
    Copy,
    /// A permission set was made as a copy of another
    #[value(alias = "ClonePermissionSet")]
    Clone,
    /// Operations were undone
    Rollback,
}

impl From<Type> for OperationType {
    fn from(kind: Type) -> Self {
        match kind {
            Type::Assign => Self::Assign,
            Type::Revoke => Self::Revoke,
            Type::Copy => Self::CopyAssignments,
            Type::Clone => Self::ClonePermissionSet,
            Type::Rollback => Self::Rollback,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Command;

    use super::*;

    #[test]
    fn every_criterion_is_among_those_of_which_one_must_be_given() {
        let command = Criteria::augment_args(Command::new("test"));
        let ids: Vec<&str> = command.get_arguments().map(|arg| arg.get_id().as_str()).collect();
        assert_eq!(ids, Criteria::IDS);
    }

    #[test]
    fn types_are_typed_as_they_are_shown_or_in_short() {
        for (typed, meant) in [
            ("assign", OperationType::Assign),
            ("Assign", OperationType::Assign),
            ("copy", OperationType::CopyAssignments),
            ("CopyAssignments", OperationType::CopyAssignments),
            ("clonepermissionset", OperationType::ClonePermissionSet),
            ("ROLLBACK", OperationType::Rollback),
        ] {
            assert_eq!(OperationType::from(Type::from_str(typed, true).unwrap()), meant, "{typed}");
        }
        assert!(Type::from_str("grant", true).is_err());
    }
}
