//! Scopes and feeds. The server alone decides who reads a case: from reference rows, from whether the origin outlet has been
//! notified, from who is asked something about the parcel, and, for a waybill in no list, from its first author. Writing to a case grants
//! nothing, except to the outlet that sent the parcel: a problem, a reply or a line of the ledger that others write counts as a notice to it.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::ControlFlow,
};

use doorstep_document::pack::{self, dense};
use doorstep_domain::{CaseId, ChangeHash, DocKind, DocRef, InstallId, Receipt};
use doorstep_protocol::{CaseRef, FeedCase, FeedPage, Leaf, Pull, Scope, Spoken, pack_receipts, signing::receipts_leaf};

use crate::{
    asked,
    error::ApiError,
    row_scopes, sheet,
    store::{
        case_log,
        docs::{self, Doc},
        feeds::{self, FeedRow},
        parcels::{self, Named},
        tx::{StoreError, Tx},
    },
};

/// The largest number of feed rows that a page reads.
const PAGE_ROWS: u32 = 2_000;

/// Writes feed rows for the changes of a case from its `from`th on. A scope that is new to the case gets the case from its start. A
/// scope that the case has left gets a row that says so.
pub(crate) fn publish(tx: &Tx<'_>, case: &CaseId, doc: &Doc, from: u64) -> Result<(), ApiError> {
    let to = doc.n;
    let (scopes, ended) = scopes_of(tx, case, doc)?;
    let had = feeds::scopes_of(tx, case)?;
    let left = had.iter().filter(|(scope, has)| **has && !scopes.contains(scope)).map(|(scope, _)| scope);
    // A case that was begun and ended offline comes with one upload: its courier's scope never had it, and the phone has it still.
    let is_new = |scope: &&Scope| from <= to && had.get(scope) != Some(&true) && !scopes.contains(scope);
    for left in left.chain(ended.iter().filter(is_new)) {
        feeds::set_scope(tx, case, left, false)?;
        feeds::append(tx, left, FeedRow { case: *case, from: 0, to: 0, whole: false })?;
    }
    for scope in scopes {
        let has = had.get(&scope).copied();
        if has != Some(true) {
            feeds::set_scope(tx, case, &scope, true)?;
        }
        let from = if has == Some(true) { from } else { 1 };
        if from <= to {
            // A case that had left the scope comes back whole, because its devices have dropped even their own changes.
            feeds::append(tx, &scope, FeedRow { case: *case, from, to, whole: has == Some(false) })?;
        }
    }
    // The parcel may have moved to another courier's list, or ended, or concern the outlet that sent it now.
    if doc.kind == DocKind::Case { row_scopes::settle(tx, &doc.waybill, false) } else { Ok(()) }
}

/// Publishes a case to scopes that are new to it, after its parcel row has changed.
pub(crate) fn republish(tx: &Tx<'_>, case: &CaseId) -> Result<(), ApiError> {
    let doc = docs::read(tx, case)?;
    publish(tx, case, &doc, doc.n + 1)
}

/// The scopes that have a case, and those of its couriers if it has ended.
fn scopes_of(tx: &Tx<'_>, case: &CaseId, doc: &Doc) -> Result<(Vec<Scope>, Vec<Scope>), ApiError> {
    if doc.kind == DocKind::Sheet {
        return Ok((sheet::scopes_of(doc), vec![]));
    }
    let Doc { waybill, notified, notice_to, first_person, closed, offered_to, courier, .. } = doc;
    let mut scopes = Vec::with_capacity(4);
    asked::scopes_of(tx, case, waybill, &mut scopes)?;
    asked::former_scopes_of(tx, case, waybill, &mut scopes)?;
    // A closed case leaves the courier's phone (domain 10.2: the customer's data only while the parcel is open).
    let mut couriers: Vec<String> = Vec::new();
    match parcels::named(tx, waybill)? {
        Some(Named { delivering, origin, hub, courier: listed }) => {
            scopes.push(Scope::Outlet(delivering.to_string()));
            if *notified && origin != delivering {
                scopes.push(Scope::Outlet(origin.to_string()));
            }
            scopes.extend(hub.map(|hub| Scope::Hub(hub.to_string())));
            couriers.extend(courier.clone().or(listed.map(|listed| listed.to_string())));
            couriers.extend(offered_to.clone());
        }
        None => {
            let (role, outlet) = feeds::place_of(tx, first_person)?;
            if let Some(to) = notice_to.as_ref().filter(|to| **to != outlet) {
                scopes.push(Scope::Outlet(to.clone()));
            }
            scopes.push(if role == "hub" { Scope::Hub(outlet) } else { Scope::Outlet(outlet) });
            if role == "courier" {
                couriers.push(first_person.clone());
            }
        }
    }
    let mut couriers: Vec<Scope> = couriers.into_iter().map(Scope::Courier).collect();
    let ended = if *closed { std::mem::take(&mut couriers) } else { vec![] };
    scopes.extend(couriers);
    scopes.sort_unstable();
    scopes.dedup();
    Ok((scopes, ended))
}

/// The device that asks for a page.
pub(crate) struct Reader<'a> {
    /// The device's cursors.
    pub pull: &'a [Pull],
    /// Whether the cursors belong to this log's history.
    pub same_history: bool,
    /// The installation whose own changes are left out, because it has them. `None` after a fork: nothing is left out then.
    pub own: Option<InstallId>,
    /// The protocol version of the device.
    pub spoken: Spoken,
}

/// The chunks of a case's changes.
type Chunks = Vec<Vec<u8>>;

/// A page whose changes are not packed yet.
pub(crate) struct Page {
    page: FeedPage,
    /// The chunks of each case of the page.
    chunks: Vec<Chunks>,
}

/// The form of packs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// Format 1, for version 2.
    WithHeads,
    /// Format 2.
    Bare,
    /// One pack of format 3 for all pages.
    Dense,
}

/// Packs the changes of pages. The second value is the dense pack, if the pages have one.
pub(crate) fn pack(pages: Vec<Page>, form: Form) -> Result<(Vec<FeedPage>, Option<Vec<u8>>), ApiError> {
    let cases = pages.iter().flat_map(|Page { page, chunks }| page.cases.iter().zip(chunks));
    let docs: Vec<(CaseId, Vec<&[u8]>)> =
        cases.map(|(case, chunks)| (case.case, chunks.iter().map(Vec::as_slice).collect())).collect();
    // Changes that no dense pack holds, which nobody has written so far, go as format 2 has them.
    let dense = if form == Form::Dense && !docs.is_empty() { dense::pack(&docs, pack::MAX_REBUILT) } else { None };
    let mut packs = Vec::with_capacity(docs.len());
    for (case, slices) in docs {
        packs.push(match (&dense, form) {
            (Some(_), _) => (CaseId::new([0; 16]), vec![dense::FORMAT]),
            (None, Form::WithHeads) => (case, pack::elide(&slices).ok_or(ApiError::Internal("change row"))?),
            (None, _) => (case, pack::elide_bare(&slices).ok_or(ApiError::Internal("change row"))?),
        });
    }
    let mut pages: Vec<FeedPage> = pages.into_iter().map(|Page { page, .. }| page).collect();
    let cases = pages.iter_mut().flat_map(|page| &mut page.cases);
    cases.zip(packs).for_each(|(case, (id, pack))| (case.case, case.pack) = (id, pack));
    Ok((pages, dense))
}

/// Reads one page of a scope after the reader's cursor, of about `want` bytes of changes, in the form of the reader's version.
pub(crate) fn page(tx: &Tx<'_>, reader: &Reader<'_>, scope: &Scope, want: usize) -> Result<Page, ApiError> {
    let head = feeds::head(tx, scope)?;
    // A cursor beyond the head counts rows that this log has lost. Rows before it may have changed as well, so the scope is read
    // from its start.
    let named = reader.pull.iter().find(|pull| pull.scope == *scope && reader.same_history).map(|pull| pull.cursor);
    let known = named.filter(|cursor| *cursor <= head);
    let starts_again = named != known;
    let after = known.unwrap_or(0);
    let mut to = after;
    // A reader without a cursor has lost its changes or never had any, so its own are sent too.
    let own = reader.own.filter(|_| known.is_some());
    // Rows after the cursor are merged by case. The last row decides whether the case is in the scope.
    let mut ranges: BTreeMap<CaseId, FeedRow> = BTreeMap::new();
    let mut out: BTreeSet<CaseId> = BTreeSet::new();
    let mut bytes = 0;
    feeds::rows_after(tx, scope, after, PAGE_ROWS, |seq, row| {
        if row.from == 0 {
            ranges.remove(&row.case);
            out.insert(row.case);
            to = seq;
            return Ok(ControlFlow::Continue(()));
        }
        let left_out = own.filter(|_| !row.whole);
        let size = case_log::bytes_of_range(tx, &row.case, row.from..=row.to, left_out.as_ref())?;
        if bytes > 0 && bytes + size > want {
            return Ok(ControlFlow::Break(()));
        }
        bytes += size;
        to = seq;
        out.remove(&row.case);
        let joined = |had: &mut FeedRow| {
            *had = FeedRow { from: had.from.min(row.from), to: had.to.max(row.to), whole: had.whole || row.whole, ..*had };
        };
        ranges.entry(row.case).and_modify(joined).or_insert(row);
        Ok::<_, StoreError>(ControlFlow::Continue(()))
    })?;
    let (mut cases, mut chunks) = (Vec::with_capacity(ranges.len()), Vec::with_capacity(ranges.len()));
    for range in ranges.into_values() {
        if let Some((case, of_case)) = feed_case(tx, own.filter(|_| !range.whole), range, reader.spoken)? {
            cases.push(case);
            chunks.push(of_case);
        }
    }
    // A device rejects a page that promises more without moving its cursor forward. It asks for the rest with its next sync.
    let more = to < head && !starts_again;
    let page = FeedPage { scope: scope.clone(), to, more, cases, out: out.into_iter().map(CaseRef).collect() };
    Ok(Page { page, chunks })
}

/// The changes of a range, not packed yet, without those of the asking installation. It has its own changes and their verdicts. Repeating
/// their hashes would cost 32 incompressible bytes for each change of a fresh upload.
fn feed_case(
    tx: &Tx<'_>,
    own: Option<InstallId>,
    range: FeedRow,
    spoken: Spoken,
) -> Result<Option<(FeedCase, Chunks)>, ApiError> {
    let FeedRow { case, from, to, .. } = range;
    let doc = DocRef::new(docs::kind(tx, &case)?, case);
    // Below version 3 a page names no kind of document.
    if spoken == Spoken::Version2 && doc.kind != DocKind::Case {
        return Ok(None);
    }
    let changes = case_log::range(tx, &case, from..=to, own.as_ref())?;
    if changes.is_empty() {
        return Ok(None);
    }
    let receipts: Vec<_> = changes.iter().map(|change| (change.receipt, change.mono_ms)).collect();
    let receipts = pack_receipts(&receipts, spoken);
    let signed: Vec<(ChangeHash, Receipt)> = changes.iter().map(|change| (change.hash, change.receipt)).collect();
    let (leaf, kind) = match spoken {
        Spoken::Version2 => (None, None),
        Spoken::Version3 => (Some(Leaf(receipts_leaf(doc, &signed))), doc.kind.named()),
    };
    let chunks = changes.into_iter().map(|change| change.bytes).collect();
    Ok(Some((FeedCase { case, pack: vec![], receipts, leaf, kind }, chunks)))
}
