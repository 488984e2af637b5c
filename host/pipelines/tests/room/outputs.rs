//! What a job leaves under `/out`: plain files, all that were promised, nothing of the host's.

use futures_util::FutureExt as _;
use host_core::{artifact::Kind, event::Failure};
use serde_json::json;

use crate::{fakes::Job, place::Place};

const MAKE: &str = "  a: { function: make }\n";

/// Why a job that does this fails.
async fn refused(act: impl Fn(&Job) -> Option<Vec<String>> + Send + Sync + 'static, steps: &str) -> (String, String) {
    let place = Place::new().await;
    place.guests.on_async("make", move |job| std::future::ready(Ok::<_, Failure>(act(&job))).boxed());
    let failure = place.run(steps).await.failure.unwrap();
    (failure.code, failure.message)
}

#[tokio::test]
async fn a_link_is_no_output() {
    let link = |job: &Job| {
        std::os::unix::fs::symlink("/etc/hostname", job.out("data")).unwrap();
        None
    };
    let (code, message) = refused(link, MAKE).await;
    assert_eq!((code.as_str(), message.as_str()), ("bad-output", "step `a`: output `data` is not a plain file"));
}

#[tokio::test]
async fn a_folder_is_no_output() {
    let folder = |job: &Job| {
        std::fs::create_dir(job.out("data")).unwrap();
        None
    };
    assert_eq!(refused(folder, MAKE).await.0, "bad-output");
}

#[tokio::test]
async fn a_name_that_leaves_the_folder_is_no_output() {
    for name in ["../secret", "/etc/hostname", "..", "sub/data"] {
        let (code, message) = refused(move |_| Some(vec![name.to_owned()]), MAKE).await;
        assert_eq!(code, "bad-output", "{name}");
        assert!(message.contains(name), "{message}");
    }
}

#[tokio::test]
async fn a_file_that_is_not_there_is_missed() {
    let (code, message) = refused(|_| Some(vec!["data".to_owned()]), MAKE).await;
    assert_eq!(code, "missing-output");
    assert!(message.starts_with("step `a`: output `data` cannot be read"), "{message}");
}

#[tokio::test]
async fn an_output_that_the_step_asks_for_is_missed() {
    let steps = "  a: { function: make, outputs: [data] }\n";
    let (code, message) = refused(|_| None, steps).await;
    assert_eq!(
        (code.as_str(), message.as_str()),
        ("missing-output", "step `a`: it left no /out/data, which the step asks for")
    );
}

#[tokio::test]
async fn an_output_is_what_the_job_says_of_it_and_else_what_the_manifest_says() {
    let place = Place::new().await;
    place.guests.on("make", |job| {
        job.write("data", "1,2");
        job.write("model", "onnx");
        job.track().describe("model", Kind::Model, json!({"format": "onnx"}));
        Ok(())
    });
    let run = place.done(MAKE).await;
    let outputs = place.step(&run, "a").await.outputs;
    let described: Vec<_> =
        outputs.iter().map(|it| (it.name.as_str(), it.kind, it.size, it.metadata.clone())).collect();
    assert_eq!(
        described,
        [("data", Kind::Dataset, 3, json!(null)), ("model", Kind::Model, 4, json!({"format": "onnx"}))]
    );
}

#[tokio::test]
async fn the_folder_of_an_attempt_is_gone_when_it_is_over() {
    let place = Place::new().await;
    place.done(MAKE).await;
    place.until_idle().await;
    assert!(!place.guests.jobs("make")[0].call.out.exists());
}

#[tokio::test]
async fn a_folder_is_made_for_what_a_step_leaves_and_is_gone_with_it() {
    let place = Place::new().await;
    place.deploy("name = 'quiet'", "1").await;
    place.guests.on("quiet", |job| {
        assert!(!job.call.out.exists());
        Ok(())
    });
    place.done("  a: { function: quiet }\n  b: { function: make }\n").await;
    place.until_idle().await;
    let left = place.guests.jobs("make").remove(0).call.out;
    assert!(!left.exists() && left.parent().is_some_and(std::path::Path::exists));
}
