//! A message: a title, a text and facts, within what Slack takes.

use serde_json::{Map, Value, json};

/// The longest title, characters.
const TITLE: usize = 150;
/// The longest text, characters.
const TEXT: usize = 2900;
/// The longest fact, characters.
const FACT: usize = 300;
/// The most facts.
const FACTS: usize = 10;

/// What people are told.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Message {
    title: String,
    text: String,
    facts: Vec<(String, String)>,
}

impl Message {
    /// A message; facts that are no text are told as JSON.
    pub(crate) fn new(title: String, text: String, facts: Map<String, Value>) -> Self {
        let fact = |(name, value): (String, Value)| match value {
            Value::String(text) => (name, text),
            other => (name, other.to_string()),
        };
        Self { title, text, facts: facts.into_iter().map(fact).collect() }
    }

    /// The body: `text` for whoever shows but that, blocks for the others.
    pub(crate) fn as_slack_takes_it(&self) -> Value {
        let mut blocks = Vec::new();
        if !self.title.is_empty() {
            let title = json!({ "type": "plain_text", "text": shortened(&self.title, TITLE) });
            blocks.push(json!({ "type": "header", "text": title }));
        }
        if !self.text.is_empty() {
            blocks.push(json!({ "type": "section", "text": marked(&shortened(&self.text, TEXT)) }));
        }
        let facts: Vec<Value> = self.facts.iter().take(FACTS).map(fact).collect();
        if !facts.is_empty() {
            blocks.push(json!({ "type": "section", "fields": facts }));
        }
        json!({ "text": escaped(&shortened(&self.whole(), TEXT)), "blocks": blocks })
    }

    /// Title and text in one line each.
    fn whole(&self) -> String {
        [self.title.as_str(), self.text.as_str()].into_iter().filter(|it| !it.is_empty()).collect::<Vec<_>>().join("\n")
    }
}

fn fact((name, value): &(String, String)) -> Value {
    let text = format!("*{}*\n{}", escaped(&shortened(name, FACT)), escaped(&shortened(value, FACT)));
    json!({ "type": "mrkdwn", "text": text })
}

fn marked(text: &str) -> Value {
    json!({ "type": "mrkdwn", "text": escaped(text) })
}

/// So that no text makes a link, a mention or a command.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_has_a_title_a_text_and_facts() {
        let facts = json!({ "accuracy": 0.93, "model": "wine" }).as_object().cloned().unwrap();
        let body = Message::new("Trained".into(), "It is <better>".into(), facts).as_slack_takes_it();
        assert_eq!(body["text"], "Trained\nIt is &lt;better&gt;");
        assert_eq!(body["blocks"][0]["text"], json!({ "type": "plain_text", "text": "Trained" }));
        assert_eq!(body["blocks"][1]["text"]["text"], "It is &lt;better&gt;");
        assert_eq!(body["blocks"][2]["fields"][0]["text"], "*accuracy*\n0.93");
    }

    #[test]
    fn what_is_too_long_is_cut_between_characters() {
        let body = Message::new(String::new(), "ö".repeat(5000), Map::new()).as_slack_takes_it();
        assert_eq!(body["text"].as_str().unwrap().chars().count(), TEXT + 1);
        assert_eq!(body["blocks"].as_array().unwrap().len(), 1);
    }
}
