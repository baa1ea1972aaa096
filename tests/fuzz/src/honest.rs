//! A morning as it is: what the seeds are made of, and what a replica has before the fuzzer's change comes.

use doorstep_document::{Change, NewEntry, Position};
use doorstep_domain::*;

use crate::{case, compose::code, facts};

fn words(text: &str) -> Personal {
    Personal::plain(text).expect("words")
}

/// The entries of one writing. `by` is 1 for a courier, 2 for the tablet, 3 for the sender's outlet.
fn entries(by: u8, minute: i64, bodies: Vec<Body>) -> Vec<NewEntry> {
    let (user, role, outlet): (UserId, Role, OutletCode) = match by {
        1 => (code("c1029"), Role::Courier, code("0412")),
        2 => (code("s-7"), Role::Outlet, code("0412")),
        _ => (code("o3"), Role::OutletManager, code("0571")),
    };
    let now = 1_772_413_200_000 + minute * 60_000;
    let entry = |(i, body): (usize, Body)| NewEntry {
        author: Author { user: user.clone(), role, outlet: outlet.clone() },
        pack_version: 1,
        time: TimeEvidence {
            wall: UnixMs(now),
            zone_quarters: 32,
            mono_ms: 86_400_000 + minute as u64 * 60_000,
            boot: BootId([by; 4]),
            anchor: (by != 1).then_some(Anchor { server: UnixMs(now - 5_000), mono_ms: 86_395_000 }),
        },
        action: (by == 2).then_some(ActionId::new([7; 16])),
        facts: (i == 0).then(facts),
        release: None,
        sheet: None,
        rewrites: None,
        body,
    };
    bodies.into_iter().enumerate().map(entry).collect()
}

/// Most kinds of entry, by three writers that know of each other, in order.
pub fn morning() -> Vec<Change> {
    let mut changes: Vec<Change> = Vec::new();
    let mut write = |by: u8, minute: i64, bodies: Vec<Body>| {
        let install = InstallId::new([by; 16]);
        let mut at = Position::default();
        changes.iter().for_each(|change| at.advance(change, change.install() == install));
        let change = Change::write(&case(), &install, &at, &entries(by, minute, bodies)).expect("it can be written");
        let key = change.entries().first().expect("an entry").key.clone();
        changes.push(change);
        key
    };
    let photo = Photo::of(PhotoId::new([5; 32]), 300_000, PhotoPurpose::Door);
    write(
        1,
        0,
        vec![Body::Attempt(Attempt { words: Some(words("敲门无人应答")), ..Attempt::of(code("DF-NOBODY")) }), Body::Photo(photo)],
    );
    let call = Call { number: Some(words("13800000000")), ..Call::of(CallResult::NoAnswer) };
    let text = words("王先生，您的快件QH310000000017未能送达");
    let worded = Sms::worded(&case(), 20_514, words("13800000000"), text).expect("a message");
    let sms =
        Sms { template: Some(code("failed_delivery")), template_version: 1, has_surname: true, has_waybill: true, ..worded };
    write(1, 2, vec![Body::Call(call), Body::Sms(sms)]);
    let notice = Notice { to: code("0571"), source: TargetSource::WaybillData, request: Some(words("请联系客户")) };
    let notice = write(2, 5, vec![Body::Notice(notice)]);
    let outage = Outage {
        reason: OutageReason::Network,
        contact: Some(words("陈姐")),
        phone: Some(words("0571-0000")),
        phoned_at: Some(UnixMs(1_772_413_600_000)),
        outlet: Some(code("0571")),
        said: Some(words("已告知")),
    };
    write(1, 8, vec![Body::Outage(outage)]);
    let (said, phone) = (Some(words("下午再送")), Some(words("13800000001")));
    let reply = Reply { notice: Some(notice), words: said, phone, ..Reply::of(code("REDELIVER")) };
    let mark = |about| Mark { about, remark: Remark::Invalid, reason: Some(code("contradictory")), words: None };
    let reply = write(3, 60, vec![Body::Reply(reply)]);
    let marked = write(2, 62, vec![Body::Mark(mark(reply))]);
    let contested = About { rule: None, entry: marked };
    write(3, 64, vec![Body::Dispute(Dispute { about: contested, words: words("写明了电话") })]);
    let found = Problem { found_at: Some(UnixMs(1_772_416_000_000)), ..Problem::of(code("CD-DAMAGE"), Stage::Delivery) };
    write(2, 66, vec![Body::Problem(found), Body::Tick(Tick { step: code("report_superior"), words: None })]);
    let handover = write(1, 70, vec![Body::Handover(Handover { to: code("c2"), words: None })]);
    write(2, 75, vec![Body::Takeover(Takeover { handover }), Body::Note { words: words("换人") }]);
    write(2, 300, vec![Body::Close(Close { words: Some(words("门卫代收")), ..Close::of(code("SIGNED")) })]);
    changes
}
