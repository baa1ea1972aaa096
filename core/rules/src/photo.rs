//! Which photos are evidence, and why others are not (domain 7: a photo must be clear, and an altered one is void).

use doorstep_domain::{EntryKey, Photo};
use serde::Serialize;

use crate::{Pack, Proof, Unclear};

/// Why a photo does not count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "why", rename_all = "snake_case")]
pub enum Unfit {
    /// Head office's mark states that the bytes are not the recorded ones (vector A-21).
    Void {
        /// The mark.
        mark: EntryKey,
    },
    /// The device's measurement is worse than the pack's `[clear]`.
    Measured {
        /// The fault.
        fault: Unclear,
        /// The measured value.
        value: u32,
        /// The pack's threshold.
        limit: u32,
    },
    /// Head office, or a person other than its author, marked it as unclear.
    Unclear {
        /// The mark.
        mark: EntryKey,
    },
    /// It was made by drawing on or cropping another photo, and that original is not in the case as taken, or is void or unclear.
    Original,
}

/// A photo that would satisfy an evidence row if it were usable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UnfitPhoto {
    /// Its entry.
    pub photo: EntryKey,
    /// Why it does not count.
    #[serde(flatten)]
    pub why: Unfit,
}

/// Whether a photo is too unclear by its device's measurement. A photo without a measurement is judged by people.
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

/// Whether a photo shows what a proof requires.
pub(crate) fn shows(proof: &Proof, photo: &Photo) -> bool {
    matches!(proof, Proof::Photo { shows } if shows.is_empty() || shows.iter().any(|word| word == photo.purpose.as_str()))
}
