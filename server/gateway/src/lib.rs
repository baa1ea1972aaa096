//! SMS providers: hand messages to a network, and receive its reports (receipts, customers' replies).
//!
//! A call of [`Provider::submit`] hands a message over **at most once**: a message that may have left is
//! [`Submitted::Uncertain`], and this crate never tries it again. The caller decides what to do then, and keeps a record before
//! it calls. This crate knows nothing of databases, cases or documents. No error, log line or `Debug` shows a number or a text.

mod code;
mod config;
mod event;
mod http;
mod ids;
mod log;
mod message;
mod pace;
mod smpp;
mod tls;

pub use code::is_unknown_subscriber;
pub use config::{ConfigError, GatewayConfig, HttpConfig, InboundHook, ReceiptHook, Secret, SmppConfig, WebhookConfig};
pub use event::{Event, Inbound, Notice, Raw, RawKind, Receipt, ReceiptStatus, Unread};
pub use http::{Heard, Http, MAX_WEBHOOK, WebhookError, Webhooks, json_of_form};
pub use ids::id_forms;
pub use log::Log;
pub use message::{Fault, Outgoing, Provider, Submitted, Submitting};
pub use smpp::{LinkState, Smpp};
