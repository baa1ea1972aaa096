//! Facts for a reviewer that need head office: they travel as marks of receipts, so every replica shows them.

use doorstep_client::{Act, Recording};
use doorstep_domain::{Kind, Outage, OutageReason, UnixMs, Waybill};
use doorstep_rules::{Flag, QuestionKind, Timeliness};
use doorstep_tests::{Device, World, text, waybill};

/// Records that the origin outlet was phoned in an outage.
fn claim_outage(device: &Device, n: u32, phoned_at: UnixMs) {
    let outage = Outage {
        reason: OutageReason::Network,
        contact: Some(text("吴客服")),
        phone: Some(text("0571-88000000")),
        phoned_at: Some(phoned_at),
        outlet: None,
        said: None,
    };
    let recording = Recording { waybills: vec![Waybill::parse(&waybill(n)).unwrap()], act: Act::Outage(outage), photos: vec![] };
    device.client.record(&recording, &[]).unwrap();
}

/// Whether a replica shows that the device of the outage was in contact.
fn is_asked(device: &Device, n: u32) -> bool {
    let view = device.case(n).unwrap();
    let asked = view.judgement.questions.iter().any(|question| question.kind == QuestionKind::OutageInContact);
    assert_eq!(asked, view.judgement.flags.contains(&Flag::OutageInContact));
    let receipt = view.case.of_kind(Kind::Outage).next().unwrap().standing.receipt().unwrap();
    assert_eq!((receipt.in_contact, receipt.in_contact && !receipt.review), (asked, false));
    asked
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_that_is_claimed_although_the_device_reached_head_office_is_marked_on_every_replica() {
    let mut world = World::new().await;
    let tablet = world.device("tablet", "s1").await;
    let courier = world.device("phone", "c1").await;
    // The last contact before each claim was so many minutes before the phone call.
    for (n, minutes, asked) in [(2, 15, true), (4, 16, false)] {
        tablet.fail(n, "DF-NOBODY").unwrap();
        tablet.sync().await.unwrap();
        world.hands.advance(minutes);
        let phoned_at = world.hands.now();
        world.hands.advance(5);
        claim_outage(&tablet, n, phoned_at);
        world.hands.advance(60);
        tablet.sync().await.unwrap();
        assert_eq!(is_asked(&tablet, n), asked, "{minutes} minutes");
        let timeliness = tablet.case(n).unwrap().judgement.deadlines.iter().find(|d| d.clock == "SLA-03").unwrap().timeliness;
        assert_eq!(timeliness, Timeliness::OnTimeByException, "it is not refused");
        tablet.agrees_with(&world, n);
    }
    // A contact between the claimed call and its record.
    tablet.fail(6, "DF-NOBODY").unwrap();
    tablet.sync().await.unwrap();
    world.hands.advance(120);
    let phoned_at = world.hands.now();
    world.hands.advance(20);
    tablet.sync().await.unwrap();
    world.hands.advance(10);
    claim_outage(&tablet, 6, phoned_at);
    world.hands.advance(1);
    tablet.sync().await.unwrap();
    assert!(is_asked(&tablet, 6));
    // Another replica has the same marks.
    courier.sync().await.unwrap();
    for (n, asked) in [(2, true), (4, false), (6, true)] {
        assert_eq!(is_asked(&courier, n), asked, "{n}");
    }
}
