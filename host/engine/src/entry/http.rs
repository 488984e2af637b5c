//! `wasi:http/incoming-handler`: one request, its body streaming in while the response streams out.

use std::{
    pin::Pin,
    sync::{Arc, atomic::AtomicU32},
};

use host_core::{
    body::Body,
    call::{Called, End, Finished, Reply},
    event::{Failure, code},
    function::Entry,
};
use http::{Request, Response, header};
use tokio::sync::oneshot;
use wasmtime_wasi_http::{
    WasiHttpView,
    p2::{
        bindings::http::types::{ErrorCode, Scheme},
        body::HyperOutgoingBody,
    },
};

use super::{no_entry, too_large};
use crate::{
    current::{Current, Spent},
    function::{Calls, Function, Inside},
    instance::{Instance, Mould},
    meter::Metered,
    supervise::{Stopped, Watch},
    trap,
};

mod download;
mod end;
mod exchange;
mod upload;

use download::Download;
use end::StreamEnd;
use exchange::Exchange;
use upload::Upload;

/// What a guest gives as its answer.
type Head = Result<Response<HyperOutgoingBody>, ErrorCode>;

/// Calls the component with a request.
pub(crate) async fn call(function: &Function, current: Arc<Current>, request: Request<Body>) -> Called {
    let most = current.revision.manifest.limits.max_body;
    let told = request.headers().get(header::CONTENT_LENGTH).and_then(|it| it.to_str().ok()?.parse::<u64>().ok());
    if told.is_some_and(|size| size > most.0) {
        return Called::failed(too_large(most));
    }
    let inside = match function.admit_for_long() {
        Ok(inside) => inside,
        Err(overloaded) => return Called::failed(overloaded),
    };
    let Some(calls) = function.calls.clone().filter(|it| it.mould.http.is_some()) else {
        return Called::failed(no_entry(Entry::Http));
    };
    let watch = current.watch();
    match calls.lend(&current, &watch) {
        Ok(instance) => Running::start(calls, current, watch, instance, inside, request).head().await,
        Err(overloaded) => Called::failed(overloaded),
    }
}

/// The guest at work on a request; boxed, because it may have to outlive the call.
type Guest = Metered<Pin<Box<dyn Future<Output = (Instance, wasmtime::Result<()>)> + Send>>>;

/// A request in the hands of a guest.
struct Running {
    calls: Arc<Calls>,
    current: Arc<Current>,
    watch: Watch,
    exchange: Arc<Exchange>,
    guest: Guest,
    answer: oneshot::Receiver<Head>,
    _inside: Inside<Arc<AtomicU32>>,
}

/// How the guest's work ended.
enum Ended {
    Well(Instance),
    Badly(Failure, Spent),
}

impl Running {
    fn start(
        calls: Arc<Calls>,
        current: Arc<Current>,
        watch: Watch,
        instance: Instance,
        inside: Inside<Arc<AtomicU32>>,
        request: Request<Body>,
    ) -> Self {
        let exchange = Arc::new(Exchange::default());
        let most = current.revision.manifest.limits.max_body.0;
        let request = with_host(request.map(|body| Upload::new(body, most, exchange.clone())));
        let (set_answer, answer) = oneshot::channel();
        let guest = Metered::new(Box::pin(work(calls.clone(), instance, request, set_answer)) as _);
        Self { calls, current, watch, exchange, guest, answer, _inside: inside }
    }

    /// Runs until there is an answer. A guest that is done by then is done altogether; one that still streams goes on
    /// by itself.
    async fn head(mut self) -> Called {
        let head = tokio::select! {
            biased;
            ended = self.watch.over(&self.current, &mut self.guest) => {
                let ended = self.ended(ended);
                return self.done(ended);
            }
            Ok(head) = &mut self.answer => head,
        };
        match head {
            _ if self.exchange.is_too_large() => {
                let failure = too_large(self.current.revision.manifest.limits.max_body);
                self.give_up(failure)
            }
            Ok(response) => self.stream(response),
            Err(code) => {
                let failure = self.blame(refused(&code));
                self.give_up(failure)
            }
        }
    }

    /// The guest ended before the caller saw anything: a failure can still take the place of its answer.
    fn done(mut self, ended: Ended) -> Called {
        let head = self.answer.try_recv().ok();
        let (failure, spent) = match (ended, head) {
            (Ended::Badly(failure, spent), _) => (failure, spent),
            (Ended::Well(instance), _) if self.exchange.is_too_large() => {
                let spent = self.spent(&instance);
                (too_large(self.current.revision.manifest.limits.max_body), spent)
            }
            (Ended::Well(instance), None) => {
                let spent = self.spent(&instance);
                let why = "it returned without an answer: response-outparam.set was never called";
                (self.blame(Failure::fatal(code::NO_RESPONSE, why)), spent)
            }
            (Ended::Well(instance), Some(Err(code))) => {
                let spent = self.spent(&instance);
                (self.blame(refused(&code)), spent)
            }
            (Ended::Well(instance), Some(Ok(response))) => return self.whole(instance, response),
        };
        self.fail(failure, spent)
    }

    /// The whole response is there: it is handed over in one piece.
    fn whole(self, instance: Instance, response: Response<HyperOutgoingBody>) -> Called {
        let mut spent = self.spent(&instance);
        let (head, body) = response.into_parts();
        let frames = match download::drain(body) {
            Ok(frames) => {
                self.calls.give_back(instance, self.guest.polled_at());
                frames
            }
            Err(unfinished) => {
                // The guest kept the body open without an end in sight: it ends with its instance.
                drop(instance);
                download::drain(unfinished).unwrap_or_default()
            }
        };
        match download::whole(frames) {
            Ok((body, size)) => {
                (spent.bytes_out, spent.until) = (size, Some(self.guest.polled_at()));
                let end = End::Now(self.current.finish(spent, None));
                Called { reply: Ok(Reply::Http(Response::from_parts(head, body))), end }
            }
            Err(why) => self.fail(Failure::fatal(code::NO_RESPONSE, why), spent),
        }
    }

    /// The head goes out now; the guest goes on by itself, and the call ends when both it and its body do.
    fn stream(self, response: Response<HyperOutgoingBody>) -> Called {
        let (sent, finished) = oneshot::channel();
        let (body_over, body_is_over) = oneshot::channel();
        let exchange = self.exchange.clone();
        tokio::spawn(async move {
            let finished = self.stream_out(body_is_over).await;
            // Nobody may want to know any more.
            let _ = sent.send(finished);
        });
        let response = response.map(|body| Download::new(body, exchange, body_over).boxed());
        Called { reply: Ok(Reply::Http(response)), end: End::Later(Box::new(StreamEnd::new(finished))) }
    }

    async fn stream_out(mut self, body_is_over: oneshot::Receiver<()>) -> Finished {
        let ended = self.watch.over(&self.current, &mut self.guest).await;
        let ended = self.ended(ended);
        let deadline = self.watch.deadline.into();
        match ended {
            Ended::Well(instance) => {
                let mut spent = self.spent(&instance);
                // What a slow client has not taken yet is the instance's to keep, up to the deadline.
                let failure = match tokio::time::timeout_at(deadline, body_is_over).await {
                    Ok(_) => {
                        self.calls.give_back(instance, self.guest.polled_at());
                        None
                    }
                    Err(_) => {
                        let failure = trap::stopped(Stopped::Deadline, &self.current);
                        self.exchange.fail(&failure);
                        drop(instance);
                        Some(failure)
                    }
                };
                spent.bytes_out = self.exchange.bytes_out();
                self.current.finish(spent, failure)
            }
            Ended::Badly(failure, mut spent) => {
                // Only what was in flight is waited for; the client learns of the failure from its broken body.
                let _ = tokio::time::timeout_at(deadline, body_is_over).await;
                spent.bytes_out = self.exchange.bytes_out();
                self.current.finish(spent, Some(failure))
            }
        }
    }

    /// What the end of the guest's work means. The body learns of a failure before its sender is gone, because the
    /// end of an abandoned body looks like any other.
    fn ended(&mut self, ended: Result<(Instance, wasmtime::Result<()>), Stopped>) -> Ended {
        match ended {
            Ok((instance, Ok(()))) => Ended::Well(instance),
            Ok((instance, Err(error))) => {
                let failure = self.blame(instance.failure(&error, &self.current));
                self.exchange.fail(&failure);
                Ended::Badly(failure, self.spent(&instance))
            }
            Err(stopped) => {
                let failure = self.blame(trap::stopped(stopped, &self.current));
                self.exchange.fail(&failure);
                let spent = Spent { cpu: self.guest.cpu(), bytes_in: self.exchange.bytes_in(), ..Spent::default() };
                // With its future the guest is gone, and its instance too.
                self.guest = Metered::new(Box::pin(std::future::pending()) as _);
                Ended::Badly(failure, spent)
            }
        }
    }

    /// A guest that stumbles because its client went away, or sent too much, is not at fault.
    fn blame(&self, failure: Failure) -> Failure {
        let has_stumbled = failure.code == code::TRAP || failure.code == code::NO_RESPONSE;
        if has_stumbled && self.exchange.is_too_large() {
            return too_large(self.current.revision.manifest.limits.max_body);
        }
        if has_stumbled && self.exchange.is_abandoned() {
            return Failure::transient(
                code::CANCELLED,
                format!("the client disconnected, and then {}", failure.message),
            );
        }
        failure
    }

    /// Stops the guest in favour of a failure.
    fn give_up(self, failure: Failure) -> Called {
        let spent = Spent { cpu: self.guest.cpu(), bytes_in: self.exchange.bytes_in(), ..Spent::default() };
        self.fail(failure, spent)
    }

    fn fail(self, failure: Failure, spent: Spent) -> Called {
        let end = End::Now(self.current.finish(spent, Some(failure.clone())));
        Called { reply: Err(failure), end }
    }

    fn spent(&self, instance: &Instance) -> Spent {
        Spent { bytes_in: self.exchange.bytes_in(), ..instance.spent(self.guest.cpu()) }
    }
}

/// What the guest does with a request, from its instance to its return.
async fn work(
    calls: Arc<Calls>,
    mut instance: Instance,
    request: Request<Upload>,
    answer: oneshot::Sender<Head>,
) -> (Instance, wasmtime::Result<()>) {
    let result = handle(&mut instance, &calls.mould, request, answer).await;
    (instance, result)
}

async fn handle(
    instance: &mut Instance,
    mould: &Mould,
    request: Request<Upload>,
    answer: oneshot::Sender<Head>,
) -> wasmtime::Result<()> {
    let (store, proxy) = instance.http(mould).await?;
    let request = store.data_mut().http().new_incoming_request(Scheme::Http, request)?;
    let answer = store.data_mut().http().new_response_outparam(answer)?;
    proxy.wasi_http_incoming_handler().call_handle(store, request, answer).await
}

/// wasi:http wants an authority; a request made inside the host has none.
fn with_host(mut request: Request<Upload>) -> Request<Upload> {
    let is_plain = |value: &header::HeaderValue| value.to_str().is_ok();
    if request.uri().authority().is_none() && !request.headers().get(header::HOST).is_some_and(is_plain) {
        request.headers_mut().insert(header::HOST, header::HeaderValue::from_static("localhost"));
    }
    request
}

/// The failure of a guest that answers with an error code in place of a response.
fn refused(code: &ErrorCode) -> Failure {
    Failure::fatal(code::NO_RESPONSE, format!("it answered with an error instead of a response: {code:?}"))
}
