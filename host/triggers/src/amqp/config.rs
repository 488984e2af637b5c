//! The bounds of everything that speaks AMQP, and what they mean for a deploy.

use std::time::Duration;

use host_core::{manifest::AmqpTrigger, size::Millis};
use serde::{Deserialize, Serialize};

/// How AMQP servers are spoken to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// How long the servers wait for an acknowledgement before they close the channel: `consumer_timeout` of RabbitMQ.
    pub consumer_timeout: Millis,
    /// How long a connection may be silent before it counts as lost.
    pub heartbeat: Millis,
    /// How long opening a connection may take.
    pub connect: Millis,
    /// How long a server may take to confirm what was published.
    pub confirm: Millis,
    /// How many batches of one trigger are worked on at once; one, where it is `ordered`.
    pub batches: u32,
    /// How often it is asked how many messages wait.
    pub lag: Millis,
    /// How many functions may publish to one server at once; others wait.
    pub channels: u32,
    /// How long a connection that functions publish by stays open unused.
    pub idle: Millis,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            consumer_timeout: Millis(30 * 60_000),
            heartbeat: Millis(15_000),
            connect: Millis(10_000),
            confirm: Millis(30_000),
            batches: 4,
            lag: Millis(5_000),
            channels: 16,
            idle: Millis(5 * 60_000),
        }
    }
}

impl Config {
    /// In whole seconds, as the protocol counts; at least one.
    pub(super) fn heartbeat_s(&self) -> u16 {
        u16::try_from(self.heartbeat.0.div_ceil(1_000)).unwrap_or(u16::MAX).max(1)
    }

    /// How long a message may be held back before it is better given back.
    pub(super) fn patience(&self) -> Duration {
        self.consumer_timeout.duration() / 2
    }

    /// How many messages are sent ahead to a trigger whose function may take so long for a call: no more than are worked
    /// on before the server would take the last of them back.
    pub(super) fn ahead(&self, trigger: &AmqpTrigger, timeout: Duration) -> u16 {
        if trigger.ordered {
            return 1;
        }
        let calls = self.patience().as_millis() / timeout.as_millis().max(1);
        let at_once = u128::from(trigger.batch.events.max(1)) * self.batches_of(trigger) as u128;
        trigger.prefetch.min(u16::try_from(calls.max(1) * at_once).unwrap_or(u16::MAX))
    }

    /// How many batches of a trigger are worked on at once.
    pub(super) fn batches_of(&self, trigger: &AmqpTrigger) -> usize {
        if trigger.ordered { 1 } else { self.batches.max(1) as usize }
    }
}

/// Whether a trigger can live with the time that its function may take for a call.
///
/// # Errors
/// When the server would take a message back that is still being worked on: a message of an ordered trigger is held
/// through all of its attempts and the waits between them, others for one call.
pub fn check_timeout(config: &Config, trigger: &AmqpTrigger, timeout: Duration) -> Result<(), String> {
    let most = config.consumer_timeout.duration();
    let rule = trigger.retry.rule();
    let (held, why) = if trigger.ordered {
        let attempts = trigger.retry.attempts;
        let waits = (1..attempts).fold(Duration::ZERO, |sum, attempt| sum.saturating_add(rule.delay(attempt)));
        (timeout.saturating_mul(attempts).saturating_add(waits), format!("{attempts} attempts, one after the other,"))
    } else {
        (timeout, "a call".to_owned())
    };
    if held < most {
        return Ok(());
    }
    Err(format!(
        "{why} may take {} s, and the server takes a message back after {} s: shorten `timeout` under [limits]{}, or \
         raise the server's consumer_timeout and `triggers.amqp.consumer_timeout` alike",
        held.as_secs(),
        most.as_secs(),
        if trigger.ordered { " or `retry`" } else { "" },
    ))
}

#[cfg(test)]
mod tests {
    use host_core::manifest::{Manifest, Trigger};

    use super::*;

    fn trigger(more: &str) -> AmqpTrigger {
        let text = format!("name = \"x\"\n[[triggers]]\nkind = \"amqp\"\nurl = \"amqp://a\"\nqueue = \"q\"\n{more}");
        let Trigger::Amqp(trigger) = Manifest::parse(&text).unwrap().triggers.remove(0) else { panic!("another kind") };
        trigger
    }

    #[test]
    fn a_call_that_outlives_the_consumer_timeout_is_refused() {
        let config = Config::default();
        let check = |more, minutes: u64| check_timeout(&config, &trigger(more), Duration::from_secs(minutes * 60));
        assert!(check("", 29).is_ok());
        assert!(check("", 30).unwrap_err().contains("a call may take 1800 s"));
        assert!(check("ordered = true", 5).is_ok());
        let error = check("ordered = true", 6).unwrap_err();
        assert!(error.contains("5 attempts, one after the other, may take 1803 s"), "{error}");
        assert!(error.contains("or `retry`") && error.contains("amqp.consumer_timeout"), "{error}");
    }

    #[test]
    fn no_more_is_sent_ahead_than_is_worked_on_in_time() {
        let config = Config::default();
        let ahead = |more, seconds| config.ahead(&trigger(more), Duration::from_secs(seconds));
        assert_eq!(ahead("batch = { events = 100 }", 30), 1_000, "as the trigger says");
        assert_eq!(ahead("batch = { events = 1 }", 30), 120, "30 calls one after the other, and 4 at once");
        assert_eq!(ahead("batch = { events = 1 }", 1_500), 4);
        assert_eq!(ahead("ordered = true", 1), 1);
    }

    #[test]
    fn unknown_keys_are_refused_and_missing_ones_have_a_default() {
        let read = |text| toml_like(text);
        assert_eq!(read("{\"confirm\": \"5s\"}").unwrap(), Config { confirm: Millis(5_000), ..Config::default() });
        assert!(read("{\"prefetch\": 3}").is_err());
        assert_eq!(Config { heartbeat: Millis(1), ..Config::default() }.heartbeat_s(), 1);
    }

    fn toml_like(text: &str) -> Result<Config, serde_json::Error> {
        serde_json::from_str(text)
    }
}
