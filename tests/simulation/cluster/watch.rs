//! Watches: events from a version on, until the time is up or something goes wrong.

use std::time::Duration;

use futures::{StreamExt as _, stream};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::{Bytes, Frame};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};
use tokio::sync::watch as channel;
use tower::BoxError;

use super::refusal::Refusal;
use super::request::ApiRequest;
use super::store::Change;
use super::{Cluster, lock};

/// Bookmarks come this often, and this long before the end.
const BOOKMARK: Duration = Duration::from_mins(1);
const LAST_BOOKMARK: SignedDuration = SignedDuration::from_secs(2);

struct Watch {
    cluster: Cluster,
    client: usize,
    faults: bool,
    request: ApiRequest,
    /// All up to this revision was told.
    told: u64,
    until: Timestamp,
    /// When the next bookmark is due.
    bookmark: Timestamp,
    revision: channel::Receiver<u64>,
    over: bool,
}

pub fn body(
    cluster: Cluster,
    client: usize,
    faults: bool,
    request: ApiRequest,
) -> UnsyncBoxBody<Bytes, BoxError> {
    let now = cluster.shared.clock.now();
    let seconds = request.get("timeoutSeconds").and_then(|it| it.parse().ok()).unwrap_or(1800);
    let told = match request.get("resourceVersion").and_then(|it| it.parse().ok()) {
        Some(revision) if revision > 0 => revision,
        _ => cluster.look(super::Store::revision),
    };
    let revision = cluster.follow();
    let until = now.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX);
    let watch = Watch {
        told,
        until,
        bookmark: next_bookmark(now, until),
        revision,
        over: false,
        cluster,
        client,
        faults,
        request,
    };
    let frames = stream::unfold(watch, |mut watch| async move {
        let events = watch.next().await?;
        Some((events, watch))
    })
    .map(|events| {
        let mut lines = String::new();
        for event in events {
            lines.push_str(&event.to_string());
            lines.push('\n');
        }
        Ok(Frame::data(Bytes::from(lines)))
    });
    StreamBody::new(frames).boxed_unsync()
}

/// A last one comes shortly before the end, so that the next watch begins at the present.
fn next_bookmark(now: Timestamp, until: Timestamp) -> Timestamp {
    let regular = now.checked_add(BOOKMARK).unwrap_or(Timestamp::MAX);
    match until.checked_sub(LAST_BOOKMARK) {
        Ok(last) if now < last => regular.min(last),
        _ => regular,
    }
}

impl Watch {
    /// The next batch; none when the stream ends.
    async fn next(&mut self) -> Option<Vec<Value>> {
        if self.over {
            return None;
        }
        let compacted = self.cluster.look(super::Store::compacted);
        if self.told < compacted || self.chance(|faults| faults.expired) {
            self.over = true;
            let refusal = Refusal::expired(self.told, compacted);
            return Some(vec![json!({"type": "ERROR", "object": refusal.body})]);
        }
        loop {
            let clock = self.cluster.shared.clock;
            let now = clock.now();
            if now >= self.until || self.is_out(now) {
                return None;
            }
            self.revision.borrow_and_update();
            if self.has_news() {
                if self.chance(|faults| faults.watch_cut) {
                    return None;
                }
                self.lag().await;
                let events = self.events();
                if !events.is_empty() {
                    return Some(events);
                }
                continue;
            }
            if now >= self.bookmark {
                self.bookmark = next_bookmark(now, self.until);
                if self.request.get("allowWatchBookmarks") == Some("true") {
                    return Some(vec![self.bookmark()]);
                }
            }
            let left = self.until.min(self.bookmark).duration_since(now).unsigned_abs();
            let _ = clock.timeout(left, self.revision.changed()).await;
        }
    }

    /// Says that all up to here was told.
    fn bookmark(&self) -> Value {
        let (version, name) = self.request.shown_kind();
        let metadata = json!({"resourceVersion": self.told.to_string()});
        let object = json!({"apiVersion": version, "kind": name, "metadata": metadata});
        json!({"type": "BOOKMARK", "object": object})
    }

    fn concerns(&self, change: &Change) -> bool {
        change.kind == self.request.kind
            && (self.request.namespace.is_empty() || change.key.0 == self.request.namespace)
    }

    fn has_news(&mut self) -> bool {
        let (news, revision) = self.cluster.look(|store| {
            let news = store.changes_after(self.told).iter().any(|change| self.concerns(change));
            (news, store.revision())
        });
        if !news {
            self.told = revision;
        }
        news
    }

    fn events(&mut self) -> Vec<Value> {
        let coalesced = self.chance(|faults| faults.coalesced);
        let (events, revision) = self.cluster.look(|store| {
            let changes: Vec<&Change> = store
                .changes_after(self.told)
                .iter()
                .filter(|change| self.concerns(change))
                .collect();
            let last = |change: &Change| {
                changes
                    .iter()
                    .rev()
                    .find(|other| other.key == change.key)
                    .map(|other| other.revision)
                    == Some(change.revision)
            };
            let events: Vec<Value> = changes
                .iter()
                .filter(|change| !coalesced || last(change))
                .filter_map(|change| self.event(change))
                .collect();
            (events, store.revision())
        });
        self.told = revision;
        events
    }

    fn event(&self, change: &Change) -> Option<Value> {
        let was = change.before.as_ref().filter(|object| self.request.selects(object));
        let is = change.after.as_ref().filter(|object| self.request.selects(object));
        let (kind, object) = match (was, is) {
            (None, Some(object)) => ("ADDED", self.request.show(object)),
            (Some(_), Some(object)) => ("MODIFIED", self.request.show(object)),
            (Some(object), None) => {
                let mut object = self.request.show(object);
                object["metadata"]["resourceVersion"] = json!(change.revision.to_string());
                ("DELETED", object)
            }
            (None, None) => return None,
        };
        let mut event = Map::new();
        event.insert("type".to_owned(), Value::from(kind));
        event.insert("object".to_owned(), object);
        Some(Value::Object(event))
    }

    async fn lag(&self) {
        if self.chance(|faults| faults.watch_lag) {
            let most = lock(&self.cluster.shared.faults).lag;
            let share = self.cluster.random().f64();
            self.cluster.shared.clock.sleep(most.mul_f64(share)).await;
        }
    }

    fn is_out(&self, now: Timestamp) -> bool {
        self.faults && lock(&self.cluster.shared.faults).is_out(self.client, now)
    }

    fn chance(&self, of: impl Fn(&super::ApiFaults) -> f64) -> bool {
        let faults = lock(&self.cluster.shared.faults);
        self.faults
            && self.cluster.shared.clock.now() < faults.until
            && self.cluster.random().f64() < of(&faults)
    }
}
