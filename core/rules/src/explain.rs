//! Reasons in Chinese and English for each deadline, missing evidence, finding and conflict: the rule and the chain of facts.
//! They are made from the judgement, so they cannot differ from it. They have no customer's data.

mod deadline;
mod link;
mod question;
mod reasons;

use doorstep_domain::{EntryKey, Recorded, Stands, UnixMs};
use serde::Serialize;

use crate::{
    Case, Conflict, Contacts, Deadline, Finding, Gap, Judgement, Liability, Message, Need, Pack, Per, Question, Rulebook, Sight,
    Timeliness, Unfit, UnfitPhoto, Words, gap_words, telling, words,
};

pub use self::link::Because;
use self::{
    link::{both, fact, why},
    question::how_known,
};

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

/// Whether a finding belongs to this missed deadline.
fn is_of(finding: &Finding, deadline: &Deadline) -> bool {
    let is_missed = matches!(deadline.timeliness, Timeliness::Late | Timeliness::LateSynced);
    let of_deadline =
        (Some(&deadline.clock), &deadline.started_by, deadline.pack_version, Some(deadline.started_at), deadline.due_at);
    let of_finding = (finding.clock.as_ref(), &finding.id.entry, finding.pack_version, finding.started_at, finding.due_at);
    is_missed && of_deadline == of_finding
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
