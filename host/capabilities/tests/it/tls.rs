//! TLS: whom it trusts, and which protocol it settles on.

use std::{path::PathBuf, sync::Arc};

use host_capabilities::http::{Client, Config, SendError};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::{
    ServerConfig,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_rustls::TlsAcceptor;

use crate::support::{HELLO, Names, Server, client, policy, text};

/// A server with a certificate of its own for `tls.example`, and the PEM file that has it.
async fn server() -> (Server, tempfile::NamedTempFile) {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["tls.example".to_owned()]).unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), cert.pem()).unwrap();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(signing_key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let server = Server::start(move |connection| {
        let acceptor = acceptor.clone();
        async move {
            let Ok(mut connection) = acceptor.accept(connection).await else { return };
            let mut request = [0; 4096];
            while connection.read(&mut request).await.is_ok_and(|count| count > 0) {
                let _ = connection.write_all(HELLO.as_bytes()).await;
            }
        }
    })
    .await;
    (server, file)
}

async fn ask(server: &Server, host: &str, roots: Option<PathBuf>) -> Result<String, SendError> {
    let names = Names::of(&[("tls.example", &[&["127.0.0.1"]]), ("other.example", &[&["127.0.0.1"]])]);
    let url = format!("https://{host}:{}", server.port());
    let client = client(names, Config { roots, ..Config::default() });
    text(&client.reach(policy(&format!("{{ url = \"{url}\", private = true }}"))), &format!("GET {url}/")).await
}

#[tokio::test]
async fn only_known_roots_are_trusted_and_only_for_their_names() {
    let (server, root) = server().await;
    let root = Some(root.path().to_owned());
    assert_eq!(ask(&server, "tls.example", root.clone()).await.unwrap(), "hello");
    let unknown = ask(&server, "tls.example", None).await.unwrap_err();
    assert!(matches!(unknown, SendError::Certificate(_)), "{unknown}");
    let other = ask(&server, "other.example", root).await.unwrap_err();
    assert!(matches!(other, SendError::Certificate(_)), "{other}");
}

#[tokio::test]
async fn a_server_without_tls_is_told_as_such() {
    let server = Server::start(|mut connection| async move {
        let _ = connection.write_all(HELLO.as_bytes()).await;
    })
    .await;
    let error = ask(&server, "tls.example", None).await.unwrap_err();
    assert!(matches!(error, SendError::Tls(_)), "{error}");
}

#[test]
fn root_certificates_that_are_none_are_refused_at_the_start() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let told = |roots: PathBuf| {
        let made = Client::new(Config { roots: Some(roots), ..Config::default() });
        made.err().map(|error| error.to_string()).unwrap()
    };
    assert!(told(file.path().to_owned()).contains("has no certificate in it"));
    assert!(told("/nowhere/roots.pem".into()).contains("/nowhere/roots.pem"));
}
