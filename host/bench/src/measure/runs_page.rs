//! How long one page of the list of runs takes when there are very many.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use host_core::{
    Name, RunId,
    clock::{Clock, SystemClock},
    page::{Page, PageRequest},
    pipeline::Pipeline,
    ports::{Journal as _, RunFilter},
    run::{NewRun, Pins, Platform, Run, RunKind, RunState, Source},
};
use host_store::{Config, Store};

use super::Setting;
use crate::{interrupt, report::Figure, statistics::median, subject::Subject, talk};

/// How long a page may take, milliseconds.
const LIMIT_MS: f64 = 100.0;

/// How often each page is asked for.
const TIMES: usize = 21;

/// Every so many runs there is one of another pipeline, with a label: what people look for is rare.
const RARE: u32 = 1_000;

/// Memory as a folder, where the system has one: a million runs, each on disk before the next, would wear a disk out.
const MEMORY: &str = "/dev/shm";

/// Writes so many runs and turns pages.
pub(crate) fn measure(setting: Setting<'_>, runs: u32) -> Result<Vec<Figure>> {
    let memory = Path::new(MEMORY);
    let parent = if memory.is_dir() { memory } else { setting.folder };
    let folder = tempfile::Builder::new().prefix("weft-bench-runs-").tempdir_in(parent)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let store = Store::open(&Config::sqlite(folder.path()), Arc::new(SystemClock)).await?;
        let measured = fill_and_turn(&store, runs).await;
        store.close().await;
        measured
    })
}

async fn fill_and_turn(store: &Store, runs: u32) -> Result<Vec<Figure>> {
    fill(store, runs).await.context("could not write the runs")?;
    let middle = middle(store, runs).await?;
    let rare_name = RunFilter { name: Some("rare".to_owned()), ..RunFilter::default() };
    let rare_label = RunFilter { labels: labels(true), ..RunFilter::default() };
    let running = RunFilter { state: Some(RunState::Running), ..RunFilter::default() };
    let done = RunFilter { state: Some(RunState::Done), ..RunFilter::default() };
    let everything = RunFilter::default();
    let pages = [
        ("the newest", &everything, None),
        ("in the middle", &everything, middle),
        ("by a rare name", &rare_name, None),
        ("by a rare label", &rare_label, None),
        ("by a state that all have", &running, None),
        ("by a state that none has", &done, None),
    ];
    let mut figures = Vec::new();
    for (what, filter, after) in pages {
        let page = PageRequest { limit: None, after };
        let value = time(store, filter, &page).await?;
        let what = format!("{}, {what}", Subject::RunsPage.label());
        let note = format!("{} of {runs} on SQLite", page.limit());
        figures.push(Figure { name: Subject::RunsPage, what, value, unit: "ms", limit: Some(LIMIT_MS), note });
    }
    Ok(figures)
}

async fn fill(store: &Store, runs: u32) -> Result<()> {
    let pipelines =
        ["common", "rare"].map(|name| format!("pipeline: {name}\nsteps:\n  only: {{ function: nothing }}\n"));
    let [common, rare] = pipelines.map(|yaml| yaml.parse::<Pipeline>());
    let (common, rare) = (common?, rare?);
    let start = Instant::now();
    for number in 0..runs {
        let is_rare = number % RARE == 0;
        store.submit(run(if is_rare { &rare } else { &common }, number, is_rare)).await?;
        if number % 1_000 == 0 {
            interrupt::check()?;
        }
        if number % 100_000 == 0 && number > 0 {
            talk::say(format_args!("  {number} runs written in {} s", start.elapsed().as_secs()));
        }
    }
    Ok(())
}

fn run(pipeline: &Pipeline, number: u32, is_rare: bool) -> NewRun {
    NewRun {
        id: RunId::next(),
        project: Name::default_project(),
        kind: RunKind::Pipeline,
        pipeline: pipeline.clone(),
        params: serde_json::Map::new(),
        seed: u64::from(number),
        as_of: SystemClock.now(),
        pins: Pins::default(),
        owner: "bench".to_owned(),
        labels: labels(is_rare),
        source: Source::default(),
        platform: Platform::default(),
        reproduces: None,
    }
}

fn labels(is_rare: bool) -> BTreeMap<String, String> {
    if is_rare { [("team".to_owned(), "wine".to_owned())].into() } else { BTreeMap::new() }
}

/// Where half of the list is behind.
async fn middle(store: &Store, runs: u32) -> Result<Option<String>> {
    let mut page = PageRequest { limit: Some(PageRequest::MOST), after: None };
    for _ in 0..runs / 2 / PageRequest::MOST {
        interrupt::check()?;
        page.after = list(store, &RunFilter::default(), &page).await?.next;
    }
    Ok(page.after)
}

/// Milliseconds for one page.
async fn time(store: &Store, filter: &RunFilter, page: &PageRequest) -> Result<f64> {
    let mut taken = Vec::with_capacity(TIMES);
    for _ in 0..TIMES {
        let start = Instant::now();
        list(store, filter, page).await?;
        taken.push(start.elapsed());
    }
    median(taken.iter().map(Duration::as_secs_f64)).map(|it| it * 1e3).context("no page was turned")
}

async fn list(store: &Store, filter: &RunFilter, page: &PageRequest) -> Result<Page<Run>> {
    Ok(store.runs(&Name::default_project(), filter, page).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn pages_are_turned_through_all_that_was_written() {
        let store = Store::memory(Arc::new(SystemClock)).await.unwrap();
        let figures = fill_and_turn(&store, 30).await.unwrap();
        assert_eq!(figures.len(), 6);
        assert_eq!(list(&store, &RunFilter::default(), &PageRequest::default()).await.unwrap().items.len(), 30);
        let rare = RunFilter { labels: labels(true), ..RunFilter::default() };
        assert_eq!(list(&store, &rare, &PageRequest::default()).await.unwrap().items.len(), 1);
    }
}
