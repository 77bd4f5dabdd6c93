//! Identifiers of AWS, checked when they are made.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

/// A value that does not have the shape that AWS documents for it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{value:?} is not {expected}")]
pub struct InvalidId {
    /// The value that was refused, cut to 100 characters.
    pub value: String,
    /// What was expected, as a noun phrase with the shape.
    pub expected: &'static str,
}

impl InvalidId {
    fn new(value: &str, expected: &'static str) -> Self {
        let value = value.chars().take(100).collect();
        Self { value, expected }
    }
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $check:expr, $expected:literal, $pattern:literal, $max:literal) => {
        id!($(#[$doc])* $name, $check, $expected, $pattern, $max, |value| value.into());
    };
    ($(#[$doc:meta])* $name:ident, $check:expr, $expected:literal, $pattern:literal, $max:literal, $as_written:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// The regular expression that the CRDs carry for this value.
            pub const PATTERN: &'static str = $pattern;

            /// The value as AWS writes it.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;
            fn from_str(value: &str) -> Result<Self, InvalidId> {
                let check: fn(&str) -> bool = $check;
                let as_written: fn(&str) -> Arc<str> = $as_written;
                if check(value) {
                    Ok(Self(as_written(value)))
                } else {
                    Err(InvalidId::new(value, $expected))
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;
            fn try_from(value: String) -> Result<Self, InvalidId> {
                value.parse()
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.0.as_ref().to_owned()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
            fn inline_schema() -> bool {
                true
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                schemars::json_schema!({
                    "type": "string",
                    "pattern": $pattern,
                    "maxLength": $max,
                })
            }
        }
    };
}

id!(
    /// An AWS account: twelve digits.
    AccountId,
    |v| v.len() == 12 && v.bytes().all(|b| b.is_ascii_digit()),
    "an AWS account id (twelve digits)",
    r"^\d{12}$",
    12
);
id!(
    /// One IAM Identity Center instance, such as `arn:aws:sso:::instance/ssoins-0123456789abcdef`.
    InstanceArn,
    |v| sso_arn(v, "instance").is_some_and(is_instance_id),
    "an Identity Center instance ARN (arn:aws:sso:::instance/ssoins-…)",
    r"^arn:aws(-[a-z]{1,5}){0,3}:sso:::instance/(sso)?ins-[a-zA-Z0-9-.]{16}$",
    1224
);
id!(
    /// A permission set, such as `arn:aws:sso:::permissionSet/ssoins-0123456789abcdef/ps-0123456789abcdef`.
    PermissionSetArn,
    |v| permission_set_parts(v).is_some(),
    "a permission set ARN (arn:aws:sso:::permissionSet/ssoins-…/ps-…)",
    r"^arn:aws(-[a-z]{1,5}){0,3}:sso:::permissionSet/(sso)?ins-[a-zA-Z0-9-.]{16}/ps-[a-zA-Z0-9-./]{16}$",
    1224
);
id!(
    /// A user or group of the identity store: a UUID, in older stores with ten hexadecimal digits and a dash before it.
    PrincipalId,
    is_principal_id,
    "an identity store principal id (a UUID, possibly after ten hexadecimal digits and a dash)",
    r"^([0-9a-f]{10}-|)[A-Fa-f0-9]{8}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{12}$",
    47,
    // AWS takes both cases and lists in lower case: a key that is written otherwise would never be found.
    |value| value.to_ascii_lowercase().into()
);
id!(
    /// The handle of an asynchronous request: a lower-case UUID.
    RequestId,
    |v| is_uuid(v) && !v.bytes().any(|b| b.is_ascii_uppercase()),
    "an AWS request id (a lower-case UUID)",
    r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$",
    36
);
id!(
    /// An identity store: `d-` and ten hexadecimal digits, or a UUID.
    IdentityStoreId,
    |v| is_uuid(v)
        || v.strip_prefix("d-")
            .is_some_and(|rest| rest.len() == 10 && rest.bytes().all(is_lower_hex)),
    "an identity store id (d- and ten hexadecimal digits, or a UUID)",
    r"^d-[0-9a-f]{10}$|^[0-9a-f]{8}\b-[0-9a-f]{4}\b-[0-9a-f]{4}\b-[0-9a-f]{4}\b-[0-9a-f]{12}$",
    36
);

impl InstanceArn {
    /// The partition: `aws`, `aws-cn`, `aws-us-gov` and so on.
    #[must_use]
    pub fn partition(&self) -> &str {
        self.0.split(':').nth(1).unwrap_or("aws")
    }
}

impl PermissionSetArn {
    /// The instance that this permission set belongs to, in the same partition.
    #[must_use]
    pub fn instance(&self) -> InstanceArn {
        let (partition, instance) = permission_set_parts(&self.0).unwrap_or(("aws", ""));
        InstanceArn(format!("arn:{partition}:sso:::instance/{instance}").into())
    }

    /// The last part, such as `ps-0123456789abcdef`.
    #[must_use]
    pub fn short_id(&self) -> &str {
        self.0.rsplit_once("/ps-").map_or(&self.0, |(head, _)| &self.0[head.len() + 1..])
    }
}

fn is_partition(partition: &str) -> bool {
    let mut parts = partition.split('-');
    parts.next() == Some("aws")
        && partition.split('-').count() <= 4
        && parts.all(|p| (1..=5).contains(&p.len()) && p.bytes().all(|b| b.is_ascii_lowercase()))
}

/// The resource after `kind/` of an ARN of the `sso` service.
fn sso_arn<'a>(value: &'a str, kind: &str) -> Option<&'a str> {
    let rest = value.strip_prefix("arn:")?;
    let (partition, rest) = rest.split_once(':')?;
    if !is_partition(partition) || value.len() > 1224 {
        return None;
    }
    rest.strip_prefix("sso:::")?.strip_prefix(kind)?.strip_prefix('/')
}

fn is_instance_id(id: &str) -> bool {
    id.strip_prefix("ssoins-").or_else(|| id.strip_prefix("ins-")).is_some_and(|rest| {
        rest.len() == 16
            && rest.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.')
    })
}

/// The partition and the instance id of a permission set ARN.
fn permission_set_parts(value: &str) -> Option<(&str, &str)> {
    let resource = sso_arn(value, "permissionSet")?;
    let (instance, set) = resource.split_once('/')?;
    let rest = set.strip_prefix("ps-")?;
    let set_fits = rest.len() == 16
        && rest.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'/'));
    (is_instance_id(instance) && set_fits)
        .then(|| (value.split(':').nth(1).unwrap_or("aws"), instance))
}

fn is_lower_hex(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'f')
}

fn is_uuid(value: &str) -> bool {
    value.len() == 36
        && value.bytes().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

fn is_principal_id(value: &str) -> bool {
    match value.len() {
        36 => is_uuid(value),
        47 => {
            let (prefix, rest) = value.split_at_checked(11).unwrap_or(("", ""));
            prefix.ends_with('-') && prefix[..10].bytes().all(is_lower_hex) && is_uuid(rest)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SET: &str = "arn:aws:sso:::permissionSet/ssoins-grrwdwht9b3hswl7/ps-64rrohtnuu77rp8j";

    fn accepts<T: FromStr>(value: &str) -> bool {
        value.parse::<T>().is_ok()
    }

    #[test]
    fn what_fits_is_taken_and_all_else_refused() {
        assert!(accepts::<AccountId>("061836611202"));
        assert!(!accepts::<AccountId>("61836611202"));
        assert!(!accepts::<AccountId>("06183661120a"));
        assert!(!accepts::<AccountId>("٠٦١٨٣٦"));
        assert!(accepts::<InstanceArn>("arn:aws:sso:::instance/ssoins-grrwdwht9b3hswl7"));
        assert!(accepts::<InstanceArn>("arn:aws-us-gov:sso:::instance/ins-grrwdwht9b3hswl7"));
        assert!(!accepts::<InstanceArn>(
            "arn:aws-us-gov-x-y-z:sso:::instance/ins-grrwdwht9b3hswl7"
        ));
        assert!(!accepts::<InstanceArn>(SET));
        assert!(accepts::<PermissionSetArn>(SET));
        assert!(!accepts::<PermissionSetArn>(
            "arn:aws:sso:::instance/ssoins-grrwdwht9b3hswl7/ps-64rrohtnuu77rp8j"
        ));
        assert!(!accepts::<PermissionSetArn>("arn:aws:iam::1:role/x"));
        assert!(!accepts::<PermissionSetArn>(""));
        assert!(accepts::<PrincipalId>("0f791059-3b41-4313-86da-59fa2cf217a7"));
        assert!(accepts::<PrincipalId>("926703446b-0f791059-3b41-4313-86da-59fa2cf217a7"));
        let id: PrincipalId = "0F791059-3B41-4313-86DA-59FA2CF217A7".parse().unwrap();
        assert_eq!(id.as_str(), "0f791059-3b41-4313-86da-59fa2cf217a7", "as AWS lists it");
        assert!(!accepts::<PrincipalId>("926703446B-0f791059-3b41-4313-86da-59fa2cf217a7"));
        assert!(!accepts::<PrincipalId>("ééééé-0f791059-3b41-4313-86da-59fa2cf217a7"));
        assert!(!accepts::<RequestId>("0F791059-3b41-4313-86da-59fa2cf217a7"));
        assert!(accepts::<IdentityStoreId>("d-9067f2a1b3"));
        assert!(!accepts::<IdentityStoreId>("d-9067f2a1bz"));
    }

    #[test]
    fn a_permission_set_knows_its_instance_in_any_partition() {
        for partition in ["aws", "aws-cn", "aws-us-gov"] {
            let set: PermissionSetArn =
                SET.replace("arn:aws:", &format!("arn:{partition}:")).parse().unwrap();
            let instance = set.instance();
            assert_eq!(instance.partition(), partition);
            assert_eq!(instance.as_str().parse::<InstanceArn>().as_ref(), Ok(&instance));
            assert_eq!(set.short_id(), "ps-64rrohtnuu77rp8j");
        }
    }

    #[test]
    fn a_refusal_names_the_value_and_the_shape() {
        let error = "12".parse::<AccountId>().unwrap_err();
        assert_eq!(error.to_string(), "\"12\" is not an AWS account id (twelve digits)");
    }

    #[test]
    fn a_bad_value_cannot_come_in_through_json() {
        assert!(serde_json::from_str::<AccountId>("\"12\"").is_err());
        assert_eq!(
            serde_json::to_string(&"061836611202".parse::<AccountId>().unwrap()).unwrap(),
            "\"061836611202\""
        );
    }
}
