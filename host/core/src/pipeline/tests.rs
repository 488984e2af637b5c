//! Whole pipelines: what is read, what is refused, how they are drawn.

use std::collections::BTreeMap;

use serde_json::json;

use super::*;
use crate::{
    function::Entries,
    manifest::Manifest,
    pipeline::{
        params::KEYS as PARAM_KEYS,
        read::{
            ACTION_KEYS, FUNCTION_KEYS, INPUT_KEYS, PIPELINE_KEYS, RETRY_KEYS, STEP_KEYS, action, sweep as sweep_keys,
            trigger as trigger_keys,
        },
    },
};

const WINE: &str = r#"
pipeline: wine-quality
description: From raw rows to a served model.
params:
  dataset: { type: string, default: wine-quality }
  seed: { type: integer, default: 42, minimum: 0 }
  threshold: 0.6
  fast: true
steps:
  load:
    function: load-dataset
    params: { name: "${params.dataset}" }
  prepare:
    function: prepare@3
    inputs: { data: load.data }
    params: { seed: "${params.seed}", test: 0.2 }
  train:
    function: train-forest
    inputs: { train: prepare.train }
    sweep:
      grid: { trees: [10, 50], depth: [4, 8] }
      select: max.accuracy
      parallel: 2
      stop_when: accuracy >= 0.99
      keep: 3
    retry: { attempts: 3, on: [transient], backoff: 1s, factor: 2, max_backoff: 1m }
    timeout: 5m
    cache: false
  evaluate:
    function: evaluate
    inputs: { model: train.model, data: prepare.test }
  register:
    register-model: { model: wine, from: train.model, metrics: evaluate, alias: candidate }
  promote:
    promote-model: { model: wine, version: register, alias: production, when: "evaluate.accuracy >= params.threshold" }
  deploy:
    deploy: { endpoint: wine, model: wine@production }
  call:
    call: { endpoint: wine, sample: prepare.test, requests: 100 }
"#;

/// Functions as a map from reference to manifest.
struct Functions(BTreeMap<String, (Manifest, Entries)>);

impl Catalogue for Functions {
    fn function(&self, reference: &FunctionRef) -> Option<Known<'_>> {
        self.0.get(reference.name.as_str()).map(|(manifest, entries)| Known { manifest, entries: *entries })
    }

    fn names(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }
}

fn functions() -> Functions {
    let manifests = [
        "name = 'load-dataset'\n[params]\nname = {type = 'string'}\n[outputs]\ndata = {kind = 'dataset'}",
        "name = 'prepare'\n[params]\nseed = 42\ntest = {type = 'number', default = 0.2, minimum = 0.0, maximum = 1.0}\n\
         [inputs]\ndata = {kind = 'dataset'}\n[outputs]\ntrain = {kind = 'dataset'}\ntest = {kind = 'dataset'}",
        "name = 'train-forest'\n[params]\ntrees = {type = 'integer'}\ndepth = 8\n[inputs]\ntrain = {kind = 'dataset'}\n\
         [outputs]\nmodel = {kind = 'model'}\nreport = {kind = 'report'}",
        "name = 'evaluate'\n[inputs]\nmodel = {kind = 'model'}\ndata = {kind = 'dataset'}\nbaseline = {kind = 'model', optional = true}",
        "name = 'predict'",
    ];
    let known = manifests.map(|text| {
        let manifest = Manifest::parse(text).unwrap();
        let is_job = manifest.name.as_str() != "predict";
        (manifest.name.to_string(), (manifest, Entries { job: is_job, http: !is_job, handler: false }))
    });
    Functions(known.into())
}

fn problems(yaml: &str) -> String {
    listed(&Pipeline::parse(yaml).expect_err("it has mistakes"))
}

fn problems_against(yaml: &str) -> String {
    listed(&Pipeline::parse_against(yaml, &functions()).expect_err("it has mistakes"))
}

fn listed(problems: &[Problem]) -> String {
    problems.iter().map(|problem| format!("{problem}\n")).collect()
}

/// A pipeline whose only step has this in it.
fn step(inside: &str) -> String {
    format!("pipeline: p\nparams: {{ n: 3 }}\nsteps:\n  a:\n    function: f\n    {inside}\n")
}

#[test]
fn the_whole_example_is_read() {
    let pipeline = Pipeline::parse_against(WINE, &functions()).map_err(|all| listed(&all)).unwrap();
    insta::assert_json_snapshot!(pipeline);
}

#[test]
fn a_pipeline_survives_being_stored() {
    let pipeline = Pipeline::parse(WINE).unwrap();
    let stored = serde_json::to_string(&pipeline).unwrap();
    assert_eq!(serde_json::from_str::<Pipeline>(&stored).unwrap(), pipeline);
}

#[test]
fn ten_mistakes_are_told_at_once_each_with_its_place() {
    let text = r#"
pipeline: Wine Quality
params:
  seed: { type: integer, default: lots }
  rate: { type: numbr }
stpes: {}
steps:
  load:
    function: load-dataset
    params: { name: "${params.datset}", seed: "${params.sed}" }
    timeout: 30
  prepare:
    function: prepare
    inptus: { data: load.data }
    inputs: { data: lod.data }
    needs: [evaluate]
  train:
    funtion: train-forest
    inputs: { train: prepare }
    sweep: { grid: { trees: [] }, select: accuracy }
    retry: { attempts: 3, on: [sometimes], backoff: 1 s, factor: 0.5 }
  evaluate:
    function: evaluate
    inputs: { model: train.model, data: prepare.test }
    needs: evaluate
  evaluate:
    function: evaluate
  loop:
    function: predict
    needs: [loop]
"#;
    insta::assert_snapshot!(problems(text));
}

#[test]
fn the_functions_have_their_say() {
    let text = r#"
pipeline: wine
params: { trees: many, seed: 42 }
steps:
  load:
    function: load-datasets
  prepare:
    function: prepare
    inputs: { dta: load.data }
    params: { seed: "${params.trees}", test: 2, tset: 0.1 }
  train:
    function: train-forest
    inputs: { train: prepare.trian, model: { model: wine } }
    sweep: { grid: { trees: [10, many], dept: [4] } }
  tune:
    function: train-forest
    params: { depth: "${params.seed}", trees: "${params.seed} trees" }
    inputs: { train: prepare.train }
    outputs: [modle]
  evaluate:
    function: evaluate
    inputs: { model: prepare.test, data: { model: wine@production } }
  serve:
    function: predict
  register:
    register-model: { model: wine, from: prepare.train }
  call:
    call: { function: evaluate, sample: tune.report }
"#;
    insta::assert_snapshot!(problems_against(text));
}

#[test]
fn mistakes_in_the_text_and_against_the_functions_come_together() {
    let said = problems_against(
        "pipeline: p\nsteps:\n  a:\n    function: lod-dataset\n    needs: [b]\n  c:\n    funktion: x\n",
    );
    for part in [
        "there is no function `lod-dataset`; did you mean `load-dataset`?",
        "there is no step `b`",
        "does not say what the step does",
    ] {
        assert!(said.contains(part), "{said}");
    }
}

#[test]
fn circles_are_named_once_each() {
    let text = "pipeline: p\nsteps:\n  a: { function: f, needs: [c] }\n  b: { function: f, needs: [a] }\n  \
                c: { function: f, inputs: { x: b.x } }\n  d: { function: f, params: { v: '${steps.e.results.v}' } }\n  \
                e: { function: f, when: d.v > 1 }\n  f: { function: f, needs: [a] }\n";
    let said = problems(text);
    assert_eq!(
        said,
        "3:3: steps.a: steps wait for one another: a → c → b → a; take one of these references out\n\
         6:3: steps.d: steps wait for one another: d → e → d; take one of these references out\n"
    );
}

#[test]
fn placeholders_must_lead_somewhere() {
    for (value, message) in [
        ("${params.m}", "there is no param `m`; did you mean `n`?"),
        ("${steps.b.results.x}", "there is no step `b`"),
        ("${steps.a.results.x}", "step `a` refers to itself"),
        ("${a.x}", "names no value"),
        ("${params.n", "does not close it"),
    ] {
        let said = problems(&step(&format!("params: {{ x: [{{ y: '{value}' }}] }}")));
        assert!(said.contains(message), "{value}: {said}");
        assert!(said.contains("steps.a.params.x[0].y"), "{said}");
    }
    assert!(Pipeline::parse(&step("params: { x: 'costs $${params.m}' }")).is_ok());
}

#[test]
fn every_part_of_a_sweep_is_checked() {
    for (sweep, message) in [
        ("{ parallel: 2 }", "expected one of grid, list, random"),
        ("{ grid: {} }", "it names no param"),
        ("{ grid: { x: 3 } }", "expected a list of values, found 3"),
        ("{ grid: { x: [1] }, select: best.accuracy }", "is not a selector"),
        ("{ grid: { x: [1] }, parallel: 0 }", "from 1 to 1000, found 0"),
        ("{ grid: { x: [1] }, stop_when: accuracy }", "is not a condition"),
        ("{ grid: { x: [1] }, keep: 2 }", "`keep` needs `select`"),
        ("{ list: [] }", "the list is empty"),
        ("{ list: [3] }", "found 3"),
        ("{ random: { params: { x: { choice: [1] } } } }", "`trials` is missing"),
        ("{ random: { trials: 3 } }", "expected either `params` or `grid`"),
        ("{ random: { trials: 3, params: { x: { chioce: [1] } } } }", "did you mean `choice`?"),
        ("{ random: { trials: 3, params: { x: { uniform: [2, 1] } } } }", "2 is more than 1"),
        ("{ random: { trials: 3, params: { x: { uniform: [a, 1] } } } }", "expected two numbers"),
        ("{ random: { trials: 3, params: { x: { integer: [0.5, 1] } } } }", "expected two whole numbers"),
        ("{ random: { trials: 3, params: { x: { log_uniform: [0, 1] } } } }", "more than 0"),
    ] {
        let said = problems(&step(&format!("sweep: {sweep}")));
        assert!(said.contains(message), "{sweep}: {said}");
    }
    let wide = format!("sweep: {{ grid: {{ x: {0}, y: {0} }} }}", json!((0..101).collect::<Vec<_>>()));
    assert!(problems(&step(&wide)).contains("10201 combinations, more than 10000"));
}

#[test]
fn inputs_come_from_steps_artifacts_addresses_and_models() {
    let digest = format!("sha256:{}", "0".repeat(64));
    let text = step(&format!(
        "inputs:\n      a: {digest}\n      b: {{ artifact: '{digest}' }}\n      c: https://example.com/x.csv\n      \
         d: {{ url: 'https://example.com/${{params.n}}.csv' }}\n      e: {{ model: wine@production }}"
    ));
    let pipeline = Pipeline::parse(&text).map_err(|all| listed(&all)).unwrap();
    let kinds: Vec<_> = pipeline.steps["a"]
        .inputs
        .values()
        .map(|it| json!(it).as_object().unwrap().keys().next().unwrap().clone())
        .collect();
    assert_eq!(kinds, ["artifact", "artifact", "url", "url", "model"]);
    for (input, message) in [
        ("b", "`b` is not an output: write STEP.OUTPUT"),
        ("ftp://x/y", "is not an http, https, s3, gs or az address"),
        ("sha256:12", "sha256:12"),
        ("{ urll: x }", "did you mean `url`?"),
        ("{ url: 'http://x', model: y }", "expected one of artifact, url, model"),
        ("[a]", "this is no input"),
        ("{ model: Wine }", "is not a name"),
    ] {
        let said = problems(&step(&format!("inputs: {{ x: {input} }}")));
        assert!(said.contains(message), "{input}: {said}");
    }
}

#[test]
fn steps_without_a_function_take_only_what_is_theirs() {
    for (inside, message) in [
        (
            "deploy: { endpoint: e, model: m }\n    params: { x: 1 }",
            "`params` is for steps with a `function`, not for `deploy`",
        ),
        ("deploy: { endpoint: e }", "`model` is missing"),
        ("deploy: { function: f, model: m }", "a deploy is of a `function`"),
        ("register-model: { model: m }", "`from` is missing"),
        ("promote-model: { model: m, version: b, alias: x }", "step `b` registers no model"),
        ("promote-model: { model: m, version: 0, alias: x }", "found 0"),
        ("promote-model: { model: m, version: 1, alias: x, when: a >= }", "is not a condition"),
        ("call: { endpoint: e }", "an endpoint has to be sent something"),
        ("call: { requests: 3 }", "expected either `endpoint` or `function`"),
        ("call: { function: f, sample: c.x }", "step `c` is a `deploy` and has no outputs"),
        ("deploy: { function: f }\n    call: { function: f }", "a step does one thing: `deploy` or `call`"),
    ] {
        let said = problems(&format!(
            "pipeline: p\nsteps:\n  a:\n    {inside}\n  b: {{ function: f }}\n  c: {{ deploy: {{ function: g }} }}\n"
        ));
        assert!(said.contains(message), "{inside}: {said}");
    }
}

#[test]
fn texts_that_are_no_pipeline_say_so() {
    for (text, message) in [
        ("", "the text is empty"),
        ("[1, 2]", "expected a pipeline, a mapping, found a list"),
        ("pipeline: p", "there are no steps"),
        ("pipeline: p\nsteps: []", "expected steps, a mapping"),
        ("steps: { a: { function: f } }", "`pipeline` is missing"),
        ("pipeline: p\nsteps: { params: { function: f } }", "cannot be called `params`"),
        ("pipeline: p\nsteps: { a: f }", "expected a step, a mapping, found the text `f`"),
        ("pipeline: [", "this is not YAML"),
    ] {
        let said = problems(text);
        assert!(said.contains(message), "{text}: {said}");
    }
}

#[test]
fn what_is_put_into_service_comes_before_what_uses_it() {
    let pipeline = Pipeline::parse(WINE).unwrap();
    let waits = pipeline.dependencies();
    assert_eq!(waits["deploy"].iter().copied().collect::<Vec<_>>(), ["promote"]);
    assert_eq!(waits["call"].iter().copied().collect::<Vec<_>>(), ["prepare", "deploy"]);
    assert_eq!(waits["promote"].iter().copied().collect::<Vec<_>>(), ["register", "evaluate"]);
}

#[test]
fn a_candidate_is_tried_before_it_is_promoted() {
    let text = "pipeline: p\nsteps:\n  train: { function: f }\n  \
                register: { register-model: { model: m, from: train.model } }\n  \
                serve: { deploy: { endpoint: e, model: m } }\n  call: { call: { endpoint: e, input: 1 } }\n  \
                promote: { promote-model: { model: m, version: register, alias: production, when: call.p99_ms < 5 } }\n";
    let pipeline = Pipeline::parse(text).map_err(|all| listed(&all)).unwrap();
    assert_eq!(pipeline.levels(), [["train"], ["register"], ["serve"], ["call"], ["promote"]]);
}

#[test]
fn a_pipeline_is_drawn() {
    let pipeline = Pipeline::parse(WINE).unwrap();
    let levels: Vec<_> = pipeline.levels().iter().map(|row| row.join(" ")).collect();
    assert_eq!(levels, ["load", "prepare", "train", "evaluate", "register", "promote", "deploy", "call"]);
    insta::assert_snapshot!("mermaid", pipeline.to_mermaid());
    insta::assert_snapshot!("dot", pipeline.to_dot());
}

#[test]
fn a_single_job_is_a_pipeline_of_one_step() {
    let pipeline = Pipeline::of_job("describe@3".parse().unwrap(), Map::new(), IndexMap::new());
    assert_eq!(pipeline.levels(), [["describe"]]);
    assert_eq!(pipeline.name.as_str(), "describe");
}

#[test]
fn what_it_speaks_of_is_known_before_it_runs() {
    let named: Vec<_> = Parsed::functions(WINE).iter().map(ToString::to_string).collect();
    assert_eq!(named, ["load-dataset", "prepare@3", "train-forest", "evaluate"]);
    assert_eq!(Parsed::functions("steps: { a: { function: f }, b: { needs: 3 } }")[0].to_string(), "f");
    let text = step("inputs: { x: { model: '${params.n}' }, y: { model: 'wine@${params.alias}' } }");
    let pipeline = Pipeline::parse(&text.replace("n: 3", "n: 3, alias: best")).map_err(|all| listed(&all)).unwrap();
    let params = json!({"n": 3, "alias": "best"}).as_object().unwrap().clone();
    let models: Vec<_> = pipeline.models(&params).iter().map(ToString::to_string).collect();
    assert_eq!(models, ["wine@best"]);
}

#[test]
fn large_and_odd_texts_are_answered_quickly_and_briefly() {
    let many = |line: fn(usize) -> String| (0..15_000).map(line).collect::<String>();
    for text in [
        format!("pipeline: p\nsteps:\n{}", many(|at| format!("  s{at}: {{ x: 1 }}\n"))),
        format!("pipeline: p\nsteps:\n  a:\n    function: f\n    needs: [{}]", many(|at| format!("b{at}, "))),
        format!("pipeline: p\nsteps:\n  a:\n    timeout: {}", "x".repeat(900_000)),
        format!("pipeline: p\nsteps:\n  a:\n    function: f\n    params: {{ x: '{}' }}", "${params.x}".repeat(50_000)),
        "- ".repeat(500_000),
        "? ".repeat(500_000),
        "a: ".repeat(300_000),
        "{".repeat(1_000_000),
        "\"".repeat(1_000_000),
        "&a ".repeat(300_000),
    ] {
        let problems = Pipeline::parse(&text).unwrap_err();
        assert!(problems.len() <= 2 * MAX_PROBLEMS && listed(&problems).len() < 300_000);
    }
}

#[test]
fn the_schema_has_exactly_the_keys_that_are_read() {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let keys = |path: &str| {
        let mut keys: Vec<_> =
            schema.pointer(path).unwrap()["properties"].as_object().unwrap().keys().cloned().collect();
        keys.sort();
        keys
    };
    let sorted = |lists: &[&[&str]]| {
        let mut all: Vec<String> = lists.concat().into_iter().map(str::to_owned).collect();
        all.sort();
        all
    };
    assert_eq!(keys(""), sorted(&[PIPELINE_KEYS]));
    assert_eq!(keys("/$defs/param/anyOf/1"), sorted(&[PARAM_KEYS]));
    assert_eq!(keys("/$defs/trigger"), sorted(&[trigger_keys::TRIGGER_KEYS]));
    assert_eq!(keys("/$defs/schedule"), sorted(&[trigger_keys::SCHEDULE_KEYS]));
    assert_eq!(keys("/$defs/event"), sorted(&[trigger_keys::EVENT_KEYS]));
    assert_eq!(keys("/$defs/step"), sorted(&[ACTION_KEYS, STEP_KEYS, FUNCTION_KEYS]));
    assert_eq!(keys("/$defs/input/anyOf/2"), sorted(&[INPUT_KEYS]));
    assert_eq!(keys("/$defs/retry"), sorted(&[RETRY_KEYS]));
    assert_eq!(keys("/$defs/sweep"), sorted(&[sweep_keys::SPACE_KEYS, sweep_keys::SWEEP_KEYS]));
    assert_eq!(keys("/$defs/random"), sorted(&[sweep_keys::RANDOM_KEYS]));
    assert_eq!(keys("/$defs/draw"), sorted(&[sweep_keys::DRAW_KEYS]));
    assert_eq!(keys("/$defs/register-model"), sorted(&[action::REGISTER_KEYS]));
    assert_eq!(keys("/$defs/promote-model"), sorted(&[action::PROMOTE_KEYS]));
    assert_eq!(keys("/$defs/deploy"), sorted(&[action::DEPLOY_KEYS]));
    assert_eq!(keys("/$defs/call"), sorted(&[action::CALL_KEYS]));
}

#[test]
fn a_pipeline_says_what_starts_it() {
    let text = "
pipeline: p
params: { n: 1 }
triggers:
  - schedule: { cron: '0 2 * * *', zone: Europe/Berlin, missed: all, grace: 2h, overlap: Replace, jitter: 30s, name: nightly }
    params: { n: 2 }
  - event: { types: [run.finished, 'model.*'], subjects: [wine] }
steps:
  a: { function: f }
";
    let triggers = Pipeline::parse(text).unwrap().triggers;
    assert_eq!(triggers.iter().map(PipelineTrigger::name).collect::<Vec<_>>(), ["nightly", "event"]);
    assert_eq!((triggers[0].trigger.kind(), &triggers[0].params["n"]), ("schedule", &json!(2)));
    let id = triggers[1].id(&Name::default_project(), &"p".parse().unwrap());
    assert_eq!((id.function.as_str(), id.name.as_str()), ("p", "pipeline.event"));
}

#[test]
fn mistakes_in_triggers_are_told_with_their_places() {
    let text = "pipeline: p
params: { n: 1 }
triggers:
  - schedule: { cron: '61 * * * *' }
  - schedule: { cron: '0 2 * * *', zone: Berlin, name: b }
  - schedule: { cron: '0 2 * * *', missed: never, name: c }
  - event: { type: [run.finished] }
  - params: { n: 1 }
  - event: { types: [run.finished], name: e }
    params: { m: 1, n: x }
  - event: { types: [model.promoted], name: e }
steps:
  a: { function: f }
";
    let problems = Pipeline::parse(text).unwrap_err();
    let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
    for (line, part) in [
        (4, "triggers[0].schedule.cron: `61 * * * *` is not understood"),
        (5, "triggers[1].schedule.zone: `Berlin` is not a time zone"),
        (6, "triggers[2].schedule.missed: unknown variant `never`"),
        (7, "`type` is not a key of an event; did you mean `types`?"),
        (7, "`types` is missing"),
        (8, "it does not say what starts the pipeline"),
        (10, "there is no parameter `m`"),
        (10, "triggers[5].params.n"),
        (11, "two triggers are called `e`"),
    ] {
        assert!(told.iter().any(|it| it.starts_with(&format!("{line}:")) && it.contains(part)), "{part}\n{told:#?}");
    }
    assert_eq!(problems.len(), 9, "{told:#?}");
}
