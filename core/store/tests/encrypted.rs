//! An encrypted store. `tests/encryption` runs these tests with the feature `sqlcipher`. Without the feature one test shows that no
//! store is made in plain where a key was given.
#![allow(missing_docs, reason = "tests are named for what they show")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests fail loudly"
)]

use doorstep_store::{OpenError, Store, StoreKey};

fn key(n: u8) -> StoreKey {
    StoreKey::new(&[n; 32]).unwrap()
}

#[cfg(not(feature = "sqlcipher"))]
#[test]
fn a_build_without_encryption_makes_nothing_where_a_key_was_given() {
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(Store::open_encrypted(folder.path(), key(1)), Err(OpenError::NoEncryption)));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[cfg(feature = "sqlcipher")]
mod sealed {
    use std::{collections::BTreeMap, fs, path::Path};

    use doorstep_domain::{Author, DeviceId, InstallId, PhotoId, Role, UnixMs};
    use doorstep_protocol::Token;
    use doorstep_store::{Enrolment, Session, StoreError};
    use sha2::{Digest, Sha256};
    use tempfile::TempDir;

    use super::*;

    const NOW: UnixMs = UnixMs(1_772_413_200_000);

    /// A store with a name, a token and a photo.
    fn filled() -> (TempDir, PhotoId) {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open_encrypted(folder.path(), key(1)).unwrap();
        let token = Token { secret: "geheim".into(), expires_ms: NOW.0 + 3_600_000 };
        let session = Session { server: "http://127.0.0.1:1".into(), server_key: vec![4; 65], token };
        let author = Author { user: "c1".parse().unwrap(), role: Role::Courier, outlet: "0412".parse().unwrap() };
        let name = "李明".to_owned();
        let enrolment = Enrolment { device: DeviceId::new([9; 16]), install: InstallId::new([9; 16]), author, name, session };
        store.enrol(&enrolment, NOW).unwrap();
        let id = PhotoId::new(Sha256::digest(PHOTO).into());
        store.save_photo(id, "jpg", PHOTO, false).unwrap();
        store.keep_picture(&id, PHOTO, NOW).unwrap();
        drop(store);
        (folder, id)
    }

    const PHOTO: &[u8] = b"what the door of Qinghe Road 7 looks like";

    /// Every file below a folder with its bytes; but for the lock, which says nothing.
    fn bytes(folder: &Path) -> BTreeMap<String, Vec<u8>> {
        let mut all = BTreeMap::new();
        for entry in fs::read_dir(folder).unwrap().flatten() {
            let name = entry.path().display().to_string();
            if entry.path().is_dir() {
                all.extend(bytes(&entry.path()));
            } else if !name.ends_with(".lock") {
                all.insert(name, fs::read(entry.path()).unwrap());
            }
        }
        all
    }

    #[test]
    fn nothing_of_it_can_be_read_in_its_files_and_all_of_it_with_its_key() {
        let (folder, id) = filled();
        let all = bytes(folder.path());
        assert!(all.len() >= 4, "database, check file, photo, picture: {:?}", all.keys());
        for secret in ["李明".as_bytes(), b"geheim", b"SQLite format 3", b"CREATE TABLE", b"door", b"Qinghe"] {
            let holds = |bytes: &Vec<u8>| bytes.windows(secret.len()).any(|part| part == secret);
            let holding: Vec<_> = all.iter().filter(|(_, bytes)| holds(bytes)).map(|(name, _)| name).collect();
            assert!(holding.is_empty(), "{:?} in {holding:?}", String::from_utf8_lossy(secret));
        }
        let mut store = Store::open_encrypted(folder.path(), key(1)).unwrap();
        assert_eq!(store.identity().unwrap().unwrap().name, "李明");
        assert_eq!(store.photo_here(&id, NOW).unwrap().unwrap(), PHOTO);
    }

    #[test]
    fn a_wrong_key_and_no_key_are_errors_of_their_own_and_touch_nothing() {
        let (folder, _) = filled();
        let before = bytes(folder.path());
        assert!(matches!(Store::open_encrypted(folder.path(), key(2)), Err(OpenError::KeyWrong)));
        assert!(matches!(Store::open(folder.path()), Err(OpenError::KeyMissing)));
        let fresh = InstallId::new([7; 16]);
        assert!(matches!(Store::open_or_salvage(folder.path(), fresh), Err(OpenError::KeyMissing)));
        assert_eq!(bytes(folder.path()), before);
        // Damaged as well: without its key nobody repairs it.
        fs::write(folder.path().join("doorstep.db"), b"cut").unwrap();
        let before = bytes(folder.path());
        assert!(matches!(Store::open_or_salvage(folder.path(), fresh), Err(OpenError::KeyMissing)));
        assert!(matches!(Store::open_encrypted(folder.path(), key(2)), Err(OpenError::KeyWrong)));
        assert_eq!(bytes(folder.path()), before);
    }

    #[test]
    fn a_store_in_plain_is_not_opened_with_a_key_and_stays_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        drop(Store::open(folder.path()).unwrap());
        let before = bytes(folder.path());
        assert!(matches!(Store::open_encrypted(folder.path(), key(1)), Err(OpenError::NotEncrypted)));
        assert_eq!(bytes(folder.path()), before);
        drop(Store::open(folder.path()).unwrap());
    }

    #[test]
    fn a_damaged_page_is_damage_and_not_a_wrong_key_and_stays_as_it_is() {
        let (folder, _) = filled();
        let path = folder.path().join("doorstep.db");
        let mut file = fs::read(&path).unwrap();
        for page in 0..file.len() / 4096 {
            file[page * 4096 + 100] ^= 1;
        }
        fs::write(&path, file).unwrap();
        let before = bytes(folder.path());
        assert!(matches!(Store::open_encrypted(folder.path(), key(1)), Err(OpenError::Corrupt)));
        let after: BTreeMap<_, _> = bytes(folder.path()).into_iter().filter(|(name, _)| before.contains_key(name)).collect();
        assert_eq!(after, before);
    }

    #[test]
    fn a_lost_or_damaged_check_file_is_written_anew_by_the_right_key_and_by_no_other() {
        let (folder, _) = filled();
        let file = folder.path().join("doorstep.key-check");
        let kept = fs::read(&file).unwrap();
        for damage in [None, Some(b"DSK1 and other bytes".as_slice())] {
            match damage {
                None => fs::remove_file(&file).unwrap(),
                Some(bytes) => fs::write(&file, bytes).unwrap(),
            }
            let before = bytes(folder.path());
            assert!(matches!(Store::open_encrypted(folder.path(), key(2)), Err(OpenError::KeyWrong)));
            assert_eq!(bytes(folder.path()), before);
            let store = Store::open_encrypted(folder.path(), key(1)).unwrap();
            assert_eq!(store.identity().unwrap().unwrap().name, "李明");
            drop(store);
            assert_eq!(fs::read(&file).unwrap(), kept);
        }
    }

    #[test]
    fn a_death_between_the_check_file_and_the_database_leaves_a_store_for_its_key_alone() {
        let folder = tempfile::tempdir().unwrap();
        drop(Store::open_encrypted(folder.path(), key(1)).unwrap());
        for name in ["doorstep.db", "doorstep.db-wal", "doorstep.db-shm"] {
            fs::remove_file(folder.path().join(name)).ok();
        }
        assert!(matches!(Store::open_encrypted(folder.path(), key(2)), Err(OpenError::KeyWrong)));
        drop(Store::open_encrypted(folder.path(), key(1)).unwrap());
    }

    #[test]
    fn a_photo_file_that_another_hand_wrote_is_no_photo() {
        let (folder, id) = filled();
        let text = id.to_string();
        fs::write(folder.path().join("photos").join(&text[..2]).join(format!("{text}.jpg")), PHOTO).unwrap();
        fs::write(folder.path().join("pictures").join(&text[..2]).join(&text), PHOTO).unwrap();
        let mut store = Store::open_encrypted(folder.path(), key(1)).unwrap();
        assert_eq!(store.photo_here(&id, NOW).unwrap(), None);
    }

    #[test]
    fn a_wiped_store_leaves_no_file_but_its_lock() {
        let (folder, _) = filled();
        let mut store = Store::open_encrypted(folder.path(), key(1)).unwrap();
        store.begin_wipe().unwrap();
        store.wipe().unwrap();
        assert!(store.identity().unwrap().is_none());
        assert!(bytes(folder.path()).is_empty(), "{:?}", bytes(folder.path()).keys());
        assert!(matches!(store.save_photo(PhotoId::new([1; 32]), "jpg", PHOTO, false), Err(StoreError::Wiped)));
        // With its key gone, another one makes a new store there.
        drop(store);
        Store::open_encrypted(folder.path(), key(2)).unwrap();
    }
}
