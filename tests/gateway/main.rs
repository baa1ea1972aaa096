//! SMS providers against an SMSC (and a web server) in this process, named for behaviour.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests fail loudly")]

mod events;
mod gate;
mod links;
mod peer;
mod peers;
mod submit;
mod tls;
