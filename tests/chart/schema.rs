//! Wrong values are refused before anything is rendered, by the name of the key.

use serde_json::{Value, json};

use super::render::{chart, try_template};

/// Every place where a value can be, with its default. Lists and maps are leaves.
pub fn leaves() -> Vec<(String, Value)> {
    let text = std::fs::read_to_string(chart().join("values.yaml")).unwrap();
    let mut found = Vec::new();
    collect("", &serde_saphyr::from_str(&text).unwrap(), &mut found);
    found
}

/// Maps whose keys are the user's: they are one value.
const OPEN: [&str; 4] =
    ["resources", "simulator.resources", "podSecurityContext", "securityContext"];

fn collect(path: &str, value: &Value, found: &mut Vec<(String, Value)>) {
    match value.as_object() {
        Some(map) if !map.is_empty() && !OPEN.contains(&path) && !path.ends_with("labels") => {
            for (key, value) in map {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                collect(&path, value, found);
            }
        }
        _ => found.push((path.to_owned(), value.clone())),
    }
}

/// What Helm says about these values.
fn complaint(values: &[String]) -> String {
    let arguments: Vec<&str> = values.iter().flat_map(|it| ["--set-json", it]).collect();
    try_template(&arguments).unwrap_err()
}

fn pointer(path: &str) -> String {
    format!("/{}", path.replace('.', "/"))
}

#[test]
fn a_value_of_a_wrong_type_is_refused_by_its_name() {
    let wrong: Vec<(String, Value)> = leaves()
        .into_iter()
        .map(|(path, value)| {
            let other =
                if value.is_object() || value.is_array() { json!(7) } else { json!(["no"]) };
            (path, other)
        })
        .collect();
    assert!(wrong.len() > 80, "{}", wrong.len());
    let said =
        complaint(&wrong.iter().map(|(path, value)| format!("{path}={value}")).collect::<Vec<_>>());
    let missed: Vec<&String> =
        wrong.iter().map(|(path, _)| path).filter(|path| !said.contains(&pointer(path))).collect();
    assert!(missed.is_empty(), "not refused: {missed:?}\n{said}");
}

#[test]
fn a_key_that_does_not_exist_is_refused_at_each_level() {
    let mut levels: Vec<String> = leaves()
        .iter()
        .filter_map(|(path, _)| path.rsplit_once('.').map(|(level, _)| level.to_owned()))
        .collect();
    levels.extend(
        ["podSecurityContext", "securityContext", "resources", "affinity"].map(String::from),
    );
    levels.extend(
        ["securityContext.capabilities", "podSecurityContext.seccompProfile"].map(String::from),
    );
    levels.sort();
    levels.dedup();
    assert!(levels.len() > 25, "{levels:?}");
    let mut values: Vec<String> =
        levels.iter().map(|level| format!("{level}.misspelt=1")).collect();
    values.push("misspelt=1".to_owned());
    let said = complaint(&values);
    for level in &levels {
        let place = format!("at '{}':", pointer(level));
        let named = said.lines().any(|line| line.contains(&place) && line.contains("misspelt"));
        assert!(named, "{level}\n{said}");
    }
    assert!(
        said.lines().any(|line| line.contains("at '':") && line.contains("misspelt")),
        "{said}"
    );
}

#[test]
fn what_makes_no_sense_is_refused() {
    for (value, named) in [
        ("replicas=-1", "/replicas"),
        ("replicas=2.5", "/replicas"),
        ("concurrency=0", "/concurrency"),
        (r#"requestTimeout="soon""#, "/requestTimeout"),
        (r#"leaderElection.leaseDuration="15""#, "/leaderElection/leaseDuration"),
        (r#"log.format="xml""#, "/log/format"),
        ("admin.port=80", "/admin/port"),
        (r#"admission.names="sometimes""#, "/admission/names"),
        (r#"image.pullPolicy="Perhaps""#, "/image/pullPolicy"),
        (r#"image.digest="sha256:abc""#, "/image/digest"),
        (r#"image.repository="""#, "/image/repository"),
        (r#"watchNamespaces=["Team A"]"#, "/watchNamespaces/0"),
        (r#"watchNamespaces=["a","a"]"#, "/watchNamespaces"),
        (r#"serviceAccount.name="Operator""#, "/serviceAccount/name"),
        (r#"aws.region="Frankfurt""#, "/aws/region"),
        (r#"aws.endpoints.sts="sts.local""#, "/aws/endpoints/sts"),
        (r#"proxy.https="proxy:3128""#, "/proxy/https"),
        (r#"networkPolicy.apiServer.cidrs=["10.0.0.1"]"#, "/networkPolicy/apiServer/cidrs/0"),
        (r#"podDisruptionBudget.maxUnavailable="half""#, "/podDisruptionBudget/maxUnavailable"),
        (r#"resources={"limits":{"memory":"lots"}}"#, "/resources/limits/memory"),
        (r#"topologySpreadConstraints=[{"maxSkew":1}]"#, "/topologySpreadConstraints/0"),
        (r#"instances={"main":{"region":"eu-west-1"}}"#, "/instances/main"),
        (
            r#"instances={"main":{"instanceArn":"ssoins-1","region":"eu-west-1"}}"#,
            "/instances/main/instanceArn",
        ),
        (
            r#"instances.main={"instanceArn":"arn:aws:sso:::instance/ssoins-0123456789abcdef","region":"eu-west-1","policy":{"aproval":"Never"}}"#,
            "/instances/main/policy",
        ),
        (r#"instances={"Main":{}}"#, "/instances"),
        (r#"requestTimeout="5s5s""#, "/requestTimeout"),
        (r#"requestTimeout="1.5h30m""#, "/requestTimeout"),
        (r#"log.level="inof""#, "/log/level"),
        (r#"admin.address="1.2.3""#, "/admin/address"),
        (r#"simulator.clusterIP="10.96.0""#, "/simulator/clusterIP"),
        (r#"image.repository="Rollback/operator""#, "/image/repository"),
        (r#"image.repository="rollback-operator:v1""#, "/image/repository"),
        (r#"image.registry="https://ghcr.io""#, "/image/registry"),
        (r#"image.registry="ghcr.io/""#, "/image/registry"),
        (r#"image.tag="feature/x""#, "/image/tag"),
        (r#"image.tag="-x""#, "/image/tag"),
        (r#"tracing.endpoint="http://[""#, "/tracing/endpoint"),
        (r#"networkPolicy.aws.cidrs=["10.0.0.256/8"]"#, "/networkPolicy/aws/cidrs/0"),
        (r#"networkPolicy.aws.cidrs=["10.0.0.0/33"]"#, "/networkPolicy/aws/cidrs/0"),
        (r#"networkPolicy.aws.cidrs=["fd00::/129"]"#, "/networkPolicy/aws/cidrs/0"),
        (r#"networkPolicy.aws.cidrs=["fd00::1::/64"]"#, "/networkPolicy/aws/cidrs/0"),
        (r#"podLabels={"a":"two words"}"#, "/podLabels/a"),
        (r#"podLabels={"a/b/c":"d"}"#, "/podLabels"),
        (r#"commonLabels={"a":"-"}"#, "/commonLabels/a"),
        (r#"podDisruptionBudget.maxUnavailable="101%""#, "/podDisruptionBudget/maxUnavailable"),
        (r#"rbac.instanceReaders=[{"kind":"Team","name":"a"}]"#, "/rbac/instanceReaders/0"),
        (
            r#"rbac.instanceReaders=[{"kind":"ServiceAccount","name":"a"}]"#,
            "/rbac/instanceReaders/0",
        ),
        (r#"nameOverride="undo.""#, "/nameOverride"),
        (r#"fullnameOverride="1st""#, "/fullnameOverride"),
    ] {
        let said = complaint(&[value.to_owned()]);
        assert!(said.contains(&format!("'{named}'")), "{value}: {named} is not named\n{said}");
    }
}

#[test]
fn what_makes_sense_is_taken() {
    for value in [
        r#"resources={"limits":{"memory":"1e9","cpu":"100u"},"requests":{"memory":".5Gi","cpu":1}}"#,
        r#"image={"registry":"localhost:5000/team","repository":"tools/rollback_operator","tag":"v1.2.3-rc.1"}"#,
        r#"image.repository="123456789012.dkr.ecr.eu-west-1.amazonaws.com/rollback-operator""#,
        r#"networkPolicy.aws.cidrs=["0.0.0.0/0","10.0.0.0/8","2600:1f00::/24","::/0","fd00:ec2::23/128"]"#,
        r#"admin.address="::1""#,
        r#"log.level="info,kube=debug,rollback_operator::aws=trace""#,
        r#"proxy.https="http://user:word@proxy.example.com:3128/""#,
        r#"aws.endpoints.sts="https://[fd00::1]:8443/sts""#,
        r#"requestTimeout="1500ms""#,
        r#"podLabels={"example.com/team":"Platform_1.x","empty":""}"#,
    ] {
        if let Err(said) = try_template(&["--set-json", value]) {
            panic!("{value} is refused: {said}");
        }
    }
}
