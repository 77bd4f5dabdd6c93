//! The kinds that the API server in memory serves.

use std::sync::OnceLock;

use rollback_operator::api::crd;
use serde_json::{Map, Value};

/// A kind of object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    Instance,
    Record,
    Rollback,
    Plan,
    Lease,
    Event,
}

pub const ALL: [Kind; 6] =
    [Kind::Instance, Kind::Record, Kind::Rollback, Kind::Plan, Kind::Lease, Kind::Event];

impl Kind {
    pub fn named(group: &str, version: &str, plural: &str) -> Option<Self> {
        ALL.into_iter()
            .find(|kind| (kind.group(), kind.version(), kind.plural()) == (group, version, plural))
    }

    pub const fn group(self) -> &'static str {
        match self {
            Self::Lease => "coordination.k8s.io",
            Self::Event => "events.k8s.io",
            _ => "identitycenter.dev",
        }
    }

    pub const fn version(self) -> &'static str {
        match self {
            Self::Lease | Self::Event => "v1",
            _ => "v1alpha1",
        }
    }

    pub const fn plural(self) -> &'static str {
        match self {
            Self::Instance => "identitycenterinstances",
            Self::Record => "operationrecords",
            Self::Rollback => "rollbacks",
            Self::Plan => "rollbackplans",
            Self::Lease => "leases",
            Self::Event => "events",
        }
    }

    pub const fn name(self) -> &'static str {
        match self {
            Self::Instance => "IdentityCenterInstance",
            Self::Record => "OperationRecord",
            Self::Rollback => "Rollback",
            Self::Plan => "RollbackPlan",
            Self::Lease => "Lease",
            Self::Event => "Event",
        }
    }

    /// Whether status is written apart from the rest, and generations of the rest are counted.
    pub const fn has_status(self) -> bool {
        !matches!(self, Self::Lease | Self::Event)
    }

    pub fn api_version(self) -> String {
        format!("{}/{}", self.group(), self.version())
    }

    /// Fills in what the schema has a default for.
    pub fn default_fields(self, object: &mut Value) {
        static DEFAULTS: OnceLock<Value> = OnceLock::new();
        let defaults = DEFAULTS.get_or_init(|| {
            let given = std::env::var(DEFAULTS_VARIABLE).unwrap_or_else(|_| defaults());
            serde_json::from_str(&given).unwrap()
        });
        fill(&defaults[self.name()], object);
    }
}

/// The process that plays a run finds in this variable what `defaults` gives: to make it takes as
/// long as a quarter of a run.
pub const DEFAULTS_VARIABLE: &str = "SIMULATION_DEFAULTS";

/// The defaults of the schemas, by kind, as JSON.
pub fn defaults() -> String {
    let crds = crd::all().unwrap().into_iter();
    let defaults: Map<String, Value> = crds
        .map(|(_, crd)| {
            let kind = crd["spec"]["names"]["kind"].as_str().unwrap().to_owned();
            (kind, prune(&crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]))
        })
        .collect();
    Value::Object(defaults).to_string()
}

/// What of a schema has a default in it somewhere; null if nothing has.
fn prune(schema: &Value) -> Value {
    let mut pruned = Map::new();
    let mut keep = |name: &str, value: Value| {
        if !value.is_null() {
            pruned.insert(name.to_owned(), value);
        }
    };
    keep("default", schema["default"].clone());
    keep("items", prune_some(&schema["items"]));
    keep("additionalProperties", prune_some(&schema["additionalProperties"]));
    let properties: Map<String, Value> = schema["properties"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, property)| (name.clone(), prune(property)))
        .filter(|(_, property)| !property.is_null())
        .collect();
    keep("properties", if properties.is_empty() { Value::Null } else { properties.into() });
    if pruned.is_empty() { Value::Null } else { pruned.into() }
}

fn prune_some(schema: &Value) -> Value {
    if schema.is_object() { prune(schema) } else { Value::Null }
}

fn fill(schema: &Value, value: &mut Value) {
    if let (Some(properties), Value::Object(fields)) =
        (schema["properties"].as_object(), &mut *value)
    {
        for (name, property) in properties {
            if let Some(default) = property.get("default")
                && !fields.contains_key(name)
            {
                fields.insert(name.clone(), default.clone());
            }
            if let Some(field) = fields.get_mut(name) {
                fill(property, field);
            }
        }
    }
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| fill(&schema["items"], item)),
        Value::Object(fields) if schema["additionalProperties"].is_object() => {
            fields.values_mut().for_each(|field| fill(&schema["additionalProperties"], field));
        }
        _ => {}
    }
}

/// RFC 7386.
pub fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Some(fields) = target.as_object_mut() else { return };
    for (name, value) in patch {
        if value.is_null() {
            fields.remove(name);
        } else {
            merge(fields.entry(name.clone()).or_insert(Value::Null), value);
        }
    }
}

/// Server-side apply by a single manager with force: what it applied before and does not any more
/// goes, what it applies now stands. Lists are atomic.
pub fn apply(live: &mut Value, before: &Value, wanted: &Value) {
    if let (Some(live), Some(before)) = (live.as_object_mut(), before.as_object()) {
        for (name, old) in before {
            match wanted.get(name) {
                None => {
                    live.remove(name);
                }
                Some(new) if old.is_object() && new.is_object() => {
                    if let Some(field) = live.get_mut(name) {
                        apply(field, old, new);
                    }
                }
                Some(_) => {}
            }
        }
    }
    put(live, wanted);
}

fn put(live: &mut Value, wanted: &Value) {
    match wanted {
        Value::Object(wanted) if live.is_object() => {
            for (name, value) in wanted {
                if value.is_null() {
                    continue;
                }
                put(&mut live[name.as_str()], value);
            }
        }
        _ => live.clone_from(wanted),
    }
}
