//! The segments that the gateway's provider has taken, by every form of its ids.

use doorstep_domain::{CaseId, EntryKey, UnixMs};
use doorstep_gateway::ReceiptStatus;

use super::{
    messages::{Which, readable},
    sms_receipts::status_of,
    tx::{Params, Sql, StoreError, Tx, params, sql},
};

/// A segment of a try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Segment {
    pub case: CaseId,
    pub entry: EntryKey,
    pub round: u32,
    pub part: u32,
    /// How many parts of the message its id stands for.
    pub parts: u32,
}

/// Stores one form of a segment's id. `part`: the segment's number in the try, from 0. `rank`: the form's number, 0 for the id as
/// it was given. `parts`: how many parts of the message the id stands for.
pub(crate) fn add(
    tx: &Tx<'_>,
    (form, rank): (&str, usize),
    (case, entry): Which<'_>,
    (round, part, parts): (u32, usize, usize),
    now: UnixMs,
) -> Result<(), StoreError> {
    tx.run(
        sql!(
            "INSERT INTO segment (form, rank, case_id, entry, round, part, status, at, parts)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, '', ?7, ?8)
             ON CONFLICT (form, case_id, entry, round, part) DO NOTHING"
        ),
        params![form, rank, case, entry, round, part, now, parts],
    )?;
    Ok(())
}

/// Stores how many pieces a try has, before the provider gives their ids: a row without a form for each. A receipt finds none of
/// them, and the try is not delivered while there is one. Pieces that were expected before are forgotten.
pub(crate) fn expect(
    tx: &Tx<'_>,
    (case, entry): Which<'_>,
    (round, pieces): (u32, usize),
    now: UnixMs,
) -> Result<(), StoreError> {
    tx.run(
        sql!("DELETE FROM segment WHERE case_id = ?1 AND entry = ?2 AND round = ?3 AND form = ''"),
        params![case, entry, round],
    )?;
    for part in 0..pieces {
        add(tx, ("", 0), (case, entry), (round, part, 1), now)?;
    }
    Ok(())
}

/// Forgets that a piece has no id yet.
pub(crate) fn drop_expected(tx: &Tx<'_>, (case, entry): Which<'_>, (round, part): (u32, usize)) -> Result<(), StoreError> {
    tx.run(
        sql!("DELETE FROM segment WHERE case_id = ?1 AND entry = ?2 AND round = ?3 AND part = ?4 AND form = ''"),
        params![case, entry, round, part],
    )?;
    Ok(())
}

/// The pieces of a try that have no id, in order.
pub(crate) fn expected(tx: &Tx<'_>, (case, entry): Which<'_>, round: u32) -> Result<Vec<usize>, StoreError> {
    tx.all(
        sql!("SELECT part FROM segment WHERE case_id = ?1 AND entry = ?2 AND round = ?3 AND form = '' ORDER BY part"),
        params![case, entry, round],
        |row| row.get(0),
    )
}

/// The segment with this form of its id: the one whose own id is nearest to it, the newest of several.
pub(crate) fn find(tx: &Tx<'_>, form: &str) -> Result<Option<Segment>, StoreError> {
    first(
        tx,
        sql!(
            "SELECT case_id, entry, segment.round, part, parts FROM segment JOIN message USING (case_id, entry)
             WHERE form = ?1 ORDER BY rank, at DESC LIMIT 1"
        ),
        params![form],
    )
}

/// Finds a segment like [`find`], among those to one recipient.
pub(crate) fn find_to(tx: &Tx<'_>, form: &str, recipient: &[u8]) -> Result<Option<Segment>, StoreError> {
    first(
        tx,
        sql!(
            "SELECT case_id, entry, segment.round, part, parts FROM segment JOIN message USING (case_id, entry)
             WHERE form = ?1 AND recipient = ?2 ORDER BY rank, at DESC LIMIT 1"
        ),
        params![form, recipient],
    )
}

/// The newest segment whose id has exactly this spelling.
pub(crate) fn find_spelt(tx: &Tx<'_>, id: &str) -> Result<Option<Segment>, StoreError> {
    first(
        tx,
        sql!(
            "SELECT case_id, entry, segment.round, part, parts FROM segment JOIN message USING (case_id, entry)
             WHERE form = ?1 AND rank = 0 ORDER BY at DESC LIMIT 1"
        ),
        params![id],
    )
}

fn first(tx: &Tx<'_>, sql: Sql, params: Params<'_>) -> Result<Option<Segment>, StoreError> {
    let found = tx.maybe(sql, params, |row| {
        let read = || {
            let (case, entry, round) = (row.get(0)?, row.get(1)?, row.get(2)?);
            Ok(Segment { case, entry, round, part: row.get(3)?, parts: row.get(4)? })
        };
        readable(read())
    })?;
    Ok(found.flatten())
}

/// Stores the parts of a try whose provider gave one id for all of them and reports on each.
pub(crate) fn spread(tx: &Tx<'_>, segment: &Segment, parts: u8) -> Result<(), StoreError> {
    let Segment { case, entry, round, .. } = segment;
    for part in 1..u32::from(parts) {
        tx.run(
            sql!(
                "INSERT INTO segment (form, rank, case_id, entry, round, part, status, at, parts)
                 SELECT form, rank, case_id, entry, round, ?4, '', at, parts FROM segment
                 WHERE case_id = ?1 AND entry = ?2 AND round = ?3 AND part = 0
                 ON CONFLICT (form, case_id, entry, round, part) DO NOTHING"
            ),
            params![case, entry, round, part],
        )?;
    }
    Ok(())
}

/// Records a receipt of a segment. A delivered segment stays delivered.
pub(crate) fn set_status(tx: &Tx<'_>, segment: &Segment, status: ReceiptStatus) -> Result<(), StoreError> {
    let Segment { case, entry, round, part, .. } = segment;
    tx.run(
        sql!(
            "UPDATE segment SET status = ?5
             WHERE case_id = ?1 AND entry = ?2 AND round = ?3 AND part = ?4 AND status <> 'delivered'"
        ),
        params![case, entry, round, part, status.word()],
    )?;
    Ok(())
}

/// Records a receipt that may be about any part of several under one id. What failed stays so, because a later success may be
/// another part's.
pub(crate) fn set_first_status(tx: &Tx<'_>, segment: &Segment, status: ReceiptStatus) -> Result<(), StoreError> {
    let Segment { case, entry, round, part, .. } = segment;
    tx.run(
        sql!(
            "UPDATE segment SET status = ?5
             WHERE case_id = ?1 AND entry = ?2 AND round = ?3 AND part = ?4 AND status = ''"
        ),
        params![case, entry, round, part, status.word()],
    )?;
    Ok(())
}

/// The distinct statuses of the segments of a try; `None` stands for segments without a receipt.
pub(crate) fn statuses(tx: &Tx<'_>, (case, entry): Which<'_>, round: u32) -> Result<Vec<Option<ReceiptStatus>>, StoreError> {
    tx.all(
        sql!("SELECT DISTINCT status FROM segment WHERE case_id = ?1 AND entry = ?2 AND round = ?3"),
        params![case, entry, round],
        |row| {
            let word: String = row.get(0)?;
            Ok(Some(word).filter(|word| !word.is_empty()).map(|word| status_of(&word)))
        },
    )
}

/// Deletes the segments that were taken before a time.
pub(crate) fn drop_taken(tx: &Tx<'_>, before: UnixMs) -> Result<(), StoreError> {
    tx.run(sql!("DELETE FROM segment WHERE at < ?1"), params![before])?;
    Ok(())
}
