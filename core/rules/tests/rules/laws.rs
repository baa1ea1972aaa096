//! What holds for every case and every pack.

mod dead_ends;

use std::{collections::BTreeMap, sync::LazyLock};

use doorstep_domain::*;
use doorstep_rules::*;
use proptest::{prelude::*, sample::Index};

use crate::{edits::edited, story::*};

/// What a random entry is made of.
#[derive(Debug, Clone)]
struct Seed {
    kind: Index,
    by: Index,
    /// Minutes after Monday 08:00.
    minute: i64,
    /// Minutes until the server had it; `None`: not yet.
    travel: Option<i64>,
    /// The server could reckon when it was, with so many seconds of slack.
    reckoned: Option<u32>,
    a: Index,
    b: Index,
    flag: bool,
    other: Index,
    /// Minutes from the last contact before it, of an act whose boot had heard the server or not; and what is odd about it.
    contact: (Option<i64>, bool, u8),
}

fn seed() -> impl Strategy<Value = Seed> {
    let travel = prop_oneof![1 => Just(None), 2 => Just(Some(0)), 3 => (0..2_000i64).prop_map(Some)];
    let reckoned = prop_oneof![Just(None), (0..4_000u32).prop_map(Some)];
    (
        any::<Index>(),
        any::<Index>(),
        0..5 * 24 * 60i64,
        travel,
        reckoned,
        any::<Index>(),
        any::<Index>(),
        any::<bool>(),
        any::<Index>(),
        (proptest::option::of(0..3_000i64), any::<bool>(), 0..16u8),
    )
        .prop_map(|(kind, by, minute, travel, reckoned, a, b, flag, other, contact)| Seed {
            kind,
            by,
            minute,
            travel,
            reckoned,
            a,
            b,
            flag,
            other,
            contact,
        })
}

const REASONS: &[&str] = &[
    "DF-NOBODY",
    "DF-PHONE",
    "DF-NOMONEY",
    "DF-REFUSE",
    "CD-DAMAGE",
    "CD-POLLUTE",
    "RT-OUTAREA",
    "OR-NOMARK",
    "OR-LATEENTRY",
    "LS-LOST",
    "MN-COD",
    "NO-SUCH",
];
const DECISIONS: &[&str] = &["REDELIVER", "RETURN", "WAIT", "PAY_CHANGE", "TRANSFER_PEER", "NO-SUCH"];
const ENDS: &[&str] = &["SIGNED", "RETURNED", "TRANSFERRED", "NO-SUCH"];
const STEPS: &[&str] = &["report_superior", "ask_sender", "verify_letter", "track"];
const RULES: &[&str] = &["LIA-01", "LIA-03", "LIA-04", "LIA-05", "LIA-06", "PEN-02", "PEN-04", "PEN-05"];
const PEOPLE: [By; 7] = [COURIER, WEST, ORIGIN, HUB, FINANCE, REVIEWER, SERVER];

/// One of four photos, so that some name each other; clear, unclear, or not measured.
fn photo(seed: &Seed) -> Photo {
    let wanted = [PhotoPurpose::Label, PhotoPurpose::Letter, PhotoPurpose::DamageOutside, PhotoPurpose::PollutionSource];
    let purpose = if seed.flag { *seed.a.get(&wanted) } else { *seed.a.get(PhotoPurpose::ALL) };
    let clarity = [None, Some((3_000, 120)), Some((3, 120)), Some((3_000, 3)), Some((3_000, 254)), Some((50, 25))];
    let one_of_four = |n: usize| PhotoId::new([n as u8; 32]);
    Photo {
        clarity: seed.other.get(&clarity).map(|(sharpness, light)| Clarity { sharpness, light }),
        original: (seed.minute / 4 % 3 == 0).then(|| one_of_four(seed.by.index(4))),
        ..Photo::of(one_of_four(seed.minute as usize % 4), 9, purpose)
    }
}

/// The body of a random entry; others are what it may be about.
fn body(seed: &Seed, kind: Kind, others: &[EntryKey]) -> Option<Body> {
    let pick = |index: &Index, list: &[&str]| code(index.get::<&str>(list));
    let one = |index: &Index| (!others.is_empty()).then(|| index.get(others).clone());
    let words = || said(if seed.flag { "原话" } else { " " });
    let text = || Personal::plain(if seed.flag { "因为" } else { " " }).unwrap();
    let number = || seed.flag.then(|| Waybill::parse("QH310000000025").unwrap());
    let site = || seed.b.get(&["0412", "0571", "H1"]).parse::<OutletCode>().unwrap();
    let claimed = || seed.flag.then(|| at(0, 8, 0, 0).plus((seed.minute - 30) * 60_000));
    let about = || {
        let entry = one(&seed.other)?;
        Some(About { rule: seed.flag.then(|| pick(&seed.a, RULES)), entry })
    };
    Some(match kind {
        Kind::Attempt => Body::Attempt(Attempt { words: words(), ..Attempt::of(pick(&seed.a, REASONS)) }),
        Kind::Problem => {
            let stage = *seed.b.get(Stage::ALL);
            let (found_at, count) = (claimed(), seed.flag.then_some(2));
            Body::Problem(Problem { found_at, count, other: number(), ..Problem::of(pick(&seed.a, REASONS), stage) })
        }
        Kind::Photo => Body::Photo(photo(seed)),
        Kind::Call => Body::Call(Call::of(*seed.a.get(CallResult::ALL))),
        Kind::Sms => {
            let mark = if seed.flag { mark(MOBILE) } else { [7; 8] };
            Body::Sms(Sms { has_surname: seed.minute % 3 > 0, mark, ..message(one(&seed.other)) })
        }
        Kind::SmsReport => {
            let messages: Vec<&EntryKey> = others.iter().filter(|key| &*key.kind == Kind::Sms.as_str()).collect();
            let of = if messages.is_empty() { one(&seed.other)? } else { (*seed.other.get(&messages)).clone() };
            let (state, holder) = (*seed.a.get(SmsState::ALL), one(&seed.b).map(|key| key.tag).filter(|_| seed.flag));
            let way = *seed.b.get(SmsWay::ALL);
            Body::SmsReport(SmsReport { holder, way, round: seed.minute as u32 % 2, ..report(&of, state) })
        }
        Kind::SmsReply => Body::SmsReply(SmsReply { of: one(&seed.other)?, words: text(), opt_out: seed.flag }),
        Kind::Note => Body::Note { words: text() },
        Kind::Notice => {
            let to = if seed.flag { "0571" } else { "0999" }.parse().unwrap();
            Body::Notice(Notice { to, source: *seed.a.get(TargetSource::ALL), request: None })
        }
        Kind::Outage => Body::Outage(Outage {
            reason: *seed.a.get(OutageReason::ALL),
            contact: said("李敏"),
            phone: words(),
            phoned_at: claimed(),
            outlet: None,
            said: None,
        }),
        Kind::Seen => Body::Seen(Seen { notice: one(&seed.other)? }),
        Kind::Reply if seed.flag => Body::Reply(full(seed.a.get::<&str>(DECISIONS))),
        Kind::Reply => Body::Reply(Reply::of(pick(&seed.a, DECISIONS))),
        Kind::Mark => {
            // Every second one is about a photo, if there is any: void or unclear.
            let photos: Vec<&EntryKey> = others.iter().filter(|key| &*key.kind == Kind::Photo.as_str()).collect();
            let (about, remark) = if seed.flag && !photos.is_empty() {
                ((*seed.other.get(&photos)).clone(), *seed.a.get(&[Remark::Void, Remark::Unclear]))
            } else {
                (one(&seed.other)?, *seed.a.get(Remark::ALL))
            };
            Body::Mark(Mark { about, remark, reason: None, words: None })
        }
        Kind::Action => {
            let carrier = seed.flag.then(|| "SF".into());
            let site = (seed.minute % 3 == 0).then(site);
            Body::Action(Action { carrier, site, number: number(), ..Action::of(pick(&seed.a, DECISIONS)) })
        }
        Kind::Tick => Body::Tick(Tick { step: pick(&seed.a, STEPS), words: None }),
        Kind::Assign => {
            let replaces = seed.flag.then(|| one(&seed.other)).flatten();
            Body::Assign(Assign { to: "c1".parse().unwrap(), planned_at: None, replaces, words: None })
        }
        Kind::Consent => {
            let by = *seed.b.get(Customer::ALL);
            Body::Consent(Consent { by, to: pick(&seed.a, DECISIONS), name: words(), words: None })
        }
        Kind::Goods => {
            Body::Goods(Goods { name: words(), packing: words(), value: seed.flag.then_some(Fen(9_900)), words: None })
        }
        Kind::Ledger => {
            let change = pick(&seed.a, &["collected", "paid_out", "cod_change"]);
            let book = *seed.b.get(Book::ALL);
            Body::Ledger(Ledger { book, change, amount: Some(Fen(1)), letter: None, slip: seed.flag, words: None })
        }
        Kind::Waiver => Body::Waiver(Waiver { evidence: pick(&seed.a, &["sms", "number_fault", "source_photo"]), words: text() }),
        Kind::Alias => {
            let number = if seed.flag { "PV-0412-ABCDEFGH" } else { "QH310000000025" };
            Body::Alias(Alias { waybill: Waybill::parse(number).unwrap() })
        }
        Kind::Correction => {
            let (of, fault) = (one(&seed.other)?, *seed.a.get(Fault::ALL));
            Body::Correction(Correction { of, fault, same_as: one(&seed.b), words: text() })
        }
        Kind::Dispute => Body::Dispute(Dispute { about: about()?, words: text() }),
        Kind::Ruling => {
            let replaces = seed.flag.then(|| one(&seed.b)).flatten();
            let stands = *seed.a.get(Stands::ALL);
            Body::Ruling(Ruling { about: about()?, stands, share: Some(30), amount: None, replaces, words: None })
        }
        Kind::Handover => Body::Handover(Handover { to: "c2".parse().unwrap(), words: None }),
        Kind::Takeover => Body::Takeover(Takeover { handover: one(&seed.other)? }),
        Kind::Ask => Body::Ask(Ask { step: code("outlet_search"), to: site(), words: None }),
        Kind::Answered => {
            // Every second one answers a question, if there is any.
            let asks: Vec<&EntryKey> = others.iter().filter(|key| ["ask", "action"].contains(&&*key.kind)).collect();
            let ask = if seed.flag && !asks.is_empty() { (*seed.other.get(&asks)).clone() } else { one(&seed.other)? };
            let here = seed.minute % 2 == 0;
            Body::Answered(Answered { ask, result: code(if here { "found" } else { "not_found" }), here, words: None })
        }
        Kind::Dispatch => Body::Dispatch(Dispatch { leaves_at: at(0, 19, 0, 0), words: None }),
        Kind::Linked => {
            let waybill = Waybill::parse("QH310000000025").unwrap();
            Body::Linked(Linked { waybill, reason: None, state: code("registered") })
        }
        Kind::SheetNote | Kind::SheetDay => return None, // of no case
        Kind::Listed => Body::Listed(Listed { since: at(0, 8, 0, 0).plus((seed.minute - 600) * 60_000) }),
        Kind::Close => {
            let piece = seed.flag.then(number).flatten();
            Body::Close(Close { piece, ..Close::of(pick(&seed.a, ENDS)) })
        }
    })
}

/// What an entry copies of the parcel, and what the server says of that.
fn copied(seed: &Seed, facts: Facts) -> (Option<Facts>, FactsCheck) {
    let other = Facts { origin_outlet: Some("0755".parse().unwrap()), mobile: Some([7; 8]), arrival: None, ..facts.clone() };
    match seed.a.index(8) {
        0 => (Some(Facts { cod: Fen(0), ..other }), FactsCheck::Altered),
        1 => (Some(other), FactsCheck::Outdated),
        2 => (Some(other), FactsCheck::Equal),
        3 => (Some(Facts::unlisted(facts.network, facts.waybill)), FactsCheck::NoRow),
        4 => (None, FactsCheck::Unchecked),
        5 => (Some(facts), FactsCheck::Unchecked),
        _ => (Some(facts), FactsCheck::Equal),
    }
}

fn add(story: &mut Story, seed: &Seed) -> Option<Kind> {
    // Half of all entries are of the kinds that deadlines live on, and photos with what is said of them.
    let often = [
        Kind::Attempt,
        Kind::Problem,
        Kind::Notice,
        Kind::Reply,
        Kind::Outage,
        Kind::Action,
        Kind::Close,
        Kind::Correction,
        Kind::Photo,
        Kind::Photo,
        Kind::Mark,
        Kind::Mark,
        Kind::Listed,
    ];
    let kind = if seed.b.index(2) == 0 { *seed.kind.get(&often) } else { *seed.kind.get(Kind::ALL) };
    let others: Vec<EntryKey> = story.entries.iter().map(|r| r.entry.key.clone()).collect();
    let body = body(seed, kind, &others)?;
    let when = at(0, 8, 0, 0).plus(seed.minute * 60_000);
    let received = seed.travel.map(|minutes| when.plus(minutes * 60_000));
    // Head office alone makes a photo void: most of those marks are its own.
    let is_void = matches!(&body, Body::Mark(mark) if mark.remark == Remark::Void);
    let by = if is_void && seed.flag { &REVIEWER } else { seed.by.get(&PEOPLE) };
    // Rows of head office's list are mostly the server's; of all other entries some have altered, stale or no facts.
    let is_row = kind == Kind::Listed && seed.minute % 4 > 0;
    let recorded = story.add(if is_row { &SERVER } else { by }, when, received, body);
    let (facts, check) = copied(seed, recorded.entry.facts.clone().unwrap());
    recorded.entry.facts = facts.filter(|facts| kind != Kind::Listed || !facts.is_unlisted());
    if let Some(received) = received {
        let mut receipt = Receipt::of(received, seed.reckoned.map(|_| when));
        receipt.acted.slack_ms = seed.reckoned.unwrap_or(0) * 1_000;
        let (before, anchored, odd) = seed.contact;
        receipt.acted.from = before.map(|minutes| when.plus(-minutes * 60_000));
        receipt.acted.until = before.map(|_| received);
        receipt.acted.anchored &= anchored;
        let acted = &mut receipt.acted;
        (acted.passed_over, acted.unsteady, acted.disordered) = (odd == 1, odd == 2, odd == 3);
        (receipt.others_in_contact, receipt.unproven_acts) = (odd == 4, odd.into());
        receipt.facts = check;
        recorded.standing = Standing::Accepted(receipt);
    }
    Some(kind)
}

/// Three versions: the second has other switches, a shorter clock and a daily duty; the third has the keys of format 2, and the times
/// of the daily duty are deadlines of their own.
static BOOK: LazyLock<Rulebook> = LazyLock::new(|| {
    let mut second = qinghe();
    second.version = 2;
    second.switches.late_synced = LateSynced::CaptureCounts;
    second.switches.leniency_share = 20;
    second.clocks.iter_mut().filter(|clock| clock.id == "SLA-05").for_each(|clock| clock.due = Due::Hours(12));
    let daily = pack_of("cs-generic").clocks.into_iter().find(|clock| clock.id == "PER-01").unwrap();
    second.clocks.push(daily);
    let mut third = version_of("qinghe", 2);
    third.version = 3;
    let daily = version_of("cs-generic", 2).clocks.into_iter().find(|clock| clock.id == "PER-01").unwrap();
    third.clocks.push(daily);
    third.liabilities.iter_mut().filter(|row| row.id == "PEN-04").for_each(|row| row.once = true);
    let versions = [(UnixMs(i64::MIN), qinghe()), (at(1, 18, 0, 0), second), (at(2, 18, 0, 0), third)];
    Rulebook::of(versions.into_iter().map(|(valid_from, pack)| Published { valid_from, pack }).collect()).unwrap()
});

fn story(seeds: &[Seed], book: Rulebook) -> Story {
    let mut story = Story::under(book);
    story.facts.cod = Fen(300);
    if seeds.first().is_some_and(|seed| seed.flag && seed.minute % 3 == 0) {
        story.facts.waybill = Waybill::parse("PV-0412-ABCDEFGH").unwrap();
    }
    for seed in seeds {
        add(&mut story, seed);
    }
    story
}

fn has_facts(story: &Story) -> bool {
    story.entries.iter().any(|r| r.entry.facts.is_some())
}

/// What can be said of a case at a moment, as bytes.
fn verdict(case: &Case, book: &Rulebook, now: UnixMs) -> String {
    let judged = judge(case, book, now);
    let told = explain(case, book, &judged);
    serde_json::to_string(&(&judged, told)).unwrap()
}

/// By which kinds each rule's findings are decided.
fn listed(book: &Rulebook) -> BTreeMap<(u32, String), Vec<Kind>> {
    let mut listed: BTreeMap<(u32, String), Vec<Kind>> = BTreeMap::new();
    for Published { pack, .. } in book.versions() {
        for clock in &pack.clocks {
            let rules = [&clock.rule, &clock.rule_if_wrong_target, &clock.rule_if_outage_incomplete];
            for rule in rules.into_iter().flatten() {
                listed.entry((pack.version, rule.clone())).or_default().extend(pack.kinds_of_clock(clock));
            }
        }
        for row in pack.liabilities.iter().filter(|row| row.on.is_some()) {
            listed.entry((pack.version, row.id.clone())).or_default().extend(pack.kinds_of_liability(row));
        }
    }
    listed
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn the_verdict_does_not_depend_on_the_order_or_repetition_of_what_is_merged(
        seeds in proptest::collection::vec(seed(), 1..14),
        order in proptest::collection::vec(any::<Index>(), 0..40),
        now in 0..8 * 24 * 60i64,
    ) {
        let story = story(&seeds, BOOK.clone());
        prop_assume!(has_facts(&story));
        let now = at(0, 8, 0, 0).plus(now * 60_000);
        let mut arrivals: Vec<Recorded> = order.iter().map(|i| i.get(&story.entries).clone()).collect();
        arrivals.extend(story.entries.iter().rev().cloned());
        let shuffled = Case::fold(arrivals).unwrap();
        prop_assert_eq!(verdict(&story.case(), &story.book, now), verdict(&shuffled, &story.book, now));
    }

    #[test]
    fn a_case_with_what_was_just_recorded_is_the_case_folded_anew(
        seeds in proptest::collection::vec(seed(), 1..14),
        new in proptest::collection::vec(seed(), 1..4),
        later in prop_oneof![Just(0), Just(6 * 24 * 60i64)],
    ) {
        let mut story = story(&seeds, BOOK.clone());
        prop_assume!(has_facts(&story));
        let (known, count) = (story.case(), story.entries.len());
        for seed in new {
            add(&mut story, &Seed { travel: None, minute: seed.minute + later, ..seed });
        }
        let anew = story.case();
        prop_assert_eq!(known.with(story.entries.split_off(count)), anew);
    }

    #[test]
    fn an_entry_of_a_kind_that_a_rule_does_not_list_never_changes_a_finding_by_it(
        seeds in proptest::collection::vec(seed(), 1..12),
        more in seed(),
        now in 0..8 * 24 * 60i64,
    ) {
        let mut story = story(&seeds, BOOK.clone());
        prop_assume!(has_facts(&story));
        let now = at(0, 8, 0, 0).plus(now * 60_000);
        let before = story.judge(now).findings;
        let Some(kind) = add(&mut story, &more) else { return Ok(()) };
        // The facts that an entry copies of the parcel do not depend on its kind.
        if kind != Kind::Listed && let Some(added) = story.entries.last_mut() {
            added.entry.facts = None;
            if let Standing::Accepted(receipt) = &mut added.standing {
                receipt.facts = FactsCheck::Unchecked;
            }
        }
        let after = story.judge(now).findings;
        let listed = listed(&story.book);
        let unlisted = |finding: &&Finding| {
            listed.get(&(finding.pack_version, finding.rule.clone())).is_some_and(|kinds| !kinds.contains(&kind))
        };
        let kept: Vec<&Finding> = before.iter().filter(unlisted).collect();
        prop_assert_eq!(kept, after.iter().filter(unlisted).collect::<Vec<_>>(), "{:?} was added", kind);
    }

    #[test]
    fn an_open_case_has_a_duty_and_each_duty_names_a_role_of_its_side(
        seeds in proptest::collection::vec(seed(), 1..14),
        now in 0..8 * 24 * 60i64,
    ) {
        let story = story(&seeds, BOOK.clone());
        prop_assume!(has_facts(&story));
        let judged = story.judge(at(0, 8, 0, 0).plus(now * 60_000));
        let is_open = judged.state != State::Closed;
        prop_assert!(!is_open || !judged.duties.is_empty(), "{:?} with nothing to do", judged.state);
        for duty in &judged.duties {
            let roles: &[Role] = match duty.side {
                Side::Delivering => &[Role::Courier, Role::Outlet, Role::OutletManager],
                Side::Origin => &[Role::Outlet, Role::OutletManager],
                Side::Hub => &[Role::Hub],
                Side::Asked => &[Role::Outlet, Role::OutletManager, Role::Hub],
                Side::Finance => &[Role::OutletFinance, Role::OutletManager],
                Side::HeadOffice => &[Role::HqCs, Role::HqReviewer],
            };
            prop_assert!(!duty.by.is_empty() && duty.by.iter().all(|role| roles.contains(role)), "{:?}", duty);
            prop_assert!(duty.until.is_none() || duty.missed.is_none(), "{:?}", duty);
        }
    }

    #[test]
    fn a_row_that_turned_by_itself_says_what_judging_the_case_again_would(
        seeds in proptest::collection::vec(seed(), 1..12),
        first in 0..6 * 24 * 60i64,
        later in 0..6 * 24 * 60i64,
    ) {
        let story = story(&seeds, BOOK.clone());
        prop_assume!(has_facts(&story));
        let (case, first) = (story.case(), at(0, 8, 0, 0).plus(first * 60_000));
        let now = first.plus(later * 60_000);
        let phases = Phase::ahead(&case, &story.book, first);
        let rows = std::iter::once((&phases.phase, &phases.judgement)).chain(phases.later.iter().map(|(phase, judged)| (phase, judged)));
        let Some((row, judged)) = rows.rev().find(|(phase, _)| phase.from_ms <= now.0) else { return Ok(()) };
        if row.until_ms.is_some_and(|until| until <= now.0) {
            return Ok(()); // the case has to be read again
        }
        let again = Phase::ahead(&case, &story.book, now);
        let fresh = Phase { from_ms: row.from_ms, ..again.phase };
        prop_assert_eq!(row, &fresh);
        // The ledger of findings changes with its row.
        prop_assert_eq!(&judged.findings, &again.judgement.findings);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, ..ProptestConfig::default() })]

    #[test]
    fn no_pack_that_passes_the_check_can_make_the_evaluation_panic(
        edits in 1usize..10,
        picks in proptest::collection::vec(any::<Index>(), 50),
        seeds in proptest::collection::vec(seed(), 1..10),
        now in prop_oneof![3 => (0..8 * 24 * 60i64).prop_map(|m| MONDAY + m * 60_000), 1 => any::<i64>()],
    ) {
        // A small pack of one row or two of each sort: what is edited is mostly what the case meets.
        let mut picks = picks.iter();
        let toml = edited(include_str!("small-pack.toml"), edits, |n| picks.next().map_or(0, |pick| pick.index(n)));
        let Ok(pack) = Pack::parse(toml.as_bytes()) else { return Ok(()) };
        let story = story(&seeds, Rulebook::only(pack));
        prop_assume!(has_facts(&story));
        let case = story.case();
        verdict(&case, &story.book, UnixMs(now));
        Phase::ahead(&case, &story.book, UnixMs(now));
    }
}
