//! Reads a provider's calls: receipts and customers' messages. This module does not answer them: the caller makes the events
//! durable and only then answers 200.

use ring::digest::{SHA256, digest};
use serde_json::Value;

use super::answer::{plain, text_at};
use crate::{
    ConfigError, HttpConfig, Inbound, Receipt, ReceiptStatus, Secret,
    config::{InboundHook, ReceiptHook},
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
    /// The number of items without an id, a number or a text. Asking for them again would not help.
    pub skipped: usize,
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
    /// The body is not JSON.
    #[error("read a provider's call: it is not JSON")]
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
        heard(body, hook.list.as_deref(), |item| {
            let id = text_at(item, &hook.id).filter(|id| !id.is_empty() && id.chars().count() <= 64)?;
            let state = text_at(item, &hook.state)?;
            let code = hook.code.as_ref().and_then(|pointer| text_at(item, pointer)).unwrap_or_default();
            let number = hook.number.as_ref().and_then(|pointer| text_at(item, pointer)).filter(|number| number.len() <= 32);
            let done_at = hook.done_at.as_ref().and_then(|pointer| text_at(item, pointer));
            let done_at = done_at.map(|at| at.chars().take(32).collect());
            Some(Receipt { id, status: status(hook, &state), code: plain(&code, 32), number, done_at })
        })
    }

    /// Reads the customers' messages of a call.
    pub fn inbound(&self, body: &[u8]) -> Result<Heard<Inbound>, WebhookError> {
        let hook = self.inbound.as_ref().ok_or(WebhookError::NotConfigured)?;
        heard(body, hook.list.as_deref(), |item| {
            let number = |pointer| text_at(item, pointer).filter(|number| (1..=32).contains(&number.chars().count()));
            let (from, to) = (number(&hook.from)?, number(&hook.to)?);
            let text = text_at(item, &hook.text)?.chars().take(MAX_TEXT).collect();
            let id =
                hook.id.as_ref().and_then(|pointer| text_at(item, pointer)).filter(|id| (1..=64).contains(&id.chars().count()));
            Some(Inbound { from, to, text, id })
        })
    }
}

fn heard<T>(body: &[u8], list: Option<&str>, read: impl Fn(&Value) -> Option<T>) -> Result<Heard<T>, WebhookError> {
    if body.len() > MAX_WEBHOOK {
        return Err(WebhookError::TooLarge);
    }
    let document: Value = serde_json::from_slice(body).map_err(|_| WebhookError::NotJson)?;
    let list = match list {
        None => std::slice::from_ref(&document),
        Some(pointer) => document.pointer(pointer).and_then(Value::as_array).map(Vec::as_slice).ok_or(WebhookError::NoList)?,
    };
    if list.len() > MOST_ITEMS {
        return Err(WebhookError::NoList);
    }
    let items: Vec<T> = list.iter().filter_map(read).collect();
    let skipped = list.len() - items.len();
    Ok(Heard { items, skipped })
}

fn status(hook: &ReceiptHook, state: &str) -> ReceiptStatus {
    let kinds = [
        (&hook.delivered, ReceiptStatus::Delivered),
        (&hook.undelivered, ReceiptStatus::Undelivered),
        (&hook.expired, ReceiptStatus::Expired),
        (&hook.rejected, ReceiptStatus::Rejected),
        (&hook.accepted, ReceiptStatus::Accepted),
    ];
    let found = kinds.into_iter().find(|(states, _)| states.iter().any(|known| known == state));
    found.map_or(ReceiptStatus::Unknown, |(_, status)| status)
}

#[cfg(test)]
#[path = "webhook_tests.rs"]
mod tests;
