//! A job that reads the value its param names, and records it wherever a job can, for the tests of hosts.

use serde::Deserialize;
use serde_json::json;
use weft::{Failure, Run, config};

/// Which value, and how it ends.
#[derive(Debug, Deserialize)]
struct Params {
    name: String,
    #[serde(default)]
    end: String,
}

#[weft::job]
#[expect(clippy::print_stdout, reason = "what it prints is one of the places where the value must not be found")]
fn tell(params: Params, run: &Run) -> Result<(), Failure> {
    let value = config::require(&params.name)?;
    run.param("chosen", &json!({ "value": value }))?;
    run.result("report", &json!([value, { "nested": value }]))?;
    run.result(&value, &1)?;
    run.metric(&value, 1.0);
    run.progress(0.5, &value);
    // What a job writes into its own outputs is its own: here it is only how long the value is.
    std::fs::write(run.output("out"), value.len().to_string())?;
    run.describe("out", "file", &json!({ "value": value }))?;
    println!("{value}");
    match params.end.as_str() {
        "fail" => Err(Failure::fatal("asked", value)),
        "trap" => panic!("{value}"),
        _ => Ok(()),
    }
}
