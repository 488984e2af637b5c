//! What keeps the triggers of a function from working, told before it is released.

use std::sync::Arc;

use async_trait::async_trait;
use host_core::{
    Name,
    function::Entries,
    manifest::{Delivery, Manifest, Trigger},
    ports::{MODELS, SecretError, Secrets, TriggerCheck},
};

use crate::{Config, amqp};

/// Knows what each kind of trigger needs.
pub struct Check {
    config: Config,
    secrets: Arc<dyn Secrets>,
}

impl Check {
    /// What sources with this configuration need, and the secrets there are.
    #[must_use]
    pub fn new(config: Config, secrets: Arc<dyn Secrets>) -> Self {
        Self { config, secrets }
    }

    /// What a trigger will miss until somebody sets it.
    async fn missing(&self, project: &Name, trigger: &Trigger) -> Vec<String> {
        let mut missing = Vec::new();
        for secret in trigger.secrets() {
            if let Err(SecretError::NotSet(_)) = self.secrets.describe(project, secret).await {
                let name = trigger.name().unwrap_or(trigger.kind());
                missing.push(format!(
                    "trigger `{name}` is opened with the secret `{secret}`, which is not set: `fn secrets set {secret}`"
                ));
            }
        }
        missing
    }
}

#[async_trait]
impl TriggerCheck for Check {
    async fn check(&self, project: &Name, manifest: &Manifest, entries: Entries) -> Result<Vec<String>, String> {
        let mut warnings = Vec::new();
        for trigger in &manifest.triggers {
            let Some(name) = trigger.name() else { continue };
            if manifest.name.as_str() == MODELS {
                let why = "the triggers of a function called `models` are those of the project's model streams: give the \
                           function another name";
                return Err(format!("trigger `{name}`: {why}"));
            }
            entry(name, trigger, entries)?;
            let of_trigger = |problem: String| format!("trigger `{name}`: {problem}");
            match trigger {
                Trigger::Amqp(it) => {
                    let timeout = manifest.limits.call_timeout().duration();
                    amqp::check_timeout(&self.config.amqp, it, timeout).map_err(of_trigger)?;
                }
                Trigger::Kafka(it) if it.delivery == Delivery::ExactlyOnce => {
                    warnings.extend(beside(manifest).map(|right| at_least_once(name, right)));
                }
                Trigger::Http(_) | Trigger::Kafka(_) | Trigger::Schedule(_) | Trigger::Event(_) => {}
            }
            warnings.extend(self.missing(project, trigger).await);
        }
        Ok(warnings)
    }
}

/// Streams need somebody who answers events; the clock and the platform's events start jobs as well.
fn entry(name: &str, trigger: &Trigger, entries: Entries) -> Result<(), String> {
    let takes_jobs = matches!(trigger, Trigger::Schedule(_) | Trigger::Event(_));
    if entries.handler || entries.http || (takes_jobs && entries.job) {
        return Ok(());
    }
    let kind = trigger.kind();
    Err(format!(
        "trigger `{name}` brings events, and the component has no entry that takes them from {kind}: export \
         weft:function/handler or wasi:http/incoming-handler"
    ))
}

/// The rights whose effects no transaction of Kafka's covers.
fn beside(manifest: &Manifest) -> impl Iterator<Item = &'static str> {
    let grants = &manifest.grants;
    let network = [("http", !grants.http.is_empty()), ("tcp", !grants.tcp.is_empty())];
    let kept = [("keyvalue", !grants.keyvalue.is_empty()), ("publish", !grants.publish.is_empty())];
    network.into_iter().chain(kept).filter_map(|(right, is_granted)| is_granted.then_some(right))
}

fn at_least_once(name: &str, right: &str) -> String {
    format!(
        "trigger `{name}` delivers exactly once what is returned; what is done by `{right}` may still happen twice for \
         one event"
    )
}

#[cfg(test)]
mod tests {
    use host_core::ports::NoSecrets;

    use super::*;

    const HANDLER: Entries = Entries { http: false, handler: true, job: false };
    const JOB: Entries = Entries { http: false, handler: false, job: true };
    const KAFKA: &str = "[[triggers]]\nkind = \"kafka\"\nbrokers = [\"a:1\"]\ntopics = [\"t\"]\n";
    const AMQP: &str = "[[triggers]]\nkind = \"amqp\"\nurl = \"amqp://a\"\nqueue = \"q\"\n";
    const CLOCK: &str = "[[triggers]]\nkind = \"schedule\"\ncron = \"0 2 * * *\"\n";

    async fn check(manifest: &str, entries: Entries) -> Result<Vec<String>, String> {
        let manifest = Manifest::parse(&format!("name = \"x\"\n{manifest}")).unwrap();
        let check = Check::new(Config::default(), Arc::new(NoSecrets));
        check.check(&Name::default_project(), &manifest, entries).await
    }

    #[tokio::test]
    async fn a_stream_needs_an_entry_that_takes_events_and_the_clock_takes_jobs_too() {
        assert_eq!(check(KAFKA, HANDLER).await, Ok(vec![]));
        assert!(check(KAFKA, JOB).await.unwrap_err().contains("trigger `kafka` brings events"));
        assert!(check(AMQP, JOB).await.unwrap_err().contains("weft:function/handler"));
        assert_eq!(check(CLOCK, JOB).await, Ok(vec![]));
    }

    #[tokio::test]
    async fn no_function_takes_the_place_of_the_model_streams() {
        let check = Check::new(Config::default(), Arc::new(NoSecrets));
        let manifest = |rest: &str| Manifest::parse(&format!("name = \"models\"\n{rest}")).unwrap();
        let project = Name::default_project();
        let error = check.check(&project, &manifest(KAFKA), HANDLER).await.unwrap_err();
        assert!(error.contains("model streams: give the function another name"), "{error}");
        assert_eq!(check.check(&project, &manifest(""), HANDLER).await, Ok(vec![]));
    }

    #[tokio::test]
    async fn a_call_that_outlives_the_servers_patience_is_refused() {
        let slow = format!("[limits]\ntimeout = \"1h\"\n{AMQP}");
        let error = check(&slow, HANDLER).await.unwrap_err();
        assert!(error.starts_with("trigger `amqp`: a call may take 3600 s"), "{error}");
    }

    #[tokio::test]
    async fn a_secret_that_nobody_set_is_warned_of() {
        let sasl = format!("{KAFKA}sasl = {{ mechanism = \"PLAIN\", username = \"u\", password = \"pass\" }}\n");
        let warnings = check(&sasl, HANDLER).await.unwrap();
        assert_eq!(
            warnings,
            ["trigger `kafka` is opened with the secret `pass`, which is not set: `fn secrets set pass`"]
        );
    }

    #[tokio::test]
    async fn what_exactly_once_does_not_cover_is_warned_of() {
        let text = format!("[grants]\nhttp = [\"https://a.example\"]\n{KAFKA}delivery = \"exactly-once\"\n");
        let warnings = check(&text, HANDLER).await.unwrap();
        assert!(warnings.len() == 1 && warnings[0].contains("`http` may still happen twice"), "{warnings:?}");
        assert_eq!(check(&text.replace("exactly", "at-least"), HANDLER).await, Ok(vec![]));
    }
}
