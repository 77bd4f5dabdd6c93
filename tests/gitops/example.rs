//! The repository and the manifests under gitops/, as they are, and the documents in docs/gitops.md.

use std::path::Path;

use serde_json::{Value, json};

use super::flux::Flux;
use super::place::{Place, text};
use super::repository::Repository;
use super::seed::{Identity, accounts, alice_in};
use super::support::checkout;

const DOCUMENT: &str = "docs/gitops.md";
const ROLLBACK: &str = "rollbacks/undo-contractors.yaml";

fn read(path: &str) -> String {
    std::fs::read_to_string(checkout().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Puts every file of gitops/repository into a repository.
fn copy(repository: &Repository, directory: &Path) {
    let root = checkout().join("gitops/repository");
    for entry in std::fs::read_dir(root.join(directory)).unwrap() {
        let entry = entry.unwrap();
        let path = directory.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(repository, &path);
        } else {
            let text = std::fs::read_to_string(entry.path()).unwrap();
            repository.write(path.to_str().unwrap(), &text);
        }
    }
}

/// The blocks of YAML in the document.
fn blocks() -> Vec<String> {
    let text = read(DOCUMENT);
    let blocks = text.split("```yaml\n").skip(1);
    blocks.map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
}

#[test]
fn the_example_is_undone_as_it_stands() {
    let flux = Flux::shared();
    let control_plane = &flux.cluster.control_plane;
    control_plane.kubectl(&["create", "namespace", "access"]).succeeded();
    let identity = Identity {
        arn: "arn:aws:sso:::instance/ssoins-0123456789abcdef".to_owned(),
        read: "arn:aws:sso:::permissionSet/ssoins-0123456789abcdef/ps-0123456789abcdef".to_owned(),
    };
    let simulator = flux.cluster.simulator(&identity.world(4).to_string());
    simulator.post("/_sim/changes", &json!({"grant": alice_in(&accounts(1..=3))}));
    let place = Place {
        cluster: &flux.cluster,
        namespace: "access".to_owned(),
        instance: "main".to_owned(),
        identity,
        simulator,
    };
    let spec = json!({
        "instanceArn": place.identity.arn, "region": "us-east-1",
        "endpoint": place.simulator.url(), "allowedNamespaces": ["access"],
    });
    place.create("IdentityCenterInstance", "main", &spec);
    let repository = Repository::new("access");
    copy(&repository, Path::new(""));
    let first = repository.commit("undo");
    for file in ["tenant.yaml", "access.yaml"] {
        let manifest = read(&format!("gitops/flux/{file}"));
        let manifest = manifest.replace("https://git.example.com/access.git", &repository.url);
        control_plane.apply(&manifest).succeeded();
    }
    flux.wait_ready("access", "rollbacks", &first);
    let digest = text(&place.status("undo-contractors")["plan"]["digest"]);
    assert_eq!(place.writes(), 0);

    // The second commit of the document, with the digest of this plan.
    let committed = read(&format!("gitops/repository/{ROLLBACK}"));
    let approved = blocks().into_iter().find(|block| block.contains("approval:")).unwrap();
    let approved = approved.replace("sha256:…", &digest);
    let before: Value = serde_saphyr::from_str(&committed).unwrap();
    let mut after: Value = serde_saphyr::from_str(&approved).unwrap();
    assert_eq!(after["spec"]["approval"].take()["plan"], digest);
    after["spec"].as_object_mut().unwrap().remove("approval");
    assert_eq!(after, before, "{DOCUMENT} shows another Rollback than gitops/repository");
    repository.write(ROLLBACK, &approved);
    let second = repository.commit("approve");
    flux.fetch("access", "access", &second);
    flux.wait_ready("access", "rollbacks", &second);
    assert_eq!(place.status("undo-contractors")["phase"], "Succeeded");
    assert_eq!(place.effective().len(), 3);
}

#[test]
fn the_api_server_takes_every_document() {
    let control_plane = &Flux::shared().cluster.control_plane;
    let namespace = control_plane.namespace();
    let mut applied = 0;
    for block in blocks() {
        let manifest = block.replace("sha256:…", &format!("sha256:{:064}", 1));
        let manifest = manifest.replace("namespace: access", &format!("namespace: {namespace}"));
        let apply = ["apply", "--dry-run=server", "--validate=strict", "-f", "-"];
        control_plane.kubectl_as(control_plane.kubeconfig(), &apply, &manifest).succeeded();
        applied += 1;
    }
    assert!(applied >= 2, "{applied}");
}

#[test]
fn the_config_map_of_argo_cd_holds_the_scripts() {
    let file = read("gitops/argocd/argocd-cm.yaml");
    let map: Value = serde_saphyr::from_str(&file).unwrap();
    let script = |path: &str| read(&format!("gitops/argocd/identitycenter.dev/{path}"));
    for kind in ["Rollback", "IdentityCenterInstance"] {
        let key = format!("resource.customizations.health.identitycenter.dev_{kind}");
        assert_eq!(text_of(&map["data"], &key), script(&format!("{kind}/health.lua")));
    }
    let key = "resource.customizations.actions.identitycenter.dev_Rollback";
    let actions: Value = serde_saphyr::from_str(&text_of(&map["data"], key)).unwrap();
    assert_eq!(text_of(&actions, "discovery.lua"), script("Rollback/actions/discovery.lua"));
    let definitions = actions["definitions"].as_array().unwrap();
    assert_eq!(definitions.len(), 4);
    for definition in definitions {
        let name = text_of(definition, "name");
        let path = format!("Rollback/actions/{name}/action.lua");
        assert_eq!(text_of(definition, "action.lua"), script(&path));
    }
    assert_eq!(map["data"].as_object().unwrap().len(), 3);

    let control_plane = &Flux::shared().cluster.control_plane;
    let manifest =
        file.replace("namespace: argocd", &format!("namespace: {}", control_plane.namespace()));
    control_plane.apply(&manifest).succeeded();
}

#[track_caller]
fn text_of(object: &Value, key: &str) -> String {
    text(&object[key])
}
