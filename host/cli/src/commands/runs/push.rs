//! `fn runs push`: sends runs that were tracked without a host. Sending one again changes nothing.

mod folder;

use anyhow::Result;
use host_core::Digest;
use host_wire::{
    artifact::{Artifact, Kind},
    imported::{ImportRun, ImportedMetric, MOST_METRICS},
    run::Run,
};
use reqwest::{Method, StatusCode, header};

use crate::{
    args::RunsPushArgs,
    client::Client,
    ui::{Exit, Printer, Stop},
};

use folder::Tracked;

/// Sends what was asked for, one after the other.
pub(super) async fn run(args: &RunsPushArgs, client: &Client, printer: &Printer) -> Result<()> {
    let here = (client.base().to_owned(), client.project().to_owned());
    let mut sent = 0;
    for folder in folder::chosen(args, &here)? {
        let mut tracked = match Tracked::read(&folder)? {
            Some(tracked) => tracked,
            None if args.all => continue,
            None => return Err(still_running(&folder)),
        };
        thin(&mut tracked.run.metrics, printer);
        let (run, is_new) = push(&tracked, client).await.map_err(|stop| stop.during(&told(&tracked)))?;
        tracked.note(&here)?;
        printer.answer(&run, || run.id.to_string());
        printer.done(&format!(
            "run {} · {} {}",
            run.id,
            run.name,
            if is_new { "is sent" } else { "was there already" }
        ));
        sent += 1;
    }
    match sent {
        0 => printer.say("nothing to send"),
        _ => printer.next("fn runs list"),
    }
    Ok(())
}

fn told(tracked: &Tracked) -> String {
    format!("run {} ({})", tracked.run.id, tracked.run.name)
}

fn still_running(folder: &std::path::Path) -> anyhow::Error {
    let what = "the run is still going on; send it once it is over";
    Stop::new(Exit::Refused, what).at(folder.display().to_string()).into()
}

/// Bytes first, then the run that names them.
async fn push(tracked: &Tracked, client: &Client) -> Result<(Run, bool), Stop> {
    let ImportRun { inputs, outputs, .. } = &tracked.run;
    for it in inputs {
        // Of what a run read often only the digest was kept.
        if tracked.file(&it.digest).exists() {
            upload(tracked, (&it.name, it.kind, it.media_type.as_deref()), &it.digest, client).await?;
        }
    }
    for it in outputs {
        upload(tracked, (&it.name, it.kind, it.media_type.as_deref()), &it.digest, client).await?;
    }
    let request = client.request(Method::POST, &client.in_project("/runs/import")).json(&tracked.run);
    let answer = client.send(request).await?;
    let is_new = answer.status() == StatusCode::CREATED;
    Ok((client.read(answer).await?, is_new))
}

/// Sends the bytes, unless the project has them.
async fn upload(
    tracked: &Tracked,
    (name, kind, media_type): (&str, Kind, Option<&str>),
    digest: &Digest,
    client: &Client,
) -> Result<(), Stop> {
    let known = client.request(Method::GET, &client.in_project(&format!("/artifacts/{digest}")));
    if client.send_any(known).await?.status().is_success() {
        return Ok(());
    }
    let path = tracked.file(digest);
    let file = tokio::fs::File::open(&path).await.map_err(|error| {
        Stop::new(Exit::Usage, format!("could not read the bytes of `{name}`: {error}")).at(path.display().to_string())
    })?;
    let query = [("name", name.to_owned()), ("kind", format!("{kind:?}").to_lowercase())];
    let request = client.request(Method::POST, &client.in_project("/artifacts")).query(&query).body(file);
    let request = request.header(header::CONTENT_TYPE, media_type.unwrap_or("application/octet-stream"));
    let stored: Artifact = client.read(client.send(request).await?).await?;
    if stored.digest == *digest {
        return Ok(());
    }
    let what = format!("the bytes of `{name}` are not what they were: {} now, {digest} then", stored.digest);
    Err(Stop::new(Exit::Usage, what).at(path.display().to_string()))
}

/// Leaves as many values as a host takes: of each metric the first and the last, and between them one in so many.
fn thin(metrics: &mut Vec<ImportedMetric>, printer: &Printer) {
    let all = metrics.len();
    if all <= MOST_METRICS {
        return;
    }
    let stride = (2 * all).div_ceil(MOST_METRICS);
    let mut lengths = std::collections::HashMap::<String, usize>::new();
    for it in metrics.iter() {
        *lengths.entry(it.name.clone()).or_default() += 1;
    }
    let mut places = std::collections::HashMap::<String, usize>::new();
    metrics.retain(|it| {
        let place = places.entry(it.name.clone()).or_default();
        let is_last = lengths.get(&it.name).is_some_and(|length| *place + 1 == *length);
        let stays = place.is_multiple_of(stride) || is_last;
        *place += 1;
        stays
    });
    printer.warn(&format!("{all} values of metrics are more than a host takes; {} of them are sent", metrics.len()));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metric(name: &str, step: i64) -> ImportedMetric {
        ImportedMetric { name: name.into(), value: 0.5, at_step: Some(step), at: jiff::Timestamp::UNIX_EPOCH }
    }

    #[test]
    fn of_too_many_values_the_first_and_the_last_of_each_metric_stay() {
        let printer = Printer::new(false, true);
        let mut few = vec![metric("loss", 0), metric("loss", 1)];
        thin(&mut few, &printer);
        assert_eq!(few.len(), 2);
        let mut many: Vec<_> = (0..60_001).map(|step| metric("loss", step)).collect();
        many.push(metric("accuracy", 0));
        thin(&mut many, &printer);
        assert!(many.len() <= MOST_METRICS, "{}", many.len());
        assert_eq!((many[0].at_step, many[many.len() - 2].at_step), (Some(0), Some(60_000)));
        assert_eq!(many.last().unwrap().name, "accuracy");
    }
}
