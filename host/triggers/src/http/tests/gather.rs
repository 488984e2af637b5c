//! Requests handled together: one call, and to each its own answer.

use futures_util::future::join_all;
use tokio::sync::oneshot;

use super::*;

const ROUTE: &str = "name = \"score\"\n[[triggers]]\nkind = \"http\"\npath = \"/score\"\n[triggers.batch]\n";

fn batch(text: &str) -> Revision {
    revision("default", HANDLER, &format!("{ROUTE}{text}"))
}

/// Answers each event with how many came together, or as its data says.
fn count(call: Call, context: &CallContext) -> Result<Reply, Failure> {
    let Call::Events(events) = call else { return Err(Failure::fatal("x", "no events")) };
    let together = events.len();
    let outcome = |it: Event| match &*it.data {
        b"bad" => Err(Failure::invalid("bad-wine", "it is corked")),
        b"later" => Err(Failure::transient("busy", "come back")),
        b"teapot" => Ok(vec![output("\"teapot\"", &[("httpstatus", "418"), ("kind", "pot")])]),
        b"nothing" => Ok(Vec::new()),
        data => {
            let trace = it.extensions.iter().find(|(name, _)| name == "traceparent").map(|(_, value)| value.clone());
            let said = String::from_utf8_lossy(data);
            let seen = json!({ "said": said, "together": together, "call": context.id.to_string(), "trace": trace,
                "id": it.id });
            Ok(vec![output(seen.to_string(), &[])])
        }
    };
    Ok(Reply::Events(events.into_iter().map(outcome).collect()))
}

async fn post(host: &Host, body: &str) -> Answer {
    host.ask(request("POST", "/score", &[], body)).await
}

#[tokio::test]
async fn ten_requests_within_the_wait_are_one_call_and_each_has_its_own_answer() {
    let host = host([batch("events = 10\nwait = \"1m\"\n")], count);
    let said = ["0", "1", "bad", "3", "teapot", "5", "nothing", "later", "8", "9"];
    let answers = join_all(said.map(|it| post(&host, it))).await;
    let statuses: Vec<u16> = answers.iter().map(|it| it.status).collect();
    assert_eq!(statuses, [200, 200, 422, 200, 418, 200, 204, 503, 200, 200]);
    for (said, answer) in said.into_iter().zip(&answers).filter(|(_, it)| it.status == 200) {
        let seen = answer.json();
        assert_eq!((seen["said"].as_str(), seen["together"].as_u64()), (Some(said), Some(10)));
        assert_eq!(answer.headers["x-weft-call-id"], seen["call"].as_str().unwrap(), "the call that is on record");
    }
    assert_eq!(answers[2].json()["detail"], "it is corked");
    assert_eq!((answers[4].headers["ce-kind"].as_bytes(), &answers[4].body[..]), (&b"pot"[..], &b"\"teapot\""[..]));
    let seen = answers.iter().filter(|it| it.status == 200).map(|it| it.json()["id"].as_str().unwrap().to_owned());
    let ids: std::collections::HashSet<_> = seen.collect();
    assert_eq!(ids.len(), 6, "each event has an id of its own");
    assert_eq!(host.neighbours.targets.lock().len(), 1);
}

#[tokio::test]
async fn all_of_a_call_has_a_bound_however_many_events_it_has() {
    let left = |_, context: &CallContext| {
        let left = context.deadline.unwrap().saturating_duration_since(std::time::Instant::now());
        Ok(Reply::Events((0..2).map(|_| Ok(vec![output(left.as_millis().to_string(), &[])])).collect()))
    };
    let slow =
        revision("default", HANDLER, &format!("{ROUTE}events = 2\nwait = \"1m\"\n[limits]\ntimeout = \"10s\"\n"));
    let host = host([slow], left);
    let answers = join_all(["1", "2"].map(|it| post(&host, it))).await;
    let left: u64 = String::from_utf8(answers[0].body.to_vec()).unwrap().parse().unwrap();
    assert!((1..=20_000).contains(&left), "its own time and as much again: {left} ms");
}

#[tokio::test]
async fn one_alone_is_handled_when_the_wait_is_over() {
    let host = host([batch("events = 10\nwait = \"1ms\"\n")], count);
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let answer = host.ask(request("POST", "/score", &[("traceparent", trace)], "1")).await;
    let seen = answer.json();
    assert_eq!((seen["together"].as_u64(), seen["trace"].as_str()), (Some(1), Some(trace)));
}

#[tokio::test]
async fn a_call_takes_no_more_bytes_than_it_may() {
    let host = host([batch("events = 10\nbytes = 4\nwait = \"1m\"\n")], count);
    // The third finds no room beside the first two, the fifth none beside the next two; it waits by itself.
    let (four, fifth) = (join_all(["12", "34", "56", "78"].map(|it| post(&host, it))), post(&host, "9012"));
    let fifth = tokio::time::timeout(std::time::Duration::from_millis(20), fifth);
    let (four, fifth) = tokio::join!(four, fifth);
    assert!(four.iter().all(|it| it.json()["together"] == 2), "two by two");
    assert!(fifth.is_err());
}

#[tokio::test]
async fn requests_fail_together_where_the_function_cannot_be_called() {
    let refuse = |_, _: &CallContext| Err(Failure::transient(code::OVERLOADED, "no room"));
    let host = host([batch("events = 2\nwait = \"1m\"\n")], refuse);
    let answers = join_all(["1", "2"].map(|it| post(&host, it))).await;
    assert!(answers.iter().all(|it| it.status == 429 || it.status == 503), "{}", answers[0].status);
    let wrong = |_, _: &CallContext| Ok(Reply::Events(Vec::new()));
    let host = super::host([batch("events = 2\nwait = \"1m\"\n")], wrong);
    assert!(join_all(["1", "2"].map(|it| post(&host, it))).await.iter().all(|it| it.status == 500));
}

#[tokio::test]
async fn whoever_goes_away_takes_no_answer_from_the_others() {
    let (seen, cancelled) = oneshot::channel();
    let seen = Mutex::new(Some(seen));
    let act = move |call, context: &CallContext| {
        let sent = seen.lock().take().map(|it| it.send(context.cancelled.clone()));
        assert!(sent.is_some_and(|it| it.is_ok()));
        count(call, context)
    };
    let host = host([batch("events = 2\nwait = \"1m\"\n")], act);
    let gone = tokio::time::timeout(std::time::Duration::from_millis(1), post(&host, "gone")).await;
    assert!(gone.is_err());
    let answer = post(&host, "here").await;
    assert_eq!(answer.json()["together"], 1, "nobody is handled who is not there any more");
    assert!(cancelled.await.unwrap().is_cancelled(), "and a call that is over is wanted by nobody");
}

#[tokio::test]
async fn the_way_by_name_and_batches_of_events_are_handled_by_themselves() {
    let host = host([batch("events = 10\nwait = \"1m\"\n")], count);
    assert_eq!(host.ask(request("POST", "/fn/score", &[], "1")).await.json()["together"], 1);
    let events = json!([{ "specversion": "1.0", "id": "a", "source": "s", "type": "t", "data": "x" }]).to_string();
    let headers = [("content-type", "application/cloudevents-batch+json")];
    assert_eq!(host.ask(request("POST", "/score", &headers, &events)).await.status, 200);
}
