//! The same over AMQP: records and models from queues, scores into one.

use super::*;
use crate::support::queues::Queues;

const JSON: &str = "application/json";

#[test]
fn a_model_that_arrives_in_a_queue_scores_what_arrives_in_another() {
    let Some(server) = Queues::with(&["records", "scores"]) else { return };
    let host = Host::start();
    let (records, scores) = (server.queue("records"), server.queue("scores"));
    let trigger = format!(
        "kind = \"amqp\"\nurl = \"{}\"\nqueue = \"{records}\"\noutput = \"{scores}\"\npassive = true\n",
        server.url
    );
    deploy_scorer(&host, "[\"wine\"]", &trigger);
    server.send("records", JSON, &record("a", 0));
    assert_eq!(metadata(&server.take("scores"))["errors"], "No model server defined");

    let queue = server.queue("models");
    host.json(&["models", "streams", "add", "wine-models", "--amqp", &server.url, "--queue", &queue]);
    // The host makes the queue.
    until("the stream is read", || {
        // The host learns of it in a moment.
        let shown = host.run(&["triggers", "show", "models/wine-models", "--json"]);
        let shown: Value = serde_json::from_slice(&shown.stdout).ok()?;
        (shown["state"] == "running").then_some(())
    });
    server.send("models", JSON, b"{}");
    server.send("models", JSON, &descriptor("wine", "1", &Fixture::read("standard-logistic").bytes));
    in_force(&host, "wine", 1);
    server.send("records", JSON, &record("a", 1));
    let score = server.take("scores");
    assert_eq!((&metadata(&score)["modelVersion"], &metadata(&score)["errors"]), (&json!(1), &json!("")), "{score}");
    until("what is no descriptor is given up", || {
        let letters = host.json(&["dead-letters", "list", "models/wine-models"]);
        (letters["items"][0]["failure"]["code"] == "bad-descriptor").then_some(())
    });
}
