//! The customer's SMS at head office: who may send which, what the gateway sends, what comes back.
//!
//! - `outbox`: the rows that accepted entries make, and how they move; every step is an entry in the case, durable before the act;
//! - `addressee`: to whom a message may go, by head office's own list;
//! - `claim`: which message the gateway sends now, under one lease, and which it does not, and why;
//! - `settle`: what became of a submission, and what a crash left behind;
//! - `receipt`: a provider's receipts; `answers`: what customers write back;
//! - `lease`: the lease of a device; `gateway`: the loop that does all this; `webhook`: a provider's calls;
//! - `report`: what head office sees; `held`: whether all of it waits for a person's word.
//!
//! A message is handed over at most once by a try. A try that may have left is uncertain: it waits for a receipt or a person.

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

pub(crate) use gateway::{Gateway, provide};
pub(crate) use held::{go, hold, waiting};
pub(crate) use queue::{expect, take_report};
pub(crate) use receipt::prune;
pub(crate) use report::{inbound, list, receipts, settle_by_hand};
