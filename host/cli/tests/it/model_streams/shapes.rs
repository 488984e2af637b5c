//! What may be asked of models that are in force: counts, and the shapes of the model-serving tutorial.

use super::*;

#[test]
fn counts_are_told_and_begin_anew_with_another_version() {
    let host = Host::start();
    assert_eq!(host.get("/api/v1/projects/default/models/wine/stats").0, 404);
    let model = Fixture::read("standard-logistic");
    host.register("wine", &model.bytes);
    host.json(&["models", "promote", "wine@1"]);
    assert!(host.get_json("/api/v1/projects/default/models/wine/stats")["in_force"].is_null());
    let ask = || host.question("/v2/models/wine/infer", &model.question()).0;
    assert_eq!([ask(), ask(), ask()], [200; 3]);
    let wrong = host.question("/v2/models/wine/infer", &json!({ "inputs": [] })).0;
    assert!((400..500).contains(&wrong), "{wrong}");
    let stats = host.json(&["models", "stats", "wine"]);
    let in_force = &stats["in_force"];
    assert_eq!((&in_force["usage"], &in_force["version"]["number"]), (&json!(3), &json!(1)), "{stats}");
    let [min, mean, max, total] = ["min_ms", "mean_ms", "max_ms", "total_ms"].map(|it| in_force[it].as_f64().unwrap());
    assert!(0.0 < min && min <= mean && mean <= max && max <= total, "{stats}");

    host.register("wine", &Fixture::read("mlp").bytes);
    host.json(&["models", "promote", "wine@2"]);
    assert_eq!(ask(), 200);
    let stats = host.json(&["models", "stats", "wine"]);
    assert_eq!((&stats["in_force"]["usage"], &stats["others"][0]["usage"]), (&json!(1), &json!(3)), "{stats}");
}

#[test]
fn the_tutorials_paths_answer_where_the_configuration_says_so() {
    let host = Host::start();
    assert_eq!(host.get("/models").0, 404);
    drop(host);
    let host = Host::start_with(Options::default().env("WEFT_API__TUTORIAL", "true"));
    assert_eq!(host.get_json("/models"), json!({ "models": [] }));
    let unknown = host.get_json("/state/wine");
    let expected = json!({ "name": "", "description": "", "modelType": 2, "since": 0, "usage": 0, "duration": 0.0,
        "min": i64::MAX, "max": i64::MIN });
    assert_eq!(unknown, expected);
    let model = Fixture::read("standard-logistic");
    host.register("wine", &model.bytes);
    host.json(&["models", "promote", "wine@1"]);
    assert_eq!(host.question("/v2/models/wine/infer", &model.question()).0, 200);
    let known = host.get_json("/state/wine");
    assert_eq!((&known["name"], &known["modelType"], &known["usage"]), (&json!("wine"), &json!(3), &json!(1)));
    assert!(known["duration"].as_f64().unwrap() > 0.0 && known["since"].as_u64().unwrap() > 0, "{known}");
    assert_eq!(host.get_json("/processors"), json!({ "processors": ["wine"] }));
}
