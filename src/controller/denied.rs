//! Saying on a Rollback that the operator's role may not read what its plan needs.

use super::context::Context;
use super::error::Error;
use super::perform::trouble;
use super::rollback::write;
use super::run::Trouble;
use crate::api::rollback_status::RollbackStatus;
use crate::api::{Reason, Rollback};
use crate::engine::conditions;

/// Whether it is said already.
#[must_use]
pub fn is_said(status: &RollbackStatus) -> bool {
    status.conditions.iter().any(|condition| condition.reason == Reason::AccessDenied.as_str())
}

/// Says it, if that is what the error is: somebody has to help. What passes by itself is in the log
/// alone. Gives the error back.
pub async fn say(
    context: &Context,
    rollback: &Rollback,
    mut status: RollbackStatus,
    error: Error,
) -> Result<Error, Error> {
    if let Error::Aws(cause) = &error {
        let Trouble { reason, message } = trouble(cause);
        if reason == Reason::AccessDenied {
            conditions::summarize(&mut status, reason, &message, context.clock.now());
            write(context, rollback, &status).await?;
        }
    }
    Ok(error)
}
