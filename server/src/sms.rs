//! The customer's SMS at head office: who may send which, the gateway, and the replies.
//!
//! - `outbox`: the rows that accepted entries make, and their states; every step is an entry in the case, durable before the act;
//! - `addressee`: who may get a message, by head office's own list;
//! - `claim`: which message the gateway sends now, under one lease, and why it does not send another;
//! - `settle`: the outcome of a submission, and the repair after a crash;
//! - `receipt`: a provider's receipts; `answers`: customers' replies;
//! - `lease`: the lease of a device; `gateway`: the loop that runs all this; `webhook`: a provider's calls;
//! - `report`: head office's view; `held`: whether all SMS wait for a person.
//!
//! A try hands a message over at most once. A try that may have left is uncertain: it waits for a receipt or a person.

mod addressee;
mod answers;
mod claim;
mod gateway;
mod held;
pub(crate) mod lease;
mod outbox;
mod queue;
mod receipt;
mod report;
mod settle;
pub(crate) mod webhook;

pub use report::{Found, InboundRow, MessageRow, ReceiptRow};

pub(crate) use gateway::{Gateway, Provided, provide};
pub(crate) use held::{go, hold, waiting};
pub(crate) use queue::{expect, take_report};
pub(crate) use receipt::prune;
pub(crate) use report::{inbound, list, receipts, settle_by_hand};
