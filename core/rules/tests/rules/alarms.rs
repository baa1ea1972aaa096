//! When a device speaks up by itself.

use doorstep_domain::*;
use doorstep_rules::*;

use crate::story::*;

const MINUTE: i64 = 60_000;

fn reader(by: &By) -> Reader {
    Reader { role: by.1, user: by.0.parse().unwrap(), outlet: by.2.parse().unwrap() }
}

fn origin() -> Outlet {
    Outlet {
        code: "0571".parse().unwrap(),
        name_zh: "杭州余杭网点".into(),
        name_en: "Hangzhou Yuhang".into(),
        phone: "0571-88001234".into(),
    }
}

/// The alarms of one case until the next midnight but one.
fn heard(story: &Story, by: &By, is_online: bool, now: UnixMs) -> Vec<Alarm> {
    heard_by(story, &version_of("qinghe", 2), by, is_online, now)
}

fn heard_by(story: &Story, pack: &Pack, by: &By, is_online: bool, now: UnixMs) -> Vec<Alarm> {
    let case = story.case();
    let watched = Watched {
        case: CaseId::of(&case.facts.network, &case.facts.waybill),
        waybill: case.facts.waybill.to_string(),
        duties: story.judge(now).duties,
        origin: Some(origin()),
    };
    alarms(&[watched], pack, &reader(by), is_online, (now, at(2, 0, 0, 0)))
}

fn kinds(alarms: &[Alarm]) -> Vec<(AlarmKind, UnixMs)> {
    alarms.iter().map(|alarm| (alarm.kind, alarm.at)).collect()
}

fn recorded_offline() -> Story {
    let mut story = Story::by(version_of("qinghe", 2));
    story.attempt(at(0, 15, 0, 0), None, "DF-NOBODY");
    story
}

#[test]
fn without_a_network_the_phone_speaks_up_forty_minutes_before_the_notice_ends_and_gives_the_number() {
    let story = recorded_offline();
    let alarms = heard(&story, &COURIER, false, at(0, 16, 0, 0));
    let end = UnixMs(at(1, 0, 0, 0).0 - 1);
    assert_eq!(kinds(&alarms), [(AlarmKind::NoticeEnds, end.plus(-40 * MINUTE)), (AlarmKind::ClockRanOut, end.plus(1))]);
    let Words { zh, en } = &alarms[0].text;
    assert!(zh.contains("40 分钟") && en.contains("40 min"), "{zh} {en}");
    assert!(alarms[0].to_do.zh.contains("0571-88001234") && alarms[0].to_do.en.contains("0571-88001234"));
    // A notice that is only on the phone is no notice yet.
    let mut written = recorded_offline();
    written.notice(at(0, 15, 5, 0), None, "0571");
    assert_eq!(heard(&written, &COURIER, false, at(0, 16, 0, 0))[0].kind, AlarmKind::NoticeEnds);
    // Ten minutes before the end it is due now, with the time that is left.
    let late = heard(&story, &COURIER, false, at(0, 23, 50, 0));
    assert!(late[0].at < at(0, 23, 50, 0) && late[0].text.en.contains("10 min"), "{late:?}");
}

#[test]
fn with_a_network_or_after_the_call_nobody_is_told_to_phone() {
    let story = recorded_offline();
    assert!(heard(&story, &COURIER, true, at(0, 16, 0, 0)).iter().all(|alarm| alarm.kind != AlarmKind::NoticeEnds));
    // Another outlet's people have no notice to give.
    assert_eq!(heard(&story, &ORIGIN, false, at(0, 16, 0, 0)), []);
    let mut phoned = recorded_offline();
    phoned.outage(at(0, 15, 10, 0), at(0, 15, 10, 0), said("0571-88001234"));
    assert!(heard(&phoned, &COURIER, false, at(0, 16, 0, 0)).iter().all(|alarm| alarm.kind != AlarmKind::NoticeEnds));
}

#[test]
fn a_pack_gives_its_own_minutes() {
    let mut pack = version_of("qinghe", 2);
    pack.alarms = Some(AlarmRules { notice_minutes: 90 });
    let alarms = heard_by(&recorded_offline(), &pack, &COURIER, false, at(0, 16, 0, 0));
    assert_eq!(alarms[0].at, UnixMs(at(1, 0, 0, 0).0 - 1).plus(-90 * MINUTE));
    let text = |alarms: &str| {
        let file = format!("{}/packs/qinghe-2.toml", env!("CARGO_MANIFEST_DIR"));
        let pack = std::fs::read_to_string(file).unwrap();
        pack.replacen("[switches]", &format!("{alarms}\n[switches]"), 1)
    };
    let read = Pack::parse(text("[alarms]\nnotice_minutes = 60\n").as_bytes()).unwrap();
    assert_eq!(read.alarms().notice_minutes, 60);
    assert!(Pack::parse(text("[alarms]\nnotice_minutes = 0\n").as_bytes()).is_err());
    assert_eq!(version_of("qinghe", 2).alarms().notice_minutes, 40);
}

#[test]
fn a_reply_is_heard_by_those_who_follow_it_and_a_notice_by_those_who_answer_it() {
    let mut story = Story::by(version_of("qinghe", 2));
    story.attempt(at(0, 15, 0, 0), Some(at(0, 15, 0, 0)), "DF-NOBODY");
    story.notice(at(0, 15, 5, 0), Some(at(0, 15, 5, 0)), "0571");
    let now = at(0, 15, 6, 0);
    let came = |story: &Story, by: &By, now: UnixMs| {
        let came = heard(story, by, true, now).into_iter();
        came.filter(|alarm| matches!(alarm.kind, AlarmKind::NoticeCame | AlarmKind::ReplyCame)).collect::<Vec<_>>()
    };
    assert_eq!(kinds(&came(&story, &ORIGIN, now)), [(AlarmKind::NoticeCame, now)]);
    assert_eq!(came(&story, &COURIER, now), []);
    story.reply(at(0, 16, 0, 0), "REDELIVER");
    let now = at(0, 16, 1, 0);
    let told = came(&story, &COURIER, now);
    assert_eq!(kinds(&told), [(AlarmKind::ReplyCame, now)]);
    // It keeps its name as long as it is the same reply.
    assert_eq!(told[0].id, came(&story, &COURIER, at(0, 16, 30, 0))[0].id);
    assert_eq!(came(&story, &ORIGIN, now), []);
}

#[test]
fn a_clock_that_ran_out_is_said_and_without_a_reply_the_delivering_side_is_told_to_begin_the_method() {
    let mut story = Story::by(version_of("qinghe", 2));
    story.attempt(at(0, 15, 0, 0), Some(at(0, 15, 0, 0)), "DF-NOBODY");
    let missed = heard(&story, &WEST, true, at(1, 8, 0, 0));
    assert_eq!(kinds(&missed), [(AlarmKind::ClockRanOut, at(1, 0, 0, 0))]);
    assert!(missed[0].text.zh.starts_with("期限已过"), "{missed:?}");
    story.notice(at(0, 15, 5, 0), Some(at(0, 15, 5, 0)), "0571");
    let out = heard(&story, &COURIER, true, at(0, 16, 0, 0));
    let reply = out.iter().find(|alarm| alarm.clock.as_deref() == Some("SLA-05")).unwrap();
    assert_eq!((reply.kind, reply.at), (AlarmKind::ClockRanOut, at(1, 15, 5, 0).plus(1)));
    assert_eq!(reply.to_do.en, "Follow the method of the problem type");
    assert!(out.windows(2).all(|two| two[0].at <= two[1].at));
}

#[test]
fn what_comes_after_the_asked_time_is_left_out() {
    let story = recorded_offline();
    let case = story.case();
    let watched = Watched {
        case: CaseId::of(&case.facts.network, &case.facts.waybill),
        waybill: case.facts.waybill.to_string(),
        duties: story.judge(at(0, 16, 0, 0)).duties,
        origin: None,
    };
    let until = |until: UnixMs| {
        alarms(std::slice::from_ref(&watched), &version_of("qinghe", 2), &reader(&COURIER), false, (at(0, 16, 0, 0), until))
    };
    assert_eq!(until(at(0, 23, 0, 0)), []);
    let alarms = until(at(0, 23, 30, 0));
    assert_eq!(alarms.len(), 1);
    assert!(alarms[0].to_do.en.starts_with("the origin outlet's number is not known"));
}
