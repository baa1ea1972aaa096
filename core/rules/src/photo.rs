//! Which photos are evidence (domain 7: clear, and altered is void), and why the others are not.

use doorstep_domain::{EntryKey, Photo};
use serde::Serialize;

use crate::{Pack, Proof, Unclear};

/// Why a photo that is there counts for nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "why", rename_all = "snake_case")]
pub enum Unfit {
    /// Other bytes than those recorded (vector A-21): head office's mark says so.
    Void {
        /// The mark.
        mark: EntryKey,
    },
    /// What the device measured is worse than the pack's `[clear]`.
    Measured {
        /// What is wrong with it.
        fault: Unclear,
        /// What was measured.
        value: u32,
        /// The pack's threshold.
        limit: u32,
    },
    /// Head office, or another person than who took it, calls it unclear.
    Unclear {
        /// The mark.
        mark: EntryKey,
    },
    /// It was drawn on or cut out of another, and that one is not in the case as it was taken, or is void or unclear itself.
    Original,
}

/// A photo that would satisfy a row, were it fit to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UnfitPhoto {
    /// Its entry.
    pub photo: EntryKey,
    /// Why it does not count.
    #[serde(flatten)]
    pub why: Unfit,
}

/// Whether a photo is too unclear by what its device measured. One that nobody measured is judged by people.
pub(crate) fn measured(pack: &Pack, photo: &Photo) -> Option<Unfit> {
    let (rules, clarity) = pack.clear.zip(photo.clarity)?;
    let fault = rules.fault(&clarity)?;
    let (value, limit) = match fault {
        Unclear::Blurred => (clarity.sharpness, rules.least_sharpness),
        Unclear::Dark => (u32::from(clarity.light), u32::from(rules.least_light)),
        Unclear::Bright => (u32::from(clarity.light), u32::from(rules.most_light)),
    };
    Some(Unfit::Measured { fault, value, limit })
}

/// Whether a photo shows what a row asks for.
pub(crate) fn shows(proof: &Proof, photo: &Photo) -> bool {
    matches!(proof, Proof::Photo { shows } if shows.is_empty() || shows.iter().any(|word| word == photo.purpose.as_str()))
}
