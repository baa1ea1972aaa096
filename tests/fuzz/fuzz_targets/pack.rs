//! A network's rules. The first byte says what the others are: 0 a whole file; else edits of the first pack, and after them what a
//! day of three writers is made up from. No pack that passes its check makes anything panic, whatever the day was.
#![no_main]

use std::sync::LazyLock;

use doorstep_document::Change;
use doorstep_domain::{UnixMs, Waybill};
use doorstep_fuzz::{check_pack, day, fenced, morning, prepare};
use doorstep_rules::{
    FIRST_PACK, MAX_PACK_BYTES, Pack,
    sms::{Fields, Honorific, Language, render},
};
use libfuzzer_sys::{arbitrary::Unstructured, fuzz_target};

#[path = "../../../core/rules/tests/rules/edits.rs"]
mod edits;

use edits::edited;

static FIRST: LazyLock<&str> = LazyLock::new(|| std::str::from_utf8(FIRST_PACK).expect("UTF-8"));
static MORNING: LazyLock<Vec<Change>> = LazyLock::new(morning);

fuzz_target!(init: prepare(), |data: &[u8]| {
    fenced(|| match data.split_first() {
        None => {}
        Some((0, toml)) => read(toml, &MORNING),
        Some((_, bytes)) => {
            let mut u = Unstructured::new(bytes);
            let edits = u.int_in_range(1..=6).unwrap_or(1);
            let toml = edited(&FIRST, edits, |n| u.choose_index(n).unwrap_or(0));
            read(toml.as_bytes(), &day(&mut u));
        }
    });
});

fn read(toml: &[u8], taken: &[Change]) {
    let pack = match Pack::parse(toml) {
        Ok(pack) => pack,
        Err(error) => {
            let lines = toml.iter().filter(|byte| **byte == b'\n').count() + 1;
            assert!(!error.reason.is_empty() && error.column > 0, "what is wrong is said");
            assert!(toml.len() > MAX_PACK_BYTES || (1..=lines).contains(&error.line), "and where: {error}");
            return;
        }
    };
    let waybill = Waybill::parse("QH310000000017").expect("a waybill");
    pack.accepts(&waybill);
    for (row, template) in pack.codes.iter().flat_map(|row| pack.sms.templates.iter().map(move |template| (row, template))) {
        let fields = Fields {
            waybill: &waybill,
            name: Some("欧阳小姐"),
            honorific: Honorific::Unknown,
            reason: Some(&row.code),
            callback: Some("13800000000"),
            outlet: None,
            at: UnixMs(1_772_409_600_000),
        };
        for language in [Language::Zh, Language::En] {
            let Ok(made) = render(&pack, template, language, &fields) else { continue };
            assert!(made.text.contains(waybill.as_str()), "the number is in every text");
            assert!(!made.segments.parts.is_empty());
        }
    }
    check_pack(pack, taken);
}
