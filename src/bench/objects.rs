//! The objects of a measurement: created, approved, looked at.

use kube::api::{Patch, PatchParams, PostParams};
use kube::core::NamespaceResourceScope;
use kube::{Api, Resource};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::stage::Stage;
use super::{BenchError, world};
use crate::api::{OperationRecord, Rollback};

impl Stage {
    /// The objects of one kind in the namespace of the measurement.
    pub fn objects<K>(&self) -> Api<K>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
    {
        Api::namespaced(self.client.clone(), world::NAMESPACE)
    }

    /// The Rollbacks of the measurement.
    pub fn rollbacks(&self) -> Api<Rollback> {
        self.objects()
    }

    /// Creates an object.
    pub async fn create<K>(&self, object: Value) -> Result<K, BenchError>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
            + Clone
            + std::fmt::Debug
            + DeserializeOwned
            + Serialize,
    {
        let object: K =
            serde_json::from_value(object).map_err(|error| BenchError::World(error.to_string()))?;
        let created = self.objects::<K>().create(&PostParams::default(), &object).await;
        created.map_err(BenchError::kubernetes("create what is measured"))
    }

    /// Creates records, and a Rollback of all of them.
    pub async fn record_and_undo(
        &self,
        rollback: &str,
        records: Vec<(String, Value)>,
    ) -> Result<(), BenchError> {
        let mut names = Vec::new();
        for (name, record) in records {
            self.create::<OperationRecord>(record).await?;
            names.push(name);
        }
        self.create::<Rollback>(world::rollback(rollback, &names)).await.map(|_| ())
    }

    /// Approves a plan.
    pub async fn approve(&self, name: &str, digest: &str) -> Result<(), BenchError> {
        let approval = json!({"spec": {"approval": {"plan": digest}}});
        self.rollbacks()
            .patch(name, &PatchParams::default(), &Patch::Merge(approval))
            .await
            .map_err(BenchError::kubernetes("approve the plan"))?;
        Ok(())
    }
}
