//! The outbox of SMS: its rows and queries. [`super::message_moves`] moves the rows.

use doorstep_domain::{CaseId, DeviceId, EntryKey, SmsState, Tag, UnixMs};
use doorstep_sql::ValueError;

use super::tx::{Params, Row, Sql, StoreError, Tx, params, sql};

/// A message by its case and its entry's key.
pub(crate) type Which<'a> = (&'a CaseId, &'a EntryKey);

/// A row of the outbox.
#[derive(Debug, Clone)]
pub(crate) struct Queued {
    pub case: CaseId,
    pub entry: EntryKey,
    /// Keyed hash of the number; empty if the number can not be read.
    pub recipient: Vec<u8>,
    /// The device that recorded it.
    pub device: DeviceId,
    /// Whether that device recorded the attempt too.
    pub own: bool,
    pub state: SmsState,
    pub round: u32,
    /// The tag of the installation that holds or held the lease; `None` for the gateway or nobody.
    pub holder: Option<Tag>,
    /// Rises with every claim.
    pub fence: i64,
    /// Whether its case has reported the submission of this round.
    pub told: bool,
    /// Whether the one more try of its template is used up.
    pub resent: bool,
    /// When it was offered to the gateway.
    pub offered_at: UnixMs,
}

impl Queued {
    /// The key of the message.
    pub(crate) fn which(&self) -> Which<'_> {
        (&self.case, &self.entry)
    }
}

/// The columns of a [`Queued`], in the order of [`read`].
macro_rules! message_columns {
    () => {
        "case_id, entry, recipient, device, own, state, round, holder, fence, told, resent, offered_at"
    };
}

fn read(row: &Row<'_>) -> Result<Queued, StoreError> {
    Ok(Queued {
        case: row.get(0)?,
        entry: row.get(1)?,
        recipient: row.get(2)?,
        device: row.get(3)?,
        own: row.get(4)?,
        state: row.get(5)?,
        round: row.get(6)?,
        holder: row.get(7)?,
        fence: row.get(8)?,
        told: row.get(9)?,
        resent: row.get(10)?,
        offered_at: row.get(11)?,
    })
}

/// Turns an unreadable row into `None`, because it must not block the other messages.
pub(super) fn readable<T>(read: Result<T, StoreError>) -> Result<Option<T>, StoreError> {
    match read {
        Err(StoreError::Row(ValueError::Content(_))) => Ok(None),
        other => other.map(Some),
    }
}

fn all(tx: &Tx<'_>, sql: Sql, params: Params<'_>) -> Result<Vec<Queued>, StoreError> {
    let rows = tx.all(sql, params, |row| readable(read(row)))?;
    Ok(rows.into_iter().flatten().collect())
}

/// Finds a message by its key.
pub(crate) fn one(tx: &Tx<'_>, (case, entry): Which<'_>) -> Result<Option<Queued>, StoreError> {
    let found = tx.maybe(
        sql!("SELECT ", message_columns!(), " FROM message WHERE case_id = ?1 AND entry = ?2"),
        params![case, entry],
        |row| readable(read(row)),
    )?;
    Ok(found.flatten())
}

/// The messages that are due, longest due first.
pub(crate) fn due(tx: &Tx<'_>, now: UnixMs, most: usize) -> Result<Vec<Queued>, StoreError> {
    all(
        tx,
        sql!("SELECT ", message_columns!(), " FROM message WHERE state = 'offered' AND due_at <= ?1 ORDER BY due_at LIMIT ?2"),
        params![now, most],
    )
}

/// The number of messages in each state.
pub(crate) fn by_state(tx: &Tx<'_>) -> Result<Vec<(SmsState, u64)>, StoreError> {
    // A statement for each set of states that has an index of its own.
    let offered = tx.one(sql!("SELECT count(*) FROM message WHERE state = 'offered'"), params![], |row| row.get(0))?;
    let held = sql!("SELECT state, count(*) FROM message WHERE state IN ('leased', 'submitting', 'uncertain') GROUP BY state");
    let others = sql!(
        "SELECT state, count(*) FROM message WHERE state NOT IN ('offered', 'leased', 'submitting', 'uncertain') GROUP BY state"
    );
    let mut counted = vec![(SmsState::Offered, offered)];
    for statement in [held, others] {
        counted.extend(tx.all(statement, params![], |row| Ok((row.get::<SmsState>(0)?, row.get::<u64>(1)?)))?);
    }
    let count = |state: &SmsState| counted.iter().find(|(found, _)| found == state).map_or(0, |(_, count)| *count);
    Ok(SmsState::ALL.iter().map(|state| (*state, count(state))).collect())
}

/// The messages that the gateway is submitting.
pub(crate) fn being_submitted(tx: &Tx<'_>) -> Result<Vec<Queued>, StoreError> {
    all(
        tx,
        // The list names all states of the index `message_open`, so that SQLite uses it.
        sql!(
            "SELECT ",
            message_columns!(),
            " FROM message WHERE state IN ('leased', 'submitting', 'uncertain') AND state = 'submitting'
             AND holder IS NULL AND fence > 0"
        ),
        params![],
    )
}

/// At most `most` messages whose device's lease ended before a time.
pub(crate) fn with_ended_lease(tx: &Tx<'_>, before: UnixMs, most: u32) -> Result<Vec<Queued>, StoreError> {
    all(
        tx,
        sql!(
            "SELECT ",
            message_columns!(),
            " FROM message WHERE state IN ('leased', 'submitting') AND holder IS NOT NULL AND until_at < ?1 LIMIT ?2"
        ),
        params![before, most],
    )
}

/// The gateway's uncertain messages to a recipient.
pub(crate) fn uncertain_to(tx: &Tx<'_>, recipient: &[u8], most: u32) -> Result<Vec<Queued>, StoreError> {
    all(
        tx,
        sql!(
            "SELECT ",
            message_columns!(),
            " FROM message WHERE recipient = ?1 AND state = 'uncertain' AND holder IS NULL AND fence > 0 LIMIT ?2"
        ),
        params![recipient, most],
    )
}

/// Whether a message to a recipient is being submitted.
pub(crate) fn is_submitting_to(tx: &Tx<'_>, recipient: &[u8]) -> Result<bool, StoreError> {
    tx.exists(sql!("SELECT 1 FROM message WHERE recipient = ?1 AND state = 'submitting'"), params![recipient])
}

/// Whether there is a message to a recipient.
pub(crate) fn is_recipient(tx: &Tx<'_>, recipient: &[u8]) -> Result<bool, StoreError> {
    tx.exists(sql!("SELECT 1 FROM message WHERE recipient = ?1"), params![recipient])
}

/// The end of a message's lease.
pub(crate) fn lease_end(tx: &Tx<'_>, (case, entry): Which<'_>) -> Result<UnixMs, StoreError> {
    tx.one(sql!("SELECT until_at FROM message WHERE case_id = ?1 AND entry = ?2"), params![case, entry], |row| row.get(0))
}

/// The number of leases of an installation.
pub(crate) fn count_leases(tx: &Tx<'_>, holder: &Tag) -> Result<u32, StoreError> {
    tx.one(
        // The list names all states of the index `message_open`, so that SQLite uses it.
        sql!(
            "SELECT count(*) FROM message WHERE state IN ('leased', 'submitting', 'uncertain') AND state = 'leased' AND holder = ?1"
        ),
        params![holder],
        |row| row.get(0),
    )
}

/// The number of messages that wait to be sent, by the gateway or by lease.
pub(crate) fn count_offered(tx: &Tx<'_>) -> Result<u64, StoreError> {
    tx.one(sql!("SELECT count(*) FROM message WHERE state = 'offered'"), params![], |row| row.get(0))
}

/// The number of messages to a recipient that were claimed, and are being sent or were sent since a time.
pub(crate) fn count_claimed_to(tx: &Tx<'_>, recipient: &[u8], since: UnixMs) -> Result<u32, StoreError> {
    tx.one(
        sql!(
            "SELECT count(*) FROM message
             WHERE recipient = ?1 AND fence > 0 AND (sent_at >= ?2 OR state IN ('leased', 'submitting'))"
        ),
        params![recipient, since],
        |row| row.get(0),
    )
}

/// The number of a device's messages that were claimed, and are being sent or were sent since a time.
pub(crate) fn count_claimed_of(tx: &Tx<'_>, device: &DeviceId, since: UnixMs) -> Result<u32, StoreError> {
    tx.one(
        sql!(
            "SELECT count(*) FROM message
             WHERE device = ?1 AND fence > 0 AND (sent_at >= ?2 OR state IN ('leased', 'submitting'))"
        ),
        params![device, since],
        |row| row.get(0),
    )
}

/// The extensions of messages to a recipient that are being sent, may have left, or were sent since a time.
pub(crate) fn extensions_to(tx: &Tx<'_>, recipient: &[u8], since: UnixMs) -> Result<Vec<String>, StoreError> {
    tx.all(
        sql!(
            "SELECT extension FROM message
             WHERE recipient = ?1 AND (sent_at >= ?2 OR state IN ('leased', 'submitting', 'uncertain'))"
        ),
        params![recipient, since],
        |row| row.get(0),
    )
}

/// A message that a reply may be about.
pub(crate) struct Answerable {
    pub case: CaseId,
    pub entry: EntryKey,
    pub extension: String,
    /// The waybill; empty if nothing is known of its case.
    pub waybill: String,
}

/// At most 50 messages to a recipient: those that were sent since a time, newest first, and those that were offered since then
/// and may have been sent.
pub(crate) fn answerable(tx: &Tx<'_>, recipient: &[u8], since: UnixMs) -> Result<Vec<Answerable>, StoreError> {
    let found = tx.all(
        sql!(
            "SELECT message.case_id, entry, extension, coalesce(doc.waybill, '') FROM message LEFT JOIN doc USING (case_id)
             WHERE recipient = ?1 AND (sent_at >= ?2 OR (state = 'uncertain' AND offered_at >= ?2))
             ORDER BY sent_at DESC NULLS LAST LIMIT 50"
        ),
        params![recipient, since],
        |row| {
            let read = || Ok(Answerable { case: row.get(0)?, entry: row.get(1)?, extension: row.get(2)?, waybill: row.get(3)? });
            readable(read())
        },
    )?;
    Ok(found.into_iter().flatten().collect())
}

/// A message as head office lists it.
pub(crate) struct Listed {
    /// The waybill; empty if nothing is known of its case.
    pub waybill: String,
    /// The key of the SMS.
    pub entry: String,
    pub state: String,
    pub round: u32,
    pub holder: Option<String>,
    pub sent_at: Option<UnixMs>,
    pub due_at: UnixMs,
}

/// All messages: first the uncertain ones, then the newest.
pub(crate) fn list(tx: &Tx<'_>, most: u32) -> Result<Vec<Listed>, StoreError> {
    tx.all(
        // With a join SQLite would scan `message_by_device` and look each message up.
        sql!(
            "SELECT coalesce((SELECT waybill FROM doc WHERE doc.case_id = message.case_id), ''),
               entry, state, round, holder, sent_at, due_at
             FROM message
             ORDER BY CASE WHEN state = 'uncertain' THEN 0 ELSE 1 END, coalesce(sent_at, due_at) DESC LIMIT ?1"
        ),
        params![most],
        listed,
    )
}

/// The unsettled messages, in the order of [`list`].
pub(crate) fn list_unsettled(tx: &Tx<'_>, most: u32) -> Result<Vec<Listed>, StoreError> {
    tx.all(
        sql!(
            "SELECT coalesce((SELECT waybill FROM doc WHERE doc.case_id = message.case_id), ''),
               entry, state, round, holder, sent_at, due_at
             FROM message
             WHERE state IN ('queued', 'offered', 'leased', 'submitting', 'uncertain')
             ORDER BY CASE WHEN state = 'uncertain' THEN 0 ELSE 1 END, coalesce(sent_at, due_at) DESC LIMIT ?1"
        ),
        params![most],
        listed,
    )
}

fn listed(row: &Row<'_>) -> Result<Listed, StoreError> {
    Ok(Listed {
        waybill: row.get(0)?,
        entry: row.get(1)?,
        state: row.get(2)?,
        round: row.get(3)?,
        holder: row.get(4)?,
        sent_at: row.get(5)?,
        due_at: row.get(6)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ServeError,
        store::{db::Store, message_moves, migrate::migrate},
    };

    const RECIPIENT: &[u8] = &[7; 16];

    /// Runs on an outbox with these messages, each offered at 5.
    fn on_outbox(entries: &[&str], check: impl FnOnce(&Tx<'_>, &[(CaseId, EntryKey)])) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::connect(folder.path()).unwrap();
        migrate(&store, |_, _| Ok::<_, ServeError>(())).unwrap();
        let made: Vec<(CaseId, EntryKey)> =
            (1..).zip(entries).map(|(n, entry)| (CaseId::new([n; 16]), entry.parse().unwrap())).collect();
        let written = store.write(|tx| {
            for (case, entry) in &made {
                message_moves::queue(tx, (case, entry), RECIPIENT, &DeviceId::new([1; 16]), true)?;
                message_moves::stay(tx, (case, entry), (SmsState::Offered, 1))?;
                message_moves::offer(tx, (case, entry), UnixMs(5))?;
            }
            check(tx, &made);
            Ok::<_, StoreError>(())
        });
        written.unwrap();
    }

    #[test]
    fn messages_are_counted_by_state_and_those_that_have_ended_by_an_index() {
        on_outbox(&["sms/aaaaaaaa-1", "sms/aaaaaaaa-2", "sms/aaaaaaaa-3"], |tx, made| {
            message_moves::stay(tx, (&made[0].0, &made[0].1), (SmsState::Failed, 1)).unwrap();
            message_moves::leave(tx, (&made[1].0, &made[1].1), (SmsState::Delivered, 1), Some(UnixMs(6))).unwrap();
            let found: Vec<_> = by_state(tx).unwrap().into_iter().filter(|(_, count)| *count > 0).collect();
            let mut expected = vec![(SmsState::Offered, 1), (SmsState::Failed, 1), (SmsState::Delivered, 1)];
            expected.sort_by_key(|(state, _)| SmsState::ALL.iter().position(|known| known == state));
            assert_eq!(found, expected);
            assert_eq!(by_state(tx).unwrap().len(), SmsState::ALL.len());
            let plan = "EXPLAIN QUERY PLAN SELECT state, count(*) FROM message
                WHERE state NOT IN ('offered', 'leased', 'submitting', 'uncertain') GROUP BY state";
            let plan: String = tx.sqlite().query_row(plan, [], |row| row.get(3)).unwrap();
            assert!(plan.contains("message_ended"), "{plan}");
        });
    }

    #[test]
    fn a_row_that_can_not_be_read_keeps_no_other_waiting() {
        on_outbox(&["sms/aaaaaaaa-1", "sms/aaaaaaaa-2"], |tx, made| {
            tx.run(sql!("UPDATE message SET state = 'offered', holder = 'nobody?' WHERE case_id = ?1"), params![made[0].0])
                .unwrap();
            let due = due(tx, UnixMs(5), 9).unwrap();
            assert_eq!(due.iter().map(Queued::which).collect::<Vec<_>>(), [(&made[1].0, &made[1].1)]);
            assert!(one(tx, (&made[0].0, &made[0].1)).unwrap().is_none());
        });
    }

    #[test]
    fn what_may_have_been_sent_is_answered_after_what_surely_was() {
        on_outbox(&["sms/aaaaaaaa-1", "sms/aaaaaaaa-2", "sms/aaaaaaaa-3"], |tx, made| {
            let which = |n: usize| (&made[n].0, &made[n].1);
            message_moves::stay(tx, which(0), (SmsState::Uncertain, 1)).unwrap();
            message_moves::leave(tx, which(1), (SmsState::Sent, 1), Some(UnixMs(6))).unwrap();
            message_moves::leave(tx, which(2), (SmsState::Sent, 1), Some(UnixMs(7))).unwrap();
            let found = answerable(tx, RECIPIENT, UnixMs(5)).unwrap();
            assert_eq!(found.iter().map(|found| found.case).collect::<Vec<_>>(), [made[2].0, made[1].0, made[0].0]);
            assert!(answerable(tx, RECIPIENT, UnixMs(8)).unwrap().is_empty());
        });
    }

    #[test]
    fn what_has_not_left_after_all_has_no_time_of_leaving() {
        on_outbox(&["sms/aaaaaaaa-1"], |tx, made| {
            let which = (&made[0].0, &made[0].1);
            let sent_at = || list(tx, 9).unwrap()[0].sent_at;
            message_moves::leave(tx, which, (SmsState::Sent, 1), Some(UnixMs(6))).unwrap();
            message_moves::leave(tx, which, (SmsState::Delivered, 1), Some(UnixMs(9))).unwrap();
            assert_eq!(sent_at(), Some(UnixMs(6)));
            assert!(list_unsettled(tx, 9).unwrap().is_empty());
            message_moves::stay(tx, which, (SmsState::Uncertain, 1)).unwrap();
            assert_eq!(sent_at(), None);
            assert_eq!(list_unsettled(tx, 9).unwrap().len(), 1);
        });
    }

    #[test]
    fn an_older_claim_moves_nothing() {
        on_outbox(&["sms/aaaaaaaa-1"], |tx, made| {
            let which = (&made[0].0, &made[0].1);
            message_moves::lease_to_gateway(tx, which, "", UnixMs(9)).unwrap();
            assert_eq!(message_moves::submit(tx, which, 0).unwrap(), None);
            assert_eq!(message_moves::submit(tx, which, 1).unwrap(), Some(false));
            assert_eq!(message_moves::submit(tx, which, 1).unwrap(), None);
            assert!(!message_moves::settle(tx, which, 0, SmsState::Sent, Some(UnixMs(6))).unwrap());
            assert_eq!(being_submitted(tx).unwrap().len(), 1);
            assert!(message_moves::settle(tx, which, 1, SmsState::Sent, Some(UnixMs(6))).unwrap());
            assert!(being_submitted(tx).unwrap().is_empty());
        });
    }
}
