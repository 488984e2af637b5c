//! Another version under load: no request is lost, and no answer is a mixture.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde_json::{Value, json};

use super::{Fixture, wine};
use crate::support::Host;

/// How many ask at once, and how often the alias moves.
const CLIENTS: usize = 4;
const MOVES: usize = 24;

/// Asks without pause while the alias moves; `check` judges every answer. Returns how many each version gave.
fn under_load(
    host: &Host,
    model: &str,
    ask: impl Fn() -> (u16, Value) + Sync,
    check: impl Fn(u16, Value) -> usize + Sync,
) -> [usize; 2] {
    let (over, seen) = (AtomicBool::new(false), [AtomicUsize::new(0), AtomicUsize::new(0)]);
    std::thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                while !over.load(Ordering::SeqCst) {
                    let (status, answer) = ask();
                    seen[check(status, answer) - 1].fetch_add(1, Ordering::SeqCst);
                }
            });
        }
        // Whatever fails below, the clients end.
        let moved = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            for turn in 0..MOVES {
                match turn % 3 {
                    0 => host.json(&["models", "promote", &format!("{model}@2")]),
                    1 => host.json(&["models", "promote", &format!("{model}@1")]),
                    _ => host.json(&["models", "rollback", model]),
                };
            }
        }));
        over.store(true, Ordering::SeqCst);
        moved.unwrap();
    });
    seen.map(AtomicUsize::into_inner)
}

#[test]
fn answers_over_the_protocol_are_of_one_version_each_and_none_is_lost() {
    let host = Host::start();
    let fixtures = [Fixture::read("logistic-multi"), Fixture::read("gaussian-bayes")];
    let question = fixtures[0].question();
    let versions: Vec<Value> = fixtures.iter().map(|it| host.register("iris", &it.bytes)).collect();
    let alone = [1, 2].map(|number| host.question(&format!("/v2/models/iris/versions/{number}/infer"), &question).1);
    assert_ne!(alone[0]["outputs"], alone[1]["outputs"]);
    host.json(&["models", "promote", "iris@1"]);
    let check = |status: u16, answer: Value| {
        assert_eq!(status, 200, "{answer}");
        let number: usize = answer["model_version"].as_str().unwrap().parse().unwrap();
        assert_eq!(answer["outputs"], alone[number - 1]["outputs"], "version {number} answers what it always answers");
        assert_eq!(answer["parameters"]["digest"], versions[number - 1]["digest"]);
        number
    };
    let seen = under_load(&host, "iris", || host.question("/v2/models/iris/infer", &question), check);
    assert!(seen.iter().all(|it| *it > 0), "both versions answered: {seen:?}");
}

#[test]
fn answers_of_a_function_are_of_one_version_each_and_none_is_lost() {
    let host = Host::start();
    let versions = wine::two_versions(&host);
    host.deploy_library("predict");
    let mut alone = [json!(null), json!(null)];
    for (at, number) in [(0, "wine@1"), (1, "wine@2")] {
        host.json(&["models", "promote", number]);
        alone[at] = host.question("/predict", &wine::measured()).1;
    }
    assert_ne!(alone[0]["probabilities"], alone[1]["probabilities"]);
    let check = |status: u16, answer: Value| {
        assert_eq!(status, 200, "{answer}");
        let number = usize::try_from(answer["version"].as_u64().unwrap()).unwrap();
        assert_eq!(answer, alone[number - 1], "version {number} answers what it always answers");
        assert_eq!(answer["digest"], versions[number - 1]);
        number
    };
    let seen = under_load(&host, "wine", || host.question("/predict", &wine::measured()), check);
    assert!(seen.iter().all(|it| *it > 0), "both versions answered: {seen:?}");
}

#[test]
fn whoever_asks_after_a_promotion_gets_the_new_version() {
    let host = Host::start();
    for name in ["logistic-multi", "gaussian-bayes"] {
        host.register("iris", &Fixture::read(name).bytes);
    }
    let question = Fixture::read("logistic-multi").question();
    for number in ["1", "2", "1", "1", "2"] {
        let moved = host.json(&["models", "promote", &format!("iris@{number}")]);
        assert_eq!(moved["number"].to_string(), number);
        assert_eq!(host.question("/v2/models/iris/infer", &question).1["model_version"], number);
    }
    let shown = host.json(&["models", "show", "iris"]);
    let history: Vec<&Value> = shown["history"].as_array().unwrap().iter().map(|it| &it["number"]).collect();
    assert_eq!(history.first(), Some(&&json!(2)), "the newest move comes first: {history:?}");
    assert_eq!(shown["aliases"][0]["alias"], "production");
    let back = host.json(&["models", "rollback", "iris"]);
    assert_eq!((&back["number"], &back["previous"]), (&json!(1), &json!(2)));
    assert_eq!(host.question("/v2/models/iris/infer", &question).1["model_version"], "1");
}
