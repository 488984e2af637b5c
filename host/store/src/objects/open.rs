//! Makes the client of an object store from the configuration and the environment.

use std::{sync::Arc, time::Duration};

use object_store::{
    BackoffConfig, ClientOptions, ObjectStore, RetryConfig,
    aws::{AmazonS3Builder, AmazonS3ConfigKey},
    azure::{AzureConfigKey, MicrosoftAzureBuilder},
    gcp::{GoogleCloudStorageBuilder, GoogleConfigKey},
};

use super::{Address, Azure, Config, Gcs, Hidden, IDENTITY, S3, Scheme};
use crate::error::causes;

/// The longest pause between two tries.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// A bucket that can be asked, and what must never be said of it.
#[derive(Clone)]
pub(crate) struct Opened {
    pub(crate) objects: Arc<dyn ObjectStore>,
    secrets: Arc<[Hidden]>,
}

impl Opened {
    /// Objects that nobody has to be let in to.
    pub(crate) fn unguarded(objects: Arc<dyn ObjectStore>) -> Self {
        Self { objects, secrets: Arc::default() }
    }

    /// The same, through something that stands before it.
    pub(crate) fn below(self, wrap: impl FnOnce(Arc<dyn ObjectStore>) -> Arc<dyn ObjectStore>) -> Self {
        Self { objects: wrap(self.objects), secrets: self.secrets }
    }

    /// An error of the store with its causes, and without the secrets that a server may have sent back.
    pub(crate) fn said(&self, error: &object_store::Error) -> String {
        masked(causes(error), &self.secrets)
    }
}

/// The client of a bucket. Nothing is asked of it yet.
pub(crate) fn open(address: &Address, config: &Config) -> Result<Opened, String> {
    // An error means that another room installed one already, which will do.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let built: Result<Arc<dyn ObjectStore>, object_store::Error> = match address.scheme {
        Scheme::S3 => s3(&address.bucket, config).map(|it| Arc::new(it) as _),
        Scheme::Gcs => gcs(&address.bucket, config).map(|it| Arc::new(it) as _),
        Scheme::Azure => azure(&address.bucket, config).map(|it| Arc::new(it) as _),
        Scheme::File => return Err("a folder is no bucket".into()),
    };
    let secrets = secrets(config);
    let objects = built.map_err(|error| masked(causes(&error), &secrets))?;
    Ok(Opened { objects, secrets: secrets.into() })
}

fn s3(bucket: &str, config: &Config) -> Result<object_store::aws::AmazonS3, object_store::Error> {
    let S3 { endpoint, region, access_key_id, secret_access_key, session_token, virtual_hosted, anonymous } =
        &config.s3;
    let mut builder = AmazonS3Builder::new().with_client_options(client(config)).with_retry(retry(config));
    for (key, value) in environment(config, "AWS_") {
        if let Ok(key) = key.parse::<AmazonS3ConfigKey>() {
            builder = builder.with_config(key, value);
        }
    }
    if let Some(endpoint) = endpoint {
        builder = builder.with_endpoint(endpoint).with_allow_http(is_plain(endpoint));
    }
    let said = [
        (AmazonS3ConfigKey::Region, region.as_deref()),
        (AmazonS3ConfigKey::AccessKeyId, access_key_id.as_deref()),
        (AmazonS3ConfigKey::SecretAccessKey, exposed(secret_access_key)),
        (AmazonS3ConfigKey::Token, exposed(session_token)),
        (AmazonS3ConfigKey::VirtualHostedStyleRequest, virtual_hosted.then_some("true")),
        (AmazonS3ConfigKey::SkipSignature, anonymous.then_some("true")),
    ];
    for (key, value) in said {
        if let Some(value) = value {
            builder = builder.with_config(key, value);
        }
    }
    builder.with_bucket_name(bucket).build()
}

fn gcs(bucket: &str, config: &Config) -> Result<object_store::gcp::GoogleCloudStorage, object_store::Error> {
    let Gcs { endpoint, service_account, service_account_key, anonymous } = &config.gcs;
    let mut options = client(config);
    if let Some(endpoint) = endpoint {
        options = options.with_allow_http(is_plain(endpoint));
    }
    let mut builder = GoogleCloudStorageBuilder::new().with_client_options(options).with_retry(retry(config));
    for (key, value) in environment(config, "GOOGLE_") {
        if let Ok(key) = key.parse::<GoogleConfigKey>() {
            builder = builder.with_config(key, value);
        }
    }
    if let Some(endpoint) = endpoint {
        builder = builder.with_base_url(endpoint);
    }
    if let Some(file) = service_account {
        builder = builder.with_service_account_path(file.display().to_string());
    }
    if let Some(key) = service_account_key {
        builder = builder.with_service_account_key(key.expose());
    }
    if *anonymous {
        builder = builder.with_skip_signature(true);
    }
    builder.with_bucket_name(bucket).build()
}

fn azure(container: &str, config: &Config) -> Result<object_store::azure::MicrosoftAzure, object_store::Error> {
    let Azure { endpoint, account, access_key, sas_token, anonymous } = &config.azure;
    let mut builder = MicrosoftAzureBuilder::new().with_client_options(client(config)).with_retry(retry(config));
    for (key, value) in environment(config, "AZURE_") {
        if let Ok(key) = key.parse::<AzureConfigKey>() {
            builder = builder.with_config(key, value);
        }
    }
    if let Some(identity) = config.environment.get(IDENTITY) {
        builder = builder.with_msi_endpoint(identity.expose());
    }
    if let Some(endpoint) = endpoint {
        builder = builder.with_endpoint(endpoint.clone()).with_allow_http(is_plain(endpoint));
    }
    let said = [
        (AzureConfigKey::AccountName, account.as_deref()),
        (AzureConfigKey::AccessKey, exposed(access_key)),
        (AzureConfigKey::SasKey, exposed(sas_token)),
        (AzureConfigKey::SkipSignature, anonymous.then_some("true")),
    ];
    for (key, value) in said {
        if let Some(value) = value {
            builder = builder.with_config(key, value);
        }
    }
    builder.with_container_name(container).build()
}

/// What the environment says to one kind of store, in the words of its builder.
fn environment<'a>(config: &'a Config, prefix: &'a str) -> impl Iterator<Item = (String, &'a str)> {
    let ours = config.environment.iter().filter(move |(name, _)| name.starts_with(prefix));
    ours.map(|(name, value)| (name.to_ascii_lowercase(), value.expose()))
}

fn exposed(secret: &Option<Hidden>) -> Option<&str> {
    secret.as_ref().map(Hidden::expose)
}

/// Whoever writes `http://` means it.
fn is_plain(endpoint: &str) -> bool {
    endpoint.get(..7).is_some_and(|it| it.eq_ignore_ascii_case("http://"))
}

/// A large object may take its time, as long as pieces of it keep coming.
fn client(config: &Config) -> ClientOptions {
    ClientOptions::new()
        .with_timeout_disabled()
        .with_connect_timeout(config.connect.duration())
        .with_read_timeout(config.idle.duration())
}

fn retry(config: &Config) -> RetryConfig {
    RetryConfig {
        backoff: BackoffConfig { max_backoff: LONGEST_PAUSE, ..BackoffConfig::default() },
        max_retries: config.retries,
        retry_timeout: config.retry_for.duration(),
    }
}

/// Everything that is only ours to know: of the environment, whatever does not merely say where and who.
fn secrets(config: &Config) -> Vec<Hidden> {
    let told = [
        &config.s3.secret_access_key,
        &config.s3.session_token,
        &config.gcs.service_account_key,
        &config.azure.access_key,
        &config.azure.sas_token,
    ];
    let is_secret = |name: &str| ["SECRET", "TOKEN", "KEY", "SAS", "PASSWORD"].iter().any(|it| name.contains(it));
    let found = config.environment.iter().filter(|(name, _)| is_secret(name) && *name != "AWS_ACCESS_KEY_ID");
    told.into_iter().flatten().chain(found.map(|(_, value)| value)).cloned().collect()
}

fn masked(mut text: String, secrets: &[Hidden]) -> String {
    for secret in secrets.iter().filter(|it| it.expose().len() > 3) {
        text = text.replace(secret.expose(), "…");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Config {
        serde_json::from_str(json).unwrap()
    }

    fn opened(url: &str, config: &Config) -> Result<String, String> {
        open(&url.parse().unwrap(), config).map(|it| it.objects.to_string())
    }

    #[test]
    fn every_kind_of_store_is_opened_by_configuration_alone() {
        let config = read(
            r#"{ "s3": { "endpoint": "http://127.0.0.1:1", "region": "eu-central-1", "access_key_id": "me", "secret_access_key": "canary" },
                "gcs": { "anonymous": true }, "azure": { "account": "weft", "access_key": "Y2FuYXJ5" } }"#,
        );
        assert!(opened("s3://wine/x", &config).unwrap().contains("wine"));
        assert!(opened("gs://wine/x", &config).unwrap().contains("wine"));
        let azure = opened("az://wine/x", &config).unwrap();
        assert!(azure.contains("weft") && azure.contains("wine"), "{azure}");
        assert!(opened("file:///x", &config).is_err());
    }

    #[test]
    fn the_environment_fills_in_and_the_configuration_wins() {
        let mut config = Config::default();
        for (name, value) in [
            ("AZURE_STORAGE_ACCOUNT_NAME", "ofenvironment"),
            ("AZURE_STORAGE_ACCOUNT_KEY", "Y2FuYXJ5"),
            ("GOOGLE_SKIP_SIGNATURE", "true"),
            ("AWS_UNKNOWN_KEY", "x"),
        ] {
            assert!(Config::reads(name));
            config.environment.insert(name.into(), Hidden::new(value));
        }
        assert!(opened("az://wine/x", &config).unwrap().contains("ofenvironment"));
        assert!(opened("gs://wine/x", &config).is_ok());
        config.azure.account = Some("ofconfiguration".into());
        assert!(opened("az://wine/x", &config).unwrap().contains("ofconfiguration"));
    }

    #[test]
    fn what_cannot_be_opened_says_why_and_no_secret() {
        let config = read(r#"{ "azure": { "account": "weft", "access_key": "not base64, a canary" } }"#);
        let error = opened("az://wine/x", &config).unwrap_err();
        assert!(!error.is_empty() && !error.contains("canary"), "{error}");
        let error = opened("az://wine/x", &Config::default()).unwrap_err();
        assert!(error.to_lowercase().contains("account"), "{error}");
        let config = read(r#"{ "gcs": { "service_account_key": "{ \"canary\": 1 }" } }"#);
        let error = opened("gs://wine/x", &config).unwrap_err();
        assert!(!error.contains("canary"), "{error}");
    }

    #[test]
    fn secrets_are_cut_from_what_a_server_sends_back() {
        let mut config = read(r#"{ "s3": { "session_token": "canary-one" } }"#);
        config.environment.insert("AWS_SECRET_ACCESS_KEY".into(), Hidden::new("canary-two"));
        config.environment.insert("AWS_REGION".into(), Hidden::new("eu-central-1"));
        let said = masked("canary-one, canary-two, eu-central-1".into(), &secrets(&config));
        assert_eq!(said, "…, …, eu-central-1");
    }
}
