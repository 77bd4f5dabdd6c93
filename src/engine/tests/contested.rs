//! A key that another request changed shortly before: a list that lags can agree by accident.

use jiff::{SignedDuration, Timestamp};

use super::spec;
use crate::api::rollback_status::{InFlight, Progress, RollbackStatus};
use crate::engine::observations::{Answer, KeyRead};
use crate::engine::{Observations, Situation, advance, fixtures};
use crate::model::time::later;
use crate::model::{ActionKind, Class, Presence, RequestId, Rule};

fn at(seconds: i64) -> Timestamp {
    later(Timestamp::UNIX_EPOCH, SignedDuration::from_secs(seconds))
}

fn request() -> RequestId {
    "00000000-0000-4000-8000-000000000001".parse().unwrap()
}

/// The journal of one removal that ended, after a read that shows it gone and this answer of AWS.
fn journal_after(answer: Option<Answer>, contested: bool) -> Vec<String> {
    let items = fixtures::deletes(1);
    let status = RollbackStatus {
        progress: Some(Progress { shards: vec!["s".to_owned()], ..Progress::default() }),
        in_flight: vec![InFlight {
            item: 0,
            action: ActionKind::DeleteAssignment,
            intent_at: at(0),
            attempt: 1,
            unsent: 0,
            first_at: at(0),
            request_id: Some(request()),
            requested_at: Some(at(0)),
            ended_at: Some(at(3)),
        }],
        ..RollbackStatus::default()
    };
    let mut observations = Observations::default();
    observations.saw(0, KeyRead { begun: at(6), presence: Presence::Absent });
    observations.item_mut(0).contested = contested;
    observations.item_mut(0).answer = answer.map(|answer| (request(), answer));
    let spec = spec();
    let situation =
        Situation { items: &items, spec: &spec, status: &status, deleting: false, slots: 1 };
    advance(at(7), &situation, &observations).unwrap().status.progress.unwrap().shards
}

#[test]
fn a_list_alone_shows_nothing_about_a_contested_key() {
    let failed = Answer::Failed { reason: "it broke".to_owned(), class: Class::Retry };
    assert_eq!(journal_after(None, false), ["v"]);
    assert_eq!(journal_after(None, true), ["s"]);
    assert_eq!(journal_after(Some(Answer::InProgress), true), ["s"]);
    assert_eq!(journal_after(Some(Answer::Succeeded), true), ["v"]);
    assert_eq!(journal_after(Some(failed), true), ["i"], "it is tried again");
}

#[test]
fn believing_it_all_the_same_is_noticed() {
    assert_eq!(Rule::ContestedIsAsked.broken(|| journal_after(None, true)), ["v"]);
}
