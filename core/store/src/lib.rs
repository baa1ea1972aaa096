//! The phone's SQLite: one transaction for each user action, a list that needs no document, and a durable outbox.
//!
//! Raw changes are the truth, list rows are a projection, and open intents are the outbox. The database runs in WAL mode with
//! `synchronous=FULL`: when [`Store::record`] returns, the action survives a power cut, at the cost of one fsync. Two processes
//! may share a store, because heads and sequence numbers are read inside the writing transaction.
//!
//! Never here: the network, async, clocks (times are arguments), rules (they are data in `rules`).

// Before the others: its macros name states in their statements.
#[macro_use]
mod states;

mod anew;
mod batch;
mod check;
mod damage;
mod dense;
mod duties;
mod enrol;
mod error;
mod evict;
mod feed;
mod first;
mod folder;
mod folder_lock;
mod head;
mod identity;
mod key;
mod known;
mod lanes;
mod ledger;
mod ledger_case;
mod list;
mod messages;
mod missing;
mod open;
mod parcels;
mod photos;
mod picture_cache;
mod places;
mod project;
mod read;
mod rebase;
mod record;
mod recording;
mod refs;
mod reserve;
mod rest;
mod row;
mod salvage;
mod schema;
mod sent;
mod server_key;
mod sheet;
mod sheet_row;
mod store;
mod transfer;
mod uptime;
mod wipe;

pub use batch::pushed;
pub use dense::{DenseTerms, densely};
pub use doorstep_domain::Clocks;
pub use error::{OpenError, StoreError, is_of_no_room};
pub use evict::Left;
pub use identity::{Enrolment, Identity, Member, Session};
pub use key::StoreKey;
pub use known::KnownCases;
pub use lanes::{LaneName, PhotoStanding, PhotoStatus, Questions, Sendable};
pub use list::{CaseRow, Filter, Place, Which};
pub use messages::{Segment, SmsStep};
pub use photos::WaitingPhoto;
pub use read::{CaseView, RefusedIntent, Status, UnsentIntent};
pub use record::{Action, ActionCase, SavedPhoto, Written};
pub use recording::{Act, PhotoRef, Recording, SmsWish};
pub use salvage::Salvage;
pub use sheet::SheetAction;
pub use store::Store;
