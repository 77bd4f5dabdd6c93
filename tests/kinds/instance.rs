//! `IdentityCenterInstance`.

use serde_json::{Value, json};

use super::{INSTANCE, Place, SET, object, with};

fn spec() -> Value {
    json!({"instanceArn": INSTANCE, "region": "eu-central-1"})
}

#[test]
fn the_shortest_spec_is_taken_with_safe_defaults() {
    let place = Place::new();
    let created = place.create(&object("IdentityCenterInstance", "shortest", spec()));
    assert_eq!(
        created["spec"]["limits"],
        json!({"requestsPerSecond": 18, "outstandingRequests": 10})
    );
    assert_eq!(created["spec"]["policy"]["approval"], json!("Always"));
    assert_eq!(created["spec"]["allowedNamespaces"], json!([]), "none unless named");
    assert_eq!(created["status"], json!({"observedGeneration": -1}));
    let full = with(
        &spec(),
        json!({
            "credentials": {"roleArn": "arn:aws:iam::061836611202:role/path/rollback", "externalId": "x1"},
            "endpoint": "http://127.0.0.1:8080",
            "limits": {"requestsPerSecond": 5, "outstandingRequests": 3},
            "allowedNamespaces": ["access"],
            "policy": {"approval": "Never", "maxActions": 500, "planTTL": "24h",
                "protected": {"permissionSets": [SET], "accounts": ["061836611202"],
                    "principals": ["0f791059-3b41-4313-86da-59fa2cf217a7"]}},
        }),
    );
    place.create(&object("IdentityCenterInstance", "full", full));
}

#[test]
fn bad_specs_are_refused_with_what_to_do() {
    let place = Place::new();
    for (changes, because) in [
        (json!({"instanceArn": null}), "spec.instanceArn: Required value"),
        (json!({"instanceArn": SET}), "spec.instanceArn in body should match"),
        (
            json!({"instanceArn": "ssoins-grrwdwht9b3hswl7"}),
            "spec.instanceArn in body should match",
        ),
        (json!({"region": null}), "spec.region: Required value"),
        (json!({"region": "Frankfurt"}), "spec.region in body should match"),
        (json!({"endpoint": "127.0.0.1:8080"}), "spec.endpoint in body should match"),
        (
            json!({"credentials": {"roleArn": "rollback"}}),
            "spec.credentials.roleArn in body should match",
        ),
        (
            json!({"credentials": {"roleArn": "arn:aws:iam::061836611202:user/x"}}),
            "spec.credentials.roleArn in body should match",
        ),
        (json!({"limits": {"requestsPerSecond": 0}}), "should be greater than or equal to 1"),
        (json!({"limits": {"outstandingRequests": 101}}), "should be less than or equal to 100"),
        (json!({"policy": {"approval": "Sometimes"}}), "Unsupported value: \"Sometimes\""),
        (
            json!({"policy": {"retention": "24h"}}),
            "retention: not enforced by this version; leave it out",
        ),
        (json!({"policy": {"maxActions": 0}}), "should be greater than or equal to 1"),
        (json!({"policy": {"planTTL": "a day"}}), "spec.policy.planTTL in body should match"),
        (
            json!({"policy": {"protected": {"accounts": ["12"]}}}),
            "protected.accounts[0] in body should match",
        ),
        (json!({"arn": INSTANCE}), "unknown field \"spec.arn\""),
    ] {
        let spec = with(&spec(), changes);
        place.try_create(&object("IdentityCenterInstance", "bad", spec)).refused(because);
    }
    for partition in ["aws", "aws-cn", "aws-us-gov"] {
        let arn = INSTANCE.replace("arn:aws:", &format!("arn:{partition}:"));
        let role = format!("arn:{partition}:iam::061836611202:role/x");
        let spec = with(&spec(), json!({"instanceArn": arn, "credentials": {"roleArn": role}}));
        place.try_create(&object("IdentityCenterInstance", "good", spec)).succeeded();
    }
}

#[test]
fn what_it_is_cannot_be_changed_but_how_it_is_used_can() {
    let place = Place::new();
    place.create(&object("IdentityCenterInstance", "kept", spec()));
    let replace = |changes| {
        place.try_replace(&object("IdentityCenterInstance", "kept", with(&spec(), changes)))
    };
    replace(json!({"instanceArn": INSTANCE.replace("grrw", "xxxx")}))
        .refused("instanceArn cannot be changed: create another IdentityCenterInstance");
    replace(json!({"region": "us-east-1"}))
        .refused("region cannot be changed: create another IdentityCenterInstance");
    replace(json!({"limits": {"requestsPerSecond": 2}, "endpoint": "https://example.org"}))
        .succeeded();
    replace(json!({"policy": {"approval": "Never"}, "allowedNamespaces": ["a", "b"]})).succeeded();
}
