//! Admits a batch (protocol design, section 5): one case never blocks another, and the commit comes before the answer.

use std::collections::{HashMap, HashSet};

use doorstep_document::{Admission, Change, HARD_CASE_BYTES, HARD_CASE_CHANGES, MAX_CASE_HEADS, Refusal};
use doorstep_domain::{CaseId, Digest, DocKind, DocRef, FactsCheck, Receipt, Reckoning, UnixMs};
use doorstep_protocol::{Ack, AckCase, CaseRef, Spoken, Verdict, pack_verdicts, unpack_verdicts, verdicts_leaf};
use doorstep_rules::QuestionRules;

use crate::{
    asked,
    case_log::{self, mono_of},
    chain::{self, Taken},
    doc::origin_to_tell,
    elsewhere::Doing,
    enrol::Device,
    error::ApiError,
    facts, feed,
    first::First,
    gap::{Gaps, Order, Said},
    holder,
    keys::Keys,
    left,
    link::Kept,
    listed,
    packs::Rules,
    quarantine::{self, Refused},
    quota::{self, Brought},
    rights::{Known, Rights},
    row_scopes,
    store::{
        self,
        docs::{self, Doc},
        listing,
        tx::Tx,
    },
    verify::{Offered, Verified, VerifiedCase},
};

/// The facts about a sending that are not in its batch.
pub(crate) struct Around<'a> {
    pub rules: &'a Rules,
    pub keys: &'a Keys,
    /// The device's newest passing request.
    pub passing: Option<UnixMs>,
    /// The device's passing requests that are remembered.
    pub recent: &'a [UnixMs],
    /// The first receipts, proven by the batch, of changes that the log has lost.
    pub first: &'a First,
    pub now: UnixMs,
}

/// Admits a batch inside the writer's transaction. A batch that came before gets its stored verdicts.
pub(crate) fn admit(tx: &Tx<'_>, batch: &Verified, device: &Device, around: &Around<'_>) -> Result<Taken, ApiError> {
    let Around { rules, keys, passing, recent, first, now } = *around;
    let (_, book) = rules.book(tx)?;
    let said = Said { clocks: batch.clock, heard: batch.signed.heard, named: left::take_up(tx, batch, device)? };
    let gaps = Gaps::begin(tx, device, said, (passing, recent), book.at(now).switches.trusted_gap_ms(), now)?;
    left::leave(tx, device, batch.signed.rest.as_deref().unwrap_or_default(), gaps.of_now())?;
    if let Some(ack) = chain::verdicts_of(tx, &batch.install, batch.number, &batch.hash)? {
        let forked = chain::is_forked_batch(tx, batch)?;
        return Ok(Taken { leaves: leaves_of(batch, &ack), ack: Ack { replayed: true, ..ack }, forked });
    }
    quota::admit_batch(tx, rules, &device.id, now)?;
    let alarm = chain::examine(tx, batch)?;
    if let Some(alarm) = alarm {
        chain::raise(tx, device, &batch.install, batch.number, alarm, now)?;
    }
    let rights = Rights::read(tx, rules)?;
    let mut taking = Taking {
        tx,
        batch,
        device,
        rights: &rights,
        questions: book.at(now).questions(),
        gaps: &gaps,
        first,
        now,
        kept: Kept::default(),
        brought: Brought::default(),
    };
    let mut cases = Vec::with_capacity(batch.cases.len());
    let mut is_faulty = false;
    for offered in &batch.cases {
        cases.push(match &offered.changes {
            Ok(changes) => taking.document(&offered.doc(), changes)?,
            Err(fault) => {
                is_faulty = true;
                AckCase { case: Some(CaseRef(offered.case)), rows: vec![], quarantined: vec![], fault: Some(fault.clone()) }
            }
        });
    }
    let Taking { kept, mut brought, .. } = taking;
    if is_faulty {
        // A pack that does not rebuild is stored with its batch.
        brought.refused_bytes = brought.refused_bytes.saturating_add(batch.signed.body.len() as u64);
    }
    quota::count_batch(tx, rules, &device.id, &brought, now)?;
    let kept = kept.digest();
    let ack = Ack { batch: batch.number, replayed: false, received_ms: now.0, cases, install: batch.install, hash: batch.hash };
    let taken = Taken { leaves: leaves_of(batch, &ack), ack, forked: alarm.is_some() };
    chain::insert(tx, batch, device, &taken, (keys, kept, now))?;
    Ok(taken)
}

/// Computes the leaves of a batch's verdicts from the stored verdicts, so that a repeated answer has the same leaves.
fn leaves_of(batch: &Verified, ack: &Ack) -> Vec<Digest> {
    let leaf = |(offered, answer): (&VerifiedCase, &AckCase)| {
        let changes = offered.changes.as_deref().unwrap_or_default();
        let mono = |change: &Offered| match &change.read {
            Ok(read) => mono_of(read),
            Err(_) => Change::read(offered.doc(), &change.bytes).map_or(0, |read| mono_of(&read)),
        };
        let monos: Vec<u64> = changes.iter().map(mono).collect();
        let verdicts = unpack_verdicts(UnixMs(ack.received_ms), &answer.rows, &answer.quarantined, &monos);
        verdicts_leaf(offered.doc(), changes.iter().zip(verdicts).map(|(change, verdict)| (change.hash, verdict.receipt())))
    };
    batch.cases.iter().zip(&ack.cases).map(leaf).collect()
}

/// The divisor of a device's share of a full case.
const SHARES: usize = 4;

struct Taking<'a> {
    tx: &'a Tx<'a>,
    batch: &'a Verified,
    device: &'a Device,
    rights: &'a Rights,
    /// The limits of facts for a reviewer.
    questions: QuestionRules,
    gaps: &'a Gaps<'a>,
    first: &'a First,
    now: UnixMs,
    kept: Kept,
    brought: Brought,
}

impl Taking<'_> {
    fn document(&mut self, of: &DocRef, offered: &[Offered]) -> Result<AckCase, ApiError> {
        let case = &of.id;
        let Self { tx, batch, device, gaps, now, .. } = *self;
        let trusted_ms = gaps.trusted_ms();
        let mut history = store::case_log::history(tx, case)?;
        let mut order = Order::read(tx, case, &device.id)?;
        let (mut earlier, mut lent) = (HashMap::new(), HashSet::new());
        for change in offered.iter().filter(|change| !history.has(&change.hash)) {
            let mut gap = gaps.earlier(case, &change.hash)?;
            if let Ok(read) = &change.read
                && let Some((of_original, stands)) = gaps.of_original(case, read)?
            {
                if stands {
                    lent.insert(change.hash);
                }
                gap = Some(gap.unwrap_or(of_original).and_found(of_original));
            }
            earlier.extend(gap.map(|gap| (change.hash, gap)));
        }
        let mut doc = docs::read(tx, case)?;
        let before = doc.clone();
        let mut verdicts = Vec::with_capacity(offered.len());
        let (mut is_equal, mut is_moved) = (false, false);
        let mut known = Known::default();
        for change in offered {
            let read = match &change.read {
                Err(_) if history.has(&change.hash) => {
                    // The change was accepted when its device and person were in good standing.
                    verdicts.push((
                        Verdict::Dup(store::case_log::receipt_of(tx, case, &change.hash)?),
                        store::case_log::mono_of(tx, case, &change.hash)?,
                    ));
                    continue;
                }
                Err(refusal) => {
                    // A change of a revoked device keeps its times, because head office may release it.
                    let read = if *refusal == Refusal::Revoked { Change::read(*of, &change.bytes).ok() } else { None };
                    let receipt = match &read {
                        Some(read) => {
                            let receipt = gaps.receipt(read, gaps.reckon(read, earlier.get(&change.hash).copied(), None)?)?;
                            Receipt { facts: facts::check(tx, &copies(read), &receipt, trusted_ms)?, ..receipt }
                        }
                        None => Receipt::new(now, Reckoning::default(), false, FactsCheck::Unchecked),
                    };
                    verdicts.push((self.refuse(case, change, refusal, receipt)?, 0));
                    continue;
                }
                Ok(read) => read,
            };
            let mono_ms = mono_of(read);
            let admission = history.judge(read);
            if admission == Admission::Known {
                verdicts.push((Verdict::Dup(store::case_log::receipt_of(tx, case, &change.hash)?), mono_ms));
                continue;
            }
            // A rewritten change takes the place of its original in the order.
            let is_next = admission == Admission::New && !lent.contains(&change.hash);
            let before = if is_next { order.before(read) } else { None };
            let mut acted = gaps.reckon(read, earlier.get(&change.hash).copied(), before)?;
            acted.disordered |= is_next && order.is_broken_by(read);
            let mut receipt = gaps.receipt(read, acted)?;
            receipt.facts = facts::check(tx, &copies(read), &receipt, trusted_ms)?;
            let doing = Doing::of(case, read, &acted, self.questions);
            if let Some(doing) = &doing {
                doing.mark(tx, &mut receipt)?;
            }
            // A first receipt stands: later knowledge makes no act later or worse.
            let first = self.first.get(&(*case, change.hash));
            receipt = first.copied().unwrap_or(receipt);
            // A change in the log stays. Rights are checked before the size limit, so that a guessed id learns nothing about the
            // case.
            let denied = match admission {
                Admission::Known => None,
                // The case can not change its kind, so waiting would not help.
                _ if doc.is_of_another_kind(of.kind) => Some(Refusal::Kind { kind: kind_of(read) }),
                // An early change is judged once its predecessors have come.
                Admission::Early => None,
                _ => match self.rights.judge(tx, (case, &doc), &mut known, read)? {
                    Ok(review) => {
                        receipt.review |= first.is_none() && (review || has_moved(device, read));
                        None
                    }
                    Err(refusal) => Some(refusal),
                },
            };
            let verdict = match (denied, admission) {
                (Some(refusal), _) => self.refuse(case, change, &refusal, receipt)?,
                (None, Admission::New) if doc.is_full(read) || self.has_used_up(case, &doc)? => {
                    self.refuse(case, change, &Refusal::CaseFull, receipt)?
                }
                (None, Admission::New) if doc.heads_after(read) > MAX_CASE_HEADS => {
                    self.refuse(case, change, &Refusal::Heads, receipt)?
                }
                (None, Admission::New) => {
                    history.remember(read.link());
                    let origin = origin_to_tell(tx, &doc, read)?;
                    doc.add(read, &device_person(device, read), receipt.review, origin.as_ref());
                    holder::follow(tx, &mut doc, read, &receipt)?;
                    is_moved |= asked::follow(tx, &mut doc, case, (read, &receipt, now))?;
                    known.follow(read);
                    let from = case_log::From {
                        device: &device.id,
                        pushed_by: &batch.install,
                        batch: batch.number,
                        link: None,
                        due_hours: self.rights.photos_due_hours(),
                    };
                    self.kept.taken(case, &change.hash, doc.n);
                    case_log::append(tx, case, doc.n, read, receipt, from)?;
                    order.add(read, &receipt.acted);
                    if let Some(doing) = &doing {
                        doing.note(tx, now)?;
                    }
                    gaps.forget_offered(case, &change.hash)?;
                    if first.is_some() {
                        facts::recall(tx, &copies(read), &receipt, trusted_ms)?;
                    }
                    is_equal |= receipt.facts == FactsCheck::Equal;
                    Verdict::Ok(receipt)
                }
                (None, Admission::Known) => Verdict::Dup(store::case_log::receipt_of(tx, case, &change.hash)?),
                (None, Admission::Early) => {
                    gaps.keep_offered(case, read, &acted)?;
                    Verdict::Pend
                }
                (None, Admission::Refused(refusal)) => self.refuse(case, change, &refusal, receipt)?,
            };
            verdicts.push((verdict, mono_ms));
        }
        self.count(of.kind, offered, &verdicts, (&before, &doc))?;
        if doc.n > before.n {
            docs::write(tx, case, &doc)?;
            feed::publish(tx, case, &doc, before.n + 1)?;
            if is_moved {
                row_scopes::settle(tx, &doc.waybill, true)?;
            }
            if is_equal {
                listing::confirm(tx, case)?;
            }
            listed::write(tx, case, now)?;
        }
        let (rows, quarantined) = pack_verdicts(now, &verdicts, Spoken::Version3);
        Ok(AckCase { case: Some(CaseRef(*case)), rows, quarantined, fault: None })
    }

    /// Adds the changes of a document to what the batch has brought.
    fn count(
        &mut self,
        kind: DocKind,
        offered: &[Offered],
        verdicts: &[(Verdict, u64)],
        (before, doc): (&Doc, &Doc),
    ) -> Result<(), ApiError> {
        let brought = &mut self.brought;
        brought.changes = brought.changes.saturating_add(offered.len() as u64);
        let stays_outside = |verdict: &Verdict| !matches!(verdict, Verdict::Ok(_));
        let outside = offered.iter().zip(verdicts).filter(|(_, (verdict, _))| stays_outside(verdict));
        let bytes: u64 = outside.map(|(change, _)| change.bytes.len() as u64).sum();
        brought.refused_bytes = brought.refused_bytes.saturating_add(bytes);
        let is_new_case = kind == DocKind::Case && before.n == 0 && doc.n > 0;
        if is_new_case && !listing::has(self.tx, &doc.waybill)? {
            self.brought.unlisted = self.brought.unlisted.saturating_add(1);
        }
        Ok(())
    }

    /// Whether the device has used up its share of a large case. One device must not take the room of the others.
    fn has_used_up(&self, case: &CaseId, doc: &Doc) -> Result<bool, ApiError> {
        if doc.bytes < HARD_CASE_BYTES / SHARES && doc.n < (HARD_CASE_CHANGES / SHARES) as u64 {
            return Ok(false);
        }
        let (changes, bytes) = store::case_log::share_of(self.tx, case, &self.device.id)?;
        Ok(changes >= HARD_CASE_CHANGES / SHARES || bytes >= HARD_CASE_BYTES / SHARES)
    }

    fn refuse(&mut self, case: &CaseId, change: &Offered, refusal: &Refusal, receipt: Receipt) -> Result<Verdict, ApiError> {
        let refused = Refused { case, change, refusal, receipt, policy_version: self.rights.version() };
        quarantine::insert(self.tx, &refused, self.batch, self.device)?;
        self.kept.quarantined(self.tx, (case, &change.hash), (self.batch.install.as_bytes(), self.batch.number))?;
        Ok(Verdict::Quarantined(refusal.code()))
    }
}

/// Whether the author has left the role or outlet of the enrolment. An offline phone may honestly not know, so the change is
/// accepted with a mark for review.
fn has_moved(device: &Device, change: &Change) -> bool {
    change.entries().iter().any(|entry| {
        let author = &entry.author;
        let stands = |member: &crate::enrol::Member| {
            member.person == author.user.as_str()
                && member
                    .today
                    .as_ref()
                    .is_some_and(|(role, outlet)| role == author.role.as_str() && outlet == author.outlet.as_str())
        };
        !device.members.iter().any(stands)
    })
}

/// The kind of a change's first entry.
fn kind_of(change: &Change) -> String {
    change.entries().first().map_or_else(String::new, |entry| entry.body.kind().to_owned())
}

/// The change's first author. Defines the scope of a waybill in no list.
fn device_person(device: &Device, change: &Change) -> String {
    let author = change.entries().first().map(|entry| entry.author.user.to_string());
    author.or_else(|| device.members.first().map(|member| member.person.clone())).unwrap_or_default()
}

/// The copies of the parcel's facts in a change.
fn copies(change: &Change) -> Vec<&doorstep_domain::Facts> {
    change.entries().iter().filter_map(|entry| entry.facts.as_ref()).collect()
}
