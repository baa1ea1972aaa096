//! Cases as a phone has them: 20 changes by four writers, brought by feeds, and a courier's records on them.
#![allow(dead_code, reason = "each benchmark uses its part")]

use std::path::Path;

use doorstep_document::{Change, NewEntry, Position, pack};
use doorstep_domain::*;
use doorstep_protocol::{Answer, FeedCase, FeedPage, ParcelRow, RefKind, Reference, Spoken, Token, pack_receipts};
use doorstep_store::{Act, Action, ActionCase, Clocks, Enrolment, Recording, Session, Store};

use crate::common::{FRESH, NOW, parcel, response, rules, waybill};

/// Changes of a case.
pub const CHANGES: u64 = 20;

pub fn clocks(n: u64) -> Clocks {
    Clocks { wall: NOW.plus(n as i64), mono_ms: 86_400_000 + n, boot: BootId([1, 2, 3, 4]) }
}

pub fn author(n: u64) -> Author {
    let (user, role, outlet) = [
        ("c1029", Role::Courier, "0412"),
        ("s0412", Role::Outlet, "0412"),
        ("s0571", Role::Outlet, "0571"),
        ("c1030", Role::Courier, "0412"),
    ][n as usize % 4];
    Author { user: user.parse().unwrap(), role, outlet: outlet.parse().unwrap() }
}

fn text(n: u64) -> Personal {
    let parts = ["敲门三次无人应答", "电话无人接听", "门口有留言", "已放前台", "客户改约", "保安不让进", "已短信通知"];
    Personal::plain(&format!("{}，{}（{n}）", parts[n as usize % 7], parts[(n / 7) as usize % 7])).unwrap()
}

fn body(n: u64) -> Body {
    match n % 10 {
        0 | 5 => Body::Attempt(Attempt { words: Some(text(n)), ..Attempt::of("DF-NOBODY".parse().unwrap()) }),
        1 | 6 => Body::Photo(Photo::of(PhotoId::new([n as u8; 32]), 200_000 + n, PhotoPurpose::Door)),
        2 => {
            let case = CaseId::new([1; 16]);
            Body::Sms(Sms::worded(&case, 20_514, Personal::plain("13800000000").unwrap(), text(n)).unwrap())
        }
        3 => Body::Notice(Notice { to: "0571".parse().unwrap(), source: TargetSource::WaybillData, request: None }),
        4 => Body::Reply(Reply { words: Some(text(n)), ..Reply::of("REDELIVER".parse().unwrap()) }),
        _ => Body::Note { words: text(n) },
    }
}

/// One case as it comes in a feed: 20 changes, four writers in turn.
pub fn feed_case(n: u32) -> FeedCase {
    let (network, waybill) = ("QH".parse().unwrap(), waybill(n));
    let case = CaseId::of(&network, &waybill);
    let facts = Facts {
        origin_outlet: Some("0571".parse().unwrap()),
        delivering_outlet: Some("0412".parse().unwrap()),
        reference: 1,
        ..Facts::unlisted(network, waybill)
    };
    let mut position = Position::default();
    let mut seqs = [0; 4];
    let mut chunks = vec![];
    let mut receipts = vec![];
    for i in 0..CHANGES {
        let writer = i as usize % 4;
        position.seq = seqs[writer];
        let install = InstallId::new([writer as u8 + 1; 16]);
        let at = i * 60_000;
        let time = TimeEvidence {
            wall: NOW.plus(at as i64),
            zone_quarters: 32,
            mono_ms: 1_000_000 + at,
            boot: BootId([writer as u8; 4]),
            anchor: Some(Anchor { server: NOW, mono_ms: 1_000_000 }),
        };
        let facts = (seqs[writer] == 0).then(|| facts.clone());
        let entry = NewEntry { facts, ..NewEntry::of(author(i), 1, time, body(u64::from(n) * 31 + i)) };
        let change = Change::write(&case, &install, &position, &[entry]).unwrap();
        position.advance(&change, true);
        seqs[writer] += 1;
        receipts.push((Receipt::of(NOW.plus(at as i64), Some(NOW.plus(at as i64))), 1_000_000 + at));
        chunks.push(change.bytes().to_vec());
    }
    let slices: Vec<&[u8]> = chunks.iter().map(Vec::as_slice).collect();
    FeedCase {
        case,
        pack: pack::elide(&slices).unwrap(),
        receipts: pack_receipts(&receipts, Spoken::Version3),
        leaf: None,
        kind: None,
    }
}

/// The store of an enrolled courier with rules and parcels, and no case.
pub fn ready(folder: &Path, cases: u32) -> Store {
    let mut store = Store::open(folder).unwrap();
    let token = Token { secret: "00".into(), expires_ms: 0 };
    let session = Session { server: "http://127.0.0.1:1".into(), server_key: vec![4; 65], token };
    let (device, install) = (DeviceId::new([9; 16]), InstallId::new([9; 16]));
    store.enrol(&Enrolment { device, install, author: author(0), name: "李明".into(), session }, NOW).unwrap();
    store.take_refs(RefKind::Pack, &rules(doorstep_rules::FIRST_PACK), NOW).unwrap();
    let parcels = (0..cases).map(|n| ParcelRow { courier: Some("c1029".into()), ..parcel(n) });
    let parcels = Reference { version: 1, parcels: parcels.collect(), ..Reference::default() };
    store.take_refs(RefKind::Parcels, &parcels, NOW).unwrap();
    store
}

/// Applies a page of a feed with these cases.
pub fn take(store: &mut Store, to: u64, cases: Vec<FeedCase>) {
    let feed = vec![FeedPage { scope: "courier/c1029".into(), to, more: true, cases, out: vec![] }];
    let answer = Answer { scopes: vec!["courier/c1029".into()], ..response(None, feed) };
    store.apply(&answer, clocks(0), NOW, FRESH).unwrap();
}

/// Records an attempt on a parcel.
pub fn record(store: &mut Store, parcel: u32, n: u64) {
    let words = Some(Personal::plain(&format!("敲门无人应答，第{n}次")).unwrap());
    let attempt = Attempt { words, ..Attempt::of("DF-NOANSWER".parse().unwrap()) };
    let clocks = clocks(n);
    let time = TimeEvidence {
        wall: clocks.wall,
        zone_quarters: 32,
        mono_ms: clocks.mono_ms,
        boot: clocks.boot,
        anchor: store.anchor(clocks.boot).unwrap(),
    };
    let recording = Recording::on(waybill(parcel), Act::Fail(attempt.clone()));
    let cases = vec![ActionCase { waybill: waybill(parcel), bodies: vec![Body::Attempt(attempt)], photos: vec![] }];
    store.record(&Action { id: ActionId::new([1; 16]), recording, time, now: clocks.wall, cases, step: None }).unwrap();
}
