//! A host that keeps its artifacts in an object store and reads inputs from one; and `fn gc`.

use serde_json::{Value, json};

use crate::{
    runs::Ran,
    support::{Host, Options},
};

/// What nobody but the host may know.
const SECRET: &str = "canary-secret-access-key";

/// A bucket of a test's own.
struct Bucket {
    server: String,
    name: String,
}

impl Bucket {
    /// On the server of `WEFT_TEST_S3`, if there is one.
    #[expect(clippy::print_stderr, reason = "whoever runs the tests learns what was left out")]
    fn fresh() -> Option<Self> {
        let Ok(server) = std::env::var("WEFT_TEST_S3") else {
            eprintln!("not tried on S3: `cargo xtask test` does, or set WEFT_TEST_S3");
            return None;
        };
        let folder = tempfile::Builder::new().prefix("").rand_bytes(12).tempdir().unwrap();
        let name = format!("weft-it-{}", folder.path().file_name().unwrap().to_str().unwrap().to_lowercase());
        let bucket = Self { server: server.trim_end_matches('/').to_owned(), name };
        bucket.put("", b"");
        Some(bucket)
    }

    fn put(&self, key: &str, bytes: &[u8]) {
        // The server looks for a name, not for a signature.
        let signed =
            "AWS4-HMAC-SHA256 Credential=tester/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0";
        let request = ureq::put(format!("{}/{}/{key}", self.server, self.name)).header("authorization", signed);
        request.send(bytes).unwrap();
    }

    /// The names of all objects, as the server lists them.
    fn list(&self) -> String {
        let mut answer = ureq::get(format!("{}/{}?list-type=2", self.server, self.name)).call().unwrap();
        answer.body_mut().read_to_string().unwrap()
    }

    fn has(&self, digest: &str) -> bool {
        let hex = digest.strip_prefix("sha256:").unwrap();
        self.list().contains(&format!("<Key>weft/sha256/{}/{}</Key>", &hex[..2], &hex[2..]))
    }

    fn url(&self, key: &str) -> String {
        format!("s3://{}/{key}", self.name)
    }

    /// What lets a host in.
    fn options(&self) -> Options {
        Options::default()
            .env("WEFT_OBJECTS__S3__ENDPOINT", &self.server)
            .env("WEFT_OBJECTS__S3__REGION", "us-east-1")
            .env("AWS_ACCESS_KEY_ID", "tester")
            .env("AWS_SECRET_ACCESS_KEY", SECRET)
    }

    /// The same, and artifacts are kept there.
    fn host(&self) -> Host {
        Host::start_with(
            self.options().env("WEFT_STORE__ARTIFACTS", &self.url("weft")).env("WEFT_STORE__CACHE", "1MiB"),
        )
    }
}

const PIPELINE: &str = "
pipeline: small
steps:
  write: { function: job, params: { do: write, text: 'naïve ☃' } }
  copy: { function: job, params: { do: copy }, inputs: { data: write.out } }
";

#[test]
fn a_host_keeps_everything_in_a_bucket_and_nothing_of_it_is_lost_with_its_disk() {
    let Some(bucket) = Bucket::fresh() else { return };
    let mut host = bucket.host();
    host.deploy_job("job");
    let run = host.submit(PIPELINE).done();
    let digest = run.output("copy", "data").to_owned();
    assert!(bucket.has(&digest), "{}", bucket.list());
    assert!(!host.data().join("host/artifacts").exists());
    host.kill();
    std::fs::remove_dir_all(host.data().join("host/cache")).unwrap();
    std::fs::remove_dir_all(host.data().join("host/compiled")).unwrap();
    host.restart();
    assert_eq!(host.bytes(&digest), "naïve ☃".as_bytes());
    part_of(&host, &digest);
    assert_eq!(host.submit(PIPELINE).done().step("copy")["cached_from"], run.id());
    assert_eq!(host.json(&["runs", "reproduce", run.id()])["verdict"], "identical");
}

/// One range of an artifact's bytes.
fn part_of(host: &Host, digest: &str) {
    let ask = |range: &str| {
        let url = host.url(&format!("/api/v1/projects/default/artifacts/{digest}/content"));
        let agent = ureq::Agent::config_builder().http_status_as_error(false).build().new_agent();
        let mut answer = agent.get(&url).header("range", range).call().unwrap();
        let place = answer.headers().get("content-range").map(|it| it.to_str().unwrap().to_owned());
        (answer.status().as_u16(), place, answer.body_mut().read_to_vec().unwrap())
    };
    let part = ask("bytes=7-");
    assert_eq!(part, (206, Some("bytes 7-9/10".into()), "☃".as_bytes().to_vec()));
    assert_eq!(ask("bytes=0-1").2, b"na");
    let (status, place, _) = ask("bytes=10-");
    assert_eq!((status, place), (416, Some("bytes */10".into())));
    assert_eq!(ask("lines=1-2").0, 200);
}

#[test]
fn credentials_are_shown_nowhere() {
    let Some(bucket) = Bucket::fresh() else { return };
    let host = Host::start_with(
        bucket
            .options()
            .env("WEFT_OBJECTS__S3__SECRET_ACCESS_KEY", SECRET)
            .env("WEFT_STORE__ARTIFACTS", &bucket.url("weft")),
    );
    host.deploy_job("job");
    let (_, error) = host.fails(&["run", "job", "-p", "do=copy", "-i", &format!("data={}", bucket.url("none"))]);
    let (_, settings) = host.get("/api/v1/config");
    assert!(settings.contains("objects.s3.secret_access_key"), "{settings}");
    let shown = [error, settings, std::fs::read_to_string(host.data().join("host.log")).unwrap()];
    assert!(shown.iter().all(|it| !it.contains(SECRET)), "{shown:?}");
}

#[test]
fn a_host_that_cannot_use_its_bucket_does_not_start_and_says_why() {
    let Some(bucket) = Bucket::fresh() else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut up = crate::support::command(&["up", "--listen", "127.0.0.1:0"]);
    for (key, value) in bucket.options().env {
        up.env(key, value);
    }
    up.env("WEFT_STORE__ARTIFACTS", format!("s3://{}-none/weft", bucket.name)).current_dir(folder.path());
    let output = up.output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success());
    assert!(said.contains("-none/weft") && said.contains("cannot be used"), "{said}");
    assert!(!said.contains(SECRET), "{said}");
}

#[test]
fn a_dataset_is_loaded_from_a_bucket_once_and_pinned() {
    let Some(bucket) = Bucket::fresh() else { return };
    let host = Host::start_with(bucket.options());
    host.deploy_library("load-dataset");
    bucket.put("raw/wine.csv", b"grade;alcohol\n5;9.40\n6;NA\n");
    let pipeline = format!(
        "pipeline: load\nsteps:\n  load:\n    function: load-dataset\n    params: {{ delimiter: ';', label: grade }}\n    \
         inputs: {{ source: '{}' }}\n",
        bucket.url("raw/wine.csv")
    );
    let run = host.submit(&pipeline).done();
    assert_eq!(host.bytes(run.output("load", "data")), b"grade,alcohol\n5,9.4\n6,\n");
    assert_eq!(run.step("load")["inputs"][0]["from"], bucket.url("raw/wine.csv"));
    bucket.put("raw/wine.csv", b"grade;alcohol\n1;1\n");
    assert_eq!(host.json(&["runs", "reproduce", run.id()])["verdict"], "identical", "what was there first counts");
    let (code, said) = host.fails(&["run", "load-dataset", "-i", &format!("source={}", bucket.url("raw/none.csv"))]);
    assert_eq!(code, 1);
    assert!(said.contains("answered 404"), "{said}");
}

/// What goes, by kind.
fn counts(report: &Value) -> [u64; 4] {
    ["runs", "revisions", "uploads", "artifacts"].map(|it| report[it]["count"].as_u64().unwrap())
}

fn collected(host: &Host) {
    host.deploy_job("job");
    let old = host.submit(PIPELINE).done();
    let other = PIPELINE.replace("naïve", "wise");
    let kept: Ran = host.submit(&other).done();
    let gc = ["gc", "--keep-last", "1", "--grace", "0ms"];
    let told = host.json(&gc);
    assert_eq!((counts(&told), &told["applied"]), ([1, 0, 0, 1], &json!(false)));
    assert_eq!(host.bytes(old.output("copy", "data")), "naïve ☃".as_bytes(), "nothing went yet");
    let said = String::from_utf8(host.run(&gc).stderr).unwrap();
    assert!(said.contains("would take away 1 run, 1 artifact") && said.contains("--apply"), "{said}");
    let went = host.json(&[&gc[..], &["--apply"]].concat());
    assert_eq!((counts(&went), &went["applied"]), ([1, 0, 0, 1], &json!(true)));
    host.fails(&["runs", "show", old.id()]);
    host.fails(&["artifacts", "get", old.output("copy", "data")]);
    assert_eq!(host.bytes(kept.output("copy", "data")), "wise ☃".as_bytes());
    assert_eq!(host.json(&["runs", "reproduce", kept.id()])["verdict"], "identical");
    let again = host.submit(PIPELINE).done();
    assert_eq!(host.bytes(again.output("copy", "data")), "naïve ☃".as_bytes(), "it is made anew");
    let (code, said) = host.fails(&["gc", "--keep-runs", "90"]);
    assert!(code == 2 && said.contains("--keep-runs"), "{said}");
}

#[test]
fn what_nobody_needs_is_told_and_then_taken_from_the_disk() {
    collected(&Host::start());
}

#[test]
fn what_nobody_needs_is_told_and_then_taken_from_the_bucket() {
    let Some(bucket) = Bucket::fresh() else { return };
    collected(&bucket.host());
}
