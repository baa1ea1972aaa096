//! The table `[http]`.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use serde::Deserialize;

use super::value::{ConfigError, Secret, seconds, value};
use crate::http::template::Template;

/// A provider that takes one JSON document for each message.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpConfig {
    /// The URL that messages are posted to. It must be `https`, unless the host is this machine.
    pub url: String,
    /// Headers of each request, beside `content-type: application/json`.
    #[serde(default)]
    pub headers: BTreeMap<String, Secret>,
    /// Headers whose values are in files of one line each.
    #[serde(default)]
    pub header_files: BTreeMap<String, PathBuf>,
    /// The document: JSON with the places `{number}`, `{text}`, `{reference}` and `{sender}` (the service number with its
    /// extension) inside strings, and with `{segments}` as a number.
    pub body: String,
    /// The service number. At most 20 digits with the extension.
    #[serde(default)]
    pub sender: String,
    /// The number of digits that may be appended to the service number, 0 to 6, by the contract with the provider.
    #[serde(default)]
    pub extension_digits: u32,
    /// JSON pointer to the message's id in the answer.
    pub id_pointer: String,
    /// JSON pointer to the answer's code. Without it, an id in the answer means that the message was taken.
    pub code_pointer: Option<String>,
    /// Codes that mean that the message was taken.
    #[serde(default)]
    pub ok_codes: Vec<String>,
    /// Codes that mean that the number is wrong.
    #[serde(default)]
    pub number_faults: Vec<String>,
    /// Codes that mean that the text is wrong.
    #[serde(default)]
    pub text_faults: Vec<String>,
    /// Codes that mean that the account is wrong or has no credit.
    #[serde(default)]
    pub account_faults: Vec<String>,
    /// Codes that mean that the message was not taken now and may be tried again.
    #[serde(default)]
    pub busy_codes: Vec<String>,
    /// The largest number of messages a second, 1 to 10,000.
    #[serde(default = "super::smpp::ten")]
    pub per_second: u32,
    /// The largest number of messages without an answer, 1 to 1,000.
    #[serde(default = "super::smpp::ten")]
    pub window: u32,
    /// The longest wait for an answer. A message without one is uncertain.
    #[serde(default = "super::smpp::half_a_minute", deserialize_with = "seconds")]
    pub response_seconds: Duration,
    /// The first pause after a throttling answer or a failed connection. Each further pause doubles, up to 60 times the first.
    #[serde(default = "super::smpp::a_second", deserialize_with = "seconds")]
    pub throttle_seconds: Duration,
    /// PEM file of the trusted authorities, instead of Mozilla's.
    pub ca_file: Option<PathBuf>,
    /// The calls that the provider makes.
    pub webhooks: Option<WebhookConfig>,
}

/// The calls that a provider makes.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookConfig {
    /// The file with the token that identifies the provider: one line of at least 16 characters.
    pub token_file: PathBuf,
    /// The format of receipts.
    pub receipts: Option<ReceiptHook>,
    /// The format of customers' messages.
    pub inbound: Option<InboundHook>,
}

/// JSON pointers into a call with receipts. All but `list` start at one receipt. A form is a document of texts, `/name` each.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReceiptHook {
    /// The list of receipts, if a call may hold several. An empty pointer is the whole document.
    pub list: Option<String>,
    /// The id of the message.
    pub id: String,
    /// The state.
    pub state: String,
    /// The network's code.
    pub code: Option<String>,
    /// The number that the message went to.
    pub number: Option<String>,
    /// The time.
    pub done_at: Option<String>,
    /// The number of the part that the receipt is about, from 1, if each part of a message has a receipt with the message's id.
    pub part: Option<String>,
    /// How many parts the message has.
    pub parts: Option<String>,
    /// States that mean that the message was delivered.
    pub delivered: Vec<String>,
    /// States that mean that the message will not be delivered. A state in no list is never a success; the usual words of SMPP, and
    /// CMPP's codes such as `MK:0001`, have their meaning without a list.
    #[serde(default)]
    pub undelivered: Vec<String>,
    /// States that mean that the message's validity has ended.
    #[serde(default)]
    pub expired: Vec<String>,
    /// States that mean that the network refused the message.
    #[serde(default)]
    pub rejected: Vec<String>,
    /// States that mean that the message is on its way.
    #[serde(default)]
    pub accepted: Vec<String>,
}

/// JSON pointers into a call with customers' messages. All but `list` start at one message.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InboundHook {
    /// The list of messages, if a call may hold several. An empty pointer is the whole document.
    pub list: Option<String>,
    /// The number of the sender.
    pub from: String,
    /// The service number, with its extension.
    pub to: String,
    /// The text.
    pub text: String,
    /// The message's id.
    pub id: Option<String>,
}

impl HttpConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let url = reqwest::Url::parse(&self.url).ok();
        let is_here = |host: &str| matches!(host, "localhost" | "127.0.0.1" | "[::1]");
        let is_safe = url.is_some_and(|url| match url.scheme() {
            "https" => url.has_host(),
            // Numbers and texts must not cross a network unencrypted.
            "http" => url.host_str().is_some_and(is_here),
            _ => false,
        });
        value("http.url", is_safe, "must be an https URL (http only to this machine)")?;
        let longest = self.sender.len() + self.extension_digits as usize;
        let is_ascii = self.sender.bytes().all(|b| b.is_ascii_graphic());
        value("http.sender", is_ascii && longest <= 20, "must be at most 20 ASCII characters, extension included")?;
        value("http.extension_digits", self.extension_digits <= 6, "must be 0 to 6")?;
        value(
            "http.per_second",
            (1..=10_000).contains(&self.per_second),
            "must be 1 to 10000; the provider's contract says how many",
        )?;
        value("http.window", (1..=1_000).contains(&self.window), "must be 1 to 1000; 10 is usual")?;
        let has_codes = self.code_pointer.is_none() || !self.ok_codes.is_empty();
        value("http.ok_codes", has_codes, "must name the code that says that a message was taken, as code_pointer is set")?;
        let pointers = [("http.id_pointer", Some(&self.id_pointer)), ("http.code_pointer", self.code_pointer.as_ref())];
        for (key, pointer) in pointers {
            value(key, pointer.is_none_or(|pointer| is_pointer(pointer)), "must be a JSON pointer, such as \"/data/id\"")?;
        }
        Template::parse(&self.body).map_err(|fault| ConfigError::Value { key: "http.body", fault })?;
        self.webhooks.as_ref().map_or(Ok(()), WebhookConfig::check)
    }
}

impl WebhookConfig {
    fn check(&self) -> Result<(), ConfigError> {
        let mut pointers = Vec::new();
        if let Some(hook) = &self.receipts {
            value("http.webhooks.receipts.delivered", !hook.delivered.is_empty(), "must name the state that says: delivered")?;
            pointers.extend([&hook.id, &hook.state]);
            pointers.extend([&hook.list, &hook.code, &hook.number, &hook.done_at].into_iter().flatten());
            pointers.extend([&hook.part, &hook.parts].into_iter().flatten());
            let both = hook.part.is_some() == hook.parts.is_some();
            value("http.webhooks.receipts.parts", both, "must stand beside part, and only there")?;
        }
        if let Some(hook) = &self.inbound {
            pointers.extend([&hook.from, &hook.to, &hook.text]);
            pointers.extend([&hook.list, &hook.id].into_iter().flatten());
        }
        let all = pointers.into_iter().all(|pointer| is_pointer(pointer));
        value("http.webhooks", all, "has a pointer that is no JSON pointer, such as \"/data/id\"")
    }
}

fn is_pointer(pointer: &str) -> bool {
    pointer.is_empty() || pointer.starts_with('/')
}
