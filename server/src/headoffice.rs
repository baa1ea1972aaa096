//! The entries that head office writes into a case, by its own people and under the server's own installation. They travel in the
//! feeds like other entries.

use doorstep_document::{HARD_CASE_CHANGES, NewEntry};
use doorstep_domain::{
    About, Author, Body, CaseId, ChangeHash, DeviceId, DocKind, EntryKey, FactsCheck, Fen, Mark, Personal, PhotoId, Receipt,
    Recorded, Remark, Role, Ruling, Stands, UnixMs, UserId,
};
use doorstep_rules::{Case, Sheet};

use crate::{
    case_log,
    error::ApiError,
    facts,
    keys::Keys,
    listed, own,
    packs::Rules,
    store::{
        acts,
        docs::{self, Doc},
        listing, people,
        tx::{StoreError, Tx},
    },
};

/// Why an entry of head office can not be written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HeadOfficeError {
    #[error(transparent)]
    Api(#[from] ApiError),
    #[error("{0:?} is no head office reviewer; add them: doorstep-server admin user {0} --role hq_reviewer")]
    Person(String),
    #[error("nothing is recorded of this waybill")]
    NoCase,
    #[error("{0} is neither an entry of the case nor a finding; see: doorstep-server admin explain WAYBILL")]
    About(String),
    #[error("the case has reached its size limit")]
    Full,
    #[error("{0}")]
    Text(#[from] doorstep_domain::PersonalError),
}

impl From<StoreError> for HeadOfficeError {
    fn from(error: StoreError) -> Self {
        Self::Api(error.into())
    }
}

/// Appends entries to a case's log under the server's own installation and publishes them. If the case has no entry of the server
/// yet, the first entry carries the parcel's facts: from the list's current row, or else from the case.
pub(crate) fn append(
    tx: &Tx<'_>,
    keys: &Keys,
    case: &CaseId,
    mut entries: Vec<NewEntry>,
    mut receipt: Receipt,
    (device, now): (&DeviceId, UnixMs),
) -> Result<ChangeHash, HeadOfficeError> {
    let doc = docs::read(tx, case).map_err(ApiError::from)?;
    if doc.n >= HARD_CASE_CHANGES as u64 {
        return Err(HeadOfficeError::Full);
    }
    let is_release = entries.iter().any(|entry| entry.release.is_some());
    let says_what = |entry: &NewEntry| entry.facts.is_some() || entry.sheet.is_some();
    if acts::newest_seq(tx, case, &keys.install)? == 0 && !entries.iter().any(says_what) {
        say_what(tx, case, &doc, &mut entries)?;
    }
    if !is_release {
        // The server's own clock proves the time of these entries.
        let copies: Vec<_> = entries.iter().filter_map(|entry| entry.facts.as_ref()).collect();
        receipt.facts = facts::check(tx, &copies, &receipt, i64::MAX)?;
    }
    let written = own::append(tx, keys, case, &entries, receipt, (device, now))?;
    if is_release {
        // A release accepts a device's change, which may be the first one of its case.
        if receipt.facts == FactsCheck::Equal {
            listing::confirm(tx, case)?;
        }
        listed::write(tx, case, now)?;
    }
    Ok(written)
}

/// Adds the parcel's facts, or the sheet's outlet and day, to the first entry.
fn say_what(tx: &Tx<'_>, id: &CaseId, doc: &Doc, entries: &mut [NewEntry]) -> Result<(), HeadOfficeError> {
    let log = || case_log::entries(tx, id);
    let Some(first) = entries.first_mut() else { return Ok(()) };
    match doc.kind {
        DocKind::Case => {
            let row = facts::of_now(tx, &doc.waybill)?;
            let known = || Ok::<_, HeadOfficeError>(Case::fold(log()?).ok_or(HeadOfficeError::NoCase)?.facts);
            first.facts = Some(row.map_or_else(known, Ok)?);
        }
        DocKind::Sheet => first.sheet = Some(Sheet::fold(log()?).ok_or(HeadOfficeError::NoCase)?.facts),
    }
    Ok(())
}

/// A reviewer's decision on a finding or an entry.
pub struct NewDecision<'a> {
    /// The reviewer's account.
    pub by: &'a str,
    /// The id of a finding, or the key of an entry.
    pub about: &'a str,
    /// Whether the finding stands.
    pub stands: Stands,
    /// The share of the liable party, 0 to 100 percent.
    pub share: Option<u8>,
    /// The amount that the reviewer sets.
    pub amount: Option<Fen>,
    /// The reviewer's reason.
    pub words: Option<&'a str>,
}

/// The largest number of rulings that one decision replaces. A change has 16 entries at most.
const MOST_REPLACED: usize = 16;

/// Writes a reviewer's decision. It replaces every earlier one that head office knows.
pub(crate) fn decide(
    tx: &Tx<'_>,
    keys: &Keys,
    rules: &Rules,
    case: &CaseId,
    new: &NewDecision<'_>,
    now: UnixMs,
) -> Result<ChangeHash, HeadOfficeError> {
    let author = reviewer(tx, new.by)?;
    let folded = Case::fold(case_log::entries(tx, case)?).ok_or(HeadOfficeError::NoCase)?;
    let (_, book) = rules.book(tx)?;
    let about: About = new.about.parse().map_err(|_| HeadOfficeError::About(new.about.to_owned()))?;
    let judged = doorstep_rules::judge(&folded, &book, now);
    let known = match &about.rule {
        Some(_) => judged.findings.iter().any(|finding| finding.id == about),
        None => folded.entry(&about.entry).is_some(),
    };
    if !known {
        return Err(HeadOfficeError::About(new.about.to_owned()));
    }
    let earlier = folded.unreplaced(|body| matches!(body, Body::Ruling(ruling) if ruling.about == about));
    let earlier: Vec<EntryKey> = earlier.into_iter().take(MOST_REPLACED).map(|r| r.entry.key.clone()).collect();
    let words = new.words.map(Personal::plain).transpose()?;
    let ruling = Ruling { about, stands: new.stands, share: new.share, amount: new.amount, replaces: None, words };
    let mut bodies: Vec<Body> =
        earlier.into_iter().map(|key| Body::Ruling(Ruling { replaces: Some(key), ..ruling.clone() })).collect();
    if bodies.is_empty() {
        bodies.push(Body::Ruling(ruling));
    }
    write(tx, keys, case, author, book.at(now).version, bodies, now)
}

/// Writes a reviewer's mark on an entry: a notice to a wrong target, a reply that decides nothing, or an unclear photo.
pub(crate) fn mark(
    tx: &Tx<'_>,
    keys: &Keys,
    rules: &Rules,
    case: &CaseId,
    (by, entry, remark): (&str, &str, Remark),
    words: Option<&str>,
    now: UnixMs,
) -> Result<ChangeHash, HeadOfficeError> {
    let author = reviewer(tx, by)?;
    let folded = Case::fold(case_log::entries(tx, case)?).ok_or(HeadOfficeError::NoCase)?;
    let about: EntryKey = entry.parse().map_err(|_| HeadOfficeError::About(entry.to_owned()))?;
    folded.entry(&about).ok_or_else(|| HeadOfficeError::About(entry.to_owned()))?;
    let (_, book) = rules.book(tx)?;
    let body = Body::Mark(Mark { about, remark, reason: None, words: words.map(Personal::plain).transpose()? });
    write(tx, keys, case, author, book.at(now).version, vec![body], now)
}

/// Writes into a case that a photo's bytes differ from those that its entry names. The hash proves it, so no reviewer decides.
pub(crate) fn void(tx: &Tx<'_>, keys: &Keys, rules: &Rules, case: &CaseId, photo: &PhotoId, now: UnixMs) -> Result<(), ApiError> {
    let Some(folded) = Case::fold(case_log::entries(tx, case)?) else { return Ok(()) };
    let names = |r: &&Recorded| matches!(&r.entry.body, Body::Photo(named) if named.id == *photo);
    let mark = |r: &Recorded| Mark { about: r.entry.key.clone(), remark: Remark::Void, reason: None, words: None };
    let bodies: Vec<Body> = folded.timeline.iter().filter(names).map(|r| Body::Mark(mark(r))).collect();
    let author = own::server()?;
    let (_, book) = rules.book(tx)?;
    match write(tx, keys, case, author, book.at(now).version, bodies, now) {
        Ok(_) => Ok(()),
        Err(HeadOfficeError::Api(error)) => Err(error),
        // A full case takes no mark, but the photo's state says the same.
        Err(_) => Ok(()),
    }
}

pub(crate) fn reviewer(tx: &Tx<'_>, by: &str) -> Result<Author, HeadOfficeError> {
    let role = Role::HqReviewer;
    let unknown = || HeadOfficeError::Person(by.to_owned());
    let user: UserId = by.parse().map_err(|_| unknown())?;
    let outlet = people::outlet_in_role(tx, by, role)?.ok_or_else(unknown)?;
    Ok(Author { user, role, outlet })
}

fn write(
    tx: &Tx<'_>,
    keys: &Keys,
    case: &CaseId,
    author: Author,
    pack_version: u32,
    bodies: Vec<Body>,
    now: UnixMs,
) -> Result<ChangeHash, HeadOfficeError> {
    let entries = bodies.into_iter().map(|body| own::entry(author.clone(), pack_version, now, body)).collect();
    append(tx, keys, case, entries, Receipt::of(now, Some(now)), (&keys.device, now))
}
