//! Projects changes to the list row: reads stored changes, folds, judges, and writes the projection.

use std::collections::BTreeSet;

use doorstep_document::{Change, History, Link, Position};
use doorstep_domain::{CaseId, ChangeHash, DocKind, InstallId, Receipt, Recorded, RefusalCode, Standing, UnixMs};
use doorstep_rules::{Case, Judgement, Phase, Phases, Rulebook, State};
use doorstep_sql::{link_columns, receipt_columns};
use rusqlite::Connection;

use crate::{
    StoreError, duties,
    head::Head,
    ledger_case, places,
    row::{Row, Statements, params, receipt_values},
    sheet_row,
    states::OutboxState,
    uptime,
};

/// Column value for "never".
pub(crate) const NEVER: i64 = i64::MAX;

/// A change in the outbox.
pub(crate) struct Outgoing {
    pub id: i64,
    pub case: CaseId,
    pub tries: i64,
    pub bytes: Vec<u8>,
}

/// All entries of a case. Each change's checksum is verified again, so that a damaged row is an error and never a wrong answer. A
/// row that was put aside as damaged is left out, because only its command in the status is of use.
pub(crate) fn entries(db: &Connection, case: &CaseId) -> Result<Vec<Recorded>, StoreError> {
    let mut entries = Vec::new();
    let accepted = concat!("SELECT bytes, ", receipt_columns!(), " FROM change WHERE case_id = ?1 AND parked IS NULL ORDER BY n");
    db.each("change", accepted, params![case], |row| {
        let receipt = row.receipt(1)?;
        entries.extend(recorded(&stored_change(case, row)?, &Standing::Accepted(receipt)));
        Ok(())
    })?;
    let open = "SELECT bytes, state, reason FROM outbox WHERE case_id = ?1 AND (state <> ?2 OR reason IS NOT ?3) ORDER BY id";
    db.each("outbox", open, params![case, OutboxState::Quarantined, RefusalCode::Damaged.word()], |row| {
        let standing = match row.get(1)? {
            OutboxState::Unsent => Standing::OnThisDevice,
            OutboxState::InBatch => Standing::SentNotConfirmed,
            OutboxState::Quarantined | OutboxState::Discarded => {
                Standing::Quarantined { reason: row.get::<Option<String>>(2)?.unwrap_or_default().into() }
            }
        };
        entries.extend(recorded(&stored_change(case, row)?, &standing));
        Ok(())
    })?;
    Ok(entries)
}

/// Replaces the receipt of a change that is here. After an update of the app the server's receipt says more than before.
pub(crate) fn set_receipt(db: &Connection, case: &CaseId, hash: &ChangeHash, receipt: Receipt) -> Result<(), StoreError> {
    let [received, acted, slack, from, until, marks, unproven] = receipt_values(&receipt)?;
    db.run(
        concat!(
            "UPDATE change SET (",
            receipt_columns!(),
            ") = (?3, ?4, ?5, ?6, ?7, ?8, ?9) WHERE case_id = ?1 AND hash = ?2 AND parked IS NULL"
        ),
        params![case, hash, received, acted, slack, from, until, marks, unproven],
    )?;
    Ok(())
}

fn stored_change(case: &CaseId, row: &Row<'_>) -> Result<Change, StoreError> {
    Change::read_stored(case, row.bytes(0)?).map_err(|_| StoreError::Damaged("change"))
}

pub(crate) fn recorded(change: &Change, standing: &Standing) -> impl Iterator<Item = Recorded> {
    change.entries().iter().map(|entry| Recorded { change: change.hash(), standing: standing.clone(), entry: entry.clone() })
}

/// The history of a case: its changes without their content.
pub(crate) fn history(db: &Connection, case: &CaseId) -> Result<History, StoreError> {
    let sql = concat!(
        "SELECT ",
        link_columns!(),
        " FROM change WHERE case_id = ?1 AND parked IS NULL UNION ALL SELECT ",
        link_columns!(),
        " FROM outbox WHERE case_id = ?1 AND ",
        outbox_waits!()
    );
    Ok(History::of(db.all("change", sql, params![case], |row| row.link(0))?))
}

pub(crate) fn head(db: &Connection, case: &CaseId) -> Result<Head, StoreError> {
    let sql = "SELECT heads, max_op, own_seq, changes, bytes FROM case_row WHERE case_id = ?1";
    let head = db.maybe("case_row", sql, params![case], |row| {
        let position = Position { heads: row.get(0)?, max_op: row.get(1)?, seq: row.get(2)? };
        Ok(Head { position, changes: row.get(3)?, bytes: row.get(4)? })
    })?;
    match head {
        Some(head) => Ok(head),
        None => match sheet_row::head(db, case)? {
            Some(head) => Ok(head),
            None => Ok(Head { position: stub(db, case)?.unwrap_or_default(), changes: 0, bytes: 0 }),
        },
    }
}

/// The position at which a case that has left this device continues, if a change is recorded on it again.
pub(crate) fn stub(db: &Connection, case: &CaseId) -> Result<Option<Position>, StoreError> {
    let sql = "SELECT heads, max_op, own_seq FROM stub WHERE case_id = ?1";
    db.maybe("stub", sql, params![case], |row| Ok(Position { heads: row.get(0)?, max_op: row.get(1)?, seq: row.get(2)? }))
}

/// The changes of a case from which a position is read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Of {
    /// The changes that the server has accepted.
    Accepted,
    /// The accepted changes and those that are to be accepted.
    Everything,
}

/// Reads the head of a case from its changes, in any order.
pub(crate) fn read_head(db: &Connection, case: &CaseId, own: &InstallId, of: Of) -> Result<Head, StoreError> {
    let mut head = Head::default();
    let (mut hashes, mut followed) = (BTreeSet::new(), BTreeSet::new());
    let mut tables = vec!["SELECT bytes FROM change WHERE case_id = ?1 AND parked IS NULL"];
    if of == Of::Everything {
        tables.push(concat!("SELECT bytes FROM outbox WHERE case_id = ?1 AND ", outbox_waits!()));
    }
    for sql in tables {
        db.each("change", sql, params![case], |row| {
            let change = stored_change(case, row)?;
            hashes.insert(change.hash());
            followed.extend(change.deps().iter().copied());
            head.position.max_op = head.position.max_op.max(change.max_op());
            if change.install() == *own {
                head.position.seq = head.position.seq.max(change.seq());
            }
            head.changes += 1;
            head.bytes += change.bytes().len();
            Ok(())
        })?;
    }
    head.position.heads = hashes.difference(&followed).copied().collect();
    Ok(head)
}

/// Writes the writer's columns of a known case.
pub(crate) fn set_head(db: &Connection, case: &CaseId, head: &Head) -> Result<(), StoreError> {
    if sheet_row::doc(db, case)?.kind == DocKind::Sheet {
        return sheet_row::set_head(db, case, head);
    }
    let Head { position: Position { heads, max_op, seq }, changes, bytes } = head;
    let sql = "UPDATE case_row SET heads = ?2, max_op = ?3, own_seq = ?4, changes = ?5, bytes = ?6 WHERE case_id = ?1";
    db.run(sql, params![case, heads, max_op, seq, changes, bytes])?;
    Ok(())
}

/// Stores a change that the server has accepted. `batch`: the own batch that brought it, with the installation that sent it.
#[allow(clippy::too_many_arguments, reason = "one row, one column each")]
pub(crate) fn insert_accepted(
    db: &Connection,
    case: &CaseId,
    link: &Link,
    bytes: &[u8],
    receipt: Receipt,
    batch: Option<(&InstallId, u64)>,
    parked: Option<&RefusalCode>,
) -> Result<(), StoreError> {
    let [received, acted, slack, from, until, marks, unproven] = receipt_values(&receipt)?;
    let (pusher, number) = batch.unzip();
    // A page may come again, and a change that was parked then must not be stored twice.
    db.run(
        "DELETE FROM change INDEXED BY change_parked WHERE case_id = ?1 AND hash = ?2 AND parked IS NOT NULL",
        params![case, link.hash],
    )?;
    db.run(
        concat!(
            "INSERT INTO change (case_id, n, ",
            link_columns!(),
            ", ",
            receipt_columns!(),
            ", batch, pusher, parked, bytes)
             VALUES (?1, (SELECT coalesce(max(n), 0) + 1 FROM change WHERE case_id = ?1), ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11,
               ?12, ?13, ?14, ?15, ?16)"
        ),
        params![
            case,
            link.hash,
            link.install,
            link.seq,
            link.max_op,
            received,
            acted,
            slack,
            from,
            until,
            marks,
            unproven,
            number,
            pusher,
            parked.map(RefusalCode::to_string),
            bytes
        ],
    )?;
    Ok(())
}

/// Folds, judges and writes the row, and returns the case and its judgement. A sheet is folded when it is read, and its row holds only
/// the position.
pub(crate) fn write_row(
    db: &Connection,
    case: &CaseId,
    head: &Head,
    entries: Vec<Recorded>,
    book: &Rulebook,
    now: UnixMs,
) -> Result<Option<(Case, Judgement)>, StoreError> {
    if sheet_row::doc(db, case)?.kind == DocKind::Sheet {
        sheet_row::set_head(db, case, head)?;
        return Ok(None);
    }
    let unsent = entries.iter().filter(|r| matches!(r.standing, Standing::OnThisDevice | Standing::SentNotConfirmed)).count();
    let updated_at = entries.iter().map(|r| r.acted_at()).max().unwrap_or(now);
    // The case has only parked changes: there is nothing to list until the next feed or a repair.
    let Some(folded) = Case::fold(entries) else { return Ok(None) };
    uptime::judging(db, now)?;
    let Phases { phase, later, judgement } = Phase::ahead(&folded, book, now);
    let messages = judgement.messages.iter().filter(|message| message.is_open()).count();
    db.run(
        "INSERT INTO case_row (case_id, waybill, heads, max_op, own_seq, changes, bytes, state, next_step, reason, decision,
           attempts, flags, unsent, quarantined, updated_at, closed, due_at, missed, turn_at, messages)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21)
         ON CONFLICT (case_id) DO UPDATE SET waybill = ?2, heads = ?3, max_op = ?4, own_seq = ?5, changes = ?6, bytes = ?7, state = ?8,
           next_step = ?9, reason = ?10, decision = ?11, attempts = ?12, flags = ?13, unsent = ?14, quarantined = ?15, updated_at = ?16,
           closed = ?17, due_at = ?18, missed = ?19, turn_at = ?20, messages = ?21",
        params![
        case,
        folded.facts.waybill,
        head.position.heads,
        head.position.max_op,
        head.position.seq,
        head.changes,
        head.bytes,
        phase.state,
        phase.next_step,
        folded.reason().unwrap_or(""),
        phase.decision,
        folded.attempts(),
        phase.flags,
        unsent,
        folded.quarantined.len(),
        updated_at,
        is_closed(&phase),
        phase.due_ms.unwrap_or(NEVER),
        phase.missed,
        phase.until_ms,
        messages
    ])?;
    ledger_case::note(db, case, &folded)?;
    db.run("DELETE FROM assignment WHERE case_id = ?1", params![case])?;
    if let Some(assign) = folded.assigned() {
        let insert = "INSERT INTO assignment (case_id, person, planned_at) VALUES (?1, ?2, ?3)";
        db.run(insert, params![case, assign.to, assign.planned_at])?;
    }
    db.run("DELETE FROM turn WHERE case_id = ?1", params![case])?;
    let insert = "INSERT INTO turn VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
    for (phase, _) in later {
        let Phase { from_ms, until_ms, due_ms, state, next_step, decision, missed, flags, duties } = phase;
        let duties = duties::to_column(&duties)?;
        db.run(insert, params![case, from_ms, until_ms, due_ms, state, next_step, decision, missed, flags, duties])?;
    }
    places::write(db, case, phase.from_ms, &phase.duties)?;
    Ok(Some((folded, judgement)))
}

/// Moves the writer's columns of a known case, with `unsent` more own changes, and leaves the judged columns behind. Recording
/// then decodes no other change of the case, which took 300 of 850 us with 20 changes. The list judges the row before it shows
/// it. `may_message`: a change may leave a message to send; the row then counts one until it is judged.
pub(crate) fn advance_row(
    db: &Connection,
    case: &CaseId,
    head: &Head,
    (unsent, may_message): (u32, bool),
    now: UnixMs,
) -> Result<(), StoreError> {
    if sheet_row::doc(db, case)?.kind == DocKind::Sheet {
        return sheet_row::set_head(db, case, head);
    }
    let Head { position: Position { heads, max_op, seq }, changes, bytes } = head;
    db.run(
        "UPDATE case_row SET heads = ?2, max_op = ?3, own_seq = ?4, changes = ?5, bytes = ?6, unsent = unsent + ?8, updated_at = ?7,
           messages = max(messages, ?9)
         WHERE case_id = ?1",
        params![case, heads, max_op, seq, changes, bytes, now, unsent, may_message],
    )?;
    judge_later(db, case)
}

/// Lets the next list judge a row before it shows it.
pub(crate) fn judge_later(db: &Connection, case: &CaseId) -> Result<(), StoreError> {
    db.run("INSERT OR IGNORE INTO stale (case_id) VALUES (?1)", params![case])?;
    Ok(())
}

/// Judges a case again like [`rewrite_row`], but leaves the row of a damaged case unchanged, so that it does not stop the others.
pub(crate) fn rewrite_row_or_skip(db: &Connection, case: &CaseId, book: &Rulebook, now: UnixMs) -> Result<(), StoreError> {
    match rewrite_row(db, case, book, now) {
        Err(StoreError::Damaged(_)) => Ok(()),
        other => other,
    }
}

/// Judges a case again, after receipts or new rules.
pub(crate) fn rewrite_row(db: &Connection, case: &CaseId, book: &Rulebook, now: UnixMs) -> Result<(), StoreError> {
    let head = head(db, case)?;
    db.run("DELETE FROM stale WHERE case_id = ?1", params![case])?;
    write_row(db, case, &head, entries(db, case)?, book, now).map(drop)
}

fn is_closed(phase: &Phase) -> bool {
    phase.state == State::Closed.as_str()
}

/// Moves a row to its present phase, from the phases that were computed when it was judged, so that no change is read. False if
/// they reach no further.
///
/// The table of phases keeps its first name, `turn`, because an opened store is compared word for word with its migrations.
pub(crate) fn advance_phase(db: &Connection, case: &CaseId, now: UnixMs) -> Result<bool, StoreError> {
    uptime::judging(db, now)?;
    let turned = db.run(
        "UPDATE case_row SET state = turn.state, next_step = turn.next_step, decision = turn.decision, flags = turn.flags,
           missed = turn.missed, closed = turn.state = ?3, due_at = coalesce(turn.due_ms, ?4), turn_at = turn.until_ms
         FROM turn WHERE turn.case_id = case_row.case_id AND case_row.case_id = ?1 AND turn.from_ms <= ?2
           AND (turn.until_ms IS NULL OR turn.until_ms > ?2)",
        params![case, now, State::Closed.as_str(), NEVER],
    )?;
    if turned == 1 {
        places::advance(db, case, now)?;
    }
    Ok(turned == 1)
}
