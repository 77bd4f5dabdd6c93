//! What the shell has seen and done since it took up a Rollback. It is lost in a crash; everything
//! in it is found again from the journal and from AWS.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use crate::model::time::later;
use crate::model::{Class, PermissionSetArn, Presence, RequestId};

/// Something that was seen. Events stay until the status that took them in is persisted.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// AWS accepted the request of an item.
    Accepted {
        /// The item.
        item: usize,
        /// AWS's id of it.
        request_id: RequestId,
        /// When the answer came.
        at: Timestamp,
    },
    /// A synchronous call did all there was to do.
    Completed {
        /// The item.
        item: usize,
        /// When the answer came.
        at: Timestamp,
    },
    /// A permission set was created with all its content.
    Created {
        /// The item.
        item: usize,
        /// The permission set that it was to create.
        replaces: PermissionSetArn,
        /// The one that is there now.
        arn: PermissionSetArn,
        /// When its content was complete.
        at: Timestamp,
    },
    /// AWS refused the request of an item, so nothing is at work for it.
    Refused {
        /// The item.
        item: usize,
        /// What to do about it.
        class: Class,
        /// What AWS said.
        message: String,
        /// When the answer came.
        at: Timestamp,
    },
    /// No answer came: the request may be at work or not.
    NoAnswer {
        /// The item.
        item: usize,
        /// What happened in place of an answer.
        message: String,
        /// When it was given up.
        at: Timestamp,
    },
    /// A request is not in progress any more.
    Ended {
        /// The item.
        item: usize,
        /// Its request.
        request_id: RequestId,
        /// When that was seen.
        at: Timestamp,
    },
    /// An intent of which nobody knew whether it was sent has been looked for.
    Resolved {
        /// The item.
        item: usize,
        /// What was found.
        found: Found,
        /// When the search was over.
        at: Timestamp,
    },
}

impl Event {
    /// The item that the event is about.
    #[must_use]
    pub const fn item(&self) -> usize {
        match self {
            Self::Accepted { item, .. }
            | Self::Completed { item, .. }
            | Self::Created { item, .. }
            | Self::Refused { item, .. }
            | Self::NoAnswer { item, .. }
            | Self::Ended { item, .. }
            | Self::Resolved { item, .. } => *item,
        }
    }
}

/// What AWS says about a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Still at work.
    InProgress,
    /// Done.
    Succeeded,
    /// Failed.
    Failed {
        /// AWS's reason.
        reason: String,
        /// What to do about it.
        class: Class,
    },
    /// AWS does not know it any more.
    Forgotten,
}

/// What was found about an intent in doubt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// Its request is at work.
    AtWork(RequestId),
    /// Its request has ended.
    Ended(RequestId),
    /// No request was found and the key is at its goal.
    AtGoal,
    /// No request was found and the key is as it was before: it was never sent.
    NeverSent,
}

/// A fresh read of one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyRead {
    /// When the read began: what it shows is not older than AWS's lists lag.
    pub begun: Timestamp,
    /// What it showed.
    pub presence: Presence,
}

/// What is remembered of one item.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ItemMemory {
    /// The newest read of its key.
    pub read: Option<KeyRead>,
    /// The attempt that was sent from here, if one was.
    pub sent: Option<i32>,
    /// A slot was granted and not used yet.
    pub granted: bool,
    /// Another request changed the key in the minute before this one.
    pub contested: bool,
    /// Whether it was sent is not known: it was found as an intent, or no answer came.
    pub in_doubt: bool,
    /// Nothing is sent before this time.
    pub not_before: Option<Timestamp>,
    /// What AWS last said about a request of it.
    pub answer: Option<(RequestId, Answer)>,
    /// When AWS is asked about it again.
    pub ask_after: Option<Timestamp>,
    /// When it was taken up from another process, whose clock may differ from this one's.
    pub taken_up: Option<Timestamp>,
}

impl ItemMemory {
    /// Whether this attempt of the item was sent from here.
    #[must_use]
    pub fn was_sent(&self, attempt: i32) -> bool {
        self.sent.is_some_and(|sent| sent >= attempt)
    }

    /// The earliest beginning of a read that shows what a request did which ended at this time.
    #[must_use]
    pub fn due(&self, ended_at: Timestamp, settle: SignedDuration) -> Timestamp {
        later(self.taken_up.map_or(ended_at, |taken_up| taken_up.max(ended_at)), settle)
    }

    /// What AWS last said about this request.
    #[must_use]
    pub fn answer_for(&self, request_id: Option<&RequestId>) -> Option<&Answer> {
        self.answer
            .as_ref()
            .filter(|(answered, _)| Some(answered) == request_id)
            .map(|(_, answer)| answer)
    }
}

/// Reads that are on their way, so that they are not asked for twice.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct UnderWay {
    /// Items whose keys are being read.
    pub reading: BTreeSet<usize>,
    /// Items that AWS is being asked about.
    pub describing: BTreeSet<usize>,
    /// Items in doubt that are being looked for.
    pub resolving: BTreeSet<usize>,
}

/// What the shell has seen and done since it took up a Rollback.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Observations {
    events: Vec<Event>,
    memory: BTreeMap<usize, ItemMemory>,
    /// What is on its way.
    pub under_way: UnderWay,
}

impl Observations {
    /// Adds an event.
    pub fn push(&mut self, event: Event) {
        self.events.push(event);
    }

    /// The events that no persisted status has taken in.
    #[must_use]
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// Forgets the first `count` events: a persisted status has taken them in.
    pub fn acknowledge(&mut self, count: usize) {
        self.events.drain(..count.min(self.events.len()));
    }

    /// Whether an event about an item waits to be taken in.
    #[must_use]
    pub fn has_event(&self, item: usize) -> bool {
        self.events.iter().any(|event| event.item() == item)
    }

    /// What is remembered of an item.
    #[must_use]
    pub fn item(&self, item: usize) -> ItemMemory {
        self.memory.get(&item).cloned().unwrap_or_default()
    }

    /// Items with a slot that was not used yet.
    pub fn granted(&self) -> impl Iterator<Item = usize> + '_ {
        self.memory.iter().filter(|(_, memory)| memory.granted).map(|(item, _)| *item)
    }

    /// The newest read of an item's key.
    #[must_use]
    pub fn read(&self, item: usize) -> Option<KeyRead> {
        self.memory.get(&item).and_then(|memory| memory.read)
    }

    /// What is remembered of an item, to change it.
    pub fn item_mut(&mut self, item: usize) -> &mut ItemMemory {
        self.memory.entry(item).or_default()
    }

    /// Takes in a read; an older one than what is known is left out.
    pub fn saw(&mut self, item: usize, read: KeyRead) {
        let memory = self.item_mut(item);
        if memory.read.is_none_or(|known| known.begun <= read.begun) {
            memory.read = Some(read);
        }
    }
}
