//! The garbage collector.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::kinds::ALL;
use super::store::Store;

impl Store {
    /// Deletes what is owned by nobody that exists, and takes out owners that are gone from what
    /// another still owns.
    pub fn collect_garbage(&mut self, now: Timestamp) {
        let alive: Vec<Value> = ALL
            .into_iter()
            .flat_map(|kind| self.all(kind))
            .map(|(_, object)| object["metadata"]["uid"].clone())
            .collect();
        let mut orphans = Vec::new();
        let mut changed = Vec::new();
        for kind in ALL {
            for (key, object) in self.all(kind) {
                let Some(owners) = object["metadata"]["ownerReferences"].as_array() else {
                    continue;
                };
                let left: Vec<Value> =
                    owners.iter().filter(|owner| alive.contains(&owner["uid"])).cloned().collect();
                if left.is_empty() {
                    orphans.push((kind, key.clone()));
                } else if left.len() < owners.len() {
                    changed.push((kind, key.clone(), left));
                }
            }
        }
        for (kind, key) in orphans {
            let _ = self.delete(kind, &key, now);
        }
        for (kind, key, left) in changed {
            let Some(mut object) = self.get(kind, &key).cloned() else { continue };
            object["metadata"]["ownerReferences"] = json!(left);
            let _ = self.commit(kind, key, Some(object));
        }
    }
}
