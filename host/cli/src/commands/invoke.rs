//! `fn invoke`: one call by hand.

use std::io::Read;

use anyhow::Result;
use host_wire::invoke::{Invoked, Outcome};
use reqwest::Method;
use serde_json::Value;

use crate::{
    args::InvokeArgs,
    client::Client,
    ui::{Exit, Printer, Stop},
};

/// Calls a handler with an event, or a wasi:http function with a POST.
pub(super) async fn run(args: &InvokeArgs, client: &Client, printer: &Printer) -> Result<()> {
    let data = data(args.data.as_deref())?;
    let name = args.name.split('@').next().unwrap_or(&args.name);
    let detail: host_wire::function::FunctionDetail =
        client.get(&client.in_project(&format!("/functions/{name}")), &[]).await?;
    let entries = &detail.function.entries;
    match (entries.contains(&host_wire::function::Entry::Http), &detail.function.path) {
        // A revision by its number has no path of its own: the host makes a request of the event.
        (true, Some(path)) if !args.name.contains('@') => http(args, path, data, client, printer).await,
        (_, Some(_)) => event(args, data, client, printer).await,
        (_, None) => {
            Err(Stop::new(Exit::Refused, format!("function `{name}` is a job")).hint(format!("fn run {name}")).into())
        }
    }
}

/// The payload: nothing, a text, a file or standard input.
fn data(given: Option<&str>) -> Result<Vec<u8>, Stop> {
    let unreadable =
        |what: &str, error: std::io::Error| Stop::new(Exit::Usage, format!("could not read {what}: {error}"));
    match given {
        None => Ok(Vec::new()),
        Some("-") => {
            let mut bytes = Vec::new();
            std::io::stdin().lock().read_to_end(&mut bytes).map_err(|error| unreadable("standard input", error))?;
            Ok(bytes)
        }
        Some(text) => match text.strip_prefix('@') {
            Some(file) => std::fs::read(file).map_err(|error| unreadable(file, error)),
            None => Ok(text.as_bytes().to_vec()),
        },
    }
}

async fn event(args: &InvokeArgs, data: Vec<u8>, client: &Client, printer: &Printer) -> Result<()> {
    let path = client.in_project(&format!("/functions/{}/invoke", args.name));
    let request = client.request(Method::POST, &path).query(&[("type", &args.event_type)]);
    let answer = client.send(request.header("content-type", &args.content_type).body(data)).await?;
    let invoked: Invoked = client.read(answer).await?;
    if printer.is_json() || invoked.outcomes.iter().any(|it| it.outputs.is_some()) {
        printer.answer(&invoked, || invoked.outcomes.iter().map(text).collect::<Vec<_>>().join("\n"));
    }
    let Some(failure) = invoked.outcomes.iter().find_map(|it| it.failure.as_ref()) else { return Ok(()) };
    Err(Stop::new(Exit::Failed, format!("`{}` failed: {} ({})", args.name, failure.message, failure.code))
        .at(format!("call {}", invoked.call))
        .hint(format!("fn logs --call {}", invoked.call))
        .into())
}

/// The outputs of an event, a line each.
fn text(outcome: &Outcome) -> String {
    let outputs = outcome.outputs.iter().flatten().map(|output| match (&output.data, &output.data_base64) {
        (Some(Value::String(text)), _) => text.clone(),
        (Some(data), _) => data.to_string(),
        (None, Some(base64)) => base64.clone(),
        (None, None) => String::new(),
    });
    outputs.collect::<Vec<_>>().join("\n")
}

async fn http(args: &InvokeArgs, path: &str, data: Vec<u8>, client: &Client, printer: &Printer) -> Result<()> {
    let request =
        client.request(Method::POST, &format!("{path}/")).header("content-type", &args.content_type).body(data);
    let response = client.send_any(request).await?;
    let status = response.status();
    let body = response
        .bytes()
        .await
        .map_err(|error| Stop::new(Exit::Unreachable, format!("the answer broke off: {error}")))?;
    if printer.is_json() {
        let text = String::from_utf8_lossy(&body);
        let value = serde_json::from_slice::<Value>(&body).unwrap_or_else(|_| Value::String(text.into_owned()));
        printer.json_line(&serde_json::json!({ "status": status.as_u16(), "body": value }));
    } else {
        printer.raw(&body);
        printer.out("");
    }
    if status.is_success() {
        return Ok(());
    }
    Err(Stop::new(Exit::Failed, format!("`{}` answered {status}", args.name))
        .hint(format!("fn logs {}", args.name))
        .into())
}
