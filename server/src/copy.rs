//! Whether a data folder is the one that was served last, or a copy of it: put back from a backup, moved to another disk, or served
//! twice. Two servers of one history would give the same numbers to different rows, and devices would miss cases for ever. So the
//! database says which file it is in and how often it was served, and a marker beside it says the same. What differs proves nothing
//! alone (a folder that was moved looks the same), so the server answers nothing until its operator has said which it is.

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

/// What an operator says of a data folder that looks like a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IfCopied {
    /// Nothing is missing from it, and the server that it was copied from is stopped for good: the history goes on.
    Moved,
    /// It was put back, and something may be missing: a new history begins.
    Restore,
}

/// Why a data folder is not served until its operator has said what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Suspicion {
    /// The database is in another file than when it was served last.
    Elsewhere,
    /// The marker beside it counts starts that the database knows nothing of.
    Older,
    /// A device has shown an answer of this history that the database does not have.
    Lost,
}

impl Suspicion {
    /// What is seen, in a sentence's end.
    pub(crate) fn seen(self) -> &'static str {
        match self {
            Self::Elsewhere => "the database is in another file than when it was served last",
            Self::Older => "the database is older than the marker beside it",
            Self::Lost => "a device has an answer of this server that the database does not have",
        }
    }
}

/// Where the database was when it was served last, and how often it had been served by then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    file: FileId,
    starts: u64,
}

/// What tells a file from its copy, and stays over a rename and a restart of the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct FileId {
    /// When the file was made, nanoseconds since 1970. Where the file system does not say so, the id of the file system; that one is
    /// another after a restart where it is only the number of the device (XFS, which does say so).
    made: u64,
    inode: u64,
}

/// Whether the folder looks like a copy, or something of its history is proven to be lost.
pub(crate) fn suspicion(tx: &Tx<'_>, folder: &Path) -> Result<Option<Suspicion>, ServeError> {
    if meta::get::<Vec<u8>>(tx, Meta::Loss)?.is_some() {
        return Ok(Some(Suspicion::Lost));
    }
    let counted = Marker::read(folder).starts;
    Ok(match place(tx)? {
        Some(place) if place.file != here(folder)? => Some(Suspicion::Elsewhere),
        Some(place) if counted > place.starts => Some(Suspicion::Older),
        // Of a version that kept no place, put back beside the marker of a later one.
        None if counted > 0 => Some(Suspicion::Older),
        // Else never served: there is nothing to compare it with.
        _ => None,
    })
}

/// Counts a start, in the database first: a marker that is behind it is what a crash in between leaves, and means nothing.
pub(crate) fn begin(store: &Store, folder: &Path) -> Result<(), ServeError> {
    let starts = store.write(|tx| {
        let starts = place(tx)?.map_or(0, |place| place.starts).saturating_add(1);
        settle(tx, folder, starts)?;
        Ok::<_, ServeError>(starts)
    })?;
    store.keep_log(true)?;
    Marker { starts, running: true }.write(folder)
}

/// A server has ended in order: all that it acknowledged is in the database's own file.
pub(crate) fn end(store: &Store, folder: &Path) -> Result<(), ServeError> {
    close(store, folder, Marker::read(folder).starts)
}

/// Brings all that is in the write-ahead log into the database's own file, and says so in the marker. If somebody else is at it, the log
/// stays, and is asked for at the next start.
pub(crate) fn close(store: &Store, folder: &Path, starts: u64) -> Result<(), ServeError> {
    let running = !store.take_in_log()?;
    Marker { starts, running }.write(folder)
}

/// Makes the folder the one that is served: what it looked like before is settled.
pub(crate) fn settle(tx: &Tx<'_>, folder: &Path, starts: u64) -> Result<(), ServeError> {
    let FileId { made, inode } = here(folder)?;
    let place = [made, inode, starts].map(u64::to_be_bytes).concat();
    meta::set(tx, Meta::Place, &place)?;
    meta::drop(tx, Meta::Loss)?;
    Ok(())
}

/// How often the folder was served, as far as the database or its marker knows.
pub(crate) fn starts(tx: &Tx<'_>, folder: &Path) -> Result<u64, ServeError> {
    Ok(place(tx)?.map_or(0, |place| place.starts).max(Marker::read(folder).starts))
}

/// The operator's word that nothing is missing from the folder and that no other server goes on with its history. What a damaged
/// write-ahead log holds is kept beside it; returns where.
pub fn moved(folder: &Path) -> Result<Option<PathBuf>, AdminError> {
    need(folder)?;
    let _alone = folder::lock(folder, false)?;
    take_as_moved(folder)
}

/// The same for the process that has the folder.
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

/// A word on a folder without a database is a slip of the pen, and makes none.
pub(crate) fn need(folder: &Path) -> Result<(), AdminError> {
    let what = || AdminError::Missing(format!("there is no database in {}: name the server's data folder", folder.display()));
    if folder.join(DATABASE).exists() { Ok(()) } else { Err(what()) }
}

/// A history and how far it has come, as an answer of the server says under its signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reached {
    pub history: HistoryId,
    /// Raised by every write that an answer speaks of.
    pub counter: u64,
}

/// Whether a signed answer that a device holds proves that the log has lost something: it is of the log's present history, and the
/// log has not come so far. An answer of an older history proves nothing: that a loss is known is why there is a newer one.
pub(crate) fn proves_loss(log: Reached, held: Reached) -> bool {
    log.history == held.history && held.counter > log.counter
}

/// Notes that a loss is proven: the folder is suspected until its operator has spoken, as a copy is.
pub(crate) fn note_loss(tx: &Tx<'_>, held: Reached) -> Result<(), StoreError> {
    meta::set_first(tx, Meta::Loss, &[held.history.as_bytes().as_slice(), &held.counter.to_be_bytes()].concat())
}

/// How far the log has come.
pub(crate) fn reached(tx: &Tx<'_>) -> Result<Reached, StoreError> {
    Ok(Reached { history: meta::need(tx, Meta::History)?, counter: store::answers::count(tx)? })
}

/// What an answer that a device shows says of the log: `Some` if it proves a loss. One that claims no more than the log has is not
/// looked at; one that claims more, and was never signed by a key of the log, is an error and nothing else.
pub(crate) fn examine(tx: &Tx<'_>, witness: &Witness) -> Result<Option<Reached>, ApiError> {
    let held = Reached { history: witness.history, counter: witness.counter };
    if !proves_loss(reached(tx)?, held) {
        return Ok(None);
    }
    if Keys::own(tx)?.iter().any(|key| witness.is_signed_by(key)) { Ok(Some(held)) } else { Err(ApiError::Witness) }
}

/// Whether a request may be taken: not while a loss is proven, and not if its device says that it has an answer that the log has not
/// come to. The bare number stops nobody else: the device is asked for its proof.
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

/// The database's file.
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
        // Written over, so the inode is the same.
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
