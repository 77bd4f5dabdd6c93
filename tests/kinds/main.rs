//! The four kinds on a real API server: what it takes, what it refuses and in which words.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(clippy::needless_pass_by_value, reason = "`json!` at the place of use reads better")]

#[path = "../support/mod.rs"]
mod support;

mod access;
mod instance;
mod record;
mod rollback;
mod view;

use serde_json::{Value, json};
use support::{ControlPlane, Finished};

const INSTANCE: &str = "arn:aws:sso:::instance/ssoins-grrwdwht9b3hswl7";
const SET: &str = "arn:aws:sso:::permissionSet/ssoins-grrwdwht9b3hswl7/ps-64rrohtnuu77rp8j";
const PRINCIPAL: &str = "0f791059-3b41-4313-86da-59fa2cf217a7";
const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const TIME: &str = "2026-11-23T20:50:39.440975Z";

fn object(kind: &str, name: &str, spec: Value) -> Value {
    json!({
        "apiVersion": "identitycenter.dev/v1alpha1",
        "kind": kind,
        "metadata": {"name": name},
        "spec": spec,
    })
}

/// The same with other members: `null` removes one. Nested objects are merged.
fn with(base: &Value, changes: Value) -> Value {
    let mut merged = base.clone();
    merge(&mut merged, changes);
    merged
}

fn merge(base: &mut Value, changes: Value) {
    match (base, changes) {
        (Value::Object(base), Value::Object(changes)) => {
            for (name, value) in changes {
                if value.is_null() {
                    base.remove(&name);
                } else {
                    merge(base.entry(name).or_insert(Value::Null), value);
                }
            }
        }
        (base, changes) => *base = changes,
    }
}

/// A namespace of the shared control plane, for one test.
struct Place {
    control_plane: &'static ControlPlane,
    namespace: String,
}

impl Place {
    fn new() -> Self {
        let control_plane = ControlPlane::shared();
        Self { control_plane, namespace: control_plane.namespace() }
    }

    fn kubectl(&self, arguments: &[&str], input: &str) -> Finished {
        let arguments = [&["--namespace", &self.namespace], arguments].concat();
        self.control_plane.kubectl_as(self.control_plane.kubeconfig(), &arguments, input)
    }

    /// Asks whether this could be created, and creates nothing.
    fn try_create(&self, object: &Value) -> Finished {
        self.kubectl(&["create", "--dry-run=server", "-o", "json", "-f", "-"], &object.to_string())
    }

    #[track_caller]
    fn create(&self, object: &Value) -> Value {
        let created = self.kubectl(&["create", "-o", "json", "-f", "-"], &object.to_string());
        serde_json::from_str(&created.succeeded().stdout).unwrap()
    }

    /// Asks whether an existing object could become this one, and changes nothing.
    fn try_replace(&self, object: &Value) -> Finished {
        self.kubectl(&["replace", "--dry-run=server", "-f", "-"], &object.to_string())
    }
}
