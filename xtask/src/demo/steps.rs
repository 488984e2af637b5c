//! What the demo shows, in order. Each step is a few calls of `fn` or a few requests, as a user would make them.

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::host::Host;
use crate::talk;

/// One thing to show.
#[derive(Debug)]
pub(crate) struct Step {
    /// What it does, completing "could not …".
    pub(crate) title: &'static str,
    /// How it is done.
    pub(crate) work: fn(&Host) -> Result<()>,
}

/// The demo, from start to end.
pub(crate) const STEPS: &[Step] = &[
    Step { title: "deploy a function", work: deploy },
    Step { title: "call it from the command line", work: invoke },
    Step { title: "call it over HTTP", work: call },
    Step { title: "refuse what is not an order", work: refuse },
    Step { title: "show what is deployed and what was logged", work: look },
];

/// Where a visitor goes on, once all steps are done.
pub(crate) const ADDRESSES: &[(&str, &str)] = &[
    ("/fn/enrich/", "the function; POST an order to it"),
    ("/api/v1/openapi.json", "the control plane, described"),
    ("/readyz", "whether the host takes calls"),
];

/// xtask has compiled it already, beside all the others, so that every core was busy.
fn deploy(host: &Host) -> Result<()> {
    host.run(&["deploy", "functions/enrich", "--no-build"])
}

fn invoke(host: &Host) -> Result<()> {
    host.run(&["invoke", "enrich", "--data", &order("o-1", 2).to_string()])
}

fn call(host: &Host) -> Result<()> {
    for number in 2..=4 {
        let (status, answer) = host.post("/enrich", &order(&format!("o-{number}"), number))?;
        talk::answer(format_args!("{status} {answer}"));
        ensure!(status == 200, "the function answered {status} instead of 200");
    }
    Ok(())
}

fn refuse(host: &Host) -> Result<()> {
    let (status, answer) = host.post("/enrich", &json!({ "order": "o-5", "customer": "c-7" }))?;
    talk::answer(format_args!("{status} {answer}"));
    ensure!(status == 422, "the function answered {status} instead of 422");
    Ok(())
}

fn look(host: &Host) -> Result<()> {
    host.run(&["list"])?;
    host.run(&["show", "enrich"])?;
    host.run(&["logs", "enrich"])
}

fn order(id: &str, quantity: u64) -> Value {
    json!({ "order": id, "customer": "c-7", "country": "SE", "lines": [{ "quantity": quantity, "cents": 250 }] })
}
