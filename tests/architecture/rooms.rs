//! Which room of `src/` may use what: the table of `docs/architecture.md` as data.

/// One folder of `src/`.
pub struct Room {
    pub name: &'static str,
    /// Other rooms that it may use.
    pub rooms: &'static [&'static str],
    /// Crates that it may use, beside the standard library.
    pub crates: Crates,
    /// Paths that it may not use although room or crate is allowed.
    pub never: &'static [&'static [&'static str]],
    /// Why, for the message of a failure.
    pub why: &'static str,
}

pub enum Crates {
    Any,
    Only(&'static [&'static str]),
    AllBut(&'static [&'static str]),
}

impl Crates {
    pub fn allow(&self, name: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Only(allowed) => allowed.contains(&name),
            // A trailing `*` stands for a family, such as the crates of one SDK.
            Self::AllBut(forbidden) => !forbidden.iter().any(|f| match f.strip_suffix('*') {
                Some(prefix) => name.starts_with(prefix),
                None => *f == name,
            }),
        }
    }
}

/// What a pure room may not do with the standard library.
const EFFECTS: &[&str] = &[
    "std::env",
    "std::fs",
    "std::io",
    "std::net",
    "std::os",
    "std::process",
    "std::thread",
    "std::time::Instant",
    "std::time::SystemTime",
    "jiff::Timestamp::now",
    "jiff::Zoned::now",
];
const CLOCKS: &[&str] =
    &["std::time::Instant", "std::time::SystemTime", "jiff::Timestamp::now", "jiff::Zoned::now"];
/// kube's types are words; its clients are effects.
const KUBE_CLIENTS: &[&str] = &[
    "kube::Api",
    "kube::Client",
    "kube::Config",
    "kube::api::Api",
    "kube::client",
    "kube::config",
    "kube::discovery",
    "kube::runtime",
];

/// Every room, each above what it stands on.
pub const ROOMS: &[Room] = &[
    Room {
        name: "model",
        rooms: &[],
        crates: Crates::Only(&["jiff", "schemars", "serde", "thiserror"]),
        never: &[EFFECTS],
        why: "the words that everything shares depend on nothing and do nothing",
    },
    Room {
        name: "api",
        rooms: &["model"],
        crates: Crates::Only(&[
            "jiff",
            "k8s_openapi",
            "kube",
            "schemars",
            "serde",
            "serde_json",
            "sha2",
            "thiserror",
        ]),
        never: &[EFFECTS, KUBE_CLIENTS],
        why: "the kinds are shapes: whoever reads them needs neither a client nor a clock",
    },
    Room {
        name: "record",
        rooms: &["api", "model"],
        crates: Crates::Only(&[
            "flate2",
            "jiff",
            "k8s_openapi",
            "kube",
            "serde",
            "serde_json",
            "sha2",
            "thiserror",
        ]),
        never: &[CLOCKS, KUBE_CLIENTS, &["std::net", "std::process", "std::thread"]],
        why: "operations are read from files, and the same file gives the same records at any time",
    },
    Room {
        name: "plan",
        rooms: &["api", "model"],
        crates: Crates::Only(&[
            "jiff",
            "k8s_openapi",
            "kube",
            "serde",
            "serde_json",
            "sha2",
            "thiserror",
        ]),
        never: &[EFFECTS, KUBE_CLIENTS],
        why: "a plan follows from records and live state alone, so that it can be computed again and compared",
    },
    Room {
        name: "engine",
        rooms: &["api", "model", "plan"],
        crates: Crates::Only(&["jiff", "k8s_openapi", "kube", "serde", "serde_json", "thiserror"]),
        never: &[EFFECTS, KUBE_CLIENTS],
        why: "decisions are a pure function of a snapshot and a time, so that every crash point can be tested",
    },
    Room {
        name: "quota",
        rooms: &["model"],
        crates: Crates::Only(&["jiff", "serde", "thiserror"]),
        never: &[EFFECTS],
        why: "the limiter is judged over millions of steps of a pretended clock",
    },
    Room {
        name: "runtime",
        rooms: &[],
        crates: Crates::AllBut(&["aws_*", "k8s_openapi", "kube"]),
        never: &[],
        why: "what any program needs knows nothing of this one's subject",
    },
    Room {
        name: "aws",
        rooms: &["model", "quota", "runtime"],
        crates: Crates::AllBut(&["clap", "k8s_openapi", "kube", "rand"]),
        never: &[],
        why: "AWS is reached through one door that knows neither Kubernetes nor why it is asked",
    },
    Room {
        name: "cluster",
        rooms: &["api", "model", "runtime"],
        crates: Crates::AllBut(&["aws_*", "clap", "rand"]),
        never: &[],
        why: "Kubernetes is reached through one door that knows neither AWS nor what is decided",
    },
    Room {
        name: "controller",
        rooms: &["api", "aws", "cluster", "engine", "model", "plan", "quota", "record", "runtime"],
        crates: Crates::AllBut(&["anstream", "indicatif", "inquire", "owo_colors"]),
        never: &[],
        why: "the shell wires the rooms together, and knows neither the plugin nor the simulator",
    },
    Room {
        name: "sim",
        rooms: &["model"],
        crates: Crates::AllBut(&["aws_*", "k8s_openapi", "kube", "prometheus"]),
        never: &[],
        why: "the simulator judges the limiter and the engine, so it must not share a line with them",
    },
    Room {
        name: "cli",
        rooms: &["api", "model", "plan", "record", "runtime"],
        crates: Crates::AllBut(&["aws_*", "axum", "prometheus"]),
        never: &[],
        why: "the plugin talks to Kubernetes alone: a person who approves needs no AWS credentials",
    },
    Room {
        name: "bench",
        rooms: &[
            "api",
            "aws",
            "cli",
            "cluster",
            "controller",
            "engine",
            "model",
            "plan",
            "quota",
            "record",
            "runtime",
            "sim",
        ],
        crates: Crates::Any,
        never: &[],
        why: "measures everything that is public",
    },
    Room {
        name: "bin",
        rooms: &["api", "aws", "bench", "cli", "controller", "runtime", "sim"],
        crates: Crates::Any,
        never: &[],
        why: "programs only hand over to a room",
    },
];
