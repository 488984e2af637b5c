//! TLS: the host's certificate from two files, read again when they change or at SIGHUP.

use std::{
    fs, io,
    path::PathBuf,
    sync::Arc,
    time::{Duration, SystemTime},
};

use anyhow::{Context, Result};
use arc_swap::ArcSwap;
use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use tokio::signal::unix::{SignalKind, signal};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

/// How often the files are looked at.
const EVERY: Duration = Duration::from_secs(10);

/// Where the certificate and its key lie, as PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Files {
    /// The certificate, and those between it and one that clients know.
    pub(crate) cert: PathBuf,
    /// Its private key.
    pub(crate) key: PathBuf,
}

/// The certificate that is shown to clients.
#[derive(Debug)]
pub(super) struct Certificate {
    files: Files,
    current: ArcSwap<CertifiedKey>,
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.load_full())
    }
}

impl Certificate {
    /// Reads the files.
    pub(super) fn load(files: Files) -> Result<Arc<Self>> {
        let current = ArcSwap::from_pointee(read(&files)?);
        Ok(Arc::new(Self { files, current }))
    }

    /// What makes connections of sockets.
    pub(super) fn acceptor(self: &Arc<Self>) -> Result<TlsAcceptor> {
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let config = config.with_safe_default_protocol_versions().context("could not set TLS up")?;
        let resolver: Arc<dyn ResolvesServerCert> = self.clone();
        let mut config = config.with_no_client_auth().with_cert_resolver(resolver);
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }

    /// Reads the files again when they changed, and at SIGHUP, until told to stop. Connections that are open keep the
    /// certificate they began with; files that do not fit leave the one before in use.
    pub(super) async fn follow(self: Arc<Self>, stop: CancellationToken) -> Result<()> {
        let mut hangup = signal(SignalKind::hangup()).context("could not listen for SIGHUP")?;
        let mut seen = self.written();
        loop {
            let is_asked = tokio::select! {
                () = stop.cancelled() => return Ok(()),
                _ = hangup.recv() => true,
                () = tokio::time::sleep(EVERY) => false,
            };
            let written = self.written();
            if is_asked || written != seen {
                seen = written;
                self.read_again();
            }
        }
    }

    fn read_again(&self) {
        match read(&self.files) {
            Ok(certified) => {
                self.current.store(Arc::new(certified));
                tracing::info!(cert = %self.files.cert.display(), "took the new certificate");
            }
            Err(error) => tracing::error!("the certificate before stays in use: {error:#}"),
        }
    }

    /// When the files were written; nothing while one is not there.
    fn written(&self) -> Option<(SystemTime, SystemTime)> {
        let of = |file| -> io::Result<SystemTime> { fs::metadata(file)?.modified() };
        of(&self.files.cert).and_then(|cert| Ok((cert, of(&self.files.key)?))).ok()
    }
}

fn read(files: &Files) -> Result<CertifiedKey> {
    let (cert, key) = (files.cert.display(), files.key.display());
    let chain = CertificateDer::pem_file_iter(&files.cert)
        .and_then(|certificates| certificates.collect::<Result<Vec<_>, _>>())
        .with_context(|| format!("could not read the certificate {cert}"))?;
    anyhow::ensure!(!chain.is_empty(), "could not read the certificate {cert}: there is none in the file");
    let secret = PrivateKeyDer::from_pem_file(&files.key).with_context(|| format!("could not read the key {key}"))?;
    CertifiedKey::from_der(chain, secret, &ring::default_provider())
        .with_context(|| format!("could not use the certificate {cert} with the key {key}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(folder: &std::path::Path) -> Files {
        Files { cert: folder.join("cert.pem"), key: folder.join("key.pem") }
    }

    fn write(files: &Files) -> Vec<u8> {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        fs::write(&files.cert, made.cert.pem()).unwrap();
        fs::write(&files.key, made.signing_key.serialize_pem()).unwrap();
        made.cert.der().to_vec()
    }

    #[test]
    fn a_new_certificate_is_taken_and_a_broken_one_leaves_the_old_in_use() {
        let folder = tempfile::tempdir().unwrap();
        let files = files(folder.path());
        let first = write(&files);
        let certificate = Certificate::load(files.clone()).unwrap();
        let shown = || certificate.current.load().cert[0].to_vec();
        assert_eq!(shown(), first);
        let second = write(&files);
        certificate.read_again();
        assert_eq!(shown(), second);
        fs::write(&files.key, "nonsense").unwrap();
        certificate.read_again();
        assert_eq!(shown(), second);
    }

    #[test]
    fn files_that_do_not_fit_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let files = files(folder.path());
        let told = || format!("{:#}", Certificate::load(files.clone()).unwrap_err());
        assert!(told().contains("could not read the certificate"), "{}", told());
        write(&files);
        let key = fs::read(&files.key).unwrap();
        write(&files);
        fs::write(&files.key, key).unwrap();
        assert!(told().contains("could not use the certificate"), "{}", told());
        fs::write(&files.cert, "").unwrap();
        assert!(told().contains("cert.pem"), "{}", told());
    }
}
