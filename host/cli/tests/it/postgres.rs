//! Postgres as the place where everything is on record, with one host and with two.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use crate::support::{Host, Options};

mod clock;
mod one;
mod two;

/// The URL of the database that belongs to a folder; it is made when it is asked for first, and gone with the server.
pub(crate) fn database_of(folder: &Path) -> String {
    let server = std::env::var("WEFT_TEST_POSTGRES").expect("WEFT_TEST_HOSTS=postgres needs WEFT_TEST_POSTGRES");
    let folder = folder.to_string_lossy();
    let name = format!("weft_of{}", folder.replace(|it: char| !it.is_ascii_alphanumeric(), "_").to_lowercase());
    let known = psql(&server, &format!("SELECT count(*) FROM pg_database WHERE datname = '{name}'"));
    if known.trim() == "0" {
        psql(&server, &format!("CREATE DATABASE {name}"));
    }
    let (server, _) = server.rsplit_once('/').expect("a URL names a database");
    format!("{server}/{name}")
}

/// A database of a test's own, gone with it.
pub(crate) struct Database {
    server: String,
    name: String,
}

impl Database {
    /// On the server of `WEFT_TEST_POSTGRES`, if there is one.
    #[expect(clippy::print_stderr, reason = "whoever runs the tests learns what was left out")]
    pub(crate) fn fresh() -> Option<Self> {
        let Ok(server) = std::env::var("WEFT_TEST_POSTGRES") else {
            eprintln!("not tried on Postgres: `cargo xtask test` does, or set WEFT_TEST_POSTGRES");
            return None;
        };
        let name = format!("weft_it_{}", unique());
        let database = Self { server, name };
        database.sql(&format!("CREATE DATABASE {}", database.name));
        Some(database)
    }

    pub(crate) fn url(&self) -> String {
        let (server, _) = self.server.rsplit_once('/').unwrap();
        format!("{server}/{}", self.name)
    }

    /// On the server, beside the database.
    fn sql(&self, statement: &str) -> String {
        psql(&self.server, statement)
    }

    /// In the database.
    pub(crate) fn query(&self, statement: &str) -> String {
        psql(&self.url(), statement)
    }

    /// A host that keeps everything here but the bytes.
    fn host(&self) -> Host {
        Host::start_with(self.options())
    }

    fn options(&self) -> Options {
        Options::default()
            .env("DATABASE_URL", &self.url())
            .env("WEFT_PIPELINES__LEASE_MS", "1500")
            .env("WEFT_PIPELINES__HEARTBEAT_MS", "200")
            .env("WEFT_PIPELINES__POLL_MS", "20")
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        self.sql(&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name));
    }
}

/// Unlike any other, also of another test program at the same time.
fn unique() -> String {
    let folder = tempfile::Builder::new().prefix("").rand_bytes(12).tempdir().unwrap();
    folder.path().file_name().unwrap().to_str().unwrap().to_lowercase()
}

/// One statement by the client that comes with the server; the answer without decoration.
fn psql(url: &str, statement: &str) -> String {
    let args =
        ["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1", "--command", statement, url];
    let output = Command::new(program()).args(args).output().unwrap();
    assert!(output.status.success(), "{statement}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Debian keeps the programs of each release in a folder of its own.
fn program() -> PathBuf {
    let releases = Path::new("/usr/lib/postgresql").read_dir().into_iter().flatten().flatten();
    let found = releases.map(|it| it.path().join("bin/psql")).find(|it| it.is_file());
    found.unwrap_or_else(|| PathBuf::from("psql"))
}
