//! Which photos are evidence and which are not (domain 7: clear; altered is void).

use doorstep_domain::*;
use doorstep_rules::*;

use crate::{
    codes::{lacks, registered},
    story::*,
};

/// A return, which wants its reason and a photo of its label, with the reason.
fn returned() -> Story {
    let mut story = registered("nengda-gd", "TR-RETURN", None, "delivery");
    story.online(&WEST, at(0, 9, 1, 0), Body::Note { words: Personal::plain("客户拒收").unwrap() });
    story
}

fn label(n: u8) -> Photo {
    Photo::of(PhotoId::new([n; 32]), 9, PhotoPurpose::TransferLabel)
}

fn measured(n: u8, sharpness: u32, light: u8) -> Photo {
    Photo { clarity: Some(Clarity { sharpness, light }), ..label(n) }
}

fn take(story: &mut Story, photo: Photo) -> EntryKey {
    story.online(&WEST, at(0, 9, 5, 0), Body::Photo(photo))
}

fn mark(story: &mut Story, by: &By, about: &EntryKey, remark: Remark) -> EntryKey {
    let mark = Mark { about: about.clone(), remark, reason: None, words: None };
    story.online(by, at(0, 9, 10, 0), Body::Mark(mark))
}

fn waive(story: &mut Story, words: &str) {
    let waiver = Waiver { evidence: code("label_photo"), words: Personal::plain(words).unwrap() };
    story.online(&WEST, at(0, 9, 6, 0), Body::Waiver(waiver));
}

/// What is said of the missing photo: each link with the entry it rests on.
fn told(story: &Story) -> Vec<(String, String, Option<EntryKey>)> {
    let judged = story.judge(at(0, 9, 30, 0));
    let all = explain(&story.case(), &story.book, &judged);
    let gap = all.into_iter().find(|told| told.about.starts_with("label_photo@")).unwrap();
    gap.because.into_iter().map(|link| (link.words.zh, link.words.en, link.entry)).collect()
}

/// The words of the server, which no person is behind.
const SERVER: By = By("doorstep", Role::HqReviewer, "HQ");

// rules: EV-1
#[test]
fn a_21_a_photo_whose_bytes_changed_is_void_on_every_replica_and_it_is_said_why() {
    let mut story = returned();
    let photo = take(&mut story, measured(1, 3_000, 120));
    assert!(lacks(&story).is_empty());
    // Nobody else can take the evidence away, and it is not the outlet's to say.
    for by in [&COURIER, &WEST, &ORIGIN, &HUB, &FINANCE] {
        mark(&mut story, by, &photo, Remark::Void);
    }
    assert!(lacks(&story).is_empty());
    let void = mark(&mut story, &SERVER, &photo, Remark::Void);
    assert_eq!(lacks(&story), ["label_photo"]);
    let here = story.judge(at(0, 9, 30, 0));
    let unfit = UnfitPhoto { photo: photo.clone(), why: Unfit::Void { mark: void.clone() } };
    assert_eq!(here.missing.iter().map(|gap| gap.unfit.clone()).collect::<Vec<_>>(), [vec![unfit]]);
    let there = Case::fold(story.entries.iter().rev().cloned()).unwrap();
    assert_eq!(judge(&there, &story.book, at(0, 9, 30, 0)), here, "in whatever order it came");
    let told = told(&story);
    let about = |key: &EntryKey| told.iter().find(|(.., entry)| entry.as_ref() == Some(key)).unwrap();
    assert!(about(&photo).0.starts_with("有照片但不算") && about(&photo).1.starts_with("a photo that does not count"));
    assert!(about(&void).0.contains("作废") && about(&void).1.contains("void"), "{told:?}");
    // Words do not make the missing evidence good. Another photo does.
    waive(&mut story, "照片被改");
    assert_eq!(lacks(&story), ["label_photo"]);
    take(&mut story, label(2));
    assert!(lacks(&story).is_empty());
}

// rules: EV-1, EV-5
#[test]
fn what_a_void_letter_proved_is_unproven_again() {
    let judged = |void: bool| {
        let mut story = Story::new();
        story.online(&WEST, at(0, 9, 0, 0), Body::Problem(Problem::of(code("MN-COD"), Stage::Delivery)));
        let change = Action { amount: Some(Fen(20_000)), ..Action::of(code("PAY_CHANGE")) };
        story.online(&WEST, at(0, 10, 0, 0), Body::Action(change));
        let letter = story.photo(at(0, 10, 5, 0), PhotoPurpose::Letter);
        let change = code("cod_change");
        let line = Ledger { book: Book::Cod, change, amount: Some(Fen(20_000)), letter: None, slip: false, words: None };
        story.online(&FINANCE, at(0, 11, 0, 0), Body::Ledger(line));
        let reply = Reply { letter: None, ..full("PAY_CHANGE") };
        story.online(&ORIGIN, at(0, 11, 5, 0), Body::Reply(reply));
        if void {
            mark(&mut story, &SERVER, &letter, Remark::Void);
        }
        let judged = story.judge(at(0, 12, 0, 0));
        (judged.flags.contains(&Flag::ActionUnproven), judged.replies[0].validity.clone())
    };
    assert_eq!(judged(false), (false, Validity::Valid));
    assert_eq!(judged(true), (true, Validity::Lacks { needs: vec!["letter".into()] }));
}

// rules: EV-1
#[test]
fn a_blurred_dark_or_bright_photo_leaves_the_gap_and_it_is_said_what_was_measured() {
    let cases = [
        (measured(1, 19, 120), "照片模糊，清晰度：19，界限 20", "blurred, its sharpness: 19, the limit is 20"),
        (measured(1, 3_000, 24), "照片太暗，亮度：24，界限 25", "too dark, its brightness: 24, the limit is 25"),
        (measured(1, 3_000, 246), "照片太亮，亮度：246，界限 245", "too bright, its brightness: 246, the limit is 245"),
    ];
    for (photo, zh, en) in cases {
        let mut story = returned();
        let photo = take(&mut story, photo);
        assert_eq!(lacks(&story), ["label_photo"], "{en}");
        let told = told(&story);
        let place = told.iter().position(|(.., entry)| entry.as_ref() == Some(&photo)).unwrap();
        assert_eq!((told[place + 1].0.as_str(), told[place + 1].1.as_str()), (zh, en));
        take(&mut story, measured(2, 20, 25));
        assert!(lacks(&story).is_empty(), "a second one that is clear does");
    }
    for edge in [measured(1, 20, 25), measured(1, 20, 245), label(1)] {
        let mut story = returned();
        take(&mut story, edge.clone());
        assert!(lacks(&story).is_empty(), "a limit is inclusive, and what nobody measured counts: {:?}", edge.clarity);
    }
}

// rules: EV-1, EV-9
#[test]
fn a_blurred_photo_is_accepted_with_words_and_without_them_or_without_the_photo_it_is_not() {
    let waived = |photo: Option<Photo>, words: &str| {
        let mut story = returned();
        photo.map(|photo| take(&mut story, photo));
        waive(&mut story, words);
        lacks(&story)
    };
    assert!(waived(Some(measured(1, 3, 120)), "夜里只能这样").is_empty());
    assert_eq!(waived(Some(measured(1, 3, 120)), "  "), ["label_photo"]);
    assert_eq!(waived(None, "忘了拍"), ["label_photo"]);
    let other = Photo { purpose: PhotoPurpose::Door, ..measured(1, 3, 120) };
    assert_eq!(waived(Some(other), "夜里只能这样"), ["label_photo"], "a blurred photo of something else");
}

// rules: EV-1
#[test]
fn a_drawing_on_a_photo_counts_beside_a_fit_original_and_not_alone() {
    let copy = |n: u8, of: u8| Photo { original: Some(PhotoId::new([of; 32])), ..label(n) };
    let taken = Photo { purpose: PhotoPurpose::Other, ..label(1) };
    let with = |photos: &[Photo], void: Option<usize>| {
        let mut story = returned();
        let keys: Vec<EntryKey> = photos.iter().map(|photo| take(&mut story, photo.clone())).collect();
        if let Some(place) = void {
            mark(&mut story, &SERVER, &keys[place], Remark::Void);
        }
        if lacks(&story).is_empty() { None } else { Some(story) }
    };
    assert!(with(&[taken.clone(), copy(2, 1)], None).is_none());
    assert!(with(&[copy(2, 1), taken.clone()], None).is_none(), "whichever came first");
    let alone = with(&[copy(2, 1)], None).expect("a gap");
    let why = told(&alone);
    assert!(why.iter().any(|(zh, en, _)| zh.contains("原片不在案内") && en.contains("drawn on or cut")), "{why:?}");
    assert!(with(&[taken.clone(), copy(2, 1)], Some(0)).is_some(), "its original is void");
    assert!(with(&[taken.clone(), copy(2, 1)], Some(1)).is_some(), "it is void itself");
    let blurred = Photo { clarity: Some(Clarity { sharpness: 3, light: 120 }), ..taken.clone() };
    assert!(with(&[blurred, copy(2, 1)], None).is_some(), "its original is blurred");
    assert!(with(&[copy(1, 2), copy(2, 1)], None).is_some(), "two that name each other");
    assert!(with(&[copy(1, 1)], None).is_some(), "one that names itself");
    assert!(with(&[taken.clone(), Photo { purpose: PhotoPurpose::Other, ..copy(2, 1) }, copy(3, 2)], None).is_some());
    // One entry of the original is void, another that names the same bytes is not marked: the bytes are what is void.
    assert!(with(&[taken.clone(), taken, copy(2, 1)], Some(0)).is_some());
}
