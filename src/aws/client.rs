//! A client of one Identity Center instance.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_config::timeout::TimeoutConfig;
use aws_config::{AppName, BehaviorVersion, Region, SdkConfig};
use aws_sdk_ssoadmin::config::{
    IdentityCache, SharedCredentialsProvider, StalledStreamProtectionConfig,
};
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_http_client::{Builder, Connector};
use aws_smithy_runtime_api::client::http::SharedHttpClient;

use super::connector::GatedClient;
use super::gate::Gate;
use crate::model::InstanceArn;
use crate::quota::Priority;

/// A role to assume with the process's own identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// ARN of the role.
    pub role_arn: String,
    /// External id that the role's trust policy asks for.
    pub external_id: Option<String>,
}

/// Which instance, and how to reach it.
#[derive(Debug, Clone)]
pub struct ConnectOptions {
    /// The instance.
    pub instance_arn: InstanceArn,
    /// Its home region.
    pub region: String,
    /// Endpoint in place of AWS's own for the calls of Identity Center; one outside of AWS's domains
    /// stands in for the other services too.
    pub endpoint: Option<String>,
    /// Whose credentials. Without it: the standard chain (environment, profile, web identity,
    /// pod identity, instance metadata).
    pub credentials: Option<Credentials>,
    /// What carries the requests, in place of HTTPS: for tests.
    pub transport: Option<SharedHttpClient>,
}

impl ConnectOptions {
    /// An instance in its home region, with the process's own identity, over HTTPS.
    #[must_use]
    pub fn new(instance_arn: InstanceArn, region: impl Into<String>) -> Self {
        Self {
            instance_arn,
            region: region.into(),
            endpoint: None,
            credentials: None,
            transport: None,
        }
    }
}

/// How long a TCP and TLS connection may take.
const CONNECT: Duration = Duration::from_secs(3);

/// A client of one instance. Cheap to clone; clones share connections, credentials and the gate.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
    priority: Priority,
}

struct Shared {
    instance_arn: InstanceArn,
    sso_admin: aws_sdk_ssoadmin::Client,
    identity_store: aws_sdk_identitystore::Client,
    organizations: aws_sdk_organizations::Client,
    sts: aws_sdk_sts::Client,
}

impl Client {
    /// A client whose every request passes the gate. Nothing is sent yet.
    pub async fn connect(options: ConnectOptions, gate: &Gate) -> Self {
        Self::connect_as(options, gate, None).await
    }

    /// The same, with an identity in place of the one that the standard chain finds.
    #[allow(clippy::disallowed_methods, reason = "this is the client with the gate")]
    pub async fn connect_as(
        options: ConnectOptions,
        gate: &Gate,
        identity: Option<SharedCredentialsProvider>,
    ) -> Self {
        let config = configuration(&options, gate, identity).await;
        let mut sso_admin = aws_sdk_ssoadmin::config::Builder::from(&config);
        if let Some(endpoint) = &options.endpoint {
            sso_admin = sso_admin.endpoint_url(endpoint);
        }
        let shared = Shared {
            instance_arn: options.instance_arn,
            sso_admin: aws_sdk_ssoadmin::Client::from_conf(sso_admin.build()),
            identity_store: aws_sdk_identitystore::Client::new(&config),
            organizations: aws_sdk_organizations::Client::new(&config),
            sts: aws_sdk_sts::Client::new(&config),
        };
        Self { shared: Arc::new(shared), priority: Priority::PreRead }
    }

    /// The same client, for calls of this priority.
    #[must_use]
    pub fn with_priority(&self, priority: Priority) -> Self {
        Self { shared: Arc::clone(&self.shared), priority }
    }

    /// The instance.
    #[must_use]
    pub fn instance_arn(&self) -> &InstanceArn {
        &self.shared.instance_arn
    }

    pub(super) const fn priority(&self) -> Priority {
        self.priority
    }

    /// The instance's ARN as the SDK takes it.
    pub(super) fn arn(&self) -> &str {
        self.shared.instance_arn.as_str()
    }

    pub(super) fn sso_admin(&self) -> &aws_sdk_ssoadmin::Client {
        &self.shared.sso_admin
    }

    pub(super) fn identity_store(&self) -> &aws_sdk_identitystore::Client {
        &self.shared.identity_store
    }

    pub(super) fn organizations(&self) -> &aws_sdk_organizations::Client {
        &self.shared.organizations
    }

    pub(super) fn sts(&self) -> &aws_sdk_sts::Client {
        &self.shared.sts
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("instance_arn", self.instance_arn())
            .field("priority", &self.priority)
            .finish_non_exhaustive()
    }
}

async fn configuration(
    options: &ConnectOptions,
    gate: &Gate,
    identity: Option<SharedCredentialsProvider>,
) -> SdkConfig {
    let transport = options.transport.clone().unwrap_or_else(https);
    let client = GatedClient { gate: gate.clone(), transport };
    let deadline = gate.options().request_timeout;
    // The gate's own deadline is the one that counts; these catch what is outside of it, such as
    // connecting, and an attempt that never comes out of the gate.
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT)
        .read_timeout(deadline)
        .operation_attempt_timeout(gate.options().longest_wait + deadline * 3)
        .build();
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .region(Region::new(options.region.clone()))
        .http_client(SharedHttpClient::new(client))
        .retry_config(RetryConfig::disabled())
        .timeout_config(timeouts)
        .identity_cache(IdentityCache::lazy().build())
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
    if let Ok(name) = AppName::new("rollback-operator") {
        loader = loader.app_name(name);
    }
    if let Some(endpoint) = options.endpoint.as_ref().filter(|at| serves_every_service(at)) {
        loader = loader.endpoint_url(endpoint);
    }
    if let Some(identity) = identity {
        loader = loader.credentials_provider(identity);
    }
    let own = loader.load().await;
    let Some(credentials) = &options.credentials else { return own };
    let mut role = AssumeRoleProvider::builder(&credentials.role_arn)
        .configure(&own)
        .session_name("rollback-operator");
    if let Some(external_id) = &credentials.external_id {
        role = role.external_id(external_id);
    }
    let role = SharedCredentialsProvider::new(role.build().await);
    own.into_builder().credentials_provider(role).build()
}

/// AWS's own domains: of its partitions, and of its dual-stack endpoints.
const AWS_DOMAINS: [&str; 5] = [
    "amazonaws.com",
    "api.aws",
    "amazonaws.com.cn",
    "api.amazonwebservices.com.cn",
    "amazonaws.eu",
];

/// Whether an endpoint stands in for every service, as a simulator or a proxy does. A host of AWS's
/// own, such as a VPC or a FIPS endpoint, serves the one service that it names.
fn serves_every_service(endpoint: &str) -> bool {
    let rest = endpoint.split_once("://").map_or(endpoint, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    let host = host.split(':').next().unwrap_or_default().trim_end_matches('.');
    let host = host.to_ascii_lowercase();
    !AWS_DOMAINS.iter().any(|domain| {
        host.strip_suffix(domain).is_some_and(|name| name.is_empty() || name.ends_with('.'))
    })
}

/// HTTPS, by the proxy that `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` name, if any.
fn https() -> SharedHttpClient {
    Builder::new().build_with_connector_fn(|settings, components| {
        let mut connector = Connector::builder().proxy_config(ProxyConfig::from_env());
        connector.set_connector_settings(settings.cloned());
        if let Some(components) = components {
            connector.set_sleep_impl(components.sleep_impl());
        }
        connector.tls_provider(Provider::Rustls(CryptoMode::AwsLc)).build()
    })
}

#[cfg(test)]
mod tests {
    use super::serves_every_service;

    #[test]
    fn only_a_host_outside_of_awss_domains_serves_every_service() {
        for (endpoint, every) in [
            ("http://127.0.0.1:8181", true),
            ("http://[::1]:8181/", true),
            ("http://simulator.access.svc:80", true),
            ("https://aws-proxy.example.com/sso", true),
            ("https://notamazonaws.com", true),
            ("https://example.com/amazonaws.com", true),
            ("https://amazonaws.com.example.com", true),
            ("https://vpce-0a1b-2c3d.sso.eu-west-1.vpce.amazonaws.com", false),
            ("https://sso-fips.us-gov-west-1.amazonaws.com:443/", false),
            ("https://SSO.eu-west-1.AmazonAWS.com.", false),
            ("https://sso.eu-west-1.api.aws", false),
            ("https://sso.cn-north-1.amazonaws.com.cn?x=1", false),
        ] {
            assert_eq!(serves_every_service(endpoint), every, "{endpoint}");
        }
    }
}
