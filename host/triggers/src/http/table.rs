//! Which function answers: by name, then by host and path.

use std::{collections::HashMap, sync::Arc, time::Duration};

use ::http::{HeaderMap, HeaderValue, Method, Uri, header};
use foldhash::fast::RandomState;
use host_core::{
    Name,
    call::Target,
    function::{Entries, FunctionRef, Revision},
    manifest::{Auth, Batch, HttpTrigger, Trigger},
    ports::Functions,
};

use super::{cors::Rules, gather::Gather};

/// Everything that is deployed, by the ways to ask for it.
#[derive(Default)]
pub(super) struct Table {
    of: Arc<Functions>,
    /// By `name` in the default project, and by `project:name` in each.
    named: HashMap<String, Arc<Route>, RandomState>,
    /// By host name.
    hosts: HashMap<String, Paths>,
    /// Those without a host.
    any_host: Paths,
}

/// Routes by path; several share a path when they differ in methods.
type Paths = matchit::Router<Vec<Arc<Route>>>;

/// One way to a function.
#[derive(Debug)]
pub(super) struct Route {
    pub(super) project: Name,
    pub(super) function: Name,
    pub(super) number: u64,
    pub(super) entries: Entries,
    pub(super) max_body: u64,
    pub(super) timeout: Duration,
    /// `name@number`, as answers bear it.
    pub(super) stamp: HeaderValue,
    /// Where its outputs come from, as a URI reference.
    pub(super) source: HeaderValue,
    /// What the trigger is called on records.
    pub(super) trigger: Arc<str>,
    /// Any, when empty.
    methods: Vec<Method>,
    pub(super) cors: Option<Rules>,
    /// Who may ask this way; as the host demands it of its own paths, when absent.
    pub(super) auth: Option<Auth>,
    /// Where requests that come at about the same time are handled by one call.
    pub(super) gather: Option<Arc<Gather>>,
}

/// What a request met.
pub(super) enum Found<'t> {
    /// A function, and how many bytes of the path are not for it to see.
    Route(&'t Arc<Route>, usize),
    /// A browser asks whether it may make a request of this method.
    Preflight(&'t Rules, Method),
    /// A path that takes other methods.
    OtherMethods(HeaderValue),
    /// Nothing.
    Nothing,
}

impl Table {
    /// The table of what is deployed.
    pub(super) fn new(functions: Arc<Functions>) -> Self {
        let mut table = Self::default();
        for revision in functions.active.values() {
            table.name(revision);
        }
        let mut patterns = HashMap::<(Option<String>, String), Vec<Arc<Route>>>::new();
        for revision in functions.active.values() {
            for trigger in revision.manifest.triggers.iter().filter_map(Trigger::http) {
                match trigger.pattern() {
                    Ok(pattern) => {
                        let host = trigger.host.as_ref().map(|it| it.to_ascii_lowercase());
                        patterns.entry((host, pattern)).or_default().push(Arc::new(Route::routed(revision, trigger)));
                    }
                    Err(error) => tracing::warn!(function = %revision.function, error, "could not route a trigger"),
                }
            }
        }
        for ((host, pattern), routes) in patterns {
            let paths = host.map_or(&mut table.any_host, |host| table.hosts.entry(host).or_default());
            if let Err(error) = paths.insert(pattern.clone(), routes) {
                tracing::warn!(pattern, %error, "could not route a trigger beside the others");
            }
        }
        table.of = functions;
        table
    }

    /// What it is the table of.
    pub(super) fn of(&self) -> &Arc<Functions> {
        &self.of
    }

    fn name(&mut self, revision: &Revision) {
        let (project, function) = (&revision.project, &revision.function);
        let route = Arc::new(Route::by_name(revision));
        if *project == Name::default_project() {
            self.named.insert(function.to_string(), Arc::clone(&route));
        }
        self.named.insert(format!("{project}:{function}"), route);
    }

    /// What a request meets.
    pub(super) fn find(&self, method: &Method, uri: &Uri, headers: &HeaderMap) -> Found<'_> {
        let path = uri.path();
        if let Some(rest) = path.strip_prefix("/fn/") {
            let name = rest.split('/').next().unwrap_or(rest);
            return self.named.get(name).map_or(Found::Nothing, |it| Found::Route(it, "/fn/".len() + name.len()));
        }
        let host = || uri.host().or_else(|| headers.get(header::HOST)?.to_str().ok());
        let of_host = || self.hosts.get(&bare(host()?))?.at(path).ok();
        let matched = if self.hosts.is_empty() { None } else { of_host() };
        match matched.or_else(|| self.any_host.at(path).ok()) {
            Some(matched) => choose(matched.value, method, headers),
            None => Found::Nothing,
        }
    }
}

impl Route {
    /// One that a manifest asks for: for anybody, unless it says otherwise.
    fn routed(revision: &Revision, trigger: &HttpTrigger) -> Self {
        let auth = trigger.auth.clone().unwrap_or_default();
        Self { auth: Some(auth), ..Self::of(revision, trigger) }
    }

    /// The way to a revision by its name alone.
    pub(super) fn by_name(revision: &Revision) -> Self {
        let path = format!("/fn/{}", revision.function);
        Self::of(revision, &HttpTrigger { host: None, path, methods: Vec::new(), cors: None, auth: None, batch: None })
    }

    fn of(revision: &Revision, trigger: &HttpTrigger) -> Self {
        let limits = &revision.manifest.limits;
        let stamp = format!("{}@{}", revision.function, revision.number);
        let source = if revision.project == Name::default_project() {
            format!("/fn/{}", revision.function)
        } else {
            format!("/fn/{}:{}", revision.project, revision.function)
        };
        let name: Arc<str> = trigger.host.iter().cloned().chain([trigger.path.clone()]).collect::<String>().into();
        let function = FunctionRef { name: revision.function.clone(), revision: Some(revision.number) };
        let target = Target::Function(revision.project.clone(), function);
        let most = (limits.max_body.0, limits.call_timeout().duration());
        let gather = |batch: &Batch| Arc::new(Gather::new(target, name.clone(), batch.clone(), most));
        Self {
            gather: trigger.batch.as_ref().map(gather),
            project: revision.project.clone(),
            function: revision.function.clone(),
            number: revision.number,
            entries: revision.entries,
            max_body: limits.max_body.0,
            timeout: limits.call_timeout().duration(),
            stamp: HeaderValue::try_from(stamp).unwrap_or(HeaderValue::from_static("")),
            source: HeaderValue::try_from(source).unwrap_or(HeaderValue::from_static("/fn")),
            trigger: name,
            methods: trigger.methods.iter().filter_map(|it| Method::from_bytes(it.as_bytes()).ok()).collect(),
            cors: trigger.cors.as_ref().map(Rules::new),
            auth: trigger.auth.clone(),
        }
    }

    /// A path that answers GET answers HEAD.
    fn takes(&self, method: &Method) -> bool {
        self.methods.is_empty()
            || self.methods.contains(method)
            || (*method == Method::HEAD && self.methods.contains(&Method::GET))
    }
}

/// The route that takes the method, or what else there is to say.
fn choose<'t>(routes: &'t [Arc<Route>], method: &Method, headers: &HeaderMap) -> Found<'t> {
    if let Some(preflight) = preflight(routes, method, headers) {
        return preflight;
    }
    match routes.iter().find(|it| it.takes(method)) {
        Some(route) => Found::Route(route, 0),
        None => Found::OtherMethods(allow(routes)),
    }
}

fn preflight<'t>(routes: &'t [Arc<Route>], method: &Method, headers: &HeaderMap) -> Option<Found<'t>> {
    let asked = headers.get(header::ACCESS_CONTROL_REQUEST_METHOD).filter(|_| *method == Method::OPTIONS)?;
    headers.get(header::ORIGIN)?;
    let asked = Method::from_bytes(asked.as_bytes()).ok()?;
    let rules = routes.iter().filter(|it| it.takes(&asked)).find_map(|it| it.cors.as_ref())?;
    Some(Found::Preflight(rules, asked))
}

fn allow(routes: &[Arc<Route>]) -> HeaderValue {
    let mut methods: Vec<&str> = routes.iter().flat_map(|it| &it.methods).map(Method::as_str).collect();
    if methods.contains(&"GET") {
        methods.push("HEAD");
    }
    if routes.iter().any(|it| it.cors.is_some()) {
        methods.push("OPTIONS");
    }
    methods.sort_unstable();
    methods.dedup();
    HeaderValue::try_from(methods.join(", ")).unwrap_or(HeaderValue::from_static(""))
}

/// A host as manifests write it: without its port, in lower case.
fn bare(host: &str) -> String {
    let end = host.rfind(':').filter(|&colon| host[colon + 1..].bytes().all(|it| it.is_ascii_digit()));
    host[..end.unwrap_or(host.len())].to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::bare;

    #[test]
    fn a_host_is_compared_without_its_port_and_case() {
        assert_eq!(bare("Wine.example:8080"), "wine.example");
        assert_eq!(bare("wine.example"), "wine.example");
        assert_eq!(bare("[::1]:80"), "[::1]");
        assert_eq!(bare("[::ab]"), "[::ab]");
    }
}
