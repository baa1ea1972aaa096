//! Packs as files: those that ship, and what is refused, with line and reason.

use doorstep_rules::*;

use crate::story::*;

const SHIPPED: [&str; 4] = ["zto-process", "nengda-gd", "cs-generic", "qinghe"];

#[test]
fn the_packs_of_the_sources_are_usable_and_every_row_says_where_it_comes_from() {
    for name in SHIPPED {
        let pack = pack_of(name);
        assert!(pack.codes.iter().all(|row| !row.source.is_empty()), "{name}");
        assert!(pack.clocks.iter().all(|row| !row.source.is_empty()), "{name}");
        assert!(pack.liabilities.iter().all(|row| !row.source.is_empty()), "{name}");
        let unused: Vec<_> = pack.steps.iter().filter(|step| !uses(&pack, &step.code)).map(|step| &step.code).collect();
        assert!(unused.is_empty(), "{name}: steps that no card and no clock has: {unused:?}");
        let idle = |rule: &&Liability| {
            rule.on.is_none() && !pack.clocks.iter().any(|clock| names(clock).contains(&Some(rule.id.as_str())))
        };
        let idle: Vec<_> = pack.liabilities.iter().filter(idle).map(|rule| &rule.id).collect();
        assert!(idle.is_empty(), "{name}: liabilities that nothing leads to: {idle:?}");
    }
}

fn uses(pack: &Pack, step: &str) -> bool {
    let cards = pack.codes.iter().flat_map(|code| &code.steps).any(|line| line.step == step);
    cards || pack.clocks.iter().flat_map(|clock| &clock.met_by).any(|event| event.steps.iter().any(|code| code == step))
}

fn names(clock: &Clock) -> [Option<&str>; 3] {
    [clock.rule.as_deref(), clock.rule_if_wrong_target.as_deref(), clock.rule_if_outage_incomplete.as_deref()]
}

#[test]
fn every_name_in_a_card_has_its_words() {
    for name in SHIPPED {
        let pack = pack_of(name);
        let asked: Vec<_> = pack.codes.iter().flat_map(|code| &code.asks).filter(|who| words(who).zh == **who).collect();
        assert!(asked.is_empty(), "{name}: {asked:?}");
    }
}

/// The first pack with a piece replaced: where it is wrong, and why.
fn broken(from: &str, to: &str) -> (String, String) {
    let toml = String::from_utf8(FIRST_PACK.to_vec()).unwrap();
    assert!(toml.contains(from), "{from}");
    let wrong = toml.replacen(from, to, 1);
    let error = Pack::parse(wrong.as_bytes()).unwrap_err();
    let line = wrong.lines().nth(error.line - 1).unwrap_or_default().to_owned();
    (line, error.reason)
}

#[test]
fn a_wrong_pack_is_refused_with_its_line_and_the_reason() {
    // What is replaced, by what, and what the line and the reason must name.
    let cases = [
        ("shows = [\"door\"", "shows = [\"dor\"", "shows = [\"dor\"", "dor"),
        ("due = { hours = 24 }", "due = { hours = 0 }", "hours = 0", "1 to 8760"),
        ("exceptions = [\"X-1\"]", "exceptions = [\"X-9\"]", "X-9", "not in [[exceptions]]"),
        ("^QH", "(^QH", "waybill_pattern", "open group"),
        ("zh = \"{surname}{honorific}", "zh = \"{honorific}", "zh = \"{honorific}", "{surname}"),
        ("单号：{waybill}快件", "单号：[{waybill}]快件", "zh = \"{surname}", "{waybill}"),
        ("[, {callback}]", "[, {phone}]", "en = \"{honorific}", "phone"),
        ("[, {callback}]", "[, {callback}", "en = \"{honorific}", "not closed"),
        ("请您在收到信息后", "请看www.a.cn", "zh = \"{surname}", "link"),
        (
            "id = \"failed_delivery\"\nversion = 1",
            "id = \"failed_delivery\"\nversion = 1\nactive = false",
            "[[sms.templates]]",
            "active",
        ),
        ("valid_hours = 12", "valid_hours = 0", "valid_hours", "1 to 72"),
        ("signature = \"【青禾速运】\"", "ways = [\"pigeon\"]", "ways", "gateway"),
        ("faults = [\"number\"]", "faults = [\"nummer\"]", "nummer", "fault of an SMS"),
        ("[[clocks]]", "[[clicks]]", "[[clicks]]", "clicks"),
        ("utc_offset_minutes = 480", "utc_offset_minutes = 4800", "utc_offset_minutes", "-840 to 840"),
        ("leniency_share = 0", "leniency_share = 101", "leniency_share", "0 to 100"),
        ("network = \"QH\"", "network = \"Q H\"", "network", "no network code"),
        ("notice_hours = 2", "valid_from = \"2026-03-01\"\nnotice_hours = 2", "valid_from", "2026-03-02T00:00:00+08:00"),
        ("stages = [\"delivery\"]", "stages = [\"delivry\"]", "delivry", "not a stage"),
        ("{ do = \"sms\" }", "{ do = \"smss\" }", "smss", "not in [[steps]]"),
        ("only_subs = [\"freight_collect\"]", "only_subs = [\"freight\"]", "only_subs", "no sub-reason of DF-REFUSE"),
        ("outcomes = [\"REDELIVER\"", "outcomes = [\"REDELIVERY\"", "outcomes", "not in [[outcomes]]"),
        ("reply_needs = [\"phone|", "reply_needs = [\"fone|", "reply_needs", "nothing that a reply says"),
        ("contradicts = [\"RETURN\"", "contradicts = [\"SIGNED\"", "contradicts", "no decision"),
        ("rule = \"LIA-04\"", "rule = \"LIA-40\"", "LIA-40", "not in [[liabilities]]"),
        ("hours = { from = \"09:00\", to = \"18:30\" }", "", "due = { working_minutes = 30 }", "[calendar] with hours"),
        ("yuan = 5\n", "yuan = 5000000\n", "yuan", "1000000"),
        ("due = { time_of_day = \"10:00\" }", "due = { time_of_day = \"25:00\" }", "25:00", "time of day"),
        ("only_with = [\"DF-REFUSE\"]", "only_with = [\"DF-REFUSED\"]", "DF-REFUSED", "no code in [[codes]]"),
        ("registrars = [\"hub\"]", "registrars = [\"hubs\"]", "hubs", "not a role"),
        ("code = \"DF-NOBODY\"", "code = \"DF-ADDR\"", "DF-ADDR", "there twice"),
        ("least = 2", "least = 0", "least", "at least 1"),
        ("from = \"theoretical_arrival\"", "from = \"arrival\"", "from", "theoretical_arrival"),
        ("working = [\"2026-01-04\"", "working = [\"2027-01-04\"", "working", "not within the calendar"),
        ("changes = [\"collected\"]", "changes = [\"collect\"]", "changes", "not in [[ledger]]"),
        ("least_light = 25", "least_light = 246", "least_light", "no photo is clear"),
        ("least_sharpness = 20", "least_sharpness = 1040401", "least_sharpness", "no photo is clear"),
        ("most_light = 245", "most_light = 256", "most_light", "u8"),
        ("most_light = 245", "", "[clear]", "missing field `most_light`"),
        ("[clear]", "[clear]\nleast_contrast = 1\n#", "least_contrast", "unknown field"),
        ("[switches]\n", "[switches]\ntrusted_gap_hours = 12\n", "trusted_gap_hours", "write `format = 2`"),
        ("network = \"QH\"", "format = 1\nnetwork = \"QH\"", "format = 1", "leave `format` out"),
        ("network = \"QH\"", "format = 3\nnetwork = \"QH\"", "format = 3", "update the program"),
        ("network = \"QH\"", "format = 3\nweather = 1\nnetwork = \"QH\"", "format = 3", "update the program"),
        ("[switches]\n", "[switches]\nunheard_of = 1\n", "unheard_of", "unknown field"),
    ];
    for (from, to, line, reason) in cases {
        let (found, why) = broken(from, to);
        assert!(found.contains(line), "{to}: the error points at {found:?}: {why}");
        assert!(why.contains(reason), "{to}: {why}");
    }
}

#[test]
fn a_pack_that_does_not_say_trusts_a_gap_of_twelve_hours() {
    let hours = |pack: &Pack| pack.switches.trusted_gap_ms() / 3_600_000;
    assert!(SHIPPED.iter().all(|name| (hours(&pack_of(name)), pack_of(name).format()) == (12, 1)));
    let says = |hours: u32| {
        let toml = String::from_utf8(FIRST_PACK.to_vec()).unwrap();
        let toml = toml.replacen("[switches]", &format!("[switches]\ntrusted_gap_hours = {hours}"), 1);
        Pack::parse(format!("format = 2\n{toml}").as_bytes())
    };
    let pack = says(168).unwrap();
    assert_eq!((hours(&pack), pack.format()), (168, 2));
    for outside in [0, 169] {
        let error = says(outside).unwrap_err();
        assert!(error.reason.contains("1 to 168"), "{error}");
    }
}

#[test]
fn bytes_that_are_no_pack_are_refused_and_bounded() {
    for bytes in [&b""[..], b"{}", b"\xff\xfe", b"[[codes", b"network = 1"] {
        let error = Pack::parse(bytes).unwrap_err();
        assert!(error.line >= 1 && error.column >= 1 && !error.reason.is_empty(), "{error}");
    }
    let gbk = [b"network = \"".as_slice(), &[0xd6, 0xd0], b"\""].concat();
    assert_eq!(
        Pack::parse(&gbk).unwrap_err(),
        PackError { line: 1, column: 12, reason: "not UTF-8; save the file as UTF-8".into() }
    );
    assert!(Pack::parse(&vec![b'#'; MAX_PACK_BYTES + 1]).unwrap_err().reason.contains("at most"));
    let with_mark = ["\u{feff}".as_bytes(), FIRST_PACK].concat();
    assert!(Pack::parse(&with_mark).is_ok(), "an editor's byte order mark does no harm");
}

#[test]
fn names_of_codes_outcomes_and_steps_come_from_the_pack_and_of_screens_from_the_product() {
    let pack = qinghe();
    assert_eq!(pack.name_of("DF-NOBODY").zh, "送无人");
    assert_eq!(pack.name_of("REDELIVER").en, "Deliver again");
    assert_eq!(pack.name_of("tell_forward").zh, "尽快通知相关站点中转");
    assert_eq!(pack.name_of_sub("DF-REFUSE", "damaged").zh, "破损拒收");
    assert_eq!(pack.name_of("NEW-CODE").zh, "NEW-CODE");
    assert_eq!((pack.words("notified").zh.as_str(), pack.words("hub").en.as_str()), ("已通知", "hub clerk"));
}
