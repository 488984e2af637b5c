//! What a function asks for, in words, and whether one asks for more than another.

use std::collections::BTreeSet;

use host_core::{
    grant::{PublishTarget, SecretGrant},
    manifest::{Manifest, Time, Trigger},
    size::{ByteSize, Millis},
};
use serde::{Deserialize, Serialize};

/// What a function asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Asks {
    /// Its rights, one by one.
    pub rights: BTreeSet<Ask>,
    /// The most memory an instance may hold.
    pub memory: ByteSize,
    /// The longest a call may take.
    pub timeout: Millis,
}

/// One thing a function asks for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Ask {
    /// The word of the right, as `[grants]` has it; `trigger` and `time` beside these.
    pub right: &'static str,
    /// What of, as a policy file names it.
    pub what: String,
    /// The same for people.
    pub words: String,
}

/// What may be taken without asking anybody: a file for machines. What is not named is not allowed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Allowance {
    /// Requests, as `[grants] http` writes them; `"*"` allows any.
    pub http: Vec<String>,
    /// Servers.
    pub tcp: Vec<String>,
    /// Models.
    pub model: Vec<String>,
    /// Secrets.
    pub secret: Vec<String>,
    /// Plain values.
    pub config: Vec<String>,
    /// Buckets.
    pub keyvalue: Vec<String>,
    /// Destinations of events.
    pub publish: Vec<String>,
    /// What wakes it: `"http /path"`, `"kafka topic"` and so on.
    pub trigger: Vec<String>,
    /// Whether it may see the real time.
    pub time: bool,
    /// The most memory; a job's default when absent.
    pub memory: Option<ByteSize>,
    /// The longest call; a job's default when absent.
    pub timeout: Option<Millis>,
}

impl Asks {
    /// What the function of `manifest` asks for.
    #[must_use]
    pub fn of(manifest: &Manifest) -> Self {
        let grants = &manifest.grants;
        let plain = |right: &'static str, verb: &'static str| {
            move |what: String| Ask { right, words: format!("{verb} {what}"), what }
        };
        let private = |it: bool| if it { " (also at private addresses)" } else { "" };
        let http = grants.http.iter().map(|it| format!("{it}{}", private(it.private)));
        let tcp = grants.tcp.iter().map(|it| format!("{it}{}", private(it.private)));
        let mut rights: BTreeSet<Ask> = http.map(plain("http", "send requests to")).collect();
        rights.extend(tcp.map(plain("tcp", "open connections to")));
        rights.extend(grants.model.iter().map(|it| plain("model", "ask the model")(it.to_string())));
        rights.extend(grants.secret.iter().map(secret));
        rights.extend(grants.keyvalue.iter().map(|it| plain("keyvalue", "keep values in the bucket")(it.to_string())));
        rights.extend(grants.config.keys().map(|it| plain("config", "read the plain value")(it.clone())));
        rights.extend(grants.publish.iter().map(|it| plain("publish", "send events to")(target(&it.to))));
        rights.extend(manifest.triggers.iter().map(trigger));
        if manifest.time == Time::Real {
            rights.insert(Ask { right: "time", what: "real".into(), words: "see the real time".into() });
        }
        Self { rights, memory: manifest.limits.job_memory(), timeout: manifest.limits.job_timeout() }
    }

    /// All of it for people, one thing per line.
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        let mut words: Vec<String> = self.rights.iter().map(|it| plain(&it.words, &[])).collect();
        words.push(format!("hold {} of memory and run for {} at most", self.memory, self.timeout));
        words
    }

    /// What it asks for beyond `before`, for people; nothing, when it asks for no more.
    #[must_use]
    pub fn beyond(&self, before: &Self) -> Vec<String> {
        let mut more: Vec<String> = self.rights.difference(&before.rights).map(|it| plain(&it.words, &[])).collect();
        more.extend(self.larger(before.memory, before.timeout));
        more
    }

    /// What it asks for that `allowed` does not name, for people.
    #[must_use]
    pub fn beyond_allowance(&self, allowed: &Allowance) -> Vec<String> {
        let is_allowed = |ask: &&Ask| allowed.names(ask);
        let mut more: Vec<String> =
            self.rights.iter().filter(|it| !is_allowed(it)).map(|it| plain(&it.words, &[])).collect();
        let memory = allowed.memory.unwrap_or(ByteSize(1 << 30));
        more.extend(self.larger(memory, allowed.timeout.unwrap_or(Millis(3_600_000))));
        more
    }

    fn larger(&self, memory: ByteSize, timeout: Millis) -> impl Iterator<Item = String> + use<> {
        let larger = (self.memory.0 > memory.0).then(|| format!("hold {} of memory, not {memory}", self.memory));
        let longer = (self.timeout.0 > timeout.0).then(|| format!("run for {}, not {timeout}", self.timeout));
        larger.into_iter().chain(longer)
    }
}

impl Allowance {
    fn names(&self, ask: &Ask) -> bool {
        let list = match ask.right {
            "http" => &self.http,
            "tcp" => &self.tcp,
            "model" => &self.model,
            "secret" => &self.secret,
            "config" => &self.config,
            "keyvalue" => &self.keyvalue,
            "publish" => &self.publish,
            "trigger" => &self.trigger,
            _ => return self.time,
        };
        list.iter().any(|it| it == "*" || *it == ask.what)
    }
}

/// What somebody else wrote, on its way to a terminal: without what would move its cursor, change its colours or turn the
/// direction of the text around. Line breaks and tabs stay where they are said to.
#[must_use]
pub fn plain(text: &str, keep: &[char]) -> String {
    let turns = |it: char| matches!(it, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().filter(|it| keep.contains(it) || !(it.is_control() || turns(*it))).collect()
}

/// A secret that may only travel is another thing than one that is read.
fn secret(grant: &SecretGrant) -> Ask {
    let name = &grant.name;
    if !grant.is_opaque() {
        return Ask { right: "secret", what: name.to_string(), words: format!("read the secret {name}") };
    }
    let to: Vec<String> = grant.to.iter().map(ToString::to_string).collect();
    let to = to.join(", ");
    Ask { right: "secret", what: format!("{name} to {to}"), words: format!("send the secret {name} to {to}") }
}

fn target(target: &PublishTarget) -> String {
    match target {
        PublishTarget::Kafka(it) => format!("the Kafka topic {}", it.topic),
        PublishTarget::Amqp(it) => format!("the AMQP address {}", it.to),
        PublishTarget::Function(it) => format!("the function {it}"),
    }
}

fn trigger(trigger: &Trigger) -> Ask {
    let reads = match trigger.http() {
        Some(route) => format!("{}{}", route.host.as_deref().unwrap_or_default(), route.path),
        None => trigger.reads(),
    };
    let words = match trigger {
        Trigger::Http(_) => format!("answer requests to {reads}"),
        Trigger::Schedule(_) => format!("be woken by the clock, {reads}"),
        _ => format!("be woken by {} {reads}", trigger.kind()),
    };
    Ask { right: "trigger", what: format!("{} {reads}", trigger.kind()), words }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asks(text: &str) -> Asks {
        Asks::of(&Manifest::parse(&format!("name = \"x\"\n{text}")).unwrap())
    }

    #[test]
    fn what_a_function_asks_for_is_said_in_words() {
        let asked = asks(
            "time = \"real\"\n[limits]\nmemory = \"64MiB\"\ntimeout = \"5s\"\n[grants]\n\
             http = [\"GET https://api.example.com/v1/\"]\nmodel = [\"wine\"]\n\
             secret = [\"db\", { name = \"key\", to = [\"https://api.example.com\"] }]\nkeyvalue = [\"seen\"]\n\
             [[triggers]]\nkind = \"http\"\npath = \"/x\"\n",
        );
        assert_eq!(
            asked.words(),
            [
                "send requests to GET https://api.example.com/v1/",
                "keep values in the bucket seen",
                "ask the model wine",
                "read the secret db",
                "send the secret key to https://api.example.com",
                "see the real time",
                "answer requests to /x",
                "hold 64MiB of memory and run for 5s at most",
            ]
        );
    }

    #[test]
    fn only_what_is_more_than_before_is_told() {
        let before = asks("[limits]\nmemory = \"64MiB\"\n[grants]\nmodel = [\"wine\"]\n");
        let less = asks("[limits]\nmemory = \"32MiB\"\n");
        assert!(less.beyond(&before).is_empty());
        let more =
            asks("[limits]\nmemory = \"128MiB\"\n[grants]\nmodel = [\"wine\"]\nhttp = [\"https://x.example\"]\n");
        assert_eq!(more.beyond(&before), ["send requests to https://x.example", "hold 128MiB of memory, not 64MiB"]);
        let private = asks("[grants]\nhttp = [{ url = \"https://x.example\", private = true }]\n");
        assert_eq!(private.beyond(&asks("[grants]\nhttp = [\"https://x.example\"]\n")).len(), 1);
    }

    #[test]
    fn nothing_that_is_asked_for_can_paint_over_the_question() {
        let asked = asks("[grants.config]\n\"a\\u001B[2K\\nharmless\\u202E\" = \"1\"\n");
        assert_eq!(asked.words()[0], "read the plain value a[2Kharmless");
        assert_eq!(plain("a\nb\u{1b}c", &['\n']), "a\nbc");
    }

    #[test]
    fn a_policy_file_allows_what_it_names_and_nothing_else() {
        let allowed = Allowance { model: vec!["wine".into()], http: vec!["*".into()], ..Allowance::default() };
        assert!(
            asks("[grants]\nmodel = [\"wine\"]\nhttp = [\"https://x.example\"]\n")
                .beyond_allowance(&allowed)
                .is_empty()
        );
        let refused = asks("[limits]\nmemory = \"2GiB\"\n[grants]\nmodel = [\"other\"]\n").beyond_allowance(&allowed);
        assert_eq!(refused, ["ask the model other", "hold 2GiB of memory, not 1GiB"]);
    }
}
