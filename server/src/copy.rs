//! Whether a data folder is the one that was served last, or a copy of it: put back from a backup, moved to another disk, or served
//! twice. Two servers of one history would give the same numbers to different rows, and devices would miss cases for ever. So the
//! database says which file it is in and how often it was served, and a marker beside it says the same. What differs proves nothing
//! alone (a folder that was moved looks the same), so the server answers nothing until its operator has said which it is.

use std::{
    fs::File,
    io::{ErrorKind, Write},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use doorstep_domain::HistoryId;
use doorstep_protocol::Witness;
use rusqlite::{Connection, OptionalExtension, config::DbConfig, params};
use serde::{Deserialize, Serialize};

use crate::{AdminError, ServeError, db, error::ApiError, folder, keys::Keys, sound};

/// The database's file in a data folder.
pub(crate) const DATABASE: &str = "doorstep-server.db";
/// The marker beside it.
const MARKER: &str = "doorstep-server.marker";

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

/// What the marker says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Marker {
    /// How often the folder was served.
    pub starts: u64,
    /// A server has begun and not ended in order: what it acknowledged last is in the write-ahead log.
    pub running: bool,
}

impl Marker {
    /// The marker of a data folder; one that is not there, or can not be read, says nothing.
    pub(crate) fn read(folder: &Path) -> Self {
        std::fs::read(folder.join(MARKER)).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
    }

    /// Makes it durable: whole or not at all.
    pub(crate) fn write(self, folder: &Path) -> Result<(), ServeError> {
        let at_folder = |source| ServeError::Folder { folder: folder.to_owned(), source };
        let json = serde_json::to_vec(&self).map_err(|error| at_folder(error.into()))?;
        let partial = folder.join(format!("{MARKER}.partial"));
        let written =
            doorstep_private::create(&partial).and_then(|mut file| file.write_all(&json).and_then(|()| file.sync_all()));
        written.and_then(|()| std::fs::rename(&partial, folder.join(MARKER))).map_err(at_folder)?;
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(at_folder)
    }
}

/// Whether the folder looks like a copy, or something of its history is proven to be lost.
pub(crate) fn suspicion(db: &Connection, folder: &Path) -> Result<Option<Suspicion>, ServeError> {
    if meta(db, "loss")?.is_some() {
        return Ok(Some(Suspicion::Lost));
    }
    let counted = Marker::read(folder).starts;
    Ok(match place(db)? {
        Some(place) if place.file != here(folder)? => Some(Suspicion::Elsewhere),
        Some(place) if counted > place.starts => Some(Suspicion::Older),
        // Of a version that kept no place, put back beside the marker of a later one.
        None if counted > 0 => Some(Suspicion::Older),
        // Else never served: there is nothing to compare it with.
        _ => None,
    })
}

/// Counts a start, in the database first: a marker that is behind it is what a crash in between leaves, and means nothing.
pub(crate) fn begin(db: &Connection, folder: &Path) -> Result<(), ServeError> {
    let starts = place(db)?.map_or(0, |place| place.starts).saturating_add(1);
    settle(db, folder, starts)?;
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    Marker { starts, running: true }.write(folder)
}

/// A server has ended in order: all that it acknowledged is in the database's own file.
pub(crate) fn end(db: &Connection, folder: &Path) -> Result<(), ServeError> {
    close(db, folder, Marker::read(folder).starts)
}

/// Brings all that is in the write-ahead log into the database's own file, and says so in the marker. If somebody else is at it, the log
/// stays, and is asked for at the next start.
pub(crate) fn close(db: &Connection, folder: &Path, starts: u64) -> Result<(), ServeError> {
    let busy: bool = db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
    Marker { starts, running: busy }.write(folder)
}

/// Makes the folder the one that is served: what it looked like before is settled.
pub(crate) fn settle(db: &Connection, folder: &Path, starts: u64) -> Result<(), ServeError> {
    let FileId { made, inode } = here(folder)?;
    let place = [made, inode, starts].map(u64::to_be_bytes).concat();
    db.execute("INSERT INTO meta (key, value) VALUES ('place', ?1) ON CONFLICT (key) DO UPDATE SET value = ?1", params![place])?;
    db.execute("DELETE FROM meta WHERE key = 'loss'", [])?;
    Ok(())
}

/// How often the folder was served, as far as the database or its marker knows.
pub(crate) fn starts(db: &Connection, folder: &Path) -> Result<u64, ServeError> {
    Ok(place(db)?.map_or(0, |place| place.starts).max(Marker::read(folder).starts))
}

/// The operator's word that nothing is missing from the folder and that no other server goes on with its history. What a damaged
/// write-ahead log holds is kept beside it; returns where.
pub fn moved(folder: &Path) -> Result<Option<PathBuf>, AdminError> {
    need(folder)?;
    let _alone = folder::take(folder, false)?;
    take_as_moved(folder)
}

/// The same for the process that has the folder.
pub(crate) fn take_as_moved(folder: &Path) -> Result<Option<PathBuf>, AdminError> {
    let (db, kept) = db::open_as_it_is(folder)?;
    sound::structure(&db, folder, true)?;
    let starts = starts(&db, folder)?;
    settle(&db, folder, starts)?;
    close(&db, folder, starts)?;
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
pub(crate) fn note_loss(db: &Connection, held: Reached) -> rusqlite::Result<()> {
    db.execute(
        "INSERT OR IGNORE INTO meta (key, value) VALUES ('loss', ?1)",
        params![[held.history.as_bytes().as_slice(), &held.counter.to_be_bytes()].concat()],
    )
    .map(|_| ())
}

/// How far the log has come.
pub(crate) fn reached(db: &Connection) -> Result<Reached, ApiError> {
    let history = meta(db, "history")?.and_then(|bytes| HistoryId::try_from(bytes.as_slice()).ok());
    let history = history.ok_or(ApiError::Internal("history id"))?;
    let counter = db.prepare_cached("SELECT counter FROM answers")?.query_row([], |row| row.get(0))?;
    Ok(Reached { history, counter })
}

/// What an answer that a device shows says of the log: `Some` if it proves a loss. One that claims no more than the log has is not
/// looked at; one that claims more, and was never signed by a key of the log, is an error and nothing else.
pub(crate) fn examine(db: &Connection, witness: &Witness) -> Result<Option<Reached>, ApiError> {
    let held = Reached { history: witness.history, counter: witness.counter };
    if !proves_loss(reached(db)?, held) {
        return Ok(None);
    }
    if Keys::own(db)?.iter().any(|key| witness.is_signed_by(key)) { Ok(Some(held)) } else { Err(ApiError::Witness) }
}

/// Whether a request may be taken: not while a loss is proven, and not if its device says that it has an answer that the log has not
/// come to. The bare number stops nobody else: the device is asked for its proof.
pub(crate) fn admit(db: &Connection, history: HistoryId, counter: Option<u64>) -> Result<(), ApiError> {
    if meta(db, "loss")?.is_some() {
        return Err(ApiError::Copied);
    }
    let Some(counter) = counter else { return Ok(()) };
    if proves_loss(reached(db)?, Reached { history, counter }) { Err(ApiError::Prove) } else { Ok(()) }
}

fn place(db: &Connection) -> rusqlite::Result<Option<Place>> {
    let read = |bytes: Vec<u8>| {
        let (made, rest) = bytes.split_first_chunk::<8>()?;
        let (inode, starts) = rest.split_first_chunk::<8>()?;
        let starts = u64::from_be_bytes(starts.try_into().ok()?);
        let file = FileId { made: u64::from_be_bytes(*made), inode: u64::from_be_bytes(*inode) };
        Some(Place { file, starts })
    };
    Ok(meta(db, "place")?.and_then(read))
}

fn meta(db: &Connection, key: &str) -> rusqlite::Result<Option<Vec<u8>>> {
    db.prepare_cached("SELECT value FROM meta WHERE key = ?1")?.query_row([key], |row| row.get(0)).optional()
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

/// Copies a file beside itself under the first free name, durably.
pub(crate) fn keep_beside(file: &Path) -> std::io::Result<PathBuf> {
    for n in 1_u32.. {
        let mut name = file.as_os_str().to_owned();
        name.push(format!(".kept-{n}"));
        let kept = PathBuf::from(name);
        match doorstep_private::options().write(true).create_new(true).open(&kept) {
            Ok(mut copy) => {
                std::io::copy(&mut File::open(file)?, &mut copy)?;
                copy.sync_all()?;
                return Ok(kept);
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(ErrorKind::AlreadyExists.into())
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let db = db::open(folder.path()).unwrap();
        begin(&db, folder.path()).unwrap();
        assert_eq!(suspicion(&db, folder.path()).unwrap(), None);
        note_loss(&db, Reached { history: HistoryId::new([1; 16]), counter: 7 }).unwrap();
        assert_eq!(suspicion(&db, folder.path()).unwrap(), Some(Suspicion::Lost));
        moved(folder.path()).unwrap();
        assert_eq!(suspicion(&db, folder.path()).unwrap(), None);
    }

    #[test]
    fn a_database_put_back_into_its_own_file_is_older_than_its_marker() {
        let folder = tempfile::tempdir().unwrap();
        let (file, backup) = (folder.path().join(DATABASE), folder.path().join("backup.db"));
        let db = db::open(folder.path()).unwrap();
        begin(&db, folder.path()).unwrap();
        end(&db, folder.path()).unwrap();
        std::fs::copy(&file, &backup).unwrap();
        begin(&db, folder.path()).unwrap();
        end(&db, folder.path()).unwrap();
        drop(db);
        // Written over, so the inode is the same.
        let bytes = std::fs::read(&backup).unwrap();
        File::options().write(true).truncate(true).open(&file).unwrap().write_all(&bytes).unwrap();
        let db = db::open(folder.path()).unwrap();
        assert_eq!(suspicion(&db, folder.path()).unwrap(), Some(Suspicion::Older));
    }

    #[test]
    fn a_database_of_before_there_were_places_put_back_beside_a_marker_is_older() {
        let folder = tempfile::tempdir().unwrap();
        let db = db::open(folder.path()).unwrap();
        assert_eq!(suspicion(&db, folder.path()).unwrap(), None, "never served");
        begin(&db, folder.path()).unwrap();
        db.execute("DELETE FROM meta WHERE key = 'place'", []).unwrap();
        assert_eq!(suspicion(&db, folder.path()).unwrap(), Some(Suspicion::Older));
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
        let db = db::open(folder.path()).unwrap();
        begin(&db, folder.path()).unwrap();
        let marker = Marker::read(folder.path());
        begin(&db, folder.path()).unwrap();
        marker.write(folder.path()).unwrap();
        assert_eq!(suspicion(&db, folder.path()).unwrap(), None);
        std::fs::remove_file(folder.path().join(MARKER)).unwrap();
        assert_eq!(suspicion(&db, folder.path()).unwrap(), None, "without a marker there is nothing to count by");
    }
}
