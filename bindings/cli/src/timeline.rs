//! One entry of the timeline as lines: when, what, by whom, and how it stands.

use doorstep_domain::{Body, Fen, Personal, Recorded, TargetSource, UnixMs};
use doorstep_rules::Case;

use crate::{
    failure::Failed,
    screen::Screen,
    words::{self, say},
};

/// An entry on two lines, with the id by which it is named.
pub fn entry(screen: &Screen, case: &Case, recorded: &Recorded) -> Result<String, Failed> {
    let when = words::time(recorded.acted_at(), screen.zone);
    let mut parts = parts(screen, &recorded.entry.body)?;
    // What the list says is its facts.
    if let (Body::Listed(_), Some(facts)) = (&recorded.entry.body, &recorded.entry.facts) {
        parts.push(screen.outlet(facts.delivering_outlet.as_ref())?);
        parts.push(format!("← {}", screen.outlet(facts.origin_outlet.as_ref())?));
        parts.extend((facts.cod.0 > 0).then(|| format!("{} {}", say("代收货款", "cash on delivery"), facts.cod)));
    }
    let author = &recorded.entry.author;
    let standing = words::standing(&recorded.standing);
    let corrected = case.superseded.get(&recorded.entry.key).map(|by| format!("  [{}: {by}]", say("已更正", "corrected")));
    Ok(format!(
        "    {when}  {}  {}\n      {} @{} ({})  [{standing}]  {}{}\n",
        words::action(recorded.entry.body.kind()),
        parts.join("  "),
        author.user,
        author.outlet,
        author.word(),
        recorded.entry.key,
        corrected.unwrap_or_default()
    ))
}

fn quote(label: &str, value: Option<&Personal>) -> Option<String> {
    let text = value.map(words::personal)?;
    Some(if label.is_empty() { format!("「{text}」") } else { format!("{label} {text}") })
}

fn parts(screen: &Screen, body: &Body) -> Result<Vec<String>, Failed> {
    let mut parts = Vec::new();
    let when = |zh: &str, en: &str, at: Option<UnixMs>| at.map(|at| format!("{} {}", say(zh, en), words::time(at, screen.zone)));
    let plain = |zh: &str, en: &str, value: Option<String>| value.map(|value| format!("{} {value}", say(zh, en)));
    let amount = |value: Option<Fen>| value.map(|amount| amount.to_string());
    match body {
        Body::Attempt(attempt) => {
            parts.push(screen.code(attempt.reason.as_str()));
            parts.extend(attempt.sub.as_ref().map(|sub| screen.sub(attempt.reason.as_str(), sub.as_str())));
            parts.extend(plain("子件", "piece", attempt.piece.as_ref().map(ToString::to_string)));
            parts.extend(plain("愿付", "would pay", amount(attempt.offered)));
            parts.extend(when("约定", "agreed", attempt.agreed_at));
            parts.extend(plain("等待分钟", "minutes waited", attempt.waited_minutes.map(|n| n.to_string())));
            parts.extend(quote("", attempt.words.as_ref()));
        }
        Body::Problem(problem) => {
            parts.push(screen.code(problem.reason.as_str()));
            parts.extend(problem.sub.as_ref().map(|sub| screen.sub(problem.reason.as_str(), sub.as_str())));
            parts.push(words::detail(problem.stage.as_str()));
            parts.extend(when("发现", "found", problem.found_at));
            parts.extend(plain("件数", "count", problem.count.map(|n| n.to_string())));
            parts.extend(plain("子件", "piece", problem.piece.as_ref().map(ToString::to_string)));
            parts.extend(plain("另一件", "other parcel", problem.other.as_ref().map(ToString::to_string)));
            parts.extend(plain("实重", "on the scale", problem.weight_g.map(|g| format!("{g} g"))));
            parts.extend(plain("面单重量", "on the label", problem.label_g.map(|g| format!("{g} g"))));
            parts.extend(quote("", problem.words.as_ref()));
        }
        Body::Call(call) => {
            parts.push(words::detail(call.result.as_str()));
            parts.extend(call.number.as_ref().map(words::masked));
            parts.extend(quote("", call.words.as_ref()));
        }
        Body::Note { words } => parts.extend(quote("", Some(words))),
        Body::Photo(photo) => {
            parts.push(words::detail(photo.purpose.as_str()));
            parts.push(words::size(photo.len));
        }
        Body::Sms(sms) => {
            parts.push(words::masked(&sms.to));
            parts.extend(quote("", Some(&sms.text)));
        }
        Body::SmsReport(report) => {
            parts.push(words::detail(report.state.as_str()));
            parts.extend(report.fault.map(|fault| words::detail(fault.as_str())));
            parts.push(report.of.to_string());
            parts.extend(quote("", report.words.as_ref()));
        }
        Body::SmsReply(reply) => {
            parts.extend(quote("", Some(&reply.words)));
            parts.extend(reply.opt_out.then(|| words::detail("sms_opt_out")));
        }
        Body::Notice(notice) => {
            parts.push(screen.outlet(Some(&notice.to))?);
            if notice.source == TargetSource::Manual {
                parts.push(screen.key("manual_target"));
            }
            parts.extend(quote("", notice.request.as_ref()));
        }
        Body::Outage(outage) => {
            parts.push(words::detail(outage.reason.as_str()));
            parts.extend(quote(&say("联系人", "contact"), outage.contact.as_ref()));
            parts.extend(quote(&say("号码", "number"), outage.phone.as_ref()));
            parts.extend(when("通话时间", "phoned at", outage.phoned_at));
            parts.extend(quote("", outage.said.as_ref()));
        }
        Body::Seen(seen) => parts.push(seen.notice.to_string()),
        Body::Reply(reply) => {
            parts.push(screen.code(reply.decision.as_str()));
            let said = [
                ("", &reply.words),
                ("address", &reply.address),
                ("contact", &reply.contact),
                ("company", &reply.company),
                ("place", &reply.place),
                ("agreed", &reply.agreed),
            ];
            for (label, value) in said {
                let label = if label.is_empty() { String::new() } else { words::detail(label) };
                parts.extend(quote(&label, value.as_ref()));
            }
            parts.extend(reply.phone.as_ref().map(|phone| format!("{} {}", words::detail("phone"), words::masked(phone))));
            parts.extend(when("日期", "day", reply.until));
            let flags = [(reply.same, "same"), (reply.informed, "informed")];
            parts.extend(flags.iter().filter(|(set, _)| *set).map(|(_, word)| words::detail(word)));
            parts.extend(reply.agreed_by.map(|who| words::detail(who.as_str())));
            parts.extend(plain("付费", "paid by", reply.payer.map(|who| words::detail(who.as_str()))));
        }
        Body::Mark(mark) => {
            parts.extend([words::detail(mark.remark.as_str()), mark.about.to_string()]);
            parts.extend(mark.reason.as_ref().map(|code| screen.code(code.as_str())));
            parts.extend(quote("", mark.words.as_ref()));
        }
        Body::Action(action) => {
            parts.push(screen.code(action.outcome.as_str()));
            // Another device's text: on one line, without what steers a terminal.
            parts.extend(action.carrier.as_ref().map(|name| name.chars().filter(|c| !c.is_control()).collect()));
            parts.extend(action.number.as_ref().map(|number| format!("→ {number}")));
            parts.extend(amount(action.amount));
            parts.extend(quote("", action.words.as_ref()));
        }
        Body::Tick(tick) => {
            parts.push(screen.code(tick.step.as_str()));
            parts.extend(quote("", tick.words.as_ref()));
        }
        Body::Assign(assign) => {
            parts.push(format!("→ {}", assign.to));
            parts.extend(when("计划", "planned", assign.planned_at));
            parts.extend(quote("", assign.words.as_ref()));
        }
        Body::Consent(consent) => {
            parts.extend([words::detail(consent.by.as_str()), screen.code(consent.to.as_str())]);
            parts.extend(quote("", consent.name.as_ref()));
            parts.extend(quote("", consent.words.as_ref()));
        }
        Body::Goods(goods) => {
            parts.extend(amount(goods.value));
            parts.extend([&goods.name, &goods.packing, &goods.words].into_iter().filter_map(|text| quote("", text.as_ref())));
        }
        Body::Ledger(line) => {
            parts.extend([words::detail(line.book.as_str()), screen.code(line.change.as_str())]);
            parts.extend(amount(line.amount));
            if line.slip {
                parts.push(say("回执小联已收回", "slip taken back"));
            }
            parts.extend(quote("", line.words.as_ref()));
        }
        Body::Waiver(waiver) => {
            parts.push(waiver.evidence.to_string());
            parts.extend(quote("", Some(&waiver.words)));
        }
        Body::Alias(alias) => parts.push(alias.waybill.to_string()),
        Body::Correction(correction) => {
            parts.extend([words::detail(correction.fault.as_str()), correction.of.to_string()]);
            parts.extend(correction.same_as.as_ref().map(ToString::to_string));
            parts.extend(quote("", Some(&correction.words)));
        }
        Body::Dispute(dispute) => {
            parts.push(dispute.about.to_string());
            parts.extend(quote("", Some(&dispute.words)));
        }
        Body::Ruling(ruling) => {
            parts.extend([words::detail(ruling.stands.as_str()), ruling.about.to_string()]);
            parts.extend(ruling.share.map(|share| format!("{share}%")));
            parts.extend(amount(ruling.amount));
            parts.extend(quote("", ruling.words.as_ref()));
        }
        Body::Close(close) => {
            parts.push(screen.code(close.outcome.as_str()));
            parts.extend(plain("子件", "piece", close.piece.as_ref().map(ToString::to_string)));
            parts.extend(quote("", close.words.as_ref()));
        }
        Body::Handover(handover) => {
            parts.push(handover.to.to_string());
            parts.extend(quote("", handover.words.as_ref()));
        }
        Body::Takeover(_) => {}
        Body::Listed(listed) => parts.extend(when("自", "since", Some(listed.since))),
        Body::SheetNote(note) => parts.extend(quote("", Some(&note.words))),
        Body::SheetDay(day) => parts.extend(quote("", day.words.as_ref())),
        Body::Unknown { .. } => parts.push(say("由更新的版本登记", "written by a newer version")),
    }
    Ok(parts)
}
