//! Which photos are evidence (domain 7: clear, and altered is void), and why the others are not.

use std::collections::{HashMap, HashSet};

use doorstep_domain::{Body, EntryKey, Photo, PhotoId, Remark};
use serde::Serialize;

use crate::{
    Pack, Proof, Unclear,
    reading::{Act, Reading, is_head_office},
};

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

/// The photos of a case that stand and are no evidence.
///
/// A drawing on a photo or a piece of it is a photo of its own that anybody could have made. It counts for what it shows only
/// beside the photo it names, which must be one as it was taken, and fit: whoever settles a liability can compare them.
pub(crate) fn unfit<'a>(reading: &Reading<'a>) -> HashMap<&'a EntryKey, Unfit> {
    let photos: Vec<(&Act<'a>, &'a Photo)> = reading
        .standing()
        .filter_map(|(_, act)| match act.body() {
            Body::Photo(photo) => Some((act, photo)),
            _ => None,
        })
        .collect();
    let mut unfit: HashMap<&EntryKey, Unfit> =
        photos.iter().filter_map(|(act, photo)| Some((act.key(), itself(reading, act, photo)?))).collect();
    let (mut taken, mut spoiled): (HashSet<PhotoId>, HashSet<PhotoId>) = (HashSet::new(), HashSet::new());
    for (act, photo) in photos.iter().filter(|(_, photo)| photo.original.is_none()) {
        taken.insert(photo.id);
        if unfit.contains_key(act.key()) {
            spoiled.insert(photo.id);
        }
    }
    for (act, photo) in photos {
        if photo.original.is_some_and(|id| !taken.contains(&id) || spoiled.contains(&id)) {
            unfit.entry(act.key()).or_insert(Unfit::Original);
        }
    }
    unfit
}

/// What is wrong with a photo, wherever it was made from.
fn itself(reading: &Reading<'_>, act: &Act<'_>, photo: &Photo) -> Option<Unfit> {
    let other = |mark: &Act<'_>| mark.recorded.entry.author != act.recorded.entry.author;
    let marked = |sought: Remark, may: &dyn Fn(&Act<'_>) -> bool| {
        reading.marks(act.key()).find(|(mark, remark)| *remark == sought && may(mark)).map(|(mark, _)| mark.key().clone())
    };
    None.or_else(|| Some(Unfit::Void { mark: marked(Remark::Void, &|mark| is_head_office(mark.recorded))? }))
        .or_else(|| measured(reading.pack_of(act), photo))
        .or_else(|| {
            let mark = marked(Remark::Unclear, &|mark| is_head_office(mark.recorded) || other(mark))?;
            Some(Unfit::Unclear { mark })
        })
}

/// Whether a photo is too unclear by what its device measured. One that nobody measured is judged by people.
fn measured(pack: &Pack, photo: &Photo) -> Option<Unfit> {
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

/// The photos that would satisfy one of these proofs, were they fit to.
pub(crate) fn unfit_for(reading: &Reading<'_>, any_of: &[Proof]) -> Vec<UnfitPhoto> {
    let photos = reading.standing().filter_map(|(_, act)| match act.body() {
        Body::Photo(photo) if any_of.iter().any(|proof| shows(proof, photo)) => {
            let why = reading.unfit.get(act.key())?.clone();
            Some(UnfitPhoto { photo: act.key().clone(), why })
        }
        _ => None,
    });
    photos.collect()
}
