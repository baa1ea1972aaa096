//! Facts for a reviewer (domain 7, 8.5): each appears on one side of its edge and not on the other, and no judgement rests on it.

use doorstep_domain::*;
use doorstep_rules::*;

use crate::story::*;

fn kinds(story: &Story, now: UnixMs) -> Vec<QuestionKind> {
    story.judge(now).questions.iter().map(|question| question.kind).collect()
}

/// The judgement without what this file is about.
fn without_questions(judged: Judgement) -> Judgement {
    let flags = judged.questions.iter().filter_map(|question| question.kind.flag()).collect::<Vec<_>>();
    let kept = judged.flags.iter().filter(|flag| !flags.contains(flag) && **flag != Flag::Review).copied().collect();
    Judgement { flags: kept, questions: vec![], ..judged }
}

// rules: X-1
#[test]
fn an_outage_whose_device_was_in_contact_is_flagged_and_its_exception_is_for_review_and_not_refused() {
    let story = |in_contact: bool| {
        let mut story = Story::by(pack_of("zto-process"));
        let ten = at(0, 10, 0, 0);
        story.attempt(ten, Some(ten), "DF-NOBODY");
        let outage = story.outage(at(0, 18, 0, 0), at(0, 18, 5, 0), said("0571-8000"));
        let Standing::Accepted(receipt) = &mut outage.standing else { panic!("not accepted") };
        receipt.in_contact = in_contact;
        story
    };
    let now = at(1, 1, 0, 0);
    let (honest, asked) = (story(false), story(true));
    assert!(kinds(&honest, now).is_empty() && !honest.judge(now).flags.contains(&Flag::OutageInContact));
    let judged = asked.judge(now);
    assert_eq!(kinds(&asked, now), [QuestionKind::OutageInContact]);
    assert!(judged.flags.contains(&Flag::OutageInContact) && judged.flags.contains(&Flag::Review));
    assert_eq!(asked.clock("SLA-03", now), Timeliness::OnTimeByException, "it is not refused");
    assert_eq!(without_questions(judged.clone()), without_questions(honest.judge(now)));
    let told = explain(&asked.case(), &asked.book, &judged);
    let said_of = |about: &str| told.iter().find(|told| told.about.starts_with(about)).unwrap();
    assert!(said_of("SLA-03@").because.iter().any(|link| link.words.en.contains("for head office to look at")));
    let question = said_of("outage_in_contact@");
    assert_eq!(question.about, judged.questions[0].about());
    assert!(question.because.iter().any(|link| link.words.zh.contains("15 分钟")), "{question:?}");
    assert!(question.because.last().unwrap().words.en.contains("no finding rests on it"));
}

/// A photo of the door, taken so many milliseconds before its record.
fn taken(n: u8, recorded: UnixMs, before: i64) -> Photo {
    let capture = Capture { at: Some(recorded.plus(-before)), ..Capture::default() };
    Photo { capture, ..Photo::of(PhotoId::new([n; 32]), 9, PhotoPurpose::Door) }
}

const MINUTE: i64 = 60_000;

// rules: EV-1
#[test]
fn a_photo_of_another_time_is_shown_with_the_minutes_and_one_that_is_recorded_soon_is_not() {
    let noon = at(0, 12, 0, 0);
    let asked = |pack: Pack, photo: Photo| {
        let mut story = Story::by(pack);
        story.online(&COURIER, noon, Body::Photo(photo));
        story.judge(noon.plus(MINUTE)).questions
    };
    for (before, minutes) in
        [(0, None), (10 * MINUTE, None), (10 * MINUTE + 1, Some(11)), (-10 * MINUTE - 1, Some(11)), (DAY, Some(1440))]
    {
        let found = asked(qinghe(), taken(1, noon, before));
        let told: Vec<_> = found.iter().map(|question| (question.kind, question.value, question.limit)).collect();
        let expected = minutes.map(|minutes| (QuestionKind::PhotoOtherTime, Some(minutes), Some(10)));
        assert_eq!(told, Vec::from_iter(expected), "{before}");
    }
    let told = asked(qinghe(), taken(1, noon, DAY))[0].told(None);
    assert!(told.zh.ends_with("：1440 分钟，界限 10") && told.en.ends_with(": 1440 min, the limit is 10"), "{told:?}");
    let mut patient = qinghe();
    patient.questions = Some(QuestionRules { photo_minutes: 60, ..QuestionRules::default() });
    assert!(asked(patient.clone(), taken(1, noon, HOUR)).is_empty(), "the pack's limit");
    assert_eq!(asked(patient, taken(1, noon, HOUR + 1)).len(), 1);
    let drawn = Photo { original: Some(PhotoId::new([9; 32])), ..taken(1, noon, DAY) };
    assert!(asked(qinghe(), drawn).is_empty(), "a drawing has no time of its own");
}

// rules: EV-1
#[test]
fn a_photo_without_a_time_is_a_line_without_a_flag_and_the_gallery_is_both() {
    let noon = at(0, 12, 0, 0);
    let judged = |photo: Photo| {
        let mut story = Story::new();
        story.online(&COURIER, noon, Body::Photo(photo));
        let judged = story.judge(noon);
        (judged.questions.iter().map(|question| question.kind).collect::<Vec<_>>(), judged.flags)
    };
    let (kinds, flags) = judged(Photo::of(PhotoId::new([1; 32]), 9, PhotoPurpose::Door));
    assert_eq!((kinds, flags.is_empty()), (vec![QuestionKind::PhotoNoTime], true));
    for (source, expected) in
        [(None, vec![]), (Some(PhotoSource::Camera), vec![]), (Some(PhotoSource::Gallery), vec![Flag::PhotoFromGallery])]
    {
        let (kinds, flags) = judged(Photo { source, ..taken(1, noon, 0) });
        assert_eq!((kinds.len(), flags), (expected.len(), expected.clone()), "{source:?}");
    }
    let mut story = Story::new();
    story.online(&COURIER, noon, Body::Photo(Photo { source: Some(PhotoSource::Camera), ..taken(1, noon, 0) }));
    let lines = tell(&story.entries[0].entry, &story.case(), None, Sight::Masked);
    let source = lines.iter().find(|line| line.label == Label::PhotoSource).unwrap();
    assert_eq!(source.value.name().unwrap().en, "taken in the app");
}

/// A failed delivery with a photo of its door, so many metres north of the first place.
fn attempt_at(story: &mut Story, by: &By, when: UnixMs, n: u8, metres: i64) {
    let attempt = story.online(by, when, Body::Attempt(Attempt::of(code("DF-NOBODY"))));
    let change = story.entries.last().unwrap().change;
    let north = i32::try_from(300_000_000 + metres * 10_000_000 / 111_195).unwrap();
    let photo = taken(n, when, 0);
    let capture = Capture { position: GeoPosition::new(north, 1_200_000_000), ..photo.capture.clone() };
    story.again(&attempt, by, when, Body::Photo(Photo { purpose: PhotoPurpose::Label, capture, ..photo }));
    story.entries.last_mut().unwrap().change = change;
}

// rules: EV-1
#[test]
fn a_photo_far_from_all_other_attempts_is_shown_with_the_nearest_and_one_that_is_near_to_any_is_not() {
    let found = |places: &[i64]| {
        let mut story = Story::new();
        for (day, metres) in (0..).zip(places) {
            attempt_at(&mut story, &COURIER, at(day, 10, 0, 0), day as u8 + 1, *metres);
        }
        let judged = story.judge(at(9, 0, 0, 0));
        let far = judged.questions.iter().filter(|question| question.kind == QuestionKind::PlaceFar);
        far.map(|question| (question.entries.len(), question.value.unwrap())).collect::<Vec<_>>()
    };
    assert!(found(&[0]).is_empty(), "there is nothing to compare it with");
    assert!(found(&[0, 499]).is_empty());
    assert_eq!(found(&[0, 502]), [(2, 502)], "one pair, told once");
    assert!(found(&[0, 450, 900]).is_empty(), "each is near to another");
    assert_eq!(found(&[0, 30, 5_000]), [(2, 4_970)], "the third, with the nearest");
}

// rules: EV-1
#[test]
fn a_photo_outside_its_outlets_area_is_shown_and_one_at_its_edge_or_of_an_outlet_without_an_area_is_not() {
    let area = |outlet: &str, lat_e7, metres| Area {
        outlet: outlet.to_owned(),
        middle: GeoPosition::new(lat_e7, 1_200_000_000).unwrap(),
        metres,
    };
    let found = |areas: Vec<Area>, metres: i64| {
        let mut pack = qinghe();
        pack.areas = areas;
        let mut story = Story::by(pack);
        attempt_at(&mut story, &COURIER, at(0, 10, 0, 0), 1, metres);
        let judged = story.judge(at(9, 0, 0, 0));
        let outside = judged.questions.iter().find(|question| question.kind == QuestionKind::OutsideArea);
        assert_eq!(outside.is_some(), judged.flags.contains(&Flag::OutsideArea));
        outside.map(|question| (question.entries.len(), question.value.unwrap(), question.limit.unwrap()))
    };
    let (own, other) = (COURIER.2, "0999");
    assert_eq!(found(vec![], 50_000), None);
    assert_eq!(found(vec![area(other, 300_000_000, 5_000)], 50_000), None, "another outlet's area");
    assert_eq!(found(vec![area(own, 300_000_000, 5_000)], 5_000), None, "at the edge");
    assert_eq!(found(vec![area(own, 300_000_000, 5_000)], 5_002), Some((1, 5_002, 5_000)), "a first attempt too");
    let second = || area(own, 300_500_000, 1_000);
    assert_eq!(found(vec![area(own, 300_000_000, 5_000), second()], 5_560), None, "within the second area");
    assert_eq!(found(vec![area(own, 300_000_000, 5_000), second()], 7_000), Some((1, 1_440, 1_000)), "the nearest edge");
}

// rules: EV-1
#[test]
fn the_accuracy_that_a_position_has_is_subtracted_from_every_distance() {
    // An attempt at a place, and one 5,050 metres away 150 seconds later.
    let found = |accuracy_m: [Option<u32>; 2]| {
        let middle = GeoPosition::new(300_000_000, 1_200_000_000).unwrap();
        let mut pack = qinghe();
        pack.areas = vec![Area { outlet: COURIER.2.to_owned(), middle, metres: 5_000 }];
        let mut story = Story::by(pack);
        attempt_at(&mut story, &COURIER, at(0, 10, 0, 0), 1, 0);
        attempt_at(&mut story, &COURIER, at(0, 10, 2, 30), 2, 5_050);
        let photos = story.entries.iter_mut().filter_map(|recorded| match &mut recorded.entry.body {
            Body::Photo(photo) => photo.capture.position.as_mut(),
            _ => None,
        });
        photos.zip(accuracy_m).for_each(|(position, accuracy)| position.accuracy_m = accuracy);
        let of = |kind: QuestionKind| {
            let judged = story.judge(at(9, 0, 0, 0));
            judged.questions.iter().find(|question| question.kind == kind).map(|question| question.value.unwrap())
        };
        [QuestionKind::PlaceFar, QuestionKind::OutsideArea, QuestionKind::TooFast].map(of)
    };
    assert_eq!(found([None, None]), [Some(5_050), Some(5_050), Some(121)]);
    assert_eq!(found([None, Some(5)]), [Some(5_045), Some(5_045), Some(121)]);
    assert_eq!(found([None, Some(10)]), [Some(5_040), Some(5_040), None]);
    assert_eq!(found([None, Some(50)]), [Some(5_000), None, None]);
    assert_eq!(found([Some(4_550), None]), [None, Some(5_050), None], "the other place is as sure as before");
    assert_eq!(found([Some(u32::MAX), Some(u32::MAX)]), [None; 3]);
}

#[test]
fn the_days_of_rows_need_format_2_and_stay_in_their_ranges() {
    let first = std::str::from_utf8(FIRST_PACK).unwrap();
    let with = |format: &str, rules: &str| Pack::parse(format!("{format}\n{first}\n{rules}").as_bytes());
    let read = with("format = 2", "[rows]\nafter_case_days = 3\n").unwrap().rows();
    assert_eq!((read.after_case_days, read.unheard_days), (3, 30));
    assert_eq!(Pack::parse(FIRST_PACK).unwrap().rows(), RowRules { after_case_days: 15, unheard_days: 30 });
    assert!(with("", "[rows]\n").unwrap_err().reason.contains("came with format 2"));
    for wrong in ["after_case_days = 0", "unheard_days = 366", "other = 1"] {
        assert!(with("format = 2", &format!("[rows]\n{wrong}\n")).is_err(), "{wrong}");
    }
}

#[test]
fn areas_need_format_2_and_a_place_on_earth() {
    let first = std::str::from_utf8(FIRST_PACK).unwrap();
    let with = |format: &str, area: &str| Pack::parse(format!("{format}\n{first}\n[[areas]]\n{area}\n").as_bytes());
    let fine = "outlet = \"HZ-01\"\nmiddle = [30.2741, 120.1551]\nmetres = 8000";
    let pack = with("format = 2", fine).unwrap();
    assert_eq!(pack.areas[0].middle, GeoPosition::new(302_741_000, 1_201_551_000).unwrap());
    assert!(with("", fine).unwrap_err().reason.contains("came with format 2"));
    for (from, to) in [
        ("30.2741", "120.1"),
        ("120.1551", "nan"),
        ("[30.2741, 120.1551]", "[30.2]"),
        ("8000", "99"),
        ("8000", "500001"),
        ("HZ-01", ""),
    ] {
        assert!(with("format = 2", &fine.replace(from, to)).is_err(), "{to}");
    }
}

// rules: EV-1
#[test]
fn one_person_at_two_places_too_fast_is_shown_and_two_people_or_a_slower_way_are_not() {
    let found = |second: &By, seconds: i64, metres: i64| {
        let mut story = Story::new();
        attempt_at(&mut story, &COURIER, at(0, 10, 0, 0), 1, 0);
        attempt_at(&mut story, second, at(0, 10, 0, seconds), 2, metres);
        let judged = story.judge(at(9, 0, 0, 0));
        let fast = judged.questions.iter().find(|question| question.kind == QuestionKind::TooFast);
        fast.map(|question| (question.value.unwrap(), question.limit.unwrap()))
    };
    assert_eq!(found(&COURIER, 300, 10_000), None, "120 km/h");
    assert_eq!(found(&COURIER, 300, 10_090), Some((121, 120)));
    assert_eq!(found(&WEST, 300, 10_090), None);
    assert_eq!(found(&COURIER, 1, 480), None, "within the size of a place");
    assert!(found(&COURIER, 1, 600).is_some(), "a second later");
}

/// Sets marks of the receipts of all entries that carry the last one's change.
fn mark_last(story: &mut Story, mark: impl Fn(&mut Receipt)) {
    let change = story.entries.last().unwrap().change;
    for recorded in story.entries.iter_mut().filter(|recorded| recorded.change == change) {
        let Standing::Accepted(receipt) = &mut recorded.standing else { panic!("not accepted") };
        mark(receipt);
    }
}

/// Checks that the marked story differs from the plain one only by this question, with its flag and the review.
fn adds_only(plain: &Story, marked: &Story, kind: QuestionKind) -> Explanation {
    let now = at(1, 1, 0, 0);
    let (honest, judged) = (plain.judge(now), marked.judge(now));
    let flag = kind.flag().unwrap();
    assert!(kinds(plain, now).iter().all(|of| *of != kind) && !honest.flags.contains(&flag));
    let found: Vec<_> = judged.questions.iter().filter(|question| question.kind == kind).collect();
    assert_eq!(found.len(), 1);
    assert!(judged.flags.contains(&flag) && judged.flags.contains(&Flag::Review));
    assert_eq!(without_questions(judged.clone()), without_questions(honest), "no judgement rests on it");
    let told = explain(&marked.case(), &marked.book, &judged);
    told.into_iter().find(|told| told.about == found[0].about()).unwrap()
}

// rules: EV-1
#[test]
fn an_attempt_that_the_server_found_crowded_is_shown_and_decides_nothing() {
    let story = |crowded: bool| {
        let mut story = Story::new();
        attempt_at(&mut story, &COURIER, at(0, 10, 0, 0), 1, 0);
        mark_last(&mut story, |receipt| receipt.crowded = crowded);
        story
    };
    let told = adds_only(&story(false), &story(true), QuestionKind::Crowded);
    assert!(
        told.answer.zh.contains("一分钟内登记了多件派送") && told.answer.en.contains("many parcels within a minute"),
        "{told:?}"
    );
    assert!(told.because.iter().any(|link| link.words.en.contains("parcels of one address")), "an honest cause: {told:?}");
}

// rules: EV-1
#[test]
fn a_photo_that_the_server_found_too_far_from_another_case_is_shown_once_and_decides_nothing() {
    let story = |too_fast: bool| {
        let mut story = Story::new();
        attempt_at(&mut story, &COURIER, at(0, 10, 0, 0), 1, 0);
        let change = story.entries.last().unwrap().change;
        story.online(&COURIER, at(0, 10, 0, 0), Body::Photo(taken(2, at(0, 10, 0, 0), 0)));
        let mut second = taken(3, at(0, 10, 0, 0), 0);
        second.capture.position = GeoPosition::new(300_000_000, 1_200_000_000);
        story.online(&COURIER, at(0, 10, 0, 0), Body::Photo(second));
        for recorded in story.entries.iter_mut().rev().take(2) {
            recorded.change = change;
        }
        mark_last(&mut story, |receipt| receipt.too_fast = too_fast);
        story
    };
    let told = adds_only(&story(false), &story(true), QuestionKind::TooFastElsewhere);
    assert!(told.answer.zh.contains("另一件") && told.answer.en.contains("another parcel"), "{told:?}");
    assert!(
        told.because.iter().any(|link| link.words.en.contains("two people may use one account")),
        "an honest cause: {told:?}"
    );
}

// rules: SMS-2
#[test]
fn a_message_on_a_persons_word_counts_as_the_pack_says_and_the_case_says_so() {
    let judged = |alone: Option<bool>, state: SmsState, answered: bool| {
        let mut pack = qinghe();
        pack.sms.proves_alone_by_word = alone;
        let mut story = Story::by(pack);
        let attempt = story.online(&COURIER, at(0, 14, 0, 0), Body::Attempt(Attempt::of(code("DF-NOBODY"))));
        let key = story.sms(at(0, 14, 5, 0), message(Some(attempt)), state);
        if answered {
            let words = Personal::plain("好的").unwrap();
            story.online(&SERVER, at(0, 14, 9, 0), Body::SmsReply(SmsReply { of: key, words, opt_out: false }));
        }
        let judged = story.judge(at(0, 15, 0, 0));
        let (message, pack) = (judged.messages[0].clone(), story.book.newest().pack.clone());
        (message.lacks.clone(), judged.flags.contains(&Flag::SmsByWord), message.told(&pack).en)
    };
    let (lacks, asked, told) = judged(None, SmsState::HandedOver, false);
    assert!(lacks.is_empty() && asked && told.ends_with("(on the person's word), counts for today"), "{told}");
    assert_eq!(judged(Some(true), SmsState::HandedOver, false).0, []);
    let (lacks, asked, told) = judged(Some(false), SmsState::HandedOver, false);
    assert!(lacks == [SmsLack::WordOnly] && !asked && told.ends_with(": does not count"), "{told}");
    assert!(judged(Some(false), SmsState::HandedOver, true).0.is_empty(), "the customer answered");
    for alone in [None, Some(false)] {
        let (lacks, asked, told) = judged(alone, SmsState::Sent, false);
        assert!(lacks.is_empty() && !asked && !told.contains("word"), "the platform reported it: {told}");
    }
}

#[test]
fn the_values_of_questions_need_format_2_and_stay_in_their_ranges() {
    let first = std::str::from_utf8(FIRST_PACK).unwrap();
    let with = |format: &str, rules: &str| Pack::parse(format!("{format}\n{first}\n{rules}").as_bytes());
    let read = with("format = 2", "[questions]\nphoto_minutes = 30\n").unwrap().questions();
    assert_eq!(read, QuestionRules { photo_minutes: 30, ..QuestionRules::default() });
    assert!(with("", "[questions]\n").unwrap_err().reason.contains("came with format 2"));
    for wrong in ["photo_minutes = 0", "photo_minutes = 1441", "place_metres = 49", "speed_kmh = 1001", "other = 1"] {
        assert!(with("format = 2", &format!("[questions]\n{wrong}\n")).is_err(), "{wrong}");
    }
}
