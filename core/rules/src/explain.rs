//! Reasons in Chinese and English for each deadline, missing evidence, finding and conflict: the rule and the chain of facts.
//! They are made from the judgement, so they cannot differ from it. They have no customer's data.

mod link;
mod reasons;

use doorstep_domain::{Body, EntryKey, Kind, Recorded, Stands, UnixMs};
use serde::Serialize;

use crate::{
    Case, Clock, Conflict, Contacts, Counts, Deadline, Due, Finding, From, Gap, Judgement, LateSynced, Liability, Message,
    Missing, Need, On, Pack, Per, Question, QuestionKind, Rulebook, Sight, Timeliness, Unfit, UnfitPhoto, Words,
    deadline::is_reply_clock, gap_words, telling, words,
};

pub use self::link::Because;
use self::link::{both, fact, why};

/// One answer with its reasons.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// The subject: `SLA-03@attempt/...` for a deadline, an evidence row, a finding's id, a conflict's kind, or a fact's
    /// ([`Question::about`]).
    pub about: String,
    /// The answer.
    pub answer: Words,
    /// The chain of reasons, from the rule to the answer.
    pub because: Vec<Because>,
}

/// Explains a judgement: deadlines, then messages, missing evidence, findings, conflicts, facts for a reviewer.
pub fn explain(case: &Case, book: &Rulebook, judged: &Judgement) -> Vec<Explanation> {
    let teller = Teller { case, book };
    let mut all: Vec<Explanation> = judged.deadlines.iter().map(|deadline| teller.deadline(deadline, judged)).collect();
    all.extend(judged.messages.iter().map(|message| teller.message(message)));
    all.extend(judged.missing.iter().map(|gap| teller.gap(gap)));
    all.extend(judged.findings.iter().map(|finding| teller.finding(finding, judged)));
    all.extend(judged.conflicts.iter().map(|conflict| teller.conflict(conflict)));
    all.extend(judged.questions.iter().map(|question| teller.question(question)));
    all
}

struct Teller<'a> {
    case: &'a Case,
    book: &'a Rulebook,
}

impl Teller<'_> {
    fn pack(&self, version: u32) -> &Pack {
        self.book.version(version).map_or(&self.book.newest().pack, |published| &published.pack)
    }

    fn clock_time(&self, pack: &Pack, at: UnixMs) -> String {
        pack.local(at).map_or_else(|| format!("{} ms", at.0), |local| local.format("%Y-%m-%d %H:%M:%S").to_string())
    }

    /// An entry in words: time, author and content, and when the server received it.
    fn entry(&self, pack: &Pack, key: &EntryKey, zh: &str, en: &str) -> Because {
        let Some(recorded) = self.case.entry(key) else {
            return Because { words: both(format!("{zh}：{key}"), format!("{en}: {key}")), entry: Some(key.clone()) };
        };
        let author = &recorded.entry.author;
        let (role, what) = (words(author.word()), self.what(pack, recorded));
        let at = self.clock_time(pack, recorded.acted_at());
        let (zh_received, en_received) = match recorded.standing.receipt() {
            Some(receipt) => {
                let received = self.clock_time(pack, receipt.received_at);
                let unproven = if self.book.when(recorded).doubtful {
                    ("，时间无法核实", ", its time can not be verified")
                } else {
                    ("", "")
                };
                (format!("，总部 {received} 收到{}", unproven.0), format!(", received {received}{}", unproven.1))
            }
            None => ("，总部尚未收到".to_owned(), ", not received yet".to_owned()),
        };
        let zh = format!("{zh}：{at} {}{}@{} {}{zh_received}", role.zh, author.user, author.outlet, what.zh);
        let en = format!("{en}: {at} {} {}@{} {}{en_received}", role.en, author.user, author.outlet, what.en);
        Because { words: both(zh, en), entry: Some(key.clone()) }
    }

    /// An entry's kind and main subject, without personal data.
    fn what(&self, pack: &Pack, recorded: &Recorded) -> Words {
        let kind = words(recorded.entry.body.kind());
        let lines = telling::tell(&recorded.entry, self.case, Some(pack), Sight::Masked);
        match telling::brief(&lines) {
            Some(about) => both(format!("{}：{}", kind.zh, about.zh), format!("{}: {}", kind.en, about.en)),
            None => kind,
        }
    }

    fn rule(&self, pack: &Pack, id: &str, name: &Words, source: &str) -> Because {
        fact(
            format!("规则：{id} {}（规则包第 {} 版，出处 {source}）", name.zh, pack.version),
            format!("rule: {id} {} (rule pack version {}, source {source})", name.en, pack.version),
        )
    }

    fn message(&self, message: &Message) -> Explanation {
        let pack = self.pack(message.pack_version);
        let mut because = vec![self.entry(pack, &message.entry, "短信", "the SMS")];
        if let Some(attempt) = &message.attempt {
            because.push(self.entry(pack, attempt, "所指派送", "tells of"));
        }
        if let Some(sent) = message.sent_at {
            let at = self.clock_time(pack, sent);
            because.push(fact(format!("发出：{at}"), format!("left: {at}")));
        }
        if let Some(fault) = message.fault {
            let why = words(fault.as_str());
            because.push(fact(format!("失败原因：{}", why.zh), format!("it failed: {}", why.en)));
        }
        for lack in &message.lacks {
            let why = words(lack.as_str());
            because.push(fact(format!("不算数：{}", why.zh), format!("does not count: {}", why.en)));
        }
        because.extend(message.replies.iter().map(|reply| self.entry(pack, reply, "客户回复", "the customer answered")));
        Explanation { about: message.entry.to_string(), answer: message.told(pack), because }
    }

    fn deadline(&self, deadline: &Deadline, judged: &Judgement) -> Explanation {
        let pack = self.pack(deadline.pack_version);
        let how = words(deadline.timeliness.as_str());
        let answer = both(format!("{}：{}", deadline.name.zh, how.zh), format!("{}: {}", deadline.name.en, how.en));
        let about = format!("{}@{}", deadline.clock, deadline.started_by);
        Explanation { about, answer, because: self.chain(pack, deadline, judged) }
    }

    /// The chain for a deadline: the clock's row, its start, its end, and its timeliness.
    fn chain(&self, pack: &Pack, deadline: &Deadline, judged: &Judgement) -> Vec<Because> {
        let Some(clock) = pack.clock(&deadline.clock) else { return Vec::new() };
        let mut because = vec![self.rule(pack, &clock.id, &deadline.name, &clock.source)];
        because.extend(clock.why.as_ref().map(why));
        because.push(self.entry(pack, &deadline.started_by, "起因", "begun by"));
        if deadline.missing != Some(Missing::Arrival) {
            let from = from(clock);
            let at = self.clock_time(pack, deadline.started_at);
            because.push(fact(format!("起算：{at}（{}）", from.zh), format!("runs from: {at} ({})", from.en)));
        }
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

    fn gap(&self, gap: &Gap) -> Explanation {
        let pack = self.pack(gap.pack_version);
        let need = match gap.need {
            Need::Required => both("必需", "required"),
            Need::Recommended => both("建议", "recommended"),
        };
        let reason = pack.name_of(&gap.reason);
        let source = pack.code(&gap.reason).map(|row| row.source.clone()).unwrap_or_default();
        let mut because = vec![self.rule(pack, &gap.reason, &reason, &source)];
        because.push(self.entry(pack, &gap.entry, "登记", "registered"));
        because.push(fact(
            format!("需要 {} 份，现有 {} 份", gap.least, gap.have),
            format!("{} wanted, {} there", gap.least, gap.have),
        ));
        because.extend(gap.unfit.iter().flat_map(|unfit| self.unfit(pack, unfit)));
        because.extend(reasons::of_gap(pack, gap));
        because.extend(gap.waiver.as_ref().map(|waiver| {
            fact(format!("确实没有时可说明：{}", waiver.zh), format!("if it can not be had, say so: {}", waiver.en))
        }));
        let answer =
            both(format!("缺证据：{}（{}）", gap.name.zh, need.zh), format!("missing evidence: {} ({})", gap.name.en, need.en));
        Explanation { about: format!("{}@{}", gap.evidence, gap.entry), answer, because }
    }

    /// A photo that does not count, with the reason.
    fn unfit(&self, pack: &Pack, unfit: &UnfitPhoto) -> [Because; 2] {
        let why = match &unfit.why {
            Unfit::Void { mark } | Unfit::Unclear { mark } => self.entry(pack, mark, "因为", "because of"),
            Unfit::Measured { fault, value, limit } => {
                let fault = pack.words(fault.as_str());
                fact(format!("{}：{value}，界限 {limit}", fault.zh), format!("{}: {value}, the limit is {limit}", fault.en))
            }
            Unfit::Original => Because { words: pack.words("original_unfit"), entry: None },
        };
        [self.entry(pack, &unfit.photo, "有照片但不算", "a photo that does not count"), why]
    }

    fn finding(&self, finding: &Finding, judged: &Judgement) -> Explanation {
        let pack = self.pack(finding.pack_version);
        let outlet = finding.outlet.as_ref().map_or_else(|| "?".to_owned(), ToString::to_string);
        let (state, amount) =
            (words(finding.state.as_str()), finding.amount.map(|amount| amount.to_string()).unwrap_or_default());
        let is_open = finding.open && finding.decided.is_none();
        let mut answer = both(
            format!("{}：{} 承担 {}% {amount} {}", state.zh, outlet, finding.share, finding.name.zh),
            format!("{}: {} answers, {}% {amount} {}", state.en, outlet, finding.share, finding.name.en),
        );
        if is_open {
            answer = both(
                format!("{}：请总部核查 {outlet}，规则未定比例和金额 {}", state.zh, finding.name.zh),
                format!(
                    "{}: head office looks at {outlet}; the rule names no share and no amount. {}",
                    state.en, finding.name.en
                ),
            );
        }
        let mut because = Vec::new();
        if let Some(row) = pack.liability(&finding.rule) {
            because.push(self.rule(pack, &row.id, &finding.name, &row.source));
            because.extend(row.why.as_ref().map(why));
            because.extend(amount_words(row));
            because.extend(
                row.further.as_ref().map(|further| fact(format!("另外：{}", further.zh), format!("also: {}", further.en))),
            );
        }
        match judged.deadlines.iter().find(|deadline| is_of(finding, deadline)) {
            Some(deadline) => because.extend(self.chain(pack, deadline, judged)),
            None => because.extend(self.of_another(pack, finding)),
        }
        let told: Vec<&EntryKey> = because.iter().filter_map(|link| link.entry.as_ref()).collect();
        let rest: Vec<&EntryKey> = finding.basis.iter().filter(|key| !told.contains(key)).collect();
        because.extend(rest.into_iter().map(|key| self.entry(pack, key, "依据", "rests on")));
        because.extend(finding.contacts.as_ref().map(|contacts| self.contacts(pack, contacts)));
        because.extend(finding.otherwise.iter().map(|other| Because { words: other.told(), entry: None }));
        if finding.lenient {
            because.push(fact(
                format!("面单无手机号或号码错误，判罚从宽：拟定 {}%", finding.share),
                format!("the label had no mobile or a wrong one, so it is lenient: {}% proposed", finding.share),
            ));
            because.extend(pack.leniency.iter().map(|row| {
                fact(
                    format!("从宽依据：{}（出处 {}）", row.zh, row.source),
                    format!("shown by: {} (source {})", row.en, row.source),
                )
            }));
        }
        if finding.review {
            because.push(fact("须由总部查看后再定", "head office must look before anything follows"));
        }
        because.extend(finding.disputes.iter().map(|key| self.entry(pack, key, "有异议", "disputed")));
        if let Some(decided) = &finding.decided {
            let (zh, en) = if decided.stands == Stands::Upheld {
                ("总部裁定成立", "upheld by head office")
            } else {
                ("总部裁定不成立", "lifted by head office")
            };
            because.push(self.entry(pack, &decided.by, zh, en));
        } else {
            because.push(fact("这是建议，由总部决定；系统不执行扣款", "a proposal: head office decides, and no money is moved"));
        }
        Explanation { about: finding.id.to_string(), answer, because }
    }

    /// The clock of a finding that exists only under another version or row, because the judgement has no such deadline.
    fn of_another(&self, pack: &Pack, finding: &Finding) -> Option<Because> {
        let (from, due) = (self.clock_time(pack, finding.started_at?), self.clock_time(pack, finding.due_at?));
        let (clock, version) = (finding.clock.as_ref()?, pack.version);
        Some(fact(
            format!("{clock} 按规则包第 {version} 版：起算 {from}，期限 {due}，含当刻"),
            format!("{clock} by rule pack version {version}: runs from {from}, due {due}, inclusive"),
        ))
    }

    /// The contacts between which the acts of a finding lie, and whether clocks prove the times within them.
    fn contacts(&self, pack: &Pack, contacts: &Contacts) -> Because {
        let until = self.clock_time(pack, contacts.until);
        let from = contacts.from.map_or_else(|| "?".to_owned(), |from| self.clock_time(pack, from));
        let gap = gap_words(contacts.width_ms(), contacts.proven);
        let mut zh = format!("时间依据：{from} 与 {until} 两次联网之间（{}）", gap.zh);
        let mut en = format!("time: between the contacts of {from} and {until} ({})", gap.en);
        if contacts.others_in_contact {
            zh.push_str("；本人另一台设备在此期间联过网");
            en.push_str("; another device of this person was in contact meanwhile");
        }
        if contacts.unproven_acts > 0 {
            zh.push_str(&format!("；本人 30 天内时间无法核实的记录：{} 条", contacts.unproven_acts));
            en.push_str(&format!("; this person's unverified acts in 30 days: {}", contacts.unproven_acts));
        }
        Because { words: both(zh, en), entry: Some(contacts.entry.clone()) }
    }

    fn conflict(&self, conflict: &Conflict) -> Explanation {
        let pack = &self.book.newest().pack;
        let because = conflict.sides.iter().map(|key| self.entry(pack, key, "一方", "one side")).collect();
        Explanation { about: conflict.kind.as_str().to_owned(), answer: words(conflict.kind.as_str()), because }
    }

    /// A fact for a reviewer: its entries, how it is known, and an honest cause that a person may give.
    fn question(&self, question: &Question) -> Explanation {
        let pack = &self.book.newest().pack;
        let mut because: Vec<Because> = question.entries.iter().map(|key| self.entry(pack, key, "记录", "the record")).collect();
        because.push(how_known(question.kind));
        because.push(fact("供总部核查，本身不作为判责依据", "for a reviewer to ask about; no finding rests on it"));
        Explanation { about: question.about(), answer: question.told(Some(pack)), because }
    }
}

/// How a fact is known, and what may explain it honestly.
fn how_known(kind: QuestionKind) -> Because {
    match kind {
        QuestionKind::OutageInContact => fact(
            "总部服务器的记录：自所称通话前 15 分钟至登记，该设备联系过总部；设备有网不等于网点有网或有电",
            "head office's server answered this device between 15 minutes before the claimed call and the record; a phone may have a \
             network where the outlet has none, or no power",
        ),
        QuestionKind::PhotoOtherTime => fact(
            "相机时间与登记时间出自同一设备；照片也可能先拍后登",
            "both times are of the device's own clock; a picture may honestly be recorded later",
        ),
        QuestionKind::PhotoNoTime => {
            fact("相机未写时间，或照片被其他软件改存过", "the camera wrote none, or another program saved the picture")
        }
        QuestionKind::PhotoFromGallery => {
            fact("应用如此声明，平台未作证明", "the app says so, and the platform does not attest it")
        }
        QuestionKind::PlaceFar => fact(
            "位置由相机或应用提供，没有精度；收件人可能改过地址",
            "camera or app gave the positions, without their accuracy; the recipient may have another address by now",
        ),
        QuestionKind::OutsideArea => fact(
            "与网点范围中心的距离；规则包写明网点范围；位置没有精度，员工也可能为邻近网点派送",
            "measured from the middle of the outlet's area, which the pack names; positions have no accuracy, and people also \
             deliver for a neighbouring outlet",
        ),
        QuestionKind::TooFast => {
            fact("只比较本件的照片；位置没有精度", "only photos of this parcel are compared, and positions have no accuracy")
        }
        QuestionKind::Crowded => fact(
            "总部服务器的记录：收到本件时，已有同一人 60 秒内对另外至少 5 件的派送登记，且不是一次操作；同一地址的多件也可能逐件\
             快速登记，或事后补记",
            "head office's server already had attempts of this person on at least 5 other parcels within 60 seconds, each recorded by \
             itself; parcels of one address may be recorded one after another, or all of them later",
        ),
        QuestionKind::TooFastElsewhere => fact(
            "总部服务器的记录：收到本件时，已有同一人在另一件的位置；只比较其他件，位置没有精度，设备时钟可能有误，账号也可能由\
             两人使用",
            "head office's server already had a position of this person in another case; positions have no accuracy, a device's clock \
             may be wrong, and two people may use one account",
        ),
        QuestionKind::OutageNoOutlet => fact(
            "登记有电话号码，但没有写明是哪个网点的：请核对号码是否属于寄件网点",
            "the record has a number but not whose it is: compare it with the origin outlet's",
        ),
        QuestionKind::SmsByWord => fact(
            "手机平台和运营商都没有结果：证明力较弱",
            "neither the phone's platform nor an operator has reported a result: it proves less",
        ),
    }
}

/// Whether a finding belongs to this missed deadline.
fn is_of(finding: &Finding, deadline: &Deadline) -> bool {
    let is_missed = matches!(deadline.timeliness, Timeliness::Late | Timeliness::LateSynced);
    let of_deadline =
        (Some(&deadline.clock), &deadline.started_by, deadline.pack_version, Some(deadline.started_at), deadline.due_at);
    let of_finding = (finding.clock.as_ref(), &finding.id.entry, finding.pack_version, finding.started_at, finding.due_at);
    is_missed && of_deadline == of_finding
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

fn amount_words(row: &Liability) -> Option<Because> {
    if row.goods_value {
        return Some(fact("金额：按寄件人申报的货物价值", "amount: the goods' value as the sender gave it"));
    }
    let per = match row.per {
        Per::Item => both("每件", "an item"),
        Per::Piece => both("每子件", "a piece"),
        Per::Time => both("每次", "each time"),
    };
    row.yuan.map(|yuan| fact(format!("金额：{}{yuan} 元", per.zh), format!("amount: {yuan} yuan {}", per.en)))
}
