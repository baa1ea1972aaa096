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
    // The value of a key in a file of data.
    let of_key = |path: &str, name: &str| {
        let source = read(path);
        let rest = source.split_once(&format!("\"{name}\": ")).map(|(_, rest)| rest.to_owned())?;
        rest.split(|c: char| !c.is_ascii_digit()).next()?.parse::<u64>().ok()
    };
    for cells in rows(&text) {
        let [_, stated, of] = cells.as_slice() else { continue };
        let [path, name] = quoted(of)[..] else { continue };
        if !path.ends_with(".rs") && !path.ends_with(".json") {
            continue;
        }
        let stated: String = stated.chars().take_while(|c| c.is_ascii_digit() || *c == ',').filter(|c| *c != ',').collect();
        let defined = if path.ends_with(".json") { of_key(path, name) } else { constant(name, &read(path)) };
        assert_eq!(stated.parse().ok(), defined, "{path} {name}");
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
fn the_kinds_of_documents_and_the_kinds_of_entries_of_each_are_those_of_the_code() {
    let text = specification();
    let stated: Vec<(u32, BTreeSet<&str>)> = table(&text, &["kind", "document", "its kinds of entry"])
        .iter()
        .map(|cells| (cells[0].parse().unwrap(), quoted(cells[2]).into_iter().collect()))
        .collect();
    let of = |doc: DocKind| Kind::ALL.iter().map(|kind| kind.as_str()).filter(move |kind| DocKind::of_entry(kind) == Some(doc));
    let numbers: Vec<u32> = stated.iter().map(|(number, _)| *number).collect();
    assert_eq!(numbers, DocKind::ALL.iter().map(|kind| kind.number()).collect::<Vec<_>>());
    assert_eq!(stated[1].1, of(DocKind::Sheet).collect(), "a sheet's");
    // Those of a case are the table of section 8 up to that of sheets.
    let of_cases = text.split("| kind | fields |").nth(1).unwrap().split("\n\n").next().unwrap();
    let of_cases: BTreeSet<&str> = rows(of_cases).filter_map(|cells| quoted(cells[0]).first().copied()).collect();
    assert_eq!(of_cases, of(DocKind::Case).collect());
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

/// The rows of the table whose header has these cells.
fn table<'a>(text: &'a str, header: &[&str]) -> Vec<Vec<&'a str>> {
    let from = text.lines().skip_while(|line| rows(line).next().as_deref() != Some(header));
    let found: Vec<_> = from.skip(2).take_while(|line| line.starts_with('|')).flat_map(rows).collect();
    assert!(!found.is_empty(), "no table {header:?}");
    found
}

#[test]
fn the_codes_of_errors_are_those_of_the_code_with_their_statuses() {
    let text = specification();
    let stated: BTreeSet<(String, u16)> = table(&text, &["status", "code", "when", "the device"])
        .iter()
        .map(|cells| (quoted(cells[1])[0].to_owned(), cells[0].parse().unwrap()))
        .collect();
    let with_status = |code: &ErrorCode| code.statuses().iter().map(|status| (code.to_string(), *status)).collect::<Vec<_>>();
    assert_eq!(stated, ErrorCode::ALL.iter().flat_map(with_status).collect());
    assert!(ErrorCode::ALL.iter().all(|code| !code.statuses().is_empty()), "a code without a status");
}

#[test]
fn a_device_tries_again_where_the_specification_says_so() {
    let text = specification();
    let said = |retry: Retry| match retry {
        Retry::Soon => "tries again as without a network".to_owned(),
        Retry::Halved => "halves the batch at once".to_owned(),
        Retry::After(seconds) => format!("tries again after `Retry-After`, else after {seconds} s"),
        Retry::Late => "waits five minutes, shows".to_owned(),
    };
    let stated: BTreeMap<&str, &str> = table(&text, &["status", "the device"]).iter().map(|cells| (cells[0], cells[1])).collect();
    for status in 400..=599 {
        let row = match status {
            408 | 413 | 429 => status.to_string(),
            500.. => "500 to 599".to_owned(),
            _ => "other 4xx".to_owned(),
        };
        assert_eq!(said(Retry::of(status)), stated[row.as_str()], "{status}");
    }
    assert_eq!(stated.len(), 5);
    for cells in table(&text, &["status", "code", "when", "the device"]) {
        let retry = Retry::of(cells[0].parse().unwrap());
        let by_itself = matches!(retry, Retry::Soon | Retry::After(_));
        // With a fresh installation it is no longer the request that was refused.
        let with_another_request = cells[1] == "`tag_taken`";
        assert_eq!(cells[3].contains("tries again"), by_itself || with_another_request, "{cells:?}");
        assert_eq!(cells[3].contains("halves"), retry == Retry::Halved, "{cells:?}");
    }
}

#[test]
fn the_server_answers_every_code_of_an_error() {
    let answered = read("server/src/error.rs") + &read("server/src/photos/tus.rs");
    for code in ErrorCode::ALL {
        assert!(answered.contains(&format!("ErrorCode::{code:?}")), "{code} is never answered");
    }
}

#[test]
fn the_codes_of_refusals_are_those_of_the_code() {
    let text = specification();
    let known = |code: &str| match RefusalCode::from(code) {
        RefusalCode::Unknown(code) => panic!("{code} is not known"),
        code => code,
    };
    let travel: BTreeSet<RefusalCode> = table(&text, &["code", "why"]).iter().map(|cells| known(quoted(cells[0])[0])).collect();
    let own: BTreeSet<RefusalCode> =
        table(&text, &["a device's own", "why"]).iter().map(|cells| known(quoted(cells[0])[0])).collect();
    assert!(travel.is_disjoint(&own));
    let stated: BTreeSet<RefusalCode> = travel.union(&own).cloned().collect();
    let carrying = [RefusalCode::Rights("RULE".into()), RefusalCode::Discarded("WHY".into())];
    assert_eq!(stated, RefusalCode::PLAIN.iter().chain(&carrying).cloned().collect());
    // The codes that a verdict carries are the codes that the fences refuse with.
    let refusals = read("core/document/src/refusal.rs");
    for code in RefusalCode::PLAIN.iter().chain(&carrying) {
        let variant = format!("{code:?}");
        let made = refusals.contains(&format!("RefusalCode::{}", variant.split('(').next().unwrap()));
        assert_eq!(made, travel.contains(code), "{code}");
    }
}

#[test]
fn the_spellings_of_scopes_are_those_of_the_code() {
    let text = specification();
    let stated = text.lines().find(|line| line.starts_with("A scope is ")).expect("what a scope is");
    let stated: Vec<&str> = quoted(stated);
    let scopes = [Scope::Courier("<user>".into()), Scope::Outlet("<code>".into()), Scope::Hub("<code>".into())];
    assert_eq!(stated, scopes.map(|scope| scope.to_string()));
    for spelling in stated {
        assert!(!matches!(Scope::from(spelling), Scope::Unknown(_)), "{spelling}");
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

#[test]
fn the_versions_and_what_they_read_are_those_of_the_code() {
    let text = specification();
    assert!(text.starts_with(&format!("# Doorstep sync protocol, version {PROTO_VERSION}\n")));
    assert_eq!(VERSIONS.last().unwrap().name, PROTO_VERSION);
    let shown: Vec<&str> = text.split("Sync-Proto: ").skip(1).map(|rest| rest.split('`').next().unwrap()).collect();
    assert_eq!(shown, [PROTO_VERSION], "a header with its value");
    let stated: Vec<_> = table(&text, &["version", "since", "reason", "a device that speaks it may"])
        .iter()
        .map(|cells| (cells[0], cells[1], cells[2]))
        .collect();
    assert_eq!(stated, VERSIONS.iter().map(|version| (version.name, version.since, version.reason)).collect::<Vec<_>>());
    let reads = |version: &Version| match version.newest_format {
        0 => "none: it only pushes".to_owned(),
        newest => (1..=newest).map(|format| format.to_string()).collect::<Vec<_>>().join(", "),
    };
    let formats: Vec<_> = table(&text, &["version", "formats"]).iter().map(|cells| (cells[0], cells[1].to_owned())).collect();
    assert_eq!(formats, VERSIONS.iter().map(|version| (version.name, reads(version))).collect::<Vec<_>>());
}
