//! A request that is answered later, kept as a pipeline: one step that makes it, and perhaps one that tells of its end.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use super::{Action, Input, Pipeline, Step};
use crate::{Digest, function::FunctionRef, retry::Retry};

/// The step that makes the request.
pub const REQUEST_STEP: &str = "request";
/// The step that tells of its end.
pub const NOTIFY_STEP: &str = "notify";
/// The input with the bytes of the request.
pub const REQUEST_BODY: &str = "body";
/// The output with the bytes of the response; its metadata holds `status` and `headers`.
pub const RESPONSE: &str = "response";

/// A request to a function, as its client sent it, without its bytes and without credentials.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// The function.
    pub function: FunctionRef,
    /// The route by which it came, for the records of its calls.
    pub route: String,
    /// The method.
    pub method: String,
    /// The path and the query.
    pub uri: String,
    /// How many bytes of the path are not for the function to see.
    pub skip: usize,
    /// The headers, in their order.
    pub headers: Vec<(String, String)>,
}

/// Somebody to tell of the end of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notify {
    /// The function whose grants allow it.
    pub function: FunctionRef,
    /// Where an event is sent to.
    pub url: String,
}

/// How a request is made later: how often it is tried, and how often somebody is told.
#[derive(Debug, Clone, PartialEq)]
pub struct Attempts {
    /// Of the request.
    pub request: Retry,
    /// Of the callback.
    pub notify: Retry,
}

impl Pipeline {
    /// A request as a pipeline, named after its function.
    #[must_use]
    pub fn of_request(request: Request, body: Option<Digest>, callback: Option<String>, attempts: Attempts) -> Self {
        let function = request.function.clone();
        let body = body.map(|digest| (REQUEST_BODY.to_owned(), Input::Artifact(digest.to_string())));
        let mut step = Step::new(Action::Request(request));
        step.inputs = body.into_iter().collect();
        step.retry = attempts.request;
        let mut steps = IndexMap::from_iter([(REQUEST_STEP.to_owned(), step)]);
        if let Some(url) = callback {
            let mut step = Step::new(Action::Notify(Notify { function: function.clone(), url }));
            step.needs = vec![REQUEST_STEP.to_owned()];
            step.retry = attempts.notify;
            steps.insert(NOTIFY_STEP.to_owned(), step);
        }
        Self { name: function.name, description: None, params: IndexMap::new(), triggers: Vec::new(), steps }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Map;

    use super::*;
    use crate::{
        pipeline::{Change, Progress, StepState},
        run::RunState,
    };

    fn kept(callback: Option<&str>) -> Pipeline {
        let request = Request {
            function: "hello@3".parse().unwrap(),
            route: "/fn/hello".into(),
            method: "POST".into(),
            uri: "/fn/hello?a=b".into(),
            skip: 9,
            headers: vec![("x-own".into(), "${params.x}".into())],
        };
        let attempts = Attempts { request: Retry::default(), notify: Retry::default() };
        Pipeline::of_request(request, Some(Digest::of(b"x")), callback.map(str::to_owned), attempts)
    }

    #[test]
    fn it_is_stored_and_read_back() {
        let pipeline = kept(Some("https://a.example/done"));
        let text = serde_json::to_string(&pipeline).unwrap();
        assert_eq!(serde_json::from_str::<Pipeline>(&text).unwrap(), pipeline);
        assert_eq!(pipeline.functions(), ["hello@3".parse::<FunctionRef>().unwrap()]);
        assert!(text.contains(&Digest::of(b"x").to_string()));
    }

    #[test]
    fn whoever_wants_to_be_told_is_told_of_a_bad_end_too() {
        let (pipeline, params) = (kept(Some("https://a.example/done")), Map::new());
        let mut progress = Progress::new(&pipeline, &params, 1);
        let is_ready = |changes: &[Change], name: &str| {
            changes.iter().any(|it| matches!(it, Change::Ready { step, .. } if step == name))
        };
        let first = progress.advance();
        assert!(is_ready(&first, REQUEST_STEP) && !is_ready(&first, NOTIFY_STEP));
        progress.start(REQUEST_STEP, None);
        progress.settle(REQUEST_STEP, None, StepState::Failed, Map::new(), Vec::new());
        assert!(is_ready(&progress.advance(), NOTIFY_STEP));
        progress.start(NOTIFY_STEP, None);
        progress.settle(NOTIFY_STEP, None, StepState::Done, Map::new(), Vec::new());
        assert_eq!(progress.advance(), [Change::Finished(RunState::Failed)]);
    }

    #[test]
    fn nobody_is_told_of_a_run_that_was_cancelled() {
        let (pipeline, params) = (kept(Some("https://a.example/done")), Map::new());
        let mut progress = Progress::new(&pipeline, &params, 1);
        progress.advance();
        progress.cancel();
        assert!(progress.advance().contains(&Change::Finished(RunState::Cancelled)));
    }
}
