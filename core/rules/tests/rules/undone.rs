//! What comes later undoes nothing: a correction after the due time, a consent, a letter, a mark, each one second on both sides of
//! its edge (domain 6.4, 6.6, 7).

mod corrected;
mod marked;
mod order;
mod parts;
mod taken_back;

use doorstep_domain::*;
use doorstep_rules::*;

use crate::story::*;

const SECOND: i64 = 1_000;

fn failed(story: &mut Story, when: UnixMs, reason: &str) -> EntryKey {
    story.attempt(when, Some(when), reason).entry.key.clone()
}

fn noticed(story: &mut Story, when: UnixMs) -> EntryKey {
    story.notice(when, Some(when), "0571").entry.key.clone()
}

fn registered(story: &mut Story, when: UnixMs, reason: &str) -> EntryKey {
    story.online(&WEST, when, problem(reason))
}

fn problem(reason: &str) -> Body {
    Body::Problem(Problem::of(code(reason), Stage::Delivery))
}

fn attempt(reason: &str) -> Body {
    Body::Attempt(Attempt::of(code(reason)))
}

/// Takes an entry back: it did not occur.
fn take_back(story: &mut Story, of: &EntryKey, by: &By, when: UnixMs) {
    let words = Personal::plain("写错了").unwrap();
    let correction = Correction { of: of.clone(), fault: Fault::DidNotOccur, same_as: None, words };
    story.again(of, by, when, Body::Correction(correction));
}

/// Corrects a registration. The correct data are in the same change.
fn correct(story: &mut Story, of: &EntryKey, by: &By, when: UnixMs, right: Body) -> EntryKey {
    let words = Personal::plain("写错了").unwrap();
    story.again(of, by, when, Body::Correction(Correction { of: of.clone(), fault: Fault::IncorrectData, same_as: None, words }));
    let change = story.entries.last().unwrap().change;
    let key = story.again(of, by, when, right);
    story.entries.last_mut().unwrap().change = change;
    key
}

fn consent(story: &mut Story, when: UnixMs, to: &str) -> EntryKey {
    let consent = Consent { by: Customer::Sender, to: code(to), name: said("张小姐"), words: None };
    story.online(&ORIGIN, when, Body::Consent(consent))
}

fn mark(story: &mut Story, by: &By, when: UnixMs, about: &EntryKey, remark: Remark) -> EntryKey {
    story.online(by, when, Body::Mark(Mark { about: about.clone(), remark, reason: None, words: None }))
}

fn rule_on(story: &mut Story, rule: &str, entry: &EntryKey, when: UnixMs) -> EntryKey {
    let about = About { rule: Some(code(rule)), entry: entry.clone() };
    let ruling = Ruling { about, stands: Stands::Upheld, share: Some(50), amount: None, replaces: None, words: None };
    story.online(&REVIEWER, when, Body::Ruling(ruling))
}

/// The findings of a rule: the entry of their id, and their state.
fn found(story: &Story, rule: &str, now: UnixMs) -> Vec<(EntryKey, FindingState)> {
    let findings = story.judge(now).findings.into_iter().filter(|finding| finding.rule == rule);
    findings.map(|finding| (finding.id.entry, finding.state)).collect()
}

fn starts(story: &Story, clock: &str, now: UnixMs) -> Vec<UnixMs> {
    let deadlines = story.judge(now).deadlines.into_iter().filter(|deadline| deadline.clock == clock);
    deadlines.map(|deadline| deadline.started_at).collect()
}

/// All words of the reasons for a subject that begins like this.
fn told(story: &Story, about: &str, now: UnixMs) -> String {
    let judged = story.judge(now);
    let all = explain(&story.case(), &story.book, &judged).into_iter().filter(|it| it.about.starts_with(about));
    let links = all.flat_map(|it| it.because).map(|link| format!("{} {}\n", link.words.zh, link.words.en));
    links.collect()
}

/// A rulebook with a second version of a pack from a moment on.
fn switched(pack: Pack, at: UnixMs) -> Rulebook {
    let later = Pack { version: pack.version + 1, ..pack.clone() };
    let published = |valid_from, pack| Published { valid_from, pack };
    Rulebook::of(vec![published(UnixMs(i64::MIN), pack), published(at, later)]).unwrap()
}
