//! What the operators need when there is nothing to do.

use std::fs;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::release::{Release, name};

/// How long they are watched.
const WATCHED: Duration = Duration::from_secs(30);
const PROGRAM: &str = "/usr/local/bin/rollback-operator";
const REQUESTS: &str = "rollback_kubernetes_requests_total{";

/// What one operator has used since it started, and what it uses.
struct Used {
    /// Seconds of processor time.
    processor: f64,
    /// MiB in memory, the pages of its program included.
    memory: f64,
    /// MiB without those.
    own: f64,
    /// Requests to the API server.
    requests: f64,
}

impl Used {
    fn of(release: &Release, pod: &Value) -> Self {
        let process = process_of(pod);
        let read = |file: &str| fs::read_to_string(process.join(file)).unwrap();
        let (stat, status) = (read("stat"), read("status"));
        let fields: Vec<&str> = stat.rsplit_once(") ").unwrap().1.split(' ').collect();
        // utime and stime, fields 14 and 15 of proc(5), in hundredths on every architecture.
        let ticks = |field: usize| fields[field - 3].parse::<f64>().unwrap();
        let memory = |name: &str| {
            let found = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            found.trim().strip_suffix(" kB").unwrap().parse::<f64>().unwrap() / 1024.0
        };
        let metrics = release.read("pods", &name(pod), "/metrics");
        let requests = metrics.lines().filter(|line| line.starts_with(REQUESTS));
        Self {
            processor: (ticks(14) + ticks(15)) / 100.0,
            memory: memory("VmRSS:"),
            own: memory("RssAnon:"),
            requests: requests
                .map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap())
                .sum(),
        }
    }
}

/// Holds the bounds of an idle operator: 1 % of a core, 30 MiB, one request a second. The pages of a
/// program that was not optimised are many times those of one that was: they count only then.
pub fn is_quiet(release: &Release, optimised: bool) {
    let pods = release.ready_pods();
    let read = || pods.iter().map(|pod| Used::of(release, pod)).collect::<Vec<_>>();
    let (began, before) = (Instant::now(), read());
    thread::sleep(WATCHED);
    let (after, seconds) = (read(), began.elapsed().as_secs_f64());
    for ((pod, before), Used { processor, memory, own, requests }) in
        pods.iter().zip(before).zip(after)
    {
        let processor = 100.0 * (processor - before.processor) / seconds;
        let requests = (requests - before.requests) / seconds;
        println!(
            "  {}: {processor:.2} % of a core, {memory:.1} MiB of which its own {own:.1}, {requests:.2} requests a second",
            name(pod)
        );
        assert!(processor <= 1.0, "{processor} % of a core while idle");
        assert!(own <= 30.0, "{own} MiB of its own while idle");
        assert!(!optimised || memory <= 30.0, "{memory} MiB while idle");
        assert!(requests > 0.0 && requests <= 1.0, "{requests} requests a second while idle");
    }
}

/// The directory in /proc of the operator's process in a pod.
fn process_of(pod: &Value) -> PathBuf {
    let uid = pod["metadata"]["uid"].as_str().unwrap();
    let mut processes = fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path());
    let found = processes.find(|process| {
        let read = |file: &str| fs::read_to_string(process.join(file)).unwrap_or_default();
        read("cgroup").contains(uid) && read("cmdline").starts_with(PROGRAM)
    });
    found.expect("the operator's process in its control group")
}
