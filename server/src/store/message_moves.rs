//! How the rows of the outbox of SMS move.

use doorstep_domain::{DeviceId, SmsState, Tag, UnixMs};

use super::{
    messages::Which,
    tx::{StoreError, Tx, params, sql},
};

/// Queues a message with the device that recorded it, unless it is there already. `own`: the device recorded the attempt too.
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

/// Moves a message to a state in which it has left. The first time of leaving counts.
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

/// Moves a message to a state in which it has not left: it has no time of leaving.
pub(crate) fn stay(tx: &Tx<'_>, (case, entry): Which<'_>, (state, round): (SmsState, u32)) -> Result<(), StoreError> {
    tx.run(
        sql!("UPDATE message SET state = ?3, round = ?4, sent_at = NULL WHERE case_id = ?1 AND entry = ?2"),
        params![case, entry, state, round],
    )?;
    Ok(())
}

/// A message is due, and the gateway's to send, from then on; nothing is told of its round yet.
pub(crate) fn offer(tx: &Tx<'_>, (case, entry): Which<'_>, at: UnixMs) -> Result<(), StoreError> {
    tx.run(
        sql!("UPDATE message SET due_at = ?3, offered_at = ?3, told = 0 WHERE case_id = ?1 AND entry = ?2"),
        params![case, entry, at],
    )?;
    Ok(())
}

/// Like [`offer`]; no earlier claim or lease of the message is good any more.
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

/// Offers a message once more as another round, and notes that the one more try is used up.
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

/// A message is not due before that.
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

/// No earlier claim of a message is good any more.
pub(crate) fn fence_off(tx: &Tx<'_>, (case, entry): Which<'_>) -> Result<(), StoreError> {
    tx.run(sql!("UPDATE message SET fence = fence + 1 WHERE case_id = ?1 AND entry = ?2"), params![case, entry])?;
    Ok(())
}

/// Notes that a leased message is being submitted under a claim. Returns whether its case says so already; `None`: it is another
/// claim's by now, or no longer leased.
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

/// Notes that the case says that the message is being submitted.
pub(crate) fn mark_told(tx: &Tx<'_>, (case, entry): Which<'_>) -> Result<(), StoreError> {
    tx.run(sql!("UPDATE message SET told = 1 WHERE case_id = ?1 AND entry = ?2"), params![case, entry])?;
    Ok(())
}

/// Moves a claim's message; false if it is another claim's by now.
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

/// The offered message of a claim is not due before that.
pub(crate) fn postpone_claim(tx: &Tx<'_>, (case, entry): Which<'_>, fence: i64, due: UnixMs) -> Result<(), StoreError> {
    tx.run(
        sql!("UPDATE message SET due_at = ?4 WHERE case_id = ?1 AND entry = ?2 AND fence = ?3 AND state = 'offered'"),
        params![case, entry, fence, due],
    )?;
    Ok(())
}

/// Offers again all that the gateway has leased.
pub(crate) fn end_gateways_leases(tx: &Tx<'_>) -> Result<(), StoreError> {
    tx.run(
        // With all states of the index `message_open`, so that it is used.
        sql!(
            "UPDATE message SET state = 'offered', fence = fence + 1
             WHERE state IN ('leased', 'submitting', 'uncertain') AND state = 'leased' AND holder IS NULL"
        ),
        params![],
    )?;
    Ok(())
}

/// All offered messages that are due at one moment are due at another.
pub(crate) fn move_due(tx: &Tx<'_>, from: UnixMs, to: UnixMs) -> Result<(), StoreError> {
    tx.run(sql!("UPDATE message SET due_at = ?2 WHERE state = 'offered' AND due_at = ?1"), params![from, to])?;
    Ok(())
}
