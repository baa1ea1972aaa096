//! Facts that a reviewer should ask about: an outage that was claimed while the device reached head office, a photo of another
//! time or place, many attempts within a minute, an SMS that only a person's word proves. They are no verdict: no finding rests on
//! them, and nothing is refused for them. Each has an honest explanation, which only a person can hear.

use std::collections::{BTreeSet, HashSet};

use doorstep_domain::{Body, ChangeHash, EntryKey, GeoPosition, Photo, PhotoPurpose, PhotoSource, UnixMs, words};
use serde::Serialize;

use crate::{
    Flag, Pack, QuestionRules, Words,
    case_index::{Act, CaseIndex},
};

words!(
    /// The kind of a fact.
    QuestionKind {
        /// The record of an outage, whose device was in contact with head office between 15 minutes before the claimed phone call
        /// and the record.
        OutageInContact = "outage_in_contact",
        /// The time of a photo by its camera is far from the time of its record.
        PhotoOtherTime = "photo_other_time",
        /// A photo without a time of its camera.
        PhotoNoTime = "photo_no_time",
        /// A photo that was chosen from the phone's pictures.
        PhotoFromGallery = "photo_from_gallery",
        /// A photo that was taken far from the places of all other attempts.
        PlaceFar = "place_far",
        /// A photo that was taken outside the area in which its author's outlet works.
        OutsideArea = "outside_area",
        /// Two photos of one person, at places that nobody reaches in the time between them.
        TooFast = "too_fast",
        /// An attempt whose person recorded attempts on many other parcels within a minute.
        Crowded = "crowded",
        /// A photo whose person was in another case, at a place that nobody reaches in the time between them.
        TooFastElsewhere = "too_fast_elsewhere",
        /// An SMS that counts, of which only a person's word says that it left.
        SmsByWord = "sms_by_word",
        /// The record of an outage that does not say which outlet was phoned.
        OutageNoOutlet = "outage_no_outlet",
    }
);

impl QuestionKind {
    /// Its flag. A photo without a time has none, because many honest pictures have no time.
    pub fn flag(self) -> Option<Flag> {
        Some(match self {
            Self::OutageInContact => Flag::OutageInContact,
            Self::PhotoOtherTime => Flag::PhotoOtherTime,
            Self::PhotoNoTime => return None,
            Self::PhotoFromGallery => Flag::PhotoFromGallery,
            Self::PlaceFar => Flag::PlaceFar,
            Self::OutsideArea => Flag::OutsideArea,
            Self::TooFast => Flag::TooFast,
            Self::Crowded => Flag::Crowded,
            Self::TooFastElsewhere => Flag::TooFastElsewhere,
            Self::SmsByWord => Flag::SmsByWord,
            Self::OutageNoOutlet => Flag::OutageNoOutlet,
        })
    }

    /// The unit of its value.
    fn unit(self) -> Option<Words> {
        let (zh, en) = match self {
            Self::PhotoOtherTime => ("分钟", "min"),
            Self::PlaceFar | Self::OutsideArea => ("米", "m"),
            Self::TooFast => ("公里/小时", "km/h"),
            _ => return None,
        };
        Some(Words { zh: zh.to_owned(), en: en.to_owned() })
    }
}

/// One fact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Question {
    /// The kind.
    pub kind: QuestionKind,
    /// The entries that it is about, in the timeline's order.
    pub entries: Vec<EntryKey>,
    /// What was measured: minutes, metres or kilometres an hour.
    pub value: Option<u32>,
    /// The pack's limit, in the same unit.
    pub limit: Option<u32>,
}

impl Question {
    /// The fact in words, with what was measured and the limit.
    pub fn told(&self, pack: Option<&Pack>) -> Words {
        let Words { zh, en } = pack.map_or_else(|| crate::words(self.kind.as_str()), |pack| pack.words(self.kind.as_str()));
        let (Some(value), Some(limit), Some(unit)) = (self.value, self.limit, self.kind.unit()) else { return Words { zh, en } };
        Words {
            zh: format!("{zh}：{value} {}，界限 {limit}", unit.zh),
            en: format!("{en}: {value} {}, the limit is {limit}", unit.en),
        }
    }

    /// The id by which its reasons name it.
    pub fn about(&self) -> String {
        let entries: Vec<String> = self.entries.iter().map(ToString::to_string).collect();
        format!("{}@{}", self.kind.as_str(), entries.join("+"))
    }

    fn of(kind: QuestionKind, entries: Vec<EntryKey>) -> Self {
        Self { kind, entries, value: None, limit: None }
    }

    fn measured(kind: QuestionKind, entries: Vec<EntryKey>, value: u32, limit: u32) -> Self {
        Self { kind, entries, value: Some(value), limit: Some(limit) }
    }
}

/// Most questions shown.
const MOST: usize = 32;
/// Most places compared, the newest. A real parcel has few attempts; a hostile device could record thousands.
const MOST_PLACES: usize = 64;

/// The facts of a case: those of single entries in the timeline's order, then those of places.
pub(crate) fn questions(index: &CaseIndex<'_>) -> Vec<Question> {
    let mut questions = Vec::new();
    let attempts = attempts(index);
    // A mark belongs to a change, which may have several photos.
    let mut elsewhere: HashSet<ChangeHash> = HashSet::new();
    for (_, act) in index.standing() {
        let receipt = act.recorded.standing.receipt();
        if matches!(act.body(), Body::Outage(outage) if outage.outlet.is_none()) && index.pack_of(act).questions().outlet_phoned {
            questions.push(Question::of(QuestionKind::OutageNoOutlet, vec![act.key().clone()]));
        }
        match act.body() {
            Body::Outage(_) if receipt.is_some_and(|receipt| receipt.in_contact) => {
                questions.push(Question::of(QuestionKind::OutageInContact, vec![act.key().clone()]));
            }
            Body::Attempt(_) if receipt.is_some_and(|receipt| receipt.crowded) => {
                questions.push(Question::of(QuestionKind::Crowded, vec![act.key().clone()]));
            }
            Body::Photo(photo) => {
                of_photo(index, act, photo, &mut questions);
                let change = act.recorded.change;
                if receipt.is_some_and(|receipt| receipt.too_fast)
                    && place_of(photo, attempts.contains(&change)).is_some()
                    && elsewhere.insert(change)
                {
                    questions.push(Question::of(QuestionKind::TooFastElsewhere, vec![act.key().clone()]));
                }
            }
            Body::Sms(_) if index.message(act.key()).is_some_and(|message| message.counts() && message.is_by_word()) => {
                questions.push(Question::of(QuestionKind::SmsByWord, vec![act.key().clone()]));
            }
            _ => {}
        }
    }
    of_places(index, &attempts, &mut questions);
    questions.truncate(MOST);
    questions
}

/// How far the time of a photo by its camera is from the time of its record, in minutes, rounded up. Both come from the clock of
/// the device, so a wrong clock alone makes no difference here; it has its own flags.
fn minutes_apart(photo: &Photo, recorded: UnixMs) -> Option<u64> {
    Some(photo.capture.at?.since(recorded).unsigned_abs().div_ceil(60_000))
}

impl QuestionRules {
    /// Whether a photo was taken when it was recorded, so that the record's time is the time of its place. `recorded`: the wall
    /// clock of the record.
    pub fn is_timely(&self, photo: &Photo, recorded: UnixMs) -> bool {
        minutes_apart(photo, recorded).is_none_or(|minutes| minutes <= u64::from(self.photo_minutes))
    }

    /// The speed between two places in kilometres an hour, if one person does not reach it. `ms`: the time between them.
    pub fn too_fast(&self, metres: u32, ms: i64) -> Option<u32> {
        // A metre in a millisecond is 3,600 kilometres an hour.
        let kmh = u64::from(metres).saturating_mul(3_600) / ms.unsigned_abs().max(1);
        (metres > self.place_metres && kmh > u64::from(self.speed_kmh)).then(|| u32::try_from(kmh).unwrap_or(u32::MAX))
    }
}

/// The facts of a photo itself. A drawing on a photo, or a piece of it, has no time and source of its own.
fn of_photo(index: &CaseIndex<'_>, act: &Act<'_>, photo: &Photo, questions: &mut Vec<Question>) {
    if photo.original.is_some() {
        return;
    }
    let (limit, key) = (index.pack_of(act).questions().photo_minutes, || vec![act.key().clone()]);
    match minutes_apart(photo, act.recorded.entry.time.wall) {
        None => questions.push(Question::of(QuestionKind::PhotoNoTime, key())),
        Some(minutes) if minutes > u64::from(limit) => {
            let minutes = u32::try_from(minutes).unwrap_or(u32::MAX);
            questions.push(Question::measured(QuestionKind::PhotoOtherTime, key(), minutes, limit));
        }
        Some(_) => {}
    }
    if photo.source == Some(PhotoSource::Gallery) {
        questions.push(Question::of(QuestionKind::PhotoFromGallery, key()));
    }
}

/// Where an attempt was: the position of a photo that was recorded with it, or that shows the door.
struct Place<'r, 'a> {
    act: &'r Act<'a>,
    position: GeoPosition,
    /// Whether the photo was taken when it was recorded, so that the record's time is the time of the place.
    is_timely: bool,
}

/// The changes that record an attempt, also one whose data were corrected later.
fn attempts(index: &CaseIndex<'_>) -> Attempts {
    let standing = || index.standing().map(|(_, act)| act).filter(|act| matches!(act.body(), Body::Attempt(_)));
    let firsts = standing().filter(|act| act.is_corrected_data()).map(|act| act.registered.change);
    let mut all: Vec<ChangeHash> = standing().map(|act| act.recorded.change).chain(firsts).collect();
    all.sort_unstable();
    Attempts(all)
}

/// The changes that record an attempt, sorted.
struct Attempts(Vec<ChangeHash>);

impl Attempts {
    fn contains(&self, change: &ChangeHash) -> bool {
        self.0.binary_search(change).is_ok()
    }
}

fn of_places(index: &CaseIndex<'_>, attempts: &Attempts, questions: &mut Vec<Question>) {
    let newest = index.standing().rev().filter_map(|(_, act)| place(index, attempts, act)).take(MOST_PLACES);
    let mut places: Vec<Place<'_, '_>> = newest.collect();
    places.reverse();
    far(index, &places, questions);
    outside(index, &places, questions);
    fast(index, &places, questions);
}

/// The place of a photo that has a position and belongs to an attempt.
fn place<'r, 'a>(index: &CaseIndex<'_>, attempts: &Attempts, act: &'r Act<'a>) -> Option<Place<'r, 'a>> {
    let Body::Photo(photo) = act.body() else { return None };
    let position = place_of(photo, attempts.contains(&act.recorded.change))?;
    let is_timely = index.pack_of(act).questions().is_timely(photo, act.recorded.entry.time.wall);
    Some(Place { act, position, is_timely })
}

/// The position of a photo that belongs to an attempt: it was recorded with one, or shows a door. A drawing on a photo, or a piece
/// of it, was made elsewhere.
pub fn place_of(photo: &Photo, is_with_attempt: bool) -> Option<GeoPosition> {
    let is_there = is_with_attempt || matches!(photo.purpose, PhotoPurpose::Door | PhotoPurpose::ClosedPremises);
    photo.capture.position.filter(|_| is_there && photo.original.is_none())
}

/// The photos that were taken far from the places of all other attempts, each with the nearest. Photos of one record are one
/// attempt.
fn far(index: &CaseIndex<'_>, places: &[Place<'_, '_>], questions: &mut Vec<Question>) {
    let mut told: BTreeSet<(usize, usize)> = BTreeSet::new();
    for (here, place) in places.iter().enumerate() {
        let others = places.iter().enumerate().filter(|(_, other)| other.act.recorded.change != place.act.recorded.change);
        let nearest = others.map(|(there, other)| (place.position.least_metres_to(&other.position), there)).min();
        let limit = index.pack_of(place.act).questions().place_metres;
        let Some((metres, there)) = nearest.filter(|(metres, _)| *metres > limit) else { continue };
        let (first, second) = (here.min(there), here.max(there));
        if let (Some(a), Some(b), true) = (places.get(first), places.get(second), told.insert((first, second))) {
            let entries = vec![a.act.key().clone(), b.act.key().clone()];
            questions.push(Question::measured(QuestionKind::PlaceFar, entries, metres, limit));
        }
    }
}

/// The photos that were taken outside the area of their author's outlet, by the pack under which they were recorded.
fn outside(index: &CaseIndex<'_>, places: &[Place<'_, '_>], questions: &mut Vec<Question>) {
    for place in places {
        let found = index.pack_of(place.act).outside(place.act.outlet(), &place.position);
        if let Some((area, metres)) = found {
            let entries = vec![place.act.key().clone()];
            questions.push(Question::measured(QuestionKind::OutsideArea, entries, metres, area.metres));
        }
    }
}

/// Neighbouring photos of one person that are farther apart than somebody goes in the time between their records. Other cases of
/// the person are not known here: the server compares those, and its mark says the result.
fn fast(index: &CaseIndex<'_>, places: &[Place<'_, '_>], questions: &mut Vec<Question>) {
    for (place, of_one) in places.iter().enumerate().filter(|(_, of_one)| of_one.is_timely) {
        let person = |other: &&Place<'_, '_>| {
            other.is_timely && other.act.recorded.entry.author.user == of_one.act.recorded.entry.author.user
        };
        let Some(before) = places.get(..place).unwrap_or_default().iter().rev().find(person) else { continue };
        let rules = index.pack_of(of_one.act).questions();
        let metres = before.position.least_metres_to(&of_one.position);
        if let Some(kmh) = rules.too_fast(metres, of_one.act.when.at.since(before.act.when.at)) {
            let entries = vec![before.act.key().clone(), of_one.act.key().clone()];
            questions.push(Question::measured(QuestionKind::TooFast, entries, kmh, rules.speed_kmh));
        }
    }
}
