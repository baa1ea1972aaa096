//! The device's key. On phones it is in Secure Enclave or StrongBox and never leaves them. This module has the trait, and a
//! software key for desktops and tests.

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};

/// Why a key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// The file of a software key cannot be read or written.
    #[error("use the key file {file}: {source}")]
    File {
        /// The file.
        file: PathBuf,
        /// The error.
        source: std::io::Error,
    },
    /// The file does not hold a key.
    #[error("use the key file {0}: it holds no P-256 key; move it away and enrol again, nothing recorded is lost")]
    NotAKey(PathBuf),
    /// The key with which this device was enrolled is gone: the platform has another one, or none.
    #[error("sign: the key with which this device was enrolled is gone; enrol again, nothing recorded is lost")]
    Lost,
    /// The platform has no key now, so that the device can not be enrolled.
    #[error("sign: the platform has no key")]
    Missing,
    /// The platform refused, or gave no randomness.
    #[error("sign: {0}")]
    Platform(String),
}

/// A P-256 key that signs for this device (ES256). The platform's key store implements it on phones.
pub trait DeviceSigner: Send + Sync {
    /// The public key: uncompressed point, 65 bytes. The device's id is its hash. Empty while the platform has none.
    fn public_key(&self) -> Vec<u8>;
    /// ES256 over the message: 64 bytes (r, s), or DER, which phones produce.
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError>;
}

/// A key in a file, readable by its owner only.
pub struct SoftwareSigner {
    pair: EcdsaKeyPair,
    random: SystemRandom,
}

impl SoftwareSigner {
    /// Opens the key in a file. If there is no file, makes a key and stores it durably.
    pub fn open(file: &Path) -> Result<Self, SignError> {
        let at_file = |source| SignError::File { file: file.to_owned(), source };
        let random = SystemRandom::new();
        let pkcs8 = match std::fs::read(file) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let fresh = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random)
                    .map_err(|_| SignError::Platform("the operating system gave no randomness".into()))?;
                save(file, fresh.as_ref()).map_err(at_file)?;
                // Another process may have been first, so the key in the file counts.
                std::fs::read(file).map_err(at_file)?
            }
            Err(error) => return Err(at_file(error)),
        };
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &pkcs8, &random)
            .map_err(|_| SignError::NotAKey(file.to_owned()))?;
        Ok(Self { pair, random })
    }
}

impl DeviceSigner for SoftwareSigner {
    fn public_key(&self) -> Vec<u8> {
        self.pair.public_key().as_ref().to_vec()
    }
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let signature = self.pair.sign(&self.random, message);
        Ok(signature.map_err(|_| SignError::Platform("the key refused".into()))?.as_ref().to_vec())
    }
}

/// Writes the whole file or none, and never replaces an existing file.
fn save(file: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let partial = file.with_extension(format!("{}.partial", std::process::id()));
    std::fs::remove_file(&partial)
        .or_else(|error| if error.kind() == std::io::ErrorKind::NotFound { Ok(()) } else { Err(error) })?;
    let mut out = doorstep_private::options().write(true).create_new(true).open(&partial)?;
    out.write_all(bytes)?;
    out.sync_all()?;
    match std::fs::hard_link(&partial, file) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    std::fs::remove_file(&partial)?;
    if let Some(folder) = file.parent() {
        std::fs::File::open(folder)?.sync_all()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use doorstep_protocol::signing::is_signed;

    #[test]
    fn a_software_key_is_made_once_kept_for_its_owner_alone_and_signs_what_the_server_accepts() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("device.key");
        let signer = SoftwareSigner::open(&file).unwrap();
        let sig = signer.sign(b"message").unwrap();
        let again = SoftwareSigner::open(&file).unwrap();
        assert_eq!(again.public_key(), signer.public_key());
        assert!(is_signed(&again.public_key(), b"message", &sig));
        assert!(!is_signed(&again.public_key(), b"another", &sig));
        assert!(!is_signed(&again.public_key(), b"message", &[0; 64]));
        let mut off_curve = again.public_key();
        off_curve[64] ^= 1;
        assert!(!is_signed(&off_curve, b"message", &sig));
        assert!(!is_signed(&off_curve[..64], b"message", &sig), "another shape of key");
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::write(&file, b"nothing of a key").unwrap();
        assert!(matches!(SoftwareSigner::open(&file), Err(SignError::NotAKey(_))));
    }

    #[test]
    fn a_signature_in_der_as_phones_give_it_is_taken_too() {
        use ring::signature::ECDSA_P256_SHA256_ASN1_SIGNING;
        let random = SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, pkcs8.as_ref(), &random).unwrap();
        let sig = pair.sign(&random, b"message").unwrap();
        assert!(is_signed(pair.public_key().as_ref(), b"message", sig.as_ref()));
    }
}
