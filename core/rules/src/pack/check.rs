//! Checks beyond the file's structure: references between rows, known words, and ranges of numbers.

use std::collections::BTreeSet;

use chrono::DateTime;
use doorstep_domain::{
    Book, CallResult, Customer, Kind, NetworkCode, OutageReason, OutletCode, PhotoPurpose, ReasonCode, Role, SmsFault, SmsLevel,
    SmsWay, Stage,
};

use crate::format;

use super::{
    Code, Due, Event, Evidence, From, GatewayRules, Liability, On, OutcomeRow, Pack, Proof, ReplyNeed, Variable,
    clock::names,
    locate::{Path, To},
};

/// Most rows of a table, which bounds the cost of a judgement.
const MOST_ROWS: usize = 400;

/// Greatest possible sharpness, that of a chessboard of single pixels; see `Clarity::sharpness`.
const MOST_SHARP: u32 = 1020 * 1020;

/// The first fault, with its path.
pub(super) fn fault(pack: &Pack) -> Option<(Path, String)> {
    let mut faults = Faults { pack, path: Vec::new(), found: None };
    faults.head();
    faults.tables();
    faults.found
}

struct Faults<'a> {
    pack: &'a Pack,
    path: Path,
    found: Option<(Path, String)>,
}

/// Whether a text is a valid code in entries.
fn is_code(text: &str) -> bool {
    text.parse::<ReasonCode>().is_ok()
}

impl<'a> Faults<'a> {
    /// Notes a fault at a field of the present row.
    fn wrong(&mut self, field: &'static str, reason: impl Into<String>) {
        if self.found.is_none() {
            let mut path = self.path.clone();
            if !field.is_empty() {
                path.push(To::Key(field));
            }
            self.found = Some((path, reason.into()));
        }
    }

    /// Checks that a key of format 2 is not in a pack of format 1.
    fn of_2(&mut self, key: &'static str, is_named: bool) {
        self.check(!is_named || self.pack.format() >= 2, key, || format::came_with_2(key));
    }

    fn check(&mut self, holds: bool, field: &'static str, reason: impl FnOnce() -> String) {
        if !holds && self.found.is_none() {
            self.wrong(field, reason());
        }
    }

    /// Checks each row of a table.
    fn each<T>(&mut self, table: &'static str, rows: &'a [T], mut look: impl FnMut(&mut Self, &'a T)) {
        self.check(rows.len() <= MOST_ROWS, table, || format!("{} rows; a table has at most {MOST_ROWS}", rows.len()));
        self.path.push(To::Key(table));
        for (at, row) in rows.iter().enumerate().take(MOST_ROWS) {
            self.path.push(To::Item(at));
            look(self, row);
            self.path.pop();
        }
        self.path.pop();
    }

    /// Checks that the keys of a table are unique.
    fn unique<T>(&mut self, table: &'static str, field: &'static str, rows: &'a [T], key: impl Fn(&'a T) -> &'a str) {
        let mut seen = BTreeSet::new();
        self.each(table, rows, |faults, row| {
            faults.check(seen.insert(key(row)), field, || format!("{:?} is there twice", key(row)));
        });
    }

    fn head(&mut self) {
        let pack = self.pack;
        if let Some(reason) = format::fault(pack.format) {
            self.wrong("format", reason);
        }
        self.check(pack.network.parse::<NetworkCode>().is_ok(), "network", || {
            format!("{:?} is no network code: up to 32 of A-Z a-z 0-9 . _ -", pack.network)
        });
        self.check(pack.version > 0, "version", || "the version is 1 or more".into());
        let from = pack.valid_from.as_deref();
        self.check(from.is_none_or(|text| DateTime::parse_from_rfc3339(text).is_ok()), "valid_from", || {
            format!("{:?} is not a time with its zone, like \"2026-03-02T00:00:00+08:00\"", from.unwrap_or_default())
        });
        self.check(pack.notice_hours <= 8760, "notice_hours", || "at most 8760 hours, a year".into());
        self.check(pack.utc_offset_minutes.abs() <= 14 * 60 && pack.zone().is_some(), "utc_offset_minutes", || {
            "minutes east of UTC, -840 to 840; China has 480".into()
        });
        if let Some(fault) = pack.waybill_pattern.fault() {
            self.wrong("waybill_pattern", fault);
        }
        self.path.push(To::Key("switches"));
        self.check(pack.switches.leniency_share <= 100, "leniency_share", || "a share is 0 to 100 percent".into());
        self.check(pack.switches.same_attempt_minutes <= 1440, "same_attempt_minutes", || "at most 1440 minutes, a day".into());
        if let Some(hours) = pack.switches.trusted_gap_hours {
            self.check(pack.format() >= 2, "trusted_gap_hours", || format::came_with_2("trusted_gap_hours"));
            self.check((1..=168).contains(&hours), "trusted_gap_hours", || "1 to 168 hours, a week".into());
        }
        self.path.pop();
        self.path.push(To::Key("sms"));
        self.sms();
        self.path.pop();
        if let Some(rules) = pack.questions {
            self.check(pack.format() >= 2, "questions", || format::came_with_2("[questions]"));
            self.path.push(To::Key("questions"));
            let day = 24 * 60;
            self.check((1..=day).contains(&rules.photo_minutes), "photo_minutes", || "1 to 1440 minutes, a day".into());
            self.check((50..=100_000).contains(&rules.place_metres), "place_metres", || "50 to 100000 metres".into());
            self.check((10..=1000).contains(&rules.speed_kmh), "speed_kmh", || "10 to 1000 km/h".into());
            self.path.pop();
        }
        if let Some(rules) = pack.alarms {
            self.check(pack.format() >= 2, "alarms", || format::came_with_2("[alarms]"));
            self.path.push(To::Key("alarms"));
            let day = 24 * 60;
            self.check((1..=day).contains(&rules.notice_minutes), "notice_minutes", || "1 to 1440 minutes, a day".into());
            self.path.pop();
        }
        self.check(pack.leniency.is_empty() || pack.format() >= 2, "leniency", || format::came_with_2("[[leniency]]"));
        self.each("leniency", &pack.leniency, |faults, row| {
            faults.check(!row.all_of.is_empty(), "all_of", || "name one proof at least".into());
            let of_label = |proof: &Proof| matches!(proof, Proof::Photo { .. } | Proof::Call { .. } | Proof::Sms { .. });
            let bad = !row.all_of.iter().all(of_label);
            faults.check(!bad, "all_of", || "a photo, a call or an SMS proves a fault of the label's number".into());
            row.all_of.iter().for_each(|proof| faults.proof("all_of", proof));
        });
        if let Some(rows) = pack.rows {
            self.check(pack.format() >= 2, "rows", || format::came_with_2("[rows]"));
            self.path.push(To::Key("rows"));
            let year = 1..=365;
            self.check(year.contains(&rows.after_case_days), "after_case_days", || "1 to 365 days".into());
            self.check(year.contains(&rows.unheard_days), "unheard_days", || "1 to 365 days".into());
            self.path.pop();
        }
        self.check(pack.areas.is_empty() || pack.format() >= 2, "areas", || format::came_with_2("[[areas]]"));
        self.each("areas", &pack.areas, |faults, area| {
            faults.check(area.outlet.parse::<OutletCode>().is_ok(), "outlet", || "the code of an outlet".into());
            faults.check((100..=500_000).contains(&area.metres), "metres", || "100 to 500000 metres".into());
        });
        if let Some(clear) = pack.clear {
            self.path.push(To::Key("clear"));
            self.check(clear.least_light <= clear.most_light, "least_light", || {
                format!("no photo is clear: least_light {} is more than most_light {}", clear.least_light, clear.most_light)
            });
            self.check(clear.least_sharpness <= MOST_SHARP, "least_sharpness", || {
                format!("no photo is clear: the sharpest picture that there can be has {MOST_SHARP}")
            });
            self.path.pop();
        }
        for roles in pack.duties.values() {
            for role in roles {
                self.role("duties", role);
            }
        }
    }

    fn sms(&mut self) {
        let rules = &self.pack.sms;
        let (named, format) = (rules.proves_alone_by_word.is_some(), self.pack.format());
        self.check(!named || format >= 2, "proves_alone_by_word", || format::came_with_2("proves_alone_by_word"));
        self.check(rules.surname_place.is_none() || format >= 2, "surname_place", || format::came_with_2("surname_place"));
        self.check(rules.opt_out.is_none() || format >= 2, "opt_out", || format::came_with_2("opt_out"));
        self.check(rules.neutral.is_none() || format >= 2, "neutral", || format::came_with_2("neutral"));
        for (field, text) in rules.neutral.iter().flat_map(|words| [("zh", &words.zh), ("en", &words.en)]) {
            if let Some(fault) = crate::sms::fault_of_neutral(text) {
                self.wrong("neutral", format!("{field}: {fault}"));
            }
        }
        let words = rules.opt_out.as_deref().unwrap_or_default();
        self.check(words.len() <= 50, "opt_out", || "at most 50 words".into());
        for word in words {
            let is_word = (1..=20).contains(&crate::sms::plain(word).chars().count());
            self.check(is_word, "opt_out", || format!("{word:?} is no word of 1 to 20 letters and digits"));
        }
        self.check(rules.signature.chars().count() <= 20, "signature", || "at most 20 characters".into());
        for way in &rules.ways {
            self.word("ways", way, SmsWay::from_word(way).is_some(), "a way: phone, gateway");
        }
        self.check(!rules.ways.is_empty(), "ways", || "name one way at least: phone, gateway".into());
        for (name, most) in &rules.most {
            self.word("most", name, Variable::from_word(name).is_some(), "a variable of a template");
            self.check((1..=100).contains(most), "most", || format!("{name}: 1 to 100 characters"));
        }
        self.path.push(To::Key("gateway"));
        let GatewayRules { valid_hours, most_to_a_number, most_of_a_device, reply_hours, quiet: _ } = &rules.gateway;
        self.check((1..=72).contains(valid_hours), "valid_hours", || "outside 1 to 72".into());
        self.check((1..=50).contains(most_to_a_number), "most_to_a_number", || "outside 1 to 50".into());
        self.check((1..=10_000).contains(most_of_a_device), "most_of_a_device", || "outside 1 to 10000".into());
        self.check((1..=720).contains(reply_hours), "reply_hours", || "outside 1 to 720".into());
        self.path.pop();
        let mut seen = BTreeSet::new();
        self.each("templates", &rules.templates, |faults, row| {
            faults.check(is_code(&row.id), "id", || format!("{:?} is no id", row.id));
            faults.check(row.version > 0, "version", || "the version is 1 or more".into());
            let fresh = seen.insert((&row.id, row.version));
            faults.check(fresh, "version", || format!("{} version {} is there twice", row.id, row.version));
            for (field, text) in [("zh", &row.zh), ("en", &row.en)] {
                faults.check(text.chars().count() <= 500, field, || "at most 500 characters".into());
                if let Some(fault) = crate::sms::fault_of(text) {
                    faults.wrong(field, fault);
                }
            }
        });
        self.check(rules.templates.iter().any(|row| row.active), "templates", || "one template at least is active".into());
    }

    fn tables(&mut self) {
        let pack = self.pack;
        self.unique("stages", "stage", &pack.stages, |row| &row.stage);
        self.unique("steps", "code", &pack.steps, |row| &row.code);
        self.unique("codes", "code", &pack.codes, |row| &row.code);
        self.unique("outcomes", "code", &pack.outcomes, |row| &row.code);
        self.unique("clocks", "id", &pack.clocks, |row| &row.id);
        self.unique("exceptions", "id", &pack.exceptions, |row| &row.id);
        self.unique("liabilities", "id", &pack.liabilities, |row| &row.id);
        self.unique("invalid_reply", "code", &pack.invalid_reply, |row| &row.code);
        self.unique("ledger", "code", &pack.ledger, |row| &row.code);
        self.unique("timetables", "outlet", &pack.timetables, |row| &row.outlet);
        self.each("stages", &pack.stages, |faults, row| {
            faults.stage("stage", &row.stage);
            row.registrars.iter().for_each(|role| faults.role("registrars", role));
        });
        self.each("steps", &pack.steps, |faults, row| {
            faults.check(is_code(&row.code), "code", || format!("{:?} is no code", row.code));
            for who in &row.by {
                let known = pack.duties.contains_key(who) || who.parse::<Role>().is_ok();
                faults.check(known, "by", || format!("{who:?} is no role and no duty of [duties]"));
            }
            faults.of_2("side", row.side.is_some());
            let names_asked = row.side == Some(super::Side::Asked);
            faults.check(!names_asked, "side", || "a question names whom it asks; a step names another side".into());
            faults.of_2("results", !row.results.is_empty());
            faults.unique("results", "code", &row.results, |row| &row.code);
            faults.each("results", &row.results, |faults, row| {
                faults.check(is_code(&row.code), "code", || format!("{:?} is no code", row.code));
            });
            for kind in &row.done_by {
                faults.check(Kind::from_word(kind).is_some(), "done_by", || format!("{kind:?} is no kind of entry"));
            }
        });
        self.each("codes", &pack.codes, Self::code);
        self.each("outcomes", &pack.outcomes, Self::outcome);
        self.each("clocks", &pack.clocks, Self::clock);
        self.each("exceptions", &pack.exceptions, |faults, row| {
            for word in &row.reasons {
                faults.word("reasons", word, OutageReason::from_word(word).is_some(), "a reason of an outage");
            }
        });
        self.each("liabilities", &pack.liabilities, Self::liability);
        let code = |faults: &mut Self, code: &str| faults.check(is_code(code), "code", || format!("{code:?} is no code"));
        self.each("invalid_reply", &pack.invalid_reply, |faults, row| code(faults, &row.code));
        self.each("ledger", &pack.ledger, |faults, row| code(faults, &row.code));
        self.each("timetables", &pack.timetables, |faults, row| {
            faults.check(row.outlet.parse::<OutletCode>().is_ok(), "outlet", || format!("{:?} is no outlet code", row.outlet));
            faults.check(row.outbound.len() <= 48, "outbound", || "at most 48 runs a day".into());
            faults
                .check(row.every_day || pack.calendar.is_some(), "every_day", || "runs on working days want a [calendar]".into());
        });
        self.calendar();
    }

    fn calendar(&mut self) {
        let Some(calendar) = &self.pack.calendar else { return };
        self.path.push(To::Key("calendar"));
        let days = calendar.to.signed_duration_since(calendar.from).num_days();
        self.check((0..=3660).contains(&days), "to", || "a calendar ends after it begins, at most ten years later".into());
        let within = calendar.from..=calendar.to;
        self.each("holidays", &calendar.holidays, |faults, row| {
            let fine = row.from <= row.to && within.contains(&row.from) && within.contains(&row.to);
            faults.check(fine, "from", || "a holiday ends after it begins, within the calendar".into());
        });
        for day in &calendar.working {
            self.check(within.contains(day), "working", || format!("{day} is not within the calendar"));
        }
        let fine = calendar.hours.as_ref().is_none_or(|hours| hours.from < hours.to);
        self.check(fine, "hours", || "working hours end after they begin".into());
        self.path.pop();
    }

    fn code(&mut self, row: &'a Code) {
        self.check(is_code(&row.code), "code", || format!("{:?} is no code: up to 32 of A-Z a-z 0-9 . _ -", row.code));
        let bad = row.subs.iter().find(|sub| !is_code(&sub.code));
        self.check(bad.is_none(), "subs", || format!("{:?} is no code", bad.map_or("", |sub| &sub.code)));
        self.of_2("links", row.links);
        self.check(!row.stages.is_empty(), "stages", || "a problem is registered at one stage at least".into());
        for stage in &row.stages {
            self.stage("stages", stage);
            let listed = self.pack.stages.iter().any(|known| known.stage == *stage);
            self.check(listed, "stages", || format!("nobody registers at {stage:?}: add it to [[stages]]"));
        }
        self.each("steps", &row.steps, |faults, step| {
            let known = faults.pack.step(&step.step).is_some();
            faults.check(known, "do", || format!("step {:?} is not in [[steps]]", step.step));
            faults.subs("only_subs", row, &step.only_subs);
            step.only_with.iter().for_each(|code| faults.registered("only_with", code));
        });
        for code in &row.outcomes {
            self.outcome_code("outcomes", code);
        }
        self.evidence_rows("evidence", &row.evidence, Some(row));
    }

    fn outcome(&mut self, row: &'a OutcomeRow) {
        self.check(is_code(&row.code), "code", || format!("{:?} is no code", row.code));
        for need in row.reply_needs.iter().flatten() {
            if let Some(field) = need.any_of().find(|field| !ReplyNeed::FIELDS.contains(field)) {
                let known = ReplyNeed::FIELDS.join(", ");
                self.wrong("reply_needs", format!("{field:?} is nothing that a reply says: {known}"));
            }
        }
        for code in row.fulfils.iter().chain(&row.contradicts) {
            let decides = self.pack.outcome(code).is_some_and(|other| other.reply_needs.is_some());
            let field = if row.fulfils.contains(code) { "fulfils" } else { "contradicts" };
            self.check(decides, field, || format!("{code:?} is no decision: it has no reply_needs"));
        }
        self.of_2("reply_needs_if", !row.reply_needs_if.is_empty());
        self.of_2("reply_asks", !row.reply_asks.is_empty());
        self.of_2("pays", !row.pays.is_empty());
        self.of_2("collects", row.collects.is_some());
        self.of_2("asks", row.asks.is_some());
        if let Some(step) = &row.asks {
            self.check(row.action, "asks", || "only where it is an action".into());
            let known = self.pack.step(step).is_some_and(|step| step.results.iter().any(|result| result.here));
            self.check(known, "asks", || format!("{step:?} is no step with a result that says the parcel is there"));
        }
        self.of_2("changes_due", row.changes_due.is_some());
        self.check(row.closes || row.collects.is_none(), "collects", || "only where it ends the case".into());
        self.check(row.collects.is_some() || row.changes_due.is_none(), "changes_due", || "only beside collects".into());
        for (field, change) in [("collects", &row.collects), ("changes_due", &row.changes_due)] {
            let known = |change: &String| self.pack.ledger.iter().any(|row| row.code == *change);
            self.check(change.as_ref().is_none_or(known), field, || format!("{change:?} is not in [[ledger]]"));
        }
        let decides = row.reply_needs.is_some();
        self.check(decides || row.reply_needs_if.is_empty(), "reply_needs_if", || "only beside reply_needs".into());
        self.check(decides || row.reply_asks.is_empty(), "reply_asks", || "only beside reply_needs".into());
        self.check(decides || row.pays.is_empty(), "pays", || "only beside reply_needs".into());
        let further = row.reply_needs_if.iter().flat_map(|row| &row.needs).chain(&row.reply_asks);
        if let Some(field) = further.flat_map(|need| need.any_of()).find(|field| !ReplyNeed::FIELDS.contains(field)) {
            self.wrong("reply_asks", format!("{field:?} is nothing that a reply says: {}", ReplyNeed::FIELDS.join(", ")));
        }
        self.each("reply_needs_if", &row.reply_needs_if, |faults, row| {
            row.codes.iter().for_each(|code| faults.registered("codes", code));
        });
        self.each("pays", &row.pays, |faults, row| row.codes.iter().for_each(|code| faults.registered("codes", code)));
        self.evidence_rows("requires", &row.requires, None);
    }

    fn evidence_rows(&mut self, field: &'static str, rows: &'a [Evidence], code: Option<&Code>) {
        self.unique(field, "id", rows, |row| &row.id);
        self.each(field, rows, |faults, row| {
            faults.check(is_code(&row.id), "id", || format!("{:?} is no code", row.id));
            faults.check((1..=100).contains(&row.least), "least", || "at least 1, at most 100".into());
            faults.check(!row.any_of.is_empty(), "any_of", || "name one proof at least".into());
            match code {
                Some(code) => faults.subs("only_subs", code, &row.only_subs),
                None => faults.check(row.only_subs.is_empty(), "only_subs", || "an outcome has no sub-reasons".into()),
            }
            row.any_of.iter().for_each(|proof| faults.proof("any_of", proof));
            faults.of_2("why", row.why.is_some());
            faults.of_2("only_codes", !row.only_codes.is_empty());
            row.only_codes.iter().for_each(|code| faults.registered("only_codes", code));
            faults.check(code.is_none() || row.only_codes.is_empty(), "only_codes", || "a code's row is of that code".into());
        });
    }

    fn proof(&mut self, field: &'static str, proof: &Proof) {
        let mut words = |list: &[String], known: fn(&str) -> bool, what: &str| {
            for word in list {
                self.word(field, word, known(word), what);
            }
        };
        match proof {
            Proof::Photo { shows } => words(shows, |word| PhotoPurpose::from_word(word).is_some(), "something a photo shows"),
            Proof::Call { results } => words(results, |word| CallResult::from_word(word).is_some(), "the end of a call"),
            Proof::Sms { levels, faults } => {
                words(levels, |word| SmsLevel::from_word(word).is_some(), "a level of an SMS");
                words(faults, |word| SmsFault::from_word(word).is_some(), "a fault of an SMS");
            }
            Proof::Consent { by } => words(by, |word| Customer::from_word(word).is_some(), "somebody who agrees"),
            Proof::Ledger { books } => words(books, |word| Book::from_word(word).is_some(), "a register"),
            Proof::Tick { steps } => {
                for step in steps {
                    let known = self.pack.step(step).is_some();
                    self.check(known, field, || format!("step {step:?} is not in [[steps]]"));
                }
            }
            _ => {}
        }
    }

    fn clock(&mut self, row: &'a super::Clock) {
        self.check(!row.id.is_empty() && row.id.len() <= 32 && is_code(&row.id), "id", || format!("{:?} is no id", row.id));
        self.path.push(To::Key("starts"));
        self.event(&row.starts);
        let only_met = matches!(row.starts.on, On::DataEntry | On::Seen | On::Consent | On::Method);
        self.check(!only_met, "on", || "such an event meets a clock and starts none".into());
        self.path.pop();
        self.each("met_by", &row.met_by, |faults, event| {
            faults.event(event);
            let only_starts = matches!(event.on, On::NoReply | On::Day | On::Registration);
            faults.check(!only_starts, "on", || "such an event starts a clock and meets none".into());
        });
        self.check(!row.met_by.is_empty(), "met_by", || "say what meets it".into());
        self.check((1..=100).contains(&row.count), "count", || "at least 1, at most 100".into());
        let calendar = self.pack.calendar.as_ref();
        let bad = match &row.due {
            Due::Hours(hours) if !(1..=8760).contains(hours) => Some("outside 1 to 8760 hours"),
            Due::WorkingDays(_) if calendar.is_none() => Some("working days want a [calendar]"),
            Due::WorkingDays(days) if !(1..=366).contains(days) => Some("outside 1 to 366 working days"),
            Due::WorkingMinutes(_) if calendar.is_none_or(|calendar| calendar.hours.is_none()) => {
                Some("working minutes want [calendar] with hours")
            }
            Due::WorkingMinutes(minutes) if !(1..=6000).contains(minutes) => Some("outside 1 to 6000 working minutes"),
            Due::Slots(slots) if !(1..=24).contains(&slots.len()) => Some("outside 1 to 24 times a day"),
            _ => None,
        };
        if let Some(bad) = bad {
            self.wrong("due", bad);
        }
        let is_daily = row.starts.on == On::Day;
        self.check(is_daily == matches!(row.due, Due::Slots(_)), "due", || {
            "a duty of each day (starts.on = \"day\") has slots, and only such a duty".into()
        });
        self.check(!is_daily || row.rule.is_none(), "rule", || "a duty of each day gives no finding".into());
        self.of_2("each_slot", row.each_slot);
        self.check(is_daily || !row.each_slot, "each_slot", || "only a duty of each day has slots".into());
        self.of_2("why", row.why.is_some());
        let found = matches!(row.from, From::Act) || row.starts.on == On::Problem;
        self.check(found, "from", || "only a problem has a time when it was found, or a theoretical arrival".into());
        for id in &row.exceptions {
            let known = self.pack.exceptions.iter().any(|exception| exception.id == *id);
            self.check(known, "exceptions", || format!("exception {id:?} is not in [[exceptions]]"));
        }
        let rules = [
            ("rule", &row.rule),
            ("rule_if_wrong_target", &row.rule_if_wrong_target),
            ("rule_if_outage_incomplete", &row.rule_if_outage_incomplete),
        ];
        for (field, id) in rules {
            let known = id.as_ref().is_none_or(|id| self.pack.liability(id).is_some());
            self.check(known, field, || format!("liability {:?} is not in [[liabilities]]", id.as_deref().unwrap_or_default()));
        }
    }

    fn liability(&mut self, row: &'a Liability) {
        self.check(is_code(&row.id), "id", || format!("{:?} is no id", row.id));
        self.of_2("open", row.open);
        self.check(!row.open || (row.yuan.is_none() && !row.goods_value), "open", || "an open rule has no amount".into());
        self.of_2("once", row.once);
        self.of_2("why", row.why.is_some());
        self.check(row.share <= 100, "share", || "a share is 0 to 100 percent".into());
        self.check(row.yuan.is_none_or(|yuan| yuan <= 1_000_000), "yuan", || "at most 1000000 yuan".into());
        if let Some(event) = &row.on {
            self.path.push(To::Key("on"));
            self.event(event);
            let fine = matches!(event.on, On::Attempt | On::Problem);
            self.check(fine, "on", || "held against an attempt or a problem".into());
            self.path.pop();
        }
        row.only_with.iter().for_each(|code| self.registered("only_with", code));
    }

    fn event(&mut self, event: &Event) {
        self.of_2("on", matches!(event.on, On::Registration | On::Method));
        self.of_2("proven", event.proven);
        self.check(!event.proven || event.on == On::Attempt, "proven", || "only an attempt is proven for its day".into());
        for code in &event.codes {
            self.registered("codes", code);
        }
        for stage in &event.stages {
            self.stage("stages", stage);
        }
        for code in event.decisions.iter().chain(&event.outcomes) {
            let field = if event.decisions.contains(code) { "decisions" } else { "outcomes" };
            self.outcome_code(field, code);
        }
        for step in &event.steps {
            self.check(self.pack.step(step).is_some(), "steps", || format!("step {step:?} is not in [[steps]]"));
        }
        for book in &event.books {
            self.word("books", book, Book::from_word(book).is_some(), "a register");
        }
        for change in &event.changes {
            let known = self.pack.ledger.iter().any(|row| row.code == *change);
            self.check(known, "changes", || format!("{change:?} is not in [[ledger]]"));
        }
    }

    fn stage(&mut self, field: &'static str, stage: &str) {
        self.word(field, stage, Stage::from_word(stage).is_some(), "a stage");
    }

    fn word(&mut self, field: &'static str, word: &str, known: bool, what: &str) {
        self.check(known, field, || format!("{word:?} is not {what}"));
    }

    fn role(&mut self, field: &'static str, role: &str) {
        self.word(field, role, role.parse::<Role>().is_ok(), "a role");
    }

    /// Checks for a code of the pack, or a prefix of some of its codes.
    fn registered(&mut self, field: &'static str, code: &str) {
        let list = [code.to_owned()];
        let known = self.pack.codes.iter().any(|row| names(&list, &row.code));
        self.check(known, field, || format!("no code in [[codes]] is {code:?}"));
    }

    fn outcome_code(&mut self, field: &'static str, code: &str) {
        self.check(self.pack.outcome(code).is_some(), field, || format!("{code:?} is not in [[outcomes]]"));
    }

    fn subs(&mut self, field: &'static str, row: &Code, subs: &[String]) {
        let bad = subs.iter().find(|sub| row.subs.iter().all(|known| known.code != **sub));
        self.check(bad.is_none(), field, || format!("{:?} is no sub-reason of {}", bad.map_or("", String::as_str), row.code));
    }
}
