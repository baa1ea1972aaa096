//! Scenarios with a real server and real clients over HTTP on loopback, named for behaviour.

mod basics;
