//! The server's own signed log: one chain of links.

use doorstep_domain::UnixMs;

use super::{
    log_rows::{Page, page, readable},
    tx::{Row, StoreError, Tx, params, sql},
};

/// A link as it is stored.
pub(crate) struct Link {
    pub number: u64,
    /// The hash of the link before.
    pub prev: Vec<u8>,
    pub at: UnixMs,
    /// The first bytes of the hash of the key that signed it.
    pub key: Vec<u8>,
    pub body: Vec<u8>,
    pub sig: Vec<u8>,
}

/// The columns of a link, in the order of [`Link::of`].
macro_rules! vouched_link_columns {
    () => {
        "number, prev, at, key, body, sig"
    };
}

impl Link {
    fn of(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            number: row.get(0)?,
            prev: row.get(1)?,
            at: row.get(2)?,
            key: row.get(3)?,
            body: row.get(4)?,
            sig: row.get(5)?,
        })
    }
}

/// The link with this number.
pub(crate) fn get(tx: &Tx<'_>, number: u64) -> Result<Option<Link>, StoreError> {
    tx.maybe(sql!("SELECT ", vouched_link_columns!(), " FROM link WHERE number = ?1"), params![number], Link::of)
}

/// The newest link.
pub(crate) fn last(tx: &Tx<'_>) -> Result<Option<Link>, StoreError> {
    tx.maybe(sql!("SELECT ", vouched_link_columns!(), " FROM link ORDER BY number DESC LIMIT 1"), params![], Link::of)
}

/// Stores a new link.
pub(crate) fn add(tx: &Tx<'_>, link: &Link) -> Result<(), StoreError> {
    tx.run(
        sql!("INSERT INTO link (", vouched_link_columns!(), ") VALUES (?1, ?2, ?3, ?4, ?5, ?6)"),
        params![link.number, link.prev, link.at, link.key, link.body, link.sig],
    )?;
    Ok(())
}

/// A link of a page: its number as the column holds it, and the link, `None` if it can not be read.
pub(crate) type LinkRow = (i64, Option<Link>);

fn link_row(row: &Row<'_>) -> Result<LinkRow, StoreError> {
    Ok((row.get(0)?, readable(Link::of(row))?))
}

/// At most `most` links after a number.
pub(crate) fn after(tx: &Tx<'_>, number: i64, most: usize) -> Result<Page<LinkRow>, StoreError> {
    page(
        tx,
        sql!("SELECT ", vouched_link_columns!(), " FROM link WHERE number > ?1 ORDER BY number LIMIT ?2"),
        params![number, most],
        most,
        link_row,
    )
}
