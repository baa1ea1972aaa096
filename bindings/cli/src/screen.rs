//! A case on the screen: what is next, the deadlines, what is missing, whom to phone. The words are the pack's.

use chrono::FixedOffset;
use doorstep_client::{CaseRow, CaseView, Client};
use doorstep_domain::{Freight, FreightKind, Outlet, OutletCode, Parcel, Personal, UnixMs};
use doorstep_rules::{Card, Deadline, Duty, Flag, Message, Need, NextStep, Pack, Timeliness, Words};

use crate::{
    failure::Failed,
    words::{self, both, say},
};

/// Zone of the times until a rule pack names the network's: China's.
const EAST_8: i32 = 8 * 3600;

/// What is needed to show something: the directory and the pack's words.
pub struct Screen<'a> {
    /// Whose store is shown.
    pub client: &'a Client,
    pack: Option<Pack>,
    /// The network's zone.
    pub zone: FixedOffset,
}

impl<'a> Screen<'a> {
    /// The screen of a client.
    pub fn of(client: &'a Client) -> Self {
        let pack = client.pack().ok().flatten();
        let zone = pack.as_ref().and_then(Pack::zone).or_else(|| FixedOffset::east_opt(EAST_8));
        Self { client, pack, zone: zone.unwrap_or_else(|| chrono::Offset::fix(&chrono::Utc)) }
    }

    /// The rules in force, once they are here.
    pub fn pack(&self) -> Option<&Pack> {
        self.pack.as_ref()
    }

    /// The words for a key such as `notified`.
    pub fn words(&self, key: &str) -> Words {
        self.pack.as_ref().map_or_else(|| doorstep_rules::words(key), |pack| pack.words(key))
    }

    /// How an SMS stands.
    pub fn message(&self, message: &Message) -> Words {
        self.pack.as_ref().map_or_else(|| self.words(message.state.as_str()), |pack| message.told(pack))
    }

    /// The words of a key in both languages on one line.
    pub fn key(&self, key: &str) -> String {
        both(&self.words(key))
    }

    /// A code of the pack with its name: of a problem, an outcome, a step, a ledger line.
    pub fn code(&self, code: &str) -> String {
        self.pack.as_ref().map_or_else(|| code.to_owned(), |pack| named(code, &pack.name_of(code)))
    }

    /// An outlet's code with its name and the number to phone, as far as the directory knows.
    pub fn outlet(&self, code: Option<&OutletCode>) -> Result<String, Failed> {
        let Some(code) = code else { return Ok(say("未知", "not known")) };
        Ok(match self.client.outlet(code.as_str())? {
            Some(Outlet { name_zh, name_en, phone, .. }) => {
                format!("{code} {}, {}", say(&name_zh, &name_en), say(&format!("电话 {phone}"), &format!("phone {phone}")))
            }
            None => code.to_string(),
        })
    }

    /// The origin outlet of a case, from the directory.
    pub fn origin(&self, view: &CaseView) -> Result<Option<Outlet>, Failed> {
        match &view.case.facts.origin_outlet {
            Some(code) => Ok(self.client.outlet(code.as_str())?),
            None => Ok(None),
        }
    }

    /// A case right after something was recorded in it: what is next and what is missing. The origin outlet's number is
    /// shown when it is to be notified, and when `phone_origin` asks for it.
    pub fn after_recording(&self, view: &CaseView, phone_origin: bool) -> Result<String, Failed> {
        let mut text = self.heading(view);
        text += &self.next(view, phone_origin)?;
        let running = |deadline: &&Deadline| deadline.timeliness == Timeliness::Pending;
        for deadline in view.judgement.deadlines.iter().filter(running) {
            text += &self.deadline(deadline);
        }
        text += &missing(view);
        // A mistyped number is found while the parcel is still in the hand.
        let doubts = |flag: &&Flag| matches!(flag, Flag::Unlisted | Flag::InvalidCheckDigit);
        for flag in view.judgement.flags.iter().filter(doubts) {
            text += &line(&say("请核对单号", "check the number"), &self.key(flag.as_str()));
        }
        Ok(text)
    }

    /// Waybill, state and reason.
    pub fn heading(&self, view: &CaseView) -> String {
        let reason = view.case.reason().map_or_else(String::new, |code| format!("  {}", self.code(code)));
        format!("{}  [{}]{reason}\n", view.case.facts.waybill, self.key(view.judgement.state.as_str()))
    }

    /// What is next, with the origin outlet's number where it is to be phoned.
    pub fn next(&self, view: &CaseView, phone_origin: bool) -> Result<String, Failed> {
        let step = view.judgement.next_step;
        let side = view.judgement.next_side.map(|side| format!(" ({})", self.key(side.as_str()))).unwrap_or_default();
        let mut text = line(&say("下一步", "next"), &format!("{}{side}", self.key(step.as_str())));
        let phones = matches!(step, NextStep::NotifyOrigin | NextStep::SendNotice | NextStep::SendRegistration);
        if phones || phone_origin {
            text += &line(&say("寄件网点", "origin outlet"), &self.outlet(view.case.facts.origin_outlet.as_ref())?);
        }
        Ok(text)
    }

    /// A deadline, and how it stands.
    pub fn deadline(&self, deadline: &Deadline) -> String {
        let how = match deadline.timeliness {
            Timeliness::Pending if deadline.due_at.is_some() => words::left(deadline.left_ms),
            decided => self.key(decided.as_str()),
        };
        let due = match (deadline.due_at, deadline.missing) {
            (Some(due), _) => words::time(due, self.zone),
            (None, Some(_)) => say("不明", "not known"),
            (None, None) => say("无时限", "no limit"),
        };
        line(&say("期限", "deadline"), &format!("{} {}: {due}, {how}", deadline.clock, both(&deadline.name)))
    }

    /// A problem's card: whom to ask, and the steps with who did them.
    pub fn card(&self, card: &Card) -> String {
        let asks = card.asks.iter().map(|who| self.key(who)).collect::<Vec<_>>().join(", ");
        let mut text = line(&say("处理", "card"), &self.code(&card.code));
        if !asks.is_empty() {
            text += &format!("    {}: {asks}\n", say("询问", "ask"));
        }
        for step in &card.steps {
            let done = step.done.iter().map(|done| format!("  {} {}", done.by, words::time(done.at, self.zone)));
            let mark = if step.done.is_empty() { "[ ]" } else { "[x]" };
            let side = step.side.map(|side| format!(" ({})", self.key(side.as_str()))).unwrap_or_default();
            text += &format!("    {mark} {} {}{side}{}\n", step.step, both(&step.name), done.collect::<String>());
        }
        text
    }

    /// One case of the list: its line, and below it whose turn it is.
    pub fn row(&self, row: &CaseRow, now: UnixMs) -> String {
        let mut text = format!("{}  [{}]  {}", row.waybill, self.key(&row.state), self.code(&row.reason));
        if !row.decision.is_empty() {
            text += &format!("  {}", self.code(&row.decision));
        }
        text += &self.assigned(row);
        if row.unsent > 0 {
            text += &format!("  {}: {}", say("未发送", "not sent"), row.unsent);
        }
        if row.quarantined > 0 {
            text += &format!("  {}: {}", say("待审核", "quarantined"), row.quarantined);
        }
        text += "\n";
        if let Some(duty) = &row.due {
            text += &line(&self.turn(row.mine), &self.duty(duty, now));
        }
        text
    }

    fn turn(&self, mine: bool) -> String {
        if mine { say("轮到我", "my turn") } else { say("等待", "waits for") }
    }

    /// A duty with who has it and the time, the whole of it in Chinese and then in English.
    pub fn duty(&self, duty: &Duty, now: UnixMs) -> String {
        both(&duty.told(self.pack(), now))
    }

    /// To whom a case is assigned, and for when; empty if to nobody, and once it has ended.
    fn assigned(&self, row: &CaseRow) -> String {
        let Some(to) = row.assigned_to.as_ref().filter(|_| !row.closed) else { return String::new() };
        let planned = row.planned_at.map(|at| format!(" {}", words::time(at, self.zone))).unwrap_or_default();
        format!("  {} {to}{planned}", say("指派", "assigned to"))
    }

    /// One parcel of the day, for the courier who has it in the bag. `case`: its line in the list of cases.
    pub fn parcel(&self, parcel: &Parcel, case: Option<&CaseRow>, numbers: bool) -> String {
        let show = if numbers { words::personal } else { Personal::masked_number };
        let phone = parcel.recipient_phone.as_ref().map_or_else(|| say("无电话", "no phone"), show);
        let (name, address) = (words::personal(&parcel.recipient_name), words::personal(&parcel.recipient_address));
        let mut text =
            format!("{}  {name}  {phone}  {address}  {} {}", parcel.waybill, say("寄件网点", "from"), parcel.origin_outlet);
        if parcel.cod.0 > 0 {
            text += &format!("  {} {}", say("代收", "COD"), parcel.cod);
        }
        let details = &parcel.details;
        if let Some(Freight { kind: FreightKind::Collect, amount }) = details.freight {
            text += &format!("  {} {amount}", say("到付", "freight to collect"));
        }
        let pieces = details.pieces.or_else(|| u32::try_from(parcel.children.len() + 1).ok()).filter(|pieces| *pieces > 1);
        let run = details.run.as_ref().map(|run| (say("班次", "run"), run.clone()));
        for (label, value) in [
            pieces.map(|pieces| (say("件数", "pieces"), pieces.to_string())),
            details.receipt_no.as_ref().map(|number| (say("回单", "return receipt"), number.to_string())),
            details.sender_name.as_ref().map(|name| (say("寄件人", "sender"), words::personal(name))),
            details.sender_phone.as_ref().map(|number| (say("寄件电话", "sender's phone"), show(number))),
            run,
        ]
        .into_iter()
        .flatten()
        {
            text += &format!("  {label} {value}");
        }
        text += &case.map(|row| self.assigned(row)).unwrap_or_default();
        text + "\n"
    }
}

/// A code with its name, where it has one.
pub fn named(code: &str, Words { zh, en }: &Words) -> String {
    if zh == code { code.to_owned() } else { format!("{code} {}", say(zh, en)) }
}

/// The evidence that is missing.
pub fn missing(view: &CaseView) -> String {
    let gap = |gap: &doorstep_rules::Gap| {
        let need = match gap.need {
            Need::Required => say("必需", "required"),
            Need::Recommended => say("建议", "recommended"),
        };
        line(&say("缺证据", "missing evidence"), &format!("{} ({need})", both(&gap.name)))
    };
    view.judgement.missing.iter().map(gap).collect()
}

/// One line: a label and a value.
pub fn line(label: &str, value: &str) -> String {
    format!("  {label}: {value}\n")
}
