//! Opens a data folder's database: checks it, migrates it, and fills a new log.

use std::path::{Path, PathBuf};

use doorstep_domain::{HistoryId, InstallId};

use crate::{
    ServeError, facts, folder,
    keys::{self, Keys},
    link,
    marker::{self, Marker},
    packs, random,
    store::{
        db::Store,
        migrate::{self, migrate},
        new_log, sound,
        tx::Tx,
    },
};

/// Opens the database of a data folder, creating and migrating it. A new one gets a history id and the first rule pack. A
/// database with a missing or damaged write-ahead log is left unchanged.
pub(crate) fn open(folder: &Path) -> Result<Store, ServeError> {
    sound::log_is_there(folder, Marker::read(folder).running)?;
    let store = sound::named(folder, || {
        let store = connect(folder)?;
        store.alone(|| sound::log_is_whole(folder))?;
        prepare(&store)?;
        Ok(store)
    })?;
    // If a server runs or was killed, its write-ahead log stays, and the next start requires it.
    store.keep_log(Marker::read(folder).running)?;
    Ok(store)
}

/// Opens a database whose damage the operator knows. A damaged write-ahead log is first copied beside it, because SQLite skips
/// the unreadable part. Returns the path of the copy.
pub(crate) fn open_as_it_is(folder: &Path) -> Result<(Store, Option<PathBuf>), ServeError> {
    sound::named(folder, || {
        let store = connect(folder)?;
        let kept = store.alone(|| match sound::log_is_whole(folder) {
            Err(ServeError::WalDamaged { file, .. }) => {
                marker::keep_beside(&file).map(Some).map_err(|source| ServeError::Folder { folder: folder.to_owned(), source })
            }
            other => other.map(|()| None),
        })?;
        prepare(&store)?;
        Ok((store, kept))
    })
}

fn connect(folder: &Path) -> Result<Store, ServeError> {
    folder::keep_private(folder)?;
    Ok(Store::connect(folder)?)
}

/// Migrates the database, and fills a new log with its first rows.
fn prepare(store: &Store) -> Result<(), ServeError> {
    migrate(store, |tx, step| {
        if step == migrate::FIRST {
            begin(tx)?;
        }
        if step == migrate::LINKS {
            link::begin(tx).map_err(|_| ServeError::Links)?;
        }
        if step == migrate::NEWEST && !new_log::has_pack(tx)? {
            // A new log begins with the first rule pack, signed with its key. Only after the newest migration does the table have
            // the columns that this program writes.
            let signing = Keys::read(tx).map_err(|_| ServeError::Keys)?;
            packs::first(tx, &signing).map_err(|_| ServeError::Keys)?;
        }
        Ok(())
    })?;
    // A log without a history of the list starts one from its current rows.
    if store.read(new_log::lacks_listing)? {
        store.write(|tx| facts::begin(tx).map_err(|_| ServeError::Listing))?;
    }
    Ok(())
}

fn begin(tx: &Tx<'_>) -> Result<(), ServeError> {
    let fresh = new_log::Fresh {
        history: HistoryId::new(random::bytes().ok_or(ServeError::Random)?),
        signing_key: keys::generate().ok_or(ServeError::Random)?,
        nonce_key: random::bytes().ok_or(ServeError::Random)?,
        install: InstallId::new(random::bytes().ok_or(ServeError::Random)?),
    };
    new_log::begin(tx, &fresh)?;
    Ok(())
}
