//! A pack with some of its values replaced by others that may stand there: mostly still usable, and at the edge of what is allowed.
//! The fuzzer has this file too (`tests/fuzz`).

/// Values at the edge, by key. Each key may also have every value that it has elsewhere in the pack.
const EDGES: &[(&str, &[&str])] = &[
    (
        "due",
        &[
            "\"end_of_day\"",
            "\"at_start\"",
            "\"first_run\"",
            "\"no_limit\"",
            "{ hours = 1 }",
            "{ hours = 8760 }",
            "{ working_days = 366 }",
            "{ working_minutes = 6000 }",
            "{ time_of_day = \"00:00\" }",
            "{ time_of_day = \"23:59\" }",
            "{ slots = [\"00:00\", \"23:59\"] }",
        ],
    ),
    (
        "starts",
        &[
            "{ on = \"day\" }",
            "{ on = \"no_reply\" }",
            "{ on = \"notice\" }",
            "{ on = \"close\" }",
            "{ on = \"problem\" }",
            "{ on = \"registration\" }",
        ],
    ),
    (
        "met_by",
        &[
            "[{ on = \"seen\" }]",
            "[{ on = \"data_entry\" }]",
            "[{ on = \"notice\" }, { on = \"reply\" }]",
            "[{ on = \"method\" }]",
            "[{ on = \"attempt\", proven = true }]",
        ],
    ),
    ("each_slot", &["true", "false"]),
    ("open", &["true", "false"]),
    ("once", &["true", "false"]),
    ("side", &["\"delivering_outlet\"", "\"origin_outlet\"", "\"hub\"", "\"finance\"", "\"head_office\""]),
    ("label", &["\"missing\"", "\"wrong\""]),
    ("pays", &["[]", "[{ codes = [], payer = \"sender\" }]"]),
    ("reply_needs_if", &["[]", "[{ codes = [\"DF-*\"], needs = [\"letter\"] }]"]),
    ("from", &["\"act\"", "\"found\"", "\"theoretical_arrival\"", "\"0001-01-01\""]),
    ("to", &["\"9999-12-31\"", "\"2026-01-01\""]),
    ("counts", &["\"acted\"", "\"received\""]),
    ("count", &["1", "100"]),
    ("least", &["1", "100"]),
    ("notice_hours", &["0", "8760"]),
    ("utc_offset_minutes", &["-840", "840"]),
    ("leniency_share", &["0", "100"]),
    ("same_attempt_minutes", &["0", "1440"]),
    ("least_sharpness", &["0", "1040400"]),
    ("least_light", &["0", "255"]),
    ("most_light", &["0", "255"]),
    ("clock_tolerance_seconds", &["0", "4294967295"]),
    ("late_synced", &["\"strict\"", "\"capture_counts\""]),
    ("late_reply", &["\"binds\"", "\"void\"", "\"binds_unless_acted\""]),
    ("yuan", &["0", "1000000"]),
    ("per", &["\"item\"", "\"piece\"", "\"time\""]),
    ("outbound", &["[]", "[\"00:00\"]"]),
    ("waybill_pattern", &["\"\"", "\".*\""]),
    ("version", &["1", "4294967295"]),
];

/// Keys whose lines may have each other's values.
const LISTS: &[&str] =
    &["any_of", "exceptions", "fulfils", "contradicts", "on", "only_with", "reply_needs", "requires", "rule", "steps"];

/// Key and value of a line that is whole: `due = { hours = 24 }`.
fn assignment(line: &str) -> Option<(&str, &str)> {
    let (key, value) = line.split_once(" = ")?;
    let open = value.matches(['[', '{']).count();
    (open == value.matches([']', '}']).count() && !key.contains(' ')).then_some((key, value))
}

/// The pack with so many edits. `pick(n)` chooses a number below `n`.
pub fn edited(pack: &str, edits: usize, mut pick: impl FnMut(usize) -> usize) -> String {
    let mut lines: Vec<String> = pack.lines().map(str::to_owned).collect();
    let whole: Vec<(usize, &str)> =
        pack.lines().enumerate().filter_map(|(at, line)| assignment(line).map(|(key, _)| (at, key))).collect();
    // First a key and then one of its lines, or the many names would have nearly every edit.
    let known = |(_, key): &&(usize, &str)| LISTS.contains(key) || EDGES.iter().any(|(of, _)| of == key);
    let keys: std::collections::BTreeSet<&str> = whole.iter().filter(known).map(|(_, key)| *key).collect();
    let keys: Vec<&str> = keys.into_iter().collect();
    for _ in 0..edits {
        let key = keys[pick(keys.len())];
        let places: Vec<usize> = whole.iter().filter(|(_, of)| *of == key).map(|(at, _)| *at).collect();
        let edges = EDGES.iter().filter(|(of, _)| *of == key).flat_map(|(_, values)| values.iter().copied());
        let others = pack.lines().filter_map(assignment).filter(|(of, _)| *of == key).map(|(_, value)| value);
        let values: Vec<&str> = if edges.clone().next().is_some() && pick(4) > 0 { edges.collect() } else { others.collect() };
        lines[places[pick(places.len())]] = format!("{key} = {}", values[pick(values.len())]);
    }
    lines.join("\n")
}
