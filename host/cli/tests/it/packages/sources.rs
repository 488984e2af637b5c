//! Sources: folders, mirrors behind a web server, hosts, and which of them is asked.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::TcpListener,
    path::{Path, PathBuf},
};

use super::Bench;

/// Serves the files below `root` to whoever asks, as any web server does; ends with the test's process.
fn web_server(root: PathBuf) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut request = String::new();
            let mut reader = BufReader::new(&stream);
            while reader.read_line(&mut request).is_ok_and(|read| read > 2) {}
            let path = request.split_whitespace().nth(1).unwrap_or("/").trim_start_matches('/').to_owned();
            let file = root.join(path);
            let (status, body) = match std::fs::read(&file) {
                Ok(body) => ("200 OK", body),
                Err(_) => ("404 Not Found", Vec::new()),
            };
            let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
            let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body));
        }
    });
    address
}

#[test]
fn a_mirror_holds_what_its_source_holds_and_is_pulled_from_over_http() {
    let bench = Bench::new();
    let key = bench.key("default");
    bench.publish("1.0.0", "", &[]);
    bench.publish("1.1.0", "[limits]\nconcurrency = 3\n", &[]);
    let (shelf, mirror) = (bench.path("shelf"), bench.path("mirror"));
    bench.json(&["yank", "acme/greet@1.1.0", "--reason", "it shouts", "--from", &shelf]);
    bench.json(&["mirror", "--from", &shelf, "--to", &mirror]);
    let web = format!("mirror+{}", web_server(PathBuf::from(&mirror)));
    bench.json(&["sources", "add", "offline", &web]);
    bench.json(&["trust", "add", "acme", "--key", &key]);
    bench.json(&["trust", "set", "require"]);
    assert_eq!(bench.json(&["search", "greet", "--from", "offline"])["items"][0]["version"], "1.0.0");
    let pulled = bench.json(&["pull", "acme/greet", "--yes"]);
    assert_eq!(pulled["version"], "1.0.0", "what was taken back there is taken back here");
    assert_eq!(bench.greeting("greet").0, 200);
    let (_, said) = bench.fails(&[
        "publish",
        bench.function("3.0.0", "").to_str().unwrap(),
        "--to",
        "offline",
        "--namespace",
        "acme",
    ]);
    assert!(said.contains("is a mirror to read from"), "{said}");
}

#[test]
fn a_package_is_pulled_into_a_folder_without_being_deployed() {
    let bench = Bench::new();
    bench.publish("1.0.0", "", &["--no-sign"]);
    let copy = bench.path("copy");
    bench.pull(&["acme/greet", "--to", &copy]);
    assert!(Path::new(&copy).join("index.json").is_file() && Path::new(&copy).join("oci-layout").is_file());
    assert_eq!(bench.greeting("greet").0, 404);
    assert_eq!(bench.json(&["pull", "acme/greet", "--from", &copy, "--yes"])["version"], "1.0.0");
}

#[test]
fn sources_are_kept_with_the_person_and_named_in_the_order_they_are_asked() {
    let bench = Bench::new();
    bench.json(&["sources", "add", "team", &bench.path("shelf"), "--namespace", "acme"]);
    let listed = bench.json(&["sources", "list"]);
    assert_eq!((&listed[0]["name"], &listed[1]["name"]), (&"host".into(), &"team".into()));
    let folder = bench.function("1.0.0", "");
    assert_eq!(bench.json(&["publish", folder.to_str().unwrap(), "--to", "team"])["package"], "acme/greet");
    assert_eq!(bench.json(&["pull", "acme/greet", "--yes"])["version"], "1.0.0");
    bench.json(&["sources", "remove", "team"]);
    let (code, said) = bench.fails(&["pull", "acme/greet", "--yes", "--as", "again"]);
    assert_eq!(code, 3, "{said}");
    let (code, said) = bench.fails(&["sources", "add", "far", "http://packages.example"]);
    assert_eq!(code, 4, "{said}");
    assert!(said.contains("plain HTTP can be read and changed"), "{said}");
    assert_eq!(bench.fails(&["sources", "add", "host", "https://packages.example"]).0, 2);
    assert_eq!(bench.fails(&["search", "--from", "nowhere"]).0, 3);
}

#[test]
fn a_host_is_published_to_and_pulled_from_by_another() {
    let bench = Bench::new();
    let other = Bench::new();
    let key = bench.key("default");
    let folder = bench.function("1.0.0", "");
    let published = bench.json(&["publish", folder.to_str().unwrap(), "--namespace", "acme"]);
    assert_eq!(published["new"], true);
    assert_eq!(bench.json(&["search", "greets"])["items"][0]["name"], "acme/greet");
    other.json(&["sources", "add", "first", &bench.host.url("")]);
    other.json(&["trust", "add", "acme", "--key", &key]);
    other.json(&["trust", "set", "require"]);
    let pulled = other.json(&["pull", "acme/greet", "--yes"]);
    assert_eq!(pulled["digest"], published["digest"]);
    assert_eq!(other.greeting("greet").0, 200);
    bench.json(&["yank", "acme/greet@1.0.0", "--reason", "it shouts"]);
    let (code, said) = bench.fails(&["pull", "acme/greet", "--yes"]);
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("was not taken back; there are 1.0.0"), "{said}");
}
