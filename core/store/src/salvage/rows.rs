//! Recognises the rows on one page by their shape. No tree has to be whole for that, so a damaged page costs only its own rows.
//! <https://www.sqlite.org/fileformat2.html>, sections 1.6 and 2.1.

use std::io;

use doorstep_sql::Value;

use super::image::{Image, PAGE, be32};

/// The largest row that is believed. The largest of ours is a rule pack or a signed batch.
const MOST_BYTES: u64 = 32 << 20;

/// The offset of the tree's header on the first page, after the file's header.
const FILE_HEADER: usize = 100;

/// A row of a table, or an entry of an index.
pub(super) struct Row {
    /// The rowid, for tables that have one.
    pub rowid: Option<i64>,
    pub values: Vec<Value<'static>>,
}

/// The content of a page.
#[derive(Default)]
pub(super) struct Found {
    pub rows: Vec<Row>,
    /// The number of cells that the page counts and that can not be read.
    pub unreadable: u64,
    /// Whether the page is empty although it should hold something.
    pub is_blank: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    TableLeaf,
    IndexLeaf,
    IndexInterior,
}

/// Reads the rows of a page.
pub(super) fn of_page(image: &mut Image, number: u32) -> io::Result<Found> {
    let page = image.page(number)?;
    let at = if number == 1 { FILE_HEADER } else { 0 };
    if page.iter().all(|byte| *byte == 0) {
        return Ok(Found { is_blank: true, ..Found::default() });
    }
    match page.get(at) {
        Some(13) => cells(image, &page, at, Kind::TableLeaf),
        Some(10) => cells(image, &page, at, Kind::IndexLeaf),
        Some(2) => cells(image, &page, at, Kind::IndexInterior),
        Some(5) => Ok(Found::default()),
        // The page continues a long row, or its first byte is damaged: everything that reads as a row is taken, and nothing
        // counts as unreadable.
        _ => {
            let mut found = Found::default();
            for kind in [Kind::TableLeaf, Kind::IndexLeaf, Kind::IndexInterior] {
                found.rows.append(&mut cells(image, &page, at, kind)?.rows);
            }
            Ok(found)
        }
    }
}

fn cells(image: &mut Image, page: &[u8], at: usize, kind: Kind) -> io::Result<Found> {
    let counted = be16(page, at + 3);
    let first = at + if kind == Kind::IndexInterior { 12 } else { 8 };
    let mut found = Found::default();
    // The count of cells may be damaged too, so reading goes on after it while whole cells follow.
    for i in 0..(PAGE - first) / 2 {
        let pointer = be16(page, first + 2 * i);
        let row = if pointer >= first + 2 * (i + 1) { cell(image, page, pointer, kind)? } else { None };
        match row {
            Some(row) => found.rows.push(row),
            None if i < counted => found.unreadable += 1,
            None => break,
        }
    }
    Ok(found)
}

fn cell(image: &mut Image, page: &[u8], mut at: usize, kind: Kind) -> io::Result<Option<Row>> {
    if kind == Kind::IndexInterior {
        at += 4; // skips the number of the left child
    }
    let Some((length, next)) = varint(page, at) else { return Ok(None) };
    let Some((rowid, next)) = (if kind == Kind::TableLeaf { varint(page, next) } else { Some((0, next)) }) else {
        return Ok(None);
    };
    if !(2..=MOST_BYTES.min(u64::from(image.pages()) * PAGE as u64)).contains(&length) {
        return Ok(None);
    }
    let Some(payload) = payload(image, page, next, length as usize, kind)? else { return Ok(None) };
    let rowid = (kind == Kind::TableLeaf).then_some(rowid as i64);
    Ok(record(&payload).map(|values| Row { rowid, values }))
}

/// The bytes of a cell, including those on overflow pages.
fn payload(image: &mut Image, page: &[u8], at: usize, length: usize, kind: Kind) -> io::Result<Option<Vec<u8>>> {
    let most = if kind == Kind::TableLeaf { PAGE - 35 } else { (PAGE - 12) * 64 / 255 - 23 };
    let least = (PAGE - 12) * 32 / 255 - 23;
    let fitting = least + length.saturating_sub(least) % (PAGE - 4);
    let local = match () {
        () if length <= most => length,
        () if fitting <= most => fitting,
        () => least,
    };
    let Some(here) = page.get(at..at + local) else { return Ok(None) };
    let mut payload = here.to_vec();
    let mut next = be32(page, at + local);
    while payload.len() < length {
        if next < 2 || next > image.pages() {
            return Ok(None);
        }
        let more = image.page(next)?;
        let want = (length - payload.len()).min(PAGE - 4);
        payload.extend(more.iter().skip(4).take(want));
        next = be32(&more, 0);
    }
    Ok(Some(payload))
}

/// The columns of a record. A text is read as far as it is valid: a command with one wrong byte still tells the act.
fn record(payload: &[u8]) -> Option<Vec<Value<'static>>> {
    let (header, mut at) = varint(payload, 0)?;
    let header = usize::try_from(header).ok()?;
    let mut body = header;
    let mut values = Vec::new();
    while at < header {
        let (serial, next) = varint(payload, at)?;
        at = next;
        let length = match serial {
            0 | 8 | 9 => 0,
            1..=4 => serial as usize,
            5 => 6,
            6 => 8,
            12.. => usize::try_from((serial - 12) / 2).ok()?,
            _ => return None, // none of our columns is REAL
        };
        let bytes = payload.get(body..body.checked_add(length)?)?;
        body += length;
        values.push(match serial {
            0 => Value::Null,
            8 => Value::Int(0),
            9 => Value::Int(1),
            1..=6 => Value::Int(integer(bytes)),
            _ if serial % 2 == 0 => Value::Bytes(bytes.to_vec().into()),
            _ => Value::Text(String::from_utf8_lossy(bytes).into_owned().into()),
        });
    }
    (at == header && body == payload.len() && !values.is_empty()).then_some(values)
}

fn integer(bytes: &[u8]) -> i64 {
    let sign = if bytes.first().is_some_and(|byte| byte & 0x80 != 0) { -1 } else { 0 };
    bytes.iter().fold(sign, |number, byte| (number << 8) | i64::from(*byte))
}

fn varint(bytes: &[u8], mut at: usize) -> Option<(u64, usize)> {
    let mut number = 0u64;
    for i in 0..9 {
        let byte = *bytes.get(at)?;
        at += 1;
        if i == 8 {
            return Some(((number << 8) | u64::from(byte), at));
        }
        number = (number << 7) | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some((number, at));
        }
    }
    None
}

fn be16(bytes: &[u8], at: usize) -> usize {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |two| usize::from(u16::from_be_bytes(*two)))
}
