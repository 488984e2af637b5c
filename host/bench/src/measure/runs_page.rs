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
use jiff::{SignedDuration, Timestamp};

use super::Setting;
use crate::{
    interrupt,
    report::{Figure, Limit},
    statistics::median,
    subject::Subject,
    talk,
};

/// How long a page may take, milliseconds.
const LIMIT_MS: Limit = Limit::AtMost(100.0);

/// How often each page is asked for.
const TIMES: usize = 21;

/// How many runs are written at once.
const AT_ONCE: u32 = 5_000;

/// Every so many runs there is one of another pipeline, with a label: what people look for is rare.
const RARE: u32 = 1_000;

/// Every so many runs there is one that failed.
const FAILED: u32 = 20;

/// Memory as a folder, where the system has one: a million runs would wear a disk out.
const MEMORY: &str = "/dev/shm";

/// A list of very many runs, whatever keeps it.
struct History<'a> {
    store: &'a Store,
    database: &'static str,
    project: Name,
    runs: u32,
}

/// Writes so many runs and turns pages: on SQLite, and on Postgres where there is one.
pub(crate) fn measure(setting: Setting<'_>, runs: u32) -> Result<Vec<Figure>> {
    let memory = Path::new(MEMORY);
    let parent = if memory.is_dir() { memory } else { setting.folder };
    let folder = tempfile::Builder::new().prefix("weft-bench-runs-").tempdir_in(parent)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let mut figures = runtime.block_on(on("SQLite", Config::sqlite(folder.path()), runs))?;
    if let Some(url) = &setting.args.postgres {
        let config = Config { url: Some(url.clone()), ..Config::sqlite(folder.path()) };
        figures.extend(runtime.block_on(on("Postgres", config, runs))?);
    }
    Ok(figures)
}

async fn on(database: &'static str, config: Config, runs: u32) -> Result<Vec<Figure>> {
    let store = Store::open(&config, Arc::new(SystemClock)).await?;
    // What another measurement left in the database is not among these.
    let project = format!("bench-{}", RunId::next().as_uuid().simple()).parse()?;
    let history = History { store: &store, database, project, runs };
    let measured = history.fill_and_turn().await;
    store.close().await;
    measured
}

impl History<'_> {
    async fn fill_and_turn(&self) -> Result<Vec<Figure>> {
        self.fill().await.context("could not write the runs")?;
        let middle = self.middle().await?;
        let state = |state| RunFilter { state: Some(state), ..RunFilter::default() };
        let name = |name: &str| RunFilter { name: Some(name.to_owned()), ..RunFilter::default() };
        let rare_label = RunFilter { labels: labels(true), ..RunFilter::default() };
        let both = RunFilter { state: Some(RunState::Failed), ..name("common") };
        let pages = [
            ("the newest", RunFilter::default(), None),
            ("from the middle on, by time", RunFilter::default(), middle.clone()),
            ("by a common function", name("common"), None),
            ("by a rare function", name("rare"), None),
            ("by a common function from the middle on", name("common"), middle.clone()),
            ("by a rare label", rare_label, None),
            ("by a state that most have", state(RunState::Done), None),
            ("by a state that few have, from the middle on", state(RunState::Failed), middle),
            ("by a state that none has", state(RunState::Cancelled), None),
            ("by function and state", both, None),
        ];
        let mut figures = Vec::new();
        for (what, filter, after) in pages {
            interrupt::check()?;
            let page = PageRequest { limit: None, after };
            let value = self.time(&filter, &page).await?;
            let what = format!("{}, {what}", Subject::RunsPage.label());
            let note = format!("{} of {} on {}", page.limit(), self.runs, self.database);
            figures.push(Figure { name: Subject::RunsPage, what, value, unit: "ms", limit: Some(LIMIT_MS), note });
        }
        Ok(figures)
    }

    async fn fill(&self) -> Result<()> {
        let [common, rare] = ["common", "rare"].map(pipeline);
        let (common, rare) = (common?, rare?);
        let (start, now) = (Instant::now(), SystemClock.now());
        for first in (0..self.runs).step_by(AT_ONCE as usize) {
            interrupt::check()?;
            let numbers = first..self.runs.min(first.saturating_add(AT_ONCE));
            let run = |number| {
                let pipeline = if is_rare(number) { &rare } else { &common };
                // One each second, the last one now.
                let age = SignedDuration::from_secs(i64::from(self.runs - number));
                self.run(pipeline, number, now.checked_sub(age).unwrap_or(now))
            };
            self.store.write_past_runs(&numbers.map(run).collect::<Vec<_>>()).await?;
        }
        self.store.look_at_runs().await?;
        let seconds = start.elapsed().as_secs_f64();
        talk::say(format_args!("  {} runs written to {} in {seconds:.0} s", self.runs, self.database));
        Ok(())
    }

    fn run(&self, pipeline: &Pipeline, number: u32, at: Timestamp) -> Run {
        let spec = NewRun {
            id: RunId::next(),
            project: self.project.clone(),
            kind: RunKind::Pipeline,
            pipeline: pipeline.clone(),
            params: serde_json::Map::new(),
            seed: u64::from(number),
            as_of: at,
            pins: Pins::default(),
            owner: "bench".to_owned(),
            labels: labels(is_rare(number)),
            source: Source::default(),
            platform: Platform::default(),
            reproduces: None,
            depth: 0,
        };
        let state = if number.is_multiple_of(FAILED) { RunState::Failed } else { RunState::Done };
        Run { spec, state, failure: None, created_at: at, started_at: Some(at), finished_at: Some(at) }
    }

    /// Where half of the list is behind, by turning its pages.
    async fn middle(&self) -> Result<Option<String>> {
        let mut page = PageRequest { limit: Some(PageRequest::MOST), after: None };
        for _ in 0..self.runs / 2 / PageRequest::MOST {
            interrupt::check()?;
            page.after = self.list(&RunFilter::default(), &page).await?.next;
        }
        Ok(page.after)
    }

    /// Milliseconds for one page.
    async fn time(&self, filter: &RunFilter, page: &PageRequest) -> Result<f64> {
        let mut taken = Vec::with_capacity(TIMES);
        for _ in 0..TIMES {
            let start = Instant::now();
            self.list(filter, page).await?;
            taken.push(start.elapsed());
        }
        median(taken.iter().map(Duration::as_secs_f64)).map(|it| it * 1e3).context("no page was turned")
    }

    async fn list(&self, filter: &RunFilter, page: &PageRequest) -> Result<Page<Run>> {
        Ok(self.store.runs(&self.project, filter, page).await?)
    }
}

/// A pipeline such as people write: some steps, one after the other.
fn pipeline(name: &str) -> Result<Pipeline> {
    let text = format!(
        "pipeline: {name}\nsteps:\n  load: {{ function: load-dataset, params: {{ dataset: wine }} }}\n  \
         prepare: {{ function: prepare, inputs: {{ data: load.data }} }}\n  \
         train: {{ function: train-forest, inputs: {{ train: prepare.train }}, params: {{ trees: 100 }} }}\n  \
         evaluate: {{ function: evaluate, inputs: {{ model: train.model, test: prepare.test }} }}\n"
    );
    Ok(text.parse()?)
}

fn is_rare(number: u32) -> bool {
    number.is_multiple_of(RARE)
}

fn labels(is_rare: bool) -> BTreeMap<String, String> {
    let team = if is_rare { "wine" } else { "everyone" };
    [("team".to_owned(), team.to_owned())].into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn pages_are_turned_through_all_that_was_written() {
        let store = Store::memory(Arc::new(SystemClock)).await.unwrap();
        let project = "bench".parse().unwrap();
        let history = History { store: &store, database: "SQLite", project, runs: 1_030 };
        let figures = history.fill_and_turn().await.unwrap();
        assert_eq!(figures.len(), 10);
        let all = PageRequest { limit: Some(PageRequest::MOST), after: None };
        let count = async |filter: &RunFilter| history.list(filter, &all).await.unwrap().items.len();
        let rare = RunFilter { labels: labels(true), ..RunFilter::default() };
        assert_eq!(count(&rare).await, 2);
        let failed = RunFilter { state: Some(RunState::Failed), ..RunFilter::default() };
        assert_eq!(count(&failed).await, 52);
        let newest = history.list(&RunFilter::default(), &PageRequest::default()).await.unwrap();
        assert_eq!(newest.items[0].spec.seed, 1_029);
    }
}
