//! Which instances operations may belong to.

use std::collections::BTreeMap;

use crate::model::InstanceArn;

/// Which instances operations may belong to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Instances {
    /// This one alone.
    One {
        /// Name of the `IdentityCenterInstance`.
        name: String,
        /// Its ARN.
        arn: InstanceArn,
    },
    /// Any of these, by ARN.
    Known(BTreeMap<InstanceArn, String>),
}

/// An operation belongs to an instance that it may not belong to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WrongInstance {
    /// It belongs to another instance than the one that was given.
    #[error("it belongs to {found}, not to instance {name} ({expected})")]
    Other {
        /// The instance of its permission sets.
        found: InstanceArn,
        /// Name of the instance that was given.
        name: String,
        /// ARN of the instance that was given.
        expected: InstanceArn,
    },
    /// It belongs to an instance that is not known.
    #[error("it belongs to {0}, and no IdentityCenterInstance has this ARN; create one first")]
    Unknown(InstanceArn),
}

impl Instances {
    /// The name of the instance with this ARN.
    pub fn name_of(&self, found: &InstanceArn) -> Result<String, WrongInstance> {
        match self {
            Self::One { name, arn } if arn == found => Ok(name.clone()),
            Self::One { name, arn } => Err(WrongInstance::Other {
                found: found.clone(),
                name: name.clone(),
                expected: arn.clone(),
            }),
            Self::Known(known) => {
                known.get(found).cloned().ok_or_else(|| WrongInstance::Unknown(found.clone()))
            }
        }
    }
}
