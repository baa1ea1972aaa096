//! Bytes of packs: `cargo bench -p doorstep-document`.
//!
//! 1,000 cases of 20 changes: a phone writes twelve, a tablet eight. They are packed in format 2 and in the dense format, each as the
//! phone sends it, as the tablet sends it and as a new device gets all of it, and compressed by zstd as a message is.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a benchmark fails loudly"
)]

use std::time::Instant;

use doorstep_document::{
    Change, NewEntry, Position,
    pack::{self, dense},
};
use doorstep_domain::*;

const CASES: u32 = 1_000;

/// Numbers that look random and are the same in each run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

fn words(dice: &mut Dice) -> Personal {
    let parts = ["敲门三次无人应答", "电话无人接听", "门口有留言", "已放前台", "客户改约明天", "保安不让进", "已短信通知"];
    let mut part = || parts[dice.roll(7) as usize];
    Personal::plain(&format!("{}，{}（{}）", part(), part(), dice.roll(997))).unwrap()
}

/// A case with the phone's changes and the tablet's.
type Written = (CaseId, Vec<Change>, Vec<Change>);

struct Pen {
    install: InstallId,
    author: Author,
    boot: BootId,
    /// Monotonic time at wall time 0.
    offset: i64,
}

impl Pen {
    fn write(&self, n: u32, position: &mut Position, own: &mut u64, at: i64, body: Body) -> Change {
        let waybill = Waybill::parse(&format!("QH7{n:011}")).unwrap();
        let network: NetworkCode = "QH".parse().unwrap();
        let case = CaseId::of(&network, &waybill);
        let mono = (at - self.offset) as u64;
        let anchor = Some(Anchor { server: UnixMs(1_772_409_600_000), mono_ms: (1_772_409_600_000 - self.offset) as u64 });
        let time = TimeEvidence { wall: UnixMs(at), zone_quarters: 32, mono_ms: mono, boot: self.boot, anchor };
        let facts = (*own == 0).then(|| Facts {
            origin_outlet: Some("0571".parse().unwrap()),
            delivering_outlet: Some("0412".parse().unwrap()),
            mobile: mobile_mark(&case, &Personal::plain("13800001234").unwrap()),
            arrival: Some(UnixMs(1_772_400_000_000)),
            entered: Some(UnixMs(1_772_390_000_000)),
            reference: 1,
            ..Facts::unlisted(network, waybill)
        });
        let entry = NewEntry { facts, ..NewEntry::of(self.author.clone(), 3, time, body) };
        position.seq = *own;
        let change = Change::write(&case, &self.install, position, &[entry]).unwrap();
        position.advance(&change, true);
        *own += 1;
        change
    }
}

fn case(n: u32, dice: &mut Dice, phone: &Pen, tablet: &Pen) -> Written {
    let case = CaseId::of(&"QH".parse().unwrap(), &Waybill::parse(&format!("QH7{n:011}")).unwrap());
    let mut position = Position::default();
    let mut at = 1_772_413_200_000 + dice.roll(8 * 3_600_000) as i64;
    let mut later = |dice: &mut Dice| {
        at += dice.roll(600_000) as i64;
        at
    };
    let mut own = 0;
    let mut bodies = vec![Body::Attempt(Attempt { words: Some(words(dice)), ..Attempt::of("DF-NOBODY".parse().unwrap()) })];
    bodies.push(Body::Call(Call::of(CallResult::NoAnswer)));
    let text = format!(
        "【青禾】王小花您好，您的快件QH7{n:011}今日派送时{}，请联系快递员改约。",
        ["家中无人", "电话未接"][dice.roll(2) as usize]
    );
    let to = Personal::plain("13800001234").unwrap();
    let sms = Sms::worded(&case, 20_514, to, Personal::plain(&text).unwrap()).unwrap();
    let attempt = Some(EntryKey { kind: "attempt".into(), tag: Tag::of(&phone.install), seq: 1, index: None });
    bodies.push(Body::Sms(Sms { attempt, template: Some("failed_delivery".parse().unwrap()), template_version: 3, ..sms }));
    bodies.push(Body::Notice(Notice { to: "0571".parse().unwrap(), source: TargetSource::WaybillData, request: None }));
    bodies.extend((0..8).map(|_| Body::Note { words: words(dice) }));
    let first: Vec<Change> = bodies.into_iter().map(|body| phone.write(n, &mut position, &mut own, later(dice), body)).collect();
    let mut own = 0;
    let mut bodies = vec![Body::Attempt(Attempt { words: Some(words(dice)), ..Attempt::of("DF-NOANSWER".parse().unwrap()) })];
    bodies.extend((0..7).map(|_| Body::Note { words: words(dice) }));
    let second = bodies.into_iter().map(|body| tablet.write(n, &mut position, &mut own, later(dice), body)).collect();
    (case, first, second)
}

fn main() {
    let pen = |n: u8, user: &str, role: Role| Pen {
        install: InstallId::new([n; 16].map(|byte: u8| byte.wrapping_mul(37))),
        author: Author { user: user.parse().unwrap(), role, outlet: "0412".parse().unwrap() },
        boot: BootId([n, 5, 6, 7]),
        offset: 1_772_000_000_000 + i64::from(n) * 12_345,
    };
    let (phone, tablet) = (pen(1, "c1", Role::Courier), pen(2, "s1", Role::Outlet));
    let mut dice = Dice(1);
    let mut cases: Vec<_> = (0..CASES).map(|n| case(n, &mut dice, &phone, &tablet)).collect();
    cases.sort_by_key(|(case, ..)| *case);
    let bytes = |changes: &[Change]| changes.iter().map(|change| change.bytes().to_vec()).collect::<Vec<_>>();
    let of = |which: &dyn Fn(&Written) -> Vec<Vec<u8>>| cases.iter().map(|case| (case.0, which(case))).collect::<Vec<_>>();
    println!("bytes a case, of {CASES} cases of 20 changes");
    for (name, docs) in [
        ("phone, 12 changes", of(&|case| bytes(&case.1))),
        ("tablet, 8 changes", of(&|case| bytes(&case.2))),
        ("both, 20 changes", of(&|case| [bytes(&case.1), bytes(&case.2)].concat())),
    ] {
        let slices: Vec<(DocId, Vec<&[u8]>)> =
            docs.iter().map(|(doc, changes)| (*doc, changes.iter().map(Vec::as_slice).collect())).collect();
        let bare: Vec<u8> = slices
            .iter()
            .flat_map(|(doc, changes)| [doc.as_bytes().to_vec(), pack::elide_bare(changes).unwrap()].concat())
            .collect();
        let begun = Instant::now();
        let packed = dense::pack(&slices, usize::MAX).unwrap();
        let packing = begun.elapsed();
        let begun = Instant::now();
        let rebuilt = dense::unpack(&packed, usize::MAX).unwrap();
        let unpacking = begun.elapsed();
        assert!(rebuilt.iter().zip(&docs).all(|(rebuilt, (doc, changes))| {
            rebuilt.doc == *doc && rebuilt.changes.iter().map(|(_, chunk)| chunk).eq(changes)
        }));
        let changes: u32 = docs.iter().map(|(_, changes)| changes.len() as u32).sum();
        println!(
            "{name}: packed and rebuilt in {:.1} us a change, rebuilt in {:.1}",
            packing.as_secs_f64() * 1e6 / f64::from(changes),
            unpacking.as_secs_f64() * 1e6 / f64::from(changes)
        );
        for (form, pack) in [("format 2", &bare), ("dense", &packed)] {
            print!("  {form:<8} {:>7.1} raw", pack.len() as f64 / f64::from(CASES));
            for level in [1, 3, 6, 9, 12, 19] {
                let begun = Instant::now();
                let sealed = zstd::bulk::compress(pack, level).unwrap();
                let ms = begun.elapsed().as_secs_f64() * 1e3;
                print!(", zstd {level}: {:.1} ({ms:.0} ms)", sealed.len() as f64 / f64::from(CASES));
            }
            println!();
        }
    }
}
