//! Checks a database at the start, before anything is written: whether the write-ahead log is present and whole, and whether the
//! database's structure is sound. SQLite itself silently ignores a missing log, and ends a log at its first bad frame; data that
//! was acknowledged after that frame would be gone and overwritten. This module repairs and moves nothing.

use std::{
    fs::File,
    io::{BufReader, ErrorKind, Read},
    path::Path,
};

use rusqlite::Connection;

use super::{
    db::{DATABASE, Store, wal_of},
    tx::StoreError,
};
use crate::ServeError;

/// Checks that the write-ahead log of a server that did not stop in order is present. Call it before opening the database, which
/// makes a new one.
pub(crate) fn log_is_there(folder: &Path, was_running: bool) -> Result<(), ServeError> {
    let file = wal_of(folder);
    if was_running && folder.join(DATABASE).exists() && !file.exists() {
        return Err(ServeError::WalMissing { folder: folder.to_owned(), file });
    }
    Ok(())
}

/// Checks that the write-ahead log is whole. No other process may write to it meanwhile.
pub(crate) fn log_is_whole(folder: &Path) -> Result<(), ServeError> {
    let file = wal_of(folder);
    let found = match File::open(&file) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        opened => opened.and_then(|wal| bad_frame(&mut BufReader::with_capacity(1 << 16, wal))),
    };
    match found {
        Ok(None) => Ok(()),
        Ok(Some(frame)) => Err(ServeError::WalDamaged { folder: folder.to_owned(), file, frame }),
        Err(source) => Err(ServeError::Folder { folder: folder.to_owned(), source }),
    }
}

/// Checks the database's structure: the file is not cut, and, with `whole`, every page is where its table says. That reads the
/// whole file (0.4 s for 10,000 cases in 260 MB in the page cache), so it is done after a crash and at an operator's request.
pub(crate) fn structure(store: &Store, folder: &Path, whole: bool) -> Result<(), ServeError> {
    named(folder, || {
        let number = |pragma: &str| store.sqlite().query_row(pragma, [], |row| row.get::<_, u64>(0)).map_err(StoreError::from);
        let needs = number("PRAGMA page_count")?.saturating_mul(number("PRAGMA page_size")?);
        // Pages in the write-ahead log may be missing from the file.
        let file = |path| std::fs::metadata(path).map_or(0, |file| file.len());
        let has = file(folder.join(DATABASE)).saturating_add(file(wal_of(folder)));
        if has < needs {
            return Err(damaged(folder, format!("{needs} bytes are needed, {has} are there")));
        }
        if !whole {
            return Ok(());
        }
        let found = complaints(store.sqlite()).map_err(StoreError::from)?;
        if found == ["ok"] { Ok(()) } else { Err(damaged(folder, found.join("; "))) }
    })
}

fn complaints(db: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut query = db.prepare("PRAGMA quick_check(5)")?;
    query.query_map([], |row| row.get(0))?.collect()
}

/// Turns SQLite's errors about a damaged or foreign file into a [`ServeError`] that says what to do.
pub(crate) fn named<T>(folder: &Path, work: impl FnOnce() -> Result<T, ServeError>) -> Result<T, ServeError> {
    work().map_err(|error| match error {
        ServeError::Database(error) if error.is_damaged_file() => damaged(folder, error.to_string()),
        other => other,
    })
}

fn damaged(folder: &Path, what: String) -> ServeError {
    ServeError::Damaged { folder: folder.to_owned(), what }
}

/// The first bad frame of a log, if a committed transaction follows it.
///
/// A power cut can tear the last transaction, so that its last frame is written and an earlier one is not. That transaction was
/// never acknowledged, and SQLite rightly skips it. So the check requires two transactions that end at or behind the bad frame,
/// one of them in a good frame: the second one was begun only when the first was durable.
fn bad_frame(wal: &mut impl Read) -> std::io::Result<Option<u64>> {
    let mut header = [0; 32];
    if !fill(wal, &mut header)? {
        return Ok(None);
    }
    let words =
        |bytes: &[u8], at: usize| bytes.get(at..at + 4).and_then(|four| four.try_into().ok()).map_or(0, u32::from_be_bytes);
    let part = |bytes: &[u8], len: usize| bytes.get(..len).unwrap_or_default().to_vec();
    let sums_big_endian = words(&header, 0) & 1 == 1;
    let page = words(&header, 8) as usize;
    if !(512..=65_536).contains(&page) {
        return Ok(None);
    }
    let salts = header.get(16..24).map(<[u8]>::to_vec);
    let mut sum = (words(&header, 24), words(&header, 28));
    let header_holds = words(&header, 0) & !1 == 0x377f_0682 && checksum((0, 0), sums_big_endian, &part(&header, 24)) == sum;
    let mut bad = (!header_holds).then_some(0);
    let (mut ends, mut an_end_holds) = (0, false);
    let mut frame = vec![0; 24 + page];
    let mut number = 0;
    while fill(wal, &mut frame)? {
        number += 1;
        let (head, content) = frame.split_at(24);
        let written = (words(head, 16), words(head, 20));
        let of_this_log = head.get(8..16) == salts.as_deref();
        let computed = checksum(checksum(sum, sums_big_endian, &part(head, 8)), sums_big_endian, content);
        let holds = of_this_log && computed == written;
        if bad.is_none() && !holds {
            bad = Some(number);
        }
        if bad.is_some() && of_this_log && words(head, 4) != 0 {
            ends += 1;
            an_end_holds |= holds;
        }
        // Each frame continues from the checksum that the frame before it states, even a wrong one.
        sum = written;
    }
    Ok(bad.filter(|_| ends >= 2 && an_end_holds))
}

/// Fills the buffer; false at the end of the file.
fn fill(from: &mut impl Read, buffer: &mut [u8]) -> std::io::Result<bool> {
    match from.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

/// SQLite's checksum of its write-ahead log, over pairs of 32-bit words.
fn checksum((mut one, mut two): (u32, u32), big_endian: bool, bytes: &[u8]) -> (u32, u32) {
    let read = |four: [u8; 4]| if big_endian { u32::from_be_bytes(four) } else { u32::from_le_bytes(four) };
    for pair in bytes.as_chunks::<8>().0 {
        let [a, b, c, d, e, f, g, h] = *pair;
        one = one.wrapping_add(read([a, b, c, d])).wrapping_add(two);
        two = two.wrapping_add(read([e, f, g, h])).wrapping_add(one);
    }
    (one, two)
}
