//! A host under measurement: `fn up` on a free port, and the `fn` that talks to it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::{child, functions::Function, interrupt, places::Places, server::Server};

/// How long one command of `fn` may take: a deploy compiles.
const COMMAND_LIMIT: Duration = Duration::from_secs(600);

/// How long one small request may take.
const REQUEST_LIMIT: Duration = Duration::from_secs(30);

/// How long a host may take until it takes calls.
const READY_LIMIT: Duration = Duration::from_secs(60);

/// A running host.
#[derive(Debug)]
pub(crate) struct Host {
    server: Server,
    program: PathBuf,
    folder: PathBuf,
    agent: ureq::Agent,
}

/// An answer to a small request.
#[derive(Debug)]
pub(crate) struct Answer {
    /// Its status.
    pub(crate) status: u16,
    /// The call, where there was one.
    pub(crate) call: Option<String>,
    /// Its body.
    pub(crate) text: String,
}

impl Host {
    /// Starts a host that keeps everything in `folder`, on SQLite or on the Postgres at `database`.
    pub(crate) fn start(places: &Places, folder: &Path, database: Option<&str>) -> Result<Self> {
        Self::start_with(places, folder, database, &[])
    }

    /// The same with variables.
    pub(crate) fn start_with(
        places: &Places,
        folder: &Path,
        database: Option<&str>,
        variables: &[(&str, &str)],
    ) -> Result<Self> {
        let program = places.host()?;
        fs::create_dir_all(folder).with_context(|| format!("could not make {}", folder.display()))?;
        let mut up = Command::new(&program);
        up.args(["up", "--listen", "127.0.0.1:0", "--data"]).arg(folder.join("data"));
        // In a folder of its own it finds no weft.toml; and the model comes from this machine, past any proxy.
        up.current_dir(folder).stdin(Stdio::null()).env("NO_PROXY", "127.0.0.1").env_remove("DATABASE_URL");
        // Taking the library over would be work beside what is measured.
        up.env("WEFT_MARKETPLACE__LIBRARY", "none").envs(variables.iter().copied());
        if let Some(url) = database {
            up.env("DATABASE_URL", url);
        }
        let server = Server::start("fn up", &mut up, &folder.join("host.log"))?;
        Ok(Self { server, program, folder: folder.to_owned(), agent: agent() })
    }

    /// The process, to read its CPU and times.
    pub(crate) fn server(&self) -> &Server {
        &self.server
    }

    /// Waits until it takes calls.
    pub(crate) fn wait_until_ready(&mut self) -> Result<()> {
        let until = Instant::now() + READY_LIMIT;
        loop {
            let answer = self.get("/readyz");
            if answer.as_ref().is_ok_and(|it| it.status == 200) {
                return Ok(());
            }
            interrupt::check()?;
            self.server.check()?;
            if Instant::now() >= until {
                let said = answer.map(|it| format!("{} {}", it.status, it.text.trim()))?;
                bail!("the host was not ready within {} s: {said}", READY_LIMIT.as_secs());
            }
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Deploys a function.
    pub(crate) fn deploy(&self, places: &Places, function: &Function) -> Result<()> {
        let source = function.write(places, &self.folder.join("functions"))?;
        let source = source.to_str().context("the temporary folder has a name that is not text")?;
        self.run(&["deploy", source]).map(drop)
    }

    /// Submits a pipeline, waits for its end, and gives its record.
    pub(crate) fn submit(&self, name: &str, yaml: &str) -> Result<Value> {
        let file = self.folder.join(name).with_extension("yaml");
        fs::write(&file, yaml).with_context(|| format!("could not write {}", file.display()))?;
        let file = file.to_str().context("the temporary folder has a name that is not text")?;
        self.run(&["pipeline", "submit", file])
    }

    /// Runs `fn ARGS… --json` against this host and gives its answer, the last JSON document it prints.
    pub(crate) fn run(&self, args: &[&str]) -> Result<Value> {
        let mut command = Command::new(&self.program);
        command.args(args).arg("--json").env("WEFT_HOST", self.server.url()).env_remove("WEFT_PROJECT");
        command.current_dir(&self.folder);
        let name = format!("fn {}", args.iter().take(2).copied().collect::<Vec<_>>().join(" "));
        let text = child::output(&name, &mut command, COMMAND_LIMIT)?;
        Ok(last_document(&text).unwrap_or_default())
    }

    /// `GET path`, whatever its status.
    pub(crate) fn get(&self, path: &str) -> Result<Answer> {
        let url = format!("{}{path}", self.server.url());
        let mut answer = self.agent.get(&url).call().with_context(|| format!("could not get {url}"))?;
        let call = answer.headers().get("x-weft-call-id").and_then(|it| it.to_str().ok()).map(str::to_owned);
        let status = answer.status().as_u16();
        Ok(Answer { status, call, text: answer.body_mut().read_to_string().unwrap_or_default() })
    }
}

fn agent() -> ureq::Agent {
    let config = ureq::Agent::config_builder().timeout_global(Some(REQUEST_LIMIT));
    // A status is told whatever it is; and a proxy has no business on this machine's own address.
    config.http_status_as_error(false).proxy(None).build().into()
}

/// All of `text` as JSON, or its last line that is.
fn last_document(text: &str) -> Option<Value> {
    let whole = serde_json::from_str(text).ok();
    whole.or_else(|| text.lines().rev().find_map(|line| serde_json::from_str(line).ok()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_last_document_is_the_answer() {
        assert_eq!(last_document("{\n  \"a\": 1\n}\n"), Some(json!({ "a": 1 })));
        assert_eq!(last_document("{\"step\": 1}\n{\"state\": \"done\"}\n"), Some(json!({ "state": "done" })));
        assert_eq!(last_document("deployed\n"), None);
    }
}
