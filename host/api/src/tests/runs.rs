//! Submit, list, show, cancel, retry.

use host_core::RunId;
use serde_json::json;

use super::host::Host;

const PROJECT: &str = "/api/v1/projects/default";
const PIPELINE: &str = "pipeline: two-steps\nparams:\n  rows: 10\nsteps:\n  first:\n    function: train\n  second:\n    function: train\n    needs: [first]\n";

#[tokio::test]
async fn a_submitted_run_is_durable_and_submitting_it_again_changes_nothing() {
    let host = Host::new().await;
    host.deploy("train", b"job").await;
    let submit = json!({ "id": RunId::next(), "pipeline": PIPELINE, "params": { "rows": 20 }, "labels": { "team": "a" },
        "code": { "commit": "abc", "dirty": true } });
    let run = host.post(&format!("{PROJECT}/runs"), submit.clone()).await;
    assert_eq!((run.status, &run.json()["state"], &run.json()["name"]), (201, &json!("running"), &json!("two-steps")));
    let again = host.post(&format!("{PROJECT}/runs"), submit).await;
    assert_eq!(again.json(), run.json());

    let listed = host.get(&format!("{PROJECT}/runs?state=running&name=two-steps&labels=team=a")).await.json();
    assert_eq!((listed["items"].as_array().unwrap().len(), &listed["items"][0]), (1, &run.json()));
    assert_eq!(host.get(&format!("{PROJECT}/runs?labels=team=b")).await.json()["items"], json!([]));
    assert_eq!(host.get(&format!("{PROJECT}/runs?labels=team")).await.problem().0, 400);

    let shown = host.get(&format!("{PROJECT}/runs/{}?metrics=true", run.json()["id"].as_str().unwrap())).await.json();
    let states: Vec<_> = shown["steps"].as_array().unwrap().iter().map(|it| it["state"].clone()).collect();
    assert_eq!((states, &shown["metrics"]), (vec![json!("ready"), json!("waiting")], &json!([])));
    assert_eq!((&shown["run"]["params"], &shown["run"]["code"]["commit"]), (&json!({ "rows": 20 }), &json!("abc")));
    assert_eq!(shown["functions"]["train"]["number"], 1);
}

#[tokio::test]
async fn a_run_is_cancelled_and_can_be_retried() {
    let host = Host::new().await;
    host.deploy("train", b"job").await;
    let submit = json!({ "function": "train", "seed": 7 });
    let run = host.post(&format!("{PROJECT}/runs"), submit).await.json();
    let uri = format!("{PROJECT}/runs/{}", run["id"].as_str().unwrap());
    assert_eq!(run["kind"], "job");
    assert_eq!(host.post(&format!("{uri}/reproduce"), json!({})).await.problem(), (409, "wrong-state".into()));
    assert_eq!(host.post(&format!("{uri}/cancel"), json!({})).await.json()["state"], "cancelled");
    assert_eq!(
        host.post(&format!("{uri}/cancel"), json!({})).await.json()["state"],
        "cancelled",
        "once more is harmless"
    );
    assert_eq!(host.post(&format!("{uri}/retry"), json!({})).await.json()["state"], "running");
    assert_eq!(host.get(&format!("{uri}/comparison")).await.problem(), (409, "no-reproduction".into()));
}

#[tokio::test]
async fn every_mistake_in_a_pipeline_is_told_with_its_place() {
    let host = Host::new().await;
    let wrong = "pipeline: wrong\nsteps:\n  first:\n    function: nobody\n  second:\n    needs: [frist]\n    function: nobody\n";
    let refused = host.post(&format!("{PROJECT}/runs"), json!({ "pipeline": wrong })).await;
    assert_eq!(refused.problem(), (422, "invalid-pipeline".into()));
    let mistakes = refused.json()["mistakes"].clone();
    assert!(mistakes.as_array().unwrap().len() >= 2, "{mistakes}");
    assert!(mistakes.as_array().unwrap().iter().all(|it| it["line"].as_u64().unwrap() > 0), "{mistakes}");
    let checked = host.post(&format!("{PROJECT}/pipelines/check"), json!({ "pipeline": wrong })).await.json();
    assert_eq!(checked["mistakes"], mistakes);
}

#[tokio::test]
async fn a_submission_names_a_pipeline_or_a_function() {
    let host = Host::new().await;
    let both = json!({ "pipeline": PIPELINE, "function": "train" });
    let inputs = json!({ "pipeline": PIPELINE, "inputs": { "data": { "url": "https://x.example/" } } });
    for body in [json!({}), both, inputs, json!({ "pipline": "x" }), json!({ "function": "Train" })] {
        assert_eq!(
            host.post(&format!("{PROJECT}/runs"), body.clone()).await.problem(),
            (422, "invalid-body".into()),
            "{body}"
        );
    }
}

#[tokio::test]
async fn a_run_is_found_in_its_own_project_only() {
    let host = Host::new().await;
    host.deploy("train", b"job").await;
    let run = host.post(&format!("{PROJECT}/runs"), json!({ "function": "train" })).await.json();
    let id = run["id"].as_str().unwrap();
    for uri in [format!("/api/v1/projects/other/runs/{id}"), format!("{PROJECT}/runs/{}", RunId::next())] {
        assert_eq!(host.get(&uri).await.problem(), (404, "not-found".into()));
        assert_eq!(host.post(&format!("{uri}/cancel"), json!({})).await.problem().0, 404);
        assert_eq!(host.get(&format!("{uri}/events")).await.problem().0, 404);
    }
}
