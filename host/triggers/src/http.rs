//! The HTTP trigger: `/fn/<function>/…`, and the hosts and paths that manifests ask for.
//!
//! `/fn/<function>` is a function of the project `default`, `/fn/<project>:<function>` one of any project. What
//! follows is the path the function sees. A route of a manifest shows the function the whole path.

use std::{
    net::SocketAddr,
    ops::ControlFlow,
    sync::{Arc, OnceLock},
};

use ::http::{HeaderName, HeaderValue, Request, Response, header, request, uri::PathAndQuery};
use arc_swap::ArcSwap;
use axum::{body::Body, extract::ConnectInfo};
use bytes::Bytes;
use host_core::{
    CallId,
    body::Whole,
    budget::Budget,
    call::{Call, CallContext, Reply, Target, TriggerRef},
    clock::Clock,
    event::Event,
    function::FunctionRef,
    manifest::Auth,
    ports::{Directory, Dispatch},
};
use parking_lot::Mutex;

mod answer;
mod cloudevents;
mod config;
mod cors;
mod gather;
mod guard;
mod later;
mod problem;
mod stream;
mod table;

pub use cloudevents::events;
pub use config::Config;
pub use guard::Guard;
pub use later::Keeping;

use answer::{Form, Stamp};
use gather::{Answered, Gather};
use problem::Problem;
use table::{Found, Route, Table};

// Read once, not with every request.
static CALL_ID: HeaderName = HeaderName::from_static("x-weft-call-id");
static REVISION: HeaderName = HeaderName::from_static("x-weft-revision");
static TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// Answers requests with functions.
pub struct Http {
    config: Config,
    directory: Arc<dyn Directory>,
    dispatch: Arc<dyn Dispatch>,
    bodies: Arc<Budget>,
    clock: Arc<dyn Clock>,
    guard: Guard,
    keeping: OnceLock<Keeping>,
    table: ArcSwap<Table>,
    rebuilding: Mutex<()>,
}

impl Http {
    /// A trigger for everything that `directory` knows, behind `guard`; it takes what it holds of bodies from `bodies`.
    #[must_use]
    pub fn new(
        config: Config,
        directory: Arc<dyn Directory>,
        dispatch: Arc<dyn Dispatch>,
        bodies: Arc<Budget>,
        clock: Arc<dyn Clock>,
        guard: Guard,
    ) -> Arc<Self> {
        let (table, rebuilding) = (ArcSwap::default(), Mutex::default());
        Arc::new(Self {
            config,
            directory,
            dispatch,
            bodies,
            clock,
            guard,
            keeping: OnceLock::new(),
            table,
            rebuilding,
        })
    }

    /// From now on requests are also answered later, and once per key, where their headers ask for it.
    pub fn keep_with(&self, keeping: Keeping) {
        // Whoever said so first is right.
        let _ = self.keeping.set(keeping);
    }

    /// A router that gives every request to this trigger: the fallback behind the host's own paths.
    pub fn router(self: Arc<Self>) -> axum::Router {
        axum::Router::new().fallback(move |request: Request<Body>| {
            let http = Arc::clone(&self);
            async move { http.answer(request).await }
        })
    }

    /// Answers one request, whose extensions say who sent it where that is known.
    pub async fn answer(&self, request: Request<Body>) -> Response<Body> {
        self.answer_to(None, request).await
    }

    /// Answers one request of `peer`. An extension is dear, and only few routes ask for it.
    pub async fn answer_to(&self, peer: Option<SocketAddr>, mut request: Request<Body>) -> Response<Body> {
        let (route, skip) = match self.route(&request) {
            ControlFlow::Continue(found) => found,
            ControlFlow::Break(response) => return response,
        };
        let origin = route.cors.as_ref().and_then(|_| request.headers().get(header::ORIGIN)).cloned();
        if let Some(peer) = peer.filter(|_| matches!(route.auth, Some(Auth::Basic(_)))) {
            request.extensions_mut().insert(ConnectInfo(peer));
        }
        let mut response = match self.guard.admit(&route, &mut request).await {
            Ok(caller) => {
                let context = context(&route, caller, request.headers());
                self.answer_with(Box::new(Asked { route: &route, skip, request, context })).await
            }
            Err(problem) => problem.into_response(),
        };
        if let Some((rules, origin)) = route.cors.as_ref().zip(origin) {
            rules.allow(&origin, response.headers_mut());
        }
        response
    }

    /// The route of a request, and how many bytes of its path are not for the function to see; or what else there is to
    /// say.
    fn route(&self, request: &Request<Body>) -> ControlFlow<Response<Body>, (Arc<Route>, usize)> {
        let table = self.table.load();
        if self.directory.is_current(table.of()) {
            return meet(&table, request);
        }
        drop(table);
        meet(&self.rebuilt(), request)
    }

    /// The table of what is deployed now, made where nobody made it yet.
    fn rebuilt(&self) -> Arc<Table> {
        let _one_at_a_time = self.rebuilding.lock();
        let functions = self.directory.functions();
        let table = self.table.load_full();
        if Arc::ptr_eq(table.of(), &functions) {
            return table;
        }
        let table = Arc::new(Table::new(functions));
        self.table.store(Arc::clone(&table));
        table
    }

    async fn answer_with(&self, asked: Box<Asked<'_>>) -> Response<Body> {
        let (route, id) = (asked.route, asked.context.id);
        let answered = if declares_more_than(&asked.request, route.max_body) {
            Err(Problem::too_large(route.max_body))
        } else if let Some(keeping) = self.keeping.get().filter(|_| later::concerns(asked.request.headers())) {
            // Boxed, because it is rare and would make room for itself in every call.
            Box::pin(keeping.answer(&self.config, &self.bodies, asked)).await
        } else {
            self.by_entry(asked).await
        };
        let (mut room, mut other) = ([0; 36], [0; 36]);
        let call = id.text(&mut room);
        let mut response = answered.unwrap_or_else(|problem| problem.of_call(call).into_response());
        let joined = response.extensions_mut().remove::<CallId>();
        let call = joined.as_ref().map_or(call, |it| it.text(&mut other));
        let headers = response.headers_mut();
        if let Ok(call) = HeaderValue::from_str(call) {
            headers.insert(&CALL_ID, call);
        }
        headers.insert(&REVISION, route.stamp.clone());
        response
    }

    /// By the entry that the function has.
    async fn by_entry(&self, asked: Box<Asked<'_>>) -> Result<Response<Body>, Problem> {
        let entries = asked.route.entries;
        if entries.http {
            self.pass_on(asked).await
        } else if entries.handler {
            self.as_events(asked).await
        } else {
            Err(Problem::job_only(&asked.route.function))
        }
    }

    /// A function that speaks HTTP gets the request as it streams in.
    async fn pass_on(&self, asked: Box<Asked<'_>>) -> Result<Response<Body>, Problem> {
        let Asked { route, skip, request, context } = *asked;
        // Dropped with this future when the client goes away, and with the response when it does while we stream.
        let guard = context.cancelled.clone().drop_guard();
        let (mut head, body) = request.into_parts();
        head.uri = seen_by_guest(&head.uri, skip);
        let call = Call::Http(Request::from_parts(head, stream::incoming(body)));
        let called = self.dispatch.call(route.target(), context, call);
        match called.await.reply {
            Ok(Reply::Http(response)) => Ok(stream::outgoing(response, guard)),
            Ok(_) => Err(Problem::unexpected_reply()),
            Err(failure) => Err(Problem::of_host(&failure)),
        }
    }

    /// A handler gets the request as an event, or the events that the request carries.
    async fn as_events(&self, asked: Box<Asked<'_>>) -> Result<Response<Body>, Problem> {
        let (route, skip) = (asked.route, asked.skip);
        let (head, body) = asked.request.into_parts();
        // Held until the call is over, so that those who wait for a place count as well.
        let Whole { bytes, held: _held } = stream::read(body, route.max_body, route.timeout, &self.bodies).await?;
        let (mut events, form) = self.events_of(&head, skip, bytes, &asked.context)?;
        if let Some(gather) = &route.gather
            && let Some(event) = events.pop_if(|_| !matches!(form, Form::Batch(_)))
        {
            // Boxed, because it is rare and would make room for itself in every call.
            return Ok(Box::pin(self.with_others(route, gather, event, &form, asked.context)).await);
        }
        let (call, traceparent) = (asked.context.id, asked.context.traceparent.clone());
        // The headers of the answer go where those of the request were.
        let mut room = head.headers;
        room.clear();
        let called = self.dispatch.call(route.target(), asked.context, Call::Events(events)).await;
        let stamp = || Stamp { source: &route.source, time: self.clock.now(), traceparent: traceparent.as_deref() };
        match called.reply {
            Ok(Reply::Events(outcomes)) => answer::of_outcomes(&form, call, outcomes, stamp, room),
            Ok(_) => Err(Problem::unexpected_reply()),
            Err(failure) => Err(Problem::of_host(&failure)),
        }
    }

    /// Handles the request in one call with those that come at about the same time.
    async fn with_others(
        &self,
        route: &Route,
        gather: &Arc<Gather>,
        event: Event,
        form: &Form,
        context: CallContext,
    ) -> Response<Body> {
        let own = context.id;
        let Answered { call, outcome } = gather.handle(&self.dispatch, event, &context).await;
        let traceparent = context.traceparent.as_deref();
        let stamp = || Stamp { source: &route.source, time: self.clock.now(), traceparent };
        let answered = match outcome {
            Ok(outcome) => answer::of_outcomes(form, own, vec![outcome], stamp, ::http::HeaderMap::new()),
            Err(failure) => Err(Problem::of_host(&failure)),
        };
        let mut response = answered.unwrap_or_else(|problem| problem.of_call(&call.to_string()).into_response());
        // The call that is on record is that of all of them.
        response.extensions_mut().insert(call);
        response
    }

    fn events_of(
        &self,
        head: &request::Parts,
        skip: usize,
        data: Bytes,
        context: &CallContext,
    ) -> Result<(Vec<Event>, Form), Problem> {
        let read = cloudevents::read(&head.headers, data, self.config.max_batch as usize)?;
        Ok(match read {
            cloudevents::Read::One(event) => {
                let form = Form::Event(event.id.clone());
                (vec![*event], form)
            }
            cloudevents::Read::Batch(events) => {
                let form = Form::Batch(events.iter().map(|it| it.id.clone()).collect());
                (events, form)
            }
            cloudevents::Read::Plain(data) => (vec![plain(head, skip, data, context)], Form::Plain),
        })
    }
}

/// A request on its way to a function, and what surrounds it. It is handed on in one place, because moving it is dear.
struct Asked<'a> {
    route: &'a Arc<Route>,
    skip: usize,
    request: Request<Body>,
    context: CallContext,
}

/// What a request meets in `table`.
fn meet(table: &Table, request: &Request<Body>) -> ControlFlow<Response<Body>, (Arc<Route>, usize)> {
    let (method, uri) = (request.method(), request.uri());
    ControlFlow::Break(match table.find(method, uri, request.headers()) {
        Found::Route(route, skip) => return ControlFlow::Continue((Arc::clone(route), skip)),
        Found::Preflight(rules, method) => rules.preflight(method, request.headers()),
        Found::OtherMethods(allow) => Problem::method_not_allowed(&allow, method).into_response(),
        Found::Nothing => Problem::nothing_here(method, uri.path()).into_response(),
    })
}

impl Route {
    /// The revision that the table knows, so that the answer is that of the revision whose headers it bears.
    fn target(&self) -> Target {
        let function = FunctionRef { name: self.function.clone(), revision: Some(self.number) };
        Target::Function(self.project.clone(), function)
    }
}

fn context(route: &Route, caller: String, headers: &::http::HeaderMap) -> CallContext {
    let mut context = CallContext::new(TriggerRef::new("http", Arc::clone(&route.trigger)));
    context.principal = caller;
    context.traceparent = traceparent_of(headers);
    context
}

fn traceparent_of(headers: &::http::HeaderMap) -> Option<String> {
    headers.get(&TRACEPARENT).and_then(|it| traceparent(it.to_str().ok()?))
}

/// A W3C trace context of version 00 in the right form; others are dropped, as its specification says.
fn traceparent(text: &str) -> Option<String> {
    let lengths = text.split('-').map(str::len);
    let fits = lengths.eq([2, 32, 16, 2]) && text.bytes().all(|it| matches!(it, b'0'..=b'9' | b'a'..=b'f' | b'-'));
    fits.then(|| text.to_owned())
}

fn declares_more_than(request: &Request<Body>, most: u64) -> bool {
    let declared = request.headers().get(header::CONTENT_LENGTH).and_then(|it| it.to_str().ok()?.parse::<u64>().ok());
    declared.is_some_and(|length| length > most)
}

/// A plain request as an event: its path is where it comes from.
fn plain(head: &request::Parts, skip: usize, data: Bytes, context: &CallContext) -> Event {
    let path = head.uri.path();
    let seen = path.get(skip..).filter(|it| !it.is_empty()).unwrap_or("/");
    let mut extensions = Vec::with_capacity(3);
    extensions.push(("httpmethod".to_owned(), head.method.as_str().to_owned()));
    extensions.push(("httppath".to_owned(), seen.to_owned()));
    extensions.extend(head.uri.query().map(|query| ("httpquery".to_owned(), query.to_owned())));
    Event {
        id: context.id.to_string(),
        source: path.to_owned(),
        r#type: "weft.http.request".to_owned(),
        subject: None,
        time: None,
        content_type: head.headers.get(header::CONTENT_TYPE).and_then(|it| it.to_str().ok()).map(str::to_owned),
        key: None,
        inlet: String::new(),
        extensions,
        data,
    }
}

/// The address without the first `skip` bytes of its path.
fn seen_by_guest(uri: &::http::Uri, skip: usize) -> ::http::Uri {
    if skip == 0 {
        return uri.clone();
    }
    let rest = uri.path_and_query().map_or("", PathAndQuery::as_str).get(skip..).unwrap_or("");
    let rest = if rest.starts_with('/') { rest.to_owned() } else { format!("/{rest}") };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = PathAndQuery::try_from(rest).ok();
    // Taking a prefix off a valid path leaves a valid one.
    ::http::Uri::from_parts(parts).unwrap_or_else(|_| ::http::Uri::from_static("/"))
}

#[cfg(test)]
mod tests;
