//! A handler that reads the value its event names, and says it where the event's type says, for the tests of hosts.

use std::{
    io::Write as _,
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

use serde_json::json;
use weft::{Event, Failure, OrFail as _, Output, config};

/// How often this instance was asked.
static CALLS: AtomicU64 = AtomicU64::new(0);

/// The first value this instance read: what a careless function keeps.
static FIRST: OnceLock<String> = OnceLock::new();

type Bytes = Vec<u8>;

#[weft::handler]
fn tell(event: Event<Bytes>) -> Result<Output<Bytes>, Failure> {
    CALLS.fetch_add(1, Ordering::Relaxed);
    let name = std::str::from_utf8(&event.data).or_invalid("bad-text")?;
    match event.kind.as_str() {
        "get" => Ok(answer(config::get(name)?.unwrap_or_else(|| "nothing".to_owned()))),
        "all" => Ok(answer(json!(config::all()?).to_string())),
        "first" => {
            let now = config::require(name)?;
            let first = FIRST.get_or_init(|| now);
            Ok(answer(json!({ "first": first, "calls": CALLS.load(Ordering::Relaxed) }).to_string()))
        }
        "print" => print(&config::require(name)?),
        "log" => {
            let value = config::require(name)?;
            weft::info!({ value = value, encoded = percent(&value) }, "the value is {value}, or {}", hex(&value));
            Ok(answer(String::new()))
        }
        "trap" => panic!("the value is {}", config::require(name)?),
        "fail" => {
            let value = config::require(name)?;
            Err(Failure::fatal(&value, format!("the value is {value}")))
        }
        other => Err(Failure::invalid("unknown-behaviour", format!("no behaviour is called `{other}`"))),
    }
}

/// On both streams, plain, quoted and encoded; once in two pieces, once without an end of line.
fn print(value: &str) -> Result<Output<Bytes>, Failure> {
    let (mut out, mut err) = (std::io::stdout(), std::io::stderr());
    writeln!(out, "plain {value} quoted {value:?} hex {} percent {}", hex(value), percent(value))?;
    let middle = value.len() / 2;
    out.write_all(&value.as_bytes()[..middle])?;
    out.flush()?;
    writeln!(out, "{}", &value[middle..])?;
    write!(err, "unended {value}")?;
    Ok(answer(String::new()))
}

fn answer(text: String) -> Output<Bytes> {
    Output::of(text.into_bytes())
}

fn hex(value: &str) -> String {
    value.bytes().map(|byte| format!("{byte:02x}")).collect()
}

fn percent(value: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    value.bytes().map(|it| if plain(it) { char::from(it).to_string() } else { format!("%{it:02X}") }).collect()
}
