//! A network's rules. The first byte says what the others are: 0 a whole file; else edits of the first pack, and after them what a
//! day of three writers is made up from. No pack that passes its check makes anything panic, whatever the day was.
#![no_main]

use std::sync::LazyLock;

use doorstep_document::Change;
use doorstep_domain::Waybill;
use doorstep_fuzz::{check_pack, day, fenced, morning, prepare};
use doorstep_rules::{FIRST_PACK, MAX_PACK_BYTES, Pack};
use libfuzzer_sys::{
    arbitrary::{Result, Unstructured},
    fuzz_target,
};

static LINES: LazyLock<Vec<&str>> = LazyLock::new(|| std::str::from_utf8(FIRST_PACK).expect("UTF-8").lines().collect());
static MORNING: LazyLock<Vec<Change>> = LazyLock::new(morning);

/// Values at the edge of what some row allows.
const VALUES: &[&str] = &[
    "0",
    "1",
    "24",
    "366",
    "6000",
    "8760",
    "1000000",
    "-840",
    "true",
    "false",
    "[]",
    "\"\"",
    "[\"*\"]",
    "\"00:00\"",
    "\"23:59\"",
    "\"no_limit\"",
    "\"end_of_day\"",
    "\"at_start\"",
    "\"first_run\"",
    "{ hours = 8760 }",
    "{ working_days = 366 }",
    "{ working_minutes = 6000 }",
    "{ time_of_day = \"00:00\" }",
    "{ slots = [\"00:00\", \"23:59\"] }",
    "{ on = \"day\" }",
    "{ on = \"no_reply\" }",
    "{ on = \"reply\" }",
    "[{ on = \"notice\" }, { on = \"seen\" }]",
    "\"theoretical_arrival\"",
    "\"found\"",
    "\"acted\"",
    "\"2026-02-28\"",
    "\"9999-12-31\"",
    "\"0001-01-01\"",
    "\"9999-12-31T23:59:59Z\"",
    "\"-9999-01-01T00:00:00Z\"",
];

fuzz_target!(init: prepare(), |data: &[u8]| {
    fenced(|| match data.split_first() {
        None => {}
        Some((0, toml)) => read(toml, &MORNING),
        Some((_, bytes)) => {
            let mut u = Unstructured::new(bytes);
            let toml = edited(&mut u).unwrap_or_default();
            read(toml.as_bytes(), &day(&mut u));
        }
    });
});

fn edited(u: &mut Unstructured) -> Result<String> {
    let mut lines: Vec<String> = LINES.iter().map(|line| (*line).to_owned()).collect();
    for _ in 0..u.int_in_range(1..=6)? {
        let at = u.choose_index(lines.len())?;
        let other = u.choose(&LINES)?;
        let Some(line) = lines.get_mut(at) else { continue };
        match u.int_in_range(0..=3)? {
            0 => *line = (*other).to_owned(),
            1 => line.clear(),
            _ => {
                let key = line.split_once(" = ").map_or("rule", |(key, _)| key);
                *line = format!("{key} = {}", u.choose(VALUES)?);
            }
        }
    }
    Ok(lines.join("\n"))
}

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
    let surname = pack.surname("欧阳小姐").unwrap_or_default();
    pack.codes.iter().for_each(|row| drop(pack.sms(&row.code, &surname, &waybill)));
    check_pack(pack, taken);
}
