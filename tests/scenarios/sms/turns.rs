//! Two phones, a tablet and the gateway take turns in many orders: whatever happens, nobody sends twice, or what is not theirs.

use std::collections::BTreeMap;

use doorstep_domain::{Body, EntryKey, SmsWay, Tag};
use doorstep_tests::{PARCEL_COLUMNS, smsc::Answer};

use super::*;

/// Turns, from a seed: the same for the same seed, as far as the gateway's own pace lets it.
struct Turns(u64);

impl Turns {
    fn next(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % below
    }
}

/// A device, its radio, and what the operator has said of what the radio was given.
struct Hand {
    device: Device,
    radio: Arc<Radio>,
    told: usize,
    not_sent: Vec<String>,
}

impl Hand {
    fn tag(&self) -> Tag {
        Tag::of(&self.device.client.identity().unwrap().unwrap().install)
    }

    /// The operator says what became of the oldest that it has not spoken of.
    fn tell(&mut self, sent: bool) {
        let given = self.radio.given();
        let Some(message) = given.get(self.told) else { return };
        self.told += 1;
        for part in 0..message.parts.len() as u32 {
            let result = if sent { SmsResult::PartSent(part) } else { SmsResult::PartFailed(part, SmsFault::NoService) };
            self.device.client.sms_result(&message.reference, result).unwrap();
        }
        if !sent {
            self.not_sent.push(message.reference.clone());
        }
    }

    /// The tries that left this radio, as far as anybody knows: entry and round.
    fn left(&self) -> Vec<(String, u32)> {
        let given = self.radio.given().into_iter().filter(|message| !self.not_sent.contains(&message.reference));
        given
            .map(|message| {
                let (name, round) = message.reference.rsplit_once(':').unwrap();
                (name.split_once(':').unwrap().1.to_owned(), round.parse().unwrap())
            })
            .collect()
    }
}

async fn day(seed: u64) {
    let mut turns = Turns(seed);
    let smsc = smsc().await;
    let mut world = World::sending(smpp(&smsc, "response_seconds = 0.2")).await;
    let answers = [Answer::Ok, Answer::Throttle, Answer::CutBefore, Answer::CutAfter];
    smsc.script((0..3).map(|_| answers[turns.next(4)]));
    let mut hands = Vec::new();
    for (name, user) in [("one", "c1"), ("two", "c2"), ("desk", "s1")] {
        if name == "two" {
            let csv =
                format!("{PARCEL_COLUMNS}\n{},QH,0571,0412,c2,王小花,13800000002,青禾路2号,200,2026-03-02 08:00\n", waybill(2));
            world.admin().import_parcels(csv.as_bytes(), world.hands.now()).unwrap();
        }
        let radio = Radio::new(turns.next(2) == 0);
        let device = world.phone(name, user, radio.clone()).await;
        if user != "s1" {
            device.fail(2, "DF-NOBODY").unwrap();
            device.client.record(&sms(2), &[]).unwrap();
        }
        hands.push(Hand { device, radio, told: 0, not_sent: vec![] });
    }
    for _ in 0..30 {
        let who = turns.next(3);
        let hand = &mut hands[who];
        match turns.next(8) {
            0 | 1 => drop(hand.device.sync().await),
            2 => drop(hand.device.client.dispatch_sms().unwrap()),
            // Whether it gets one is the server's to say.
            3 => drop(hand.device.client.lease_sms(&waybill(2)).await),
            4 => hand.radio.has_service(turns.next(2) == 0),
            5 => hand.tell(turns.next(3) > 0),
            6 => world.hands.advance([1, 5, 20][turns.next(3)]),
            _ => world.link.set(if turns.next(3) == 0 { LinkMode::Cut } else { LinkMode::Up }),
        }
    }
    world.link.set(LinkMode::Up);
    for hand in &mut hands {
        while hand.told < hand.radio.given().len() {
            hand.tell(true);
        }
    }
    // What was under way when the link was cut may still fail once.
    for hand in &hands {
        drop(hand.device.sync().await);
    }
    for _ in 0..3 {
        for hand in &hands {
            hand.device.sync().await.unwrap();
        }
    }
    check(seed, &hands, &smsc);
}

fn check(seed: u64, hands: &[Hand], smsc: &Smsc) {
    let view = hands[2].device.case(2).unwrap();
    let reports = || {
        view.case.timeline.iter().filter_map(|recorded| match &recorded.entry.body {
            Body::SmsReport(report) => Some((&recorded.entry.key, report)),
            _ => None,
        })
    };
    let mut tries: BTreeMap<String, u32> = BTreeMap::new();
    for hand in hands {
        for (entry, round) in hand.left() {
            *tries.entry(entry.clone()).or_default() += 1;
            let of: EntryKey = entry.parse().unwrap();
            let tag = hand.tag();
            let has_lease = reports().any(|(key, report)| {
                report.of == of && report.state == SmsState::Leased && report.holder == Some(tag) && key.tag != tag
            });
            let begun = |(key, report): &(&EntryKey, &doorstep_domain::SmsReport)| {
                report.of == of && key.tag == tag && report.state == SmsState::Submitting && report.round == round
            };
            let begun = reports().find(begun).map(|(key, _)| key.seq);
            let given_up = reports().any(|(key, report)| {
                report.of == of && key.tag == tag && report.state == SmsState::Offered && begun.is_none_or(|seq| key.seq < seq)
            });
            assert!(begun.is_some(), "seed {seed}: {entry} left without `submitting`");
            assert!(has_lease || (of.tag == tag && !given_up), "seed {seed}: {entry} was not its sender's to send");
        }
    }
    let by_gateway = smsc.seen(|seen| seen.messages().len());
    assert!(by_gateway <= 1, "seed {seed}: the gateway sent {by_gateway}");
    for (_, report) in reports().filter(|(_, report)| report.way == SmsWay::Gateway && report.state.has_left()) {
        *tries.entry(report.of.to_string()).or_default() += 1;
    }
    assert!(tries.values().all(|tries| *tries == 1), "seed {seed}: {tries:?}");
    // The first courier reads no more of a parcel that is another's now.
    let theirs = hands[1].device.case(2).unwrap().judgement.messages;
    assert_eq!(theirs, view.judgement.messages, "seed {seed}: replicas agree");
    assert!(view.judgement.messages.iter().all(|message| !message.foreign), "seed {seed}: nobody speaks out of turn");
}

#[tokio::test(flavor = "multi_thread")]
async fn however_two_phones_a_tablet_and_the_gateway_take_turns_nobody_sends_twice_or_what_is_not_theirs() {
    // Each day takes two to three seconds; DOORSTEP_DAYS=24 is the long form.
    let days = std::env::var("DOORSTEP_DAYS").map_or(8, |days| days.parse().expect("a number of days"));
    for seed in 0..days {
        day(seed).await;
    }
}
