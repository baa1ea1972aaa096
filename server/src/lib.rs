//! Head office's server: sync, photos, reference rows, reading, admin. One process, SQLite and a folder.
//!
//! The accept path is short: verify changes outside the writer, admit them inside one transaction with verdicts, receipts
//! and feed rows, commit, then answer. Whatever a person reads (case rows) is projected after the answer, in order, and can
//! be rebuilt. Only `store` names the database. What is in memory between requests is a hint or a copy: parsed rules, listeners, uploads
//! that are under way. Never here: what an entry means (`rules`), how it is stored in
//! a document (`document`).

pub mod admin;
mod audit;
mod case_log;
mod chain;
mod clock;
mod connections;
mod console;
mod contact;
mod copy;
mod devices;
mod doc;
mod enrol;
mod error;
mod exchange;
mod facts;
mod feed;
mod first;
mod folder;
mod gap;
mod headoffice;
mod http;
mod import;
mod in_flight;
mod ingest;
mod keys;
mod left;
mod link;
mod listed;
mod live;
mod marker;
mod open;
mod own;
mod packs;
mod parsed;
mod photos;
mod project;
mod proofs;
mod quarantine;
mod random;
mod refs;
mod replace_key;
mod restore;
mod rights;
mod say;
mod serve;
mod sheet;
mod sms;
mod store;
mod strangers;
mod timeouts;
mod tls;
mod verify;

pub use clock::{NowFn, shown};
pub use copy::{IfCopied, moved};
pub use doorstep_gateway::GatewayConfig;
pub use doorstep_protocol::VERSIONS;
pub use error::{AdminError, ServeError};
pub use restore::{Restored, restore};
pub use serve::{Config, Running, start};
pub use tls::{TlsError, TlsFiles};
