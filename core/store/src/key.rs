//! The key of a store. It encrypts the database page by page (SQLCipher) and each photo's file as a whole (AES-256-GCM).
//!
//! The platform keeps 32 random bytes. Three keys are derived from them, so that none tells anything about another: for the
//! database, for files, and for a check file that tells a wrong key from a damaged store before anything is opened. A damaged
//! store is repaired; a store that was opened with a wrong key must not be touched.

use std::{
    io,
    path::{Path, PathBuf},
};

use doorstep_domain::PhotoId;
use ring::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    hkdf::{HKDF_SHA256, KeyType, Salt},
};
use rusqlite::{Connection, OpenFlags};

use crate::{OpenError, folder::put};

/// The first bytes of the check file: the version of its format.
const FORM: &[u8] = b"DSK1";
/// The first bytes of every unencrypted SQLite file.
const PLAIN: &[u8] = b"SQLite format 3\0";

/// The key of a store. Its `Debug` shows nothing.
pub struct StoreKey {
    database: [u8; 32],
    files: LessSafeKey,
    check: [u8; 32],
}

impl std::fmt::Debug for StoreKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StoreKey(***)")
    }
}

struct Bytes32;

impl KeyType for Bytes32 {
    fn len(&self) -> usize {
        32
    }
}

impl StoreKey {
    /// Derives the key from the platform's 32 random bytes.
    ///
    /// # Errors
    /// [`OpenError::KeySize`] for any other number of bytes.
    pub fn new(raw: &[u8]) -> Result<Self, OpenError> {
        if raw.len() != 32 {
            return Err(OpenError::KeySize);
        }
        let secret = Salt::new(HKDF_SHA256, b"doorstep store v1").extract(raw);
        let derive = |purpose: &[u8]| {
            let mut key = [0; 32];
            let parts = [purpose];
            let expanded = secret.expand(&parts, Bytes32).and_then(|okm| okm.fill(&mut key));
            expanded.map(|()| key).map_err(|_| OpenError::KeySize)
        };
        let files = UnboundKey::new(&AES_256_GCM, &derive(b"files")?).map_err(|_| OpenError::KeySize)?;
        Ok(Self { database: derive(b"database")?, files: LessSafeKey::new(files), check: derive(b"check")? })
    }

    /// Gives SQLCipher the key. Must be the first statement of a connection.
    pub(crate) fn unlock(&self, db: &Connection) -> Result<(), OpenError> {
        let hex: String = self.database.iter().map(|byte| format!("{byte:02x}")).collect();
        // An error of SQLite may hold the statement and therefore the key, so it is dropped.
        db.pragma_update(None, "key", format!("x'{hex}'")).map_err(|_| OpenError::NoEncryption)?;
        // Without SQLCipher the pragma is unknown and silently ignored, and the store would be written unencrypted.
        let version = db.query_row("PRAGMA cipher_version", [], |row| row.get::<_, String>(0));
        version.map(drop).map_err(|_| OpenError::NoEncryption)
    }

    /// Whether the key reads the first page of a database. Nothing is written, not even a file beside it.
    fn opens(&self, db: &Path) -> bool {
        let Some(path) = db.to_str() else { return false };
        let path = path.replace('%', "%25").replace('?', "%3f").replace('#', "%23");
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
        let Ok(db) = Connection::open_with_flags(format!("file:{path}?immutable=1"), flags) else { return false };
        let mark = || db.pragma_query_value(None, "application_id", |row| row.get::<_, i32>(0));
        self.unlock(&db).is_ok() && mark().is_ok()
    }

    /// Writes the check file durably, before the first page is written with the key.
    fn write_check(&self, folder: &Path) -> Result<(), OpenError> {
        put(&check_file(folder), &[FORM, &self.check].concat())?;
        let synced = std::fs::File::open(folder).and_then(|folder| folder.sync_all());
        synced.map_err(|source| OpenError::in_folder(folder.to_owned(), source))
    }

    /// Encrypts a photo's file. The nonce is the photo's own hash: the same bytes always give the same file, and no two different
    /// photos share a nonce.
    pub(crate) fn seal(&self, id: &PhotoId, bytes: &[u8]) -> io::Result<Vec<u8>> {
        let mut sealed = bytes.to_vec();
        let nonce = nonce(id).ok_or_else(cipher_failed)?;
        self.files.seal_in_place_append_tag(nonce, Aad::from(id.as_bytes()), &mut sealed).map_err(|_| cipher_failed())?;
        Ok(sealed)
    }

    /// Decrypts a photo's file; `None` if the file holds anything else.
    pub(crate) fn open(&self, id: &PhotoId, mut sealed: Vec<u8>) -> Option<Vec<u8>> {
        let length = self.files.open_in_place(nonce(id)?, Aad::from(id.as_bytes()), &mut sealed).ok()?.len();
        sealed.truncate(length);
        Some(sealed)
    }
}

fn nonce(id: &PhotoId) -> Option<Nonce> {
    id.as_bytes().first_chunk::<NONCE_LEN>().map(|bytes| Nonce::assume_unique_for_key(*bytes))
}

fn cipher_failed() -> io::Error {
    io::Error::other("the cipher failed")
}

fn check_file(folder: &Path) -> PathBuf {
    folder.join("doorstep.key-check")
}

/// Checks that this key, or none, belongs to the store in a folder. It changes nothing but the check file, which it writes for a
/// new store, and for a store that this key opens although its check file is lost or damaged.
pub(crate) fn check(folder: &Path, db: &Path, is_new: bool, key: Option<&StoreKey>) -> Result<(), OpenError> {
    let at_folder = |source| OpenError::in_folder(folder.to_owned(), source);
    let kept = match std::fs::read(check_file(folder)) {
        Ok(bytes) => Some(bytes),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(at_folder(error)),
    };
    match (key, kept) {
        (None, None) => Ok(()),
        (None, Some(_)) => Err(OpenError::KeyMissing),
        (Some(key), Some(kept)) if kept == [FORM, &key.check].concat() => Ok(()),
        (Some(_), Some(_)) if is_new => Err(OpenError::KeyWrong),
        (Some(key), None) if is_new => key.write_check(folder),
        (Some(key), _) => {
            let begins = std::fs::File::open(db).and_then(|mut file| {
                let mut first = [0; PLAIN.len()];
                io::Read::read_exact(&mut file, &mut first).map(|()| first)
            });
            match begins {
                Ok(first) if first == PLAIN => Err(OpenError::NotEncrypted),
                // The check file is lost or damaged, so the first page tells whether the key is right, if the page itself is
                // sound.
                _ if key.opens(db) => key.write_check(folder),
                _ => Err(OpenError::KeyWrong),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_photo_opens_with_its_key_and_its_id_only() {
        let (key, other) = (StoreKey::new(&[1; 32]).unwrap(), StoreKey::new(&[2; 32]).unwrap());
        let (id, another) = (PhotoId::new([3; 32]), PhotoId::new([4; 32]));
        let sealed = key.seal(&id, b"a photo").unwrap();
        assert!(!sealed.windows(5).any(|part| part == b"photo"));
        assert_eq!(key.open(&id, sealed.clone()).unwrap(), b"a photo");
        assert_eq!(key.seal(&id, b"a photo").unwrap(), sealed, "saving the same bytes twice is one file");
        assert!(other.open(&id, sealed.clone()).is_none());
        assert!(key.open(&another, sealed.clone()).is_none());
        for place in 0..sealed.len() {
            let mut altered = sealed.clone();
            altered[place] ^= 1;
            assert!(key.open(&id, altered).is_none(), "byte {place}");
        }
        assert!(key.open(&id, sealed[..3].to_vec()).is_none());
        assert!(matches!(StoreKey::new(&[1; 31]), Err(OpenError::KeySize)));
        assert_eq!(format!("{key:?}"), "StoreKey(***)");
    }
}
