//! Copies the rows of a damaged store into a new one, and makes it usable.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use doorstep_document::{Admission, Change, History};
use doorstep_domain::{Body, CaseId, DeviceId, Facts, InstallId, NetworkCode, PhotoId, RefusalCode, UnixMs, Waybill};
use doorstep_rules::{FIRST_PACK, Pack, Policy, Rulebook};
use doorstep_sql::{
    FromValue, ToValue,
    Value::{self, Bytes, Int, Null, Text},
};
use rusqlite::{Connection, TransactionBehavior};

use super::{
    image::Image,
    report::Salvage,
    rows::{self, Row},
};
use crate::{
    Store, StoreError, identity, parcels, project, read, rebase, record, refs,
    row::{Statements, params},
    sheet_row,
    states::{OutboxState, PhotoState},
};

/// A table, recognised by the shape of its rows: t text, b blob, i integer, n always null; a capital may be null.
struct Table {
    name: &'static str,
    shape: &'static str,
}

/// The tables whose rows are copied unchanged, as far as the new store's constraints permit.
const PLAIN: [Table; 11] = [
    Table { name: "meta", shape: "tb" },
    Table { name: "member", shape: "ttttBi" },
    Table { name: "batch", shape: "bibiBBB" },
    Table { name: "case_scope", shape: "bt" },
    Table { name: "reference", shape: "tib" },
    Table { name: "parcel", shape: "ttttTbbbiITItbIbbTITIIbITTII" },
    Table { name: "pack", shape: "iibb" },
    Table { name: "outlet", shape: "tttt" },
    Table { name: "unconfirmed", shape: "bb" },
    Table { name: "sheet", shape: "bttt" },
    Table { name: "first_receipt", shape: "bbiIiIIiiIBi" },
];
const CHANGE: &str = "bibbiiiIiIIiiIBTb";
/// The shape from before receipts carried gaps. The feed brings the gaps.
const CHANGE_1: &str = "bibbiiiIiiITb";
/// The shape from before rows said when a list moved the parcel.
const PARCEL_2: &str = "ttttTbbbiITItbIbbTITIIbITTI";
/// The shape from before rows had details.
const PARCEL_1: &str = "ttttTbbbiITItbI";
const OUTBOX: &str = "nbbitiiTbbiib";
const OUTBOX_INDEX: &str = "bi";
const CASE_ROW: &str = "btbiiiittttitttiiiii";
const PHOTO: &str = "bitiiiIiIiiT";

/// Whether a row has a shape that only our stores have.
pub(super) fn is_ours(row: &Row) -> bool {
    match row.values.as_slice() {
        values if (fits(values, CHANGE) || fits(values, CHANGE_1)) && row.rowid.is_none() => true,
        values if fits(values, OUTBOX) && row.rowid.is_some() => true,
        // A row of the schema.
        [Text(kind), Text(name), ..] => kind == "table" && (name == "outbox" || name == "case_row"),
        _ => false,
    }
}

fn fits(values: &[Value<'_>], shape: &str) -> bool {
    values.len() == shape.len()
        && values.iter().zip(shape.bytes()).all(|(value, want)| {
            let got = match value {
                Null => return want == b'n' || want.is_ascii_uppercase(),
                Text(_) => b't',
                Bytes(_) => b'b',
                Int(_) => b'i',
            };
            want.to_ascii_lowercase() == got
        })
}

/// Facts that are gathered beside the rows.
#[derive(Default)]
struct Gathered {
    /// The numbers of unsent rows with a readable change.
    whole: BTreeSet<i64>,
    /// The entirely unreadable rows, with their numbers.
    remnants: Vec<(i64, i64)>,
    /// The facts of parcels, from any change that has them.
    facts: BTreeMap<CaseId, Facts>,
    /// The waybills that occur anywhere in the store.
    waybills: BTreeSet<Waybill>,
    /// The outbox's rows according to its index.
    indexed: BTreeMap<i64, CaseId>,
    /// The rows of the outbox that were found.
    found: BTreeSet<i64>,
}

/// Fills a new store from the image of a damaged one.
pub(super) fn everything(image: &mut Image, db: &mut Connection, photos: &Path, fresh: InstallId) -> Result<Salvage, StoreError> {
    let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut report = Salvage::default();
    let mut gathered = Gathered::default();
    let free = image.free_pages()?;
    for number in (1..=image.pages()).filter(|number| !free.contains(number)) {
        let page = rows::of_page(image, number)?;
        // Without the list of free pages a page of zeros may be a free one.
        if page.unreadable > 0 || (page.is_blank && !free.is_empty()) {
            report.damaged_pages += 1;
        }
        for row in &page.rows {
            salvage_row(&tx, row, photos, &mut gathered, &mut report)?;
        }
    }
    // If both rows of a change were found, the accepted one counts, so it is not offered again. It is not called damaged either,
    // because a page that was freed long ago may still hold the first part of its row.
    tx.run(
        concat!("DELETE FROM outbox WHERE (", outbox_waits!(), " OR reason = ?1) AND hash IN (SELECT hash FROM change)"),
        params![RefusalCode::Damaged.to_string()],
    )?;
    // At most one of two rows with one number was in the table. If one is whole, a second one with neither a readable change nor
    // readable words is the remains of an older row.
    for (_, row) in gathered.remnants.iter().filter(|(number, _)| gathered.whole.contains(number)) {
        tx.run("DELETE FROM outbox WHERE id = ?1", params![row])?;
    }
    keep_closed_histories(&tx, &mut report)?;
    settle_identity(&tx, &mut report)?;
    settle_references(&tx)?;
    go_on(&tx, &gathered, fresh)?;
    find_photos(&tx, photos)?;
    let lost: BTreeSet<_> =
        gathered.indexed.iter().filter(|(id, _)| !gathered.found.contains(id)).map(|(_, case)| *case).collect();
    let missing = gathered.indexed.keys().filter(|id| !gathered.found.contains(id)).count();
    if missing > 0 {
        *report.lost.entry("outbox").or_default() += missing as u64;
    }
    let named = gathered.named(&current_book(&tx)?);
    report.again = lost.iter().filter_map(|case| named.get(case)).map(|(_, waybill)| waybill.to_string()).collect();
    for name in PLAIN.iter().map(|table| table.name).chain(["change", "outbox", "photo"]) {
        let rows = tx.one(name, &format!("SELECT count(*) FROM {name}"), params![], |row| row.get(0))?;
        report.taken.insert(name, rows);
    }
    tx.commit()?;
    Ok(report)
}

fn salvage_row(
    db: &Connection,
    row: &Row,
    photos: &Path,
    gathered: &mut Gathered,
    report: &mut Salvage,
) -> Result<(), StoreError> {
    let values = row.values.as_slice();
    if let Some(id) = row.rowid {
        if fits(values, OUTBOX) {
            salvage_unsent(db, id, values, gathered)?;
        }
        return Ok(());
    }
    let is_taken = match values {
        [case, Int(id)] if fits(values, OUTBOX_INDEX) => {
            if let Ok(case) = CaseId::from_value(case) {
                gathered.indexed.insert(*id, case);
            }
            return Ok(());
        }
        // The row is derived, and is built anew from the changes. Its waybill may be the last place that names the parcel.
        [_, Text(waybill), ..] if fits(values, CASE_ROW) => {
            gathered.waybills.extend(Waybill::parse(waybill).ok());
            return Ok(());
        }
        _ if fits(values, CHANGE) => ("change", salvage_accepted(db, values, gathered)?),
        [head @ .., marks, batch, parked, bytes] if fits(values, CHANGE_1) => {
            let pusher = head.get(3).filter(|_| *batch != Null).cloned().unwrap_or(Null);
            let gap = [Null, Null, marks.clone(), Int(0), batch.clone(), pusher, parked.clone(), bytes.clone()];
            ("change", salvage_accepted(db, &[head, &gap].concat(), gathered)?)
        }
        [Text(waybill), ..] if fits(values, PARCEL_1) => {
            gathered.waybills.extend(Waybill::parse(waybill).ok());
            let none = || Bytes(Cow::Borrowed(&[]));
            let details = [none(), none(), Null, Null, Null, Null, Null, none(), Null, Null, Null, Null, Null];
            ("parcel", insert(db, "parcel", &[values, &details].concat())?)
        }
        [Text(waybill), ..] if fits(values, PARCEL_2) => {
            gathered.waybills.extend(Waybill::parse(waybill).ok());
            ("parcel", insert(db, "parcel", &[values, &[Null]].concat())?)
        }
        // The file of such a photo need not be here any more: it is lost, void, or let go.
        [_, _, _, Int(state), ..] if fits(values, PHOTO) && *state > PhotoState::Stored.number() => {
            ("photo", insert(db, "photo", values)?)
        }
        [id, Int(len), Text(name), ..] if fits(values, PHOTO) => {
            let file = PhotoId::from_value(id).ok().and_then(|id| file_of(photos, &id));
            let is_whole = |name: &str| photos.join(name).metadata().is_ok_and(|file| i64::try_from(file.len()) == Ok(*len));
            let is_there = file.is_some_and(|file| file == *name && is_whole(name));
            ("photo", is_there && insert(db, "photo", values)?)
        }
        _ => match PLAIN.iter().find(|table| fits(values, table.shape)) {
            Some(table) => {
                if let ("parcel", Some(Text(waybill))) = (table.name, values.first()) {
                    gathered.waybills.extend(Waybill::parse(waybill).ok());
                }
                (table.name, insert(db, table.name, values)?)
            }
            None => return Ok(()),
        },
    };
    if let (table, false) = is_taken {
        *report.lost.entry(table).or_default() += 1;
    }
    Ok(())
}

/// Inserts a row, unless it is already there or the table rejects it.
fn insert(db: &Connection, table: &str, values: &[Value<'_>]) -> Result<bool, StoreError> {
    let places = vec!["?"; values.len()].join(", ");
    let sql = format!("INSERT OR IGNORE INTO {table} VALUES ({places})");
    let values: Vec<&dyn ToValue> = values.iter().map(|value| value as &dyn ToValue).collect();
    Ok(db.run(&sql, &values)? == 1)
}

fn salvage_accepted(db: &Connection, values: &[Value<'_>], gathered: &mut Gathered) -> Result<bool, StoreError> {
    let [case, _, Bytes(hash), .., parked, Bytes(bytes)] = values else { return Ok(false) };
    let Ok(case) = CaseId::from_value(case) else { return Ok(false) };
    // Parked and unverifiable changes come again in the feed.
    let Ok(change) = Change::read_stored(&case, bytes) else { return Ok(false) };
    if *parked != Null || change.hash().as_bytes() != &**hash {
        return Ok(false);
    }
    gathered.learn(&case, &change);
    sheet_row::know_of(db, [&change])?;
    insert(db, "change", values)
}

fn salvage_unsent(db: &Connection, id: i64, values: &[Value<'_>], gathered: &mut Gathered) -> Result<(), StoreError> {
    let [_, case, action, recorded_at, Text(command), Int(state), tries, reason, hash, install, seq, max_op, Bytes(bytes)] =
        values
    else {
        return Ok(());
    };
    gathered.found.insert(id);
    let number = id;
    let told = serde_json::from_str(command);
    let is_told = told.is_ok();
    if let Ok(command) = told {
        gathered.waybills.extend(texts(&command).iter().filter_map(|text| Waybill::parse(text).ok()));
    }
    let change = CaseId::from_value(case).ok().and_then(|case| Some((case, Change::read_stored(&case, bytes).ok()?)));
    let (state, reason) = match (&change, OutboxState::known(*state)) {
        (None, _) => (OutboxState::Quarantined, Text(RefusalCode::Damaged.to_string().into())),
        (Some(_), Some(refused @ (OutboxState::Quarantined | OutboxState::Discarded))) => (refused, reason.clone()),
        (Some(_), _) => (OutboxState::Unsent, Null),
    };
    if let Some((case, change)) = &change {
        gathered.learn(case, change);
        sheet_row::know_of(db, [change])?;
    }
    let is_whole = change.is_some();
    // Two rows have one number, and both are kept.
    let id = if db.exists("SELECT 1 FROM outbox WHERE id = ?1", params![id])? { None } else { Some(id) };
    let written = change.as_ref().map(|(_, change)| change.hash());
    let hash = written.as_ref().map_or(hash as &dyn ToValue, |written| written);
    let bytes: &[u8] = bytes;
    db.run(
        "INSERT INTO outbox (id, case_id, action, recorded_at, command, state, tries, reason, hash, install, seq, max_op, bytes)
         SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13
         WHERE NOT EXISTS (SELECT 1 FROM outbox WHERE case_id = ?2 AND hash = ?9)",
        &[&id, case, action, recorded_at, &&**command, &state, tries, &reason, hash, install, seq, max_op, &bytes],
    )?;
    if is_whole {
        gathered.whole.insert(number);
    } else if !is_told {
        gathered.remnants.push((number, db.last_insert_rowid()));
    }
    Ok(())
}

impl Gathered {
    fn learn(&mut self, case: &CaseId, change: &Change) {
        for facts in change.entries().iter().filter_map(|entry| entry.facts.as_ref()) {
            self.waybills.insert(facts.waybill.clone());
            // Facts from a person who knew the parcel's reference row replace facts without it.
            let known = self.facts.entry(*case).or_insert_with(|| facts.clone());
            if known.is_unlisted() && !facts.is_unlisted() {
                *known = facts.clone();
            }
        }
    }

    /// Finds the waybills of cases by trying, because a case id is a hash of its waybill.
    fn named(&self, book: &Rulebook) -> BTreeMap<CaseId, (NetworkCode, Waybill)> {
        let mut networks: BTreeSet<_> = self.facts.values().map(|facts| facts.network.clone()).collect();
        networks.extend(book.newest().pack.network.parse().ok());
        let pairs = networks.iter().flat_map(|network| self.waybills.iter().map(move |waybill| (network, waybill)));
        pairs.map(|(network, waybill)| (CaseId::of(network, waybill), (network.clone(), waybill.clone()))).collect()
    }
}

/// All texts in a command.
fn texts(json: &serde_json::Value) -> Vec<String> {
    use serde_json::Value::{Array, Object, String};
    match json {
        String(text) => vec![text.clone()],
        Array(items) => items.iter().flat_map(texts).collect(),
        Object(fields) => fields.values().flat_map(texts).collect(),
        _ => vec![],
    }
}

/// Keeps only those accepted changes of each case that lack no predecessor. The feed brings the others again in order, and each
/// of them is then new or known. A gap would leave wrong heads.
fn keep_closed_histories(db: &Connection, report: &mut Salvage) -> Result<(), StoreError> {
    let cases: Vec<CaseId> = db.all("change", "SELECT DISTINCT case_id FROM change", params![], |row| row.get(0))?;
    let mut dropped = 0;
    for case in cases {
        let mut history = History::of([]);
        let sql = "SELECT n, bytes FROM change WHERE case_id = ?1 ORDER BY n";
        let rows: Vec<(i64, Vec<u8>)> = db.all("change", sql, params![case], |row| Ok((row.get(0)?, row.get(1)?)))?;
        for (n, bytes) in rows {
            let is_next = Change::read_stored(&case, &bytes).is_ok_and(|change| history.admit(&change) == Admission::New);
            if !is_next {
                db.run("DELETE FROM change WHERE case_id = ?1 AND n = ?2", params![case, n])?;
                dropped += 1;
            }
        }
    }
    if dropped > 0 {
        *report.lost.entry("change").or_default() += dropped;
    }
    Ok(())
}

/// Resets an incomplete identity to "not enrolled", because every call would fail with half an identity.
fn settle_identity(db: &Connection, report: &mut Salvage) -> Result<(), StoreError> {
    let users: Vec<String> = db.all("member", "SELECT user FROM member", params![], |row| row.get(0))?;
    for user in users {
        if identity::member(db, &user)?.is_none() {
            db.run("DELETE FROM member WHERE user = ?1", params![user])?;
            *report.lost.entry("member").or_default() += 1;
        }
    }
    if let Some(device) = Store::meta(db, "device")?
        && DeviceId::try_from(device.as_slice()).is_err()
    {
        db.run("DELETE FROM meta WHERE key = 'device'", params![])?;
    }
    let text = |key| Ok::<_, StoreError>(Store::meta(db, key)?.and_then(|bytes| String::from_utf8(bytes).ok()));
    let active = match text("active")? {
        Some(user) => identity::member(db, &user)?,
        None => None,
    };
    let is_whole = active.is_some()
        && Store::meta(db, "device")?.is_some()
        && text("server")?.is_some()
        && text("token")?.is_some()
        && Store::meta(db, "server_key")?.is_some();
    if !is_whole {
        db.run("DELETE FROM meta WHERE key IN ('active', 'token')", params![])?;
    }
    report.enrol_again = !is_whole;
    Ok(())
}

/// Drops unusable rows of the server and has all of them fetched again, because it is unknown which are lost.
fn settle_references(db: &Connection) -> Result<(), StoreError> {
    let usable = |kind: &str, body: &[u8]| match kind {
        "policy" => body.is_empty() || Policy::parse(body).is_ok(),
        _ => true,
    };
    let rows: Vec<(String, Vec<u8>)> =
        db.all("reference", "SELECT kind, body FROM reference", params![], |row| Ok((row.get(0)?, row.get(1)?)))?;
    for (kind, body) in rows {
        if !usable(&kind, &body) {
            db.run("DELETE FROM reference WHERE kind = ?1", params![kind])?;
        }
    }
    db.run("UPDATE reference SET version = 0", params![])?;
    if refs::rulebook(db).is_err() {
        db.run("DELETE FROM pack", params![])?;
    }
    let waybills: Vec<String> = db.all("parcel", "SELECT waybill FROM parcel", params![], |row| row.get(0))?;
    for waybill in waybills {
        let parcel = Waybill::parse(&waybill).ok().map(|waybill| parcels::get(db, &waybill));
        if !matches!(parcel, Some(Ok(Some(_)))) {
            db.run("DELETE FROM parcel WHERE waybill = ?1", params![waybill])?;
        }
    }
    Ok(())
}

/// Writes unaccepted changes anew under the fresh installation and judges every case.
fn go_on(db: &Connection, gathered: &Gathered, fresh: InstallId) -> Result<(), StoreError> {
    let named = gathered.named(&current_book(db)?);
    let mut facts = gathered.facts.clone();
    let unsent = concat!("SELECT DISTINCT case_id FROM outbox WHERE ", outbox_waits!());
    for case in db.all::<CaseId>("outbox", unsent, params![], |row| row.get(0))? {
        if let (false, Some((network, waybill))) = (facts.contains_key(&case), named.get(&case)) {
            facts.insert(case, record::facts(db, &case, network, waybill)?);
        }
    }
    let newest =
        "SELECT max(coalesce((SELECT max(recorded_at) FROM outbox), 0), coalesce((SELECT max(received_at) FROM change), 0))";
    let now: UnixMs = db.one("outbox", newest, params![], |row| row.get(0))?;
    rebase::everything_with(db, fresh, &facts, None, now)?;
    // The parcel of these changes is unknown, so they could not be sent under the new installation. They are kept and shown.
    let unknown = concat!("UPDATE outbox SET state = ?1, reason = ?2 WHERE ", outbox_waits!(), " AND install <> ?3");
    db.run(unknown, params![OutboxState::Quarantined, RefusalCode::Damaged.word(), fresh])?;
    let book = current_book(db)?;
    db.execute_batch(
        "DELETE FROM case_row; DELETE FROM sheet_row; DELETE FROM turn; DELETE FROM case_duty; DELETE FROM assignment;
         DELETE FROM ledger_case",
    )?;
    let all = "SELECT case_id FROM change UNION SELECT case_id FROM outbox";
    for id in db.all::<Vec<u8>>("change", all, params![], |row| row.get(0))? {
        let Ok(case) = CaseId::try_from(id.as_slice()) else { continue };
        let head = project::read_head(db, &case, &fresh, project::Of::Everything)?;
        project::write_row(db, &case, &head, project::entries(db, &case)?, &book, now)?;
    }
    Ok(())
}

/// The salvaged rules, or the built-in first ones until they have come again.
fn current_book(db: &Connection) -> Result<Rulebook, StoreError> {
    if let Some(book) = refs::rulebook(db)? {
        return Ok(book);
    }
    Ok(Rulebook::only(Pack::parse(FIRST_PACK).map_err(|error| StoreError::Reference(error.to_string()))?))
}

/// Restores the rows of photos whose file is here and that a change names. Uploading a photo twice does no harm.
fn find_photos(db: &Connection, photos: &Path) -> Result<(), StoreError> {
    for case in read::case_ids(db)? {
        for recorded in project::entries(db, &case)? {
            let Body::Photo(photo) = &recorded.entry.body else { continue };
            let is_accepted = recorded.standing.receipt().is_some();
            let state = if is_accepted { PhotoState::ToSend } else { PhotoState::EntryFirst };
            let named =
                [(photo.id, photo.len, false)].into_iter().chain(photo.thumbnail.map(|small| (small.id, small.len, true)));
            for (id, len, thumbnail) in named {
                let Some(name) = file_of(photos, &id) else { continue };
                db.run(
                    "INSERT OR IGNORE INTO photo (sha, len, name, state, thumbnail, recorded_at, urgent, told, tries)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, 0, 0)",
                    params![id, len, name, state, thumbnail, recorded.entry.time.wall],
                )?;
            }
        }
    }
    Ok(())
}

fn file_of(photos: &Path, id: &PhotoId) -> Option<String> {
    let text = id.to_string();
    let (shelf, _) = text.split_at(2);
    let names = std::fs::read_dir(photos.join(shelf)).ok()?.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let name = names.filter(|name| name.starts_with(&text) && !name.ends_with(".partial")).min()?;
    Some(format!("{shelf}/{name}"))
}
