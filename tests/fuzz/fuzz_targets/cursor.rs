//! Values that come as text or as a few bytes outside of a message: ids, keys, codes, waybills, times, personal values,
//! policies, the head of a photo. The first byte says which. What is read has one spelling and reads back.
#![no_main]

use doorstep_domain::{
    Arrival, CaseId, ChangeHash, Clocks, EntryKey, Leans, OutletCode, Personal, Reckoning, Role, TimeEvidence, UnixMs, Waybill,
    check_s10,
};
use doorstep_fuzz::{case, check_text, fenced, prepare};
use doorstep_protocol::{RefKind, VERSIONS, reach, signing};
use doorstep_rules::{Concerned, Policy};
use libfuzzer_sys::fuzz_target;

fuzz_target!(init: prepare(), |data: &[u8]| {
    fenced(|| {
        let Some((which, bytes)) = data.split_first() else { return };
        match which % 7 {
            0 => text(&String::from_utf8_lossy(bytes)),
            1 => time(bytes),
            2 => personal(bytes),
            3 => policy(bytes),
            4 => photo(bytes),
            5 => signature(bytes),
            _ => waybill(&String::from_utf8_lossy(bytes)),
        }
    });
});

fn text(text: &str) {
    text.parse::<EntryKey>().iter().for_each(|key| assert_eq!(key.to_string(), text, "one spelling"));
    text.parse::<OutletCode>().iter().for_each(|code| assert_eq!(code.as_str(), text));
    text.parse::<Role>().iter().for_each(|role| assert_eq!(role.as_str(), text));
    text.parse::<CaseId>().iter().for_each(check_text);
    text.parse::<ChangeHash>().iter().for_each(check_text);
    RefKind::from_word(text).iter().for_each(|kind| assert_eq!(kind.as_str(), text));
    reach(VERSIONS, Some(text));
}

fn waybill(text: &str) {
    let Ok(waybill) = Waybill::parse(text) else { return };
    assert_eq!(Waybill::parse(waybill.as_str()).as_ref(), Ok(&waybill), "normalising twice changes nothing");
    check_s10(&waybill);
    CaseId::of(&"QH".parse().expect("a code"), &waybill);
}

/// A time, and after its 28 bytes the clocks of a sending.
fn time(bytes: &[u8]) {
    let (bytes, rest) = bytes.split_at_checked(28).unwrap_or((bytes, &[]));
    let Some(time) = TimeEvidence::from_bytes(bytes) else { return };
    assert_eq!(time.to_bytes(), bytes);
    let number = |at: usize| rest.get(at..at + 8).map_or(0, |b| b.iter().fold(0, |n: u64, b| n << 8 | u64::from(*b)));
    let sent = Clocks { wall: UnixMs(number(0) as i64), mono_ms: number(8), boot: time.boot };
    let received = UnixMs(number(16) as i64);
    let from = UnixMs(number(24) as i64);
    for leans in [Leans::OnNothing, Leans::OnATime, Leans::OnAContact] {
        let arrival = Arrival { clocks: sent, received, from, until: received, contact: None, steady: true };
        let reckoned = Reckoning::of(&time, &arrival, leans);
        let (from, to) = reckoned.interval(received);
        assert!(to <= received && from.is_none_or(|from| from <= to), "an interval that ends with the receipt");
        let (low, high) = reckoned.gap(received);
        assert!(low <= from && to <= high, "an estimate within the gap");
    }
}

fn personal(bytes: &[u8]) {
    if let Ok(value) = Personal::from_bytes(bytes) {
        assert_eq!(value.as_bytes(), bytes);
        assert_eq!(format!("{value:?}"), "Personal(***)");
        doorstep_domain::mobile_mark(&case(), &value);
    }
    if let Ok(value) = Personal::plain(&String::from_utf8_lossy(bytes)) {
        assert_eq!(Personal::plain(value.text().expect("plain")).as_ref(), Ok(&value));
    }
}

fn policy(bytes: &[u8]) {
    let Ok(policy) = Policy::parse(bytes) else { return };
    let json = serde_json::to_vec(&policy).expect("a policy is JSON");
    assert_eq!(Policy::parse(&json).expect("and reads back"), policy);
    let (user, outlet) = ("c1".parse().expect("a code"), "0412".parse().expect("a code"));
    for role in Role::ALL {
        let rule = policy.judge(*role, &user, &outlet, "attempt", &Concerned::default());
        assert!(rule.is_some(), "the closing rule fits whatever no other does");
    }
}

fn photo(bytes: &[u8]) {
    if let Ok(photo) = doorstep_media::inspect(bytes) {
        assert_eq!(photo.len, bytes.len() as u64);
        assert!(photo.width.max(photo.height) <= doorstep_media::MAX_SIDE);
    }
}

/// A key, and after its 65 bytes a signature: nobody signs by chance.
fn signature(bytes: &[u8]) {
    let (key, sig) = bytes.split_at_checked(signing::KEY_LEN).unwrap_or((bytes, &[]));
    assert!(!signing::is_signed(key, b"doorstep/fuzz", sig));
}
