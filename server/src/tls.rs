//! TLS in the server itself: a certificate and its key from PEM files, read at the start and again on request.
//!
//! The server does not check the names or the end of a certificate, because clients do.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use axum_server::{
    accept::NoDelayAcceptor,
    tls_rustls::{RustlsAcceptor, RustlsConfig},
};
use rustls::{
    Error, ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem, pem::PemObject},
};

/// The files of a certificate and its key.
#[derive(Debug, Clone)]
pub struct TlsFiles {
    /// PEM: the server's certificate first, then the chain to an authority.
    pub cert: PathBuf,
    /// PEM: the certificate's private key, PKCS#8, PKCS#1 or SEC1.
    pub key: PathBuf,
}

/// Why a certificate can not be used. The text says what to do.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file can not be read.
    #[error("read the TLS file {}: {source}; check its path and that this user may read it", file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// The error of the system.
        source: std::io::Error,
    },
    /// A file is not PEM.
    #[error("read the TLS file {}: it is not PEM ({fault}); export it again as PEM", file.display())]
    Pem {
        /// The file.
        file: PathBuf,
        /// The fault in the file.
        fault: String,
    },
    /// The file has no certificate.
    #[error("find a certificate in {}; it must hold the server's certificate and its chain, as PEM", .0.display())]
    NoCertificate(PathBuf),
    /// The file has no key.
    #[error("find a private key in {}; it must hold the certificate's key without a passphrase, as PEM", .0.display())]
    NoKey(PathBuf),
    /// The key belongs to another certificate.
    #[error(
        "use the TLS files: the key in {} does not fit the first certificate in {}; give the key that this certificate was made \
         with, and the server's certificate before its authorities'",
        key.display(), cert.display()
    )]
    KeyMismatch {
        /// The certificate's file.
        cert: PathBuf,
        /// The key's file.
        key: PathBuf,
    },
    /// The files are well-formed, but can not be used.
    #[error("use the TLS files {} and {}: {fault}", cert.display(), key.display())]
    Unusable {
        /// The certificate's file.
        cert: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// The reason.
        fault: Error,
    },
    /// The server was started without TLS.
    #[error("read the certificate again: this server was started without one")]
    Off,
}

/// The certificate for new connections.
#[derive(Clone)]
pub(crate) struct Tls {
    files: TlsFiles,
    shown: RustlsConfig,
}

impl Tls {
    pub(crate) async fn load(files: TlsFiles) -> Result<Self, TlsError> {
        let shown = RustlsConfig::from_config(read(&files).await?);
        Ok(Self { files, shown })
    }

    /// Reads the files again. If they can not be used, the certificate in use stays. Open connections keep theirs.
    pub(crate) async fn reload(&self) -> Result<(), TlsError> {
        self.shown.reload_from_config(read(&self.files).await?);
        Ok(())
    }

    /// Makes an acceptor. Each handshake runs in a task of its own, for at most ten seconds, so that a silent client blocks
    /// nobody.
    pub(crate) fn acceptor(&self) -> RustlsAcceptor<NoDelayAcceptor> {
        RustlsAcceptor::new(self.shown.clone()).acceptor(NoDelayAcceptor)
    }
}

async fn read(files: &TlsFiles) -> Result<Arc<ServerConfig>, TlsError> {
    let TlsFiles { cert, key } = files;
    let chain: Vec<CertificateDer> =
        CertificateDer::pem_slice_iter(&bytes(cert).await?).collect::<Result<_, _>>().map_err(|fault| no_pem(cert, &fault))?;
    if chain.is_empty() {
        return Err(TlsError::NoCertificate(cert.clone()));
    }
    let private = PrivateKeyDer::from_pem_slice(&bytes(key).await?).map_err(|fault| match fault {
        pem::Error::NoItemsFound => TlsError::NoKey(key.clone()),
        fault => no_pem(key, &fault),
    })?;
    // The provider is named here and not installed for the process, so that other code in it, such as a client in a test, chooses
    // its own.
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let made = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, private));
    let mut config = made.map_err(|fault| match fault {
        Error::InconsistentKeys(_) => TlsError::KeyMismatch { cert: cert.clone(), key: key.clone() },
        fault => TlsError::Unusable { cert: cert.clone(), key: key.clone(), fault },
    })?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

async fn bytes(file: &Path) -> Result<Vec<u8>, TlsError> {
    tokio::fs::read(file).await.map_err(|source| TlsError::File { file: file.to_owned(), source })
}

fn no_pem(file: &Path, fault: &pem::Error) -> TlsError {
    TlsError::Pem { file: file.to_owned(), fault: fault.to_string() }
}
