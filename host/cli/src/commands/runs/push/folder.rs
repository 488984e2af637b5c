//! What tracking leaves in a folder: `<id>/run.json`, `<id>/metrics.jsonl` and `<id>/files/<hex>`.

use std::{
    fs::{self, File},
    io::{BufRead as _, BufReader, ErrorKind},
    path::{Path, PathBuf},
};

use host_core::Digest;
use host_wire::{
    imported::{ImportRun, ImportedFailure, ImportedMetric},
    run::RunState,
};
use serde::{Deserialize, Serialize};

use crate::{
    args::RunsPushArgs,
    ui::{Exit, Stop},
};

const RUN: &str = "run.json";
const METRICS: &str = "metrics.jsonl";
/// Where a run was sent to.
const PUSHED: &str = "pushed.json";
/// Held by the process that tracks the run for as long as it lives.
const LOCK: &str = "lock";

/// A run in its folder.
#[derive(Debug)]
pub(super) struct Tracked {
    folder: PathBuf,
    pub(super) run: ImportRun,
}

/// A host and a project that have a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Pushed {
    host: String,
    project: String,
}

/// The folders of the runs that are to be sent.
pub(super) fn chosen(args: &RunsPushArgs, here: &(String, String)) -> Result<Vec<PathBuf>, Stop> {
    let all = folders(&args.from)?;
    if args.all {
        return Ok(all.into_iter().filter(|it| !pushed(it).iter().any(|it| it.is(here))).collect());
    }
    args.ids.iter().map(|id| named(&all, id, &args.from)).collect()
}

fn named(all: &[PathBuf], id: &str, from: &Path) -> Result<PathBuf, Stop> {
    let starts = |it: &&PathBuf| it.file_name().is_some_and(|name| name.to_string_lossy().starts_with(id));
    let fitting: Vec<&PathBuf> = all.iter().filter(starts).collect();
    match fitting.as_slice() {
        [one] => Ok((*one).clone()),
        [] => {
            Err(Stop::new(Exit::NotFound, format!("no tracked run begins with `{id}`")).at(from.display().to_string()))
        }
        many => {
            Err(Stop::new(Exit::Usage, format!("{} runs begin with `{id}`", many.len())).hint("give more of the id"))
        }
    }
}

/// Every run there is, oldest first: identities are in the order of time.
fn folders(from: &Path) -> Result<Vec<PathBuf>, Stop> {
    let entries = match fs::read_dir(from) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Err(Stop::new(Exit::NotFound, "there are no tracked runs")
                .at(from.display().to_string())
                .hint("go where the program ran, or name its folder with --from FOLDER"));
        }
        Err(error) => return Err(unreadable(from, &error)),
    };
    let mut folders: Vec<PathBuf> = entries.flatten().map(|it| it.path()).filter(|it| it.join(RUN).exists()).collect();
    folders.sort();
    Ok(folders)
}

fn pushed(folder: &Path) -> Vec<Pushed> {
    // Not knowing is harmless: the run is sent once more, and nothing changes.
    let text = fs::read_to_string(folder.join(PUSHED)).unwrap_or_default();
    serde_json::from_str(&text).unwrap_or_default()
}

impl Pushed {
    fn is(&self, (host, project): &(String, String)) -> bool {
        self.host == *host && self.project == *project
    }
}

impl Tracked {
    /// Reads a run; none while it is going on.
    pub(super) fn read(folder: &Path) -> Result<Option<Self>, Stop> {
        let file = folder.join(RUN);
        let text = fs::read_to_string(&file).map_err(|error| unreadable(&file, &error))?;
        let run: ImportRun = serde_json::from_str(&text).map_err(|error| unreadable(&file, &error))?;
        let mut tracked = Self { folder: folder.to_owned(), run };
        if tracked.run.state == RunState::Running {
            if tracked.is_held() {
                return Ok(None);
            }
            tracked.broke_off();
        }
        tracked.run.metrics = tracked.metrics()?;
        let ends = tracked.run.metrics.iter().map(|it| it.at).chain([tracked.run.finished_at]);
        tracked.run.finished_at = ends.max().unwrap_or(tracked.run.finished_at);
        Ok(Some(tracked))
    }

    /// Whether the process that tracks it lives.
    fn is_held(&self) -> bool {
        File::open(self.folder.join(LOCK)).is_ok_and(|lock| lock.try_lock_shared().is_err())
    }

    fn broke_off(&mut self) {
        self.run.state = RunState::Failed;
        let message = "the process ended without telling how".to_owned();
        self.run.failure = Some(ImportedFailure { code: "broken-off".into(), message, backtrace: None });
    }

    fn metrics(&self) -> Result<Vec<ImportedMetric>, Stop> {
        let file = self.folder.join(METRICS);
        let reader = match File::open(&file) {
            Ok(open) => BufReader::new(open),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(unreadable(&file, &error)),
        };
        let mut metrics = Vec::new();
        for line in reader.lines() {
            let line = line.map_err(|error| unreadable(&file, &error))?;
            match serde_json::from_str(&line) {
                Ok(metric) => metrics.push(metric),
                // The last line of a process that was killed.
                Err(error) if error.is_eof() => break,
                Err(error) => return Err(unreadable(&file, &error)),
            }
        }
        Ok(metrics)
    }

    /// Where bytes of the run would be.
    pub(super) fn file(&self, digest: &Digest) -> PathBuf {
        self.folder.join("files").join(digest.hex())
    }

    /// Notes who has the run.
    pub(super) fn note(&self, here: &(String, String)) -> Result<(), Stop> {
        let mut all = pushed(&self.folder);
        if !all.iter().any(|it| it.is(here)) {
            all.push(Pushed { host: here.0.clone(), project: here.1.clone() });
        }
        let file = self.folder.join(PUSHED);
        let text = serde_json::to_string(&all).unwrap_or_default();
        fs::write(&file, text).map_err(|error| {
            Stop::new(Exit::Failed, format!("the run is sent, but that could not be noted: {error}"))
                .at(file.display().to_string())
        })
    }
}

fn unreadable(file: &Path, error: &dyn std::fmt::Display) -> Stop {
    Stop::new(Exit::Usage, format!("could not read the tracked run: {error}")).at(file.display().to_string())
}
