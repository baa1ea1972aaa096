//! Scenarios with a real server and real clients over HTTP on loopback, named for behaviour.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests fail loudly")]

mod backdating;
mod background;
mod basics;
mod chain;
mod cheats;
mod clocks;
mod copies;
mod facts;
mod faults;
mod formats;
mod full;
mod headoffice;
mod hostile;
mod hostile_batches;
mod identity;
mod imports;
mod live;
mod log;
mod log_rows;
mod merging;
mod metrics;
mod photos;
mod private;
mod questions;
mod quotas;
mod reading;
mod rights;
mod rules;
mod server_key;
mod sheets;
mod sms;
mod strangers;
mod tls;
mod version2;
mod wipe;
