use super::*;
use doorstep_domain::{DeviceId, HistoryId, InstallId};
use proptest::prelude::*;

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        Just(Event::Wake(Cause::Asked)),
        Just(Event::Wake(Cause::Connected)),
        Just(Event::Wake(Cause::Recorded)),
        Just(Event::Wake(Cause::Timer)),
        Just(Event::Prepared(request())),
        Just(Event::Answered(response())),
        (any::<bool>(), any::<bool>(), any::<bool>()).prop_map(|(more_to_send, more_to_pull, ask)| Event::Applied(Applied {
            more_to_send,
            more_to_pull,
            ask,
            thumbnails: vec![PhotoId::new([8; 32])],
            ..Applied::default()
        })),
        Just(Event::Done),
        (any::<u32>(), any::<bool>()).prop_map(|(bytes, more)| Event::Moved(Moved { bytes: bytes.into(), more })),
        any::<bool>().prop_map(|some| Event::Told(vec![PhotoId::new([9; 32]); usize::from(some)])),
        Just(Event::Failed(Failure::Network)),
        Just(Event::Failed(Failure::TooLarge)),
        Just(Event::Failed(Failure::Storage)),
    ]
}

proptest! {
    /// The liveness law: after any events in any order the engine either works on exactly one thing or has a wake-up scheduled
    /// within a minute.
    #[test]
    fn it_is_always_at_work_or_about_to_wake(events in proptest::collection::vec((event(), 0u64..90_000, any::<u64>()), 1..60)) {
        let mut engine = Engine::new(Pace::default());
        let (mut now, mut in_flight, mut wake_at) = (0, 0, None);
        for (event, passed, entropy) in std::iter::once((Event::Wake(Cause::Recorded), 0, 7)).chain(events) {
            now += passed;
            let answers = !matches!(event, Event::Wake(_));
            let before = in_flight;
            // A report that fits ends the effect in flight; a report that does not fit is ignored and gives no effect.
            let effects = engine.handle(now, entropy, event);
            if answers && !effects.is_empty() { in_flight = 0; }
            for effect in &effects {
                match effect {
                    Effect::WakeAt(at) => wake_at = Some(*at),
                    Effect::Tell(_) => {}
                    _ => in_flight += 1,
                }
            }
            prop_assert!(in_flight <= 1, "two things in flight after {effects:?}");
            prop_assert!(before <= 1);
            if in_flight == 0 {
                prop_assert!(wake_at.is_some_and(|at| at <= now + 60_000), "no wake within a minute");
            }
        }
    }
}

fn request() -> Box<SyncRequest> {
    Box::new(SyncRequest {
        device: DeviceId::new([0; 16]),
        install: InstallId::new([0; 16]),
        history: HistoryId::new([0; 16]),
        push: None,
        pull: vec![],
        want_bytes: 0,
        refs: vec![],
        chain: None,
        beacon: None,
        quarantined: vec![],
        lost: vec![],
        batch: None,
        counter: None,
        witness: None,
        packs: None,
        dense: None,
        pins: None,
    })
}

fn response() -> Box<Answer> {
    Box::new(Answer {
        packs: None,
        dense: None,
        now_ms: 0,
        history: HistoryId::new([0; 16]),
        ack: None,
        witness: None,
        received_ms: None,
        feed: vec![],
        refs: vec![],
        token: None,
        demand: None,
        resend: vec![],
        decisions: vec![],
        scopes: vec![],
        wanted: vec![],
        gateway: false,
        wipe: None,
        told: vec![],
        asked: None,
    })
}

fn started() -> Engine {
    let mut engine = Engine::new(Pace::default());
    let effects = engine.handle(0, 0, Event::Wake(Cause::Asked));
    assert_eq!(effects, [Effect::Tell(Status::Syncing), Effect::Prepare { max_bytes: START_BYTES, recut: false }]);
    assert!(matches!(engine.handle(0, 0, Event::Prepared(request())).as_slice(), [Effect::Send(_)]));
    engine
}

fn answered(applied: Applied) -> (Engine, Vec<Effect>) {
    let mut engine = started();
    assert_eq!(engine.handle(5, 0, Event::Answered(response())), [Effect::Apply(response())]);
    let effects = engine.handle(6, 0, Event::Applied(applied));
    (engine, effects)
}

#[test]
fn it_rests_only_when_the_store_says_that_nothing_is_left() {
    let more = Applied { more_to_send: true, ..Applied::default() };
    assert!(matches!(answered(more).1.as_slice(), [Effect::Prepare { .. }]));
    let more = Applied { more_to_pull: true, ..Applied::default() };
    assert!(matches!(answered(more).1.as_slice(), [Effect::Prepare { .. }]));
    assert_eq!(answered(Applied::default()).1, [Effect::Tell(Status::Rested), Effect::WakeAt(60_006)]);
}

fn whole(photo: PhotoId) -> Effect {
    Effect::Upload { photo, max_bytes: u64::MAX }
}

fn moved(bytes: u64, more: bool) -> Event {
    Event::Moved(Moved { bytes, more })
}

#[test]
fn rows_thumbnails_photos_and_downloads_go_strictly_in_this_order_and_one_at_a_time() {
    let [small, photo, other] = [6, 7, 8].map(|n| PhotoId::new([n; 32]));
    let applied =
        Applied { stale: vec![RefKind::Pack], thumbnails: vec![small], photos: vec![photo], ask: true, ..Applied::default() };
    let (mut engine, effects) = answered(applied);
    assert_eq!(effects, [Effect::Fetch(RefKind::Pack)]);
    assert_eq!(engine.handle(7, 0, Event::Done), [whole(small)]);
    assert_eq!(engine.handle(8, 0, moved(9_000, false)), [whole(photo)]);
    assert_eq!(engine.handle(9, 0, moved(300_000, false)), [Effect::Ask]);
    assert_eq!(engine.handle(10, 0, Event::Told(vec![other])), [Effect::Download(other)]);
    assert!(matches!(engine.handle(11, 0, moved(9_000, false)).as_slice(), [Effect::Tell(Status::Rested), _]));
}

#[test]
fn what_is_recorded_while_a_photo_is_sent_goes_at_the_next_border_of_a_chunk() {
    let photo = PhotoId::new([7; 32]);
    let (mut engine, effects) = answered(Applied { photos: vec![photo], ..Applied::default() });
    assert_eq!(effects, [whole(photo)]);
    assert!(engine.handle(7, 0, Event::Wake(Cause::Recorded)).is_empty());
    assert!(matches!(engine.handle(8, 0, moved(50_000, true)).as_slice(), [Effect::Prepare { .. }]));
}

#[test]
fn chunks_are_as_large_as_the_link_carries_in_five_seconds_and_a_good_link_gets_whole_photos() {
    let photo = PhotoId::new([7; 32]);
    let next = |rates: &[u64]| {
        let (mut engine, _) = answered(Applied { photos: vec![photo], ..Applied::default() });
        let mut effects = vec![];
        let mut now = 6;
        for rate in rates {
            now += 1_000;
            effects = engine.handle(now, 0, moved(*rate, true));
        }
        match effects.as_slice() {
            [Effect::Upload { max_bytes, .. }] => *max_bytes,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(next(&[12_000]), 60_000);
    assert_eq!(next(&[9_000]), 45_000);
    assert_eq!(next(&[60_000]), u64::MAX);
    assert_eq!(next(&[12_000, 100_000]), 170_000, "one good chunk does not make a good link");
}

#[test]
fn a_photo_that_does_not_get_through_waits_longer_each_time_and_keeps_no_fact_waiting() {
    let photo = PhotoId::new([7; 32]);
    let applied = || Applied { photos: vec![photo], ..Applied::default() };
    let (mut engine, _) = answered(applied());
    let (mut now, mut waits) = (6, vec![]);
    for _ in 0..4 {
        let effects = engine.handle(now, 0, Event::Failed(Failure::Network));
        let [Effect::Tell(Status::Waiting { until, .. }), Effect::WakeAt(_)] = effects.as_slice() else { panic!("{effects:?}") };
        waits.push(until - now);
        // A record made meanwhile goes at once, before the photo.
        assert!(matches!(engine.handle(now + 1, 0, Event::Wake(Cause::Recorded)).as_slice(), [_, Effect::Prepare { .. }]));
        engine.handle(now + 1, 0, Event::Prepared(request()));
        engine.handle(now + 1, 0, Event::Answered(response()));
        let effects = engine.handle(now + 1, 0, Event::Applied(applied()));
        assert_eq!(effects, [Effect::Tell(Status::Rested), Effect::WakeAt(*until)]);
        now = *until;
        engine.handle(now, 0, Event::Wake(Cause::Timer));
        engine.handle(now, 0, Event::Prepared(request()));
        engine.handle(now, 0, Event::Answered(response()));
        let effects = engine.handle(now, 0, Event::Applied(applied()));
        assert!(matches!(effects.as_slice(), [Effect::Upload { .. }]), "{effects:?}");
    }
    assert_eq!(waits, [700, 1_400, 2_800, 5_600]);
}

#[test]
fn a_link_that_breaks_under_a_photo_gets_smaller_chunks() {
    let photo = PhotoId::new([7; 32]);
    let (mut engine, _) = answered(Applied { photos: vec![photo], ..Applied::default() });
    let mut chunks = vec![];
    for round in 1..=4 {
        let now = round * 100_000;
        engine.handle(now, 0, Event::Failed(Failure::Network));
        engine.handle(now, 0, Event::Wake(Cause::Asked));
        engine.handle(now, 0, Event::Prepared(request()));
        engine.handle(now, 0, Event::Answered(response()));
        let effects = engine.handle(now, 0, Event::Applied(Applied { photos: vec![photo], ..Applied::default() }));
        let [Effect::Upload { max_bytes, .. }] = effects.as_slice() else { panic!("{effects:?}") };
        chunks.push(*max_bytes);
    }
    assert_eq!(chunks, [81_920, 40_960, 20_480, 16_384]);
}

#[test]
fn one_sync_is_in_flight_and_a_wish_during_it_is_kept() {
    let mut engine = started();
    assert!(engine.handle(1, 0, Event::Wake(Cause::Recorded)).is_empty());
    engine.handle(2, 0, Event::Answered(response()));
    let effects = engine.handle(3, 0, Event::Applied(Applied::default()));
    assert!(matches!(effects.as_slice(), [Effect::Prepare { .. }]), "{effects:?}");
}

#[test]
fn failures_back_off_with_jitter_and_a_person_or_the_network_breaks_it() {
    let mut engine = started();
    let mut waits = vec![];
    let mut now = 0;
    for _ in 0..12 {
        let effects = engine.handle(now, 0, Event::Failed(Failure::Network));
        let [Effect::Tell(Status::Waiting { until, .. }), Effect::WakeAt(at)] = effects.as_slice() else { panic!("{effects:?}") };
        assert_eq!(until, at);
        waits.push(until - now);
        assert_eq!(engine.handle(until - 1, 0, Event::Wake(Cause::Timer)), [Effect::WakeAt(*until)], "not before its time");
        now = *until;
        engine.handle(now, 0, Event::Wake(Cause::Timer));
    }
    assert_eq!(&waits[..4], [700, 1_400, 2_800, 5_600]);
    assert_eq!(waits[11], 32_200, "never longer than the longest less the jitter");
    engine.handle(now, u64::MAX, Event::Failed(Failure::Network));
    assert!(!engine.handle(now + 1, 0, Event::Wake(Cause::Connected)).is_empty());
    let effects = engine.handle(now + 2, u64::MAX, Event::Failed(Failure::Network));
    assert!(
        matches!(effects.as_slice(), [Effect::Tell(Status::Waiting { until, .. }), _] if *until - now - 2 < 1_300),
        "starts over"
    );
}

#[test]
fn a_batch_that_is_too_large_is_halved_down_to_one_change_and_grows_again() {
    let mut engine = started();
    let mut sizes = vec![];
    loop {
        match engine.handle(0, 0, Event::Failed(Failure::TooLarge)).as_slice() {
            [Effect::Prepare { max_bytes, recut: true }] => sizes.push(*max_bytes),
            [Effect::Tell(Status::Waiting { .. }), _] => break,
            other => panic!("{other:?}"),
        }
        engine.handle(0, 0, Event::Prepared(request()));
    }
    assert_eq!(sizes.last(), Some(&MIN_BATCH_BYTES));
    engine.handle(0, 0, Event::Wake(Cause::Asked));
    engine.handle(0, 0, Event::Answered(response()));
    let effects = engine.handle(0, 0, Event::Applied(Applied { more_to_send: true, ..Applied::default() }));
    assert_eq!(effects, [Effect::Prepare { max_bytes: 2 * MIN_BATCH_BYTES, recut: false }]);
}

#[test]
fn a_slow_answer_halves_the_next_batch_and_a_quick_one_doubles_it() {
    let next = |took: u64| {
        let mut engine = started();
        engine.handle(took, 0, Event::Answered(response()));
        match engine.handle(took, 0, Event::Applied(Applied { more_to_send: true, ..Applied::default() })).as_slice() {
            [Effect::Prepare { max_bytes, recut: false }] => *max_bytes,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!([next(500), next(5_000), next(9_000)], [2 * START_BYTES, START_BYTES, START_BYTES / 2]);
}

#[test]
fn a_servers_retry_after_is_never_undercut() {
    let mut engine = started();
    let effects = engine.handle(0, 0, Event::Failed(Failure::Busy(40_000)));
    assert!(matches!(effects.as_slice(), [_, Effect::WakeAt(40_000)]), "{effects:?}");
}

#[test]
fn what_only_a_person_can_mend_is_tried_again_after_minutes() {
    for failure in [Failure::Refused(ErrorCode::Version), Failure::Refused("quota".into()), Failure::Blocked(Block::PackUnusable)]
    {
        let mut engine = started();
        let effects = engine.handle(0, 0, Event::Failed(failure.clone()));
        assert!(matches!(effects.as_slice(), [_, Effect::WakeAt(210_000)]), "{failure:?}: {effects:?}");
    }
}

#[test]
fn a_late_report_of_a_cancelled_effect_starts_nothing() {
    let mut engine = started();
    engine.handle(0, 0, Event::Failed(Failure::Network));
    assert!(engine.handle(1, 0, Event::Answered(response())).is_empty());
    assert!(engine.handle(1, 0, Event::Done).is_empty());
    assert_eq!(engine.handle(2, 0, Event::Wake(Cause::Timer)), [Effect::WakeAt(700)], "still backing off");
}
