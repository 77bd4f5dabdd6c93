//! Instances that the installation declares, as files of a mounted volume: applied to the
//! cluster, never deleted.
//!
//! The chart cannot hold them as objects: their kind is installed by the same release, and a hook
//! would delete and create them at each upgrade. Whoever took over a field of one since keeps it:
//! that is a conflict, which is told and not forced.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use kube::core::{ObjectMeta, PartialObjectMetaExt as _};
use serde_json::Value;

use super::context::Context;
use crate::api::{IdentityCenterInstance, Reason};
use crate::cluster::instances;
use crate::runtime::declarations;

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(10);
/// How long what was applied is believed to be as it was.
const BELIEVED: SignedDuration = SignedDuration::from_mins(5);
/// How long to wait before something that was refused is tried again.
const AGAIN: SignedDuration = SignedDuration::from_secs(30);

/// What came of a file.
#[derive(Debug)]
struct Applied {
    text: String,
    at: Timestamp,
    refused: Option<String>,
}

impl Applied {
    fn is_due(&self, text: &str, now: Timestamp) -> bool {
        let rests = if self.refused.is_some() { AGAIN } else { BELIEVED };
        self.text != text || now.duration_since(self.at) >= rests
    }
}

/// Keeps what the directory declares applied until the context stops.
pub async fn keep_applied(context: Arc<Context>, directory: PathBuf) {
    let mut seen: BTreeMap<String, Applied> = BTreeMap::new();
    let mut unreadable = None;
    loop {
        let from = directory.clone();
        match tokio::task::spawn_blocking(move || declarations::read(&from)).await {
            Ok(Ok(files)) => {
                unreadable = None;
                seen.retain(|name, _| files.contains_key(name));
                for (name, text) in files {
                    look_at(&context, &mut seen, name, text).await;
                }
            }
            Ok(Err(error)) => tell_once(&mut unreadable, &directory.display(), &error),
            Err(error) => tell_once(&mut unreadable, &directory.display(), &error),
        }
        let refused = seen.values().filter(|file| file.refused.is_some()).count();
        context.metrics.set_declared_instances(seen.len() - refused, refused);
        tokio::select! {
            biased;
            () = context.stop.cancelled() => return,
            () = context.clock.sleep(LOOK) => {}
        }
    }
}

fn tell_once(
    told: &mut Option<String>,
    directory: &dyn std::fmt::Display,
    error: &dyn std::error::Error,
) {
    let text = error.to_string();
    if told.as_ref() != Some(&text) {
        tracing::error!(%directory, %error, "the declared instances cannot be read; see that the directory is mounted");
    }
    *told = Some(text);
}

async fn look_at(
    context: &Context,
    seen: &mut BTreeMap<String, Applied>,
    name: String,
    text: String,
) {
    let now = context.clock.now();
    let known = seen.get(&name);
    if known.is_some_and(|known| !known.is_due(&text, now)) {
        return;
    }
    let before = known.and_then(|known| known.refused.clone());
    let is_the_same = known.is_some_and(|known| known.text == text);
    let refused = apply(context, &name, &text).await.err();
    match &refused {
        Some(why) if before.as_ref() != Some(why) => {
            tracing::error!(instance = name, %why, "a declared instance is not applied");
            // It may not exist.
            let subject = ObjectMeta { name: Some(name.clone()), ..ObjectMeta::default() }
                .into_response_partial::<IdentityCenterInstance>();
            context.events.warning(&subject, Reason::DeclarationRefused, why);
        }
        None if !is_the_same || before.is_some() => {
            tracing::info!(instance = name, "a declared instance is applied");
        }
        _ => {}
    }
    seen.insert(name, Applied { text, at: now, refused });
}

async fn apply(context: &Context, name: &str, text: &str) -> Result<(), String> {
    let spec: Value = serde_saphyr::from_str(text)
        .map_err(|error| format!("the declaration of {name} is not YAML: {error}"))?;
    instances::apply(&context.client, name, &spec).await.map_err(|error| explain(name, error))
}

fn explain(name: &str, error: kube::Error) -> String {
    match error {
        kube::Error::Api(answer) if answer.is_conflict() => format!(
            "somebody else set fields of IdentityCenterInstance {name} otherwise than it is declared; take them out of one of both: {}",
            answer.message
        ),
        kube::Error::Api(answer) if answer.is_forbidden() => format!(
            "the operator may not apply IdentityCenterInstance {name}; give its role the verbs create and patch on it: {}",
            answer.message
        ),
        kube::Error::Api(answer) => format!(
            "the API server refuses IdentityCenterInstance {name}; correct its declaration: {}",
            answer.message
        ),
        error => format!("IdentityCenterInstance {name} is applied later: {error}"),
    }
}
