//! Who is woken by what happens, with a fake of what keeps it.

use async_trait::async_trait;
use host_core::{
    Name,
    clock::{Clock as _, SystemClock},
    ports::{Clockwork, Fired, Firing, WakeError},
};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::*;
use crate::fakes::{Around, echo};

/// Keeps in memory what it is given.
#[derive(Default)]
pub(crate) struct Kept {
    pub(crate) since: Mutex<Option<Timestamp>>,
    pub(crate) fired: Mutex<Vec<(Firing, Started)>>,
    pub(crate) is_away: bool,
    pub(crate) told: Mutex<Vec<Told>>,
    pub(crate) taken: Mutex<Vec<(String, Vec<String>)>>,
    pub(crate) standing: Vec<StandingTriggers>,
}

#[async_trait]
impl Clockwork for Kept {
    async fn since(&self, _: &TriggerId, _: &str) -> Result<Timestamp, WakeError> {
        match self.is_away {
            true => Err(WakeError::Storage("the store is away".into())),
            false => Ok(self.since.lock().unwrap_or_else(|| SystemClock.now())),
        }
    }

    async fn fire(&self, firing: Firing, started: Started) -> Result<Fired, WakeError> {
        let Started::Function(woken) = &started else { panic!("functions are started here") };
        let run = woken.id;
        self.fired.lock().push((firing, started));
        Ok(Fired::Run { run, replaced: None })
    }

    async fn told(&self, after: Option<&Told>, most: u32) -> Result<Vec<Told>, WakeError> {
        let told = self.told.lock();
        let later = told.iter().skip_while(|it| after.is_some_and(|after| it.id <= after.id));
        Ok(later.take(most as usize).cloned().collect())
    }

    async fn pass(&self, ids: &[String]) -> Result<(), WakeError> {
        self.told.lock().retain(|it| !ids.contains(&it.id));
        Ok(())
    }

    async fn take(&self, told: &Told, started: Vec<Started>) -> Result<Option<usize>, WakeError> {
        if told.content["stuck"] == true {
            return Err(WakeError::Full("10 events wait".into()));
        }
        self.told.lock().retain(|it| it.id != told.id);
        let mut woken: Vec<String> = started.iter().map(|it| format!("{} at {}", trigger(it), it.depth())).collect();
        woken.sort();
        self.taken.lock().push((told.id.clone(), woken));
        Ok(Some(started.len()))
    }

    async fn standing(&self) -> Result<Vec<StandingTriggers>, WakeError> {
        Ok(self.standing.clone())
    }
}

fn told(id: &str, r#type: &str, subject: &str, content: Value) -> Told {
    let at = SystemClock.now();
    let project = Name::default_project();
    Told { id: id.into(), at, project, r#type: r#type.into(), subject: subject.into(), content, depth: 2 }
}

fn listening(name: &str, rest: &str) -> String {
    format!("name = \"{name}\"\n[[triggers]]\nkind = \"event\"\n{rest}\n")
}

/// Who was woken by each event, once all of them are handed over.
async fn handed_over(kept: Kept, around: &Around) -> Vec<(String, Vec<String>)> {
    let kept = Arc::new(kept);
    let happenings = Happenings::new(Rooms { clockwork: kept.clone(), ..around.rooms() });
    assert!(happenings.hand_over().await.unwrap() > 0);
    assert_eq!(happenings.hand_over().await.unwrap(), 0, "each is handed over once");
    kept.taken.lock().clone()
}

fn of(told: Vec<Told>) -> Kept {
    Kept { told: Mutex::new(told), ..Kept::default() }
}

#[tokio::test]
async fn an_event_wakes_whoever_wants_it_and_others_are_passed() {
    let around = Around::answering(echo);
    let (runs, models) = (listening("a", "types = [\"run.*\"]"), listening("b", "types = [\"model.promoted\"]"));
    around.directory.deploy(&[&runs, &models, "name = \"deaf\""]);
    let events = vec![
        told("1", "run.finished", "x", json!({ "name": "wine", "kind": "pipeline" })),
        told("2", "function.deleted", "x", json!({})),
        told("3", "model.promoted", "wine@production", json!({})),
    ];
    let taken = handed_over(of(events), &around).await;
    assert_eq!(taken, [("1".into(), vec!["a/event at 2".to_owned()]), ("3".into(), vec!["b/event at 2".to_owned()])]);
}

#[tokio::test]
async fn the_end_of_a_run_is_asked_for_by_name_and_that_of_a_handover_only_so() {
    let around = Around::answering(echo);
    let (all, named) =
        (listening("all", "types = [\"run.*\"]"), listening("named", "types = [\"run.*\"]\nsubjects = [\"score\"]"));
    around.directory.deploy(&[&all, &named]);
    let events = vec![
        told("1", "run.finished", "0190", json!({ "name": "score", "kind": "job" })),
        told("2", "run.failed", "0191", json!({ "name": "score", "kind": "event" })),
        told("3", "run.finished", "0192", json!({ "name": "other", "kind": "event" })),
    ];
    let taken = handed_over(of(events), &around).await;
    assert_eq!(taken[0].1, ["all/event at 2", "named/event at 2"]);
    assert_eq!(taken[1].1, ["named/event at 2"]);
    assert_eq!(taken.len(), 2);
}

#[tokio::test]
async fn events_that_cannot_be_handed_over_stay_and_hold_up_none_behind_them() {
    let around = Around::answering(echo);
    around.directory.deploy(&[&listening("a", "types = [\"*\"]")]);
    let event = |number: u32| told(&format!("{number:03}"), "model.promoted", "x", json!({ "stuck": number < 150 }));
    let kept = Arc::new(of((0..160).map(event).collect()));
    let happenings = Happenings::new(Rooms { clockwork: kept.clone(), ..around.rooms() });
    let error = happenings.hand_over().await.unwrap_err();
    assert!(error.contains("event 000 (model.promoted): 10 events wait"), "{error}");
    assert_eq!((kept.taken.lock().len(), kept.told.lock().len()), (10, 150));
}

#[tokio::test]
async fn a_paused_trigger_is_not_woken() {
    let around = Around::answering(echo);
    around.directory.deploy(&[&listening("a", "types = [\"*\"]")]);
    let id = TriggerId { project: Name::default_project(), function: "a".parse().unwrap(), name: "event".into() };
    around.memory.paused.lock().insert(id, "ann paused it".into());
    assert!(handed_over(of(vec![told("1", "model.promoted", "x", json!({}))]), &around).await.is_empty());
}

#[tokio::test]
async fn pipelines_are_started_too_but_not_by_what_happened_before_they_were_kept() {
    let around = Around::answering(echo);
    let trigger = json!({ "trigger": { "kind": "event", "types": ["model.promoted"] }, "params": { "n": 1 } });
    let standing = |pipeline: &str, since| StandingTriggers {
        project: Name::default_project(),
        pipeline: pipeline.parse().unwrap(),
        since,
        triggers: vec![serde_json::from_value(trigger.clone()).unwrap()],
    };
    let event = told("1", "model.promoted", "x", json!({}));
    let (before, after) =
        (event.at - jiff::SignedDuration::from_secs(1), event.at + jiff::SignedDuration::from_secs(1));
    let standing = vec![standing("old", Some(before)), standing("new", Some(after)), standing("changed", None)];
    let taken = handed_over(Kept { standing, ..of(vec![event]) }, &around).await;
    assert_eq!(taken[0].1, ["changed/pipeline.event at 2", "old/pipeline.event at 2"]);
}

#[test]
fn what_is_handed_over_is_a_cloud_event_that_says_how_deep_it_is() {
    let event = told("7", "run.finished", "0190", json!({ "state": "done" })).event();
    assert_eq!((event.r#type.as_str(), event.source.as_str()), ("weft.run.finished", "/api/v1/projects/default"));
    assert_eq!((event.id.as_str(), event.subject.as_deref()), ("7", Some("0190")));
    assert_eq!(event.extensions, [("weftdepth".to_owned(), "2".to_owned())]);
    assert_eq!(event.data.as_ref(), b"{\"state\":\"done\"}");
}
