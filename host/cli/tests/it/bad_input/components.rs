//! Files that are no function, or not one for this host.

use super::{host, still_serves};
use crate::support::{Host, guest_file};

/// Deploys bytes under a manifest; it must be refused. Returns what was said.
fn refused(host: &Host, bytes: &[u8], manifest: &str) -> String {
    let folder = host.data().join("bad");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("bad.wasm"), bytes).unwrap();
    let manifest = format!("name = \"bad\"\ncomponent = \"bad.wasm\"\n{manifest}");
    std::fs::write(folder.join("function.toml"), manifest).unwrap();
    let (code, error) = host.fails(&["deploy", folder.to_str().unwrap()]);
    assert_eq!(code, 4, "{error}");
    assert_eq!(host.get("/fn/bad").0, 404, "nothing of it answers");
    still_serves(host);
    error
}

#[test]
fn what_is_no_component_is_refused_in_one_line() {
    let host = host();
    let whole = std::fs::read(guest_file("conformance_http.wasm")).unwrap();
    let flipped: Vec<u8> =
        whole.iter().enumerate().map(|(at, byte)| if at % 1000 == 999 { !byte } else { *byte }).collect();
    let files: [(&[u8], &str); 6] = [
        (b"hello", "does not begin with \\0asm"),
        (b"", "does not begin with \\0asm"),
        (&whole[..50_000], "not a WebAssembly component"),
        (&whole[..whole.len() - 1], "not a WebAssembly component"),
        (b"\0asm\x0d\0\x01\0 rubbish", "not a WebAssembly component"),
        (&flipped, "could not deploy `bad`: it "),
    ];
    for (bytes, expected) in files {
        let error = refused(&host, bytes, "");
        assert!(error.contains(expected), "{expected}: {error}");
        assert!(!error.contains("panicked") && error.lines().count() <= 3, "{error}");
    }
}

#[test]
fn a_component_without_a_way_in_is_refused() {
    let host = host();
    let error = refused(&host, &wat::parse_str("(component)").unwrap(), "");
    assert!(error.contains("it exports none of wasi:http/incoming-handler, weft:function/handler"), "{error}");
    let other = r#"(component (instance $i) (export "acme:shop/cart@1.0.0" (instance $i)))"#;
    let error = refused(&host, &wat::parse_str(other).unwrap(), "");
    assert!(error.contains("it exports acme:shop/cart@1.0.0"), "{error}");
    let error = refused(&host, &wat::parse_str("(module)").unwrap(), "");
    assert!(error.contains("could not deploy `bad`: it "), "{error}");
}

#[test]
fn a_component_that_wants_what_nobody_has_is_refused() {
    let host = host();
    let text = r#"(component
        (import "acme:shop/cart@1.0.0" (instance))
        (instance $i) (export "wasi:cli/run@0.2.0" (instance $i)))"#;
    let error = refused(&host, &wat::parse_str(text).unwrap(), "");
    assert!(error.contains("it imports `acme:shop/cart@1.0.0`, which this host does not provide"), "{error}");
}

#[test]
fn a_missing_grant_is_told_with_the_line_that_grants_it() {
    let host = host();
    let handler = std::fs::read(guest_file("conformance_handler.wasm")).unwrap();
    let error = refused(&host, &handler, "");
    let expected = "error: could not deploy `bad`: it imports `weft:function/model@0.1.0`, which function.toml does not grant\n  \
                    at function.toml, [grants]\n\
                    hint: add `model = [\"<name>\"]` under [grants] in function.toml\n";
    assert_eq!(error, expected);
}

#[test]
fn a_function_that_does_not_fit_is_refused_before_it_runs() {
    let host = host();
    let http = std::fs::read(guest_file("conformance_http.wasm")).unwrap();
    let error = refused(&host, &http, "[limits]\nmemory = \"64KiB\"\n");
    assert!(error.contains("limits.memory gives it 65536"), "{error}");
    let error = refused(&host, &http, "[limits]\nmemory = \"100GiB\"\n");
    assert!(error.contains("limits.memory asks for 100GiB"), "{error}");
}

#[test]
fn a_component_of_200_mb_is_refused_while_it_is_sent() {
    let host = host();
    let digest = format!("sha256:{}", "0".repeat(64));
    let path = format!("/api/v1/components/{digest}");
    let mut wire = host.begin("PUT", &path, &[("transfer-encoding", "chunked")]);
    let mut sender = wire.other_end();
    // Zeros, a megabyte at a time, until the host says that it is enough.
    let sending = std::thread::spawn(move || {
        let piece = [b"100000\r\n".as_slice(), &vec![0; 1 << 20], b"\r\n"].concat();
        (0..200).take_while(|_| std::io::Write::write_all(&mut sender, &piece).is_ok()).count()
    });
    let head = wire.head().unwrap();
    let answer = wire.answer(head).unwrap();
    assert_eq!((answer.status, answer.problem()), (413, "too-large".to_owned()));
    drop(wire);
    assert!(sending.join().unwrap() < 200, "it was not all taken");
    assert_eq!(host.ask("HEAD", &path, &[], b"").status, 404);
    still_serves(&host);
}

#[test]
fn a_revision_that_fails_leaves_the_one_that_answers_alone() {
    let host = host();
    host.deploy("hello", "conformance_http.wasm", "");
    let folder = host.function("hello", "conformance_handler.wasm", "");
    assert_eq!(host.fails(&["deploy", folder.to_str().unwrap()]).0, 4);
    let answer = host.ask("GET", "/fn/hello/hello", &[], b"");
    assert_eq!((answer.status, answer.field("x-weft-revision")), (200, Some("hello@1")));
}
