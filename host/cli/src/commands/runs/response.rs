//! `fn runs response`: what a request that is answered later was answered.

use anyhow::Result;
use reqwest::{Method, StatusCode};

use crate::{
    args::RunResponseArgs,
    client::Client,
    ui::{Exit, Printer, Stop},
};

/// Shows the response, whatever its status.
pub(super) async fn run(args: &RunResponseArgs, id: &str, client: &Client, printer: &Printer) -> Result<()> {
    let path = client.in_project(&format!("/runs/{id}/response"));
    let answer = client.send_any(client.request(Method::GET, &path)).await?;
    let status = answer.status();
    let failed = |what: String| Stop::new(Exit::Failed, what);
    if status == StatusCode::ACCEPTED && answer.headers().contains_key("retry-after") {
        return Err(failed(format!("run {id} has no response yet")).hint(format!("fn runs show {id}")).into());
    }
    printer.say(&format!("{status}"));
    let bytes = answer.bytes().await.map_err(|error| failed(format!("the host's answer broke off: {error}")))?;
    match &args.output {
        Some(file) => {
            std::fs::write(file, &bytes)
                .map_err(|error| failed(format!("could not write {}: {error}", file.display())))?;
            printer
                .answer(&serde_json::json!({ "status": status.as_u16(), "file": file }), || file.display().to_string());
        }
        None => printer.raw(&bytes),
    }
    Ok(())
}
