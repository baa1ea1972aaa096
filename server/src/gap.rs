//! The gap of an act: the two contacts between which it happened. The server computes it once, when it admits the change, and the
//! receipt carries it, so that no replica needs the acts around it.
//!
//! The lower end is the receipt of a sending that left nothing behind and that a later signed batch names, or else the device's
//! enrolment. It is raised to the contact that the act itself leans on, and to the lower end of the act that its installation
//! wrote before it in the case. The upper end is the receipt. A change keeps its first gap if an earlier sending named it as left
//! behind, or brought it without its being accepted. A change that is written anew keeps the gap of its original if it says the
//! same.

use std::{cell::RefCell, collections::HashMap, ops::ControlFlow};

use crate::{
    contact::{self, DeviceClock, Steadiness},
    enrol::Device,
    error::ApiError,
    store::{
        acts, floors,
        offered::{self, Offered, OfferedGap, Original},
        tx::Tx,
    },
};
use doorstep_document::Change;
use doorstep_domain::{
    Arrival, Body, BootId, CaseId, ChangeHash, Clocks, DISORDERED, DeviceId, Entry, FactsCheck, InstallId, Leans, PASSED_OVER,
    Receipt, Reckoning, Tag, UnixMs,
};

/// The period over which a person's unproven acts are counted.
const HABIT_MS: i64 = 30 * 86_400_000;
/// A contact of a device so long before a claimed phone call, or later, contradicts the outage.
const OUTAGE_MS: i64 = 15 * 60_000;
/// The count of unproven acts stops here.
const MOST_COUNTED: u16 = 1_000;
/// How long a change that was not accepted is remembered.
const KEPT_MS: i64 = 400 * 86_400_000;
/// How many originals of one hash are compared: an honest device has one or two.
const MOST_ORIGINALS: usize = 8;

/// The earliest and the latest time at which an act can have happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Gap {
    pub from: UnixMs,
    pub until: UnixMs,
    /// The newest contact before the sending that first reported the act, if that contact should have brought it.
    pub contact: Option<UnixMs>,
    /// Whether the act was passed over at that first report.
    pub passed_over: bool,
    pub disordered: bool,
}

impl Gap {
    fn between(from: UnixMs, until: UnixMs) -> Self {
        Self { from, until, contact: None, passed_over: false, disordered: false }
    }

    /// The gap of a change that a sending named as left behind after a contact.
    pub fn named(from: UnixMs, until: UnixMs, contact: Option<UnixMs>) -> Self {
        Self { contact, ..Self::between(from, until) }
    }

    /// Adds the marks of another gap of the same act.
    pub fn and_found(self, other: Self) -> Self {
        let (passed_over, disordered) = (self.passed_over || other.passed_over, self.disordered || other.disordered);
        Self { passed_over, disordered, ..self }
    }

    /// The marks of an act, as bits of a receipt.
    fn marks(reckoned: &Reckoning) -> u16 {
        let bit = |is: bool, bit| if is { bit } else { 0 };
        bit(reckoned.passed_over, PASSED_OVER) | bit(reckoned.disordered, DISORDERED)
    }

    /// Reads a gap from its two times and the marks of a receipt.
    fn of(OfferedGap { from, until, marks }: OfferedGap) -> Self {
        let (passed_over, disordered) = (marks & PASSED_OVER != 0, marks & DISORDERED != 0);
        Self { passed_over, disordered, ..Self::between(from, until) }
    }
}

/// Computes the gaps of one sending's acts.
pub(crate) struct Gaps<'a> {
    tx: &'a Tx<'a>,
    device: &'a Device,
    clocks: Clocks,
    now: UnixMs,
    floor: UnixMs,
    /// The newest contact before this sending.
    contact: Option<UnixMs>,
    steadiness: Steadiness<'a>,
    /// Whether the device has sent changes that were not accepted.
    has_offered: bool,
    /// The gaps of changes that earlier sendings named.
    named: HashMap<ChangeHash, Gap>,
    /// A cache of each person's number of unproven acts.
    habits: RefCell<HashMap<String, u16>>,
    /// A cache of other devices' contacts, by person, from and until.
    others: RefCell<HashMap<(String, UnixMs, UnixMs), bool>>,
    /// The device's passing requests that are remembered.
    recent: &'a [UnixMs],
    /// The longest gap within which a device's clock proves a time, in milliseconds.
    trusted_ms: i64,
}

/// The contents of a batch's sending, without its clocks.
pub(crate) struct Said {
    pub clocks: Clocks,
    /// The time of receipt in the newest verdicts that the device has.
    pub heard: Option<UnixMs>,
    /// The gaps of changes in the batch that earlier sendings named.
    pub named: HashMap<ChangeHash, Gap>,
}

impl<'a> Gaps<'a> {
    /// Reads the known facts before a sending's changes are admitted. `passing`: the device's newest passing request that is no
    /// part of this sending; and those that are remembered.
    pub fn begin(
        tx: &'a Tx<'a>,
        device: &'a Device,
        said: Said,
        (passing, recent): (Option<UnixMs>, &'a [UnixMs]),
        trusted_ms: i64,
        now: UnixMs,
    ) -> Result<Self, ApiError> {
        // A future time comes from a server clock that was ahead, and proves nothing.
        if let Some(heard) = said.heard.filter(|heard| *heard <= now) {
            // The device names the answer, so it has arrived: whatever the device records from now on is later.
            floors::raise(tx, &device.id, heard, now)?;
        }
        // A clock that was ahead may also have dated a floor or the enrolment. Such a floor is ignored.
        let floor = floors::of(tx, &device.id)?.into_iter().filter(|at| *at <= now).max();
        let has_offered = offered::has_any(tx, &device.id)?;
        if has_offered {
            offered::forget_before(tx, &device.id, now.plus(-KEPT_MS))?;
        }
        let clock = DeviceClock { boot: said.clocks.boot, mono_ms: said.clocks.mono_ms };
        Ok(Self {
            tx,
            device,
            clocks: said.clocks,
            now,
            floor: floor.unwrap_or(UnixMs(0)),
            contact: contact::newest(tx, &device.id, now)?
                .max(contact::passed(tx, &device.id, now)?)
                .max(passing.filter(|at| *at < now)),
            has_offered,
            named: said.named,
            steadiness: Steadiness::of(tx, &device.id, clock, now),
            habits: RefCell::default(),
            others: RefCell::default(),
            recent,
            trusted_ms,
        })
    }

    /// The longest gap within which a device's clock proves a time, in milliseconds.
    pub fn trusted_ms(&self) -> i64 {
        self.trusted_ms
    }

    /// The gap of an act that this sending reports first.
    pub fn of_now(&self) -> Gap {
        Gap { contact: self.contact, ..Gap::between(self.floor, self.now) }
    }

    /// The gap of a change that an earlier sending brought or named.
    pub fn earlier(&self, case: &CaseId, hash: &ChangeHash) -> Result<Option<Gap>, ApiError> {
        let brought = if self.has_offered { offered::gap(self.tx, &self.device.id, case, hash)? } else { None };
        Ok(brought.map(Gap::of).or_else(|| self.named.get(hash).copied()))
    }

    /// The gap that an original lends to the change that rewrites it. The server must hold the original from this device in this
    /// case (pending, quarantined, or in the log), and both must say the same. A change that merely names an original gets
    /// nothing, or the time of one act could date any other act back.
    ///
    /// If the original itself never came, an earlier change that named the same original and says the same counts in its place.
    /// The marks of the original come with its gap. True: it stands in the log or in quarantine, so its order was checked.
    pub fn of_original(&self, case: &CaseId, anew: &Change) -> Result<Option<(Gap, bool)>, ApiError> {
        let Some(hash) = original(anew) else { return Ok(None) };
        let mut found = None;
        let look = |Original { from, until, marks, bytes, stands }| {
            if Change::read_stored(case, &bytes).is_ok_and(|original| says_the_same(&original, anew)) {
                let gap = OfferedGap { from: from.unwrap_or(self.floor), until, marks };
                found = Some((Gap::of(gap), stands));
                return Ok::<_, ApiError>(ControlFlow::Break(()));
            }
            Ok(ControlFlow::Continue(()))
        };
        offered::originals(self.tx, &self.device.id, (case, &hash), MOST_ORIGINALS, look)?;
        Ok(found)
    }

    /// Stores a change that was not accepted, with its gap. This does not count as the arrival of the original that it names.
    pub fn keep_offered(&self, case: &CaseId, change: &Change, reckoned: &Reckoning) -> Result<(), ApiError> {
        let (from, until) = reckoned.gap(self.now);
        let gap = OfferedGap { from: from.unwrap_or(self.floor), until, marks: Gap::marks(reckoned) };
        let offered = Offered { hash: change.hash(), original: original(change), gap, bytes: change.bytes() };
        Ok(offered::insert(self.tx, &self.device.id, case, &offered)?)
    }

    /// Forgets that a change was not accepted once, because it now is in the log with its gap.
    pub fn forget_offered(&self, case: &CaseId, hash: &ChangeHash) -> Result<(), ApiError> {
        if self.has_offered {
            offered::forget(self.tx, &self.device.id, case, hash)?;
        }
        Ok(())
    }

    /// Computes the reckoning of a change's act. `earlier`: the gap from an earlier sending that named or brought it. `before`:
    /// the lower end of the act that its installation wrote before it in the case.
    pub fn reckon(&self, change: &Change, earlier: Option<Gap>, before: Option<UnixMs>) -> Result<Reckoning, ApiError> {
        let Some(entry) = change.entries().first() else { return Ok(Reckoning::default()) };
        let leans = match &entry.time.anchor {
            None => Leans::OnNothing,
            Some(anchor) if contact::is_known(self.tx, &self.device.id, entry.time.boot, anchor)? => Leans::OnAContact,
            Some(anchor) if contact::was_given(self.tx, &self.device.id, anchor.server)? => Leans::OnATime,
            Some(_) => Leans::OnNothing,
        };
        let steady = leans != Leans::OnAContact || self.steadiness.holds(entry.time.boot)?;
        let Gap { from, until, contact, passed_over, disordered } = earlier.unwrap_or_else(|| self.of_now());
        // A change that names the time of a contact was written after it: the signed batch holds its digest. Without this bound
        // the first acts of a morning would lie in a gap since the last evening's push, whatever the device has heard since.
        let heard = entry.time.anchor.filter(|_| leans == Leans::OnAContact).map(|anchor| anchor.server);
        // A future time comes from a server clock that was ahead.
        let from = [heard, before].into_iter().flatten().filter(|bound| *bound <= until).fold(from, UnixMs::max);
        // A later contact need not have brought a change that an earlier sending named: only contacts before that sending count.
        let arrival = Arrival { clocks: self.clocks, received: self.now, from, until, contact, steady };
        let reckoned = Reckoning::of(&entry.time, &arrival, leans);
        Ok(Reckoning { passed_over: reckoned.passed_over || passed_over, disordered, ..reckoned })
    }

    /// Makes a receipt of now. For an act of unproven time it adds what else is known of the person.
    pub fn receipt(&self, change: &Change, acted: Reckoning) -> Result<Receipt, ApiError> {
        let in_contact = self.was_in_contact(change, &acted)?;
        let review = acted.passed_over || acted.disordered || in_contact;
        let receipt = Receipt { in_contact, ..Receipt::new(self.now, acted, review, FactsCheck::Unchecked) };
        let Some(entry) = change.entries().first().filter(|_| !acted.proves(self.now, self.trusted_ms)) else {
            return Ok(receipt);
        };
        let person = entry.author.user.as_str();
        let (from, until) = acted.gap(self.now);
        let others_in_contact = self.others(person, Gap::between(from.unwrap_or(self.floor), until))?;
        Ok(Receipt { others_in_contact, unproven_acts: self.with_one_more(person)?, ..receipt })
    }

    /// Whether a change records an outage although its device was in contact between [`OUTAGE_MS`] before the claimed phone call
    /// and the record. Without an estimate of the record's time there is nothing to compare with.
    fn was_in_contact(&self, change: &Change, acted: &Reckoning) -> Result<bool, ApiError> {
        let claimed = change.entries().iter().filter_map(|entry| match &entry.body {
            // The phone call is a time of the device's wall clock, which may be off.
            Body::Outage(outage) => Some(outage.phoned_at.map(|at| at.since(entry.time.wall))),
            _ => None,
        });
        let Some(recorded) = acted.at else { return Ok(false) };
        let Some(earliest) = claimed.map(|apart| recorded.plus(apart.unwrap_or(0).min(0))).min() else { return Ok(false) };
        contact::within(self.tx, &self.device.id, self.recent, earliest.plus(-OUTAGE_MS), recorded)
    }

    /// The number of a person's unproven acts before this sending, plus one. It is counted once for a sending: a count for each
    /// change would cost quadratic time, and a number of its own in each receipt cost 40 bytes a case on the wire (measured).
    fn with_one_more(&self, person: &str) -> Result<u16, ApiError> {
        if let Some(count) = self.habits.borrow().get(person) {
            return Ok(*count);
        }
        let before = acts::count_unproven(self.tx, person, self.now.plus(-HABIT_MS), MOST_COUNTED)?;
        let count = before.saturating_add(1).min(MOST_COUNTED);
        self.habits.borrow_mut().insert(person.to_owned(), count);
        Ok(count)
    }

    /// Whether another device of a person was in contact within a gap. The database is asked once for each gap of a sending.
    fn others(&self, person: &str, gap: Gap) -> Result<bool, ApiError> {
        let asked = (person.to_owned(), gap.from, gap.until);
        if let Some(known) = self.others.borrow().get(&asked) {
            return Ok(*known);
        }
        let others = contact::others(self.tx, person, &self.device.id, gap.from, gap.until)?;
        self.others.borrow_mut().insert(asked, others);
        Ok(others)
    }
}

/// The original of a change that rewrites it.
fn original(change: &Change) -> Option<ChangeHash> {
    change.entries().iter().find_map(|entry| entry.rewrites)
}

/// Whether a rewritten change says the same as its original: entry for entry the same author, rule pack, time, action and
/// content. It may add facts if the original had none, and a reference may name an entry of the new installation instead.
fn says_the_same(original: &Change, anew: &Change) -> bool {
    let own = Tag::of(&anew.install());
    let same = |(old, new): (&Entry, &Entry)| {
        old.author == new.author
            && old.pack_version == new.pack_version
            && old.time == new.time
            && old.action == new.action
            && (old.facts.is_none() || old.facts == new.facts)
            && says_the_same_but_for_references(&old.body, &new.body, &own)
    };
    original.entries().len() == anew.entries().len() && original.entries().iter().zip(anew.entries()).all(same)
}

fn says_the_same_but_for_references(old: &Body, new: &Body, own: &Tag) -> bool {
    // The content of an unknown kind can not be compared.
    if matches!(old, Body::Unknown { .. }) {
        return false;
    }
    let mut followed = old.clone();
    for (of, anew) in followed.references_mut().into_iter().zip(new.references()) {
        if of.kind == anew.kind && anew.tag == *own {
            of.clone_from(anew);
        }
    }
    followed == *new
}

/// The order of one device's acts in a case. An installation writes its changes in sequence, and the device's monotonic clock
/// only goes forward within a boot. Between cases there is no sequence, so the order of sending proves nothing.
pub(crate) struct Order {
    /// The latest monotonic time of each boot of the device, over all its installations.
    latest: HashMap<[u8; 4], u64>,
    /// The latest lower end of each installation's acts.
    from: HashMap<InstallId, UnixMs>,
}

impl Order {
    pub fn read(tx: &Tx<'_>, case: &CaseId, device: &DeviceId) -> Result<Self, ApiError> {
        let mut order = Self { latest: HashMap::new(), from: HashMap::new() };
        for acts::Latest { install, boot: BootId(boot), mono_ms, from } in acts::latest(tx, case, device)? {
            order.note(install, boot, mono_ms, from);
        }
        Ok(order)
    }

    /// The latest lower end among the earlier changes of a change's installation.
    pub fn before(&self, change: &Change) -> Option<UnixMs> {
        self.from.get(&change.install()).copied()
    }

    /// Whether a change is dated before an earlier one of the same boot.
    pub fn is_broken_by(&self, change: &Change) -> bool {
        let time = change.entries().first().map(|entry| entry.time);
        time.is_some_and(|time| self.latest.get(&time.boot.0).is_some_and(|latest| time.mono_ms < *latest))
    }

    /// Adds a change that now is in the log.
    pub fn add(&mut self, change: &Change, reckoned: &Reckoning) {
        if let Some(entry) = change.entries().first() {
            let BootId(boot) = entry.time.boot;
            self.note(change.install(), boot, entry.time.mono_ms, reckoned.from);
        }
    }

    fn note(&mut self, install: InstallId, boot: [u8; 4], mono_ms: u64, from: Option<UnixMs>) {
        let latest = self.latest.entry(boot).or_insert(mono_ms);
        *latest = (*latest).max(mono_ms);
        if let Some(from) = from {
            let known = self.from.entry(install).or_insert(from);
            *known = (*known).max(from);
        }
    }
}
