//! Signed batches for an audit of the log. Any column may hold a value that no server writes.

use doorstep_protocol::BatchClock;

use super::{
    log_rows::readable,
    tx::{Row, StoreError, Tx, params, sql},
};

/// The key of a batch: installation, number and hash, as the columns hold them.
pub(crate) type Key = (Vec<u8>, i64, Vec<u8>);

/// A batch with its device's public key.
pub(crate) struct BatchRow {
    pub install: Vec<u8>,
    pub number: u64,
    pub hash: Vec<u8>,
    pub prev: Vec<u8>,
    pub device: Vec<u8>,
    pub person: String,
    pub clock: BatchClock,
    pub sig: Vec<u8>,
    pub received_at: i64,
    pub body: Vec<u8>,
    pub ack: Vec<u8>,
    pub forks: bool,
    pub version: u32,
    pub sending: Vec<u8>,
    pub complete: bool,
    pub link: Option<u64>,
    /// The device's public key; `None` if there is no such device.
    pub key: Option<Vec<u8>>,
}

impl BatchRow {
    fn of(row: &Row<'_>) -> Result<Self, StoreError> {
        let boot: Vec<u8> = row.get(8)?;
        // A boot that is not four bytes was never signed.
        let boot = boot.as_slice().try_into().unwrap_or([0xff; 4]);
        Ok(Self {
            install: row.get(0)?,
            number: row.get(1)?,
            hash: row.get(2)?,
            prev: row.get(3)?,
            device: row.get(4)?,
            person: row.get(5)?,
            clock: BatchClock { wall_ms: row.get(6)?, mono_ms: row.get(7)?, boot },
            sig: row.get(9)?,
            received_at: row.get(10)?,
            body: row.get(11)?,
            ack: row.get(12)?,
            forks: row.get(13)?,
            version: row.get(14)?,
            sending: row.get(15)?,
            complete: row.get(16)?,
            link: row.get(17)?,
            key: row.get(18)?,
        })
    }
}

/// Reads the batch after a key, in the order of keys, one at a time because bodies are large. The inner `None`: the batch can not
/// be read.
pub(crate) fn next(tx: &Tx<'_>, (install, number, hash): &Key) -> Result<Option<(Key, Option<BatchRow>)>, StoreError> {
    tx.maybe(
        sql!(
            "SELECT install, number, hash, prev, device, person, wall_ms, mono_ms, boot, sig, received_at, body, ack, forks, version,
               sending, complete, link, public_key
             FROM envelope LEFT JOIN device ON device.id = envelope.device
             WHERE (install, number, hash) > (?1, ?2, ?3) ORDER BY install, number, hash LIMIT 1"
        ),
        params![install, number, hash],
        |row| Ok(((row.get(0)?, row.get(1)?, row.get(2)?), readable(BatchRow::of(row))?)),
    )
}

/// The version, the body and the verdicts of a batch.
pub(crate) type Answered = (u32, Vec<u8>, Vec<u8>);

/// The batches of a number with their verdicts. Unreadable ones are left out.
pub(crate) fn answered(tx: &Tx<'_>, install: &[u8], number: u64) -> Result<Vec<Answered>, StoreError> {
    let batches = tx.all(
        sql!("SELECT version, body, ack FROM envelope WHERE install = ?1 AND number = ?2"),
        params![install, number],
        |row| readable(read_answered(row)),
    )?;
    Ok(batches.into_iter().flatten().collect())
}

fn read_answered(row: &Row<'_>) -> Result<Answered, StoreError> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
}

/// The number of the link that a batch names, as the column holds it. The outer `None`: there is no such batch.
pub(crate) fn named_link(
    tx: &Tx<'_>,
    install: &[u8; 16],
    number: u64,
    hash: &[u8; 32],
) -> Result<Option<Option<i64>>, StoreError> {
    tx.maybe(
        sql!("SELECT link FROM envelope WHERE install = ?1 AND number = ?2 AND hash = ?3"),
        params![install, number, hash],
        |row| row.get(0),
    )
}

/// The number of batches of this number.
pub(crate) fn count(tx: &Tx<'_>, install: &[u8], number: u64) -> Result<u64, StoreError> {
    tx.one(sql!("SELECT count(*) FROM envelope WHERE install = ?1 AND number = ?2"), params![install, number], |row| row.get(0))
}

/// A summary of the batches of a number: their count, whether one has a given hash, and whether one forked its chain.
pub(crate) struct OfNumber {
    pub count: u64,
    pub has_hash: bool,
    pub forks: bool,
}

/// Summarises the batches of a number, compared with a hash.
pub(crate) fn of_number(tx: &Tx<'_>, install: &[u8], number: u64, hash: &[u8]) -> Result<OfNumber, StoreError> {
    tx.one(
        sql!(
            "SELECT count(*), coalesce(max(CASE WHEN hash = ?3 THEN 1 ELSE 0 END), 0), coalesce(max(forks), 0) FROM envelope
             WHERE install = ?1 AND number = ?2"
        ),
        params![install, number, hash],
        |row| Ok(OfNumber { count: row.get(0)?, has_hash: row.get(1)?, forks: row.get(2)? }),
    )
}
