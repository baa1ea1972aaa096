//! Why an attempt, a reply or a missing record does not count.

use doorstep_domain::{Body, EntryKey};

use super::link::{Because, fact, why};
use crate::{Case, Clock, Deadline, Gap, On, Pack, ReplyState, Timeliness, Validity, Words, words};

/// For a clock that only a proven attempt meets: that the attempt is proven, or which attempts are not.
pub(super) fn of_attempts(
    case: &Case,
    clock: &Clock,
    deadline: &Deadline,
    entry: impl Fn(&EntryKey, &str, &str) -> Because,
) -> Vec<Because> {
    if !clock.met_by.iter().any(|event| event.on == On::Attempt && event.proven) {
        return Vec::new();
    }
    let is_attempt = |key| case.entry(key).is_some_and(|r| matches!(r.entry.body, Body::Attempt(_)));
    if deadline.met_by.as_ref().is_some_and(is_attempt) {
        return vec![fact(
            "未送达，但已用短信或面单号码问题证明当天有效派送",
            "not delivered, but an SMS or the fault of the label's number proves a valid attempt of its day",
        )];
    }
    if !matches!(deadline.timeliness, Timeliness::Late | Timeliness::LateSynced) {
        return Vec::new();
    }
    let attempts = case.standing().filter(|r| matches!(r.entry.body, Body::Attempt(_)));
    let after = attempts.filter(|r| r.acted_at() >= deadline.started_at && deadline.due_at.is_none_or(|due| r.acted_at() <= due));
    let told = after.map(|r| {
        entry(
            &r.entry.key,
            "未送达，也没有短信等证明当天有效派送，不算",
            "not delivered, and nothing proves a valid attempt of that day: it does not count",
        )
    });
    told.collect()
}

/// From when on a valid reply counts, if that is later than its receipt.
pub(super) fn of_start(pack: &Pack, reply: &ReplyState, entry: impl Fn(&EntryKey, &str, &str) -> Because) -> Option<Because> {
    let at = reply.valid_from.filter(|_| reply.validity == Validity::Valid).and_then(|at| pack.local(at))?;
    let at = at.format("%Y-%m-%d %H:%M:%S");
    Some(entry(
        &reply.entry,
        &format!("此回复到 {at} 才算数：那时所需的内容才收齐，或才被认可"),
        &format!("this reply counts only from {at}: only then everything that it needs was there, or somebody accepted it"),
    ))
}

/// From when on a reply counts if that is later than its receipt, a mark against it that came too late, and what an invalid one lacks,
/// with the pack's reasons.
pub(super) fn of_reply(
    case: &Case,
    pack: &Pack,
    reply: &ReplyState,
    entry: impl Fn(&EntryKey, &str, &str) -> Because,
) -> Vec<Because> {
    let mut because: Vec<Because> = of_start(pack, reply, &entry).into_iter().collect();
    because.extend(reply.late_mark.as_ref().map(|mark| {
        entry(
            mark,
            "网点对此回复的标记太晚，不影响其效力；总部可以裁定",
            "an outlet's mark against the reply came too late to count; head office can decide",
        )
    }));
    let (Validity::Lacks { needs }, Some(recorded)) = (&reply.validity, case.entry(&reply.entry)) else {
        return because;
    };
    let named = |need: &String| {
        let fields: Vec<Words> = need.split('|').map(|field| words(field.trim())).collect();
        let join = |of: fn(&Words) -> &str, or: &str| fields.iter().map(of).collect::<Vec<_>>().join(or);
        Words { zh: join(|words| &words.zh, "或"), en: join(|words| &words.en, " or ") }
    };
    let needed: Vec<Words> = needs.iter().map(named).collect();
    let list = |of: fn(&Words) -> &str, and: &str| needed.iter().map(of).collect::<Vec<_>>().join(and);
    let (zh, en) = (list(|words| &words.zh, "、"), list(|words| &words.en, ", "));
    let (zh, en) = (format!("此回复无效，缺：{zh}"), format!("this reply does not count, it lacks: {en}"));
    because.push(entry(&reply.entry, &zh, &en));
    let row = match &recorded.entry.body {
        Body::Reply(reply) => pack.outcome(reply.decision.as_str()),
        _ => None,
    };
    let further = row.iter().flat_map(|row| &row.reply_needs_if);
    let lacked = further.filter(|further| further.needs.iter().any(|need| needs.contains(&need.0)));
    because.extend(lacked.filter_map(|further| further.why.as_ref()).map(why));
    let pays = row.iter().flat_map(|row| &row.pays).filter(|_| needs.iter().any(|need| need == "payer"));
    because.extend(pays.filter_map(|pays| pays.why.as_ref()).map(why));
    because
}

/// The pack's reason for missing evidence.
pub(super) fn of_gap(pack: &Pack, gap: &Gap) -> Option<Because> {
    let row = pack.code(&gap.reason)?.evidence.iter().find(|row| row.id == gap.evidence)?;
    row.why.as_ref().map(why)
}
