//! The specification and the code agree, as far as that can be read off both.

use std::collections::{BTreeMap, BTreeSet};

use super::*;

fn read(path: &str) -> String {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    std::fs::read_to_string(root.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn specification() -> String {
    read("core/protocol/PROTOCOL.md")
}

/// What stands between backticks in a text.
fn quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

/// The rows of the tables in a text, as cells.
fn rows(text: &str) -> impl Iterator<Item = Vec<&str>> {
    text.lines().filter(|line| line.starts_with('|')).map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
}

/// The number that a constant's definition gives: products and shifts of numbers and of other constants.
fn value(expression: &str, source: &str) -> Option<u64> {
    let expression = expression.trim().trim_start_matches('(').trim_end_matches(')');
    let expression = expression.strip_prefix("Duration::from_secs(").unwrap_or(expression);
    let expression = expression.strip_prefix("Duration::from_millis(").unwrap_or(expression);
    if let Some((a, b)) = expression.split_once("<<") {
        return Some(value(a, source)? << value(b, source)?);
    }
    let number = |factor: &str| factor.replace('_', "").parse().ok().or_else(|| constant(factor, source));
    let factors = expression.split('*').map(|factor| number(factor.trim()));
    factors.collect::<Option<Vec<u64>>>().map(|factors| factors.iter().product())
}

/// A constant by its name, in this source or in the crate that the path names.
fn constant(path: &str, source: &str) -> Option<u64> {
    let name = path.rsplit("::").next()?;
    let definition = |source: &str| {
        let at = source.lines().find(|line| line.contains(&format!("const {name}: ")))?;
        at.split_once(" = ").map(|(_, rest)| rest.split(';').next().unwrap_or_default().to_owned())
    };
    if let Some(expression) = definition(source) {
        return value(&expression, source);
    }
    let pack = read("core/document/src/pack.rs");
    value(&definition(&pack)?, &pack)
}

#[test]
fn every_limit_has_the_value_of_its_constant() {
    let text = specification();
    let mut checked = 0;
    for cells in rows(&text) {
        let [_, stated, of] = cells.as_slice() else { continue };
        let [path, name] = quoted(of)[..] else { continue };
        if !path.ends_with(".rs") {
            continue;
        }
        let stated: String = stated.chars().take_while(|c| c.is_ascii_digit() || *c == ',').filter(|c| *c != ',').collect();
        assert_eq!(stated.parse().ok(), constant(name, &read(path)), "{path} {name}");
        checked += 1;
    }
    assert!(checked > 40, "only {checked} limits were found in the table");
}

#[test]
fn every_public_limit_of_the_wire_and_of_changes_is_in_the_table() {
    let text = specification();
    for path in
        ["core/protocol/src/lib.rs", "core/document/src/limits.rs", "core/document/src/change.rs", "core/document/src/pack.rs"]
    {
        for line in read(path).lines().filter(|line| line.starts_with("pub const ") && !line.contains("&str")) {
            let name = line.trim_start_matches("pub const ").split(':').next().unwrap();
            assert!(text.contains(&format!("`{path}` `{name}`")), "{path} {name}");
        }
    }
}

#[test]
fn every_kind_of_entry_and_every_spelling_is_specified() {
    let text = specification();
    let rows: Vec<_> = rows(&text).collect();
    let row = |word: &str| rows.iter().find(|cells| cells[0] == format!("`{word}`"));
    for kind in Kind::ALL {
        row(kind.as_str()).unwrap_or_else(|| panic!("kind {}", kind.as_str()));
    }
    let spelt = |kind: &str, words: Vec<&str>| {
        let row = row(kind).unwrap().join(" ");
        words.iter().for_each(|word| assert!(row.contains(word), "{kind}: {word}"));
    };
    spelt("call", CallResult::ALL.iter().map(|word| word.as_str()).collect());
    spelt("sms_report", SmsState::ALL.iter().map(|word| word.as_str()).collect());
    spelt("sms_report", SmsWay::ALL.iter().map(|word| word.as_str()).collect());
    spelt("sms_report", SmsFault::ALL.iter().map(|word| word.as_str()).collect());
    spelt("photo", PhotoPurpose::ALL.iter().map(|word| word.as_str()).collect());
    spelt("outage", OutageReason::ALL.iter().map(|word| word.as_str()).collect());
    spelt("notice", TargetSource::ALL.iter().map(|word| word.as_str()).collect());
    spelt("problem", Stage::ALL.iter().map(|word| word.as_str()).collect());
    spelt("reply", Customer::ALL.iter().map(|word| word.as_str()).collect());
    spelt("reply", Payer::ALL.iter().map(|word| word.as_str()).collect());
    spelt("mark", Remark::ALL.iter().map(|word| word.as_str()).collect());
    spelt("ledger", Book::ALL.iter().map(|word| word.as_str()).collect());
    spelt("correction", Fault::ALL.iter().map(|word| word.as_str()).collect());
    spelt("ruling", Stands::ALL.iter().map(|word| word.as_str()).collect());
    Role::ALL.iter().for_each(|role| assert!(text.contains(&format!("`{role}`")), "role {role}"));
    RefKind::ALL.iter().for_each(|kind| assert!(text.contains(&format!("`{}`", kind.as_str())), "{kind:?}"));
}

#[test]
fn every_golden_file_is_named_and_every_named_one_is_there() {
    let text = specification();
    let folder = golden::file("x").parent().unwrap().to_owned();
    let files: BTreeSet<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    let named: BTreeSet<String> =
        text.split("golden/").skip(1).filter_map(|rest| rest.split_once(".hex")).map(|(name, _)| name.to_owned()).collect();
    assert_eq!(named, files);
}

#[test]
fn every_hex_example_is_a_golden_files() {
    let text = specification();
    let mut shown = 0;
    for block in text.split("```hex ").skip(1) {
        let (name, rest) = block.split_once('\n').unwrap();
        let hex: String = rest.split("```").next().unwrap().lines().map(|line| line.split('#').next().unwrap()).collect();
        let hex: String = hex.chars().filter(|c| !c.is_whitespace()).collect();
        let golden: String = golden::bytes_of(name.trim()).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, golden, "{name}");
        shown += 1;
    }
    assert!(shown > 0);
}

#[test]
fn every_code_of_an_error_and_of_a_refusal_is_in_its_table() {
    let text = specification();
    let rows: Vec<_> = rows(&text).collect();
    let errors = read("server/src/error.rs") + &read("server/src/photos/tus.rs");
    for line in errors.lines().filter(|line| line.contains("=> (StatusCode::") || line.contains("=> (checksum_mismatch()")) {
        let code = line.rsplit('"').nth(1).unwrap();
        let cell = format!("`{code}`");
        assert!(rows.iter().any(|cells| cells.len() == 4 && cells[1] == cell), "error {code}");
    }
    let refusals = read("core/document/src/refusal.rs");
    let codes = refusals.lines().filter(|line| line.contains("=> \"")).map(|line| line.rsplit('"').nth(1).unwrap());
    for code in codes {
        assert!(
            rows.iter().any(
                |cells| cells.len() == 2 && quoted(cells[0]).iter().any(|q| *q == code || q.starts_with(&format!("{code}:")))
            ),
            "refusal {code}"
        );
    }
}

/// The maps of the grammar in the specification: name, then each key with whether it may be left out.
pub(crate) fn grammar() -> BTreeMap<String, BTreeMap<u64, bool>> {
    let text = specification();
    let grammar = text.split("```cddl").nth(1).and_then(|rest| rest.split("```").next()).expect("a grammar");
    let mut rules = BTreeMap::new();
    let mut rule: Option<(String, BTreeMap<u64, bool>)> = None;
    for line in grammar.lines() {
        if let Some(name) = line.strip_suffix(" = {") {
            rule = Some((name.to_owned(), BTreeMap::new()));
        } else if line == "}" {
            rules.extend(rule.take());
        } else if let Some((_, keys)) = &mut rule {
            let line = line.trim_start();
            let (optional, line) = line.strip_prefix("? ").map_or((false, line), |rest| (true, rest));
            let key = line.split(':').next().unwrap();
            keys.extend(key.parse().ok().map(|key: u64| (key, optional)));
        }
    }
    rules
}

#[test]
fn the_grammar_has_the_keys_of_the_code() {
    let rules = grammar();
    let files = [
        "messages",
        "clock",
        "signed",
        "batch",
        "enrolment",
        "rows",
        "photos",
        "proof",
        "publication",
        "sms",
        "succession",
        "witness",
    ];
    let source = files.map(|file| read(&format!("core/protocol/src/{file}.rs"))).concat();
    let mut structs = BTreeSet::new();
    for part in source.split("#[cbor(map)]\n").skip(1) {
        let (head, body) = part.split_once("{\n").unwrap();
        let name = head.trim().trim_start_matches("pub struct ").to_owned();
        let body = body.split("\n}").next().unwrap();
        let mut keys = BTreeMap::new();
        let mut attribute = (0, false);
        for line in body.lines().map(str::trim) {
            if let Some(at) = line.find("n(").filter(|_| line.starts_with("#[")) {
                let number = line[at + 2..].split(')').next().unwrap().parse::<u64>().unwrap();
                attribute = (number, line.contains("default"));
            } else if let Some((_, kind)) = line.strip_prefix("pub ").and_then(|field| field.split_once(": ")) {
                keys.insert(attribute.0, attribute.1 || kind.starts_with("Option<"));
            }
        }
        assert_eq!(rules.get(&name), Some(&keys), "{name}");
        structs.insert(name);
    }
    let known: BTreeSet<String> = rules.into_keys().filter(|name| !name.starts_with(char::is_lowercase)).collect();
    assert_eq!(known, structs, "no rule without a message");
}
