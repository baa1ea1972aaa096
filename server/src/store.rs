//! The only module that names a database. Other modules call its functions with a [`tx::Tx`].
//!
//! Each statement is written with [`tx::sql!`], in the grammar that PostgreSQL shares with SQLite; `statements.rs` checks that.
//! Code that only SQLite needs is in [`db`], [`migrate`] and [`sound`].

pub(crate) mod acts;
pub(crate) mod addressees;
pub(crate) mod answers;
pub(crate) mod asked;
pub(crate) mod calendar;
pub(crate) mod case_batches;
pub(crate) mod case_log;
pub(crate) mod chains;
pub(crate) mod contacts;
pub(crate) mod db;
pub(crate) mod devices;
pub(crate) mod docs;
pub(crate) mod feeds;
pub(crate) mod findings;
pub(crate) mod floors;
pub(crate) mod inbound;
pub(crate) mod installs;
pub(crate) mod keys;
pub(crate) mod left_behind;
pub(crate) mod linked;
pub(crate) mod links;
pub(crate) mod list;
pub(crate) mod listing;
pub(crate) mod log_batches;
pub(crate) mod log_faults;
pub(crate) mod log_rows;
pub(crate) mod looks;
pub(crate) mod members;
pub(crate) mod message_moves;
pub(crate) mod messages;
pub(crate) mod meta;
pub(crate) mod migrate;
pub(crate) mod moments;
pub(crate) mod new_log;
pub(crate) mod offered;
pub(crate) mod opt_out;
pub(crate) mod packs;
pub(crate) mod parcel_scopes;
pub(crate) mod parcels;
pub(crate) mod people;
pub(crate) mod person_acts;
pub(crate) mod photos;
pub(crate) mod proofs;
pub(crate) mod quarantine;
pub(crate) mod quotas;
pub(crate) mod references;
pub(crate) mod refusals;
pub(crate) mod segments;
pub(crate) mod service_tokens;
pub(crate) mod sms_receipts;
pub(crate) mod sound;
#[cfg(test)]
mod statements;
pub(crate) mod stored_photos;
pub(crate) mod tokens;
pub(crate) mod tx;
pub(crate) mod uploads;
