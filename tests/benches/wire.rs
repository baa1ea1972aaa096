//! Bytes on the wire: `cargo bench -p doorstep-tests`.
//!
//! 1,000 cases of 20 changes through real clients and a real server: a phone records twelve changes a case and pushes, the
//! outlet's tablet pulls, adds eight and pushes, a new tablet pulls everything. Bodies are counted by the clients, whole
//! connections (headers included) by the link.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, reason = "a benchmark fails loudly")]

use std::time::Instant;

use doorstep_client::{Act, Recording, SmsWish};
use doorstep_domain::{Attempt, Call, CallResult, SmsState};
use doorstep_tests::{Device, PARCEL_COLUMNS, World, code, on, text};

const CASES: u32 = 1_000;

fn waybill(n: u32) -> String {
    format!("QH7{n:011}")
}

fn words(n: u32) -> String {
    let parts = ["敲门三次无人应答", "电话无人接听", "门口有留言", "已放前台", "客户改约明天", "保安不让进", "已短信通知"];
    format!("{}，{}（{}）", parts[n as usize % 7], parts[(n / 7) as usize % 7], n % 997)
}

fn record(device: &Device, command: Recording) {
    device.client.record(&command, &[]).unwrap();
}

#[tokio::main]
async fn main() {
    let mut world = World::new().await;
    let mut csv = format!("{PARCEL_COLUMNS}\n");
    for n in 0..CASES {
        csv += &format!("{},QH,0571,0412,c1,王小花,13800001234,青禾路{n}号,0,\n", waybill(n));
    }
    assert_eq!(world.admin().import_parcels(csv.as_bytes(), world.hands.now()).unwrap().imported, u64::from(CASES));
    let phone = world.device("phone", "c1").await;
    let tablet = world.device("tablet", "s1").await;
    let note = |n: u32, i: u32| on(waybill(n), Act::Note(text(words(n * 31 + i))));
    for n in 0..CASES {
        world.hands.advance(1);
        record(&phone, on(waybill(n), Act::Fail(Attempt { words: Some(text(words(n))), ..Attempt::of(code("DF-NOBODY")) })));
        record(&phone, on(waybill(n), Act::Call(Call::of(CallResult::NoAnswer))));
        record(&phone, on(waybill(n), Act::Sms { wish: SmsWish::default(), state: Some(SmsState::HandedOver), fault: None }));
        record(&phone, on(waybill(n), Act::Notice { to: None, request: None }));
        (0..8).for_each(|i| record(&phone, note(n, i)));
        if n % 100 == 99 {
            eprint!("\rrecording: {} of {CASES} cases", n + 1);
        }
    }
    eprintln!();
    let begun = Instant::now();
    let first = phone.sync().await.unwrap();
    let push_time = begun.elapsed();
    tablet.sync().await.unwrap();
    for n in 0..CASES {
        world.hands.advance(1);
        record(
            &tablet,
            on(waybill(n), Act::Fail(Attempt { words: Some(text(words(n + 5))), ..Attempt::of(code("DF-NOANSWER")) })),
        );
        (10..17).for_each(|i| record(&tablet, note(n, i)));
    }
    let second = tablet.sync().await.unwrap();
    let before = world.link.traffic();
    let begun = Instant::now();
    let newcomer = world.device("newcomer", "s1").await;
    let pull_time = begun.elapsed();
    let after = world.link.traffic();
    assert_eq!(newcomer.list().len(), CASES as usize);
    assert_eq!(newcomer.client.heads().unwrap(), tablet.client.heads().unwrap());

    let per_case = |bytes: u64| bytes as f64 / f64::from(CASES);
    println!("1,000 cases of 20 changes");
    println!(
        "  up    {:>6.0} B a case: the phone's 12 changes {:.0}, the tablet's 8 {:.0} ({} and {} requests)",
        per_case(first.sent_bytes + second.sent_bytes),
        per_case(first.sent_bytes),
        per_case(second.sent_bytes),
        first.requests,
        second.requests
    );
    println!("  back  {:>6.0} B a case: verdicts and receipts", per_case(first.received_bytes));
    println!(
        "  down  {:>6.0} B a case to a new tablet, parcels, headers and everything included ({} connections)",
        per_case(after.down - before.down),
        after.connections - before.connections
    );
    println!(
        "  push of 12,000 changes {:.2} s, enrolment and pull of 20,000 {:.2} s",
        push_time.as_secs_f64(),
        pull_time.as_secs_f64()
    );
    let idle = newcomer.sync().await.unwrap();
    println!("  nothing to do: {} request, {} B up, {} B down (bodies)", idle.requests, idle.sent_bytes, idle.received_bytes);
}
