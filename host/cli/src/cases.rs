//! `cases/*.json`: what goes into a function and what must come out, checked in the real engine.

mod compare;
mod events;
mod http;
mod job;

use std::path::{Path, PathBuf};

use host_core::{function::Entries, function::Revision, ports::Dispatch};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::ui::{Exit, Stop};

/// A case as it stands in its file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    /// What it shows.
    #[serde(default)]
    pub(crate) description: Option<String>,
    #[serde(default)]
    events: Option<Vec<Map<String, Value>>>,
    #[serde(default)]
    request: Option<http::Request>,
    #[serde(default)]
    response: Option<http::Response>,
    #[serde(default)]
    params: Option<Map<String, Value>>,
    #[serde(default)]
    inputs: Map<String, Value>,
    #[serde(default)]
    outcome: Value,
}

/// How a case ended: nothing to say, or every difference.
pub(crate) type Differences = Vec<String>;

/// A function about to be tested.
pub(crate) struct Subject<'a> {
    pub(crate) dispatch: &'a dyn Dispatch,
    pub(crate) revision: &'a Revision,
    /// The folder with the cases, against which files in them are resolved.
    pub(crate) folder: &'a Path,
}

/// Every case of a function, in order of file name.
pub(crate) fn read(folder: &Path) -> Result<Vec<(String, Case)>, Stop> {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).into_iter().flatten().flatten().map(|it| it.path()).collect();
    files.retain(|file| file.extension().is_some_and(|it| it == "json"));
    files.sort();
    files.into_iter().map(|file| Ok((name(&file), parse(&file)?))).collect()
}

fn parse(file: &Path) -> Result<Case, Stop> {
    let wrong = |what: String, place: String| Stop::new(Exit::Usage, what).at(place);
    let text = std::fs::read_to_string(file)
        .map_err(|error| wrong(format!("could not read the case: {error}"), file.display().to_string()))?;
    serde_json::from_str(&text).map_err(|error| {
        wrong(format!("case is wrong: {error}"), format!("{}:{}:{}", file.display(), error.line(), error.column()))
    })
}

fn name(file: &Path) -> String {
    file.file_stem().map(|it| it.to_string_lossy().into_owned()).unwrap_or_default()
}

impl Case {
    /// Runs the case and says what differs.
    pub(crate) async fn run(&self, subject: &Subject<'_>) -> Differences {
        let Entries { http, handler, job } = subject.revision.entries;
        match (&self.request, &self.events) {
            (Some(request), _) if http => http::run(request, self.response.as_ref(), subject).await,
            (Some(_), _) => vec![
                "the case holds a request, but the function does not answer HTTP itself; give it `events`".to_owned(),
            ],
            (None, Some(events)) if handler => events::run(events, &self.outcome, subject).await,
            (None, Some(_)) => {
                vec!["the case holds events, but the function exports no weft:function/handler".to_owned()]
            }
            (None, None) if job => job::run(self.params.as_ref(), &self.inputs, &self.outcome, subject).await,
            (None, None) => {
                vec!["the case holds neither `events` nor `request`, and the function is no job".to_owned()]
            }
        }
    }
}
