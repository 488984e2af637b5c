//! `fn runs`: list, show, logs, retry, cancel, reproduce, response, push.

mod follow;
mod push;
mod response;
mod show;

use anyhow::Result;
use host_wire::{
    Page,
    run::{Run, RunDetail},
};

use crate::{
    args::{RunIdArgs, RunLogsArgs, RunsCommand, RunsListArgs},
    client::Client,
    ui::{Exit, Printer, Stop, Table, ago, duration_us},
};

pub(super) use follow::follow;

/// Does what was asked of runs.
pub(super) async fn run(command: RunsCommand, client: &Client, printer: &Printer) -> Result<()> {
    match command {
        RunsCommand::List(args) => list(&args, client, printer).await,
        RunsCommand::Show(args) => show(&args, client, printer).await,
        RunsCommand::Logs(args) => logs(&args, client, printer).await,
        RunsCommand::Retry(args) => retry(&args, client, printer).await,
        RunsCommand::Cancel(args) => cancel(&args, client, printer).await,
        RunsCommand::Reproduce(args) => reproduce(&args, client, printer).await,
        RunsCommand::Push(args) => push::run(&args, client, printer).await,
        RunsCommand::Response(args) => {
            let id = full_id(&args.id, client).await?;
            response::run(&args, &id, client, printer).await
        }
    }
}

async fn list(args: &RunsListArgs, client: &Client, printer: &Printer) -> Result<()> {
    let mut query = vec![("limit", args.limit.to_string())];
    query.extend(args.state.iter().map(|it| ("state", it.clone())));
    query.extend(args.name.iter().map(|it| ("name", it.clone())));
    query.extend(args.after.iter().map(|it| ("after", it.clone())));
    let page: Page<Run> = client.get(&client.in_project("/runs"), &query).await?;
    printer.answer(&page, || table(&page.items));
    match &page.next {
        Some(next) => printer.next(&format!("fn runs list --after {next}, for more")),
        None if page.items.is_empty() => printer.next("fn pipeline submit FILE, for a first run"),
        None => {}
    }
    Ok(())
}

fn table(runs: &[Run]) -> String {
    use host_core::clock::{Clock, SystemClock};
    let now = SystemClock.now();
    let mut table = Table::new(&["run", "name", "state", "took", "started", "by"]);
    for it in runs {
        table.row([
            it.id.to_string(),
            it.name.clone(),
            state(it),
            took(it).unwrap_or_else(|| "-".to_owned()),
            ago(it.created_at, now),
            it.owner.clone(),
        ]);
    }
    table.text()
}

/// The state in lower case, as JSON has it.
fn state(run: &Run) -> String {
    format!("{:?}", run.state).to_lowercase()
}

fn took(run: &Run) -> Option<String> {
    let span = run.finished_at?.as_microsecond() - run.created_at.as_microsecond();
    u64::try_from(span).ok().map(duration_us)
}

async fn show(args: &RunIdArgs, client: &Client, printer: &Printer) -> Result<()> {
    let detail = detail(&args.id, client).await?;
    printer.answer(&detail, || show::text(&detail));
    Ok(())
}

/// A run by its id, or by the beginning of it.
async fn detail(id: &str, client: &Client) -> Result<RunDetail, Stop> {
    let id = full_id(id, client).await?;
    client.get(&client.in_project(&format!("/runs/{id}")), &[("metrics", "true".to_owned())]).await
}

async fn full_id(id: &str, client: &Client) -> Result<String, Stop> {
    const UUID: usize = 36;
    if id.len() == UUID {
        return Ok(id.to_owned());
    }
    let page: Page<Run> = client.get(&client.in_project("/runs"), &[("limit", "1000".to_owned())]).await?;
    let fitting: Vec<String> = page.items.iter().map(|it| it.id.to_string()).filter(|it| it.starts_with(id)).collect();
    match fitting.as_slice() {
        [one] => Ok(one.clone()),
        [] => Err(Stop::new(Exit::NotFound, format!("no run begins with `{id}`")).hint("fn runs list")),
        many => {
            Err(Stop::new(Exit::Usage, format!("{} runs begin with `{id}`", many.len())).hint("give more of the id"))
        }
    }
}

async fn logs(args: &RunLogsArgs, client: &Client, printer: &Printer) -> Result<()> {
    let mut query = vec![("run", full_id(&args.id, client).await?)];
    query.extend(args.step.iter().map(|it| ("step", it.clone())));
    super::logs::show(&query, 1_000, args.follow, client, printer).await
}

async fn retry(args: &RunIdArgs, client: &Client, printer: &Printer) -> Result<()> {
    let id = full_id(&args.id, client).await?;
    let _: Run = client.post(&client.in_project(&format!("/runs/{id}/retry")), &serde_json::json!({})).await?;
    follow(&id, client, printer).await
}

async fn cancel(args: &RunIdArgs, client: &Client, printer: &Printer) -> Result<()> {
    let id = full_id(&args.id, client).await?;
    let run: Run = client.post(&client.in_project(&format!("/runs/{id}/cancel")), &serde_json::json!({})).await?;
    printer.answer(&run, || run.id.to_string());
    printer.done(&format!("run {id} is cancelled"));
    printer.next(&format!("fn runs retry {id}, to go on where it stopped"));
    Ok(())
}

async fn reproduce(args: &RunIdArgs, client: &Client, printer: &Printer) -> Result<()> {
    let id = full_id(&args.id, client).await?;
    let run: Run = client.post(&client.in_project(&format!("/runs/{id}/reproduce")), &serde_json::json!({})).await?;
    let again = run.id.to_string();
    follow::quietly(&again, client, printer).await?;
    let comparison: serde_json::Value =
        client.get(&client.in_project(&format!("/runs/{again}/comparison")), &[]).await?;
    printer.answer(&comparison, || show::comparison(&comparison));
    match comparison["verdict"].as_str() {
        Some("identical") => {
            printer.done("every artifact has the same bytes");
            Ok(())
        }
        Some("not-comparable") => {
            Err(Stop::new(Exit::Failed, "the runs are not comparable; the reasons are above").into())
        }
        _ => Err(Stop::new(Exit::Failed, "the reproduction differs; the artifacts are above")
            .hint(format!("fn runs show {again}"))
            .into()),
    }
}
