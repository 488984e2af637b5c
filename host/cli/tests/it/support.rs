//! A host of a test's own: started on a free port in a folder of its own, stopped by its process id.

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;

pub(crate) mod cluster;
pub(crate) mod queues;
pub(crate) mod raw;

/// How long anything may take before a test gives up.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// A running host and the folder it works in.
pub(crate) struct Host {
    child: Child,
    url: String,
    data: Arc<TempDir>,
    options: Options,
}

/// What came back, whole.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// How a host is started.
#[derive(Debug, Clone, Default)]
pub(crate) struct Options {
    /// Settings such as `("WEFT_ENGINE__SLOTS", "50")`.
    pub(crate) env: Vec<(String, String)>,
}

impl Options {
    pub(crate) fn env(mut self, key: &str, value: &str) -> Self {
        self.env.push((key.to_owned(), value.to_owned()));
        self
    }

    /// With `WEFT_TEST_HOSTS=postgres`, hosts that choose no database keep their records in Postgres, in a database of
    /// their folder's own: the same tests on the other engine.
    fn on_the_database_asked_for(self, folder: &Path) -> Self {
        if !is_on_postgres() || self.env.iter().any(|(key, _)| key == "DATABASE_URL") {
            return self;
        }
        let url = crate::postgres::database_of(folder);
        // A folder has one host, whose successor need not wait; a database may have several, and waits for their leases.
        self.env("DATABASE_URL", &url)
            .env("WEFT_PIPELINES__LEASE_MS", "2000")
            .env("WEFT_PIPELINES__HEARTBEAT_MS", "300")
    }
}

/// Whether hosts keep their records in Postgres where they choose nothing else.
fn is_on_postgres() -> bool {
    std::env::var("WEFT_TEST_HOSTS").is_ok_and(|it| it == "postgres")
}

impl Host {
    /// A host with the defaults.
    pub(crate) fn start() -> Self {
        Self::start_with(Options::default())
    }

    /// A host with some settings of its own.
    pub(crate) fn start_with(options: Options) -> Self {
        Self::on(Arc::new(tempfile::tempdir().unwrap()), options)
    }

    /// Another host beside this one, on the same folder and the same database.
    pub(crate) fn twin(&self) -> Self {
        Self::on(self.data.clone(), self.options.clone())
    }

    /// The same under other options.
    pub(crate) fn twin_with(&self, options: Options) -> Self {
        Self::on(self.data.clone(), options)
    }

    /// A host on a folder that is there already.
    pub(crate) fn on(data: Arc<TempDir>, options: Options) -> Self {
        let options = options.on_the_database_asked_for(data.path());
        let (child, url) = spawn(data.path(), &options);
        Self { child, url, data, options }
    }

    /// `http://127.0.0.1:PORT`.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    /// The data folder.
    pub(crate) fn data(&self) -> &Path {
        self.data.path()
    }

    /// Ends the process at once, as a power cut would.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts again on the same data, on another port.
    pub(crate) fn restart(&mut self) {
        (self.child, self.url) = spawn(self.data.path(), &self.options);
    }

    /// Asks the process to end, and waits until it has.
    pub(crate) fn terminate(&mut self) -> std::process::ExitStatus {
        self.signal("TERM");
        self.child.wait().unwrap()
    }

    /// Sends the process a signal, such as `STOP`.
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([&format!("-{name}"), &pid]).status().unwrap().success());
    }

    /// Runs `fn` against this host.
    pub(crate) fn run(&self, args: &[&str]) -> Output {
        command(args).env("WEFT_HOST", &self.url).current_dir(self.data.path()).output().unwrap()
    }

    /// Runs `fn … --json` and reads every line of its answer; fails the test when the command fails.
    pub(crate) fn json_lines(&self, args: &[&str]) -> Vec<Value> {
        let output = self.run(&[args, &["--json"]].concat());
        assert!(output.status.success(), "fn {}: {}", args.join(" "), String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Runs `fn … --json` and reads its answer.
    pub(crate) fn json(&self, args: &[&str]) -> Value {
        self.json_lines(args).pop().unwrap_or(Value::Null)
    }

    /// Runs `fn`, which must fail, and returns its exit code and what it said.
    pub(crate) fn fails(&self, args: &[&str]) -> (i32, String) {
        let output = self.run(args);
        assert!(!output.status.success(), "fn {} should have failed", args.join(" "));
        (output.status.code().unwrap_or(-1), String::from_utf8(output.stderr).unwrap())
    }

    /// Deploys a guest that is built already, under a manifest of the test's own.
    pub(crate) fn deploy(&self, name: &str, guest: &str, manifest: &str) -> Value {
        let folder = self.function(name, guest, manifest);
        self.json(&["deploy", folder.to_str().unwrap()])
    }

    /// Writes a function's folder without deploying it.
    pub(crate) fn function(&self, name: &str, guest: &str, manifest: &str) -> PathBuf {
        let folder = self.data().join("functions").join(name);
        std::fs::create_dir_all(&folder).unwrap();
        let component = guest_file(guest);
        // Top-level keys come first in TOML.
        let text = format!("name = \"{name}\"\ncomponent = \"{}\"\n{manifest}", component.display());
        std::fs::write(folder.join("function.toml"), text).unwrap();
        folder
    }

    /// Deploys a function of the library as its manifest says, built already.
    pub(crate) fn deploy_library(&self, name: &str) -> Value {
        let folder = root().join("functions").join(name);
        self.json(&["deploy", folder.to_str().unwrap(), "--no-build"])
    }

    /// Writes a file into the host's folder.
    pub(crate) fn file(&self, name: &str, text: &str) -> String {
        let file = self.data().join(name);
        std::fs::write(&file, text).unwrap();
        file.to_str().unwrap().to_owned()
    }

    /// GET, with the status and body.
    pub(crate) fn get(&self, path: &str) -> (u16, String) {
        answer(agent().get(&self.url(path)).call())
    }

    /// GET of JSON.
    pub(crate) fn get_json(&self, path: &str) -> Value {
        let (status, body) = self.get(path);
        assert_eq!(status, 200, "{path}: {body}");
        serde_json::from_str(&body).unwrap()
    }

    /// Calls on record that fit `query`, newest first, once there are at least as many as that.
    pub(crate) fn calls(&self, query: &str, at_least: usize) -> Vec<Value> {
        until("the calls are on record", || {
            let page = self.get_json(&format!("/api/v1/projects/default/calls?limit=500&{query}"));
            let calls = page["items"].as_array().unwrap().clone();
            (calls.len() >= at_least).then_some(calls)
        })
    }

    /// Any request with JSON, by the bearer of a token, with the status and body.
    pub(crate) fn send(&self, method: &str, path: &str, token: Option<&str>, body: &[u8]) -> (u16, String) {
        self.send_with(method, path, token, &[], body)
    }

    /// The same with headers.
    pub(crate) fn send_with(
        &self,
        method: &str,
        path: &str,
        token: Option<&str>,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> (u16, String) {
        answer(self.ask_with(method, path, token, headers, body))
    }

    /// The same, but of the answer only its status where it is a success: its body may never end.
    pub(crate) fn knock(&self, method: &str, path: &str, token: Option<&str>) -> (u16, String) {
        let mut response = self.ask_with(method, path, token, &[], b"{}").unwrap();
        let status = response.status();
        let said = if status.is_success() { String::new() } else { response.body_mut().read_to_string().unwrap() };
        (status.as_u16(), said)
    }

    fn ask_with(
        &self,
        method: &str,
        path: &str,
        token: Option<&str>,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<ureq::http::Response<ureq::Body>, ureq::Error> {
        let mut request = ureq::http::Request::builder().method(method).uri(self.url(path));
        request = request.header("content-type", "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        match method {
            "GET" | "HEAD" | "DELETE" => agent().run(request.body(()).unwrap()),
            _ => agent().run(request.body(body).unwrap()),
        }
    }

    /// Any request with these fields and no others, with its whole answer.
    pub(crate) fn exchange(&self, method: &str, path: &str, fields: &[(&str, &str)], body: &[u8]) -> Answer {
        let mut request = ureq::http::Request::builder().method(method).uri(self.url(path));
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let answer = match body {
            [] => agent().run(request.body(()).unwrap()),
            body => agent().run(request.body(body).unwrap()),
        };
        let mut answer = answer.unwrap();
        let text = |value: &ureq::http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let headers = answer.headers().iter().map(|(name, value)| (name.to_string(), text(value))).collect();
        Answer { status: answer.status().as_u16(), headers, body: answer.body_mut().read_to_vec().unwrap() }
    }

    /// POST, with the status and body.
    pub(crate) fn post(&self, path: &str, content_type: &str, body: &[u8]) -> (u16, String) {
        answer(agent().post(&self.url(path)).header("content-type", content_type).send(body))
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn agent() -> ureq::Agent {
    let config = ureq::Agent::config_builder().http_status_as_error(false).allow_non_standard_methods(true);
    config.timeout_global(Some(PATIENCE)).build().new_agent()
}

fn answer(response: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> (u16, String) {
    let mut response = response.unwrap();
    (response.status().as_u16(), response.body_mut().read_to_string().unwrap())
}

/// `fn` with these arguments, deaf to the environment of whoever runs the tests.
pub(crate) fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fn"));
    command
        .args(args)
        .env_remove("DATABASE_URL")
        .env_remove("WEFT_HOST")
        .env_remove("WEFT_PROJECT")
        .env_remove("WEFT_TOKEN")
        .env_remove("WEFT_CA")
        .env("XDG_CONFIG_HOME", "/nonexistent")
        .env("RUST_LIB_BACKTRACE", "0");
    // Who works on a host's folder without the host works on its database.
    let opens_a_folder = args.first() == Some(&"up") || args.contains(&"--local");
    let folder = args.iter().skip_while(|it| **it != "--data").nth(1).and_then(|it| Path::new(it).parent());
    if let (true, Some(folder)) = (opens_a_folder && is_on_postgres(), folder) {
        command.env("DATABASE_URL", crate::postgres::database_of(folder));
    }
    command
}

fn spawn(data: &Path, options: &Options) -> (Child, String) {
    let log = std::fs::OpenOptions::new().create(true).append(true).open(data.join("host.log")).unwrap();
    let mut child = command(&["up", "--listen", "127.0.0.1:0", "--data"])
        .arg(data.join("host"))
        // Taking the library over is work; only tests that look at it ask for it.
        .env("WEFT_MARKETPLACE__LIBRARY", "none")
        .envs(options.env.iter().map(|(key, value)| (key.as_str(), value.as_str())))
        .current_dir(data)
        .stdout(Stdio::piped())
        .stderr(log)
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let url = line.trim().strip_prefix("listening on ").map(str::to_owned);
    let Some(url) = url else {
        let _ = child.kill();
        panic!("the host did not start: {}", std::fs::read_to_string(data.join("host.log")).unwrap_or_default());
    };
    (child, url)
}

/// A guest as `cargo xtask guests` left it.
pub(crate) fn guest_file(name: &str) -> PathBuf {
    let file = root().join("target/wasm32-wasip2/guest").join(name);
    assert!(file.is_file(), "{} is missing: run `cargo xtask guests` first", file.display());
    file
}

/// The workspace.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// Asks until the answer is there; only for what other processes do in their own time.
pub(crate) fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < deadline, "gave up waiting: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
