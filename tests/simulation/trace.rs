//! What left the operators of one run, in order: the account that a failing seed is read from.

use std::fmt::Write as _;
use std::sync::Mutex;

use jiff::Timestamp;
use rollback_operator::runtime::Transport;
use rollback_operator::runtime::effects::Effect;
use sha2::{Digest as _, Sha256};

/// The side of an effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    Before,
    After,
}

#[derive(Debug, Clone)]
struct Line {
    at: Timestamp,
    text: String,
}

#[derive(Default)]
pub struct Trace(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    effects: u64,
    /// Effects that are not about the lease, a watch or whether AWS answers for the instance, which
    /// time alone brings.
    busy: u64,
    began: Option<Timestamp>,
    count_only: bool,
    lines: Vec<Line>,
    kinds: Vec<EffectKind>,
}

/// What an effect is, as far as the harness tells them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EffectKind {
    Lease,
    Watch,
    Event,
    Instance,
    Kubernetes,
    AwsRead,
    AwsChange,
}

impl EffectKind {
    pub fn of(effect: &Effect) -> Self {
        let target = effect.target.as_str();
        match effect.transport {
            Transport::Aws
                if effect.verb.starts_with("Create") || effect.verb.starts_with("Delete") =>
            {
                Self::AwsChange
            }
            Transport::Aws => Self::AwsRead,
            Transport::Kubernetes if target.contains("/leases") => Self::Lease,
            Transport::Kubernetes if target.contains("/events") => Self::Event,
            Transport::Kubernetes if target.contains("/identitycenterinstances") => Self::Instance,
            // Lists and watches of a whole kind.
            Transport::Kubernetes if effect.verb == "GET" && target.matches('/').count() == 4 => {
                Self::Watch
            }
            Transport::Kubernetes => Self::Kubernetes,
        }
    }
}

impl Trace {
    /// An effect leaves an operator; gives its number in the run.
    pub fn leaves(&self, operator: usize, effect: &Effect, now: Timestamp) -> u64 {
        let kind = EffectKind::of(effect);
        let mut inner = self.0.lock().unwrap();
        inner.effects += 1;
        let number = inner.effects;
        let looks = effect.verb == "DescribeInstance";
        if !looks && !matches!(kind, EffectKind::Lease | EffectKind::Watch | EffectKind::Instance) {
            inner.busy += 1;
        }
        inner.kinds.push(kind);
        let text = format!("#{number} operator {operator}: {} {}", effect.verb, effect.target);
        inner.push(now, text);
        number
    }

    /// Keeps no account from now on: for runs of many thousand effects.
    pub fn count_only(&self) {
        self.0.lock().unwrap().count_only = true;
    }

    /// Something else that explains what follows.
    pub fn note(&self, now: Timestamp, text: impl Into<String>) {
        self.0.lock().unwrap().push(now, text.into());
    }

    pub fn busy(&self) -> u64 {
        self.0.lock().unwrap().busy
    }

    /// What each effect was, from number 1 on.
    pub fn kinds(&self) -> Vec<EffectKind> {
        self.0.lock().unwrap().kinds.clone()
    }

    /// The whole account; times are seconds since the start.
    pub fn text(&self) -> String {
        let inner = self.0.lock().unwrap();
        let mut text = String::new();
        for line in &inner.lines {
            let seconds =
                inner.began.map_or(0.0, |began| line.at.duration_since(began).as_secs_f64());
            let _ = writeln!(text, "{seconds:9.3} {}", line.text);
        }
        text
    }

    /// The same run gives the same hash.
    pub fn hash(&self) -> String {
        let digest = Sha256::digest(self.text().as_bytes());
        digest.iter().take(8).fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
    }
}

impl Inner {
    fn push(&mut self, at: Timestamp, text: String) {
        if self.count_only {
            return;
        }
        let began = *self.began.get_or_insert(at);
        if std::env::var_os("SIMULATION_LIVE").is_some() {
            eprintln!("{:9.3} {text}", at.duration_since(began).as_secs_f64());
        }
        self.lines.push(Line { at, text });
    }
}
