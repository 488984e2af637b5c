//! What is not taken: bytes that were changed, versions that went back, functions that want more than they had.

use super::Bench;

#[test]
fn a_component_that_somebody_changed_is_refused() {
    let bench = Bench::new();
    let published = bench.publish("1.0.0", "", &["--no-sign"]);
    let manifest: serde_json::Value =
        serde_json::from_slice(&std::fs::read(bench.blob(&published["digest"])).unwrap()).unwrap();
    let component = bench.blob(&manifest["layers"][0]["digest"]);
    let mut bytes = std::fs::read(&component).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(&component, bytes).unwrap();
    let (code, said) = bench.pull_fails(&["acme/greet", "--yes"]);
    assert_eq!(code, 4, "{said}");
    assert!(said.contains("sent other bytes than those asked for"), "{said}");
    let shelf = bench.path("shelf");
    assert!(bench.fails(&["verify", "acme/greet", "--from", &shelf]).1.contains("other bytes"));
    assert_eq!(bench.greeting("greet").0, 404);
}

#[test]
fn a_manifest_that_somebody_changed_is_refused() {
    let bench = Bench::new();
    let published = bench.publish("1.0.0", "", &["--no-sign"]);
    let file = bench.blob(&published["digest"]);
    let text = std::fs::read_to_string(&file).unwrap().replace("Greets whoever asks", "Does no harm at all");
    std::fs::write(&file, text).unwrap();
    let (code, said) = bench.pull_fails(&["acme/greet", "--yes"]);
    assert_eq!(code, 4, "{said}");
    assert!(said.contains("sent other bytes than those asked for"), "{said}");
}

#[test]
fn a_lower_version_is_refused_unless_it_is_asked_for() {
    let bench = Bench::new();
    bench.publish("1.0.0", "", &["--no-sign"]);
    bench.publish("2.0.0", "[limits]\nconcurrency = 3\n", &["--no-sign"]);
    bench.pull(&["acme/greet", "--yes"]);
    let (code, said) = bench.pull_fails(&["acme/greet@1.0.0", "--yes"]);
    assert_eq!(code, 4, "{said}");
    assert!(said.contains("acme/greet@1.0.0 is older than acme/greet@2.0.0, which is in force"), "{said}");
    assert_eq!(bench.pull(&["acme/greet@1.0.0", "--yes", "--allow-downgrade"])["version"], "1.0.0");
}

#[test]
fn a_version_that_asks_for_more_asks_again_and_one_that_does_not_goes_in() {
    let bench = Bench::new();
    bench.publish("1.0.0", "[limits]\nmemory = \"64MiB\"\n", &["--no-sign"]);
    let (code, said) = bench.pull_fails(&["acme/greet"]);
    assert_eq!(code, 4, "{said}");
    for part in ["acme/greet@1.0.0 asks to", "hold 64MiB of memory", "nobody is here to say", "pass --yes, or --policy"]
    {
        assert!(said.contains(part), "`{part}` in {said}");
    }
    bench.pull(&["acme/greet", "--yes"]);
    bench.publish("1.1.0", "[limits]\nmemory = \"32MiB\"\n", &["--no-sign"]);
    assert_eq!(bench.pull(&["acme/greet"])["version"], "1.1.0", "it asks for less, so nobody is asked");
    bench.publish("1.2.0", "[limits]\nmemory = \"32MiB\"\n[grants]\nhttp = [\"https://x.example\"]\n", &["--no-sign"]);
    let (code, said) = bench.pull_fails(&["acme/greet"]);
    assert_eq!(code, 4, "{said}");
    assert!(said.contains("asks for more than the version in force"), "{said}");
    assert!(said.contains("- send requests to https://x.example"), "{said}");
}

#[test]
fn a_policy_file_says_for_machines_what_may_be_taken() {
    let bench = Bench::new();
    let asks = "[limits]\nmemory = \"64MiB\"\n[grants]\nhttp = [\"https://x.example\"]\nmodel = [\"wine\"]\n";
    bench.publish("1.0.0", asks, &["--no-sign"]);
    let policy = bench.host.file("policy.toml", "http = [\"https://x.example\"]\n");
    let (code, said) = bench.pull_fails(&["acme/greet", "--policy", &policy]);
    assert_eq!(code, 4, "{said}");
    assert!(said.contains("asks for more than is allowed: ask the model wine"), "{said}");
    let policy = bench.host.file("policy.toml", "http = [\"*\"]\nmodel = [\"wine\"]\nmemory = \"64MiB\"\n");
    bench.pull(&["acme/greet", "--policy", &policy]);
    let (code, said) = bench.pull_fails(&["acme/greet", "--policy", &bench.host.file("policy.toml", "htpp = []\n")]);
    assert_eq!(code, 2, "{said}");
}

#[test]
fn a_function_of_ones_own_is_not_replaced_by_a_package_of_its_name() {
    let bench = Bench::new();
    bench.host.deploy("greet", "conformance_hello_http.wasm", "");
    bench.publish("1.0.0", "", &["--no-sign"]);
    let (code, said) = bench.pull_fails(&["acme/greet", "--yes"]);
    assert_eq!(code, 4, "{said}");
    assert!(said.contains("function `greet` is in service and is your own"), "{said}");
    bench.pull(&["acme/greet", "--yes", "--replace"]);
    assert_eq!(bench.greeting("greet").0, 200);
}
