//! Every metric in the text that is served.

use super::*;

#[test]
fn every_function_shows_in_the_text() {
    let metrics = Metrics::new().unwrap();
    let second = Duration::from_secs(1);
    metrics.provide(|| Snapshot {
        phases: [("Executing", InPhase { count: 3, oldest: Duration::from_millis(1500) })].into(),
        stalled: Duration::from_millis(2500),
        instances_ready: 2,
        instances_not_ready: 1,
        governors: GovernorTotals {
            allowed_requests_per_second: 17.5,
            slots: 10,
            in_flight: 7,
            queued: 2,
        },
    });
    metrics.finished("Failed", Some(0.85));
    metrics.ledger_write(LedgerOutcome::NameTaken);
    metrics.set_lease_transitions(4);
    metrics.action_ended("DeleteAssignment", "verified");
    metrics.phase_ended("Executing", second);
    metrics.aws_request("CreateAccountAssignment", "ok", second, second * 2);
    metrics.throttled("rate");
    metrics.conflicted("DeletePermissionSet");
    metrics.provisioned("CreateAssignment", second);
    metrics.reconciled(second, Some("retry"));
    metrics.reconciled(second, None);
    metrics.status_write(StatusWrite::Conflict);
    metrics.event(EventPublication::Dropped);
    metrics.kubernetes_request("GET", "2xx", second);
    metrics.set_leader(true);
    metrics.set_leader_ready(true);
    metrics.set_declared_instances(2, 1);
    let text = metrics.encode().unwrap();
    for line in [
        r#"rollback_rollbacks{phase="Executing"} 3"#,
        r#"rollback_actions_total{kind="DeleteAssignment",outcome="verified"} 1"#,
        r#"rollback_phase_duration_seconds_count{phase="Executing"} 1"#,
        r#"rollback_aws_requests_total{operation="CreateAccountAssignment",outcome="ok"} 1"#,
        r#"rollback_aws_request_duration_seconds_count{operation="CreateAccountAssignment"} 1"#,
        r#"rollback_throttles_total{limit="rate"} 1"#,
        r#"rollback_conflicts_total{operation="DeletePermissionSet"} 1"#,
        r#"rollback_provisioning_duration_seconds_sum{kind="CreateAssignment"} 1"#,
        r#"rollback_phase_oldest_seconds{phase="Executing"} 1.5"#,
        r#"rollback_instances{ready="true"} 2"#,
        r#"rollback_instances{ready="false"} 1"#,
        r#"rollback_declared_instances{outcome="refused"} 1"#,
        r#"rollback_finished_total{phase="Failed"} 1"#,
        r#"rollback_finished_total{phase="Succeeded"} 0"#,
        r#"rollback_efficiency_ratio_bucket{le="0.8"} 0"#,
        r#"rollback_efficiency_ratio_bucket{le="0.9"} 1"#,
        r#"rollback_ledger_writes_total{outcome="name_taken"} 1"#,
        r#"rollback_ledger_writes_total{outcome="failed"} 0"#,
        "rollback_aws_queue_duration_seconds_sum 2",
        "rollback_lease_transitions 4",
        "rollback_governor_allowed_requests_per_second 17.5",
        "rollback_governor_slots 10",
        "rollback_governor_in_flight 7",
        "rollback_governor_queued 2",
        "rollback_reconciles_total 2",
        r#"rollback_reconcile_errors_total{class="retry"} 1"#,
        r#"rollback_reconcile_errors_total{class="terminal"} 0"#,
        "rollback_reconcile_duration_seconds_count 2",
        r#"rollback_status_writes_total{outcome="conflict"} 1"#,
        r#"rollback_events_total{outcome="dropped"} 1"#,
        r#"rollback_kubernetes_requests_total{method="GET",outcome="2xx"} 1"#,
        r#"rollback_kubernetes_request_duration_seconds_count{method="GET"} 1"#,
        "rollback_leader 1",
        "rollback_leader_ready 1",
        "rollback_stalled_seconds 2.5",
        concat!(r#"rollback_build_info{version=""#, env!("CARGO_PKG_VERSION"), r#""} 1"#),
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is missing in\n{text}");
    }
    #[cfg(target_os = "linux")]
    for name in [
        "process_cpu_seconds_total",
        "process_resident_memory_bytes",
        "process_open_fds",
        "process_start_time_seconds",
    ] {
        assert!(text.contains(&format!("\n{name} ")), "{name} is missing");
    }
}

#[test]
fn names_follow_the_conventions() {
    let metrics = Metrics::new().unwrap();
    for Described { name, kind, labels, help } in metrics.described() {
        assert!(name.starts_with("rollback_"), "{name}");
        assert_eq!(*kind == "counter", name.ends_with("_total"), "{name}");
        let measured = ["_duration_seconds", "_ratio"].iter().any(|unit| name.ends_with(unit));
        assert_eq!(*kind == "histogram", measured, "{name}");
        assert!(help.ends_with('.'), "{name}: {help}");
        let closed = [
            "phase",
            "kind",
            "outcome",
            "operation",
            "limit",
            "class",
            "method",
            "ready",
            "version",
        ];
        assert!(labels.iter().all(|label| closed.contains(&label.as_str())), "{name}: {labels:?}");
    }
}

#[test]
fn a_standby_tells_nothing_of_what_only_the_leader_sees() {
    let text = Metrics::new().unwrap().encode().unwrap();
    for name in
        ["rollback_rollbacks", "rollback_phase_oldest", "rollback_instances", "rollback_lease"]
    {
        assert!(!text.contains(name), "{text}");
    }
}
