//! What the documents allow, deny and trust, whatever the code does.

use std::collections::BTreeSet;

use serde_json::json;

use super::policy::{Policy, texts};

const GRANTS: [&str; 5] =
    ["revoke-only", "full", "management-account", "assume-role", "customer-managed-key"];

/// AWS has no narrower resource for these.
const OF_EVERYTHING: [&str; 3] =
    ["organizations:ListAccounts", "iam:ListPolicies", "iam:ListRoles"];

/// What would end everybody's access or open everything, and what else a leaked credential is good for.
const NEVER: [&str; 22] = [
    "sso:DeleteInstance",
    "sso:UpdateInstance",
    "sso:CreateInstance",
    "sso:UpdatePermissionSet",
    "sso:ProvisionPermissionSet",
    "sso:DetachManagedPolicyFromPermissionSet",
    "sso:DeletePermissionsBoundaryFromPermissionSet",
    "sso:DeleteInlinePolicyFromPermissionSet",
    "sso:DeleteApplication",
    "sso:DeleteTrustedTokenIssuer",
    "sso:DeleteInstanceAccessControlAttributeConfiguration",
    "sso-directory:DeleteUser",
    "identitystore:CreateUser",
    "identitystore:DeleteUser",
    "identitystore:DeleteGroup",
    "identitystore:CreateGroupMembership",
    "identitystore:DeleteGroupMembership",
    "organizations:CloseAccount",
    "organizations:LeaveOrganization",
    "iam:CreateUser",
    "iam:AttachUserPolicy",
    "iam:PassRole",
];

#[test]
fn nothing_is_allowed_by_a_pattern_or_everywhere() {
    for name in GRANTS {
        let policy = Policy::read(name);
        let mut seen = BTreeSet::new();
        let mut sids = BTreeSet::new();
        for statement in &policy.statements {
            assert_eq!(statement["Effect"], "Allow", "{name}");
            assert!(sids.insert(statement["Sid"].to_string()), "{name}: a Sid twice");
            for action in texts(&statement["Action"]) {
                assert!(!action.contains('*'), "{name}: {action}");
                assert!(seen.insert(action.clone()), "{name}: {action} twice");
                for resource in texts(&statement["Resource"]) {
                    let everywhere = resource == "*";
                    assert_eq!(
                        everywhere,
                        OF_EVERYTHING.contains(&action.as_str()),
                        "{name}: {action}"
                    );
                }
            }
        }
    }
}

#[test]
fn what_must_never_be_done_is_neither_allowed_nor_left_open() {
    let boundary = Policy::read("scp");
    for action in NEVER {
        assert!(boundary.says_of("Deny", action, "*"), "the SCP leaves {action} open");
        for name in GRANTS {
            assert!(!Policy::read(name).says("Allow", action), "{name} allows {action}");
        }
    }
    for name in ["revoke-only", "full", "assume-role", "customer-managed-key"] {
        for statement in Policy::read(name).statements {
            for action in texts(&statement["Action"]) {
                for resource in texts(&statement["Resource"]) {
                    let denied = boundary.says_of("Deny", &action, &resource);
                    assert!(!denied, "the SCP denies {action} of {name} for {resource}");
                }
            }
        }
    }
    let anybody = "arn:aws:iam::111122223333:role/Administrator";
    assert!(boundary.says_of("Deny", "sts:AssumeRole", anybody), "the SCP leaves roles open");
    let length = serde_json::to_string(&boundary.statements).unwrap().len();
    assert!(length < 5_000, "AWS takes SCPs of up to 5,120 bytes");
}

#[test]
fn who_may_only_revoke_can_give_nothing() {
    let (some, all) = (Policy::read("revoke-only").actions(), Policy::read("full").actions());
    assert!(some.is_subset(&all), "{:?}", some.difference(&all));
    let changes = some.iter().filter(|action| {
        let name = action.split_once(':').unwrap().1;
        !["Describe", "Get", "List"].iter().any(|verb| name.starts_with(verb))
    });
    assert_eq!(changes.collect::<Vec<_>>(), ["sso:DeleteAccountAssignment"]);
}

#[test]
fn in_the_management_account_only_roles_of_identity_center_can_be_changed() {
    for statement in Policy::read("management-account").statements {
        let actions: Vec<String> = texts(&statement["Action"]).collect();
        assert!(actions.iter().all(|action| action.starts_with("iam:")), "{actions:?}");
        for resource in texts(&statement["Resource"]).filter(|it| it != "*") {
            let narrow = [":role/aws-reserved/sso.amazonaws.com/", ":saml-provider/AWSSSO_"];
            assert!(narrow.iter().any(|part| resource.contains(part)), "{resource}");
        }
    }
}

#[test]
fn only_the_operators_service_account_is_trusted() {
    let trusts = ["trust-irsa", "trust-pod-identity"].map(Policy::read);
    let [irsa, pod] = trusts.map(|mut policy| {
        assert_eq!(policy.statements.len(), 1, "{}", policy.name);
        policy.statements.remove(0)
    });
    let equals = irsa["Condition"]["StringEquals"].as_object().unwrap();
    let value = |suffix: &str| equals.iter().find(|(key, _)| key.ends_with(suffix)).unwrap().1;
    assert_eq!(value(":sub"), "system:serviceaccount:rollback-system:rollback-operator");
    assert_eq!(value(":aud"), "sts.amazonaws.com");
    let provider = irsa["Principal"]["Federated"].as_str().unwrap();
    assert!(equals.keys().all(|key| provider.ends_with(key.rsplit_once(':').unwrap().0)));
    assert_eq!(irsa["Action"], "sts:AssumeRoleWithWebIdentity");

    assert_eq!(pod["Principal"], json!({"Service": "pods.eks.amazonaws.com"}));
    let equals = &pod["Condition"]["StringEquals"];
    assert_eq!(equals["aws:RequestTag/kubernetes-namespace"], "rollback-system");
    assert_eq!(equals["aws:RequestTag/kubernetes-service-account"], "rollback-operator");
    for statement in Policy::read("trust-assumed-role").statements {
        let principal = statement["Principal"]["AWS"].as_str().unwrap();
        assert!(principal.ends_with(":role/rollback-operator"), "{principal}");
        let by_id = statement["Condition"]["StringEquals"]["sts:ExternalId"].is_string();
        assert_eq!(by_id, statement["Action"] == "sts:AssumeRole", "{statement}");
    }
}
