//! Sources that do as they are told, and what becomes of them.

use std::{
    collections::VecDeque,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use async_trait::async_trait;
use host_core::{
    Name,
    event::Failure,
    ports::{DeadLetter, DeadLetters as _, Seek, Sources as _},
    size::Millis,
};

use super::*;
use crate::{
    fakes::{Around, echo, event},
    handover::Outgoing,
};

/// A source, and how its runs go.
#[derive(Default)]
struct Script {
    /// How the next runs fail; without one, a run reads until it is stopped.
    fail: Mutex<VecDeque<SourceError>>,
    begun: AtomicUsize,
    over: AtomicUsize,
    sought: Mutex<Vec<Seek>>,
    sent: Mutex<Vec<Outgoing>>,
    /// Whether it never settles.
    is_stuck: bool,
}

struct Scripted {
    script: Arc<Script>,
    board: Arc<Board>,
}

#[async_trait]
impl Source for Scripted {
    async fn run(&self, stop: CancellationToken) -> Result<(), SourceError> {
        self.script.begun.fetch_add(1, Ordering::SeqCst);
        let fail = self.script.fail.lock().pop_front();
        if let Some(error) = fail {
            return Err(error);
        }
        self.board.state(TriggerState::Running, None);
        stop.cancelled().await;
        if self.script.is_stuck {
            std::future::pending::<()>().await;
        }
        self.script.over.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }

    async fn seek(&self, to: &Seek) -> Result<(), SourceError> {
        self.script.sought.lock().push(to.clone());
        Ok(())
    }

    async fn send(&self, outputs: Vec<Outgoing>) -> Result<(), SourceError> {
        self.script.sent.lock().extend(outputs);
        Ok(())
    }
}

/// What a test wants to run.
#[derive(Default)]
struct Wish(Mutex<Vec<Wanted>>);

#[async_trait]
impl Wants for Wish {
    async fn wanted(&self) -> Result<Vec<Wanted>, SourceError> {
        Ok(self.0.lock().clone())
    }
}

fn id(name: &str) -> TriggerId {
    let default = Name::default_project();
    TriggerId { project: default.clone(), function: default, name: name.into() }
}

fn wanted(name: &str, spec: &str, script: &Arc<Script>) -> Wanted {
    let script = script.clone();
    let open: crate::open::Open = Arc::new(move |_, _, board| Arc::new(Scripted { script: script.clone(), board }));
    Wanted { id: id(name), kind: "kafka", reads: "orders".into(), spec: spec.into(), open }
}

/// A supervisor that runs, and the rooms around it.
struct Scene {
    around: Around,
    wish: Arc<Wish>,
    supervisor: Arc<Supervisor>,
    stop: CancellationToken,
}

impl Scene {
    fn of(wanted: Vec<Wanted>) -> Self {
        let around = Around::answering(echo);
        let wish = Arc::new(Wish(Mutex::new(wanted)));
        let config = Config {
            poll: Millis(2),
            reopen: Millis(1),
            reopen_most: Millis(2),
            drain: Millis(50),
            ..Config::default()
        };
        let supervisor = Supervisor::of(around.rooms(), config, vec![wish.clone()]);
        let stop = CancellationToken::new();
        tokio::spawn(supervisor.clone().run(stop.clone()));
        Self { around, wish, supervisor, stop }
    }

    fn wish(&self, wanted: Vec<Wanted>) {
        *self.wish.0.lock() = wanted;
    }

    async fn state(&self, name: &str, state: TriggerState) -> TriggerStatus {
        let named = |it: &TriggerStatus| it.id.name == name && it.state == state;
        until(|| self.supervisor.statuses().into_iter().find(named)).await
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn until<T>(mut ask: impl FnMut() -> Option<T>) -> T {
    let asking = async {
        loop {
            match ask() {
                Some(answer) => return answer,
                None => tokio::time::sleep(Duration::from_millis(1)).await,
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(60), asking).await.expect("it never happens")
}

fn begun(script: &Script) -> usize {
    script.begun.load(Ordering::SeqCst)
}

#[tokio::test]
async fn what_changed_is_opened_anew_and_the_others_are_not_touched() {
    let (one, two, other) = (Arc::<Script>::default(), Arc::<Script>::default(), Arc::<Script>::default());
    let scene = Scene::of(vec![wanted("one", "1", &one), wanted("two", "1", &two)]);
    scene.state("one", TriggerState::Running).await;
    scene.state("two", TriggerState::Running).await;
    scene.wish(vec![wanted("one", "1", &other), wanted("two", "2", &other)]);
    until(|| (begun(&other) == 1).then_some(())).await;
    assert_eq!((begun(&one), one.over.load(Ordering::SeqCst)), (1, 0), "nothing of it had changed");
    assert_eq!(two.over.load(Ordering::SeqCst), 1, "it had settled before the next one began");
    scene.wish(vec![]);
    until(|| scene.supervisor.statuses().is_empty().then_some(())).await;
    until(|| (one.over.load(Ordering::SeqCst) == 1 && other.over.load(Ordering::SeqCst) == 1).then_some(())).await;
}

#[tokio::test]
async fn a_source_that_fails_is_opened_again_and_its_cause_told_once() {
    let script = Arc::<Script>::default();
    script.fail.lock().extend((0..20).map(|_| SourceError::Failed("no broker".into())));
    let scene = Scene::of(vec![wanted("one", "1", &script)]);
    scene.state("one", TriggerState::Running).await;
    assert_eq!(begun(&script), 21);
    let told = || scene.around.memory.told.lock().clone();
    let end = || told().last().is_none_or(|it| it.ends_with("is well")).then(told);
    let told = until(end).await;
    assert!(told.len() <= 2 && told.iter().all(|it| it.contains("no broker") || it.contains("is well")), "{told:?}");
}

#[tokio::test]
async fn a_failure_that_wants_attention_pauses_the_trigger_until_somebody_resumes_it() {
    let script = Arc::<Script>::default();
    script.fail.lock().push_back(SourceError::State("fatal: asked".into()));
    let scene = Scene::of(vec![wanted("one", "1", &script)]);
    until(|| (!scene.around.memory.told.lock().is_empty()).then_some(())).await;
    let status = scene.state("one", TriggerState::Paused).await;
    assert_eq!(status.cause.as_deref(), Some("fatal: asked"));
    assert_eq!(*scene.around.memory.told.lock(), ["default/one: fatal: asked"]);
    assert_eq!(begun(&script), 1);
    scene.supervisor.resume(&id("one"), "ann").await.unwrap();
    scene.state("one", TriggerState::Running).await;
    assert_eq!(begun(&script), 2);
}

#[tokio::test]
async fn a_paused_trigger_has_settled_can_be_moved_and_goes_on() {
    let script = Arc::<Script>::default();
    let scene = Scene::of(vec![wanted("one", "1", &script)]);
    scene.state("one", TriggerState::Running).await;
    let refused = scene.supervisor.seek(&id("one"), Seek::Latest, "ann").await.unwrap_err();
    assert!(matches!(refused, SourceError::State(_)), "{refused}");
    scene.supervisor.pause(&id("one"), "ann").await.unwrap();
    assert_eq!(script.over.load(Ordering::SeqCst), 1);
    let status = scene.supervisor.list(&Name::default_project()).remove(0);
    assert_eq!((status.state, status.cause.as_deref()), (TriggerState::Paused, Some("ann paused it")));
    scene.supervisor.seek(&id("one"), Seek::Earliest, "ann").await.unwrap();
    assert_eq!(*script.sought.lock(), [Seek::Earliest]);
    scene.supervisor.resume(&id("one"), "ann").await.unwrap();
    scene.state("one", TriggerState::Running).await;
    let unknown = scene.supervisor.pause(&id("two"), "ann").await.unwrap_err();
    assert!(matches!(unknown, SourceError::NotFound(_)), "{unknown}");
}

#[tokio::test]
async fn a_pause_and_a_resume_on_another_host_are_followed() {
    let script = Arc::<Script>::default();
    let scene = Scene::of(vec![wanted("one", "1", &script)]);
    scene.state("one", TriggerState::Running).await;
    scene.around.memory.paused.lock().insert(id("one"), "ben paused it".into());
    scene.state("one", TriggerState::Paused).await;
    assert_eq!(script.over.load(Ordering::SeqCst), 1);
    scene.around.memory.paused.lock().clear();
    scene.state("one", TriggerState::Running).await;
}

#[tokio::test]
async fn what_never_settles_is_waited_for_no_longer_than_allowed() {
    let stuck = Arc::new(Script { is_stuck: true, ..Script::default() });
    let next = Arc::<Script>::default();
    let scene = Scene::of(vec![wanted("one", "1", &stuck)]);
    scene.state("one", TriggerState::Running).await;
    scene.wish(vec![wanted("one", "2", &next)]);
    until(|| (begun(&next) == 1).then_some(())).await;
    scene.supervisor.drain().await;
    assert_eq!(next.over.load(Ordering::SeqCst), 1);
    scene.wish(vec![wanted("one", "3", &next)]);
    scene.supervisor.reconcile().await;
    assert_eq!(begun(&next), 1, "nothing begins after a drain");
}

fn letter(data: &str) -> DeadLetter {
    DeadLetter {
        id: "1".into(),
        trigger: id("one"),
        kind: "kafka".into(),
        at: jiff::Timestamp::UNIX_EPOCH,
        event: event("e", data),
        place: None,
        failure: Failure::invalid("bad", "bad"),
        revision: None,
        attempts: 5,
        times: 1,
        replayed_at: None,
    }
}

#[tokio::test]
async fn a_replayed_letter_goes_the_way_of_its_trigger_and_is_noted() {
    let script = Arc::<Script>::default();
    let scene = Scene::of(vec![wanted("one", "1", &script)]);
    scene.state("one", TriggerState::Running).await;
    scene.around.letters.keep(vec![letter("x")]).await.unwrap();
    scene.supervisor.replay(&letter("x"), "ann").await.unwrap();
    let sent: Vec<_> = script.sent.lock().iter().map(|it| (it.event.id.clone(), it.event.data.clone())).collect();
    assert_eq!(sent, [("e/0".to_owned(), "x".into())]);
    assert!(scene.around.letters.kept.lock()[0].replayed_at.is_some());
    assert_eq!(scene.around.dispatch.calls.lock()[0].1, 6, "the attempts go on counting");
}

#[tokio::test]
async fn a_letter_that_fails_again_says_so() {
    let around = Around::answering(|_, _| Err(Failure::transient("later", "not yet")));
    let script = Arc::<Script>::default();
    let wish = Arc::new(Wish(Mutex::new(vec![wanted("one", "1", &script)])));
    let supervisor = Supervisor::of(around.rooms(), Config::default(), vec![wish]);
    supervisor.reconcile().await;
    around.letters.keep(vec![letter("x")]).await.unwrap();
    let error = supervisor.replay(&letter("x"), "ann").await.unwrap_err().to_string();
    assert_eq!(error, "it failed again (later): not yet");
    let kept = around.letters.kept.lock()[0].clone();
    assert!(script.sent.lock().is_empty() && kept.replayed_at.is_none());
    assert_eq!((kept.times, kept.attempts, kept.failure.code.as_str()), (2, 6, "later"));
}

#[tokio::test]
async fn a_letter_of_what_is_no_source_or_was_renamed_is_replayed_too() {
    let (around, script) = (Around::answering(echo), Arc::<Script>::default());
    let wish = Arc::new(Wish(Mutex::new(vec![wanted("renamed", "1", &script)])));
    let supervisor = Supervisor::of(around.rooms(), Config::default(), vec![wish.clone()]);
    supervisor.reconcile().await;
    let of = |kind: &str| DeadLetter { id: kind.into(), kind: kind.into(), ..letter("x") };
    around.letters.keep(vec![of("publish"), of("kafka"), of("amqp")]).await.unwrap();
    supervisor.replay(&of("publish"), "ann").await.unwrap();
    assert!(script.sent.lock().is_empty(), "what it left has nowhere to go");
    supervisor.replay(&of("kafka"), "ann").await.unwrap();
    assert_eq!(script.sent.lock().len(), 1, "the only trigger of its kind takes the place of the one that is gone");
    let refused = supervisor.replay(&of("amqp"), "ann").await.unwrap_err().to_string();
    assert!(refused.contains("`default/one` is gone") && refused.contains("one amqp trigger"), "{refused}");
    let replayed = |it: &DeadLetter| (it.kind.clone(), it.replayed_at.is_some());
    let kept: Vec<_> = around.letters.kept.lock().iter().map(replayed).collect();
    assert_eq!(kept, [("publish".into(), true), ("kafka".into(), true), ("amqp".into(), false)]);
    wish.0.lock().push(wanted("second", "1", &script));
    supervisor.reconcile().await;
    assert!(supervisor.replay(&of("kafka"), "ann").await.is_err(), "there are two, and nobody knows which");
}

#[tokio::test]
async fn a_host_that_was_restarted_tells_that_a_trigger_is_well_before_it_tells_a_cause_again() {
    let script = Arc::<Script>::default();
    let scene = Scene::of(vec![wanted("one", "1", &script)]);
    scene.state("one", TriggerState::Running).await;
    until(|| (*scene.around.memory.told.lock() == ["default/one is well"]).then_some(())).await;
}

#[tokio::test]
async fn what_paused_itself_does_not_begin_again_while_nobody_can_say_what_is_paused() {
    let script = Arc::<Script>::default();
    let scene = Scene::of(vec![wanted("one", "1", &script)]);
    scene.state("one", TriggerState::Running).await;
    scene.around.memory.is_away.store(true, Ordering::SeqCst);
    script.fail.lock().push_back(SourceError::State("fatal: asked".into()));
    // It ends by itself with the failure when it is opened anew.
    scene.wish(vec![wanted("one", "2", &script)]);
    scene.state("one", TriggerState::Paused).await;
    for _ in 0..20 {
        scene.supervisor.reconcile().await;
    }
    assert_eq!(begun(&script), 2);
    scene.around.memory.is_away.store(false, Ordering::SeqCst);
    scene.supervisor.reconcile().await;
    assert_eq!((begun(&script), scene.supervisor.statuses()[0].state), (2, TriggerState::Paused));
}

#[tokio::test]
async fn a_pause_that_is_over_is_not_shown_afterwards() {
    let board = Board::new(id("one"), "kafka", "orders".into());
    let (turn, over) = (Turn::default(), CancellationToken::new());
    let held = turn.clone().lock_owned().await;
    let resting = worker::rest(&turn, &board, "ann paused it".into(), &over);
    let resumed = async {
        board.state(TriggerState::Running, None);
        over.cancel();
    };
    tokio::join!(resting, resumed);
    drop(held);
    assert_eq!(board.status().state, TriggerState::Running);
}

#[tokio::test]
async fn every_stream_of_a_function_in_service_is_wanted() {
    let around = Around::answering(echo);
    let kafka = "[[triggers]]\nkind = \"kafka\"\nbrokers = [\"a:1\"]\ntopics = [\"orders\"]\n";
    let deployed = Deployed::new(around.directory.clone());
    around.directory.deploy(&["name = \"quiet\"\n", &format!("name = \"busy\"\n{kafka}")]);
    let first = deployed.wanted().await.unwrap();
    assert_eq!(
        first.iter().map(|it| (it.id.to_string(), it.reads.clone())).collect::<Vec<_>>(),
        [("busy/kafka".into(), "orders".into())]
    );
    around.directory.deploy(&[&format!("name = \"busy\"\ndescription = \"other\"\n{kafka}")]);
    assert!(deployed.wanted().await.unwrap()[0].is_same(&first[0]), "the trigger is the same in the new revision");
    around.directory.deploy(&[&format!("name = \"busy\"\n{kafka}group = \"other\"\n")]);
    assert!(!deployed.wanted().await.unwrap()[0].is_same(&first[0]));
}
