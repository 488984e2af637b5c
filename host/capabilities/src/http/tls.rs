//! Whom TLS trusts: the machine's roots, or Mozilla's where there are none, and the operator's own.

use std::{path::Path, sync::Arc};

use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject as _},
};
use tokio::{sync::OnceCell, task::spawn_blocking};
use tokio_rustls::TlsConnector;

use super::error::ClientError;

/// Makes TLS connections. The roots are read when the first is made: a host that sends nothing pays nothing.
pub(super) struct Tls {
    extra: Vec<CertificateDer<'static>>,
    connector: OnceCell<TlsConnector>,
}

impl Tls {
    /// TLS that also trusts the certificates in the PEM file `roots`.
    pub(super) fn new(roots: Option<&Path>) -> Result<Self, ClientError> {
        let extra = roots.map(read).transpose()?.unwrap_or_default();
        Ok(Self { extra, connector: OnceCell::new() })
    }

    pub(super) async fn connector(&self) -> Result<TlsConnector, String> {
        let make = || async {
            let extra = self.extra.clone();
            let made = spawn_blocking(move || client(extra)).await;
            made.map_err(|error| error.to_string())?
        };
        self.connector.get_or_try_init(make).await.cloned()
    }
}

fn read(file: &Path) -> Result<Vec<CertificateDer<'static>>, ClientError> {
    let wrong = |why: String| ClientError::Roots { file: file.to_owned(), why };
    let found = CertificateDer::pem_file_iter(file).map_err(|error| wrong(error.to_string()))?;
    let found: Vec<_> = found.collect::<Result<_, _>>().map_err(|error| wrong(error.to_string()))?;
    if found.is_empty() {
        return Err(wrong("it has no certificate in it".into()));
    }
    for certificate in &found {
        RootCertStore::empty().add(certificate.clone()).map_err(|error| wrong(error.to_string()))?;
    }
    Ok(found)
}

fn client(extra: Vec<CertificateDer<'static>>) -> Result<TlsConnector, String> {
    let mut roots = RootCertStore::empty();
    // The machine's store may hold a few certificates that no longer count; the others do.
    let (known, _) = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if known == 0 {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    for certificate in extra {
        roots.add(certificate).map_err(|error| error.to_string())?;
    }
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsConnector::from(Arc::new(config)))
}
