//! The only room that names a database. Everybody else calls its functions with a [`tx::Tx`].
//!
//! Each statement is written with [`tx::sql!`], in the grammar that PostgreSQL shares with SQLite; `statements.rs` holds them to that.
//! Code that only SQLite needs is in [`db`], [`migrate`] and [`sound`].

pub(crate) mod answers;
pub(crate) mod case_batches;
pub(crate) mod chains;
pub(crate) mod db;
pub(crate) mod devices;
pub(crate) mod heads;
pub(crate) mod installs;
pub(crate) mod keys;
pub(crate) mod members;
pub(crate) mod messages;
pub(crate) mod meta;
pub(crate) mod migrate;
pub(crate) mod moments;
pub(crate) mod new_log;
pub(crate) mod packs;
pub(crate) mod parcels;
pub(crate) mod people;
pub(crate) mod references;
pub(crate) mod refusals;
pub(crate) mod sound;
pub(crate) mod tokens;
pub(crate) mod tx;
