//! Rule packs as data, and what they say of a case.
//!
//! Two pure steps: [`Case::fold`] turns merged entries with their receipts into one case, and [`judge`] reads a pack
//! against it: state, next step, deadlines, missing evidence, who would answer. The same entries, receipts, pack and now
//! give the same answer on a phone and at head office. Nothing here is stored as truth.
//!
//! The user's rules (codes, evidence, clocks, exceptions, words on screen) are in the pack's JSON; this crate knows only
//! how such a table is read. Never here: I/O, clocks, documents, what an entry looks like on the wire.

mod case;
mod evidence;
mod flags;
mod judge;
mod names;
mod pack;
mod policy;

pub use case::Case;
pub use evidence::Gap;
pub use flags::Flag;
pub use judge::{Answerable, Deadline, Judgement, NextStep, State, Timeliness, judge};
pub use pack::{Clock, Due, Evidence, LateSynced, Named, Need, Pack, PackError, Party, Proof, Reason, Step, Words};

pub use policy::{Concerned, Permit, Policy, PolicyError, Rule, Where};

/// The policy that a new server starts with: domain section 10.2 for what is recorded today. A courier's notice to the origin
/// outlet is a draft there; here it counts, because a phone at the door is often the only device that has a network in time.
pub const FIRST_POLICY: &[u8] = include_bytes!("../policies/policy-1.json");

/// The pack that a new server starts with: the delivery-failure process of domain sections 2.2, 2.4, 3.1 and 3.5 for an
/// invented network. A network replaces it by its own file.
pub const FIRST_PACK: &[u8] = include_bytes!("../packs/qinghe-1.json");
