//! Which sources should be running: those of the triggers of every function in service.

use std::sync::Arc;

use async_trait::async_trait;
use host_core::{
    function::Revision,
    manifest::Trigger,
    ports::{Directory, SourceError, TriggerId},
};
use parking_lot::Mutex;

use crate::open::{self, Open};

/// A source that should be running.
#[derive(Clone)]
pub(crate) struct Wanted {
    /// Which trigger it is.
    pub(crate) id: TriggerId,
    /// Its kind.
    pub(crate) kind: &'static str,
    /// What it reads, for people.
    pub(crate) reads: String,
    /// All that makes it this source: where any of it changes, the source is opened anew.
    pub(crate) spec: String,
    /// How it is opened.
    pub(crate) open: Open,
}

impl Wanted {
    /// Whether a source that was opened for one does for the other.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.kind == other.kind && self.spec == other.spec
    }
}

/// Somebody who wants sources to run.
#[async_trait]
pub(crate) trait Wants: Send + Sync {
    /// All of them.
    async fn wanted(&self) -> Result<Vec<Wanted>, SourceError>;
}

/// The functions in service, with what their manifests say.
pub(super) struct Deployed {
    directory: Arc<dyn Directory>,
    /// What was read, and in which generation.
    read: Mutex<Option<(u64, Vec<Wanted>)>>,
}

impl Deployed {
    pub(super) fn new(directory: Arc<dyn Directory>) -> Self {
        Self { directory, read: Mutex::default() }
    }
}

#[async_trait]
impl Wants for Deployed {
    async fn wanted(&self) -> Result<Vec<Wanted>, SourceError> {
        let functions = self.directory.functions();
        let mut read = self.read.lock();
        // One that could not be loaded yet may come without a new generation, and changes nothing here before it does.
        if let Some((_, wanted)) = read.as_ref().filter(|(generation, _)| *generation == functions.generation) {
            return Ok(wanted.clone());
        }
        let wanted: Vec<Wanted> = functions.active.values().flat_map(|it| of(it)).collect();
        *read = Some((functions.generation, wanted.clone()));
        Ok(wanted)
    }
}

/// The sources of one revision.
fn of(revision: &Revision) -> Vec<Wanted> {
    revision.manifest.triggers.iter().filter_map(|trigger| wanted(revision, trigger)).collect()
}

fn wanted(revision: &Revision, trigger: &Trigger) -> Option<Wanted> {
    let (project, function) = (revision.project.clone(), revision.function.clone());
    let id = TriggerId { project, function, name: trigger.name()?.to_owned() };
    let open = open::of(&id, trigger)?;
    // It was JSON before it was stored, so it can be again.
    let mut spec = serde_json::to_string(trigger).ok()?;
    if let Trigger::Amqp(_) = trigger {
        // It says how much may be sent ahead.
        spec.push_str(&revision.manifest.limits.call_timeout().to_string());
    }
    Some(Wanted { id, kind: trigger.kind(), reads: trigger.reads(), spec, open })
}
