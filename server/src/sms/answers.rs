//! Customers' replies. Each is added to the case whose message it answers, or stored for a person to look at.

use doorstep_domain::{Body, CaseId, EntryKey, Personal, SmsReply, UnixMs};
use doorstep_gateway::Inbound;
use doorstep_rules::{Pack, sms::wants_no_more};
use sha2::{Digest, Sha256};

use super::{outbox, queue};
use crate::{
    error::ApiError,
    keys::Keys,
    packs::Rules,
    store::{
        inbound::{self, NewInbound},
        messages::{self, Answerable},
        opt_out,
        tx::Tx,
    },
};

/// The same words from the same number within this time are one message that the provider delivered twice.
const SAME_MS: i64 = 10 * 60_000;
/// The longest reply that is stored, in bytes: ten segments and more.
const MAX_WORDS: usize = 4_000;

/// The case of a reply, or why it is unknown.
enum Landing {
    On { case: CaseId, entry: EntryKey, why: &'static str },
    Nowhere(&'static str),
}

/// Records a customer's reply in the case whose message it answers. A reply that matches none is stored for a person.
pub(crate) fn take_inbound(
    tx: &Tx<'_>,
    keys: &Keys,
    rules: &Rules,
    (message, service): (&Inbound, &str),
    now: UnixMs,
) -> Result<(), ApiError> {
    let cut = |text: &str| -> String {
        let mut end = text.len().min(MAX_WORDS);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.get(..end).unwrap_or_default().to_owned()
    };
    let text = cut(&message.text);
    let recipient = queue::operators(tx, &message.from)?.unwrap_or_default();
    // Texts that are not readable look alike, so their bytes decide.
    let torn = if text.contains(char::REPLACEMENT_CHARACTER) { message.raw.bytes.as_slice() } else { &[] };
    let mark: [u8; 32] = Sha256::new()
        .chain_update(&recipient)
        .chain_update(message.to.as_bytes())
        .chain_update([0])
        .chain_update(message.id.as_deref().unwrap_or_default().as_bytes())
        .chain_update([0])
        .chain_update(text.as_bytes())
        .chain_update(torn)
        .finalize()
        .into();
    if inbound::came_after(tx, &mark, now.plus(-SAME_MS))? {
        return Ok(());
    }
    let (_, book) = rules.book(tx)?;
    let pack = book.at(now);
    let wants_no_more = wants_no_more(pack, &text);
    if wants_no_more && !recipient.is_empty() {
        opt_out::add(tx, &recipient, now)?;
    }
    let landing = landing(tx, pack, &recipient, (&message.to, service), &text, now)?;
    let number = Personal::plain(&cut(&message.from)).map_err(|_| ApiError::Internal("a number"))?;
    let words = Personal::plain(&text).map_err(|_| ApiError::Internal("an answer"))?;
    let (mut of, mut why) = match &landing {
        Landing::On { case, entry, why } => (Some((case, entry)), *why),
        Landing::Nowhere(why) => (None, *why),
    };
    if let Some((case, entry)) = of {
        let reply = Body::SmsReply(SmsReply { of: entry.clone(), words: words.clone(), opt_out: wants_no_more });
        if !outbox::say(tx, keys, case, (outbox::server()?, pack.version), reply, now)? {
            // A full case takes no reply. The list shows it to a person.
            (of, why) = (None, "full");
        }
    }
    let (recipient, service) = (&recipient, &cut(&message.to));
    let (number, words, coding, bytes) = (&number, &words, message.coding, &message.raw.bytes);
    let answer = NewInbound { mark, recipient, number, service, words, received_at: now, of, why, coding, bytes };
    Ok(inbound::add(tx, &answer)?)
}

/// Finds the case of a reply: by the extension of the number that was answered, then by a waybill in the words, then by the only
/// case that is open to a reply.
fn landing(
    tx: &Tx<'_>,
    pack: &Pack,
    recipient: &[u8],
    (to, service): (&str, &str),
    text: &str,
    now: UnixMs,
) -> Result<Landing, ApiError> {
    let since = now.plus(-i64::from(pack.sms.gateway.reply_hours) * 3_600_000);
    // A message to an unreadable number can have no reply.
    let open = if recipient.is_empty() { vec![] } else { messages::answerable(tx, recipient, since)? };
    let on = |found: &Answerable, why| Landing::On { case: found.case, entry: found.entry.clone(), why };
    let by_number =
        open.iter().find(|Answerable { extension, .. }| !extension.is_empty() && to.ends_with(&format!("{service}{extension}")));
    let upper = text.to_uppercase();
    let by_waybill = || open.iter().find(|Answerable { waybill, .. }| !waybill.is_empty() && upper.contains(waybill.as_str()));
    if let Some(found) = by_number {
        return Ok(on(found, "extension"));
    }
    if let Some(found) = by_waybill() {
        return Ok(on(found, "waybill"));
    }
    Ok(match open.first() {
        None => Landing::Nowhere("no_message"),
        Some(newest) if open.iter().all(|other| other.case == newest.case) => on(newest, "only_case"),
        Some(_) => Landing::Nowhere("several_cases"),
    })
}
