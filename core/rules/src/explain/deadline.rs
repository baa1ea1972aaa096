//! The chain of reasons of a deadline: the clock's row, its start, its end, and how it was kept.

use doorstep_domain::{Body, EntryKey, Kind};

use super::{
    Explanation, Teller,
    link::{Because, both, fact, why},
    reasons,
};
use crate::{
    Clock, Counts, Deadline, Due, From, Judgement, LateSynced, Missing, On, Pack, Timeliness, Words, deadline::is_reply_clock,
    words,
};

impl Teller<'_> {
    pub(super) fn deadline(&self, deadline: &Deadline, judged: &Judgement) -> Explanation {
        let pack = self.pack(deadline.pack_version);
        let how = words(deadline.timeliness.as_str());
        let answer = both(format!("{}：{}", deadline.name.zh, how.zh), format!("{}: {}", deadline.name.en, how.en));
        let about = format!("{}@{}", deadline.clock, deadline.started_by);
        Explanation { about, answer, because: self.chain(pack, deadline, judged) }
    }

    /// The chain for a deadline: the clock's row, its start, its end, and its timeliness.
    pub(super) fn chain(&self, pack: &Pack, deadline: &Deadline, judged: &Judgement) -> Vec<Because> {
        let Some(clock) = pack.clock(&deadline.clock) else { return Vec::new() };
        let mut because = vec![self.rule(pack, &clock.id, &deadline.name, &clock.source)];
        because.extend(clock.why.as_ref().map(why));
        because.push(self.entry(pack, &deadline.started_by, "起因", "begun by"));
        if deadline.missing != Some(Missing::Arrival) {
            let from = from(clock);
            let at = self.clock_time(pack, deadline.started_at);
            because.push(fact(format!("起算：{at}（{}）", from.zh), format!("runs from: {at} ({})", from.en)));
        }
        let replied = judged.replies.iter().filter(|reply| reply.entry == deadline.started_by);
        because.extend(replied.filter_map(|reply| reasons::of_start(pack, reply, |key, zh, en| self.entry(pack, key, zh, en))));
        match (deadline.due_at, deadline.missing) {
            (Some(due), _) => {
                let (at, rule) = (self.clock_time(pack, due), due_words(&clock.due));
                because.push(fact(format!("期限：{at}，含当刻（{}）", rule.zh), format!("due: {at}, inclusive ({})", rule.en)));
            }
            (None, Some(missing)) => {
                let missing = missing_words(missing);
                because.push(fact(format!("期限不明：{}", missing.zh), format!("due time not known: {}", missing.en)));
            }
            (None, None) => because.push(fact("没有规定时限，直到办完", "no time is set: until it is done")),
        }
        self.kept(pack, clock, deadline, &mut because);
        because.extend(reasons::of_attempts(self.case, clock, deadline, |key, zh, en| self.entry(pack, key, zh, en)));
        if is_reply_clock(clock) {
            because.extend(
                judged
                    .replies
                    .iter()
                    .flat_map(|reply| reasons::of_reply(self.case, pack, reply, |key, zh, en| self.entry(pack, key, zh, en))),
            );
        }
        if deadline.unsure {
            because.push(fact(
                "起因发生时哪一版规则有效无法确定：请总部查看",
                "which version of the rules was in force then is not sure: for head office to look at",
            ));
        }
        if deadline.day_unsure {
            because.push(fact(
                "起因发生在哪一天无法确定，期限可能不同：请总部查看",
                "on which day this began is not sure, and another day has another due time: for head office to look at",
            ));
        }
        because.extend(deadline.doubted_by.as_ref().map(|key| {
            let (zh, en) = if key.kind == Kind::Mark.as_str() {
                (
                    "网点在期满后才标记此回复无效：不影响已超时的认定，请总部复核",
                    "an outlet marked the reply invalid only after the time had run out: that undoes nothing, and head office looks at it",
                )
            } else {
                (
                    "若此条的时间属实，本期限不起算，但其时间无法核实",
                    "if the time of this is true, the clock never started; nothing proves it",
                )
            };
            self.entry(pack, key, zh, en)
        }));
        because
    }

    fn kept(&self, pack: &Pack, clock: &Clock, deadline: &Deadline, because: &mut Vec<Because>) {
        let met = |zh: &str, en: &str| deadline.met_by.as_ref().map(|key| self.entry(pack, key, zh, en));
        match deadline.timeliness {
            Timeliness::Pending => because.push(fact("仍在计时", "still running")),
            Timeliness::OnTime => because.extend(met("按时办理", "met in time by")),
            Timeliness::OnTimeByException => {
                because.extend(met(
                    "断网停电期间已电话通知，联系人、电话、时间齐全",
                    "phoned during the outage, with contact, number and time",
                ));
                if deadline.met_by.as_ref().is_some_and(|key| self.was_in_contact(key)) {
                    because.push(fact(
                        "但该设备在此期间联系过总部：例外须由总部查看",
                        "but the device reached head office in that time: the exception is for head office to look at",
                    ));
                }
                let ids = clock.exceptions.join(" ");
                because.push(fact(format!("适用例外：{ids}"), format!("exception: {ids}")));
            }
            Timeliness::LateSynced => {
                because.extend(if self.is_outage(deadline.met_by.as_ref()) {
                    met("自称在期限内已电话通知，但无法核实", "phoned in time by its own word, and nothing proves that")
                } else {
                    met("按时登记，但总部在期限后才收到或无法核实", "recorded in time, received after it or not verifiable")
                });
                because.push(match pack.switches.late_synced {
                    LateSynced::Strict => fact(
                        "本网络从严：晚到即担责，由总部复核",
                        "this network is strict: late is late, and head office reviews it",
                    ),
                    LateSynced::CaptureCounts => fact(
                        "本网络以登记时间为准，只要总部能核实；由总部复核",
                        "this network counts the time of the record where head office can verify it; it is reviewed",
                    ),
                });
                because.extend(self.outages(pack, clock, deadline.met_by.as_ref()));
            }
            Timeliness::Late => {
                because.push(match met("期限后才办理", "done only after it") {
                    Some(late) => late,
                    None if clock.starts.on == On::NoReply => {
                        fact("期限内没有执行该类型处理办法的任何一步", "no step of the type's method was begun within it")
                    }
                    None => fact("没有符合要求的记录", "there is no record that meets it"),
                });
                because.extend(self.outages(pack, clock, deadline.met_by.as_ref()));
            }
            Timeliness::NotNeeded => because
                .push(fact("期限前已结案，或已被后来的回复取代", "the case ended, or a later reply took its place, before it")),
            Timeliness::ScheduleMissing => {
                because.push(fact("请补时刻表；在此之前由总部决定", "enter the schedule; until then head office decides"))
            }
        }
    }

    fn was_in_contact(&self, key: &EntryKey) -> bool {
        let receipt = self.case.entry(key).and_then(|recorded| recorded.standing.receipt());
        receipt.is_some_and(|receipt| receipt.in_contact)
    }

    fn is_outage(&self, key: Option<&EntryKey>) -> bool {
        key.and_then(|key| self.case.entry(key)).is_some_and(|r| matches!(r.entry.body, Body::Outage(_)))
    }

    /// Why outage records did not count, except the one that was already explained.
    fn outages<'s>(&'s self, pack: &'s Pack, clock: &Clock, said: Option<&'s EntryKey>) -> impl Iterator<Item = Because> + 's {
        let applies = !clock.exceptions.is_empty();
        let rest = self.case.standing().filter(move |r| applies && said != Some(&r.entry.key));
        rest.filter_map(move |r| match &r.entry.body {
            Body::Outage(outage) if !outage.is_complete() => Some(self.entry(
                pack,
                &r.entry.key,
                "断网登记缺联系人、电话或时间，例外不成立",
                "the outage record lacks contact, number or time: no exception",
            )),
            Body::Outage(_) => Some(self.entry(
                pack,
                &r.entry.key,
                "无法核实断网登记的通话在期限内",
                "nothing proves that the call of the outage record was before it",
            )),
            _ => None,
        })
    }
}

fn from(clock: &Clock) -> Words {
    match (clock.from, clock.counts) {
        (From::Found, _) => both("发现时间", "when it was found"),
        (From::TheoreticalArrival, _) => both("理论到件时间，不是实际到件时间", "the scheduled arrival, not the actual one"),
        (From::Act, Counts::Received | Counts::Acted) => match clock.starts.on {
            On::Notice | On::Reply => {
                both("总部收到的时间，或电话通知的登记时间", "when the server had it, or when its phone call was recorded")
            }
            On::NoReply => both("无有效回复之时", "when there was no valid reply"),
            On::Day if clock.each_slot => {
                both("与上一时点的中点：跟踪归入最近的时点", "the middle to the time before: an act counts for the nearest time")
            }
            On::Day => both("上一时点", "the last such time"),
            _ => both("行为时间", "when it was done"),
        },
    }
}

fn due_words(due: &Due) -> Words {
    match due {
        Due::EndOfDay => both("当天 24 点前", "the end of that day"),
        Due::AtStart => both("不得晚于起算时刻", "not after it began"),
        Due::FirstRun => both("派件网点的第一频次", "the delivering outlet's next outbound run"),
        Due::NoLimit => both("无时限", "no limit"),
        Due::Hours(hours) => {
            both(format!("{hours} 小时，昼夜和节假日连续计算"), format!("{hours} hours, through nights and holidays"))
        }
        Due::TimeOfDay(time) => both(format!("每日 {time}"), format!("{time} each day")),
        Due::Slots(times) => {
            let times = times.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
            both(format!("每日 {times}"), format!("each day at {times}"))
        }
        Due::WorkingDays(days) => both(format!("{days} 个工作日"), format!("{days} working days")),
        Due::WorkingMinutes(minutes) => both(format!("{minutes} 个工作分钟"), format!("{minutes} working minutes")),
    }
}

fn missing_words(missing: Missing) -> Words {
    match missing {
        Missing::Arrival => both("运单没有理论到件时间", "the parcel has no scheduled arrival"),
        Missing::Timetable => both("派件网点没有时刻表", "the delivering outlet has no timetable"),
        Missing::Calendar => both("工作日历不含该日期", "the calendar does not cover that day"),
        Missing::Time => both("所称时间超出日历", "the claimed time lies outside of any calendar"),
    }
}
