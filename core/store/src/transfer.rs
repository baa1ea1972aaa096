//! Sync in the store: makes the next batch durable, and applies an answer in one transaction.

use std::collections::{BTreeMap, BTreeSet};

use doorstep_document::Change;
use doorstep_domain::{Anchor, BootId, CaseId, Clocks, HistoryId, InstallId, RefusalCode, UnixMs};
use doorstep_protocol::{
    Ack, AckCase, Answer, Batch, BatchClock, Beacon, CaseRef, Decision, Demand, Envelope, FeedPage, Pull, Pushed, Quarantined,
    RefKind, Scope, Sending, Signed, SyncRequest, Verdict, Witness, decode, encode, unpack_verdicts,
};
use doorstep_rules::{FIRST_POLICY, Policy};
use doorstep_sync::Applied;
use rusqlite::{Connection, TransactionBehavior};

use crate::{
    Store, StoreError, anew,
    batch::{OpenBatch, StoredBatch, accept, by_case, chain_end, close_batch, in_batch, open_batch, pushed, set_state, waiting},
    dense::Brought,
    evict, feed, identity, photos, project, rebase, reserve,
    rest::{self, Left},
    row::{Statements, params},
    sent::{Newest, Sent},
    states::OutboxState,
};

/// How often a change whose pack the server could not rebuild is sent in a batch. After that it is quarantined here and shown.
const MOST_FAULTS: i64 = 2;
/// The largest number of quarantined changes that a request asks about.
const MOST_ASKED: usize = 64;

impl Store {
    /// Makes the request of the next sync, with an unsigned batch. Unsent changes become the open batch, durably, before its
    /// first byte leaves. A batch whose answer never came is sent again under its number, byte for byte.
    ///
    /// `recut`: the server found the open batch too large and took nothing of it, so a smaller one may have its number. Otherwise
    /// it keeps its content, whatever its size: a server that has taken it would see a fork.
    ///
    /// On the reserve of a full disk the batch is small, and the server is asked for as little as possible.
    pub fn prepare(&mut self, max_bytes: usize, recut: bool, clocks: Clocks, app: &str) -> Result<SyncRequest, StoreError> {
        let max_bytes = if self.is_on_reserve() { max_bytes.min(reserve::BATCH) } else { max_bytes };
        let mut left = self.left.take();
        // Nothing can be listed without rules, so pages would come twice.
        let want_bytes = if self.book()?.is_some() { u32::try_from(max_bytes).unwrap_or(u32::MAX) } else { 0 };
        let tx = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let who = identity::read(&tx)?.ok_or(StoreError::NotEnrolled)?;
        let (mut body, mut made) = (None, None);
        if let Some(open) = open_batch(&tx, &who.install)? {
            let count = concat!("SELECT count(*) FROM outbox WHERE ", outbox_is_moved!("?1"));
            let changes: i64 = tx.one("outbox", count, params![OutboxState::InBatch], |row| row.get(0))?;
            if !recut || open.size <= max_bytes || changes <= 1 {
                body = Some(open.body);
            } else {
                tx.run("DELETE FROM batch WHERE install = ?1 AND number = ?2", params![who.install, open.number])?;
                let back = concat!("UPDATE outbox SET state = ?2 WHERE ", outbox_is_moved!("?1"));
                tx.run(back, params![OutboxState::InBatch, OutboxState::Unsent])?;
                rest::put_back(&tx)?;
                left = None;
            }
        }
        let mut left = rest::present(&tx, left)?;
        if body.is_none() {
            let closed;
            (closed, left) = close_batch(&tx, &who, max_bytes, left)?;
            (body, made) = closed.map(|made| (made.body, made.newest)).unzip();
        }
        // The clocks are read for each sending and not kept with the batch: they tie this device's monotonic clock to the time of
        // arrival, and a batch that waited for an hour would tie it an hour wrong. The changes that stay behind are named for
        // each sending too.
        let (mut push, mut batch) = (None, None);
        match body.map(StoredBatch::read).transpose()? {
            Some(StoredBatch::OfVersion2(body)) => push = Some(Envelope { body, clock: BatchClock::of(&clocks), sig: vec![] }),
            Some(StoredBatch::OfVersion3(stored)) => {
                let heard = Self::meta(&tx, HEARD)?.and_then(|bytes| bytes.try_into().ok()).map(i64::from_be_bytes).map(UnixMs);
                let sending = Sending::of(&clocks, heard, rest::name(&tx, &mut left)?);
                let sending = encode(&sending).map_err(|_| StoreError::Damaged("batch"))?;
                batch = Some(Batch { sending, ..stored });
            }
            None => {}
        }
        let counter = newest_answer(&tx)?.map(|witness| witness.counter);
        let waiting = waiting(&tx, &left)?;
        let left = Left::after(&tx, left)?;
        tx.commit()?;
        self.left = Some(left);
        self.newest = made.or(self.newest.take());
        Ok(SyncRequest {
            device: who.device,
            install: who.install,
            history: history_id(&self.db)?,
            push,
            pull: self.cursors()?,
            want_bytes,
            refs: self.ref_versions()?,
            chain: chain_end(&self.db, &who.install)?,
            beacon: Some(self.beacon(app, waiting)?),
            quarantined: undecided(&self.db)?,
            lost: self.lost_photos()?,
            batch,
            counter,
            witness: None,
            packs: None,
            dense: None,
            pins: self.pins()?,
        })
    }

    /// The documents of a request's batch with their changes, which the verdicts of the answer are about. Those of a new batch
    /// are known; those of a repeated batch are read from it.
    pub fn pushed(&self, request: &SyncRequest) -> Vec<Pushed> {
        match (&request.batch, &self.newest) {
            (Some(batch), Some(newest)) if batch.hash() == newest.hash => newest.pushed.clone(),
            _ => pushed(request),
        }
    }

    /// The position of each feed.
    pub fn cursors(&self) -> Result<Vec<Pull>, StoreError> {
        self.db.all("scope", "SELECT scope, cursor FROM scope ORDER BY scope", params![], |row| {
            Ok(Pull { scope: row.get::<String>(0)?.into(), cursor: row.get(1)? })
        })
    }

    /// The report of unsent work, for head office.
    fn beacon(&self, app: &str, (cases, oldest_ms, bytes): (usize, Option<i64>, u64)) -> Result<Beacon, StoreError> {
        let unsent_cases = u32::try_from(cases).unwrap_or(u32::MAX);
        let photos = concat!("SELECT count(*), coalesce(sum(len), 0) FROM photo WHERE ", photo_waits!(), " AND thumbnail = 0");
        let (unsent_photos, photo_bytes): (u32, u64) =
            self.db.one("photo", photos, params![], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let unsent_bytes = bytes.saturating_add(photo_bytes);
        // An unknown free space must not stop a sync.
        let disk_free_mb = self.free_space().ok().and_then(|bytes| u32::try_from(bytes / 1_000_000).ok());
        let altered = concat!("SELECT count(*) FROM outbox WHERE ", outbox_is_moved!("?1"), " AND reason = ?2");
        let reason = RefusalCode::Damaged.to_string();
        let damaged: u32 = self.db.one("outbox", altered, params![OutboxState::Quarantined, reason], |row| row.get(0))?;
        let (app, damaged) = (app.to_owned(), (damaged > 0).then_some(damaged));
        Ok(Beacon { unsent_cases, unsent_photos, unsent_bytes, oldest_ms, app, disk_free_mb, damaged })
    }

    /// Applies an answer in one transaction: verdicts, decisions, feeds, cursors, the token and the time anchor. `fresh`: the
    /// installation to move on to, if the answer demands one. `asked`: the clocks when the request was sent.
    ///
    /// On the reserve of a full disk the feeds wait: their pages are left out, no cursor moves, and no more pages or lists are
    /// asked for.
    pub fn apply(&mut self, answer: &Answer, asked: Clocks, now: UnixMs, fresh: InstallId) -> Result<Applied, StoreError> {
        self.load_book()?;
        // The present policy counts; a newer one counts from the next answer on. Unreadable rules must not remove the lock.
        let policy = self.policy().or_else(|_| Policy::parse(FIRST_POLICY).map_err(|_| StoreError::Damaged("reference")))?;
        let hours = i64::from(policy.offline_hours);
        let offline_end = if hours > 0 { answer.now_ms.saturating_add(hours * 3_600_000) } else { i64::MAX };
        let waits_for_room = self.is_on_reserve();
        let kept = self.left.take();
        let mut brought = Brought::of(answer);
        let tx = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        // An answer that only takes changes leaves the unsent ones as they are.
        let mut left = match kept {
            Some(left) if left.is_present(&tx)? => Some(left),
            _ => None,
        };
        let only_takes = answer.decisions.is_empty()
            && answer.resend.is_empty()
            && answer.demand.is_none()
            && answer.feed.iter().all(|page| page.cases.is_empty() && page.out.is_empty())
            && history_id(&tx)? == answer.history
            && !tx.exists("SELECT 1 FROM unconfirmed", params![])?;
        let rules = self.book.as_ref().map(|(_, book)| book.as_ref());
        let who = identity::read(&tx)?.ok_or(StoreError::NotEnrolled)?;
        if history_id(&tx)? != answer.history {
            // The log is another one, so every cursor starts anew. The server has fed from the start, because it saw the
            // difference too.
            anew::begin(&tx)?;
            Self::set_meta(&tx, "history", answer.history.as_bytes())?;
            tx.run("DELETE FROM scope", params![])?;
            photos::start_over(&tx)?;
            // Versions, times and numbers of answers of another log mean nothing for this one.
            tx.run("UPDATE reference SET version = 0", params![])?;
            tx.run("DELETE FROM meta WHERE key IN (?1, ?2)", params![HEARD, WITNESS])?;
        }
        if let Some(token) = &answer.token {
            identity::set_token(&tx, token)?;
        }
        let mut touched = BTreeSet::new();
        let mut refused = BTreeSet::new();
        if let Some((ack, signed)) = &answer.ack {
            let newest = self.newest.as_ref().filter(|newest| newest.hash == ack.hash);
            let to = Settled { touched: &mut touched, refused: &mut refused, left: &mut left };
            apply_ack(&tx, &who.install, (ack, signed), newest, to)?;
        }
        for decision in &answer.decisions {
            decide(&tx, decision)?;
            touched.insert(decision.of.case);
        }
        for number in &answer.resend {
            send_again(&tx, &who.install, *number, now, &mut touched)?;
        }
        // Nothing can be listed without rules. An older server sends pages all the same, and they wait until the pack has been
        // fetched, which comes next.
        let mut pages_whole = !waits_for_room;
        // Without a signature anybody on the way could have written the page, and changes behind a cursor are never asked for again.
        // So such a page moves no cursor forward, and promises nothing.
        let is_signed = |page: &FeedPage| answer.witness.is_some() || !page.cases.is_empty() || !page.out.is_empty();
        for page in answer.feed.iter().filter(|_| rules.is_some() && !waits_for_room) {
            let mut whole = true;
            for case in &page.cases {
                if let Some(rules) = rules {
                    whole &= feed::apply(&tx, case, brought.next(case), &page.scope, rules, now)?;
                }
            }
            // A pack that does not rebuild was damaged on the way. The other cases of the page are kept, and the page is asked
            // for again.
            if whole {
                for CaseRef(case) in &page.out {
                    evict::out(&tx, case, &page.scope)?;
                }
                let to = if is_signed(page) { page.to } else { page.to.min(cursor_of(&tx, &page.scope)?) };
                tx.run(
                    "INSERT INTO scope (scope, cursor) VALUES (?1, ?2) ON CONFLICT (scope) DO UPDATE SET cursor = ?2",
                    params![page.scope.to_string(), to],
                )?;
            }
            pages_whole &= whole;
        }
        // A revoked device and one of an ended version get no pages, so a missing page tells nothing about its scope.
        let has_page = |scope: &Scope| answer.feed.iter().any(|page| page.scope == *scope);
        let has_pages = answer.scopes.iter().all(has_page) && answer.feed.iter().all(|page| !page.more);
        let is_read = rules.is_some() && pages_whole && answer.demand.is_none() && has_pages;
        if is_read {
            anew::put_back(&tx, now, &mut touched)?;
        }
        // Another process on this store has gone on since the request: the server saw an old end of the chain, not a clone.
        let is_old = answer.asked.is_some() && answer.asked != chain_end(&tx, &who.install)?;
        let demand = answer.demand.filter(|demand| *demand != Demand::NewInstall || !is_old);
        match demand {
            Some(Demand::NewInstall) => {
                rebase::everything(&tx, fresh, rules, now)?;
                // Everything is fetched from the start, because changes of another copy of this store were left out as our own.
                tx.run("DELETE FROM scope", params![])?;
            }
            _ if refused.is_empty() => {}
            _ => rebase::cases(&tx, fresh, &refused, rules, now)?,
        }
        photos::told_of_lost(&tx, &answer.told)?;
        for photo in &answer.wanted {
            photos::wanted_again(&tx, photo)?;
        }
        Self::set_meta(&tx, "revoked", if demand == Some(Demand::Revoked) { b"1" } else { b"" })?;
        let is_revoked = demand == Some(Demand::Revoked);
        if !is_revoked && evict::leave_other_scopes(&tx, &answer.scopes)? && demand.is_none() {
            // Own changes leave too, so the feeds must not leave them out as our own.
            rebase::everything(&tx, fresh, rules, now)?;
            left = None;
        }
        evict::evict(&tx)?;
        // The server knows its time of receipt and this device's monotonic time of sending as one contact. Only such a pair
        // proves a time later.
        if let Some(received_ms) = answer.received_ms {
            let mut anchor = Vec::from(asked.boot.0);
            anchor.extend(received_ms.to_be_bytes());
            anchor.extend(asked.mono_ms.to_be_bytes());
            Self::set_meta(&tx, "anchor", &anchor)?;
        }
        if let Some(witness) = &answer.witness {
            // Another process on this store may have stored a newer one.
            if newest_answer(&tx)?.is_none_or(|newest| newest.counter < witness.counter) {
                Self::set_meta(&tx, WITNESS, &encode(witness).map_err(|_| StoreError::Damaged("answer"))?)?;
            }
        }
        Self::note_packs(&tx, answer, brought.rebuilt)?;
        Self::set_meta(&tx, "last_answer", &answer.now_ms.to_be_bytes())?;
        // A revoked device may only deliver, so its answer does not extend the time offline.
        if !is_revoked {
            Self::set_meta(&tx, "offline_end", &offline_end.to_be_bytes())?;
        }
        Self::set_meta(&tx, "gateway", if answer.gateway { b"1" } else { b"" })?;
        // A list judges these rows before it shows them. Judging them here, every change read again, took most of an upload.
        for case in &touched {
            project::judge_later(&tx, case)?;
        }
        let left = match left {
            Some(left) if only_takes => Some(left.still(&tx)?),
            _ => None,
        };
        tx.commit()?;
        self.left = left;
        let in_batch = concat!("SELECT 1 FROM outbox WHERE ", outbox_is_moved!("?1"));
        let fresh = "SELECT 1 FROM outbox WHERE state = ?1 AND tries = 0";
        let more_to_send =
            self.db.exists(in_batch, params![OutboxState::InBatch])? || self.db.exists(fresh, params![OutboxState::Unsent])?;
        let new_install = demand == Some(Demand::NewInstall);
        if waits_for_room {
            return Ok(Applied { more_to_send, ..Applied::default() });
        }
        Ok(Applied {
            more_to_send,
            // Pages may have waited for the pack, if the server says that it has one. It names none to an old app.
            more_to_pull: (self.book.is_none() && answer.refs.iter().any(|r| r.kind == RefKind::Pack))
                || new_install
                || (pages_whole && answer.feed.iter().any(|page| page.more && is_signed(page))),
            stale: answer.refs.iter().map(|r| r.kind).collect(),
            ..Applied::default()
        })
    }

    /// Moves on to another installation, because the server refuses this one: another device has it, or its tag.
    pub fn change_install(&mut self, fresh: InstallId, now: UnixMs) -> Result<(), StoreError> {
        self.load_book()?;
        let tx = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        rebase::everything(&tx, fresh, self.book.as_ref().map(|(_, book)| book.as_ref()), now)?;
        tx.commit()?;
        Ok(())
    }

    /// The signed receipts of a batch, byte for byte with the server's signature. They are this device's proof.
    pub fn receipt(&self, install: &InstallId, batch: u64) -> Result<Option<Signed>, StoreError> {
        let sql = "SELECT ack, sig FROM batch WHERE install = ?1 AND number = ?2 AND ack IS NOT NULL";
        self.db.maybe("batch", sql, params![install, batch], |row| Ok(Signed { body: row.get(0)?, sig: row.get(1)? }))
    }

    /// The newest signed answer of the server's present log, for a server that asks for it.
    pub fn witness(&self) -> Result<Option<Witness>, StoreError> {
        newest_answer(&self.db)
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
/// The name in `meta` of the time of receipt in the newest verdicts.
const HEARD: &str = "heard";
/// The name in `meta` of the newest signed answer of the server's log.
const WITNESS: &str = "witness";

/// The newest signed answer of the present log. An unreadable one counts as none, because it proves nothing.
fn newest_answer(db: &Connection) -> Result<Option<Witness>, StoreError> {
    Ok(Store::meta(db, WITNESS)?.and_then(|bytes| decode(&bytes).ok()))
}

/// The position of a scope's feed; 0 if there is none.
fn cursor_of(db: &Connection, scope: &Scope) -> Result<u64, StoreError> {
    let sql = "SELECT cursor FROM scope WHERE scope = ?1";
    Ok(db.maybe("scope", sql, params![scope.to_string()], |row| row.get(0))?.unwrap_or(0))
}

/// The quarantined changes without a known decision of head office.
fn undecided(db: &Connection) -> Result<Vec<Quarantined>, StoreError> {
    let sql = concat!("SELECT case_id, hash FROM outbox WHERE ", outbox_is_moved!("?1"), " ORDER BY random() LIMIT ?2");
    db.all("outbox", sql, params![OutboxState::Quarantined, MOST_ASKED], |row| {
        Ok(Quarantined { case: row.get(0)?, change: row.get(1)? })
    })
}

/// Applies head office's decision on a quarantined change. A released change is deleted here, because the server has written it
/// anew into the log and the feed of a scope with the case brings it. A discarded change stays here with the reason.
fn decide(db: &Connection, decision: &Decision) -> Result<(), StoreError> {
    let (case, change) = (decision.of.case, decision.of.change);
    if decision.released {
        let sql = concat!("SELECT bytes FROM outbox WHERE case_id = ?1 AND hash = ?2 AND ", outbox_is_refused!());
        let bytes: Option<Vec<u8>> = db.maybe("outbox", sql, params![case, change], |row| row.get(0))?;
        if let Some(Ok(read)) = bytes.map(|bytes| Change::read_stored(&case, &bytes)) {
            photos::may_follow(db, &read)?;
        }
        let delete = concat!("DELETE FROM outbox WHERE case_id = ?1 AND hash = ?2 AND ", outbox_is_refused!());
        db.run(delete, params![case, change])?;
    } else {
        let sql = "SELECT bytes FROM outbox WHERE case_id = ?1 AND hash = ?2 AND state = ?3";
        let bytes: Option<Vec<u8>> =
            db.maybe("outbox", sql, params![case, change, OutboxState::Quarantined], |row| row.get(0))?;
        if let Some(Ok(read)) = bytes.map(|bytes| Change::read_stored(&case, &bytes)) {
            photos::discard(db, &read)?;
        }
        let reason = RefusalCode::Discarded(decision.why.clone()).to_string();
        let sql = "UPDATE outbox SET state = ?3, reason = ?4 WHERE case_id = ?1 AND hash = ?2 AND state = ?5";
        db.run(sql, params![case, change, OutboxState::Discarded, reason, OutboxState::Quarantined])?;
    }
    Ok(())
}

/// Makes the changes of a batch unsent again, because it never arrived or was lost with the server's log.
fn send_again(
    db: &Connection,
    install: &InstallId,
    number: u64,
    now: UnixMs,
    touched: &mut BTreeSet<CaseId>,
) -> Result<(), StoreError> {
    db.run("INSERT OR IGNORE INTO again (number) VALUES (?1)", params![number])?;
    let sql = "SELECT case_id, n FROM change WHERE batch = ?1 AND pusher = ?2 ORDER BY 1, 2";
    let lost = db.all("change", sql, params![number, install], |row| Ok((row.get(0)?, row.get(1)?)))?;
    for (case, n) in lost {
        anew::unsend(db, &case, n, now)?;
        touched.insert(case);
    }
    Ok(())
}

/// What the verdicts on a batch lead to.
struct Settled<'a> {
    /// Cases that stand otherwise now.
    touched: &'a mut BTreeSet<CaseId>,
    /// Cases with a refused change.
    refused: &'a mut BTreeSet<CaseId>,
    /// The unsent links; `None` once they have to be read anew.
    left: &'a mut Option<Left>,
}

fn apply_ack(
    db: &Connection,
    install: &InstallId,
    (ack, signed): (&Ack, &Signed),
    newest: Option<&Newest>,
    Settled { touched, refused, left }: Settled<'_>,
) -> Result<(), StoreError> {
    let is_answer = |open: OpenBatch| open.number == ack.batch && ack.install == *install && open.hash == ack.hash;
    if !open_batch(db, install)?.is_some_and(is_answer) {
        return Ok(()); // a late answer to a settled batch, or the answer to another batch
    }
    db.run("DELETE FROM again WHERE batch = ?1", params![ack.batch])?;
    Store::set_meta(db, HEARD, &ack.received_ms.to_be_bytes())?;
    let settle = "UPDATE batch SET body = NULL, ack = ?3, sig = ?4 WHERE install = ?1 AND number = ?2";
    db.run(settle, params![install, ack.batch, signed.body, signed.sig])?;
    let open = in_batch(db)?;
    let answers: BTreeMap<CaseId, &AckCase> =
        ack.cases.iter().rev().filter_map(|answer| Some((answer.case.as_ref()?.0, answer))).collect();
    for (case, sent) in by_case(&open) {
        // `prepare` has put unreadable changes aside, so the batch is readable; a row that was damaged since then waits.
        let mut changes = Vec::with_capacity(sent.len());
        for outgoing in &sent {
            changes.extend(Sent::read(newest, &case, &outgoing.bytes));
        }
        let monos: Vec<u64> = changes.iter().map(|sent| sent.mono_ms).collect();
        let answer = answers.get(&case).copied();
        let fault = answer.and_then(|answer| answer.fault.as_ref());
        // Verdicts come by index, so another number of verdicts than of changes answers something else.
        let fits = |answer: &&AckCase| answer.rows.len() == sent.len() && monos.len() == sent.len();
        let verdicts = match answer.filter(fits) {
            Some(answer) => unpack_verdicts(UnixMs(ack.received_ms), &answer.rows, &answer.quarantined, &monos),
            None => vec![Verdict::Pend; sent.len()],
        };
        for (i, (outgoing, verdict)) in sent.iter().zip(verdicts).enumerate() {
            match (verdict, fault, changes.get(i)) {
                (Verdict::Ok(receipt) | Verdict::Dup(receipt), _, Some(change)) => {
                    accept(db, &case, (outgoing.id, &outgoing.bytes), *change, receipt, Some((install, ack.batch)))?;
                    continue;
                }
                (Verdict::Quarantined(reason), ..) => {
                    set_state(db, outgoing.id, OutboxState::Quarantined, Some(&reason))?;
                    refused.insert(case);
                }
                (_, Some(fault), _) if outgoing.tries + 1 >= MOST_FAULTS => {
                    set_state(db, outgoing.id, OutboxState::Quarantined, Some(&fault.as_str().into()))?
                }
                _ => set_state(db, outgoing.id, OutboxState::Unsent, None)?,
            }
            *left = None;
        }
        touched.insert(case);
    }
    rest::forget_brought(db, left.as_mut())
}

fn history_id(db: &Connection) -> Result<HistoryId, StoreError> {
    let stored = Store::meta(db, "history")?;
    Ok(stored.and_then(|bytes| HistoryId::try_from(bytes.as_slice()).ok()).unwrap_or(HistoryId::new([0; 16])))
}
