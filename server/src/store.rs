//! The only room that names a database. Everybody else calls its functions with a [`tx::Tx`].
//!
//! Each statement is written with [`tx::sql!`], in the grammar that PostgreSQL shares with SQLite; `statements.rs` holds them to that.
//! Code that only SQLite needs is in [`db`], [`migrate`] and [`sound`].

pub(crate) mod answers;
pub(crate) mod chains;
pub(crate) mod db;
pub(crate) mod devices;
pub(crate) mod keys;
pub(crate) mod left_behind;
pub(crate) mod links;
pub(crate) mod log_batches;
pub(crate) mod log_faults;
pub(crate) mod log_rows;
pub(crate) mod messages;
pub(crate) mod meta;
pub(crate) mod migrate;
pub(crate) mod new_log;
pub(crate) mod packs;
pub(crate) mod people;
pub(crate) mod proofs;
pub(crate) mod quarantine;
pub(crate) mod references;
pub(crate) mod refusals;
pub(crate) mod sound;
pub(crate) mod tx;
