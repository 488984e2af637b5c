//! A team begins: the first token, TLS, logging in, roles, tokens that end, and what is left behind of them.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use serde_json::Value;

use super::{attempt, installation, run, strict};
use crate::support::{Options, guest_file, until};

/// A certificate of its own for 127.0.0.1, as two files.
fn certificate(folder: &Path) -> (String, String) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
    let write = |name: &str, text: String| {
        let file = folder.join(name);
        fs::write(&file, text).unwrap();
        file.to_str().unwrap().to_owned()
    };
    (write("cert.pem", made.cert.pem()), write("key.pem", made.signing_key.serialize_pem()))
}

fn function(folder: &Path) -> String {
    let source = folder.join("hello");
    fs::create_dir_all(&source).unwrap();
    let component = guest_file("conformance_http.wasm");
    fs::write(source.join("function.toml"), format!("name = \"hello\"\ncomponent = \"{}\"\n", component.display()))
        .unwrap();
    source.to_str().unwrap().to_owned()
}

#[test]
fn a_team_logs_in_over_tls_and_each_may_do_what_their_token_says() {
    let (data, root) = installation();
    let (cert, key) = certificate(data.path());
    let host = strict(&data, Options::default().env("WEFT_TLS__CERT", &cert).env("WEFT_TLS__KEY", &key));
    let url = host.url("");
    assert!(url.starts_with("https://127.0.0.1:"), "{url}");
    let homes = tempfile::tempdir().unwrap();
    let (ann, source) = (homes.path().join("ann"), function(homes.path()));
    fs::create_dir_all(&ann).unwrap();

    // Whose certificate nobody vouches for is not talked to; with the token typed in, Ann is logged in.
    let (code, _, stderr) = attempt(&ann, &[], &["login", &url], &root);
    assert!(code == 5 && stderr.contains("fn login URL --ca FILE"), "{code} {stderr}");
    let (code, _, stderr) = attempt(&ann, &[], &["login", &url, "--ca", &cert, "--name", "prod"], &format!("{root}\n"));
    assert!(code == 0 && stderr.contains("as `root`, admin of every project"), "{code} {stderr}");
    let file = ann.join("weft/contexts.toml");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(run(&ann, &[], &["context", "list"]).contains("in use"));

    // From then on her commands find the host and show the token.
    let developer = run(&ann, &[], &["tokens", "create", "dev", "--role", "developer", "--expires", "30d"]);
    let viewer = run(&ann, &[], &["tokens", "create", "eve", "--role", "viewer", "--for", "default"]);
    let (developer, viewer) = (developer.trim(), viewer.trim());
    run(&ann, &[("WEFT_TOKEN", developer)], &["deploy", &source]);
    assert!(run(&ann, &[("WEFT_TOKEN", viewer)], &["list"]).contains("hello"));
    let (code, _, stderr) = attempt(&ann, &[("WEFT_TOKEN", viewer)], &["deploy", &source], "");
    assert!(
        code == 4 && stderr.contains("this needs the role developer; `eve` has the role viewer"),
        "{code} {stderr}"
    );
    let (code, _, stderr) = attempt(&ann, &[("WEFT_TOKEN", developer)], &["delete", "hello"], "");
    assert!(code == 4 && stderr.contains("the role operator"), "{code} {stderr}");

    // What was changed says by whom, with which token, from where.
    let audit: Value = serde_json::from_str(&run(&ann, &[], &["audit", "list", "--json"])).unwrap();
    let newest = &audit["items"][0];
    assert_eq!((newest["action"].as_str(), newest["who"].as_str()), (Some("function.activated"), Some("dev")));
    assert_eq!(newest["from"], "127.0.0.1");
    assert!(developer.contains(newest["token"].as_str().unwrap()));
    let everywhere = run(&ann, &[], &["audit", "list", "--all"]);
    assert!(everywhere.contains("token.created"), "{everywhere}");

    // A revoked token is refused at once; logging out forgets it.
    run(&ann, &[], &["tokens", "revoke", "dev"]);
    let (code, _, stderr) = attempt(&ann, &[("WEFT_TOKEN", developer)], &["list"], "");
    assert!(code == 4 && stderr.contains("this token is not known here"), "{code} {stderr}");
    assert!(!stderr.contains(developer));
    assert!(run(&ann, &[], &["tokens", "list"]).contains("revoked"));
    run(&ann, &[], &["context", "delete", "prod"]);
    assert!(!fs::read_to_string(&file).unwrap().contains("weft_"));

    drop(host);
    for token in [root.as_str(), developer, viewer] {
        assert_nowhere(data.path(), token.splitn(3, '_').nth(2).unwrap());
    }
}

/// No file of the host holds the text: not its database, not its log.
fn assert_nowhere(folder: &Path, text: &str) {
    let mut folders = vec![folder.to_owned()];
    let mut looked_at = 0;
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
                continue;
            }
            looked_at += 1;
            let bytes = fs::read(entry.path()).unwrap();
            let is_in = bytes.windows(text.len()).any(|it| it == text.as_bytes());
            assert!(!is_in, "{} holds a token", entry.path().display());
        }
    }
    assert!(looked_at > 3, "the database and the log were looked at");
}

#[test]
fn a_token_that_expired_is_refused_with_the_time_it_did() {
    let (data, root) = installation();
    let host = strict(&data, Options::default());
    let env = [("WEFT_HOST", host.url("")), ("WEFT_TOKEN", root.clone())];
    let env: Vec<(&str, &str)> = env.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let short = run(data.path(), &env, &["tokens", "create", "short", "--role", "viewer", "--expires", "1s"]);
    let url = host.url("");
    let said = until("it expires", || {
        let env = [("WEFT_HOST", url.as_str()), ("WEFT_TOKEN", short.trim())];
        let (code, _, stderr) = attempt(data.path(), &env, &["list"], "");
        (code == 4).then_some(stderr)
    });
    assert!(said.contains("this token expired at 20"), "{said}");
    assert!(run(data.path(), &env, &["tokens", "list"]).contains("expired"));
}

#[test]
fn contexts_are_named_kept_apart_and_told_of() {
    let (data, root) = installation();
    let host = strict(&data, Options::default());
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let url = host.url("");
    let (code, _, stderr) = attempt(home, &[], &["login", &url], "");
    assert!(code == 2 && stderr.contains("there was no token to read"), "{code} {stderr}");
    let (code, _, stderr) = attempt(home, &[], &["login", &url], "weft_nonsense\n");
    assert!(code == 4 && stderr.contains("not known here") && !stderr.contains("nonsense"), "{code} {stderr}");
    assert!(!home.join("weft/contexts.toml").exists(), "a login that failed leaves nothing");

    run(home, &[("WEFT_TOKEN", &root)], &["login", &url, "--name", "home"]);
    let admin = [("WEFT_TOKEN", root.as_str())];
    let wine = run(home, &admin, &["tokens", "create", "wine", "--role", "developer", "--for", "wine"]);
    run(home, &[("WEFT_TOKEN", wine.trim())], &["login", &url, "--name", "wine"]);
    // The last one is in use, with the project that its token is for.
    assert!(run(home, &[], &["whoami"]).starts_with("`wine`, developer of project `wine` at "));
    assert_eq!(run(home, &[], &["list", "--json"]).trim(), "[]");
    let (code, _, stderr) = attempt(home, &[], &["list", "--project", "default"], "");
    assert!(code == 4 && stderr.contains("for the project `wine` only"), "{code} {stderr}");
    assert!(run(home, &[], &["whoami", "--host", "home"]).starts_with("`root`, admin of every project"));
    run(home, &[], &["context", "use", "home"]);
    assert!(run(home, &[], &["whoami"]).starts_with("`root`"));
    let (code, _, stderr) = attempt(home, &[], &["list", "--host", "elsewhere"], "");
    assert!(code == 2 && stderr.contains("there is no context `elsewhere`; there are home, wine"), "{code} {stderr}");
    // An address that nobody logged in to gets no token of another.
    let other = url.replace("127.0.0.1", "localhost");
    let (code, _, stderr) = attempt(home, &[], &["list", "--host", &other], "");
    assert!(code == 4 && stderr.contains("the request shows no token"), "{code} {stderr}");
}
