//! The commands of the documents, typed as they stand: from the installation of a playground to the
//! removal of the kinds.

use std::collections::BTreeSet;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use serde_json::json;

use super::PATIENCE;
use super::image;
use super::support::docs::{Shown, commands};
use super::support::{Finished, Node, checkout, wait_for};

const INSTALL: &str = "docs/install.md";
const TROUBLESHOOTING: &str = "docs/troubleshooting.md";
const RUNBOOKS: [&str; 11] = [
    "awaiting-approval",
    "aws-unavailable",
    "drift-after-undo",
    "failing",
    "forbidden",
    "instance-not-ready",
    "lease-flapping",
    "ledger-write-failing",
    "operator-down",
    "stuck",
    "throttled",
];
/// The Rollback of the playground's example, and where it is.
const NAME: &str = "undo-contractors";
const HOME: &str = "default";

/// Types all of them.
#[track_caller]
pub fn are_true(node: &Node) {
    // What an earlier release declared stays; a playground of another world declares it otherwise.
    node.kubectl(&["delete", "idc", "simulator"]).succeeded();
    let mut typed = Typed { node, directory: directory_with_image(node), seen: BTreeSet::new() };
    typed.section(INSTALL, "The image");
    typed.section(INSTALL, "A playground without AWS");
    typed.section(INSTALL, "For several teams");
    typed.document("docs/runbooks/awaiting-approval.md");
    typed.document("docs/runbooks/stuck.md");
    typed.line(&format!("kubectl rollback approve {NAME} -n {HOME} --yes")).succeeded();
    wait_for("the playground's undo", PATIENCE, || {
        let phase = ["rollback", NAME, "--namespace", HOME];
        (node.get(&phase)["status"]["phase"] == "Succeeded").then_some(())
    });
    typed.document(TROUBLESHOOTING);
    for runbook in RUNBOOKS {
        typed.document(&format!("docs/runbooks/{runbook}.md"));
    }
    typed.section(INSTALL, "With AWS");
    typed.section(INSTALL, "Upgrading");
    typed.section(INSTALL, "Uninstalling");
    typed.is_everything_of(INSTALL);
    let kinds = node.get(&["customresourcedefinitions"]);
    assert_eq!(kinds["items"].as_array().unwrap().len(), 0, "kinds are left");
}

/// Commands that need what is not here: AWS, for which the chart's tests give the values to Helm and a
/// real API server; and a registry, in place of which the node has the image.
fn is_left_out(command: &str) -> bool {
    command.contains("--values my-values.yaml")
        || ["aws ", "make image", "docker "].iter().any(|start| command.starts_with(start))
}

/// Where the commands are typed: the charts, and the file with which a reader says where his image is.
#[track_caller]
fn directory_with_image(node: &Node) -> PathBuf {
    let directory = node.directory().join("reader");
    std::fs::create_dir(&directory).unwrap();
    symlink(checkout().join("charts"), directory.join("charts")).unwrap();
    let (registry, repository, tag) = image::name();
    let image = json!({
        "registry": registry, "repository": repository, "tag": tag, "pullPolicy": "Never",
    });
    let values = json!({"image": image}).to_string();
    std::fs::write(directory.join("image.yaml"), values).unwrap();
    directory
}

/// What this undo has none of: failures, and a quota in its namespace.
fn may_be_empty(command: &str) -> bool {
    command.contains(".status.failures") || command.contains("resourcequota")
}

struct Typed<'a> {
    node: &'a Node,
    directory: PathBuf,
    seen: BTreeSet<Shown>,
}

impl Typed<'_> {
    #[track_caller]
    fn section(&mut self, document: &str, section: &str) {
        let shown: Vec<Shown> =
            commands(document).into_iter().filter(|shown| shown.section == section).collect();
        assert!(!shown.is_empty(), "{document} shows no command in {section}");
        self.all(shown);
    }

    #[track_caller]
    fn document(&mut self, document: &str) {
        self.all(commands(document));
    }

    #[track_caller]
    fn all(&mut self, shown: Vec<Shown>) {
        for shown in shown {
            if !is_left_out(&shown.command) {
                self.one(&shown.command);
            }
            self.seen.insert(shown);
        }
    }

    /// What follows `| grep` only chooses what is shown: that it finds nothing is no failure.
    #[track_caller]
    fn one(&self, command: &str) {
        let command = command.replace("NAMESPACE", HOME).replace("NAME", name_in(command));
        let plain = command.split(" | grep").next().unwrap();
        let said = self.line(plain).succeeded();
        println!("  $ {command}: {} lines", said.stdout.lines().count());
        let shows = !said.stdout.trim().is_empty() || may_be_empty(&command);
        assert!(shows, "{command} shows nothing\n{}", said.stderr);
    }

    fn line(&self, line: &str) -> Finished {
        self.node.shell(&format!("cd {}; {line}", self.directory.display()))
    }

    #[track_caller]
    fn is_everything_of(&self, document: &str) {
        let left: Vec<Shown> =
            commands(document).into_iter().filter(|shown| !self.seen.contains(shown)).collect();
        assert!(left.is_empty(), "nobody typed {left:?}");
    }
}

fn name_in(command: &str) -> &'static str {
    if command.contains("identitycenterinstance ") { "simulator" } else { NAME }
}
