//! The corrections of domain 14.1, each by both versions of the packs: version 1 judges as before, version 2 as the sources say.

mod cards;
mod duties;
mod replies;
mod tracking;

use doorstep_domain::*;
use doorstep_rules::*;

use crate::story::*;

/// A story by one version of a shipped pack.
fn by(name: &str, version: u32) -> Story {
    Story::by(version_of(name, version))
}

fn failed(story: &mut Story, when: UnixMs, reason: &str) -> EntryKey {
    story.attempt(when, Some(when), reason).entry.key.clone()
}

fn noticed(story: &mut Story, when: UnixMs) {
    story.notice(when, Some(when), "0571");
}

fn problem(story: &mut Story, when: UnixMs, reason: &str, stage: Stage) -> EntryKey {
    let who = if stage == Stage::Hub { &HUB } else { &WEST };
    story.online(who, when, Body::Problem(Problem { found_at: Some(when), ..Problem::of(code(reason), stage) }))
}

fn tick(story: &mut Story, who: &By, when: UnixMs, step: &str) -> EntryKey {
    story.online(who, when, Body::Tick(Tick { step: code(step), words: None }))
}

fn called(story: &mut Story, when: UnixMs, result: CallResult, number: Option<&str>) {
    let number = number.map(|number| Personal::plain(number).unwrap());
    story.online(&COURIER, when, Body::Call(Call { number, ..Call::of(result) }));
}

/// A message to the label's number that failed because of the number.
fn failed_sms(story: &mut Story, when: UnixMs, attempt: &EntryKey) {
    let key = story.again(attempt, &COURIER, when, Body::Sms(message(Some(attempt.clone()))));
    let report = SmsReport { fault: Some(SmsFault::Number), ..report(&key, SmsState::Failed) };
    story.again(&key, &COURIER, when, Body::SmsReport(report));
}

fn rules(story: &Story, now: UnixMs) -> Vec<String> {
    story.judge(now).findings.into_iter().map(|finding| finding.rule).collect()
}

/// All words of the reasons for a subject that begins like this.
fn told(story: &Story, about: &str, now: UnixMs) -> String {
    let judged = story.judge(now);
    let all = explain(&story.case(), &story.book, &judged).into_iter().filter(|it| it.about.starts_with(about));
    let links = |it: Explanation| {
        let links = it.because.into_iter().map(|link| format!("{} {}", link.words.zh, link.words.en));
        links.chain([it.answer.zh, it.answer.en]).collect::<Vec<_>>().join("\n")
    };
    all.map(links).collect::<Vec<_>>().join("\n")
}
