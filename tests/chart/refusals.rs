//! Values that do not go together are refused by name, before anything is installed.

use super::render::try_template;

const INSTANCE: &str = r#"instances.main={"instanceArn":"arn:aws:sso:::instance/ssoins-0123456789abcdef","region":"eu-west-1","endpoint":"https://sso.example"}"#;

/// What Helm says about these values, if it refuses them.
fn complaint(values: &[&str]) -> Option<String> {
    let arguments: Vec<&str> = values.iter().flat_map(|it| ["--set-json", it]).collect();
    try_template(&arguments).err()
}

/// Holds that each of these sets of values is refused, by all these names.
#[track_caller]
fn refused(table: &[(&[&str], &[&str])]) {
    for (values, named) in table {
        let said = complaint(values).unwrap_or_else(|| panic!("{values:?} are taken"));
        for name in *named {
            assert!(said.contains(name), "{values:?}: {name} is not named\n{said}");
        }
    }
}

#[test]
fn endpoints_of_your_own_do_not_go_with_those_that_the_sdk_chooses() {
    let (fips, dual) = ("aws.useFipsEndpoints=true", "aws.useDualStackEndpoints=true");
    let sts = r#"aws.endpoints.sts="https://sts.example""#;
    refused(&[
        (&[fips, sts], &["aws.useFipsEndpoints", "aws.endpoints.sts"]),
        (&[dual, sts], &["aws.useDualStackEndpoints", "aws.endpoints.sts"]),
        (&[fips, INSTANCE], &["aws.useFipsEndpoints", "instances.main.endpoint"]),
        (&[dual, INSTANCE], &["aws.useDualStackEndpoints", "instances.main.endpoint"]),
        (&[fips, "simulator.enabled=true"], &["aws.useFipsEndpoints", "simulator.enabled"]),
    ]);
    assert_eq!(complaint(&[sts, INSTANCE]), None);
    assert_eq!(complaint(&[fips, dual]), None);
}
