//! What a record on the phone works out: each of its cases is folded and judged once.

use std::sync::atomic::AtomicI64;

use doorstep_domain::{Author, BootId, DeviceId, Personal, Role};
use doorstep_protocol::{Publication, RefKind, Reference, Signed, Token, encode};
use doorstep_rules::{FIRST_PACK, Rulebook, Tally, judge};
use doorstep_store::{Act, Clocks, Enrolment, Session};
use tempfile::TempDir;

use super::*;

const MONDAY: i64 = 1_772_413_200_000;

/// A clock that goes on by a second whenever it is read.
struct Ticking(AtomicI64);

impl Clock for Ticking {
    fn read(&self) -> Clocks {
        let ms = self.0.fetch_add(1_000, Ordering::Relaxed);
        Clocks { wall: UnixMs(MONDAY + ms), mono_ms: ms as u64, boot: BootId([1; 4]) }
    }

    fn zone_quarters(&self) -> i8 {
        32
    }
}

fn enrolled() -> (TempDir, Client) {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(Ticking(AtomicI64::new(5_000)));
    let client = Client::open(folder.path(), Options { clock, ..Options::default() }).unwrap();
    let token = Token { secret: "00".into(), expires_ms: MONDAY + 3_600_000 };
    let session = Session { server: "http://127.0.0.1:1".into(), server_key: vec![4; 65], token };
    let author = Author { user: "c1".parse().unwrap(), role: Role::Courier, outlet: "0412".parse().unwrap() };
    let (device, install) = (DeviceId::new([9; 16]), InstallId::new([9; 16]));
    let toml = FIRST_PACK.to_vec();
    let publication = Publication { network: "QH".into(), version: 1, published_ms: 0, valid_from_ms: 0, toml };
    let signed = Signed { body: encode(&publication).unwrap(), sig: vec![] };
    let rules = Reference { version: 1, packs: vec![(publication, signed)], ..Reference::default() };
    {
        let mut store = client.inner.store();
        store.enrol(&Enrolment { device, install, author, name: "李明".into(), session }, UnixMs(MONDAY)).unwrap();
        store.take_refs(RefKind::Pack, &rules, UnixMs(MONDAY)).unwrap();
    }
    (folder, client)
}

/// What recording an act on some parcels worked out, after it was seen that it tells each of them as they stand.
fn worked_out(client: &Client, numbers: &[&str], act: Act) -> Tally {
    let waybills: Vec<Waybill> = numbers.iter().map(|number| Waybill::parse(number).unwrap()).collect();
    let recording = Recording { waybills, ..Recording::of(numbers.first().unwrap(), act).unwrap() };
    Tally::take();
    let outcome = client.record(&recording, &[]).unwrap();
    let tally = Tally::take();
    let read: Vec<_> = numbers.iter().map(|number| client.case(number).unwrap().unwrap()).collect();
    let facts = |views: &[CaseView]| views.iter().map(|view| (view.id, view.case.clone())).collect::<Vec<_>>();
    assert_eq!(facts(&outcome.cases), facts(&read));
    tally
}

fn attempt() -> Act {
    Act::Fail(doorstep_domain::Attempt::of("DF-NOBODY".parse().unwrap()))
}

fn note() -> Act {
    Act::Note(Personal::plain("门卫代收不了").unwrap())
}

#[test]
fn a_record_on_a_case_with_a_history_folds_it_once_and_judges_it_once() {
    let (_folder, client) = enrolled();
    let number = "QH310000000017";
    worked_out(&client, &[number], attempt());
    let once = Tally { folds: 1, judgements: 1, phases: 0 };
    for act in [note(), attempt(), note(), Act::Fail(doorstep_domain::Attempt::of("DF-REFUSE".parse().unwrap()))] {
        assert_eq!(worked_out(&client, &[number], act), once);
    }
}

#[test]
fn the_first_record_of_a_case_folds_it_once_and_judges_it_once_for_its_row_and_for_the_person() {
    let (_folder, client) = enrolled();
    assert_eq!(worked_out(&client, &["QH310000000017"], attempt()), Tally { folds: 1, judgements: 1, phases: 1 });
}

#[test]
fn a_record_on_several_cases_folds_and_judges_each_once() {
    let (_folder, client) = enrolled();
    let numbers = ["QH310000000017", "QH310000000025"];
    for number in numbers {
        worked_out(&client, &[number], attempt());
    }
    assert_eq!(worked_out(&client, &numbers, note()), Tally { folds: 2, judgements: 2, phases: 0 });
}

#[test]
fn what_a_record_says_of_its_case_is_the_judgement_of_its_moment() {
    let (_folder, client) = enrolled();
    for act in [attempt(), note()] {
        let recording = Recording::of("QH310000000017", act).unwrap();
        let told = client.record(&recording, &[]).unwrap().cases.remove(0);
        let at = told.case.timeline.last().unwrap().acted_at();
        // The clock is read once for the act's own time and once for the best estimate.
        let book: Arc<Rulebook> = client.book().unwrap().unwrap();
        assert_eq!(told.judgement, judge(&told.case, &book, at.plus(1_000)));
    }
}

/// Texts of which a reader sees nothing.
const EMPTY: [&str; 6] = ["", " \n\t", "\u{3000}", "\u{200b}\u{feff}", "\u{202e}\u{2060} ", "\u{3164}\u{2800}"];

fn refused(client: &Client, act: Act) -> bool {
    let refusal = client.record(&Recording::of("QH310000000017", act).unwrap(), &[]);
    matches!(refusal, Err(ClientError::Refused(Refusal::NoWords)))
}

#[test]
fn words_of_which_nobody_sees_anything_are_refused_in_every_act_that_has_some_and_nothing_is_recorded() {
    let (_folder, client) = enrolled();
    worked_out(&client, &["QH310000000017"], attempt());
    let entry: doorstep_domain::EntryKey =
        client.case("QH310000000017").unwrap().unwrap().case.timeline.last().unwrap().entry.key.clone();
    for empty in EMPTY {
        let words = || Personal::plain(empty).unwrap();
        assert!(refused(&client, Act::Note(words())), "{empty:?}");
        let attempt =
            doorstep_domain::Attempt { words: Some(words()), ..doorstep_domain::Attempt::of("DF-NOBODY".parse().unwrap()) };
        assert!(refused(&client, Act::Fail(attempt.clone())), "{empty:?}");
        let reply = doorstep_domain::Reply { words: Some(words()), ..doorstep_domain::Reply::of("REDELIVER".parse().unwrap()) };
        assert!(refused(&client, Act::Reply(reply)), "{empty:?}");
        let waiver = doorstep_domain::Waiver { evidence: "EV-1".parse().unwrap(), words: words() };
        assert!(refused(&client, Act::Waive(waiver)), "{empty:?}");
        let fault = doorstep_domain::Fault::IncorrectData;
        let correction = |words| doorstep_domain::Correction { of: entry.clone(), fault, same_as: None, words };
        assert!(refused(&client, Act::Correct { correction: correction(words()), instead: None }), "{empty:?}");
        let instead = Some(Box::new(Act::Fail(attempt)));
        let correction = correction(Personal::plain("选错原因").unwrap());
        assert!(refused(&client, Act::Correct { correction, instead }), "{empty:?} in the right act");
        let dispute = doorstep_domain::Dispute { about: entry.to_string().parse().unwrap(), words: words() };
        assert!(refused(&client, Act::Dispute(dispute)), "{empty:?}");
        let wish = doorstep_store::SmsWish { text: Some(words()), ..Default::default() };
        assert!(refused(&client, Act::Sms { wish, state: None, fault: None }), "{empty:?}");
        for sheet in
            [crate::SheetCommand::note(None, empty).unwrap(), crate::SheetCommand::Open { day: None, words: Some(words()) }]
        {
            let refusal = client.write_sheet(&sheet);
            assert!(matches!(refusal, Err(ClientError::Refused(Refusal::NoWords))), "{empty:?}");
        }
    }
    assert_eq!(client.status().unwrap().unsent.len(), 1, "only the failed delivery");
    assert!(!refused(&client, Act::Note(Personal::plain("\u{200b}到\u{200b}").unwrap())));
}

#[test]
fn only_a_call_that_records_says_that_nothing_was_recorded() {
    let (_folder, client) = enrolled();
    let says = |error: &ClientError| {
        let told = error.words();
        (told.zh.contains("没有登记"), told.en.contains("nothing was recorded"))
    };
    client.fill_disk(true).unwrap();
    let long = || Act::Note(Personal::plain(&"满".repeat(2_000)).unwrap());
    let fail = |number: &str| client.record(&Recording::of(number, attempt()).unwrap(), &[]);
    let full = (100..900).find_map(|n| fail(&format!("QH3100000{n:05}")).err()).unwrap();
    assert_eq!((full.code(), says(&full)), ("disk_full", (true, true)), "{full:?}");
    let note = (0..100).find_map(|_| client.record(&Recording::of("QH310000000100", long()).unwrap(), &[]).err()).unwrap();
    assert_eq!((note.code(), says(&note)), ("disk_full", (true, true)), "{note:?}");
    assert!(!client.cases(&Filter::default()).unwrap().is_empty());
    client.status().unwrap();

    let full = || doorstep_store::StoreError::DiskFull;
    let denied = || doorstep_store::StoreError::File(std::io::ErrorKind::PermissionDenied.into());
    for reading in [
        ClientError::from(full()),
        ClientError::from(denied()),
        ClientError::from(doorstep_store::OpenError::DiskFull),
        ClientError::from(crate::SignError::File { file: "device.key".into(), source: std::io::ErrorKind::StorageFull.into() }),
    ] {
        assert_eq!(says(&reading), (false, false), "{reading:?}");
    }
    for recording in [full(), denied(), doorstep_store::StoreError::Corrupt] {
        let (code, error) = (ClientError::from(clone(&recording)).code().to_owned(), ClientError::Unrecorded(recording));
        assert_eq!((error.code(), says(&error)), (code.as_str(), (true, true)), "{error:?}");
    }
}

fn clone(error: &doorstep_store::StoreError) -> doorstep_store::StoreError {
    match error {
        doorstep_store::StoreError::DiskFull => doorstep_store::StoreError::DiskFull,
        doorstep_store::StoreError::Corrupt => doorstep_store::StoreError::Corrupt,
        _ => doorstep_store::StoreError::File(std::io::ErrorKind::PermissionDenied.into()),
    }
}

#[test]
fn the_words_of_errors_are_in_one_language_each() {
    use crate::{SignError, Unreached};
    let whys = [
        Unreached::Name,
        Unreached::Refused,
        Unreached::Silent,
        Unreached::Cut,
        Unreached::Tls,
        Unreached::Stranger,
        Unreached::NotFound,
        Unreached::Version,
    ];
    let mut errors: Vec<ClientError> =
        whys.into_iter().map(|why| ClientError::Unreached { address: "192.0.2.1:443".into(), why }).collect();
    errors.extend([SignError::Lost, SignError::Missing, SignError::Platform("no".into())].map(ClientError::Key));
    errors.extend([ClientError::from(doorstep_store::StoreError::DiskFull), ClientError::Refused(Refusal::NoWords)]);
    errors.push(ClientError::from(doorstep_store::StoreError::File(std::io::ErrorKind::PermissionDenied.into())));
    let is_chinese = |c: char| ('\u{4e00}'..='\u{9fff}').contains(&c);
    for error in errors {
        let told = error.words();
        let bare = told.zh.replace("https", "").replace("http", "");
        assert!(told.zh.chars().any(is_chinese) && !bare.chars().any(|c| c.is_ascii_alphabetic()), "{}", told.zh);
        assert!(!told.en.chars().any(is_chinese), "{}", told.en);
        if let ClientError::Unreached { .. } = error {
            assert!(told.zh.contains("192.0.2.1:443") && told.zh.contains("未作任何改动"), "{}", told.zh);
            assert!(told.en.contains("192.0.2.1:443") && told.en.contains("nothing was changed"), "{}", told.en);
        }
        if let ClientError::Key(SignError::Lost) = error {
            assert!(told.zh.contains("新的注册码") && told.zh.contains("已登记的内容都保留"), "{}", told.zh);
            assert!(told.en.contains("enrol again with a new code") && told.en.contains("what was recorded is kept"));
        }
    }
}

/// Puts a parcel on the device's list, and the directory's outlet.
fn listed(client: &Client, number: &str) {
    let parcel = doorstep_protocol::ParcelRow {
        waybill: number.into(),
        network: "QH".into(),
        origin_outlet: "0571".into(),
        delivering_outlet: "0412".into(),
        courier: Some("c1".into()),
        recipient_name: Personal::plain("王小花").unwrap().as_bytes().to_vec(),
        recipient_phone: Personal::plain("13800001234").unwrap().as_bytes().to_vec(),
        recipient_address: Personal::plain("青禾路1号").unwrap().as_bytes().to_vec(),
        cod_fen: 4_000,
        theoretical_arrival_ms: Some(MONDAY - 3_600_000),
        hub: None,
        entered_ms: None,
        children: None,
        virtual_phone: Vec::new(),
        virtual_until_ms: None,
        details: None,
    };
    let parcels = Reference { version: 1, parcels: vec![parcel], ..Reference::default() };
    client.inner.store().take_refs(RefKind::Parcels, &parcels, UnixMs(MONDAY)).unwrap();
}

fn asked(client: &Client, reason: &str, waybill: Option<&str>) -> Result<crate::ReasonAhead, ClientError> {
    let (reason, waybill) = (reason.to_owned(), waybill.map(str::to_owned));
    client.ahead(&crate::ReasonWish { reason, waybill, ..crate::ReasonWish::default() })
}

#[test]
fn what_a_reason_asks_for_is_read_before_the_act_and_nothing_is_recorded() {
    let (_folder, client) = enrolled();
    let number = "QH310000000017";
    listed(&client, number);
    let told = asked(&client, "DF-NOBODY", Some(number)).unwrap();
    let sms = told.sms.unwrap();
    assert!(sms.counts && sms.why_not.is_none() && sms.number.is_some_and(|number| number.contains('*')), "{:?}", sms.lacks);
    assert_eq!((told.ahead.cod.0, told.ahead.arrival), (4_000, Some(UnixMs(MONDAY - 3_600_000))));
    assert_eq!(told.ahead.origin.map(|outlet| outlet.to_string()), Some("0571".to_owned()));
    assert!(told.is_yours && told.ahead.clocks.iter().any(|clock| clock.clock == "SLA-03"));
    // A reason by which the label's number is wrong leaves no number for an SMS.
    let phone = asked(&client, "DF-PHONE", Some(number)).unwrap().sms.unwrap();
    assert!(!phone.counts && phone.number.is_none() && phone.why_not.unwrap().en.contains("wrong"));
    assert_eq!(client.case(number).unwrap(), None);
    assert_eq!(client.status().unwrap().unsent, []);
    // What was said before the act holds after it.
    client.record(&Recording::of(number, attempt()).unwrap(), &[]).unwrap();
    assert!(client.preview_sms(number, &crate::SmsWish::default()).unwrap().lacks.is_empty());
}

#[test]
fn without_a_parcel_only_the_rules_are_asked_and_an_unknown_reason_is_refused_with_those_that_are_known() {
    let (_folder, client) = enrolled();
    let told = asked(&client, "DF-NOBODY", None).unwrap();
    assert_eq!((told.waybill, told.sms, told.origin_outlet), (None, None, None));
    let Err(ClientError::Refused(Refusal::Reason { known, .. })) = asked(&client, "DF-NONE", None) else { panic!("refused") };
    let all = client.all_ahead(None).unwrap();
    assert_eq!(all.iter().map(|told| told.ahead.code.clone()).collect::<Vec<_>>(), known);
    // The question is everybody's, also where the role does not register.
    assert!(all.iter().any(|told| !told.is_yours));
}

#[test]
fn a_parcel_without_a_case_is_told_apart_from_one_whose_record_was_taken_back_and_from_a_strangers() {
    let (_folder, client) = enrolled();
    let (mine, strange) = ("QH310000000017", "QH310000000024");
    listed(&client, mine);
    let refused = |number: &str| match client.record(&Recording::of(number, note()).unwrap(), &[]) {
        Err(ClientError::Refused(refusal)) => refusal,
        other => panic!("{other:?}"),
    };
    assert_eq!((refused(mine), refused(strange)), (Refusal::NoCase, Refusal::NotListed));
    let notice = Act::Notice { to: None, request: None };
    client.record(&Recording::of(mine, attempt()).unwrap(), &[]).unwrap();
    let key = client.case(mine).unwrap().unwrap().case.timeline[0].entry.key.clone();
    let correction = doorstep_domain::Correction {
        of: key,
        fault: doorstep_domain::Fault::DidNotOccur,
        same_as: None,
        words: Personal::plain("点错了").unwrap(),
    };
    let correct = Act::Correct { correction, instead: None };
    client.record(&Recording::of(mine, correct).unwrap(), &[]).unwrap();
    let again = client.record(&Recording::of(mine, notice).unwrap(), &[]);
    assert!(matches!(again, Err(ClientError::Refused(Refusal::TakenBack))), "{again:?}");
}

#[test]
fn a_device_without_a_network_speaks_up_before_the_notice_ends() {
    let (_folder, client) = enrolled();
    let number = "QH310000000017";
    listed(&client, number);
    client.record(&Recording::of(number, attempt()).unwrap(), &[]).unwrap();
    let day = client.now().unwrap().plus(86_400_000);
    let alarms = client.alarms(day).unwrap();
    assert_eq!(alarms.first().map(|alarm| alarm.kind), Some(crate::AlarmKind::NoticeEnds), "{alarms:?}");
    assert!(client.alarms_if(true, day).unwrap().iter().all(|alarm| alarm.kind != crate::AlarmKind::NoticeEnds));
}
