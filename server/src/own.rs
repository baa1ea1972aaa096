//! The server's own entries. Each is appended to its case's log under the server's own installation, with the link that vouches
//! for it.

use doorstep_document::{Change, NewEntry};
use doorstep_domain::{
    Anchor, Author, Body, BootId, CaseId, ChangeHash, DeviceId, DocKind, DocRef, Facts, Receipt, Role, TimeEvidence, UnixMs,
};
use doorstep_protocol::signing::receipt_hash;
use doorstep_rules::Case;

use crate::{
    asked, case_log,
    doc::origin_to_tell,
    error::ApiError,
    facts, feed, holder,
    keys::Keys,
    link::{self, Entry},
    photos::expect::due_hours,
    row_scopes,
    store::{acts, docs, tx::Tx},
};

/// Appends entries unchanged, even to a case that has reached its size limit.
pub(crate) fn append(
    tx: &Tx<'_>,
    keys: &Keys,
    case: &CaseId,
    entries: &[NewEntry],
    receipt: Receipt,
    (device, now): (&DeviceId, UnixMs),
) -> Result<ChangeHash, ApiError> {
    let mut doc = docs::read(tx, case)?;
    let mut position = doc.position.clone();
    position.seq = acts::newest_seq(tx, case, &keys.install)?;
    // For the first change of a document the entries tell its kind.
    let said = entries.first().and_then(|entry| DocKind::of_entry(entry.body.kind()));
    let kind = if doc.n > 0 { doc.kind } else { said.unwrap_or_default() };
    let change = Change::write(DocRef::new(kind, *case), &keys.install, &position, entries)
        .map_err(|_| ApiError::Internal("writing an entry of head office"))?;
    let before = doc.n;
    let author = entries.first().map(|entry| entry.author.user.to_string()).unwrap_or_default();
    let origin = origin_to_tell(tx, &doc, &change)?;
    doc.add(&change, &author, false, origin.as_ref());
    holder::follow(tx, &mut doc, &change, &receipt)?;
    let is_moved = asked::follow(tx, &mut doc, case, (&change, &receipt, now))?;
    let own = Entry::Own {
        case: *case.as_bytes(),
        n: doc.n,
        device: *device.as_bytes(),
        change: *change.hash().as_bytes(),
        receipt: receipt_hash(&change.hash(), &receipt),
    };
    let link = Some(link::append(tx, keys, &own, now)?);
    // Among the server's own entries only released ones name photos.
    let names_photos = entries.iter().any(|entry| matches!(entry.body, Body::Photo(_)));
    let due_hours = if names_photos { due_hours(tx)? } else { 0 };
    let from = case_log::From { device, pushed_by: &keys.install, batch: 0, link, due_hours };
    case_log::append(tx, case, doc.n, &change, receipt, from)?;
    docs::write(tx, case, &doc)?;
    feed::publish(tx, case, &doc, before + 1)?;
    if is_moved {
        row_scopes::settle(tx, &doc.waybill, true)?;
    }
    Ok(change.hash())
}

/// Makes an entry of head office. Its time is the server's own clock, the reference of all times.
pub(crate) fn entry(author: Author, pack_version: u32, now: UnixMs, body: Body) -> NewEntry {
    let boot = BootId([0; 4]);
    let time = TimeEvidence { wall: now, zone_quarters: 0, mono_ms: 0, boot, anchor: Some(Anchor { server: now, mono_ms: 0 }) };
    NewEntry::of(author, pack_version, time, body)
}

/// The facts of a parcel for the server's first entry in its case: those of the list's current row, or else those of the case.
pub(crate) fn facts(tx: &Tx<'_>, case: &CaseId) -> Result<Option<Facts>, ApiError> {
    let doc = docs::read(tx, case)?;
    if let Some(facts) = facts::of_now(tx, &doc.waybill)? {
        return Ok(Some(facts));
    }
    Ok(Case::fold(case_log::entries(tx, case)?).map(|case| case.facts))
}

/// The server's own account.
pub(crate) fn server() -> Result<Author, ApiError> {
    let author = || Some(Author { user: Author::SERVER.parse().ok()?, role: Role::HqReviewer, outlet: "HQ".parse().ok()? });
    author().ok_or(ApiError::Internal("the server's own account"))
}
