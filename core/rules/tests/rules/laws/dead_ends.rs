//! No case is a dead end: each duty names somebody enrolled who reads the case, whom the policy and the client's checks let do it, and
//! who ends it by doing it. The test does each duty of random cases. `DOORSTEP_CASES=1000000 DOORSTEP_SEED=random` plays a million
//! others; CI plays 10,000, the same in each run.

use std::sync::LazyLock;

use proptest::test_runner::RngSeed;

use super::*;

/// How many random cases are played without a wish in the environment: about five seconds.
const CASES: u32 = 1_000;

fn cases() -> u32 {
    std::env::var("DOORSTEP_CASES").ok().and_then(|wish| wish.parse().ok()).unwrap_or(CASES)
}

/// Each run plays the same cases, so that whoever breaks the law sees it at once and nobody else does. `DOORSTEP_SEED=random` plays
/// others, and a number those of that number.
fn cases_of() -> RngSeed {
    match std::env::var("DOORSTEP_SEED") {
        Ok(wish) => wish.parse().map_or(RngSeed::Random, RngSeed::Fixed),
        Err(_) => RngSeed::Fixed(20),
    }
}

/// The second versions of the packs, each alone in force.
static PACKS: LazyLock<Vec<Rulebook>> = LazyLock::new(|| {
    let packs = ["qinghe", "zto-process", "nengda-gd", "cs-generic"];
    packs.iter().map(|name| Rulebook::only(version_of(name, 2))).collect()
});

static POLICY: LazyLock<Policy> = LazyLock::new(|| Policy::parse(ASKS_POLICY).unwrap());

const CS: By = By("q2", Role::HqCs, "HQ");

/// Who is enrolled: two couriers, staff, a manager and finance at each outlet that a random case can name, a hub, and head office.
fn enrolled() -> Vec<By> {
    let mut all = vec![HUB, REVIEWER, CS];
    for outlet in ["0412", "0571", "0755", "0999"] {
        let roles = [Role::Courier, Role::Courier, Role::Outlet, Role::OutletManager, Role::OutletFinance];
        let names = ["c1", "c2", "s1", "m1", "f1"];
        all.extend(names.into_iter().zip(roles).map(|(name, role)| By(name, role, outlet)));
    }
    all
}

fn reader(by: &By) -> Reader {
    Reader { role: by.1, user: by.0.parse().unwrap(), outlet: by.2.parse().unwrap() }
}

/// Whether the server sends a listed parcel's case to a person (`server/src/feed.rs`). Of an unlisted one the first outlet decides.
fn reads(case: &Case, by: &By) -> bool {
    // Head office's list follows a parcel that was sent on.
    let (facts, delivering) = (&case.facts, case.delivering().cloned());
    let is = |outlet: &Option<OutletCode>| outlet.as_ref().is_some_and(|outlet| outlet.as_str() == by.2);
    let told = |r: &Recorded| match &r.entry.body {
        Body::Notice(_) | Body::Outage(_) | Body::Problem(_) => true,
        Body::Reply(_) | Body::Ledger(_) => facts.origin_outlet.as_ref() != Some(&r.entry.author.outlet),
        _ => false,
    };
    let is_told = || case.timeline.iter().any(|r| r.standing.receipt().is_some() && told(r));
    match by.1 {
        Role::HqCs | Role::HqReviewer | Role::HqAdmin | Role::Auditor | Role::Hub => true,
        _ if delivering.is_none() => true,
        Role::Courier => is(&delivering) && !case.has_ended(),
        _ if case.asked().iter().chain(&case.former()).any(|outlet| outlet.as_str() == by.2) => true,
        _ => is(&delivering) || (is(&facts.origin_outlet) && is_told()),
    }
}

/// The policy, and what the client asks before it records, as far as it needs nothing but case and pack
/// (`core/client/src/{rights,command}`).
fn lets(case: &Case, book: &Rulebook, now: UnixMs, by: &By, body: &Body) -> Result<(), String> {
    let Reader { role, user, outlet } = reader(by);
    let parcel = Concerned {
        couriers: vec![user.clone()],
        offered: case.offered_to().cloned(),
        delivering: case.delivering().cloned(),
        origin: case.facts.origin_outlet.clone(),
        hub: Some(HUB.2.parse().unwrap()),
        asked: case.asked(),
        former: case.former(),
        sheet: None,
    };
    let rule = POLICY.judge(role, &user, &outlet, body.kind(), &parcel).unwrap();
    if rule.verdict == Permit::Deny {
        return Err(format!("{} denies {}", rule.id, body.kind()));
    }
    let pack = book.at(now);
    let is_begun = matches!(body, Body::Attempt(_) | Body::Problem(_) | Body::Close(_) | Body::Ledger(_) | Body::Ruling(_));
    if !is_begun && case.reason().is_none() {
        return Err("nothing is registered".into());
    }
    let is_known = match body {
        Body::Attempt(attempt) => pack.code(attempt.reason.as_str()).is_some(),
        Body::Problem(problem) => pack.code(problem.reason.as_str()).is_some(),
        Body::Reply(reply) => {
            let is_origin = case.facts.origin_outlet.as_ref().is_none_or(|origin| *origin == outlet);
            is_origin && pack.outcome(reply.decision.as_str()).is_some_and(|row| row.reply_needs.is_some())
        }
        Body::Action(action) => pack.outcome(action.outcome.as_str()).is_some_and(|row| row.action),
        Body::Close(close) => pack.outcome(close.outcome.as_str()).is_some_and(|row| row.closes),
        Body::Ledger(line) => pack.ledger.iter().any(|row| row.code == line.change.as_str()),
        Body::Tick(tick) => pack.step(tick.step.as_str()).is_some(),
        _ => true,
    };
    let lacking = match body {
        Body::Action(_) => lacking(case, pack, body),
        _ => Vec::new(),
    };
    match premature(case, book, now, body) {
        Some(why) => Err(format!("{why:?}")),
        None if !is_known => Err(format!("the pack does not know it: {body:?}")),
        None if !lacking.is_empty() => Err(format!("{lacking:?}")),
        None => Ok(()),
    }
}

/// The ways in which a duty can be done, the usual one first. Each is one or a few entries of one person.
fn ways(story: &Story, duty: &Duty, judged: &Judgement) -> Vec<Vec<Body>> {
    let (case, pack) = (story.case(), story.book.newest().pack.clone());
    let closes = || {
        let closing = pack.outcomes.iter().filter(|row| row.closes);
        closing.map(|row| vec![Body::Close(Close::of(code(&row.code)))])
    };
    let done = |outcome: &str| {
        let number = Some(Waybill::parse("SF1234567890").unwrap());
        Body::Action(Action { carrier: Some("SF".into()), number, ..Action::of(code(outcome)) })
    };
    let tick = |step: &str| vec![Body::Tick(Tick { step: code(step), words: None })];
    match duty.kind {
        DutyKind::SendRegistration | DutyKind::SendNotice => vec![vec![]],
        DutyKind::Register => {
            let by_role =
                |row: &&Code| row.enabled && (row.group.is_attempt() || row.stages.iter().any(|stage| stage == "arrival"));
            let registered = |row: &Code| match row.group.is_attempt() {
                true => Body::Attempt(Attempt::of(code(&row.code))),
                false => Body::Problem(Problem::of(code(&row.code), Stage::Arrival)),
            };
            pack.codes.iter().filter(by_role).map(|row| vec![registered(row)]).collect()
        }
        DutyKind::Notify => {
            let to = case.facts.origin_outlet.clone().unwrap_or_else(|| "0571".parse().unwrap());
            vec![vec![Body::Notice(Notice { to, source: TargetSource::WaybillData, request: None })]]
        }
        DutyKind::Look => {
            let notice = case.of_kind(Kind::Notice).rfind(|r| case.stands(r)).map(|r| r.entry.key.clone());
            notice.into_iter().map(|notice| vec![Body::Seen(Seen { notice })]).collect()
        }
        DutyKind::Reply => {
            let decisions = pack.outcomes.iter().filter(|row| row.reply_needs.is_some());
            let both = [Payer::Sender, Payer::Recipient].map(Some);
            decisions.flat_map(|row| both.map(|payer| vec![Body::Reply(Reply { payer, ..full(&row.code) })])).collect()
        }
        DutyKind::Follow => {
            let decision = judged.decision.clone().unwrap_or_default();
            let consent = Consent { by: Customer::Sender, to: code(&decision), name: said("张小姐"), words: None };
            let letter = Body::Photo(Photo::of(PhotoId::new([9; 32]), 9, PhotoPurpose::Letter));
            let action = vec![
                vec![done(&decision)],
                vec![Body::Consent(consent.clone()), done(&decision)],
                vec![Body::Consent(consent), letter.clone(), done(&decision)],
                vec![letter, done(&decision)],
            ];
            action.into_iter().chain(closes()).collect()
        }
        DutyKind::Method => {
            let steps = judged.cards.iter().flat_map(|card| &card.steps).map(|line| line.step.as_str());
            let actions = pack.outcomes.iter().filter(|row| row.action).map(|row| vec![done(&row.code)]);
            steps.map(tick).chain(actions).chain(closes()).collect()
        }
        DutyKind::Step => duty.step.iter().map(|step| tick(step)).collect(),
        DutyKind::Answer => {
            let results =
                duty.step.as_deref().and_then(|step| pack.step(step)).map(|step| step.results.as_slice()).unwrap_or_default();
            let answer = |row: &AskResult| {
                let ask = duty.about.clone().unwrap();
                vec![Body::Answered(Answered { ask, result: code(&row.code), here: row.here, words: None })]
            };
            results.iter().map(answer).collect()
        }
        DutyKind::FollowUp => closes().collect(),
        DutyKind::Assign => {
            let assigns = case.unreplaced(|body| matches!(body, Body::Assign(_)));
            let replacing = |r: &&Recorded| {
                let replaces = Some(r.entry.key.clone());
                Body::Assign(Assign { to: "c1".parse().unwrap(), planned_at: None, replaces, words: None })
            };
            vec![assigns.iter().map(replacing).collect()]
        }
        DutyKind::Ledger => {
            let line = |book: Book, change: &str| {
                Body::Ledger(Ledger { book, change: code(change), amount: Some(Fen(1)), letter: None, slip: true, words: None })
            };
            let named = duty.step.iter().map(String::as_str).chain(pack.ledger.iter().map(|row| row.code.as_str()));
            named
                .flat_map(|change| Book::ALL.iter().map(move |book| (*book, change.to_owned())))
                .map(|(book, change)| vec![line(book, &change)])
                .collect()
        }
        // All that is open at once.
        DutyKind::Decide => vec![rulings(&case, judged).into_iter().map(Body::Ruling).collect()],
    }
}

/// What head office can decide: disputed findings and entries, arbitrations, and contradictions.
fn rulings(case: &Case, judged: &Judgement) -> Vec<Ruling> {
    // A second ruling about one thing replaces the one before, as head office writes it.
    let before = |about: &About| {
        let mut rulings = case.standing().filter(|r| matches!(&r.entry.body, Body::Ruling(ruling) if ruling.about == *about));
        rulings.next_back().map(|r| r.entry.key.clone())
    };
    let about = |about: About| Ruling {
        replaces: before(&about),
        about,
        stands: Stands::Upheld,
        share: Some(50),
        amount: None,
        words: None,
    };
    let of_entry = |entry: &EntryKey| about(About { rule: None, entry: entry.clone() });
    let findings =
        judged.findings.iter().filter(|finding| finding.state == FindingState::Disputed).map(|finding| about(finding.id.clone()));
    let disputes = case.standing().filter_map(|r| match &r.entry.body {
        Body::Dispute(dispute) => Some(about(dispute.about.clone())),
        _ => None,
    });
    let actions = case.of_kind(Kind::Action).map(|r| of_entry(&r.entry.key));
    let conflicts = judged.conflicts.iter().flat_map(|conflict| {
        let decided = |side: &EntryKey| match &case.entry(side)?.entry.body {
            Body::Ruling(ruling) => Some(ruling.clone()),
            _ => None,
        };
        let first = conflict.sides.first().and_then(decided);
        let again =
            conflict.sides.iter().skip(1).filter_map(|side| Some(Ruling { replaces: Some(side.clone()), ..first.clone()? }));
        let plain = conflict.sides.iter().filter(|side| decided(side).is_none()).map(of_entry);
        again.chain(plain).collect::<Vec<_>>()
    });
    let mut all: Vec<Ruling> = Vec::new();
    for ruling in findings.chain(disputes).chain(conflicts).chain(actions) {
        if all.iter().all(|other| other.about != ruling.about) {
            all.push(ruling);
        }
    }
    all
}

/// What makes two duties the same one.
fn same(a: &Duty, b: &Duty) -> bool {
    // Each question wants an answer of its own.
    let is_about = a.kind != DutyKind::Answer || a.about == b.about;
    is_about && (a.kind, a.side, &a.step) == (b.kind, b.side, &b.step)
}

/// How often one kind of duty may have to be done until none is left: head office decides one thing at a time.
const MOST_TIMES: usize = 24;

/// A copy of a story.
fn copy(story: &Story) -> Story {
    let mut copy = Story::under(story.book.clone());
    (copy.facts, copy.entries) = (story.facts.clone(), story.entries.clone());
    copy.skip(story.entries.len() + 1);
    copy
}

/// A copy of a story with some entries of a person added. Without any, what was on a device only is sent.
fn with(story: &Story, by: &By, now: UnixMs, bodies: &[Body]) -> Story {
    let mut then = copy(story);
    let unsent = then.entries.iter_mut().filter(|recorded| recorded.standing.receipt().is_none() && bodies.is_empty());
    for recorded in unsent {
        recorded.standing = Standing::Accepted(Receipt::of(now, Some(recorded.acted_at())));
    }
    for (i, body) in bodies.iter().enumerate() {
        then.online(by, now.plus(i as i64), body.clone());
        // The case knows the parcel's facts already.
        then.entries.last_mut().unwrap().entry.facts = None;
    }
    then
}

/// Does a duty in one of its ways by somebody whom it names; money that finance must book first is booked. `Err`: why nobody could.
fn done(story: &Story, duty: &Duty, judged: &Judgement, now: UnixMs) -> Result<Story, String> {
    let case = story.case();
    let people = enrolled();
    let named: Vec<&By> = people.iter().filter(|by| duty.is_for(&reader(by))).collect();
    if named.is_empty() {
        return Err("names nobody who is enrolled".into());
    }
    let mut why = String::new();
    for by in named.into_iter().filter(|by| reads(&case, by)) {
        'ways: for way in ways(story, duty, judged) {
            for (i, body) in way.iter().enumerate() {
                let so_far = with(story, by, now, &way[..i]);
                let so_far = if i == 0 { &case } else { &so_far.case() };
                if let Err(refused) = lets(so_far, &story.book, now.plus(i as i64), by, body) {
                    why += &format!(" {}: {refused};", by.0);
                    continue 'ways;
                }
            }
            let then = with(story, by, now, &way);
            let left = then.judge(now.plus(60_000));
            if left.duties.iter().all(|other| !same(other, duty)) {
                return Ok(then);
            }
            why += &format!(" {} did {way:?} and it is due still;", by.0);
        }
    }
    Err(why)
}

/// Does each duty of a case until it ends. `Err`: which one is a dead end, and why.
fn played(story: &Story, now: UnixMs) -> Result<(), String> {
    let judged = story.judge(now);
    if judged.state != State::Closed && judged.duties.is_empty() {
        return Err(format!("{:?} with nothing to do", judged.state));
    }
    for duty in &judged.duties {
        // What is only on one device is nobody else's to do: it is sent first.
        let is_sending = matches!(duty.kind, DutyKind::SendRegistration | DutyKind::SendNotice);
        let begun = if is_sending { copy(story) } else { with(story, &SERVER, now, &[]) };
        let (mut story, mut now) = (begun, now.plus(60_000));
        let mut judged = story.judge(now);
        let mut times = 0;
        // By what is known by then it may be another outlet's.
        while let Some(duty) = &judged.duties.iter().find(|other| same(other, duty)).cloned() {
            let mut result = done(&story, duty, &judged, now);
            // Others do their part first where they have a duty of their own for it: finance books, the origin outlet verifies.
            let parts = judged.duties.iter().filter(|part| matches!(part.kind, DutyKind::Ledger | DutyKind::Step));
            let mut so_far = copy(&story);
            for part in parts.filter(|part| part.kind != duty.kind) {
                if result.is_err()
                    && let Ok(then) = done(&so_far, part, &so_far.judge(now), now)
                {
                    now = now.plus(60_000);
                    result = done(&then, duty, &then.judge(now), now);
                    so_far = then;
                }
            }
            story = result.map_err(|why| format!("{duty:?}: {why}"))?;
            now = now.plus(120_000);
            judged = story.judge(now);
            times += 1;
            if times > MOST_TIMES {
                return Err(format!("{duty:?} never ends"));
            }
        }
    }
    Ok(())
}

/// The entries of a story, for a person who looks for the fault.
fn told(story: &Story) -> String {
    let line = |r: &Recorded| {
        let (author, received) = (&r.entry.author, r.standing.receipt().map(|receipt| receipt.received_at));
        format!("  {} of {} at {:?}, received {received:?}: {:?}\n", author.user, author.outlet, r.acted_at(), r.entry.body)
    };
    story.entries.iter().map(line).collect()
}

proptest! {
    // One case in twenty has no parcel facts and is drawn again.
    #![proptest_config(ProptestConfig {
        cases: cases(),
        max_global_rejects: cases(),
        rng_seed: cases_of(),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn each_duty_is_ended_by_somebody_enrolled_whom_policy_scope_and_client_let_do_it(
        seeds in proptest::collection::vec(seed(), 1..14),
        pack in any::<Index>(),
        later in 1..3 * 24 * 60i64,
    ) {
        let story = story(&seeds, pack.get(&PACKS).clone());
        prop_assume!(has_facts(&story));
        let newest = story.entries.iter().flat_map(|r| [Some(r.acted_at()), r.standing.receipt().map(|it| it.received_at)]);
        let now = newest.flatten().max().unwrap().plus(later * 60_000);
        let result = played(&story, now);
        prop_assert!(result.is_ok(), "{}\n{}", result.err().unwrap_or_default(), told(&story));
    }
}
