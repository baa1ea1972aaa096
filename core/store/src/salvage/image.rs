//! Reads the pages of a damaged store without SQLite, which gives up on a tree whose root is gone although every leaf is still
//! there.
//!
//! The write-ahead log counts as far as its checksums hold, as in SQLite itself.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::{self, ErrorKind, Read, Seek, SeekFrom},
    path::Path,
};

/// The page size. Our stores are made with SQLite's default, so a damaged header need not be trusted.
pub(super) const PAGE: usize = 4096;

/// The lengths of the log's header and of each frame's header.
const LOG_HEADER: usize = 32;
const FRAME_HEADER: usize = 24;

/// Offsets in the file's header: the first page of the list of free pages, and their number.
const FREE_FIRST: usize = 32;
const FREE_COUNT: usize = 36;

/// The database's file with the committed part of its log.
pub(super) struct Image {
    file: Option<File>,
    log: Option<File>,
    /// The newest committed frame of each page, as the offset of its content in the log.
    frames: BTreeMap<u32, u64>,
    pages: u32,
}

impl Image {
    /// Opens a store's two files, as far as they exist.
    pub fn open(db: &Path, log: &Path) -> io::Result<Self> {
        let (file, mut log) = (if_there(db)?, if_there(log)?);
        let length = match &file {
            Some(file) => file.metadata()?.len(),
            None => 0,
        };
        // A page that was cut short counts, because its first cells may be whole.
        let in_file = u32::try_from(length.div_ceil(PAGE as u64)).unwrap_or(u32::MAX);
        let (frames, size) = match &mut log {
            Some(log) => committed(log)?,
            None => (BTreeMap::new(), 0),
        };
        Ok(Self { file, log, frames, pages: in_file.max(size) })
    }

    /// The number of pages. Pages are numbered from 1.
    pub fn pages(&self) -> u32 {
        self.pages
    }

    /// The last committed content of a page. Missing bytes are zeros.
    pub fn page(&mut self, number: u32) -> io::Result<Vec<u8>> {
        let mut page = vec![0; PAGE];
        let (from, at) = match (self.frames.get(&number), number.checked_sub(1)) {
            (Some(at), _) => (&mut self.log, *at),
            (None, Some(index)) => (&mut self.file, u64::from(index) * PAGE as u64),
            (None, None) => return Ok(page),
        };
        if let Some(file) = from {
            file.seek(SeekFrom::Start(at))?;
            // A sector that the disk can not read costs this page only.
            fill(file, &mut page).ok();
        }
        Ok(page)
    }

    /// The pages that SQLite has freed, whose content is dead. Empty if the list is damaged: with `secure_delete` they are zeros
    /// anyway.
    pub fn free_pages(&mut self) -> io::Result<BTreeSet<u32>> {
        let header = self.page(1)?;
        let (first, count) = (be32(&header, FREE_FIRST), be32(&header, FREE_COUNT));
        let mut free = BTreeSet::new();
        let mut trunk = first;
        while trunk != 0 {
            let page = self.page(trunk)?;
            let leaves = be32(&page, 4) as usize;
            let listed = (0..leaves.min(PAGE / 4)).map(|i| be32(&page, 8 + 4 * i));
            let in_range = |number: u32| number > 1 && number <= self.pages;
            let is_whole = leaves <= PAGE / 4 - 2 && in_range(trunk) && listed.clone().all(in_range);
            if !is_whole || !free.insert(trunk) || !listed.into_iter().all(|leaf| free.insert(leaf)) {
                return Ok(BTreeSet::new());
            }
            trunk = be32(&page, 0);
        }
        Ok(if free.len() == count as usize { free } else { BTreeSet::new() })
    }
}

fn if_there(path: &Path) -> io::Result<Option<File>> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Reads as many bytes as there are.
fn fill(file: &mut File, mut to: &mut [u8]) -> io::Result<()> {
    while !to.is_empty() {
        match file.read(to) {
            Ok(0) => return Ok(()),
            Ok(n) => to = to.get_mut(n..).unwrap_or_default(),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// A big-endian number; 0 if the bytes end before it.
pub(super) fn be32(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |four| u32::from_be_bytes(*four))
}

/// The committed frames of a log, and the size of the database after them, in pages.
fn committed(log: &mut File) -> io::Result<(BTreeMap<u32, u64>, u32)> {
    let (mut frames, mut size) = (BTreeMap::new(), 0);
    let mut header = vec![0; LOG_HEADER];
    fill(log, &mut header)?;
    let is_little = match be32(&header, 0) {
        0x377f_0682 => true,
        0x377f_0683 => false,
        _ => return Ok((frames, size)),
    };
    let salt = header.get(16..24).unwrap_or_default().to_vec();
    let mut sum = checksum((0, 0), header.get(..24).unwrap_or_default(), is_little);
    if sum != (be32(&header, 24), be32(&header, 28)) || be32(&header, 8) as usize != PAGE {
        return Ok((frames, size));
    }
    let length = log.metadata()?.len();
    let mut open = BTreeMap::new();
    let mut at = LOG_HEADER as u64;
    let mut frame = vec![0; FRAME_HEADER + PAGE];
    while at + frame.len() as u64 <= length {
        fill(log, &mut frame)?;
        let (head, content) = frame.split_at(FRAME_HEADER);
        sum = checksum(checksum(sum, head.get(..8).unwrap_or_default(), is_little), content, is_little);
        if head.get(8..16) != Some(&salt) || sum != (be32(head, 16), be32(head, 20)) {
            break;
        }
        open.insert(be32(head, 0), at + FRAME_HEADER as u64);
        if be32(head, 4) > 0 {
            frames.append(&mut open);
            size = be32(head, 4);
        }
        at += frame.len() as u64;
    }
    Ok((frames, size))
}

/// SQLite's checksum of the log, over pairs of words.
fn checksum(from: (u32, u32), bytes: &[u8], is_little: bool) -> (u32, u32) {
    let word = |four: &[u8]| {
        let four = four.first_chunk::<4>().copied().unwrap_or_default();
        if is_little { u32::from_le_bytes(four) } else { u32::from_be_bytes(four) }
    };
    bytes.chunks_exact(8).fold(from, |(mut a, mut b), pair| {
        let (x, y) = pair.split_at(4);
        a = a.wrapping_add(word(x)).wrapping_add(b);
        b = b.wrapping_add(word(y)).wrapping_add(a);
        (a, b)
    })
}
