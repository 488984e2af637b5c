//! Runs, told as what happened and what followed.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::Name;

fn pipeline(steps: &str) -> Pipeline {
    let text = format!("pipeline: p\nparams: {{ min: 0.6, name: wine }}\nsteps:\n{steps}");
    Pipeline::parse(&text).unwrap_or_else(|all| panic!("{text}\n{all:?}"))
}

fn map(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

fn params() -> Map<String, Value> {
    map(json!({"min": 0.6, "name": "wine"}))
}

/// Changes as short lines.
fn told(changes: &[Change]) -> Vec<String> {
    let label = |step: &str, trial: Option<u32>| trial.map_or(step.to_owned(), |trial| format!("{step}#{trial}"));
    changes
        .iter()
        .map(|change| match change {
            Change::Opened { step, trials } => format!("open {step} {}", trials.len()),
            Change::Ready { step, trial, .. } => format!("ready {}", label(step, *trial)),
            Change::Stopped { step, trial, state, .. } => format!("{state} {}", label(step, Some(*trial))),
            Change::Settled { step, state, best: Some(best), kept, .. } => {
                format!("{state} {step} best {best} kept {kept:?}")
            }
            Change::Settled { step, state, .. } => format!("{state} {step}"),
            Change::Finished(state) => format!("finished {}", state.as_str()),
        })
        .collect()
}

fn reasons(changes: &[Change]) -> Vec<String> {
    changes
        .iter()
        .filter_map(|change| match change {
            Change::Settled { reason, .. } => reason.clone(),
            Change::Stopped { reason, .. } => Some(reason.clone()),
            _ => None,
        })
        .collect()
}

trait Play {
    fn done(&mut self, step: &str, trial: Option<u32>, results: Value) -> Vec<String>;
    fn failed(&mut self, step: &str, trial: Option<u32>) -> Vec<String>;
}

impl Play for Progress<'_> {
    fn done(&mut self, step: &str, trial: Option<u32>, results: Value) -> Vec<String> {
        self.start(step, trial);
        let outputs = ["data", "train", "model"].map(|name| StepOutput {
            name: name.to_owned(),
            digest: Digest::of(format!("{step}{trial:?}{name}").as_bytes()),
            size: 1,
            kind: crate::artifact::Kind::File,
            media_type: None,
            metadata: Value::Null,
        });
        self.settle(step, trial, StepState::Done, map(results), outputs.into());
        told(&self.advance())
    }

    fn failed(&mut self, step: &str, trial: Option<u32>) -> Vec<String> {
        self.start(step, trial);
        self.settle(step, trial, StepState::Failed, Map::new(), Vec::new());
        told(&self.advance())
    }
}

const DIAMOND: &str = "  a: { function: f }\n  b: { function: f, inputs: { x: a.data } }\n  \
                       c: { function: f, needs: [a] }\n  d: { function: f, needs: [b, c] }\n";

const SWEEP: &str = "  a: { function: f }\n  t:\n    function: f\n    inputs: { x: a.data }\n    params: { fixed: 1 }\n    \
                     sweep: { grid: { n: [1, 2, 3, 4] }, select: max.acc, parallel: 2, stop_when: acc >= 0.9, keep: 2 }\n  \
                     z: { function: f, inputs: { m: t.model } }\n";

#[test]
fn a_diamond_starts_at_the_top_and_joins_at_the_bottom() {
    let (pipeline, params) = (pipeline(DIAMOND), params());
    let mut run = Progress::new(&pipeline, &params, 0);
    assert_eq!(told(&run.advance()), ["ready a"]);
    assert_eq!(run.done("a", None, json!({})), ["ready b", "ready c"]);
    assert_eq!(run.done("c", None, json!({})), [] as [&str; 0]);
    assert_eq!(run.done("b", None, json!({})), ["ready d"]);
    assert_eq!(run.done("d", None, json!({})), ["finished done"]);
    assert_eq!(run.advance(), []);
}

#[test]
fn what_needs_a_failed_step_is_skipped_and_the_rest_goes_on() {
    let (pipeline, params) = (pipeline(DIAMOND), params());
    let mut run = Progress::new(&pipeline, &params, 0);
    run.advance();
    run.done("a", None, json!({}));
    assert_eq!(run.failed("b", None), ["skipped d"]);
    assert_eq!(run.done("c", None, json!({})), ["finished failed"]);
}

#[test]
fn a_step_is_given_params_and_the_bytes_of_its_inputs() {
    let steps = "  a: { function: f }\n  b:\n    function: f\n    inputs: { x: a.data, m: { model: '${params.name}@production' } }\n    \
                 params: { acc: '${steps.a.results.acc}', text: 'n=${params.name}' }\n";
    let (pipeline, params) = (pipeline(steps), params());
    let mut run = Progress::new(&pipeline, &params, 0);
    run.advance();
    run.done("a", None, json!({"acc": 0.5}));
    let work = run.work("b", None).unwrap();
    assert_eq!(json!(work.params), json!({"acc": 0.5, "text": "n=wine"}));
    let reference: OutputRef = "a.data".parse().unwrap();
    let expected = [
        InputSource::Output(reference.clone(), run.output(&reference).unwrap()),
        InputSource::Model("wine@production".parse().unwrap()),
    ];
    assert_eq!(work.inputs.into_values().collect::<Vec<_>>(), expected);
}

#[test]
fn a_step_fails_when_what_it_was_to_be_given_is_not_there() {
    for (inside, reason) in [
        ("params: { x: '${steps.a.results.f1}' }", "step `a` has no result `f1`; it gave acc"),
        ("inputs: { x: a.nothing }", "step `a` left out its output `nothing`"),
        ("when: a.f1 > 1", "step `a` has no result `f1`; it gave acc"),
        ("inputs: { x: { artifact: '${params.name}' } }", "wine"),
    ] {
        let (pipeline, params) =
            (pipeline(&format!("  a: {{ function: f }}\n  b: {{ function: f, {inside}, needs: [a] }}\n")), params());
        let mut run = Progress::new(&pipeline, &params, 0);
        run.advance();
        run.settle("a", None, StepState::Done, map(json!({"acc": 1})), Vec::new());
        let changes = run.advance();
        assert_eq!(told(&changes), ["failed b", "finished failed"], "{inside}");
        assert!(reasons(&changes)[0].contains(reason), "{changes:?}");
    }
}

#[test]
fn a_false_condition_skips_the_step_and_all_that_needs_it_and_the_run_is_done() {
    let steps =
        "  a: { function: f }\n  b: { function: f, when: a.acc >= params.min }\n  c: { function: f, needs: [b] }\n";
    let (pipeline, params) = (pipeline(steps), params());
    let mut run = Progress::new(&pipeline, &params, 0);
    run.advance();
    assert_eq!(run.done("a", None, json!({"acc": 0.5})), ["skipped b", "skipped c", "finished done"]);
    let mut run = Progress::new(&pipeline, &params, 0);
    run.advance();
    assert_eq!(run.done("a", None, json!({"acc": 0.6})), ["ready b"]);
}

#[test]
fn a_sweep_keeps_to_its_limit_and_its_best_trial_speaks_for_it() {
    let (pipeline, params) = (pipeline(SWEEP), params());
    let mut run = Progress::new(&pipeline, &params, 0);
    run.advance();
    assert_eq!(run.done("a", None, json!({})), ["open t 4", "ready t#0", "ready t#1"]);
    assert_eq!(json!(run.work("t", Some(1)).unwrap().params), json!({"fixed": 1, "n": 2}));
    assert_eq!(run.done("t", Some(1), json!({"acc": 0.7})), ["ready t#2"]);
    assert_eq!(run.failed("t", Some(0)), ["ready t#3"]);
    assert_eq!(run.done("t", Some(2), json!({"acc": 0.7})), [] as [&str; 0]);
    assert_eq!(run.done("t", Some(3), json!({"acc": 0.1})), ["done t best 1 kept [1, 2]", "ready z"]);
    assert_eq!(json!(*run.steps()["t"].results), json!({"acc": 0.7}));
    assert_eq!(run.output(&"t.model".parse().unwrap()), Some(Digest::of(b"tSome(1)model")));
}

#[test]
fn an_early_stop_gives_the_same_whichever_trial_was_faster() {
    let (pipeline, params) = (pipeline(SWEEP), params());
    let mut run = Progress::new(&pipeline, &params, 0);
    run.advance();
    run.done("a", None, json!({}));
    assert_eq!(run.done("t", Some(1), json!({"acc": 0.95})), ["skipped t#2", "skipped t#3"], "trial 0 is waited for");
    assert_eq!(run.done("t", Some(0), json!({"acc": 0.92})), ["done t best 0 kept [0]", "ready z"]);

    let mut run = Progress::new(&pipeline, &params, 0);
    run.advance();
    run.done("a", None, json!({}));
    run.start("t", Some(1));
    let stopped = run.done("t", Some(0), json!({"acc": 0.92}));
    assert_eq!(stopped, ["cancelled t#1", "skipped t#2", "skipped t#3", "done t best 0 kept [0]", "ready z"]);
    let before = run.clone();
    assert_eq!(run.done("t", Some(1), json!({"acc": 0.99})), [] as [&str; 0]);
    assert_eq!(run, before, "of a trial that was stopped nothing more is heard");
}

#[test]
fn a_sweep_without_a_trial_that_counts_fails() {
    let (pipeline, params) = (pipeline(SWEEP), params());
    let mut run = Progress::new(&pipeline, &params, 0);
    run.advance();
    run.done("a", None, json!({}));
    run.failed("t", Some(0));
    run.done("t", Some(1), json!({"acc": "NaN"}));
    run.done("t", Some(2), json!({}));
    run.settle("t", Some(3), StepState::Done, map(json!({"acc": null})), Vec::new());
    let changes = run.advance();
    assert_eq!(told(&changes), ["failed t", "skipped z", "finished failed"]);
    assert_eq!(reasons(&changes)[0], "no trial gave `acc`; 1 of 4 failed");
}

#[test]
fn a_sweep_that_chooses_nothing_fails_with_any_of_its_trials() {
    let (pipeline, params) = (pipeline("  a: { function: f, sweep: { list: [{ n: 1 }, { n: 2 }] } }\n"), params());
    let mut run = Progress::new(&pipeline, &params, 0);
    assert_eq!(told(&run.advance()), ["open a 2", "ready a#0", "ready a#1"]);
    run.failed("a", Some(0));
    assert_eq!(run.done("a", Some(1), json!({})), ["failed a", "finished failed"]);
}

#[test]
fn a_cancelled_run_starts_nothing_and_ends_when_what_runs_has_stopped() {
    let (pipeline, params) = (pipeline(SWEEP), params());
    let mut run = Progress::new(&pipeline, &params, 0);
    run.advance();
    run.done("a", None, json!({}));
    run.start("t", Some(0));
    run.cancel();
    assert_eq!(told(&run.advance()), ["cancelled t#1", "cancelled t#2", "cancelled t#3", "cancelled z"]);
    run.settle("t", Some(0), StepState::Cancelled, Map::new(), Vec::new());
    assert_eq!(told(&run.advance()), ["cancelled t", "finished cancelled"]);
}

#[test]
fn again_runs_only_what_failed_and_what_came_after_it() {
    let (pipeline, params) = (pipeline(DIAMOND), params());
    let mut run = Progress::new(&pipeline, &params, 0);
    run.advance();
    run.done("a", None, json!({}));
    run.failed("b", None);
    run.done("c", None, json!({}));
    let reset: Vec<_> = run.again(&[]).into_iter().map(|it| (it.step, it.state)).collect();
    assert_eq!(reset, [("b".to_owned(), StepState::Waiting), ("d".to_owned(), StepState::Waiting)]);
    assert_eq!(told(&run.advance()), ["ready b"]);
    assert_eq!(run.done("b", None, json!({})), ["ready d"]);
    assert_eq!(run.done("d", None, json!({})), ["finished done"]);
}

#[test]
fn again_after_a_change_runs_all_that_came_from_it() {
    let (pipeline, params) = (pipeline(DIAMOND), params());
    let mut run = Progress::new(&pipeline, &params, 0);
    run.advance();
    for step in ["a", "b", "c", "d"] {
        run.done(step, None, json!({}));
    }
    let reset: Vec<_> = run.again(&["c".to_owned()]).into_iter().map(|it| it.step).collect();
    assert_eq!(reset, ["c", "d"]);
    assert_eq!(told(&run.advance()), ["ready c"]);
}

#[test]
fn again_keeps_the_trials_that_are_done() {
    let (pipeline, params) = (pipeline("  a: { function: f, sweep: { list: [{ n: 1 }, { n: 2 }] } }\n"), params());
    let mut run = Progress::new(&pipeline, &params, 0);
    run.advance();
    run.failed("a", Some(0));
    run.done("a", Some(1), json!({}));
    let reset: Vec<_> = run.again(&[]).into_iter().map(|it| (it.trial, it.state)).collect();
    assert_eq!(reset, [(None, StepState::Running), (Some(0), StepState::Waiting)]);
    assert_eq!(told(&run.advance()), ["ready a#0"]);
    assert_eq!(run.done("a", Some(0), json!({})), ["done a", "finished done"]);
}

/// A pipeline of a few steps: each needs some earlier ones, some sweep, some have a condition.
fn any_pipeline() -> impl Strategy<Value = Pipeline> {
    let step = (any::<u8>(), 0..4u8, 0..4u8);
    prop::collection::vec(step, 1..8).prop_map(|shape| {
        let name = |at: usize| format!("s{at}").parse::<Name>().unwrap();
        let mut text = String::new();
        for (at, (needs, sweep, when)) in shape.iter().enumerate() {
            let needs: Vec<_> = (0..at).filter(|it| needs & (1 << it) != 0).map(|it| name(it).to_string()).collect();
            text += &format!("  {}:\n    function: f\n    needs: [{}]\n", name(at), needs.join(", "));
            match sweep {
                0 => text += "    sweep: { grid: { n: [1, 2], m: [1, 2] }, select: max.v, parallel: 2, stop_when: v >= 8, keep: 2 }\n",
                1 => text += "    sweep: { list: [{ n: 1 }, { n: 2 }, { n: 3 }], parallel: 1 }\n",
                _ => {}
            }
            if *when == 0 && let Some(first) = needs.first() {
                text += &format!("    when: {first}.v >= 3\n");
            }
        }
        pipeline(&text)
    })
}

/// What is ready or running, in order.
fn active(run: &Progress<'_>) -> Vec<(String, Option<u32>)> {
    let mut active = Vec::new();
    for (name, step) in run.steps() {
        if step.trials.is_empty() && step.state.is_active() {
            active.push((name.clone(), None));
        }
        let trials = (0u32..).zip(step.trials.iter()).filter(|(_, trial)| trial.state.is_active());
        active.extend(trials.map(|(number, _)| (name.clone(), Some(number))));
    }
    active
}

/// Lets things happen by the dice until nothing is left to happen.
fn play(run: &mut Progress<'_>, dice: &[u8]) -> Vec<Change> {
    let mut changes = run.advance();
    let mut dice = dice.iter().cycle();
    for _ in 0..200 {
        check(run);
        let active = active(run);
        let Some((step, trial)) = active.get(usize::from(*dice.next().unwrap_or(&0)) % active.len().max(1)).cloned()
        else {
            break;
        };
        let roll = *dice.next().unwrap_or(&0) % 10;
        run.start(&step, trial);
        let state = if roll == 0 { StepState::Failed } else { StepState::Done };
        run.settle(&step, trial, state, map(json!({"v": roll})), Vec::new());
        changes.extend(run.advance());
        // Whoever reads the records comes to the same conclusion: there is nothing more to do.
        let mut reread = Progress::resume(run.pipeline, run.params, run.seed, run.steps().clone());
        let more = reread.advance();
        assert!(more.iter().all(|it| matches!(it, Change::Finished(_))), "{more:?}");
    }
    changes
}

/// What must hold at every moment.
fn check(run: &Progress<'_>) {
    for (name, step) in run.steps() {
        let mut waits = run.standing.waits(name);
        if step.state.is_active() || step.state == StepState::Done {
            assert!(waits.all(|(_, it)| it.state == StepState::Done), "{name} runs before its inputs");
        }
        if let Some(sweep) = &run.pipeline.steps[name].sweep {
            let active = step.trials.iter().filter(|trial| trial.state.is_active()).count();
            assert!(active <= sweep.parallel as usize, "{name} runs too many trials");
        }
    }
}

proptest! {
    #[test]
    fn every_run_ends_and_ends_the_same_when_replayed(pipeline in any_pipeline(), dice in prop::collection::vec(any::<u8>(), 2..60)) {
        let params = params();
        let mut run = Progress::new(&pipeline, &params, 7);
        let changes = play(&mut run, &dice);
        prop_assert!(matches!(changes.last(), Some(Change::Finished(_))), "{:?}", changes);
        prop_assert!(run.steps().values().all(|step| step.state.is_over()));

        let mut replayed = Progress::new(&pipeline, &params, 7);
        prop_assert_eq!(play(&mut replayed, &dice), changes);
        prop_assert_eq!(&replayed, &run);

        run.again(&[]);
        let more = play(&mut run, &[1]);
        prop_assert!(matches!(more.last(), Some(Change::Finished(_))), "{:?}", more);
    }

    #[test]
    fn a_cancelled_run_ends_too(pipeline in any_pipeline(), dice in prop::collection::vec(any::<u8>(), 2..20), after in 0..6usize) {
        let params = params();
        let mut run = Progress::new(&pipeline, &params, 7);
        run.advance();
        for roll in dice.iter().take(after) {
            let active = active(&run);
            let Some((step, trial)) = active.get(usize::from(*roll) % active.len().max(1)).cloned() else { break };
            run.start(&step, trial);
            run.settle(&step, trial, StepState::Done, map(json!({"v": roll % 10})), Vec::new());
            run.advance();
        }
        run.cancel();
        let mut changes = run.advance();
        for (step, trial) in active(&run) {
            run.settle(&step, trial, StepState::Cancelled, Map::new(), Vec::new());
            changes.extend(run.advance());
        }
        let starts = changes.iter().any(|it| matches!(it, Change::Ready { .. }));
        prop_assert!(!starts, "{:?}", changes);
        prop_assert!(run.steps().values().all(|step| step.state.is_over()));
    }
}
