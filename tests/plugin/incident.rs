//! A walk through an incident with the plugin alone, by people who have the chart's own roles: the
//! text is that of docs/incident.md.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::LazyLock;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use regex_lite::Regex;
use serde_json::{Value, json};

use super::support::cluster::Cluster;
use super::support::place::{Place, text};
use super::support::seed::{ALICE, accounts};
use super::support::{chart, docs};

const DOCUMENT: &str = "docs/incident.md";
const CONTRACTORS: &str = "00000000-0000-4000-8000-000000000006";
const CAROL: &str = "00000000-0000-4000-8000-000000000003";
/// Whether a name stamped on a new object is believed: policies need a while to be in force.
const IN_FORCE: Duration = Duration::from_secs(12);

/// What is another one in each run: ids, digests, times, durations, what took which share of them,
/// and how far it was when somebody looked.
static FLEETING: LazyLock<[(Regex, &str); 8]> = LazyLock::new(|| {
    let regex = |text: &str| Regex::new(text).unwrap();
    [
        (
            regex(
                r"(?m)^(Pending|Planning|AwaitingApproval|Executing|Verifying|reads the records|failed)\b.*\n",
            ),
            "",
        ),
        (regex(r"(?m)^( *spent +)\S.*$"), "${1}SHARES"),
        (regex(r"\d+(\.\d+)? (actions/s|AWS requests|AWS calls)"), "COUNT"),
        (regex(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(\.\d+)?Z?"), "TIME"),
        (regex(r"\b\d+(\.\d+)?(ms|s|m|h|d)\b"), "SPAN"),
        (regex(r"[0-9a-f]{64}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\b[0-9a-f]{8}\b"), "ID"),
        (regex(r"\bps-[0-9a-f]{16}|ssoins-[0-9a-f]{16}|\bplan-[a-z0-9]{5}\b"), "ID"),
        (regex(r" +"), " "),
    ]
});

fn lasting(text: &str) -> String {
    FLEETING.iter().fold(text.to_owned(), |text, (what, to)| what.replace_all(&text, *to).into())
}

struct Walk {
    place: Place<'static>,
    directory: tempfile::TempDir,
}

impl Walk {
    /// Types a command as somebody, and holds how it ends and that the document shows it so.
    #[track_caller]
    fn types(&self, section: &str, who: &PathBuf, command: &str, code: i32) -> String {
        let words = shell_words(command);
        let (reader, writer) = std::io::pipe().unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_kubectl-rollback"))
            .args(words.iter().skip(2).map(|word| match word.as_str() {
                "access" => self.place.namespace.as_str(),
                "main" => self.place.instance.as_str(),
                other => other,
            }))
            .env("KUBECONFIG", who)
            .current_dir(self.directory.path())
            .stdin(Stdio::null())
            .stdout(writer.try_clone().unwrap())
            .stderr(writer)
            .spawn()
            .unwrap();
        let said = std::io::read_to_string(reader).unwrap();
        let ended = child.wait().unwrap().code();
        let said =
            said.replace(&self.place.instance, "main").replace(&self.place.namespace, "access");
        assert_eq!(ended, Some(code), "{command}\n{said}");
        let ended = if code == 0 { String::new() } else { format!("$ echo $?\n{code}\n") };
        let shown = format!("```console\n$ {command}\n{said}{ended}```\n");
        docs::shows_like(DOCUMENT, section, &shown, lasting);
        said
    }
}

/// Words as a shell would split them; a word may stand in single quotes.
fn shell_words(command: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (number, part) in command.split('\'').enumerate() {
        if number % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    words
}

/// A pipeline let contractors administrate four accounts and took two from alice, an hour ago. What
/// somebody else did meanwhile is no part of it.
fn operations(place: &Place<'_>) -> String {
    let now: Timestamp = text(&place.simulator.health()["now"]).parse().unwrap();
    let ago = |minutes| now.checked_sub(SignedDuration::from_mins(minutes)).unwrap();
    let read = &place.identity.read;
    let admin = admin(read);
    let operation = |id: &str, kind: &str, actor: &str, minutes: i64, change: Value| {
        let operation = json!({
            "type": kind, "actor": actor, "occurredAt": ago(minutes).to_string(),
            "source": {"tool": "deploy", "id": id}, "changes": [change],
        });
        format!("{operation}\n")
    };
    let change = |effect: &str, principal: Value, set: &str, accounts: &[String], before: &str| json!({"effect": effect, "principal": principal, "permissionSet": set, "accounts": accounts, "before": before});
    let contractors = json!({"type": "GROUP", "id": CONTRACTORS, "name": "Contractors"});
    let alice = json!({"type": "USER", "id": ALICE, "name": "alice"});
    let carol = json!({"type": "USER", "id": CAROL, "name": "carol"});
    [
        operation(
            "run-811-grant",
            "Assign",
            "deploy-pipeline",
            52,
            change("Granted", contractors, &admin, &accounts(1..=4), "Absent"),
        ),
        operation(
            "run-811-revoke",
            "Revoke",
            "deploy-pipeline",
            51,
            change("Revoked", alice, read, &accounts(5..=6), "Present"),
        ),
        operation(
            "request-4711",
            "Assign",
            "access-requests",
            40,
            change("Granted", carol, &admin, &accounts([1]), "Absent"),
        ),
    ]
    .concat()
}

fn admin(read: &str) -> String {
    format!("{}/ps-00000000000000ad", read.rsplit_once('/').unwrap().0)
}

fn place(cluster: &'static Cluster) -> Place<'static> {
    let policy = json!({"policy": {"approval": "SeparateApprover"}});
    Place::in_world(cluster, 6, &policy, |instance| {
        let read = instance["permissionSets"][0]["arn"].as_str().unwrap().to_owned();
        let users = instance["users"].as_array_mut().unwrap();
        users.push(json!({"userName": "carol", "id": CAROL}));
        instance["groups"] =
            json!([{"displayName": "Contractors", "id": CONTRACTORS, "members": ["bob"]}]);
        let administrator = ["arn:aws:iam::aws:policy/AdministratorAccess"];
        let sets = instance["permissionSets"].as_array_mut().unwrap();
        let admin = admin(&read);
        sets.push(json!({"name": "Admin", "arn": admin, "managedPolicies": administrator}));
        instance["assignments"] = json!([
            {"permissionSet": "Admin", "group": "Contractors", "accounts": accounts(1..=4)},
            {"permissionSet": "Admin", "user": "carol", "accounts": accounts(1..=4)},
            {"permissionSet": "Read", "user": "bob", "accounts": accounts(1..=6)},
        ]);
    })
}

/// Lets somebody see everything, and have these of the chart's roles in the namespace.
fn person(place: &Place<'_>, name: &str, roles: &[&str]) -> PathBuf {
    let control_plane = &place.cluster.control_plane;
    let view = ["create", "clusterrolebinding", name, "--clusterrole=rollback-operator-view"];
    place.kubectl(&[view.as_slice(), &[&format!("--user={name}")]].concat());
    for role in roles {
        let binding = format!("{name}-{role}");
        let role = format!("--clusterrole=rollback-operator-{role}");
        place.kubectl(&["create", "rolebinding", &binding, &role, &format!("--user={name}")]);
    }
    control_plane.user(name, &[])
}

#[test]
#[expect(clippy::disallowed_methods, reason = "policies come into force in real time")]
fn an_incident_is_found_planned_undone_and_reported_as_the_document_says() {
    let cluster: &'static Cluster = Box::leak(Box::new(Cluster::with(1.0, &[])));
    let chart = chart::rendered(&["admission", "aggregated-roles"], &[]);
    cluster.control_plane.apply(&chart).succeeded();
    std::thread::sleep(IN_FORCE);
    let walk = Walk { place: place(cluster), directory: tempfile::tempdir().unwrap() };
    let place = &walk.place;
    let pipeline = person(place, "pipeline", &["record"]);
    let caller = person(place, "on-call", &["edit"]);
    let second = person(place, "second-on-call", &["approve"]);
    std::fs::write(walk.directory.path().join("run-811.jsonl"), operations(place)).unwrap();

    walk.types(
        "import",
        &pipeline,
        "kubectl rollback import json run-811.jsonl --instance main -n access",
        0,
    );
    walk.types("find", &caller, "kubectl rollback operations --from 2h -n access", 0);
    walk.types(
        "plan",
        &caller,
        "kubectl rollback plan --actor deploy-pipeline --from 2h -n access",
        0,
    );
    assert_eq!(place.writes(), 0);
    // In account 6 a policy is missing that the permission set names.
    place.simulator.faults(&json!({"faults": [{
        "match": {"operations": ["CreateAccountAssignment"], "accounts": accounts([6])},
        "do": {"fail": {"like": "policyMissing"}},
    }]}));
    walk.types(
        "apply",
        &caller,
        "kubectl rollback apply --actor deploy-pipeline --from 2h --name undo-811 --reason 'ran with the variables of another stage' --ticket INC-4711 --wait=false -n access",
        0,
    );
    place.wait_phase("undo-811", "AwaitingApproval");
    walk.types("refused", &caller, "kubectl rollback approve undo-811 --yes -n access", 6);
    walk.types("waits", &second, "kubectl rollback status -n access", 0);
    walk.types("approve", &second, "kubectl rollback approve undo-811 --yes -n access", 0);
    walk.types("watch", &caller, "kubectl rollback watch undo-811 -n access", 3);
    walk.types(
        "first report",
        &caller,
        "kubectl rollback report undo-811 --file undo-811-1.html -n access",
        0,
    );
    place.simulator.faults(&json!({"faults": []}));
    walk.types("retry", &caller, "kubectl rollback retry undo-811 --wait=false -n access", 0);
    place.wait_field("undo-811", ".status.attempt", "2");
    place.wait_phase("undo-811", "AwaitingApproval");
    walk.types("approve again", &second, "kubectl rollback approve undo-811 --yes -n access", 0);
    walk.types("watch again", &caller, "kubectl rollback watch undo-811 -n access", 0);
    walk.types(
        "report",
        &caller,
        "kubectl rollback report undo-811 --file undo-811.html -n access",
        0,
    );
    walk.types("over", &caller, "kubectl rollback operations --from 2h -n access", 0);

    for (file, outcome) in
        [("undo-811-1.html", "Not supported policy BoundaryPolicy"), ("undo-811.html", "Succeeded")]
    {
        let page = std::fs::read_to_string(walk.directory.path().join(file)).unwrap();
        for part in ["on-call", "second-on-call", "INC-4711", outcome] {
            assert!(page.contains(part), "{file} does not say {part}");
        }
    }
    assert!(place.effective().iter().all(|(_, times)| *times == 1), "{:?}", place.effective());
    assert_eq!(place.effective().len(), 6);
}
