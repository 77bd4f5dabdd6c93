//! What is so, whatever lists show yet: for whoever judges from outside of the API.

use jiff::Timestamp;

use super::requests::{Kind, Subject};
use super::world::World;
use crate::model::{AssignmentKey, Key};

impl World {
    /// Whether an assignment or a permission set is there, in any instance.
    #[must_use]
    pub fn is_present(&self, key: &Key) -> bool {
        self.instances.values().any(|instance| match key {
            Key::Assignment(key) => instance.assignments.contains(key),
            Key::PermissionSet(set) => instance.sets.contains_key(set),
        })
    }

    /// Whether a request about an assignment is at work.
    #[must_use]
    pub fn is_at_work(&self, key: &AssignmentKey) -> bool {
        self.instances.values().any(|instance| {
            [Kind::Create, Kind::Delete].into_iter().any(|kind| {
                instance
                    .requests
                    .running(kind)
                    .any(|request| matches!(&request.subject, Subject::Assignment(at) if at == key))
            })
        })
    }

    /// When the last request about an assignment ended, of those that AWS still remembers.
    #[must_use]
    pub fn ended_at(&self, key: &AssignmentKey) -> Option<Timestamp> {
        let instances = self.instances.values();
        let requests = instances.flat_map(|instance| {
            [Kind::Create, Kind::Delete]
                .into_iter()
                .flat_map(|kind| instance.requests.of_kind(kind))
        });
        requests
            .filter(|request| matches!(&request.subject, Subject::Assignment(at) if at == key))
            .filter_map(|request| request.ended)
            .max()
    }

    /// Creates and deletes of assignments that are at work, in all instances.
    #[must_use]
    pub fn outstanding(&self) -> usize {
        self.instances
            .values()
            .map(|instance| {
                instance.requests.outstanding(Kind::Create)
                    + instance.requests.outstanding(Kind::Delete)
            })
            .sum()
    }
}
