//! Leader election by a Lease of `coordination.k8s.io/v1`, with the semantics of client-go's
//! `leaderelection` package.
//!
//! - Every write names the resource version that was read: whoever comes second gets a 409.
//! - Others are judged by when *this* process saw their lease change, never by the times in it:
//!   clocks of different machines are not compared.
//! - The holder stops by itself, before others may take over: leadership is lost when no renewal
//!   succeeded within the renew deadline, and the [`Permit`] ends on its own shortly after.
//! - Stricter than client-go: a lease that was deleted or emptied under the holder is lost, because
//!   somebody else may have led since.
//!
//! All of this runs on real time, whatever the scale of the operator's clock.

mod leadership;
mod record;
mod settings;

use std::time::Duration;

use k8s_openapi::api::coordination::v1::Lease;
use kube::api::PostParams;
use kube::{Api, Client};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

pub use self::leadership::{Ended, Leader, Leadership, Loss, Predecessor, Term};
use self::record::{Rival, holder, transitions};
pub use self::settings::{LeaseSettings, host_name, identity};
use super::classify::{is_already_exists, is_not_found};
use crate::runtime::permit::Grant;
use crate::runtime::{Clock, Metrics, Moment, Permit};

/// Takes part in the election.
#[derive(Debug)]
pub struct Elector {
    api: Api<Lease>,
    settings: LeaseSettings,
    clock: Clock,
    metrics: Metrics,
    grant: Grant,
    leadership: watch::Sender<Leadership>,
    /// The other holder, as last seen.
    rival: Option<Rival>,
    /// From whom the lease was being taken when a reply may have been lost.
    taken_from: Option<Predecessor>,
    /// The lease as it was last written by this process.
    held: Option<Lease>,
    tries: u32,
}

/// What one try to take the lease came to.
enum Try {
    Taken { renewed: Moment, term: Term },
    HeldBy(String),
}

/// What one try to renew the lease came to.
enum Renewal {
    Renewed(Moment),
    Gone(Loss),
}

impl Elector {
    /// Prepares the election; [`Elector::run`] takes part in it. Use a client with short time
    /// limits and without retries.
    #[must_use]
    pub fn new(client: Client, settings: LeaseSettings, metrics: Metrics) -> (Self, Leader) {
        let (grant, permit) = Permit::issue();
        let (sender, leadership) = watch::channel(Leadership::Standby { holder: None });
        let elector = Self {
            api: Api::namespaced(client, &settings.namespace),
            settings,
            clock: Clock::real(),
            metrics,
            grant,
            leadership: sender,
            rival: None,
            taken_from: None,
            held: None,
            tries: 0,
        };
        (elector, Leader { permit, leadership })
    }

    /// Takes part until leadership is lost or `stop` is cancelled. Cancel it only when nothing is
    /// in flight any more: the lease is given back then, and another one starts at once.
    pub async fn run(mut self, stop: CancellationToken) -> Ended {
        let ended = match self.acquire(&stop).await {
            Some(renewed) => self.keep(renewed, &stop).await,
            None => Ended::Stopped,
        };
        self.grant.revoke();
        self.metrics.set_leader(false);
        match &ended {
            Ended::Stopped => {
                if self.held.is_some() {
                    self.give_back().await;
                }
                self.leadership.send_replace(Leadership::Stopped);
            }
            Ended::Lost(loss) => {
                tracing::error!(why = %loss, "leadership lost");
                self.leadership.send_replace(Leadership::Lost(loss.clone()));
            }
        }
        ended
    }

    /// Tries until the lease is taken; `None` when stopped before.
    async fn acquire(&mut self, stop: &CancellationToken) -> Option<Moment> {
        while !stop.is_cancelled() {
            match self.try_to_take().await {
                Ok(Try::Taken { renewed, term }) => {
                    self.grant.extend(renewed, self.settings.permit_length());
                    self.metrics.set_leader(true);
                    let predecessor = term.predecessor.as_ref().map(|it| it.holder.as_str());
                    tracing::info!(identity = %self.settings.identity, predecessor, "leading");
                    self.leadership.send_replace(Leadership::Leading(term));
                    return Some(renewed);
                }
                Ok(Try::HeldBy(holder)) => self.stand_by(holder),
                Err(error) => tracing::warn!(%error, "the lease could not be taken or read"),
            }
            self.tries = self.tries.wrapping_add(1);
            let wait = self.settings.jittered_retry(self.tries);
            let _ = tokio::time::timeout(wait, stop.cancelled()).await;
        }
        None
    }

    fn stand_by(&self, holder: String) {
        self.leadership.send_if_modified(|now| {
            let same =
                matches!(now, Leadership::Standby { holder: Some(known) } if *known == holder);
            if !same {
                tracing::info!(%holder, "standing by");
                *now = Leadership::Standby { holder: Some(holder) };
            }
            !same
        });
    }

    async fn try_to_take(&mut self) -> Result<Try, LeaseError> {
        let Some(found) = self.read().await? else {
            self.rival = None;
            self.taken_from = None;
            let wanted = record::first(&self.settings, self.clock.now());
            let renewed = Moment::now();
            let written = self.limited(self.api.create(&PostParams::default(), &wanted)).await?;
            return Ok(self.taken(written, renewed));
        };
        self.metrics.set_lease_transitions(transitions(&found));
        match holder(&found) {
            None => {
                self.rival = None;
                self.taken_from = None;
            }
            // A reply was lost: identities are never used twice.
            Some(holder) if holder == self.settings.identity => {}
            Some(other) => {
                let other = other.to_owned();
                let rival = Rival::seen(self.rival.take(), &found, self.settings.duration);
                let ran_out = rival.has_run_out();
                self.taken_from = Some(rival.as_predecessor());
                self.rival = Some(rival);
                if !ran_out {
                    return Ok(Try::HeldBy(other));
                }
            }
        }
        let wanted = record::taken(found, &self.settings, self.clock.now());
        let renewed = Moment::now();
        let written = self.replace(&wanted).await?;
        Ok(self.taken(written, renewed))
    }

    fn taken(&mut self, written: Lease, renewed: Moment) -> Try {
        let transitions = transitions(&written);
        self.metrics.set_lease_transitions(transitions);
        self.held = Some(written);
        Try::Taken { renewed, term: Term { predecessor: self.taken_from.take(), transitions } }
    }

    /// Renews until that fails for too long or `stop` is cancelled.
    async fn keep(&mut self, mut renewed: Moment, stop: &CancellationToken) -> Ended {
        let deadline = self.settings.renew_deadline;
        loop {
            let wait = self.settings.retry_period.min(renewed.left_of(deadline));
            if tokio::time::timeout(wait, stop.cancelled()).await.is_ok() {
                return Ended::Stopped;
            }
            let left = renewed.left_of(deadline);
            match tokio::time::timeout(left, self.renew()).await {
                Ok(Ok(Renewal::Renewed(at))) => {
                    renewed = at;
                    self.grant.extend(renewed, self.settings.permit_length());
                }
                Ok(Ok(Renewal::Gone(loss))) => return Ended::Lost(loss),
                Ok(Err(error)) => tracing::warn!(%error, "the lease could not be renewed"),
                Err(_) => tracing::warn!("renewing the lease took too long"),
            }
            if renewed.left_of(deadline).is_zero() {
                return Ended::Lost(Loss::NotRenewed(deadline));
            }
        }
    }

    async fn renew(&mut self) -> Result<Renewal, LeaseError> {
        if let Some(held) = self.held.clone() {
            let wanted = record::renewed(held, self.clock.now());
            let renewed = Moment::now();
            match self.replace(&wanted).await {
                Ok(written) => {
                    self.held = Some(written);
                    return Ok(Renewal::Renewed(renewed));
                }
                // Somebody wrote meanwhile; perhaps this process, in a request whose reply was lost.
                Err(LeaseError::Api(kube::Error::Api(status))) if status.code == 409 => {}
                Err(LeaseError::Api(error)) if is_not_found(&error) => {
                    return Ok(Renewal::Gone(Loss::Removed));
                }
                Err(error) => return Err(error),
            }
        }
        let Some(found) = self.read().await? else { return Ok(Renewal::Gone(Loss::Removed)) };
        match holder(&found) {
            Some(holder) if holder == self.settings.identity => {
                let wanted = record::renewed(found, self.clock.now());
                let renewed = Moment::now();
                self.held = Some(self.replace(&wanted).await?);
                Ok(Renewal::Renewed(renewed))
            }
            Some(other) => Ok(Renewal::Gone(Loss::TakenBy(other.to_owned()))),
            None => Ok(Renewal::Gone(Loss::Removed)),
        }
    }

    /// Empties the lease, so that the next holder need not wait.
    async fn give_back(&mut self) {
        for _ in 0..2 {
            let Some(held) = self.held.take() else { return };
            let wanted = record::given_back(held, self.clock.now());
            match self.replace(&wanted).await {
                Ok(_) => {
                    tracing::info!("the lease was given back");
                    return;
                }
                Err(error) => tracing::warn!(%error, "the lease could not be given back"),
            }
            self.held = self
                .read()
                .await
                .ok()
                .flatten()
                .filter(|found| holder(found) == Some(self.settings.identity.as_str()));
        }
    }

    async fn read(&self) -> Result<Option<Lease>, LeaseError> {
        match self.limited(self.api.get(&self.settings.name)).await {
            Ok(lease) => Ok(Some(lease)),
            Err(LeaseError::Api(error)) if is_not_found(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn replace(&self, lease: &Lease) -> Result<Lease, LeaseError> {
        if lease.metadata.resource_version.is_none() {
            return Err(LeaseError::NoResourceVersion);
        }
        self.limited(self.api.replace(&self.settings.name, &PostParams::default(), lease)).await
    }

    async fn limited<T>(
        &self,
        request: impl Future<Output = kube::Result<T>>,
    ) -> Result<T, LeaseError> {
        match tokio::time::timeout(self.settings.request_timeout, request).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) if is_already_exists(&error) => Err(LeaseError::Raced),
            Ok(Err(error)) => Err(error.into()),
            Err(_) => Err(LeaseError::TimedOut(self.settings.request_timeout)),
        }
    }
}

/// Why one request about the lease came to nothing. It is tried again.
#[derive(Debug, thiserror::Error)]
enum LeaseError {
    #[error(transparent)]
    Api(#[from] kube::Error),
    #[error("the Kubernetes API did not answer within {0:?}")]
    TimedOut(Duration),
    #[error("another process created the lease at the same time")]
    Raced,
    #[error("the lease was read without a resource version, so it cannot be written safely")]
    NoResourceVersion,
}

#[cfg(test)]
mod tests;
