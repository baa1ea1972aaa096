//! Taking a batch (protocol design, section 5): cheap checks first, one case never blocks another, commit before answering.

use doorstep_document::{Admission, Change, HARD_CASE_BYTES, HARD_CASE_CHANGES, History, Link, Position, Refusal, pack};
use doorstep_domain::{Body, CaseId, ChangeHash, InstallId, Receipt, UnixMs};
use doorstep_protocol::{Ack, AckCase, BatchClock, MAX_INFLATED, MAX_PUSH_CASES, Push, Verdict, pack_verdicts};
use rusqlite::{Connection, OptionalExtension, params};
use sha2::{Digest, Sha256};

use crate::{enrol::Device, error::ApiError, feed};

/// A batch after everything that needs no database.
pub(crate) struct Verified {
    number: u64,
    clock: BatchClock,
    content: [u8; 32],
    cases: Vec<VerifiedCase>,
}

struct VerifiedCase {
    case: CaseId,
    /// One for each change of the pack, or why the pack can not be rebuilt.
    changes: Result<Vec<Offered>, String>,
}

struct Offered {
    hash: ChangeHash,
    bytes: Vec<u8>,
    read: Result<Change, Refusal>,
}

/// Rebuilds packs and reads changes; runs outside the writer. Whatever the bytes, it does not panic, and what all packs
/// rebuild to is bounded like an inflated body.
pub(crate) fn verify(push: &Push, device: &Device) -> Result<Verified, ApiError> {
    if push.cases.len() > MAX_PUSH_CASES {
        return Err(ApiError::TooLarge);
    }
    let mut content = Sha256::new();
    for case in &push.cases {
        content.update(case.case);
        content.update((case.pack.len() as u64).to_be_bytes());
        content.update(&case.pack);
    }
    let mut rebuilt = 0;
    let mut cases = Vec::with_capacity(push.cases.len());
    for offered in &push.cases {
        let changes = match pack::restore(&offered.pack) {
            Err(fault) => Err(fault.to_string()),
            Ok(chunks) => {
                rebuilt += chunks.iter().map(|(_, bytes)| bytes.len()).sum::<usize>();
                if rebuilt > MAX_INFLATED {
                    return Err(ApiError::TooLarge);
                }
                let read = |bytes: &[u8]| Change::read(&offered.case, bytes).and_then(|change| author_of(change, device));
                Ok(chunks.into_iter().map(|(hash, bytes)| Offered { hash, read: read(&bytes), bytes }).collect())
            }
        };
        cases.push(VerifiedCase { case: offered.case, changes });
    }
    Ok(Verified { number: push.batch, clock: push.clock, content: content.finalize().into(), cases })
}

/// The actor is the device's own installation, and every entry names the person whose token pushes it, in a role and for
/// an outlet that it was enrolled with: what was recorded before a person moved to another outlet is as good as before.
fn author_of(change: Change, device: &Device) -> Result<Change, Refusal> {
    let is_theirs = |author: &doorstep_domain::Author| {
        let was = |(role, outlet): &(String, String)| author.role.as_str() == role && author.outlet.as_str() == outlet;
        author.user.as_str() == device.person && device.enrolled_as.iter().any(was)
    };
    if change.install() != device.install {
        return Err(Refusal::Actor);
    }
    match change.entries().iter().find(|entry| !is_theirs(&entry.author)) {
        Some(entry) => Err(Refusal::Field { kind: entry.key.kind.clone(), field: "by" }),
        None => Ok(change),
    }
}

/// Takes a batch inside the writer's transaction. A batch that was taken before gets its stored verdicts.
pub(crate) fn take(db: &Connection, batch: &Verified, device: &Device, now: UnixMs) -> Result<Ack, ApiError> {
    let known: Option<(Vec<u8>, Vec<u8>)> = db
        .prepare_cached("SELECT content, ack FROM batch WHERE device = ?1 AND number = ?2")?
        .query_row(params![device.id.as_bytes(), batch.number], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    if let Some((_, ack)) = known.as_ref().filter(|(content, _)| content.as_slice() == batch.content) {
        let ack: Ack = doorstep_protocol::decode(ack).map_err(|_| ApiError::Internal("stored verdicts"))?;
        return Ok(Ack { replayed: true, ..ack });
    }
    let mut cases = Vec::with_capacity(batch.cases.len());
    for offered in &batch.cases {
        cases.push(match &offered.changes {
            Ok(changes) => take_case(db, &offered.case, changes, batch, device, now)?,
            Err(fault) => AckCase { case: offered.case, rows: vec![], held: vec![], fault: Some(fault.clone()) },
        });
    }
    let ack = Ack { batch: batch.number, replayed: false, received_ms: now.0, cases };
    // The same number with other content is a clone or a restored backup; its changes are taken by hash like any others,
    // and the first verdicts stay. The alarm comes with the signed chain.
    db.prepare_cached("INSERT OR IGNORE INTO batch (device, number, content, ack) VALUES (?1, ?2, ?3, ?4)")?.execute(params![
        device.id.as_bytes(),
        batch.number,
        batch.content.as_slice(),
        doorstep_protocol::encode(&ack)?
    ])?;
    Ok(ack)
}

fn take_case(
    db: &Connection,
    case: &CaseId,
    offered: &[Offered],
    batch: &Verified,
    device: &Device,
    now: UnixMs,
) -> Result<AckCase, ApiError> {
    let mut history = history(db, case)?;
    let mut doc = Doc::read(db, case)?;
    let before = doc.n;
    let mut verdicts = Vec::with_capacity(offered.len());
    for change in offered {
        let (verdict, mono_ms) = match &change.read {
            Err(refusal) => (hold(db, case, change, refusal, batch, device, now)?, 0),
            Ok(read) => {
                let mono_ms = read.entries().first().map_or(0, |entry| entry.time.mono_ms);
                let verdict = match history.judge(read) {
                    Admission::New if doc.is_full(read) => hold(db, case, change, &Refusal::CaseFull, batch, device, now)?,
                    Admission::New => {
                        let receipt = Receipt { received_at: now, acted_at: acted_at(read, &batch.clock, now) };
                        history.remember(read.link());
                        doc.take(read, device);
                        insert(db, case, doc.n, read, mono_ms, receipt, batch, device)?;
                        Verdict::Ok(receipt)
                    }
                    Admission::Known => Verdict::Dup(first_receipt(db, case, &change.hash)?),
                    Admission::Early => Verdict::Pend,
                    Admission::Refused(refusal) => hold(db, case, change, &refusal, batch, device, now)?,
                };
                (verdict, mono_ms)
            }
        };
        verdicts.push((verdict, mono_ms));
    }
    if doc.n > before {
        doc.write(db, case)?;
        feed::publish(db, case, before + 1, doc.n)?;
    }
    let (rows, held) = pack_verdicts(now, &verdicts);
    Ok(AckCase { case: *case, rows, held, fault: None })
}

/// When the act happened by this server's clock. In the boot that pushes, the monotonic clock tells exactly, whatever the
/// wall clock says; else the entry's own anchor does; else nothing. Never after its arrival.
fn acted_at(change: &Change, clock: &BatchClock, now: UnixMs) -> Option<UnixMs> {
    let time = &change.entries().first()?.time;
    let in_this_boot = (time.boot.0 == clock.boot).then(|| clock.mono_ms.checked_sub(time.mono_ms)).flatten();
    let elapsed = in_this_boot.and_then(|elapsed| i64::try_from(elapsed).ok());
    elapsed.map(|elapsed| now.plus(-elapsed)).or_else(|| time.anchored()).map(|at| at.min(now))
}

fn hold(
    db: &Connection,
    case: &CaseId,
    change: &Offered,
    refusal: &Refusal,
    batch: &Verified,
    device: &Device,
    now: UnixMs,
) -> Result<Verdict, ApiError> {
    db.prepare_cached(
        "INSERT OR IGNORE INTO held (case_id, hash, reason, device, batch, received_at, bytes) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?
    .execute(params![
        case.as_bytes(), change.hash.as_bytes(), refusal.code(), device.id.as_bytes(), batch.number, now.0, change.bytes
    ])?;
    Ok(Verdict::Held(refusal.code().to_owned()))
}

#[allow(clippy::too_many_arguments, reason = "one row, one column each")]
fn insert(
    db: &Connection,
    case: &CaseId,
    n: u64,
    change: &Change,
    mono_ms: u64,
    receipt: Receipt,
    batch: &Verified,
    device: &Device,
) -> Result<(), ApiError> {
    db.prepare_cached(
        "INSERT INTO change (case_id, n, hash, install, seq, max_op, mono_ms, device, batch, received_at, acted_at, bytes)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
    )?
    .execute(params![
        case.as_bytes(),
        n,
        change.hash().as_bytes(),
        change.install().as_bytes(),
        change.seq(),
        change.max_op(),
        mono_ms,
        device.id.as_bytes(),
        batch.number,
        receipt.received_at.0,
        receipt.acted_at.map(|at| at.0),
        change.bytes()
    ])?;
    for entry in change.entries() {
        if let Body::Photo(photo) = &entry.body {
            // The bytes may be here already, through another case.
            db.prepare_cached(
                "INSERT INTO photo (sha, case_id, len, device, stored_at, mime)
                 VALUES (?1, ?2, ?3, ?4, (SELECT stored_at FROM photo WHERE sha = ?1), (SELECT mime FROM photo WHERE sha = ?1))
                 ON CONFLICT (sha, case_id) DO NOTHING",
            )?
            .execute(params![photo.id.as_bytes(), case.as_bytes(), photo.len, device.id.as_bytes()])?;
        }
    }
    Ok(())
}

fn first_receipt(db: &Connection, case: &CaseId, hash: &ChangeHash) -> Result<Receipt, ApiError> {
    Ok(db
        .prepare_cached("SELECT received_at, acted_at FROM change WHERE case_id = ?1 AND hash = ?2")?
        .query_row(params![case.as_bytes(), hash.as_bytes()], |row| {
            Ok(Receipt { received_at: UnixMs(row.get(0)?), acted_at: row.get::<_, Option<i64>>(1)?.map(UnixMs) })
        })?)
}

fn history(db: &Connection, case: &CaseId) -> Result<History, ApiError> {
    let mut query = db.prepare_cached("SELECT hash, install, seq, max_op FROM change WHERE case_id = ?1")?;
    let mut rows = query.query(params![case.as_bytes()])?;
    let mut links = Vec::new();
    let damaged = |_| ApiError::Internal("change row");
    while let Some(row) = rows.next()? {
        links.push(Link {
            hash: ChangeHash::try_from(row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?).map_err(damaged)?,
            install: InstallId::try_from(row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?).map_err(damaged)?,
            seq: row.get(2)?,
            max_op: row.get(3)?,
        });
    }
    Ok(History::of(links))
}

/// The server's row of a case.
#[derive(Default)]
struct Doc {
    n: u64,
    bytes: usize,
    position: Position,
    waybill: String,
    notified: bool,
    notice_to: Option<String>,
    first_person: String,
}

impl Doc {
    fn read(db: &Connection, case: &CaseId) -> Result<Self, ApiError> {
        let row = db
            .prepare_cached(
                "SELECT n, heads, max_op, waybill, notified, notice_to, first_person, bytes FROM doc WHERE case_id = ?1",
            )?
            .query_row(params![case.as_bytes()], |row| {
                let heads: Vec<u8> = row.get(1)?;
                let heads = heads.chunks(32).filter_map(|hash| ChangeHash::try_from(hash).ok()).collect();
                Ok(Self {
                    n: row.get(0)?,
                    position: Position { heads, max_op: row.get(2)?, seq: 0 },
                    waybill: row.get(3)?,
                    notified: row.get::<_, i64>(4)? == 1,
                    notice_to: row.get(5)?,
                    first_person: row.get(6)?,
                    bytes: row.get(7)?,
                })
            })
            .optional()?;
        Ok(row.unwrap_or_default())
    }

    fn is_full(&self, change: &Change) -> bool {
        self.n >= HARD_CASE_CHANGES as u64 || self.bytes + change.bytes().len() > HARD_CASE_BYTES
    }

    fn take(&mut self, change: &Change, device: &Device) {
        self.n += 1;
        self.bytes += change.bytes().len();
        self.position.advance(change, false);
        if self.first_person.is_empty() {
            self.first_person.clone_from(&device.person);
        }
        for entry in change.entries() {
            if let Some(facts) = entry.facts.as_ref().filter(|_| self.waybill.is_empty()) {
                self.waybill = facts.waybill.to_string();
            }
            match &entry.body {
                Body::Notice(notice) => {
                    self.notified = true;
                    self.notice_to = Some(notice.to.to_string());
                }
                Body::Outage(_) => self.notified = true,
                _ => {}
            }
        }
    }

    fn write(&self, db: &Connection, case: &CaseId) -> Result<(), ApiError> {
        let heads: Vec<u8> = self.position.heads.iter().flat_map(|h| *h.as_bytes()).collect();
        db.prepare_cached(
            "INSERT INTO doc (case_id, waybill, n, heads, max_op, notified, notice_to, first_person, bytes, projected_n)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 0)
             ON CONFLICT (case_id) DO UPDATE SET n = ?3, heads = ?4, max_op = ?5, notified = ?6, notice_to = ?7, bytes = ?9, frozen = NULL",
        )?
        .execute(params![
            case.as_bytes(),
            self.waybill,
            self.n,
            heads,
            self.position.max_op,
            i64::from(self.notified),
            self.notice_to,
            self.first_person,
            self.bytes
        ])?;
        Ok(())
    }
}
