//! From bytes to a function that can be called, and everything that cannot become one.

use host_core::{
    clock::{Clock as _, ManualClock},
    grant::Right,
    ports::{Invoke, PrepareError},
    size::{ByteSize, Millis},
};
use host_engine::{Config, Engine};
use tempfile::TempDir;

use crate::support::{Host, config, guest};

fn wat(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap()
}

#[tokio::test]
async fn bytes_that_are_no_component_are_refused_as_such() {
    let host = Host::new();
    let truncated = guest("conformance_http")[..50_000].to_vec();
    for bytes in [b"hello".to_vec(), Vec::new(), truncated, b"\0asm\x01\0\0\0 rubbish".to_vec()] {
        let error = host.deploy(&bytes, "").await.unwrap_err();
        assert!(matches!(error, PrepareError::NotAComponent(_)), "{error}");
    }
}

#[tokio::test]
async fn a_component_is_known_by_what_it_exports() {
    let host = Host::new();
    let entries = async |name: &str| {
        let file = TempDir::new().unwrap();
        let path = file.path().join("component.wasm");
        std::fs::write(&path, guest(name)).unwrap();
        let entries = host.engine.inspect(&path).await.unwrap().entries;
        (entries.http, entries.handler, entries.job)
    };
    assert_eq!(entries("conformance_http").await, (true, false, false));
    assert_eq!(entries("conformance_handler").await, (false, true, false));
    assert_eq!(entries("conformance-job").await, (false, false, true));
    assert_eq!(entries("conformance-command").await, (false, false, true));
}

#[tokio::test]
async fn a_component_without_a_way_in_is_refused() {
    let error = Host::new().deploy(&wat("(component)"), "").await.unwrap_err();
    assert_eq!(error, PrepareError::NoEntry("nothing".into()));
}

#[tokio::test]
async fn a_grant_that_is_missing_is_named_with_the_line_that_gives_it() {
    let error = Host::new().deploy(&guest("conformance_handler"), "").await.unwrap_err();
    let PrepareError::NotGranted { import, right, line_to_add } = error else { panic!("{error}") };
    assert!(import.starts_with("weft:function/model@"), "{import}");
    assert_eq!((right, line_to_add), (Right::Model, Some("model = [\"<name>\"]")));
}

#[tokio::test]
async fn an_input_that_is_a_model_stands_for_the_grant() {
    let manifest = "[inputs.model]\nkind = \"model\"\n";
    assert!(Host::new().deploy(&guest("conformance-job"), manifest).await.is_ok());
}

#[tokio::test]
async fn imports_nobody_provides_are_named() {
    let host = Host::new();
    // A component that says it is a job: what it imports is looked at before what it exports.
    let says_job = |import: &str| {
        wat(&format!(
            "(component
                (import \"{import}\" (instance))
                (component $c)
                (instance $run (instantiate $c))
                (export \"wasi:cli/run@0.2.0\" (instance $run)))"
        ))
    };
    let error = host.deploy(&says_job("acme:thing/doer@1.0.0"), "").await.unwrap_err();
    assert_eq!(error, PrepareError::UnknownImport("acme:thing/doer@1.0.0".into()));
    let error = host.deploy(&says_job("wasi:keyvalue/store@0.2.0-draft"), "").await.unwrap_err();
    assert!(matches!(error, PrepareError::NotGranted { right: Right::Keyvalue, line_to_add: Some(_), .. }), "{error}");
}

/// A job that imports an instance and exits with 0.
fn job_importing(import: &str, instance: &str) -> Vec<u8> {
    wat(&format!(
        "(component
            (import \"{import}\" (instance {instance}))
            (core module $code (func (export \"run\") (result i32) i32.const 0))
            (core instance $core (instantiate $code))
            (func $run (result (result)) (canon lift (core func $core \"run\")))
            (instance $entry (export \"run\" (func $run)))
            (export \"wasi:cli/run@0.2.0\" (instance $entry)))"
    ))
}

#[tokio::test]
async fn the_standard_interface_for_models_is_there_for_those_with_the_grant() {
    let host = Host::new();
    let job = job_importing("wasi:nn/errors@0.2.0-rc-2024-10-28", "(export \"error\" (type (sub resource)))");
    let error = host.deploy(&job, "").await.unwrap_err();
    assert!(matches!(error, PrepareError::NotGranted { right: Right::Model, .. }), "{error}");
    assert!(host.deploy(&job, "[grants]\nmodel = [\"wine\"]\n").await.is_ok());
}

#[tokio::test]
async fn another_version_of_a_known_interface_is_not_taken_for_it() {
    let job = job_importing("wasi:http/types@0.3.0", "(export \"x\" (func))");
    let error = Host::new().deploy(&job, "").await.unwrap_err();
    assert_eq!(error, PrepareError::UnknownImport("wasi:http/types@0.3.0".into()));
    let job = job_importing("wasi:cli/environment@0.2.0", "(export \"get-weather\" (func))");
    let error = Host::new().deploy(&job, "").await.unwrap_err();
    assert!(matches!(&error, PrepareError::UnknownImport(_) | PrepareError::DoesNotFit(_)), "{error}");
}

#[tokio::test]
async fn a_component_beyond_the_limits_of_the_host_is_refused_before_it_is_compiled() {
    let host = Host::with(Config { component_size: ByteSize(1000), ..config() }, None);
    let bytes = guest("conformance_http");
    let size = bytes.len() as u64;
    assert_eq!(host.deploy(&bytes, "").await.unwrap_err(), PrepareError::TooLarge { size, most: 1000 });
    assert_eq!(host.engine.compiled(), 0);
    let host = Host::with(Config { slot_memory: ByteSize(64 << 20), ..config() }, None);
    let error = host.deploy(&bytes, "[limits]\nmemory = \"1GiB\"\n").await.unwrap_err();
    assert!(matches!(&error, PrepareError::DoesNotFit(why) if why.contains("at most 64MiB")), "{error}");
    let error = host.deploy(&bytes, "[limits]\nmemory = \"64KiB\"\n").await.unwrap_err();
    assert!(matches!(&error, PrepareError::DoesNotFit(why) if why.contains("starts with")), "{error}");
}

#[tokio::test]
async fn the_compile_queue_is_bounded() {
    let folder = TempDir::new().unwrap();
    let config = Config { compiling: 1, compile_queue: 0, cache: folder.path().into(), ..config() };
    let host = Host::with(config, None);
    let (http, command) = (guest("conformance_http"), guest("conformance-command"));
    let (first, second) = tokio::join!(host.deploy(&http, ""), host.deploy(&command, ""));
    let answers = [first.err(), second.err()];
    assert!(answers.contains(&None), "one was compiled");
    assert!(answers.contains(&Some(PrepareError::Busy)), "{answers:?}");
}

#[tokio::test]
async fn compiled_code_is_kept_and_only_used_while_it_is_what_was_written() {
    let folder = TempDir::new().unwrap();
    let config = || Config { cache: folder.path().into(), ..config() };
    let compiled = async || {
        let host = Host::with(config(), None);
        let revision = host.http("").await;
        assert!(host.engine.is_prepared(&revision.component));
        host.engine.compiled()
    };
    let code = || {
        let engines = std::fs::read_dir(folder.path()).unwrap().map(|it| it.unwrap().path());
        let files = engines.flat_map(|it| std::fs::read_dir(it).unwrap()).map(|it| it.unwrap().path());
        files.filter(|it| it.extension().is_some_and(|it| it == "cwasm")).collect::<Vec<_>>()
    };
    assert_eq!((compiled().await, compiled().await), (1, 0), "once is enough");
    let file = &code()[0];
    let whole = std::fs::read(file).unwrap();
    std::fs::write(file, &whole[..whole.len() / 2]).unwrap();
    assert_eq!(compiled().await, 1, "truncated code is made again");
    let mut changed = std::fs::read(file).unwrap();
    let middle = changed.len() / 2;
    changed[middle] ^= 1;
    std::fs::write(file, changed).unwrap();
    assert_eq!(compiled().await, 1, "code with one bit changed is made again");
    std::fs::remove_file(file.with_extension("sha256")).unwrap();
    assert_eq!(compiled().await, 1, "code that nobody vouches for is made again");
    assert_eq!(compiled().await, 0);
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_is_told_as_such() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "in the way").unwrap();
    let host = Host::with(Config { cache: file, ..config() }, None);
    let error = host.deploy(&guest("conformance-command"), "").await.unwrap_err();
    assert!(matches!(&error, PrepareError::Storage(why) if why.contains("could not be kept")), "{error}");
}

#[test]
fn the_platform_names_the_runtime_and_the_cpu() {
    let (runtime, cpu) = Engine::platform();
    assert!(runtime.starts_with("wasmtime 48."), "{runtime}");
    assert!(cpu.starts_with(std::env::consts::ARCH), "{cpu}");
}

#[tokio::test]
async fn two_who_want_the_same_component_at_once_have_it_compiled_once() {
    let folder = TempDir::new().unwrap();
    let host = Host::with(Config { compiling: 4, cache: folder.path().into(), ..config() }, None);
    let (one, other, third) = tokio::join!(host.http(""), host.http(""), host.http(""));
    assert!([&one, &other, &third].iter().all(|it| host.engine.is_prepared(&it.component)));
    assert_eq!(host.engine.compiled(), 1);
}

#[tokio::test]
async fn code_that_engines_of_other_releases_left_behind_is_removed_at_the_start() {
    let folder = TempDir::new().unwrap();
    let config = || Config { cache: folder.path().into(), keep_code: Millis(60_000), ..config() };
    // The clock of these tests stands at this time.
    let now = std::time::SystemTime::from(ManualClock::at("2026-01-02T03:04:05Z".parse().unwrap()).now());
    let left = |name: &str, seconds_ago: u64| {
        let place = folder.path().join(name);
        std::fs::create_dir_all(&place).unwrap();
        std::fs::write(place.join("0123.cwasm"), "code").unwrap();
        let started = std::fs::File::create(place.join("started")).unwrap();
        started.set_modified(now - std::time::Duration::from_secs(seconds_ago)).unwrap();
    };
    for (name, seconds_ago) in
        [("serve-00000000000000aa", 61), ("job-00000000000000bb", 600), ("serve-00000000000000cc", 59), ("mine", 9_999)]
    {
        left(name, seconds_ago);
    }
    let host = Host::with(config(), None);
    host.http("").await;
    let there = |name: &str| folder.path().join(name).is_dir();
    assert!(!there("serve-00000000000000aa") && !there("job-00000000000000bb"), "unused for too long");
    assert!(there("serve-00000000000000cc"), "its host may still run beside this one");
    assert!(there("mine"), "no engine calls its folder so");
    let again = Host::with(config(), None);
    again.http("").await;
    assert_eq!(again.engine.compiled(), 0, "an engine keeps its own");
}
