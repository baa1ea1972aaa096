//! Opening a data folder's database: whole, migrated, and with what a new log begins with.

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

/// Opens the database of a data folder, creating and migrating it. A new one gets a history id and the first rule pack. One whose
/// write-ahead log is missing or damaged is left as it is.
pub(crate) fn open(folder: &Path) -> Result<Store, ServeError> {
    sound::log_is_there(folder, Marker::read(folder).running)?;
    let store = sound::named(folder, || {
        let store = connect(folder)?;
        store.alone(|| sound::log_is_whole(folder))?;
        prepare(&store)?;
        Ok(store)
    })?;
    // The log of a server that runs, or was killed, stays: whether it is there is asked at the next start.
    store.keep_log(Marker::read(folder).running)?;
    Ok(store)
}

/// Opens a database of which the operator has been told what is wrong. A damaged write-ahead log is kept beside it before SQLite passes
/// over what it can not read. Returns where.
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

/// Migrates, and gives a new log what it begins with.
fn prepare(store: &Store) -> Result<(), ServeError> {
    migrate(store, |tx, step| {
        if step == migrate::FIRST {
            begin(tx)?;
        }
        if step == migrate::LINKS {
            link::begin(tx).map_err(|_| ServeError::Links)?;
        }
        if step == migrate::NEWEST && !new_log::has_pack(tx)? {
            // A new log begins with the first rule pack, signed with its key. Only now its table is as this program writes it.
            let signing = Keys::read(tx).map_err(|_| ServeError::Keys)?;
            packs::first(tx, &signing).map_err(|_| ServeError::Keys)?;
        }
        Ok(())
    })?;
    // A server that kept no history of its list begins with the rows that it has.
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
