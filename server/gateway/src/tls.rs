//! TLS towards providers, with explicit authorities and our own crypto provider.

use std::{path::Path, sync::Arc};

use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};

use crate::ConfigError;

/// Trusts the authorities in a PEM file, or Mozilla's as built into this version. `key` is the file's key in the configuration.
pub(crate) fn client_config(key: &'static str, ca_file: Option<&Path>) -> Result<ClientConfig, ConfigError> {
    let mut roots = RootCertStore::empty();
    if let Some(file) = ca_file {
        let fault = |fault: String| ConfigError::File { key, file: file.to_owned(), fault };
        let pem =
            std::fs::read(file).map_err(|source| fault(format!("{source}; check the path and that this user may read it")))?;
        for certificate in CertificateDer::pem_slice_iter(&pem) {
            let certificate =
                certificate.map_err(|_| fault("is not PEM; export the authority's certificate again as PEM".to_owned()))?;
            roots.add(certificate).map_err(|_| fault("holds a certificate that can not be an authority".to_owned()))?;
        }
        if roots.is_empty() {
            return Err(fault("holds no certificate; it must hold the authority's, as PEM".to_owned()));
        }
    } else {
        roots.add_parsable_certificates(webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().cloned());
    }
    // The provider is named here and not installed for the process, so that other code in it chooses its own.
    let made = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(|fault| ConfigError::Value { key, fault: fault.to_string() })?;
    Ok(made.with_root_certificates(roots).with_no_client_auth())
}
