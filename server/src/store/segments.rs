//! The segments that the gateway's provider has taken, by its ids in each of their forms.

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
}

/// Keeps one form of a segment's id. `part`: which segment of the try, from 0. `rank`: which form, 0 is the id as it was given.
pub(crate) fn add(
    tx: &Tx<'_>,
    (form, rank): (&str, usize),
    (case, entry): Which<'_>,
    (round, part): (u32, usize),
    now: UnixMs,
) -> Result<(), StoreError> {
    tx.run(
        sql!(
            "INSERT INTO segment (form, rank, case_id, entry, round, part, status, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, '', ?7)
             ON CONFLICT (form, case_id, entry, round, part) DO NOTHING"
        ),
        params![form, rank, case, entry, round, part, now],
    )?;
    Ok(())
}

/// The segment with this form of its id: the one whose own id is nearest to it, of several the newest.
pub(crate) fn find(tx: &Tx<'_>, form: &str) -> Result<Option<Segment>, StoreError> {
    first(
        tx,
        sql!(
            "SELECT case_id, entry, segment.round, part FROM segment JOIN message USING (case_id, entry)
             WHERE form = ?1 ORDER BY rank, at DESC LIMIT 1"
        ),
        params![form],
    )
}

/// Like [`find`], of the segments to one recipient.
pub(crate) fn find_to(tx: &Tx<'_>, form: &str, recipient: &[u8]) -> Result<Option<Segment>, StoreError> {
    first(
        tx,
        sql!(
            "SELECT case_id, entry, segment.round, part FROM segment JOIN message USING (case_id, entry)
             WHERE form = ?1 AND recipient = ?2 ORDER BY rank, at DESC LIMIT 1"
        ),
        params![form, recipient],
    )
}

/// The newest segment whose id is spelt just so.
pub(crate) fn find_spelt(tx: &Tx<'_>, id: &str) -> Result<Option<Segment>, StoreError> {
    first(
        tx,
        sql!(
            "SELECT case_id, entry, segment.round, part FROM segment JOIN message USING (case_id, entry)
             WHERE form = ?1 AND rank = 0 ORDER BY at DESC LIMIT 1"
        ),
        params![id],
    )
}

fn first(tx: &Tx<'_>, sql: Sql, params: Params<'_>) -> Result<Option<Segment>, StoreError> {
    let found = tx.maybe(sql, params, |row| {
        let read = || Ok(Segment { case: row.get(0)?, entry: row.get(1)?, round: row.get(2)?, part: row.get(3)? });
        readable(read())
    })?;
    Ok(found.flatten())
}

/// Takes what a receipt says of a segment. One that was delivered stays delivered.
pub(crate) fn set_status(tx: &Tx<'_>, segment: &Segment, status: ReceiptStatus) -> Result<(), StoreError> {
    let Segment { case, entry, round, part } = segment;
    tx.run(
        sql!(
            "UPDATE segment SET status = ?5
             WHERE case_id = ?1 AND entry = ?2 AND round = ?3 AND part = ?4 AND status <> 'delivered'"
        ),
        params![case, entry, round, part, status.word()],
    )?;
    Ok(())
}

/// What receipts have said of the segments of a try, each word once; `None`: of some they have said nothing yet.
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

/// Drops the segments that were taken before that.
pub(crate) fn drop_taken(tx: &Tx<'_>, before: UnixMs) -> Result<(), StoreError> {
    tx.run(sql!("DELETE FROM segment WHERE at < ?1"), params![before])?;
    Ok(())
}
