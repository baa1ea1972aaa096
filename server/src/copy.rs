//! Finds out whether a data folder is the one that was served last or a copy of it: restored from a backup, moved to another
//! disk, or served twice. Two servers with one history would give the same numbers to different rows, and devices would miss
//! cases for ever. So the database records its file and its number of starts, and a marker file beside it counts the starts too.
//! A difference alone proves nothing (a moved folder shows the same one), so the server answers no request until its operator has
//! said which it is.

use std::{
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use doorstep_domain::HistoryId;
use doorstep_protocol::Witness;

use crate::{
    AdminError, ServeError,
    error::ApiError,
    folder,
    keys::Keys,
    marker::Marker,
    open,
    store::{
        self,
        db::{DATABASE, Store},
        meta::{self, Meta},
        sound,
        tx::{StoreError, Tx},
    },
};

/// The operator's statement about a data folder that looks like a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IfCopied {
    /// Nothing is missing from the folder, and the server that it was copied from is stopped for good. The history goes on.
    Moved,
    /// The folder was restored from a backup, and records may be missing. A new history begins.
    Restore,
}

/// Why a data folder is not served until its operator has made a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Suspicion {
    /// The database is in another file than when it was last served.
    Elsewhere,
    /// The marker counts starts that the database does not know.
    Older,
    /// A device has shown a signed answer of this history that the database does not have.
    Lost,
}

impl Suspicion {
    /// The suspicion as the end of a sentence.
    pub(crate) fn seen(self) -> &'static str {
        match self {
            Self::Elsewhere => "the database is in another file than when it was served last",
            Self::Older => "the database is older than the marker beside it",
            Self::Lost => "a device has an answer of this server that the database does not have",
        }
    }
}

/// The database's file when it was last served, and its number of starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    file: FileId,
    starts: u64,
}

/// Tells a file from its copy. It survives a rename and a restart of the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct FileId {
    /// The file's birth time in nanoseconds since 1970. Where the file system has none, the id of the file system; where that id
    /// is only the device number, it changes with a restart (XFS, which has birth times).
    made: u64,
    inode: u64,
}

/// Whether the folder looks like a copy, or a loss from its history is proven.
pub(crate) fn suspicion(tx: &Tx<'_>, folder: &Path) -> Result<Option<Suspicion>, ServeError> {
    if meta::get::<Vec<u8>>(tx, Meta::Loss)?.is_some() {
        return Ok(Some(Suspicion::Lost));
    }
    let counted = Marker::read(folder).starts;
    Ok(match place(tx)? {
        Some(place) if place.file != here(folder)? => Some(Suspicion::Elsewhere),
        Some(place) if counted > place.starts => Some(Suspicion::Older),
        // The database comes from a version that recorded no place, and a later version wrote the marker.
        None if counted > 0 => Some(Suspicion::Older),
        // The folder was never served, so there is no difference.
        _ => None,
    })
}

/// Counts a start, in the database first. A crash in between leaves a marker that is behind, which raises no suspicion.
pub(crate) fn begin(store: &Store, folder: &Path) -> Result<(), ServeError> {
    let starts = store.write(|tx| {
        let starts = place(tx)?.map_or(0, |place| place.starts).saturating_add(1);
        settle(tx, folder, starts)?;
        Ok::<_, ServeError>(starts)
    })?;
    store.keep_log(true)?;
    Marker { starts, running: true }.write(folder)
}

/// Marks an orderly stop: all acknowledged data is then in the database's own file.
pub(crate) fn end(store: &Store, folder: &Path) -> Result<(), ServeError> {
    close(store, folder, Marker::read(folder).starts)
}

/// Moves the write-ahead log into the database's own file and notes that in the marker. If another process uses the database, the
/// log stays, and the next start requires it.
pub(crate) fn close(store: &Store, folder: &Path, starts: u64) -> Result<(), ServeError> {
    let running = !store.take_in_log()?;
    Marker { starts, running }.write(folder)
}

/// Records the folder as the one that is served, and drops earlier suspicions.
pub(crate) fn settle(tx: &Tx<'_>, folder: &Path, starts: u64) -> Result<(), ServeError> {
    let FileId { made, inode } = here(folder)?;
    let place = [made, inode, starts].map(u64::to_be_bytes).concat();
    meta::set(tx, Meta::Place, &place)?;
    meta::drop(tx, Meta::Loss)?;
    Ok(())
}

/// How often the folder was served, according to the database or the marker.
pub(crate) fn starts(tx: &Tx<'_>, folder: &Path) -> Result<u64, ServeError> {
    Ok(place(tx)?.map_or(0, |place| place.starts).max(Marker::read(folder).starts))
}

/// Accepts the operator's statement that the folder is complete and that no other server continues its history. A damaged
/// write-ahead log is preserved in a file beside it, whose path is returned.
pub fn moved(folder: &Path) -> Result<Option<PathBuf>, AdminError> {
    need(folder)?;
    let _alone = folder::lock(folder, false)?;
    take_as_moved(folder)
}

/// Does the work of [`moved`] for a process that already holds the folder's lock.
pub(crate) fn take_as_moved(folder: &Path) -> Result<Option<PathBuf>, AdminError> {
    let (store, kept) = open::open_as_it_is(folder)?;
    sound::structure(&store, folder, true)?;
    let starts = store.write(|tx| {
        let starts = starts(tx, folder)?;
        settle(tx, folder, starts)?;
        Ok::<_, AdminError>(starts)
    })?;
    close(&store, folder, starts)?;
    Ok(kept)
}

/// Refuses a folder without a database, because such a path is a typing error, and creates none.
pub(crate) fn need(folder: &Path) -> Result<(), AdminError> {
    let what = || AdminError::Missing(format!("there is no database in {}: name the server's data folder", folder.display()));
    if folder.join(DATABASE).exists() { Ok(()) } else { Err(what()) }
}

/// A history and its counter, as a signed answer of the server names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reached {
    pub history: HistoryId,
    /// Raised by every write that an answer reports.
    pub counter: u64,
}

/// Whether a signed answer that a device holds proves a loss: it is of the log's present history and counts further than the log.
/// An answer of an older history proves nothing, because the newer history began with a known loss.
pub(crate) fn proves_loss(log: Reached, held: Reached) -> bool {
    log.history == held.history && held.counter > log.counter
}

/// Records a proven loss. The folder is then under suspicion, like a copy, until its operator makes a statement.
pub(crate) fn note_loss(tx: &Tx<'_>, held: Reached) -> Result<(), StoreError> {
    meta::set_first(tx, Meta::Loss, &[held.history.as_bytes().as_slice(), &held.counter.to_be_bytes()].concat())
}

/// The log's history and counter.
pub(crate) fn reached(tx: &Tx<'_>) -> Result<Reached, StoreError> {
    Ok(Reached { history: meta::need(tx, Meta::History)?, counter: store::answers::count(tx)? })
}

/// Checks an answer that a device shows: `Some` if it proves a loss. An answer that counts no further than the log is ignored.
/// One that counts further without a signature by a key of the log is an error.
pub(crate) fn examine(tx: &Tx<'_>, witness: &Witness) -> Result<Option<Reached>, ApiError> {
    let held = Reached { history: witness.history, counter: witness.counter };
    if !proves_loss(reached(tx)?, held) {
        return Ok(None);
    }
    if Keys::own(tx)?.iter().any(|key| witness.is_signed_by(key)) { Ok(Some(held)) } else { Err(ApiError::Witness) }
}

/// Whether a request may be admitted: not while a loss is proven, and not if its device claims an answer that is ahead of the
/// log. The bare claim blocks only this device, which is asked for the signed answer.
pub(crate) fn admit(tx: &Tx<'_>, history: HistoryId, counter: Option<u64>) -> Result<(), ApiError> {
    if meta::get::<Vec<u8>>(tx, Meta::Loss)?.is_some() {
        return Err(ApiError::Copied);
    }
    let Some(counter) = counter else { return Ok(()) };
    if proves_loss(reached(tx)?, Reached { history, counter }) { Err(ApiError::Prove) } else { Ok(()) }
}

fn place(tx: &Tx<'_>) -> Result<Option<Place>, StoreError> {
    let read = |bytes: Vec<u8>| {
        let (made, rest) = bytes.split_first_chunk::<8>()?;
        let (inode, starts) = rest.split_first_chunk::<8>()?;
        let starts = u64::from_be_bytes(starts.try_into().ok()?);
        let file = FileId { made: u64::from_be_bytes(*made), inode: u64::from_be_bytes(*inode) };
        Some(Place { file, starts })
    };
    Ok(meta::get(tx, Meta::Place)?.and_then(read))
}

/// Identifies the database's file.
fn here(folder: &Path) -> Result<FileId, ServeError> {
    let at_folder = |source| ServeError::Folder { folder: folder.to_owned(), source };
    let path = folder.join(DATABASE);
    let file = std::fs::metadata(&path).map_err(at_folder)?;
    let made = file.created().ok().and_then(|made| made.duration_since(UNIX_EPOCH).ok());
    let made = match made.and_then(|made| u64::try_from(made.as_nanos()).ok()) {
        Some(made) => made,
        None => rustix::fs::statvfs(&path).map_err(|errno| at_folder(errno.into()))?.f_fsid,
    };
    Ok(FileId { made, inode: file.ino() })
}

#[cfg(test)]
mod tests {
    use std::{fs::File, io::Write};

    use super::*;

    fn suspected(store: &Store, folder: &Path) -> Option<Suspicion> {
        store.read(|tx| suspicion(tx, folder)).unwrap()
    }

    #[test]
    fn an_answer_of_the_present_history_beyond_the_log_proves_a_loss_and_no_other_does() {
        let log = Reached { history: HistoryId::new([1; 16]), counter: 7 };
        let at = |counter| Reached { counter, ..log };
        assert!(proves_loss(log, at(8)));
        assert!(!proves_loss(log, at(7)) && !proves_loss(log, at(1)));
        assert!(!proves_loss(log, Reached { history: HistoryId::new([2; 16]), counter: 8 }), "of a history that was lost before");
    }

    #[test]
    fn a_proven_loss_is_as_a_copy_until_the_operator_has_spoken() {
        let folder = tempfile::tempdir().unwrap();
        let db = open::open(folder.path()).unwrap();
        begin(&db, folder.path()).unwrap();
        assert_eq!(suspected(&db, folder.path()), None);
        db.write(|tx| note_loss(tx, Reached { history: HistoryId::new([1; 16]), counter: 7 })).unwrap();
        assert_eq!(suspected(&db, folder.path()), Some(Suspicion::Lost));
        moved(folder.path()).unwrap();
        assert_eq!(suspected(&db, folder.path()), None);
    }

    #[test]
    fn a_database_put_back_into_its_own_file_is_older_than_its_marker() {
        let folder = tempfile::tempdir().unwrap();
        let (file, backup) = (folder.path().join(DATABASE), folder.path().join("backup.db"));
        let db = open::open(folder.path()).unwrap();
        begin(&db, folder.path()).unwrap();
        end(&db, folder.path()).unwrap();
        std::fs::copy(&file, &backup).unwrap();
        begin(&db, folder.path()).unwrap();
        end(&db, folder.path()).unwrap();
        drop(db);
        // Writing over the file keeps its inode.
        let bytes = std::fs::read(&backup).unwrap();
        File::options().write(true).truncate(true).open(&file).unwrap().write_all(&bytes).unwrap();
        let db = open::open(folder.path()).unwrap();
        assert_eq!(suspected(&db, folder.path()), Some(Suspicion::Older));
    }

    #[test]
    fn a_database_of_before_there_were_places_put_back_beside_a_marker_is_older() {
        let folder = tempfile::tempdir().unwrap();
        let db = open::open(folder.path()).unwrap();
        assert_eq!(suspected(&db, folder.path()), None, "never served");
        begin(&db, folder.path()).unwrap();
        db.write(|tx| meta::drop(tx, Meta::Place)).unwrap();
        assert_eq!(suspected(&db, folder.path()), Some(Suspicion::Older));
    }

    #[test]
    fn a_file_is_known_by_when_it_was_made_where_the_file_system_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(DATABASE);
        std::fs::write(&file, b"one").unwrap();
        let was = here(folder.path()).unwrap();
        let disk = rustix::fs::statvfs(&file).unwrap().f_fsid;
        assert_eq!(
            was.made != disk,
            std::fs::metadata(&file).unwrap().created().is_ok(),
            "a disk that is numbered anew is no copy"
        );
        std::fs::write(&file, b"two").unwrap();
        let renamed = folder.path().join("renamed");
        std::fs::create_dir(&renamed).unwrap();
        std::fs::rename(&file, renamed.join(DATABASE)).unwrap();
        assert_eq!(here(&renamed).unwrap(), was);
        std::fs::copy(renamed.join(DATABASE), &file).unwrap();
        assert_ne!(here(folder.path()).unwrap(), was);
    }

    #[test]
    fn a_crash_between_the_two_counts_is_no_copy() {
        let folder = tempfile::tempdir().unwrap();
        let db = open::open(folder.path()).unwrap();
        begin(&db, folder.path()).unwrap();
        let marker = Marker::read(folder.path());
        begin(&db, folder.path()).unwrap();
        marker.write(folder.path()).unwrap();
        assert_eq!(suspected(&db, folder.path()), None);
        std::fs::remove_file(folder.path().join(crate::marker::MARKER)).unwrap();
        assert_eq!(suspected(&db, folder.path()), None, "without a marker there is nothing to count by");
    }
}
