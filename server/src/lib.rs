//! Head office's server: sync, photos, reference rows, reading and administration. It is one process with SQLite and a folder.
//!
//! The accept path is short. Changes are verified outside the writer, then admitted in one transaction together with verdicts,
//! receipts and feed rows; the answer follows the commit. The rows that people read (case rows) are projected after the answer,
//! in order, and can be rebuilt. Only `store` names the database. Memory between requests holds only hints and copies: parsed
//! rules, listeners, running uploads. The meaning of an entry belongs to `rules`, and its form in a document to `document`.

pub mod admin;
mod asked;
mod audit;
mod background;
mod body;
mod case_log;
mod chain;
mod clock;
mod connections;
mod console;
mod contact;
mod copy;
mod devices;
mod doc;
mod elsewhere;
mod enrol;
mod error;
mod exchange;
mod facts;
mod feed;
mod first;
mod folder;
mod gap;
mod gauges;
mod guesses;
mod headoffice;
mod holder;
mod http;
mod import;
mod in_flight;
mod ingest;
mod keys;
mod left;
mod link;
mod linked;
mod listed;
mod live;
pub mod log;
mod marker;
mod metrics;
mod numbers;
mod open;
mod own;
mod packs;
mod parcel_post;
mod parsed;
mod photos;
mod project;
mod proofs;
mod quarantine;
mod quota;
mod random;
mod refs;
mod replace_key;
mod restore;
mod rights;
mod row_ends;
mod row_scopes;
mod say;
mod serve;
mod sheet;
mod sms;
mod store;
mod strangers;
mod supervise;
mod timeouts;
mod tls;
mod unasked;
mod verifier;
mod verify;
#[doc(hidden)]
pub mod workbench;

pub use clock::{NowFn, shown};
pub use copy::{IfCopied, moved};
pub use doorstep_gateway::GatewayConfig;
pub use doorstep_protocol::VERSIONS;
pub use error::{AdminError, ServeError};
pub use restore::{Restored, restore};
pub use serve::{Config, Running, start};
pub use tls::{TlsError, TlsFiles};
