//! SMS providers: what hands a message to a network, and what comes back of it (receipts, customers' replies).
//!
//! A message is handed over **at most once** by a call of [`Provider::submit`]: whatever may have left is
//! [`Submitted::Uncertain`] and never tried again in here. What becomes of it is for the caller, which keeps a record before
//! it calls. Nothing here knows of databases, cases or documents, and no error, log line or `Debug` shows a number or a text.

mod config;
mod event;
mod http;
mod ids;
mod log;
mod message;
mod pace;
mod smpp;
mod tls;

pub use config::{ConfigError, GatewayConfig, HttpConfig, InboundHook, ReceiptHook, Secret, SmppConfig, WebhookConfig};
pub use event::{Event, Inbound, Notice, Receipt, ReceiptStatus};
pub use http::{Heard, Http, MAX_WEBHOOK, WebhookError, Webhooks};
pub use ids::id_forms;
pub use log::Log;
pub use message::{Fault, Outgoing, Provider, Submitted, Submitting};
pub use smpp::{LinkState, Smpp};
