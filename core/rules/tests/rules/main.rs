//! What the rules promise. `appendix` holds the acceptance scenarios of domain appendix B. The other files go by subject.
//!
//! A comment `// rules: SLA-03, LIA-04` above a test names the rules of the domain text that it shows; `.ci/rules` joins
//! them with the packs' rows.
#![allow(missing_docs, reason = "tests are named for what they show")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests fail loudly and read packs"
)]

mod ahead;
mod alarms;
mod appendix;
mod asks;
mod basics;
mod choices;
mod codes;
mod contest;
mod corrections;
mod corrections_14;
mod edges;
mod edits;
mod evidence;
mod gaps;
mod laws;
mod liability_edges;
mod listing;
mod marks;
mod messages;
mod money;
mod next_step;
mod notices;
mod numbers;
mod packs;
mod photos;
mod questions;
mod reference_texts;
mod second_judge;
mod sheets;
mod story;
mod surnames;
mod telling;
mod turns;
mod undone;
mod versions;
