//! An authority and a certificate for `localhost`, made for one test.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};

/// A certificate for `localhost` and 127.0.0.1.
#[derive(Clone)]
pub struct Certificate {
    /// The authority, PEM.
    pub ca: String,
    /// The certificate, PEM.
    pub certificate: String,
    /// Its key, PEM.
    pub key: String,
    pub(super) server: Arc<ServerConfig>,
}

impl Certificate {
    /// Makes an authority and a certificate of it.
    pub fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca_key = KeyPair::generate().unwrap();
        let ca = params.self_signed(&ca_key).unwrap();
        let issuer = Issuer::new(params, ca_key);
        let key = KeyPair::generate().unwrap();
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let certificate = CertificateParams::new(names).unwrap().signed_by(&key, &issuer).unwrap();
        let (certificate, key) = (certificate.pem(), key.serialize_pem());
        let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()];
        let private = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
        let server = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, private)
            .unwrap();
        Self { ca: ca.pem(), certificate, key, server: Arc::new(server) }
    }
}

impl Default for Certificate {
    fn default() -> Self {
        Self::new()
    }
}
