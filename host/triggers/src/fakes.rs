//! The rooms around a source, as tests want them.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
};

use async_trait::async_trait;
use host_core::{
    Digest, Name, RevisionId,
    call::{Call, CallContext, Called, End, Finished, Reply, Target},
    clock::SystemClock,
    event::{Event, Failure, Outcome, Output},
    function::{Entries, Revision},
    id::HostId,
    manifest::Manifest,
    page::{Page, PageRequest},
    ports::{
        DeadLetter, DeadLetters, DeployError, Directory, Dispatch, Functions, NewSecret, NoClockwork, NoSecrets,
        Secret, SecretError, SecretValue, Secrets, Seek, SourceError, TriggerId, TriggerMemory,
    },
};
use parking_lot::Mutex;
use tokio::sync::watch;

use crate::source::Rooms;

/// Secrets of every project.
pub(crate) struct Keyring(BTreeMap<String, String>);

impl Keyring {
    pub(crate) fn of<const N: usize>(secrets: [(&str, &str); N]) -> Arc<Self> {
        Arc::new(Self(secrets.map(|(name, value)| (name.to_owned(), value.to_owned())).into()))
    }
}

#[async_trait]
impl Secrets for Keyring {
    async fn value(&self, _: &Name, name: &Name) -> Result<SecretValue, SecretError> {
        let value = self.0.get(name.as_str()).ok_or_else(|| SecretError::NotSet(name.clone()))?;
        SecretValue::parse(value.clone())
    }

    async fn describe(&self, _: &Name, name: &Name) -> Result<Secret, SecretError> {
        Err(SecretError::NotSet(name.clone()))
    }

    async fn list(&self, _: &Name) -> Result<Vec<Secret>, SecretError> {
        Ok(Vec::new())
    }

    async fn set(&self, secret: NewSecret) -> Result<Secret, SecretError> {
        Err(SecretError::NotSet(secret.name))
    }

    async fn rotate(&self, secret: NewSecret) -> Result<Secret, SecretError> {
        Err(SecretError::NotSet(secret.name))
    }

    async fn delete(&self, _: &Name, name: &Name, _: &str) -> Result<(), SecretError> {
        Err(SecretError::NotSet(name.clone()))
    }

    async fn rekey(&self, _: &str) -> Result<u64, SecretError> {
        Ok(0)
    }
}

/// What happened between a source and the rooms around it.
#[derive(Clone)]
pub(crate) struct Around {
    pub(crate) memory: Arc<Memory>,
    pub(crate) letters: Arc<Letters>,
    pub(crate) directory: Arc<Deployed>,
    pub(crate) dispatch: Arc<Guest>,
}

impl Around {
    /// Around a function that answers each event in this way.
    pub(crate) fn answering(answer: fn(&Event, u32) -> Outcome) -> Self {
        let dispatch = Guest { answer, calls: Mutex::default() };
        Self {
            memory: Arc::default(),
            letters: Arc::default(),
            directory: Arc::default(),
            dispatch: Arc::new(dispatch),
        }
    }

    pub(crate) fn rooms(&self) -> Rooms {
        Rooms {
            dispatch: self.dispatch.clone(),
            directory: self.directory.clone(),
            secrets: Arc::new(NoSecrets),
            letters: self.letters.clone(),
            memory: self.memory.clone(),
            clockwork: Arc::new(NoClockwork),
            listeners: Arc::default(),
            clock: Arc::new(SystemClock),
            host: HostId::next(),
        }
    }
}

/// A guest that answers as it is told.
pub(crate) struct Guest {
    answer: fn(&Event, u32) -> Outcome,
    /// The events of each call, and which attempt it was.
    pub(crate) calls: Mutex<Vec<(Vec<Event>, u32)>>,
}

#[async_trait]
impl Dispatch for Guest {
    async fn call(&self, _: Target, context: CallContext, call: Call) -> Called {
        let Call::Events(events) = call else { return Called::failed(Failure::fatal("test", "events are expected")) };
        let outcomes = events.iter().map(|it| (self.answer)(it, context.attempt)).collect();
        self.calls.lock().push((events, context.attempt));
        Called { reply: Ok(Reply::Events(outcomes)), end: End::Now(Finished::default()) }
    }
}

/// An output that says what came in.
pub(crate) fn echo(event: &Event, _: u32) -> Outcome {
    Ok(vec![Output {
        outlet: String::new(),
        r#type: event.r#type.clone(),
        subject: event.subject.clone(),
        content_type: event.content_type.clone(),
        key: event.key.clone(),
        extensions: Vec::new(),
        data: event.data.clone(),
    }])
}

/// An event with this identity and data.
pub(crate) fn event(id: &str, data: &str) -> Event {
    Event {
        id: id.into(),
        source: "test".into(),
        r#type: "test".into(),
        subject: None,
        time: None,
        content_type: None,
        key: None,
        inlet: String::new(),
        extensions: Vec::new(),
        data: data.to_owned().into(),
    }
}

/// What is deployed.
pub(crate) struct Deployed(watch::Sender<Arc<Functions>>);

impl Default for Deployed {
    fn default() -> Self {
        Self(watch::Sender::new(Arc::default()))
    }
}

impl Deployed {
    /// These are in service from now on, by their manifests.
    pub(crate) fn deploy(&self, manifests: &[&str]) {
        let active =
            manifests.iter().map(|text| revision(text)).map(|it| ((it.project.clone(), it.function.clone()), it));
        let active: HashMap<_, _> = active.collect();
        self.0.send_modify(|now| *now = Arc::new(Functions { generation: now.generation + 1, active }));
    }
}

fn revision(manifest: &str) -> Arc<Revision> {
    let manifest = Manifest::parse(manifest).unwrap();
    Arc::new(Revision {
        id: RevisionId::next(),
        project: Name::default_project(),
        function: manifest.name.clone(),
        number: 1,
        component: Digest::of(b"component"),
        component_size: 9,
        manifest,
        entries: Entries { handler: true, ..Entries::default() },
        created_by: String::new(),
        created_at: jiff::Timestamp::UNIX_EPOCH,
    })
}

#[async_trait]
impl Directory for Deployed {
    fn functions(&self) -> Arc<Functions> {
        self.0.borrow().clone()
    }

    async fn refresh(&self) -> Result<Arc<Functions>, DeployError> {
        Ok(self.functions())
    }

    async fn changed(&self, seen: u64) {
        let _ = self.0.subscribe().wait_for(|it| it.generation > seen).await;
    }
}

/// What is remembered of triggers, and what was told of them.
#[derive(Default)]
pub(crate) struct Memory {
    pub(crate) paused: Mutex<BTreeMap<TriggerId, String>>,
    pub(crate) told: Mutex<Vec<String>>,
    /// Whether nobody can say what is paused.
    pub(crate) is_away: AtomicBool,
}

#[async_trait]
impl TriggerMemory for Memory {
    async fn paused(&self) -> Result<Vec<(TriggerId, String)>, SourceError> {
        if self.is_away.load(SeqCst) {
            return Err(SourceError::Failed("the store is away".into()));
        }
        Ok(self.paused.lock().clone().into_iter().collect())
    }

    async fn set_paused(&self, id: &TriggerId, reason: Option<&str>, _: &str) -> Result<(), SourceError> {
        match reason {
            Some(reason) => self.paused.lock().insert(id.clone(), reason.to_owned()),
            None => self.paused.lock().remove(id),
        };
        Ok(())
    }

    async fn unhealthy(&self, id: &TriggerId, cause: &str) -> Result<(), SourceError> {
        self.told.lock().push(format!("{id}: {cause}"));
        Ok(())
    }

    async fn healthy(&self, id: &TriggerId) -> Result<(), SourceError> {
        self.told.lock().push(format!("{id} is well"));
        Ok(())
    }

    async fn moved(&self, id: &TriggerId, to: &Seek, who: &str) -> Result<(), SourceError> {
        self.told.lock().push(format!("{who} moved {id} to {to:?}"));
        Ok(())
    }
}

/// Events that were given up.
#[derive(Default)]
pub(crate) struct Letters {
    pub(crate) kept: Mutex<Vec<DeadLetter>>,
}

#[async_trait]
impl DeadLetters for Letters {
    async fn keep(&self, letters: Vec<DeadLetter>) -> Result<(), SourceError> {
        let mut kept = self.kept.lock();
        for letter in letters {
            match kept.iter_mut().find(|it| it.id == letter.id) {
                Some(it) => *it = DeadLetter { times: it.times + letter.times, ..letter },
                None => kept.push(letter),
            }
        }
        Ok(())
    }

    async fn letters(
        &self,
        _: &Name,
        _: Option<&Name>,
        _: Option<&str>,
        _: &PageRequest,
    ) -> Result<Page<DeadLetter>, SourceError> {
        Ok(Page { items: self.kept.lock().clone(), next: None })
    }

    async fn letter(&self, _: &Name, id: &str) -> Result<Option<DeadLetter>, SourceError> {
        Ok(self.kept.lock().iter().find(|it| it.id == id).cloned())
    }

    async fn replayed(&self, _: &Name, id: &str, _: &str) -> Result<(), SourceError> {
        if let Some(it) = self.kept.lock().iter_mut().find(|it| it.id == id) {
            it.replayed_at = Some(jiff::Timestamp::UNIX_EPOCH);
        }
        Ok(())
    }
}
