//! How this Identity Center behaves where AWS varies or is silent. Every field has a default.

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::time::Span;

/// All that can be set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Settings {
    /// How long things take.
    pub latency: Latencies,
    /// Lists show a change at most this long after it happened, each key after a time of its own.
    pub lag: Span,
    /// Lists of requests show a new one only so long after it was accepted.
    pub request_lag: Span,
    /// How long the status of an ended request can be read. AWS does not document it.
    pub status_retention: Span,
    /// The quotas.
    pub limits: Limits,
    /// What pages look like.
    pub paging: Paging,
    /// What becomes of the deletion of an assignment whose user or group is gone.
    pub delete_for_missing_principal: MissingPrincipal,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            latency: Latencies::default(),
            lag: Span::default(),
            request_lag: Span::default(),
            status_retention: Span::seconds(24 * 3600),
            limits: Limits::default(),
            paging: Paging::default(),
            delete_for_missing_principal: MissingPrincipal::Succeed,
        }
    }
}

/// From an accepted request to its end, by kind of request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Latencies {
    /// `CreateAccountAssignment`.
    pub create: Latency,
    /// `DeleteAccountAssignment`.
    pub delete: Latency,
    /// `ProvisionPermissionSet`, for each account.
    pub provision: Latency,
    /// From the end of the last assignment of a set in an account to the end of its role there.
    pub deprovision: Latency,
    /// From a change to the moment when `CloudTrail`'s `LookupEvents` shows it.
    pub trail: Latency,
    /// Every reply is held back for so long.
    pub call: Latency,
}

impl Default for Latencies {
    fn default() -> Self {
        Self {
            create: Latency::Fixed(Span::seconds(2)),
            delete: Latency::Fixed(Span::seconds(2)),
            provision: Latency::Fixed(Span::seconds(2)),
            deprovision: Latency::Fixed(Span::default()),
            trail: Latency::Fixed(Span::seconds(300)),
            call: Latency::Fixed(Span::default()),
        }
    }
}

/// A length of time, or a distribution of such.
#[derive(Debug, Clone, PartialEq)]
pub enum Latency {
    /// Always the same: `2s`.
    Fixed(Span),
    /// `{uniform: {min: 1s, max: 3s}}`.
    Uniform {
        /// The shortest.
        min: Span,
        /// The longest.
        max: Span,
    },
    /// `{lognormal: {median: 2s, sigma: 0.6, max: 60s}}`: most are short, a few are long.
    Lognormal {
        /// Half are shorter.
        median: Span,
        /// The spread: the standard deviation of the logarithm.
        sigma: f64,
        /// None is longer.
        max: Span,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
enum Distribution {
    Fixed(Span),
    Uniform { min: Span, max: Span },
    Lognormal { median: Span, sigma: f64, max: Span },
}

impl Serialize for Latency {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match *self {
            Self::Fixed(span) => span.serialize(serializer),
            Self::Uniform { min, max } => Distribution::Uniform { min, max }.serialize(serializer),
            Self::Lognormal { median, sigma, max } => {
                Distribution::Lognormal { median, sigma, max }.serialize(serializer)
            }
        }
    }
}

impl<'de> Deserialize<'de> for Latency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Latency;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a length such as 2s, or {uniform: {min, max}}, or {lognormal: {median, sigma, max}}")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Latency, E> {
                Span::deserialize(serde::de::value::StrDeserializer::new(text)).map(Latency::Fixed)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Latency, A::Error> {
                Ok(match Distribution::deserialize(MapAccessDeserializer::new(map))? {
                    Distribution::Fixed(span) => Latency::Fixed(span),
                    Distribution::Uniform { min, max } => Latency::Uniform { min, max },
                    Distribution::Lognormal { median, sigma, max } => {
                        Latency::Lognormal { median, sigma, max }
                    }
                })
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// The quotas of IAM Identity Center, of the service's page "Quotas" unless said otherwise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Limits {
    /// Requests in any one second, all callers of an instance together; Identity Store counts
    /// each operation of each store for itself. 0: no limit.
    pub requests_per_second: usize,
    /// Creates and deletes at work at once. AWS's page says 15 today and said 10 before.
    pub outstanding_requests: usize,
    /// Whether deletes have a pool of their own; AWS does not say.
    pub separate_pools: bool,
    /// `ProvisionPermissionSet` requests at work at once.
    pub provision_requests: usize,
    /// What one running request keeps busy.
    pub conflict_scope: ConflictScope,
    /// `LookupEvents` in any one second, for each account and region.
    pub lookups_per_second: usize,
    /// Permission sets of an instance.
    pub permission_sets: usize,
    /// Managed policies of both kinds in a permission set.
    pub managed_policies: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            requests_per_second: 20,
            outstanding_requests: 10,
            separate_pools: false,
            provision_requests: 3,
            conflict_scope: ConflictScope::Account,
            lookups_per_second: 2,
            permission_sets: 3500,
            managed_policies: 25,
        }
    }
}

/// What one running request keeps busy; the evidence fits the first two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ConflictScope {
    /// The account: one role is updated in it at a time.
    Account,
    /// The permission set in the account.
    PermissionSet,
    /// The assignment.
    Assignment,
}

/// What pages look like.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Paging {
    /// The probability that a page ends before it is full.
    pub short_pages: f64,
    /// The probability that a page holds no row but a token.
    pub empty_pages: f64,
    /// Rows of a page when the request does not say.
    pub default_size: usize,
}

impl Default for Paging {
    fn default() -> Self {
        Self { short_pages: 0.0, empty_pages: 0.0, default_size: 100 }
    }
}

/// Whether an assignment of a deleted user or group can be deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum MissingPrincipal {
    /// It is deleted like any other.
    Succeed,
    /// The request ends FAILED: the assignee was not found (seen in 2021).
    Fail,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(yaml: &str) -> Result<Settings, String> {
        serde_saphyr::from_str(yaml).map_err(|error| error.to_string())
    }

    #[test]
    fn each_latency_can_be_a_length_or_a_distribution() {
        let settings = read(
            "latency:\n  create: {lognormal: {median: 2s, sigma: 0.6, max: 1m}}\n  delete: 14s\n  provision: {uniform: {min: 1s, max: 2s}}\n",
        )
        .unwrap();
        assert_eq!(settings.latency.delete, Latency::Fixed(Span::seconds(14)));
        assert!(matches!(settings.latency.create, Latency::Lognormal { .. }));
        let text = serde_saphyr::to_string(&settings).unwrap();
        assert_eq!(read(&text).unwrap(), settings);
    }

    #[test]
    fn unknown_fields_are_refused_with_their_place() {
        let error = read("latency:\n  create: 1s\n  remove: 2s\n").unwrap_err();
        assert!(error.contains("remove") && error.contains('3'), "{error}");
        let error =
            read("latency: {create: {lognormal: {median: 2s, sigma: 1, max: 1m, mean: 3s}}}\n")
                .unwrap_err();
        assert!(error.contains("mean"), "{error}");
        assert!(read("limits: {conflictScope: planet}\n").is_err());
    }
}
