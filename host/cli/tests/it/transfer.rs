//! Installations and projects on the move, by the commands people use.

use std::{path::Path, sync::Arc};

use serde_json::Value;

use crate::support::{Host, Options, command};

/// A host with functions, a run and a route.
fn filled() -> Host {
    let host = Host::start();
    host.deploy_job("job");
    host.deploy("site", "conformance_http.wasm", "[[triggers]]\nkind = \"http\"\npath = \"/shop/{*rest}\"\n");
    host.submit("pipeline: p\nsteps:\n  a: { function: job, params: { do: write, text: hello } }\n").done();
    host
}

/// What the API says of a project, without what stays behind.
fn told(host: &Host, project: &str) -> Vec<Value> {
    let paths = ["functions", "runs", "artifacts", "models", "endpoints"];
    let mut told: Vec<Value> =
        paths.iter().map(|it| host.get_json(&format!("/api/v1/projects/{project}/{it}"))).collect();
    for run in told[1]["items"].as_array().unwrap().clone() {
        let id = run["id"].as_str().unwrap();
        told.push(host.get_json(&format!("/api/v1/projects/{project}/runs/{id}")));
    }
    for function in told[0]["items"].as_array().unwrap().clone() {
        let name = function["function"].as_str().or(function["name"].as_str()).unwrap();
        told.push(host.get_json(&format!("/api/v1/projects/{project}/functions/{name}")));
        told.push(host.get_json(&format!("/api/v1/projects/{project}/functions/{name}/revisions")));
    }
    told
}

/// Runs `fn` on a folder, without a host.
fn on(folder: &Path, args: &[&str]) -> (bool, String, String) {
    let data = ["--data", folder.to_str().unwrap()];
    let output = command(&[args, &data].concat()).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.success(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn a_running_host_is_backed_up_and_restored_elsewhere() {
    let host = filled();
    let file = host.data().join("backup.tar.gz");
    let path = file.to_str().unwrap();
    host.json(&["backup", path]);
    let (code, said) = host.fails(&["backup", path]);
    assert!(code == 4 && said.contains("there already"), "{said}");

    let folder = Arc::new(tempfile::tempdir().unwrap());
    let data = folder.path().join("host");
    let (done, table, said) = on(&data, &["restore", path]);
    assert!(done && table.contains("revision"), "{table}{said}");
    let restored = Host::on(folder.clone(), Options::default());
    assert_eq!(told(&host, "default"), told(&restored, "default"));
    assert_eq!(restored.get("/shop/hello").1, "Hello, World!");
    assert_eq!(restored.ask("POST", "/fn/site/echo", &[], b"x").status, 200);

    // A folder in use, or with something in it, is left alone.
    let (done, _, said) = on(&data, &["restore", path]);
    assert!(!done && said.contains("in use"), "{said}");
    drop(restored);
    let (done, _, said) = on(&data, &["restore", path]);
    assert!(!done && said.contains("not empty"), "{said}");
    let (done, _, said) = on(&data, &["backup", "--local", folder.path().join("local.tar.gz").to_str().unwrap()]);
    assert!(done, "{said}");
    let (done, _, said) = on(&folder.path().join("empty"), &["backup", "--local", "/nowhere/x.tar.gz"]);
    assert!(!done && said.contains("weft.db"), "{said}");
}

#[test]
fn a_project_goes_to_another_host_and_is_the_same_there() {
    let host = filled();
    let file = host.data().join("project.tar.gz");
    let path = file.to_str().unwrap();
    host.json(&["project", "export", "default", path]);
    let other = Host::start();
    let imported = other.json(&["project", "import", path]);
    assert_eq!((&imported["project"], &imported["rows"]["run"]), (&"default".into(), &1.into()));
    assert_eq!(told(&host, "default"), told(&other, "default"));
    assert_eq!(other.get("/shop/hello").1, "Hello, World!");
    let run = &other.json(&["runs", "list"])["items"][0];
    other.retried_is_over(run["id"].as_str().unwrap());

    let (code, said) = other.fails(&["project", "import", path]);
    assert!(code == 4 && said.contains("--as"), "{said}");
    let (_, said) = other.fails(&["project", "import", path, "--as", "copy"]);
    assert!(said.contains("route"), "{said}");
    other.json(&["delete", "site"]);
    other.json(&["project", "import", path, "--as", "copy"]);
    assert_eq!(other.get("/fn/copy:site/hello").1, "Hello, World!");
    assert_eq!(other.get("/shop/hello").1, "Hello, World!");
    let projects = other.json(&["project", "list"]);
    assert!(projects.as_array().unwrap().contains(&"copy".into()), "{projects}");

    std::fs::write(&file, b"nonsense").unwrap();
    let (code, said) = other.fails(&["project", "import", path, "--as", "bad"]);
    assert!(code == 4 && said.contains("refused"), "{said}");
    let (code, said) = other.fails(&["project", "export", "nobody", "nobody.tar.gz"]);
    assert!(code == 3, "{said}");
}

impl Host {
    /// A run that is done stays done, and its outputs can be read.
    fn retried_is_over(&self, id: &str) {
        let run = self.shown(id).done();
        let digest = run.step("a")["outputs"][0]["digest"].as_str().unwrap().to_owned();
        assert_eq!(self.bytes(&digest), b"hello");
    }
}

#[test]
fn an_installation_moves_to_postgres_and_goes_on_there() {
    let Some(database) = crate::postgres::Database::fresh() else { return };
    let mut host = filled();
    let before = told(&host, "default");
    let folder = host.data().join("host");
    let (done, _, said) = on(&folder, &["migrate", "--to", &database.url()]);
    assert!(!done && said.contains("in use"), "{said}");
    assert!(host.terminate().success());
    let (done, table, said) = on(&folder, &["migrate", "--to", &database.url()]);
    assert!(done && table.contains("step"), "{table}{said}");
    let (done, _, said) = on(&folder, &["migrate", "--to", &database.url()]);
    assert!(!done && said.contains("not empty"), "{said}");
    let moved = host.twin_with(Options::default().env("DATABASE_URL", &database.url()));
    assert_eq!(told(&moved, "default"), before);
    moved.submit("pipeline: p\nsteps:\n  a: { function: job, params: { do: write, text: again } }\n").done();
    drop(moved);
    host.restart();
    assert_eq!(told(&host, "default"), before, "the old folder is as it was");
}
