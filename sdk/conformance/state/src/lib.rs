//! A handler that counts events by key, each once however often it comes; and does what other types of events say.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use weft::{
    Event, Failure, OrFail as _, Output,
    keyvalue::{self, Bucket},
};

mod seen;

use seen::Seen;

/// What is counted: data of any event whose type is none of those below.
#[derive(Deserialize)]
struct Item {
    /// What it is counted under.
    key: String,
    /// Its number among the events of that key. One that was counted already is not counted again.
    id: u64,
}

/// What is remembered of a key.
#[derive(Default, Serialize, Deserialize)]
struct Record {
    count: u64,
    seen: Seen,
}

/// What the other types of events are about.
#[derive(Deserialize)]
#[serde(default)]
struct Question {
    bucket: String,
    key: String,
    keys: Vec<String>,
    value: Value,
    by: i64,
}

impl Default for Question {
    fn default() -> Self {
        Self { bucket: "default".into(), key: String::new(), keys: Vec::new(), value: Value::Null, by: 1 }
    }
}

#[weft::handler]
fn keep(event: Event<Value>) -> Result<Output<Value>, Failure> {
    let question = |data| serde_json::from_value::<Question>(data).or_invalid("bad-json");
    match event.kind.as_str() {
        "get" => with(question(event.data)?, |it, bucket| bucket.get::<Value>(&it.key).map(|value| json!(value))),
        "set" => with(question(event.data)?, |it, bucket| bucket.set(&it.key, &it.value).map(|()| Value::Null)),
        "delete" => with(question(event.data)?, |it, bucket| bucket.delete(&it.key).map(|()| Value::Null)),
        "exists" => with(question(event.data)?, |it, bucket| bucket.exists(&it.key).map(|is| json!(is))),
        "increment" => with(question(event.data)?, |it, bucket| bucket.increment(&it.key, it.by).map(|sum| json!(sum))),
        "get-many" => {
            with(question(event.data)?, |it, bucket| bucket.get_many::<Value>(&it.keys).map(|all| json!(all)))
        }
        "set-many" => with(question(event.data)?, |it, bucket| {
            let entries: Vec<_> = it.keys.iter().map(|key| (key.clone(), it.value.clone())).collect();
            bucket.set_many(&entries).map(|()| Value::Null)
        }),
        "delete-many" => with(question(event.data)?, |it, bucket| bucket.delete_many(&it.keys).map(|()| Value::Null)),
        "keys" => {
            with(question(event.data)?, |_, bucket| bucket.keys().collect::<Result<Vec<_>, _>>().map(|all| json!(all)))
        }
        _ => count(serde_json::from_value(event.data).or_invalid("bad-json")?),
    }
}

/// Asks the bucket that the event names.
fn with(
    question: Question,
    ask: impl FnOnce(&Question, &Bucket) -> Result<Value, keyvalue::Error>,
) -> Result<Output<Value>, Failure> {
    let bucket = keyvalue::open(&question.bucket)?;
    Ok(Output::of(ask(&question, &bucket)?))
}

/// One more under its key, unless it was counted already. Count and what was counted are one value, so that no crash comes
/// between them.
fn count(item: Item) -> Result<Output<Value>, Failure> {
    let record = keyvalue::open("default")?.update(&item.key, |record: Option<Record>| {
        let mut record = record.unwrap_or_default();
        if record.seen.add(item.id) {
            record.count += 1;
        }
        record
    })?;
    let answer = json!({ "key": item.key, "count": record.count });
    Ok(Output::new("counted", answer).key(item.key))
}
