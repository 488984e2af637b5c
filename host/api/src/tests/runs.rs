//! Submit, list, show, cancel, retry.

use host_core::RunId;
use serde_json::{Value, json};

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

/// A run from outside, with an output whose bytes are uploaded.
async fn outside(host: &Host) -> Value {
    let uri = format!("{PROJECT}/artifacts?name=model.onnx&kind=model");
    let digest = host.send("POST", &uri, "application/octet-stream", &b"model"[..]).await.json()["digest"].clone();
    json!({ "id": RunId::next(), "name": "train", "state": "done", "params": { "rate": 0.1 }, "labels": { "team": "a" },
        "inputs": [{ "name": "train.csv", "digest": host_core::Digest::of(b"elsewhere"), "kind": "dataset", "from": "train.csv" }],
        "outputs": [{ "name": "model.onnx", "digest": digest, "kind": "model" }], "results": { "loss": 0.25 },
        "metrics": [{ "name": "loss", "value": 0.25, "at_step": 1, "at": "2025-06-01T10:00:01Z" },
            { "name": "loss", "value": "NaN", "at_step": 2, "at": "2025-06-01T10:00:02Z" }],
        "code": { "commit": "abc", "dirty": true, "file": "train.py" },
        "program": { "runtime": "CPython 3.12.4", "arch": "x86_64", "packages": { "pandas": "3.0.0" } },
        "started_at": "2025-06-01T10:00:00Z", "finished_at": "2025-06-01T10:00:03Z" })
}

#[tokio::test]
async fn a_run_from_outside_is_imported_once_and_shown_like_every_other() {
    let host = Host::new().await;
    let body = outside(&host).await;
    let uri = format!("{PROJECT}/runs/import");
    let run = host.post(&uri, body.clone()).await;
    assert_eq!((run.status, &run.json()["kind"], &run.json()["owner"]), (201, &json!("tracked"), &json!("local")));
    let again = host.post(&uri, body.clone()).await;
    assert_eq!((again.status, again.json()), (200, run.json()));

    let shown = host.get(&format!("{PROJECT}/runs/{}?metrics=true", body["id"].as_str().unwrap())).await.json();
    assert_eq!((&shown["run"], &shown["run"]["code"]), (&run.json(), &body["code"]));
    assert_eq!((&shown["run"]["params"], &shown["run"]["labels"]), (&body["params"], &body["labels"]));
    let step = &shown["steps"][0];
    assert_eq!((&step["state"], &step["results"]), (&json!("done"), &body["results"]));
    assert_eq!((&step["inputs"][0]["from"], &step["outputs"][0]["size"]), (&json!("train.csv"), &json!(5)));
    assert_eq!((&shown["metrics"][0]["value"], &shown["metrics"][1]["value"]), (&json!(0.25), &json!("NaN")));
    assert_eq!(
        (&shown["platform"]["release"], &shown["platform"]["engine"]),
        (&json!("offline"), &json!("CPython 3.12.4"))
    );
    assert_eq!(shown["pipeline"]["steps"]["run"]["action"]["tracked"]["packages"]["pandas"], "3.0.0");
    let made = host.get(&format!("{PROJECT}/artifacts?run={}", body["id"].as_str().unwrap())).await.json();
    assert_eq!(made["items"][0]["name"], "model.onnx");
}

#[tokio::test]
async fn what_ran_outside_is_not_run_again_here() {
    let host = Host::new().await;
    let mut body = outside(&host).await;
    body["state"] = json!("failed");
    body["failure"] = json!({ "code": "ValueError", "message": "no good", "backtrace": "line 3" });
    let run = host.post(&format!("{PROJECT}/runs/import"), body).await.json();
    assert_eq!((&run["state"], &run["failure"]["backtrace"]), (&json!("failed"), &json!("line 3")));
    let uri = format!("{PROJECT}/runs/{}", run["id"].as_str().unwrap());
    let refused = host.post(&format!("{uri}/reproduce"), json!({})).await;
    assert_eq!(refused.problem(), (409, "ran-outside".into()));
    let detail = refused.json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.ends_with("is not reproducible: it ran outside the host"), "{detail}");
    assert_eq!(host.post(&format!("{uri}/retry"), json!({})).await.problem(), (409, "ran-outside".into()));
    assert_eq!(host.post(&format!("{uri}/cancel"), json!({})).await.problem(), (409, "wrong-state".into()));
}

#[tokio::test]
async fn a_run_from_outside_is_refused_where_something_of_it_is_wrong() {
    let host = Host::new().await;
    let good = outside(&host).await;
    let uri = format!("{PROJECT}/runs/import");
    let nobody = host_core::Digest::of(b"never uploaded");
    let metric = good["metrics"][0].clone();
    let output = good["outputs"][0].clone();
    for (field, value, code) in [
        ("state", json!("running"), "not-over"),
        ("finished_at", json!("2025-06-01T09:00:00Z"), "invalid-time"),
        ("finished_at", json!("2199-01-01T00:00:00Z"), "invalid-time"),
        ("outputs", json!([{ "name": "x", "digest": nobody }]), "not-uploaded"),
        ("outputs", json!([output.clone(), output]), "two-outputs"),
        ("inputs", json!([{ "name": "", "digest": nobody }]), "invalid-name"),
        ("labels", json!({ "team": "a".repeat(201) }), "invalid-name"),
        ("params", json!({ "a\nb": 1 }), "invalid-name"),
        ("metrics", json!(vec![metric; 20_001]), "too-many"),
        ("name", json!("Train!"), "invalid-body"),
        ("kind", json!("tracked"), "invalid-body"),
    ] {
        let mut body = good.clone();
        body[field] = value;
        assert_eq!(host.post(&uri, body).await.problem(), (422, code.into()), "{field}");
    }
    let other = "/api/v1/projects/other/runs/import";
    assert_eq!(host.post(other, good.clone()).await.problem(), (422, "not-uploaded".into()), "another project's bytes");
    assert_eq!(host.post(&uri, good.clone()).await.status, 201);
    let mut same_id = good.clone();
    same_id["outputs"] = json!([]);
    assert_eq!(host.post(other, same_id).await.problem(), (409, "id-taken".into()));
}
