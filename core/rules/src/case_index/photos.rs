//! Decides which photos of a case are evidence (domain 7: a photo must be clear, and an altered one is void).

use std::collections::{HashMap, HashSet};

use doorstep_domain::{Body, EntryKey, Photo, PhotoId, Remark};

use super::{Act, CaseIndex, is_head_office};
use crate::{
    Proof, Unfit, UnfitPhoto,
    photo::{measured, shows},
};

/// The photos of a case that are no evidence, also of those that were taken back since.
///
/// Anybody can draw on a photo or crop it. Such a photo counts only if the case also has the original that it names, as taken and
/// usable, so that a person who settles a liability can compare them.
pub(crate) fn unfit<'a>(index: &CaseIndex<'a>) -> HashMap<&'a EntryKey, Unfit> {
    let photos: Vec<(&Act<'a>, &'a Photo)> = index
        .acts
        .iter()
        .filter_map(|act| match act.body() {
            Body::Photo(photo) => Some((act, photo)),
            _ => None,
        })
        .collect();
    let mut unfit: HashMap<&EntryKey, Unfit> =
        photos.iter().filter_map(|(act, photo)| Some((act.key(), itself(index, act, photo)?))).collect();
    let (mut taken, mut spoiled): (HashSet<PhotoId>, HashSet<PhotoId>) = (HashSet::new(), HashSet::new());
    for (act, photo) in photos.iter().filter(|(act, photo)| act.stands() && photo.original.is_none()) {
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

/// The fault of a photo itself, without regard to its original.
fn itself(index: &CaseIndex<'_>, act: &Act<'_>, photo: &Photo) -> Option<Unfit> {
    let other = |mark: &Act<'_>| mark.recorded.entry.author != act.recorded.entry.author;
    let marked = |sought: Remark, may: &dyn Fn(&Act<'_>) -> bool| {
        index.marks(act.key()).find(|(mark, remark)| *remark == sought && may(mark)).map(|(mark, _)| mark.key().clone())
    };
    None.or_else(|| Some(Unfit::Void { mark: marked(Remark::Void, &|mark| is_head_office(mark.recorded))? }))
        .or_else(|| measured(index.pack_of(act), photo))
        .or_else(|| {
            let mark = marked(Remark::Unclear, &|mark| is_head_office(mark.recorded) || other(mark))?;
            Some(Unfit::Unclear { mark })
        })
}

/// The photos that would satisfy one of these proofs if they were usable.
pub(crate) fn unfit_for(index: &CaseIndex<'_>, any_of: &[Proof]) -> Vec<UnfitPhoto> {
    let photos = index.standing().filter_map(|(_, act)| match act.body() {
        Body::Photo(photo) if any_of.iter().any(|proof| shows(proof, photo)) => {
            let why = index.unfit.get(act.key())?.clone();
            Some(UnfitPhoto { photo: act.key().clone(), why })
        }
        _ => None,
    });
    photos.collect()
}
