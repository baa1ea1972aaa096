//! Reads a provider's calls: receipts and customers' messages. This module does not answer them: the caller makes the events
//! durable and only then answers 200.

use ring::digest::{SHA256, digest};
use serde_json::Value;

use super::answer::text_at;
use crate::{
    ConfigError, HttpConfig, Inbound, Raw, RawKind, Receipt, ReceiptStatus, Secret, Unread,
    code::Codes,
    config::{InboundHook, ReceiptHook},
    event::status_of_word,
};

/// The largest body of a call that is read, in bytes.
pub const MAX_WEBHOOK: usize = 256 * 1024;
/// The largest number of items in one call.
const MOST_ITEMS: usize = 1000;
/// The longest text of a customer, in characters: 255 segments hold no more.
const MAX_TEXT: usize = 255 * 153;

/// The settings of a provider's calls.
pub struct Webhooks {
    token: Secret,
    receipts: Option<ReceiptHook>,
    inbound: Option<InboundHook>,
}

/// The items of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard<T> {
    /// The items that could be read.
    pub items: Vec<T>,
    /// The items without an id, a state, a number or a text. Asking for them again would not help, so they are kept for a person.
    pub unread: Vec<Unread>,
}

/// Why a call can not be read. Shows nothing of its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WebhookError {
    /// The configuration has no settings for this kind of call.
    #[error("read a provider's call: the configuration has no table for this kind of call")]
    NotConfigured,
    /// The body is larger than [`MAX_WEBHOOK`].
    #[error("read a provider's call: it is larger than {MAX_WEBHOOK} bytes")]
    TooLarge,
    /// The body is neither JSON nor a form.
    #[error("read a provider's call: it is not JSON, and no form by its content type")]
    NotJson,
    /// The configured place holds no list, or one that is too long.
    #[error("read a provider's call: there is no list of at most {MOST_ITEMS} where the configuration's pointer says")]
    NoList,
}

impl Webhooks {
    /// Reads the token. `None` if the configuration has no settings for calls.
    pub fn load(config: &HttpConfig) -> Result<Option<Self>, ConfigError> {
        let Some(hooks) = &config.webhooks else { return Ok(None) };
        let token = Secret::read("http.webhooks.token_file", &hooks.token_file)?;
        if token.bare().len() < 16 {
            let fault = "holds a token of less than 16 characters; make a longer one".to_owned();
            return Err(ConfigError::File { key: "http.webhooks.token_file", file: hooks.token_file.clone(), fault });
        }
        Ok(Some(Self { token, receipts: hooks.receipts.clone(), inbound: hooks.inbound.clone() }))
    }

    /// Whether this is the provider's token. The comparison takes constant time, so its duration tells nothing about the token.
    pub fn allows(&self, token: &str) -> bool {
        digest(&SHA256, token.as_bytes()).as_ref() == digest(&SHA256, self.token.bare().as_bytes()).as_ref()
    }

    /// Reads the receipts of a call.
    pub fn receipts(&self, body: &[u8]) -> Result<Heard<Receipt>, WebhookError> {
        let hook = self.receipts.as_ref().ok_or(WebhookError::NotConfigured)?;
        heard(body, hook.list.as_deref(), |item, raw| {
            let at = |pointer: &Option<String>| pointer.as_ref().and_then(|pointer| text_at(item, pointer));
            let id = text_at(item, &hook.id).filter(|id| !id.is_empty() && id.chars().count() <= 64).ok_or("no_id")?;
            let state = text_at(item, &hook.state).filter(|state| !state.is_empty()).ok_or("no_status")?;
            let status = status(hook, &state);
            let number = at(&hook.number).filter(|number| (1..=32).contains(&number.len()));
            let done_at = at(&hook.done_at).map(|at| at.chars().take(32).collect());
            let field = at(&hook.code);
            let code = Codes { word: Some(&state), field: field.as_deref(), beside: None }.text(status);
            let part = part(at(&hook.part), at(&hook.parts));
            let (other_id, by_text_alone) = (None, false);
            Ok(Receipt { id, other_id, status, code, part, by_text_alone, number, done_at, raw })
        })
    }

    /// Reads the customers' messages of a call.
    pub fn inbound(&self, body: &[u8]) -> Result<Heard<Inbound>, WebhookError> {
        let hook = self.inbound.as_ref().ok_or(WebhookError::NotConfigured)?;
        heard(body, hook.list.as_deref(), |item, raw| {
            let number = |pointer| text_at(item, pointer).filter(|number| number.chars().count() <= 32);
            let from = number(&hook.from).filter(|from| !from.is_empty()).ok_or("no_number")?;
            // The sender finds the case too, so an answer without the service number counts.
            let to = number(&hook.to).unwrap_or_default();
            let text = text_at(item, &hook.text).ok_or("no_text")?.chars().take(MAX_TEXT).collect();
            let id =
                hook.id.as_ref().and_then(|pointer| text_at(item, pointer)).filter(|id| (1..=64).contains(&id.chars().count()));
            Ok(Inbound { from, to, text, id, coding: None, raw })
        })
    }
}

/// Reads the items of a call, each with its bytes.
fn heard<T>(
    body: &[u8],
    list: Option<&str>,
    read: impl Fn(&Value, Raw) -> Result<T, &'static str>,
) -> Result<Heard<T>, WebhookError> {
    if body.len() > MAX_WEBHOOK {
        return Err(WebhookError::TooLarge);
    }
    let document: Value = serde_json::from_slice(body).map_err(|_| WebhookError::NotJson)?;
    let inner;
    let list = match list {
        None => std::slice::from_ref(&document),
        Some(pointer) => match document.pointer(pointer) {
            Some(Value::Array(list)) => list,
            // A form has its list as a field of JSON.
            Some(Value::String(text)) => {
                inner = serde_json::from_str::<Vec<Value>>(text).map_err(|_| WebhookError::NoList)?;
                &inner
            }
            _ => return Err(WebhookError::NoList),
        },
    };
    if list.len() > MOST_ITEMS {
        return Err(WebhookError::NoList);
    }
    let mut heard = Heard { items: Vec::new(), unread: Vec::new() };
    for item in list {
        let raw = Raw { kind: RawKind::Http, bytes: item.to_string().into_bytes() };
        match read(item, raw.clone()) {
            Ok(item) => heard.items.push(item),
            Err(why) => heard.unread.push(Unread { raw, why }),
        }
    }
    Ok(heard)
}

/// The part of a message that a receipt names: its number from 1, and how many there are.
fn part(number: Option<String>, of: Option<String>) -> Option<(u8, u8)> {
    let (number, of) = (number?.parse().ok()?, of?.parse().ok()?);
    (1..=of).contains(&number).then_some((number, of))
}

/// Turns a form (`application/x-www-form-urlencoded`) into a JSON document: an object of texts. Of fields with one name the first
/// counts.
pub fn json_of_form(body: &[u8]) -> Vec<u8> {
    let mut fields = serde_json::Map::new();
    for pair in body.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()).take(MOST_ITEMS) {
        let mut halves = pair.splitn(2, |byte| *byte == b'=');
        let (name, value) = (unescaped(halves.next().unwrap_or_default()), unescaped(halves.next().unwrap_or_default()));
        fields.entry(name).or_insert(Value::String(value));
    }
    Value::Object(fields).to_string().into_bytes()
}

/// Undoes the escapes of a form: `+` and `%XX`. Text that is not UTF-8 is read as GB18030, which older providers write.
fn unescaped(text: &[u8]) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((byte, next)) = rest.split_first() {
        let digit =
            |at: usize| next.get(at).and_then(|digit| char::from(*digit).to_digit(16)).and_then(|digit| u8::try_from(digit).ok());
        rest = match (byte, digit(0), digit(1)) {
            (b'%', Some(high), Some(low)) => {
                bytes.push(high << 4 | low);
                next.get(2..).unwrap_or_default()
            }
            (b'+', ..) => {
                bytes.push(b' ');
                next
            }
            _ => {
                bytes.push(*byte);
                next
            }
        };
    }
    String::from_utf8(bytes)
        .unwrap_or_else(|bytes| encoding_rs::GB18030.decode_without_bom_handling(bytes.as_bytes()).0.into_owned())
}

/// The status that a state means by the configuration. A state that it does not list is never a success.
fn status(hook: &ReceiptHook, state: &str) -> ReceiptStatus {
    let kinds = [
        (&hook.delivered, ReceiptStatus::Delivered),
        (&hook.undelivered, ReceiptStatus::Undelivered),
        (&hook.expired, ReceiptStatus::Expired),
        (&hook.rejected, ReceiptStatus::Rejected),
        (&hook.accepted, ReceiptStatus::Accepted),
    ];
    let found = kinds.into_iter().find(|(states, _)| states.iter().any(|known| known == state));
    found.map_or_else(
        || Some(status_of_word(state)).filter(|status| *status != ReceiptStatus::Delivered).unwrap_or(ReceiptStatus::Unknown),
        |(_, status)| status,
    )
}

#[cfg(test)]
#[path = "webhook_tests.rs"]
mod tests;
