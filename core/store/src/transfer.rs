//! Sync as the store sees it: the next batch made durable, an answer applied in one transaction.

use std::collections::{BTreeMap, BTreeSet};

use doorstep_document::{Admission, Change, Link, pack};
use doorstep_domain::{Anchor, Body, BootId, CaseId, HistoryId, InstallId, Receipt, UnixMs};
use doorstep_protocol::{
    Ack, AckCase, BatchClock, FeedCase, Pull, Push, PushCase, SyncRequest, SyncResponse, Verdict, unpack_receipts,
    unpack_verdicts,
};
use doorstep_rules::Pack;
use doorstep_sync::Applied;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use crate::{
    Store, StoreError, identity,
    project::{self, HELD, IN_BATCH, UNSENT},
};

/// A change whose pack the server could not rebuild is sent once more in a new batch, then held here and shown.
const MOST_FAULTS: i64 = 2;

/// The device's clocks at one moment.
#[derive(Debug, Clone, Copy)]
pub struct Clocks {
    /// Wall clock.
    pub wall: UnixMs,
    /// Monotonic clock, milliseconds.
    pub mono_ms: u64,
    /// The boot it counts from.
    pub boot: BootId,
}

/// One change in the open batch.
struct Outgoing {
    id: i64,
    case: CaseId,
    tries: i64,
    bytes: Vec<u8>,
}

impl Store {
    /// The request of the next sync. What is unsent becomes the open batch, durably, before its first byte leaves; a batch
    /// whose answer never came is sent again under its number with the same changes.
    pub fn prepare(&mut self, max_bytes: usize, clocks: Clocks) -> Result<SyncRequest, StoreError> {
        let tx = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let who = identity::read(&tx)?.ok_or(StoreError::NotEnrolled)?;
        let mut open = sound(&tx, IN_BATCH)?;
        let mut number = read_u64(&tx, "batch")?;
        if open.is_empty() {
            open = sound(&tx, UNSENT)?;
            if !open.is_empty() {
                number += 1;
                Self::set_meta(&tx, "batch", &number.to_be_bytes())?;
            }
        }
        // The server took nothing of a batch that it found too large, so a smaller one may carry its number.
        let mut size = 0;
        let fits = open.iter().take_while(|change| {
            size += change.bytes.len();
            size <= max_bytes
        });
        let fits = fits.count().max(1).min(open.len());
        for (i, change) in open.iter().enumerate() {
            let state = if i < fits { IN_BATCH } else { UNSENT };
            tx.prepare_cached("UPDATE outbox SET state = ?2 WHERE id = ?1 AND state <> ?2")?
                .execute(params![change.id, state])?;
        }
        tx.commit()?;
        open.truncate(fits);
        let push = if open.is_empty() { None } else { Some(push(number, &open, clocks)?) };
        Ok(SyncRequest {
            device: who.device,
            install: who.install,
            history: history_id(&self.db)?,
            push,
            pull: self.cursors()?,
            want_bytes: u32::try_from(max_bytes).unwrap_or(u32::MAX),
            refs: self.ref_versions()?,
        })
    }

    /// How far each feed has been fetched.
    pub fn cursors(&self) -> Result<Vec<Pull>, StoreError> {
        let mut scopes = self.db.prepare_cached("SELECT scope, cursor FROM scope ORDER BY scope")?;
        let pull = scopes.query_map([], |row| Ok(Pull { scope: row.get(0)?, cursor: row.get(1)? }))?;
        Ok(pull.collect::<Result<_, _>>()?)
    }

    /// Applies an answer: verdicts, feeds, cursors and the time anchor, in one transaction.
    pub fn apply(&mut self, response: &SyncResponse, clocks: Clocks, now: UnixMs) -> Result<Applied, StoreError> {
        self.load_pack()?;
        let tx = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        if history_id(&tx)? != response.history {
            // Another log: every cursor starts anew; the server fed from the start because it saw the difference too.
            Self::set_meta(&tx, "history", response.history.as_bytes())?;
            tx.execute("DELETE FROM scope", [])?;
            // Versions of another log say nothing about this one's rows.
            tx.execute("UPDATE reference SET version = 0", [])?;
        }
        let mut touched = BTreeSet::new();
        if let Some(ack) = &response.ack {
            apply_ack(&tx, ack, &mut touched)?;
        }
        // Without rules nothing can be listed: the pages wait until the pack has been fetched, which comes next.
        let mut pages_whole = true;
        let pages = if self.pack.is_some() { response.feed.as_slice() } else { &[] };
        for page in pages {
            let mut whole = true;
            for case in &page.cases {
                if let Some((_, rules)) = &self.pack {
                    whole &= apply_feed(&tx, case, rules, now)?;
                }
            }
            // A pack that does not rebuild was damaged on its way: what came with it is kept, the page is asked for again.
            if whole {
                tx.prepare_cached(
                    "INSERT INTO scope (scope, cursor) VALUES (?1, ?2) ON CONFLICT (scope) DO UPDATE SET cursor = ?2",
                )?
                .execute(params![page.scope, page.to])?;
            }
            pages_whole &= whole;
        }
        let mut anchor = Vec::from(clocks.boot.0);
        anchor.extend(response.now_ms.to_be_bytes());
        anchor.extend(clocks.mono_ms.to_be_bytes());
        Self::set_meta(&tx, "anchor", &anchor)?;
        Self::set_meta(&tx, "last_answer", &response.now_ms.to_be_bytes())?;
        if let Some((_, rules)) = &self.pack {
            for case in &touched {
                project::rewrite_row_or_skip(&tx, case, rules, now)?;
            }
        }
        tx.commit()?;
        let fresh: i64 =
            self.db
                .query_row("SELECT count(*) FROM outbox WHERE state = 1 OR (state = 0 AND tries = 0)", [], |row| row.get(0))?;
        Ok(Applied {
            more_to_send: fresh > 0,
            more_to_pull: self.pack.is_none() || (pages_whole && response.feed.iter().any(|page| page.more)),
            stale: response.refs.iter().map(|r| r.kind).collect(),
            photos: self.photos_to_upload()?,
        })
    }

    /// The last server time seen in this boot.
    pub fn anchor(&self, boot: BootId) -> Result<Option<Anchor>, StoreError> {
        let Some(bytes) = Self::meta(&self.db, "anchor")? else { return Ok(None) };
        let read = || {
            let (of, rest) = bytes.split_first_chunk::<4>()?;
            let (server, mono) = rest.split_first_chunk::<8>()?;
            let anchor =
                Anchor { server: UnixMs(i64::from_be_bytes(*server)), mono_ms: u64::from_be_bytes(mono.try_into().ok()?) };
            (*of == boot.0).then_some(anchor)
        };
        Ok(read())
    }
}

/// Most changes in one batch.
const BATCH_CHANGES: usize = 5_000;

/// Outbox rows in a state, those never tried first.
fn outgoing(db: &Connection, state: i64) -> Result<Vec<Outgoing>, StoreError> {
    let mut query =
        db.prepare_cached("SELECT id, case_id, tries, bytes FROM outbox WHERE state = ?1 ORDER BY tries > 0, id LIMIT ?2")?;
    let rows = query
        .query_map(params![state, BATCH_CHANGES], |row| Ok((row.get(0)?, row.get::<_, Vec<u8>>(1)?, row.get(2)?, row.get(3)?)))?;
    rows.map(|row| {
        let (id, case, tries, bytes) = row?;
        let case = CaseId::try_from(case.as_slice()).map_err(|_| StoreError::Damaged("outbox"))?;
        Ok(Outgoing { id, case, tries, bytes })
    })
    .collect()
}

/// The same, without damaged rows: those are put aside and shown, and must not keep the others from being sent.
fn sound(db: &Connection, state: i64) -> Result<Vec<Outgoing>, StoreError> {
    let (sound, damaged): (Vec<_>, Vec<_>) =
        outgoing(db, state)?.into_iter().partition(|change| Change::read_stored(&change.case, &change.bytes).is_ok());
    for change in damaged {
        keep(db, change.id, HELD, Some("damaged"))?;
    }
    Ok(sound)
}

/// The batch's cases in a fixed order, each with its changes in theirs: verdicts come by index.
fn by_case(open: &[Outgoing]) -> BTreeMap<CaseId, Vec<&Outgoing>> {
    let mut cases: BTreeMap<CaseId, Vec<&Outgoing>> = BTreeMap::new();
    for change in open {
        cases.entry(change.case).or_default().push(change);
    }
    for changes in cases.values_mut() {
        changes.sort_by_key(|change| change.id);
    }
    cases
}

fn push(batch: u64, open: &[Outgoing], clocks: Clocks) -> Result<Push, StoreError> {
    let cases = by_case(open).into_iter().map(|(case, changes)| {
        let chunks: Vec<&[u8]> = changes.iter().map(|change| change.bytes.as_slice()).collect();
        Ok(PushCase { case, pack: pack::elide(&chunks).ok_or(StoreError::Damaged("change"))? })
    });
    // The clocks are read for each sending, not kept with the batch: they tie this device's monotonic clock to the moment
    // of arrival, and a batch that waited for an hour would tie it an hour wrong.
    let clock = BatchClock { wall_ms: clocks.wall.0, mono_ms: clocks.mono_ms, boot: clocks.boot.0 };
    Ok(Push { batch, clock, cases: cases.collect::<Result<_, StoreError>>()? })
}

fn apply_ack(db: &Connection, ack: &Ack, touched: &mut BTreeSet<CaseId>) -> Result<(), StoreError> {
    if ack.batch != read_u64(db, "batch")? {
        return Ok(()); // a late answer to a batch that is settled
    }
    let open = outgoing(db, IN_BATCH)?;
    for (case, sent) in by_case(&open) {
        // `prepare` has put aside what can not be read, so what is in the batch can; a row damaged since then waits.
        let mut changes = Vec::with_capacity(sent.len());
        for outgoing in &sent {
            changes.extend(Change::read_stored(&case, &outgoing.bytes).ok());
        }
        let monos: Vec<u64> = changes.iter().map(mono_of).collect();
        let answer = ack.cases.iter().find(|answer| answer.case == case);
        let fault = answer.and_then(|answer| answer.fault.as_ref());
        // Verdicts come by index: another number of them than of changes is an answer to something else.
        let fits = |answer: &&AckCase| answer.rows.len() == sent.len() && monos.len() == sent.len();
        let verdicts = match answer.filter(fits) {
            Some(answer) => unpack_verdicts(UnixMs(ack.received_ms), &answer.rows, &answer.held, &monos),
            None => vec![Verdict::Pend; sent.len()],
        };
        for (i, (outgoing, verdict)) in sent.iter().zip(verdicts).enumerate() {
            match (verdict, fault, changes.get(i)) {
                (Verdict::Ok(receipt) | Verdict::Dup(receipt), _, Some(change)) => accept(db, outgoing.id, change, receipt)?,
                (Verdict::Held(reason), ..) => keep(db, outgoing.id, HELD, Some(&reason))?,
                (_, Some(fault), _) if outgoing.tries + 1 >= MOST_FAULTS => keep(db, outgoing.id, HELD, Some(fault))?,
                _ => keep(db, outgoing.id, UNSENT, None)?,
            }
        }
        touched.insert(case);
    }
    Ok(())
}

/// The server has the change: it moves from the outbox to the accepted ones, and the photos it names may follow, whichever
/// entry named them first. The only way out of the outbox.
fn accept(db: &Connection, outbox: i64, change: &Change, receipt: Receipt) -> Result<(), StoreError> {
    db.prepare_cached(
        "INSERT INTO change (case_id, n, hash, install, seq, max_op, received_at, acted_at, bytes)
         SELECT case_id, (SELECT coalesce(max(n), 0) + 1 FROM change WHERE change.case_id = outbox.case_id), hash, install, seq,
           max_op, ?2, ?3, bytes FROM outbox WHERE id = ?1",
    )?
    .execute(params![outbox, receipt.received_at.0, receipt.acted_at.map(|at| at.0)])?;
    for entry in change.entries() {
        if let Body::Photo(photo) = &entry.body {
            db.prepare_cached("UPDATE photo SET state = 1 WHERE sha = ?1 AND state = 0")?
                .execute(params![photo.id.as_bytes()])?;
        }
    }
    db.prepare_cached("DELETE FROM outbox WHERE id = ?1")?.execute(params![outbox])?;
    Ok(())
}

/// The change stays in the outbox: to be offered again, or held for a person.
fn keep(db: &Connection, outbox: i64, state: i64, reason: Option<&str>) -> Result<(), StoreError> {
    db.prepare_cached("UPDATE outbox SET state = ?2, reason = ?3, tries = tries + 1 WHERE id = ?1")?
        .execute(params![outbox, state, reason])?;
    Ok(())
}

/// Takes the new changes of a case; false if the pack does not rebuild. A change that can not be taken is parked and counted;
/// it blocks neither the others nor the cursor.
fn apply_feed(db: &Connection, feed: &FeedCase, rules: &Pack, now: UnixMs) -> Result<bool, StoreError> {
    let case = feed.case;
    let Ok(chunks) = pack::restore(&feed.pack) else { return Ok(false) };
    let mut history = project::history(db, &case)?;
    let mut head = project::head(db, &case)?;
    let who = identity::read(db)?.ok_or(StoreError::NotEnrolled)?;
    let read: Vec<_> = chunks.iter().map(|(_, bytes)| Change::read(&case, bytes)).collect();
    let monos: Vec<u64> = read.iter().map(|change| change.as_ref().map_or(0, mono_of)).collect();
    let Some(receipts) = unpack_receipts(&feed.receipts, &monos) else { return Ok(false) };
    for ((read, receipt), (hash, bytes)) in read.iter().zip(receipts).zip(&chunks) {
        let verdict = match read {
            Ok(change) => history.admit(change),
            Err(refusal) => Admission::Refused(refusal.clone()),
        };
        match (read, verdict) {
            (Ok(change), Admission::New) => {
                head.position.advance(change, change.install() == who.install);
                head.changes += 1;
                head.bytes += change.bytes().len();
                project::insert_accepted(db, &case, &change.link(), change.bytes(), receipt, None)?;
            }
            (read, Admission::Known) => {
                // Ours, and its verdict never came; or the server's word on one we have.
                let waiting: Option<i64> = db
                    .prepare_cached("SELECT id FROM outbox WHERE case_id = ?1 AND hash = ?2")?
                    .query_row(params![case.as_bytes(), hash.as_bytes()], |row| row.get(0))
                    .optional()?;
                if let (Some(outbox), Ok(change)) = (waiting, read) {
                    accept(db, outbox, change, receipt)?;
                }
            }
            (_, refused) => {
                let reason = match &refused {
                    Admission::Refused(refusal) => refusal.code(),
                    _ => "early",
                };
                let unknown = Link { hash: *hash, install: InstallId::new([0; 16]), seq: 0, max_op: 0 };
                project::insert_accepted(db, &case, &unknown, bytes, receipt, Some(reason))?;
            }
        }
    }
    match project::entries(db, &case) {
        Ok(entries) => project::write_row(db, &case, &head, entries, rules, now)?,
        // A damaged row of this case must not stop the others: what is new is kept, only the writer's columns move.
        Err(StoreError::Damaged(_)) => project::advance_row(db, &case, &head, 0, now)?,
        Err(error) => return Err(error),
    }
    Ok(true)
}

/// The monotonic time of a change's act.
fn mono_of(change: &Change) -> u64 {
    change.entries().first().map_or(0, |entry| entry.time.mono_ms)
}

fn history_id(db: &Connection) -> Result<HistoryId, StoreError> {
    let stored = Store::meta(db, "history")?;
    Ok(stored.and_then(|bytes| HistoryId::try_from(bytes.as_slice()).ok()).unwrap_or(HistoryId::new([0; 16])))
}

fn read_u64(db: &Connection, key: &str) -> Result<u64, StoreError> {
    Ok(Store::meta(db, key)?.and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_be_bytes))
}
