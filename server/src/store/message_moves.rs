//! The moves of rows in the outbox of SMS.

use doorstep_domain::{DeviceId, SmsState, Tag, UnixMs};

use super::{
    messages::Which,
    tx::{StoreError, Tx, params, sql},
};

/// Queues a message with the device that recorded it, unless it is already there. `own`: the device recorded the attempt too.
pub(crate) fn queue(
    tx: &Tx<'_>,
    (case, entry): Which<'_>,
    recipient: &[u8],
    device: &DeviceId,
    own: bool,
) -> Result<(), StoreError> {
    tx.run(
        sql!(
            "INSERT INTO message (case_id, entry, recipient, device, own, state, round, fence, told, resent, offered_at, due_at,
               until_at, extension)
             VALUES (?1, ?2, ?3, ?4, ?5, 'queued', 0, 0, 0, 0, 0, 0, 0, '') ON CONFLICT (case_id, entry) DO NOTHING"
        ),
        params![case, entry, recipient, device, own],
    )?;
    Ok(())
}

/// Moves a message to a state in which it has left. The first time of sending stays.
pub(crate) fn leave(
    tx: &Tx<'_>,
    (case, entry): Which<'_>,
    (state, round): (SmsState, u32),
    sent: Option<UnixMs>,
) -> Result<(), StoreError> {
    tx.run(
        sql!("UPDATE message SET state = ?3, round = ?4, sent_at = coalesce(sent_at, ?5) WHERE case_id = ?1 AND entry = ?2"),
        params![case, entry, state, round, sent],
    )?;
    Ok(())
}

/// Moves a message to a state in which it has not left, without a time of sending.
pub(crate) fn stay(tx: &Tx<'_>, (case, entry): Which<'_>, (state, round): (SmsState, u32)) -> Result<(), StoreError> {
    tx.run(
        sql!("UPDATE message SET state = ?3, round = ?4, sent_at = NULL WHERE case_id = ?1 AND entry = ?2"),
        params![case, entry, state, round],
    )?;
    Ok(())
}

/// Offers a message to the gateway from a time on. Its case has not reported this round yet.
pub(crate) fn offer(tx: &Tx<'_>, (case, entry): Which<'_>, at: UnixMs) -> Result<(), StoreError> {
    tx.run(
        sql!("UPDATE message SET due_at = ?3, offered_at = ?3, told = 0 WHERE case_id = ?1 AND entry = ?2"),
        params![case, entry, at],
    )?;
    Ok(())
}

/// Offers a message like [`offer`], and voids every earlier claim and lease of it.
pub(crate) fn offer_to_all(tx: &Tx<'_>, (case, entry): Which<'_>, at: UnixMs) -> Result<(), StoreError> {
    tx.run(
        sql!(
            "UPDATE message SET due_at = ?3, offered_at = ?3, told = 0, holder = NULL, fence = fence + 1
             WHERE case_id = ?1 AND entry = ?2"
        ),
        params![case, entry, at],
    )?;
    Ok(())
}

/// Offers a message once more as another round, and notes that its one more try is used up.
pub(crate) fn offer_once_more(tx: &Tx<'_>, (case, entry): Which<'_>, round: u32, due: UnixMs) -> Result<(), StoreError> {
    tx.run(
        sql!(
            "UPDATE message SET state = 'offered', round = ?3, told = 0, resent = 1, fence = fence + 1, due_at = ?4
             WHERE case_id = ?1 AND entry = ?2"
        ),
        params![case, entry, round, due],
    )?;
    Ok(())
}

/// Sets the due time of a message.
pub(crate) fn postpone(tx: &Tx<'_>, (case, entry): Which<'_>, due: UnixMs) -> Result<(), StoreError> {
    tx.run(sql!("UPDATE message SET due_at = ?3 WHERE case_id = ?1 AND entry = ?2"), params![case, entry, due])?;
    Ok(())
}

/// Leases a message to the gateway.
pub(crate) fn lease_to_gateway(tx: &Tx<'_>, (case, entry): Which<'_>, extension: &str, until: UnixMs) -> Result<(), StoreError> {
    tx.run(
        sql!(
            "UPDATE message SET state = 'leased', holder = NULL, fence = fence + 1, extension = ?3, until_at = ?4
             WHERE case_id = ?1 AND entry = ?2"
        ),
        params![case, entry, extension, until],
    )?;
    Ok(())
}

/// Leases a message to an installation.
pub(crate) fn lease_to(tx: &Tx<'_>, (case, entry): Which<'_>, holder: &Tag, until: UnixMs) -> Result<(), StoreError> {
    tx.run(
        sql!(
            "UPDATE message SET state = 'leased', holder = ?3, fence = fence + 1, told = 0, until_at = ?4
             WHERE case_id = ?1 AND entry = ?2"
        ),
        params![case, entry, holder, until],
    )?;
    Ok(())
}

/// Voids every earlier claim of a message.
pub(crate) fn fence_off(tx: &Tx<'_>, (case, entry): Which<'_>) -> Result<(), StoreError> {
    tx.run(sql!("UPDATE message SET fence = fence + 1 WHERE case_id = ?1 AND entry = ?2"), params![case, entry])?;
    Ok(())
}

/// Moves a leased message to `submitting` under a claim. Returns whether its case has reported that already; `None` if the claim
/// or the lease is no longer valid.
pub(crate) fn submit(tx: &Tx<'_>, (case, entry): Which<'_>, fence: i64) -> Result<Option<bool>, StoreError> {
    tx.maybe(
        sql!(
            "UPDATE message SET state = 'submitting' WHERE case_id = ?1 AND entry = ?2 AND fence = ?3 AND state = 'leased'
             RETURNING told"
        ),
        params![case, entry, fence],
        |row| row.get(0),
    )
}

/// Notes that the case has reported the submission.
pub(crate) fn mark_told(tx: &Tx<'_>, (case, entry): Which<'_>) -> Result<(), StoreError> {
    tx.run(sql!("UPDATE message SET told = 1 WHERE case_id = ?1 AND entry = ?2"), params![case, entry])?;
    Ok(())
}

/// Moves a claim's message; false if another claim has it now.
pub(crate) fn settle(
    tx: &Tx<'_>,
    (case, entry): Which<'_>,
    fence: i64,
    state: SmsState,
    sent: Option<UnixMs>,
) -> Result<bool, StoreError> {
    let moved = tx.run(
        sql!("UPDATE message SET state = ?4, sent_at = ?5 WHERE case_id = ?1 AND entry = ?2 AND fence = ?3"),
        params![case, entry, fence, state, sent],
    )?;
    Ok(moved == 1)
}

/// Sets the due time of a claim's offered message.
pub(crate) fn postpone_claim(tx: &Tx<'_>, (case, entry): Which<'_>, fence: i64, due: UnixMs) -> Result<(), StoreError> {
    tx.run(
        sql!("UPDATE message SET due_at = ?4 WHERE case_id = ?1 AND entry = ?2 AND fence = ?3 AND state = 'offered'"),
        params![case, entry, fence, due],
    )?;
    Ok(())
}

/// Offers all messages again that the gateway has leased.
pub(crate) fn end_gateways_leases(tx: &Tx<'_>) -> Result<(), StoreError> {
    tx.run(
        // The list names all states of the index `message_open`, so that SQLite uses it.
        sql!(
            "UPDATE message SET state = 'offered', fence = fence + 1
             WHERE state IN ('leased', 'submitting', 'uncertain') AND state = 'leased' AND holder IS NULL"
        ),
        params![],
    )?;
    Ok(())
}

/// Moves all offered messages with one due time to another.
pub(crate) fn move_due(tx: &Tx<'_>, from: UnixMs, to: UnixMs) -> Result<(), StoreError> {
    tx.run(sql!("UPDATE message SET due_at = ?2 WHERE state = 'offered' AND due_at = ?1"), params![from, to])?;
    Ok(())
}
