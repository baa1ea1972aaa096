//! Room for a full disk. While there is room, a file of fixed size lies beside the store. When the disk is full, the file gives its
//! room up, so that the records that are here can be sent and the server's verdicts on them can be kept.
//!
//! The length of the file tells its state, also to other processes and after a restart: whole, or empty when its room was given up.
//! Without a file the disk never had room for one. Until the room is back, feeds, lists and pictures of others wait, and a record
//! is refused if it would take the room that sending needs.
//!
//! 2026-11-30. Choices: no reserve (a phone whose disk fills up with videos cannot send what only it has); dropping cached pictures (there
//! may be none); a file of fixed size. Pick: the last, because its room is there whatever else lies on the disk.

use std::{
    fs::File,
    io::{self, Write},
    path::{Path, PathBuf},
};

use rusqlite::Connection;

use crate::{Store, StoreError, is_of_no_room};

/// Size of the reserve in bytes. One step of a sync on the reserve writes a batch of [`BATCH`] bytes a few times: the batch, the
/// accepted changes, and the overwritten pages of the sent ones. A checkpoint after each step makes the log's room usable again.
const SIZE: u64 = 4 << 20;
/// What must be free beside the reserve before it is made, so that it takes no room from the next record.
const BESIDE: u64 = 4 << 20;
/// What must be free beside the given up room for a record.
const FOR_A_RECORD: u64 = 1 << 20;
/// Most bytes of changes in a batch that is made on the reserve.
pub(crate) const BATCH: usize = doorstep_protocol::MIN_BATCH_BYTES;

fn path(folder: &Path) -> PathBuf {
    folder.join("doorstep.reserve")
}

/// Whether the reserve has given its room up.
fn is_given(folder: &Path) -> bool {
    std::fs::metadata(path(folder)).is_ok_and(|file| file.len() == 0)
}

/// Whether the file is whole. A copy of a store may have the length without the room.
fn is_whole(folder: &Path) -> bool {
    #[cfg(unix)]
    let has_room = |file: &std::fs::Metadata| std::os::unix::fs::MetadataExt::blocks(file) > 0;
    #[cfg(not(unix))]
    let has_room = |_: &std::fs::Metadata| true;
    std::fs::metadata(path(folder)).is_ok_and(|file| file.len() == SIZE && has_room(&file))
}

/// Gives the room up. Returns whether this call did so; then a step that failed for lack of room is worth another try.
pub(crate) fn give(folder: &Path) -> bool {
    !is_given(folder) && doorstep_private::create(&path(folder)).is_ok()
}

/// Makes the file whole. If that fails for another reason than a full disk, such as a limit for files, there is no reserve here, and
/// records must not wait for one.
fn fill(folder: &Path) -> io::Result<()> {
    let mut file = doorstep_private::create(&path(folder))?;
    match allocate(&mut file) {
        Err(error) if is_of_no_room(&error) => file.set_len(0),
        Err(_) => std::fs::remove_file(path(folder)),
        Ok(()) => Ok(()),
    }
}

fn allocate(file: &mut File) -> io::Result<()> {
    use rustix::{
        fs::{FallocateFlags, fallocate},
        io::Errno,
    };
    match fallocate(&*file, FallocateFlags::empty(), 0, SIZE) {
        // Some file systems only give room to bytes that are written.
        Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => {
            let page = [0x5a; 64 * 1024];
            (0..SIZE / page.len() as u64).try_for_each(|_| file.write_all(&page))
        }
        other => Ok(other?),
    }
}

impl Store {
    /// Gives the room of the reserve up, because a step of a sync found the disk full. Returns whether the step is worth another
    /// try: false if the room was given up before.
    pub fn give_reserve(&mut self) -> bool {
        let given = give(&self.folder);
        if given && self.pretends_full {
            let most = "PRAGMA max_page_count";
            let pages = |sql: &str| self.db.query_row(sql, [], |row| row.get::<_, u64>(0)).unwrap_or_default();
            let larger = pages(most) + SIZE / 4096;
            pages(&format!("{most} = {larger}"));
        }
        given
    }

    /// Makes the reserve again if there is room for it. Returns whether the disk still lacks room, so that feeds wait.
    pub fn take_reserve(&mut self) -> bool {
        // A device without room never had a reserve, and goes on as long as it can.
        if !is_whole(&self.folder) && self.free_space().is_ok_and(|free| free >= SIZE + BESIDE) {
            fill(&self.folder).ok();
        }
        self.is_on_reserve()
    }

    /// Whether the reserve has given its room up: feeds, lists and pictures of others wait.
    pub fn is_on_reserve(&self) -> bool {
        is_given(&self.folder)
    }

    /// Refuses a record that would take the room which sending needs.
    pub(crate) fn room_for_a_record(&mut self) -> Result<(), StoreError> {
        if self.is_on_reserve() && self.take_reserve() && self.free_space()? < SIZE + FOR_A_RECORD {
            return Err(StoreError::DiskFull);
        }
        Ok(())
    }

    /// Keeps the store from growing, as a full disk does, or lets it grow again. For tests.
    #[doc(hidden)]
    pub fn fill_disk(&mut self, is_full: bool) -> Result<(), StoreError> {
        self.pretends_full = is_full;
        keep_size(&self.db, is_full)
    }
}

fn keep_size(db: &Connection, is_full: bool) -> Result<(), StoreError> {
    // A limit below the present size is the present size. The other value is the engine's own limit.
    let most = if is_full { "PRAGMA max_page_count = 1" } else { "PRAGMA max_page_count = 4294967294" };
    db.query_row(most, [], |_| Ok(()))?;
    Ok(())
}
