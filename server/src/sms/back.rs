//! What comes back: receipts by the provider's ids, however late, early, often or oddly spelt; and what customers answer.

use doorstep_domain::{Body, CaseId, EntryKey, Personal, SmsFault, SmsReply, SmsReport, SmsState, UnixMs};
use doorstep_gateway::{Inbound, Receipt, ReceiptStatus, id_forms};
use doorstep_rules::Pack;
use rusqlite::{OptionalExtension, params};
use sha2::{Digest, Sha256};

use super::outbox;
use crate::{error::ApiError, keys::Keys, packs::Rules, store::tx::Tx};

/// The same words from the same number within so long are one message that a provider delivered twice.
const SAME_MS: i64 = 10 * 60_000;
/// A receipt comes so much earlier than the answer to its submission, at most.
const EARLY_MS: i64 = 3_600_000;
/// Ids of segments are kept so long for receipts that come late, and receipts that were matched.
const KEEP_MS: i64 = 30 * 24 * 3_600_000;
/// Longest answer that is kept, in bytes: ten segments and more.
const MAX_WORDS: usize = 4_000;
/// Words by which a customer asks for no more messages (TD, 退订, STOP).
const OPT_OUT: [&str; 6] = ["TD", "退订", "拒收", "STOP", "UNSUBSCRIBE", "QUIT"];

/// Takes a receipt. When this is durable the provider may be told so.
pub(crate) fn take_receipt(db: &Tx<'_>, keys: &Keys, receipt: &Receipt, now: UnixMs) -> Result<(), ApiError> {
    let recipient = receipt.number.as_deref().map_or(Ok(None), |number| outbox::recipient(db, number))?;
    let said = Said { id: &receipt.id, status: receipt.status, code: &receipt.code, recipient };
    if matches(db, keys, &said, now)? || was_sent(db, keys, receipt, now)? {
        return Ok(());
    }
    db.prepare_cached(
        "INSERT INTO receipt (provider_id, status, code, received_at) SELECT ?1, ?2, ?3, ?4
         WHERE NOT EXISTS (SELECT 1 FROM receipt WHERE provider_id = ?1 AND status = ?2 AND matched_at IS NULL)",
    )?
    .execute(params![receipt.id, receipt.status.word(), receipt.code, now.0])?;
    Ok(())
}

/// A receipt for a number to which just one message of the gateway is uncertain says that it was sent, though nobody has heard its id:
/// the answer to its submission was lost.
fn was_sent(db: &Tx<'_>, keys: &Keys, receipt: &Receipt, now: UnixMs) -> Result<bool, ApiError> {
    let Some(number) = &receipt.number else { return Ok(false) };
    let Some(recipient) = outbox::recipient(db, number)? else { return Ok(false) };
    let sql = format!(
        "SELECT {} FROM message WHERE recipient = ?1 AND state = 'uncertain' AND holder IS NULL AND fence > 0 LIMIT 2",
        outbox::COLUMNS
    );
    let mut query = db.prepare_cached(&sql)?;
    let rows = query.query_map([recipient], outbox::read)?.filter_map(Result::transpose).collect::<Result<Vec<_>, _>>()?;
    let [row] = rows.as_slice() else { return Ok(false) };
    // It may be about one whose answer has not come yet.
    let mut under_way = db.prepare_cached("SELECT 1 FROM message WHERE recipient = ?1 AND state = 'submitting'")?;
    if under_way.exists([&row.recipient])? {
        return Ok(false);
    }
    let until = row.offered_at.plus(KEEP_MS);
    if now > until || matches!(receipt.status, ReceiptStatus::Rejected) {
        return Ok(false);
    }
    outbox::set(db, row, SmsState::Sent, row.round, Some(now))?;
    let report = outbox::report(&row.entry, SmsState::Sent, row.round);
    outbox::say(db, keys, &row.case, (outbox::server()?, version(db)?), Body::SmsReport(report), now)?;
    Ok(true)
}

/// What a receipt says.
struct Said<'a> {
    id: &'a str,
    status: ReceiptStatus,
    code: &'a str,
    recipient: Option<Vec<u8>>,
}

/// Looks at the receipts that came before the answer to their submission.
pub(super) fn match_again(db: &Tx<'_>, keys: &Keys, ids: &[String], now: UnixMs) -> Result<(), ApiError> {
    let mut query =
        db.prepare_cached("SELECT id, provider_id, status, code FROM receipt WHERE matched_at IS NULL AND received_at >= ?1")?;
    let open = query.query_map([now.plus(-EARLY_MS).0], |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?, row.get::<_, String>(3)?))
    })?;
    let wanted: Vec<String> = ids.iter().flat_map(|id| id_forms(id)).collect();
    for row in open.collect::<Result<Vec<_>, _>>()? {
        let (id, provider_id, status, code) = row;
        if !id_forms(&provider_id).iter().any(|form| wanted.contains(form)) {
            continue;
        }
        let said = Said { id: &provider_id, status: status_of(&status), code: &code, recipient: None };
        if matches(db, keys, &said, now)? {
            db.prepare_cached("UPDATE receipt SET matched_at = ?2 WHERE id = ?1")?.execute(params![id, now.0])?;
        }
    }
    Ok(())
}

/// Drops what is of no use any more: ids for which no receipt comes now. Receipts that name nothing stay.
pub(crate) fn prune(db: &Tx<'_>, now: UnixMs) -> Result<(), ApiError> {
    let before = now.plus(-KEEP_MS).0;
    db.execute("DELETE FROM segment WHERE at < ?1", [before])?;
    db.execute("DELETE FROM receipt WHERE matched_at < ?1", [before])?;
    Ok(())
}

fn status_of(word: &str) -> ReceiptStatus {
    use ReceiptStatus::{Accepted, Delivered, Expired, Rejected, Undelivered, Unknown};
    [Delivered, Undelivered, Expired, Rejected, Accepted].into_iter().find(|status| status.word() == word).unwrap_or(Unknown)
}

/// A segment: case, entry, round, part.
type Part = (Vec<u8>, String, u32, u32);

/// The segment that a receipt is about: one to its number if it names one, by the best of its id's forms, of several the newest.
fn segment(db: &Tx<'_>, said: &Said<'_>) -> Result<Option<Part>, ApiError> {
    let mut query = db.prepare_cached(
        "SELECT case_id, entry, segment.round, part FROM segment JOIN message USING (case_id, entry)
         WHERE form = ?1 AND (?2 IS NULL OR recipient = ?2) AND rank <= ?3 ORDER BY rank, at DESC LIMIT 1",
    )?;
    // Some providers name another number, or write it in a way of their own: then the id alone must do.
    let recipient = match &said.recipient {
        Some(number) if db.prepare_cached("SELECT 1 FROM message WHERE recipient = ?1")?.exists([number])? => Some(number),
        _ => None,
    };
    let forms = id_forms(said.id);
    let mut find = |form: &String, recipient: Option<&Vec<u8>>, most_rank: i64| {
        query
            .query_row(params![form, recipient, most_rank], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))
            .optional()
    };
    for form in &forms {
        if let Some(found) = find(form, recipient, i64::MAX)? {
            return Ok(Some(found));
        }
    }
    // It names a recipient and no message to that one: another's only if the id is its very own.
    match (recipient, forms.first()) {
        (Some(_), Some(as_given)) => Ok(find(as_given, None, 0)?),
        _ => Ok(None),
    }
}

/// Codes of receipts by which the operator says that there is no such number (SMPP 3.4: absent subscriber is another).
const UNKNOWN_SUBSCRIBER: [&str; 2] = ["1", "001"];

/// What follows from a receipt for the message that it is about. False if it is about none.
fn matches(db: &Tx<'_>, keys: &Keys, said: &Said<'_>, now: UnixMs) -> Result<bool, ApiError> {
    let Some((case, entry, round, part)) = segment(db, said)? else { return Ok(false) };
    let status = said.status;
    if matches!(status, ReceiptStatus::Accepted | ReceiptStatus::Unknown) {
        return Ok(true);
    }
    // A receipt that came twice, or after a final one, changes nothing.
    db.prepare_cached(
        "UPDATE segment SET status = ?5 WHERE case_id = ?1 AND entry = ?2 AND round = ?3 AND part = ?4 AND status <> 'delivered'",
    )?
    .execute(params![case, entry, round, part, status.word()])?;
    let mut query =
        db.prepare_cached("SELECT DISTINCT part, status FROM segment WHERE case_id = ?1 AND entry = ?2 AND round = ?3")?;
    let all = query.query_map(params![case, entry, round], |row| row.get::<_, String>(1))?.collect::<Result<Vec<_>, _>>()?;
    let is_delivered = all.iter().all(|status| status == "delivered");
    let failed = all.iter().any(|status| !matches!(status.as_str(), "" | "delivered"));
    let state = match (is_delivered, failed) {
        (true, _) => SmsState::Delivered,
        (false, true) => SmsState::Undelivered,
        (false, false) => return Ok(true),
    };
    let (Ok(case), Ok(key)) = (CaseId::try_from(case.as_slice()), entry.parse::<EntryKey>()) else { return Ok(true) };
    let Some(row) = outbox::one(db, &case, &key)? else { return Ok(true) };
    if row.state >= state {
        return Ok(true);
    }
    outbox::set(db, &row, state, row.round, Some(now))?;
    // Only what says that the number is none gives leniency; a phone that is off says nothing of it.
    let is_number = status == ReceiptStatus::Undelivered && UNKNOWN_SUBSCRIBER.contains(&said.code);
    let fault = (state == SmsState::Undelivered && is_number).then_some(SmsFault::Number);
    let report = SmsReport { fault, ..outbox::report(&key, state, round) };
    let version = version(db)?;
    outbox::say(db, keys, &case, (outbox::server()?, version), Body::SmsReport(report), now)?;
    Ok(true)
}

/// Version of the newest pack: what the server's own reports name.
fn version(db: &Tx<'_>) -> Result<u32, ApiError> {
    Ok(db.prepare_cached("SELECT max(version) FROM pack")?.query_row([], |row| row.get(0))?)
}

/// Where an answer belongs, or why nobody can tell.
enum Landing {
    On { case: Vec<u8>, entry: String, why: &'static str },
    Nowhere(&'static str),
}

/// Takes what a customer wrote. It lands on the case whose message it answers; what can not be matched is kept for a person.
pub(crate) fn take_inbound(
    db: &Tx<'_>,
    keys: &Keys,
    rules: &Rules,
    (inbound, service): (&Inbound, &str),
    now: UnixMs,
) -> Result<(), ApiError> {
    let cut = |text: &str| -> String {
        let mut end = text.len().min(MAX_WORDS);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.get(..end).unwrap_or_default().to_owned()
    };
    let text = cut(&inbound.text);
    let recipient = outbox::recipient(db, &inbound.from)?.unwrap_or_default();
    let mark: [u8; 32] = Sha256::new()
        .chain_update(&recipient)
        .chain_update(inbound.to.as_bytes())
        .chain_update([0])
        .chain_update(inbound.id.as_deref().unwrap_or_default().as_bytes())
        .chain_update([0])
        .chain_update(text.as_bytes())
        .finalize()
        .into();
    let mut known = db.prepare_cached("SELECT 1 FROM inbound WHERE mark = ?1 AND received_at > ?2")?;
    if known.exists(params![mark, now.plus(-SAME_MS).0])? {
        return Ok(());
    }
    let (_, book) = rules.book(db)?;
    let pack = book.at(now);
    let words = text.trim().to_uppercase();
    let opt_out = OPT_OUT.contains(&words.trim_end_matches(['。', '.', '!', '！']));
    if opt_out && !recipient.is_empty() {
        db.prepare_cached("INSERT OR IGNORE INTO opt_out (recipient, at) VALUES (?1, ?2)")?.execute(params![recipient, now.0])?;
    }
    let landing = landing(db, pack, &recipient, (&inbound.to, service), &text, now)?;
    let number = Personal::plain(&cut(&inbound.from)).map_err(|_| ApiError::Internal("a number"))?;
    let words = Personal::plain(&text).map_err(|_| ApiError::Internal("an answer"))?;
    let (mut case, mut entry, mut why) = match landing {
        Landing::On { case, entry, why } => (Some(case), Some(entry), why),
        Landing::Nowhere(why) => (None, None, why),
    };
    let id = case.as_deref().and_then(|case| CaseId::try_from(case).ok());
    if let Some((id, of)) = id.zip(entry.as_deref().and_then(|entry| entry.parse().ok())) {
        let reply = Body::SmsReply(SmsReply { of, words: words.clone(), opt_out });
        if !outbox::say(db, keys, &id, (outbox::server()?, pack.version), reply, now)? {
            // A case that is full takes no more: a person sees it in the list.
            (case, entry, why) = (None, None, "full");
        }
    }
    db.prepare_cached(
        "INSERT INTO inbound (mark, recipient, number, service, words, received_at, case_id, entry, why)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?
    .execute(params![mark, recipient, number.as_bytes(), cut(&inbound.to), words.as_bytes(), now.0, case, entry, why])?;
    Ok(())
}

/// By the number that was answered with its extension, then by a waybill in the words, then by the only case that is open to an
/// answer.
fn landing(
    db: &Tx<'_>,
    pack: &Pack,
    recipient: &[u8],
    (to, service): (&str, &str),
    text: &str,
    now: UnixMs,
) -> Result<Landing, ApiError> {
    let since = now.plus(-i64::from(pack.sms.gateway.reply_hours) * 3_600_000);
    let mut query = db.prepare_cached(
        "SELECT message.case_id, entry, extension, coalesce(doc.waybill, '') FROM message LEFT JOIN doc USING (case_id)
         WHERE recipient = ?1 AND recipient <> x'' AND (sent_at >= ?2 OR (state = 'uncertain' AND offered_at >= ?2)) ORDER BY sent_at DESC LIMIT 50",
    )?;
    let rows = query.query_map(params![recipient, since.0], |row| {
        Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?, row.get::<_, String>(3)?))
    })?;
    let open: Vec<_> = rows.collect::<Result<_, _>>()?;
    let on = |(case, entry, ..): &(Vec<u8>, String, String, String), why| Landing::On {
        case: case.clone(),
        entry: entry.clone(),
        why,
    };
    let by_number =
        open.iter().find(|(_, _, extension, _)| !extension.is_empty() && to.ends_with(&format!("{service}{extension}")));
    let upper = text.to_uppercase();
    let by_waybill = || open.iter().find(|(.., waybill)| !waybill.is_empty() && upper.contains(waybill.as_str()));
    if let Some(found) = by_number {
        return Ok(on(found, "extension"));
    }
    if let Some(found) = by_waybill() {
        return Ok(on(found, "waybill"));
    }
    Ok(match open.first() {
        None => Landing::Nowhere("no_message"),
        Some(newest) if open.iter().all(|(case, ..)| *case == newest.0) => on(newest, "only_case"),
        Some(_) => Landing::Nowhere("several_cases"),
    })
}
