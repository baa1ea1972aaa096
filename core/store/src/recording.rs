//! A person's action in the form that the outbox keeps until the server has accepted it.
//!
//! The encoding is JSON with the names of the fields below and of the domain's entries. One wrong byte in the text spoils one
//! value, so a damaged row still tells the act. A new field or act gets a default, and none is renamed, because rows of older
//! versions are read too.

use doorstep_domain::{
    Action, Assign, Attempt, Call, Close, Consent, Correction, Dispute, EntryKey, Goods, Handover, Ledger, Outage, OutletCode,
    Personal, Photo, PhotoId, PhotoPurpose, Problem, ReasonCode, Remark, Reply, SmsFault, SmsReport, SmsState, Tick, Waiver,
    Waybill, WaybillError,
};
use doorstep_rules::sms::{Honorific, Language};
use serde::{Deserialize, Serialize};

/// A person's action on one or several parcels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recording {
    /// The waybills, as typed or scanned. A child number names a piece of its shipment.
    pub waybills: Vec<Waybill>,
    /// The act.
    #[serde(flatten)]
    pub act: Act,
    /// The photos that were recorded with it. They are filled in when their files are made.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub photos: Vec<PhotoRef>,
}

/// A photo in the outbox. Its entry says more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhotoRef {
    /// The SHA-256 of the photo.
    pub sha: PhotoId,
    /// The length in bytes.
    pub len: u64,
    /// The subject of the photo.
    pub shows: PhotoPurpose,
}

/// An act in the domain's own types. The person gives only the fields that nothing else tells. The others are filled in at the
/// recording: the piece, the called outlet, the notice that a reply answers, the letter, and the replaced assignment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", content = "said", rename_all = "snake_case")]
pub enum Act {
    /// A delivery failed.
    Fail(Attempt),
    /// Another problem was found (domain 2.5 to 2.8).
    Problem {
        /// The problem.
        #[serde(flatten)]
        problem: Problem,
        /// The person did not name the stage. The code's first stage at which the person's role registers replaces the problem's
        /// own.
        #[serde(default)]
        usual_stage: bool,
    },
    /// Photos were added to an existing case.
    Photos,
    /// An SMS to the customer is to be sent, or the person has sent it.
    Sms {
        /// The content and the recipient.
        wish: SmsWish,
        /// The state that the person has already brought about: handed over or failed. `None` queues the SMS.
        state: Option<SmsState>,
        /// Why it failed.
        fault: Option<SmsFault>,
    },
    /// A report on an SMS. The app itself writes it, before and after it acts.
    SmsReport(SmsReport),
    /// A call to the customer. Without a number, the label's number was called.
    Call(Call),
    /// A signed, dated note.
    Note(Personal),
    /// Network or power is out, and the origin outlet was phoned (X-1). Without a time, the present time counts.
    Outage(Outage),
    /// A notice to the origin outlet.
    Notice {
        /// The target. Without one, it comes from the parcel's data.
        to: Option<OutletCode>,
        /// The decision that is asked for.
        request: Option<Personal>,
    },
    /// The origin outlet has looked at the newest notice.
    Seen,
    /// The origin outlet's reply.
    Reply(Reply),
    /// A mark on another person's entry: a reply that decides nothing, or an unclear photo (domain 6.4).
    Mark {
        /// The entry. Without one, the newest reply.
        about: Option<EntryKey>,
        /// The mark.
        remark: Remark,
        /// A code of the pack's list of reasons.
        reason: Option<ReasonCode>,
        /// The reason in words.
        words: Option<Personal>,
    },
    /// Something was done with the parcel (domain 2.3).
    Action(Action),
    /// A step of a card was done.
    Tick(Tick),
    /// An assignment: a courier has the parcel from now on.
    Assign(Assign),
    /// The assignment in force is undone: the parcel is assigned to whom it was before.
    AssignBack {
        /// The reason in words.
        #[serde(default)]
        words: Option<Personal>,
    },
    /// Outlets or hubs are asked something about the parcel.
    Ask {
        /// The step that they are asked to do: a code of the pack.
        step: ReasonCode,
        /// The outlets and hubs.
        to: Vec<OutletCode>,
        /// The question in words.
        #[serde(default)]
        words: Option<Personal>,
    },
    /// The answer to a question to the person's outlet.
    Answer {
        /// The question. Without one, the only open question that can have this result.
        #[serde(default)]
        ask: Option<EntryKey>,
        /// The result: a code of the pack.
        result: ReasonCode,
        /// The provisional number under which the parcel was found. Each of the two cases gets the other number.
        #[serde(default)]
        found: Option<Waybill>,
        /// More, in words.
        #[serde(default)]
        words: Option<Personal>,
    },
    /// The parcel is given to a run of the outlet's timetable.
    Dispatch {
        /// The run: a time of day, `HH:MM`.
        run: String,
        /// The task in words.
        #[serde(default)]
        words: Option<Personal>,
    },
    /// A consent of a customer.
    Consent(Consent),
    /// The sender's description of the goods (EV-4).
    Goods(Goods),
    /// A line of outlet finance's registers.
    Ledger(Ledger),
    /// A waiver of evidence that can not be had.
    Waive(Waiver),
    /// A correction of an earlier entry. That entry stays, and the right values are recorded with the correction.
    Correct {
        /// What was wrong with the entry.
        #[serde(flatten)]
        correction: Correction,
        /// The right act.
        instead: Option<Box<Act>>,
    },
    /// A dispute of a finding or a mark.
    Dispute(Dispute),
    /// An alias: the first waybill is provisional, the second is the parcel's own.
    Identify,
    /// The parcel is handed over to another courier, who takes it over on their own phone (C-23).
    Handover(Handover),
    /// The takeover of a parcel that is being handed over (C-23).
    Takeover,
    /// The end of the case, or of a piece if the waybill is a child number.
    Close(Close),
}

/// The content and recipient of an SMS.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SmsWish {
    /// The language. Without one, Chinese.
    pub language: Option<Language>,
    /// How the recipient is addressed. Without one, neutrally.
    pub honorific: Option<Honorific>,
    /// The phone number of the courier.
    pub callback: Option<Personal>,
    /// The recipient's number. Without one, the number that reaches the recipient now.
    pub number: Option<Personal>,
    /// The person's own words instead of the template's. They prove nothing.
    pub text: Option<Personal>,
}

impl PhotoRef {
    /// Makes the reference of an entry that is about to be recorded.
    pub fn of(photo: &Photo) -> Self {
        Self { sha: photo.id, len: photo.len, shows: photo.purpose }
    }
}

impl Recording {
    /// Makes an act on one parcel, by its number as typed or scanned.
    pub fn of(waybill: &str, act: Act) -> Result<Self, WaybillError> {
        Ok(Self::on(Waybill::parse(waybill)?, act))
    }

    /// Makes an act on one parcel.
    pub fn on(waybill: Waybill, act: Act) -> Self {
        Self { waybills: vec![waybill], act, photos: Vec::new() }
    }

    /// The person's own words.
    pub fn words(&self) -> Option<&Personal> {
        self.act.words()
    }

    /// The JSON that the outbox keeps.
    pub(crate) fn to_json(&self) -> serde_json::Result<String> {
        serde_json::to_string(self)
    }
}

impl Act {
    /// The person's own words.
    pub fn words(&self) -> Option<&Personal> {
        match self {
            Self::Fail(Attempt { words, .. })
            | Self::Problem { problem: Problem { words, .. }, .. }
            | Self::SmsReport(SmsReport { words, .. })
            | Self::Call(Call { words, .. })
            | Self::Outage(Outage { said: words, .. })
            | Self::Notice { request: words, .. }
            | Self::Reply(Reply { words, .. })
            | Self::Mark { words, .. }
            | Self::Action(Action { words, .. })
            | Self::Tick(Tick { words, .. })
            | Self::Assign(Assign { words, .. })
            | Self::AssignBack { words }
            | Self::Ask { words, .. }
            | Self::Answer { words, .. }
            | Self::Dispatch { words, .. }
            | Self::Consent(Consent { words, .. })
            | Self::Goods(Goods { words, .. })
            | Self::Ledger(Ledger { words, .. })
            | Self::Handover(Handover { words, .. })
            | Self::Close(Close { words, .. })
            | Self::Sms { wish: SmsWish { text: words, .. }, .. } => words.as_ref(),
            Self::Note(words)
            | Self::Waive(Waiver { words, .. })
            | Self::Correct { correction: Correction { words, .. }, .. }
            | Self::Dispute(Dispute { words, .. }) => Some(words),
            Self::Photos | Self::Seen | Self::Identify | Self::Takeover => None,
        }
    }
}

/// A row of the outbox, as far as it can be read.
pub(crate) struct Kept {
    /// The name of the act; `action` if it can not be read.
    pub what: String,
    /// The first waybill, in the spelling of the row.
    pub waybill: Option<String>,
    /// The recording, if the row has this version's form and is not damaged.
    pub recording: Option<Recording>,
}

impl Kept {
    /// Reads a row. A row from before acts were typed, or one that sends an accepted change again, has only a name and perhaps a
    /// waybill.
    pub(crate) fn read(json: &str) -> Self {
        let row: serde_json::Value = serde_json::from_str(json).unwrap_or_default();
        let text = |value: Option<&serde_json::Value>| value.and_then(serde_json::Value::as_str).map(str::to_owned);
        let first = || text(row.get("waybills").and_then(|all| all.get(0)));
        let waybill = text(row.get("provisional")).or_else(|| text(row.get("waybill"))).or_else(first);
        let what = text(row.get("do")).unwrap_or_else(|| "action".to_owned());
        Self { what, waybill, recording: serde_json::from_value(row).ok() }
    }
}

#[cfg(test)]
mod tests {
    use doorstep_domain::{Fault, Fen, Stage, UnixMs};

    use super::*;

    fn text(words: &str) -> Personal {
        Personal::plain(words).unwrap()
    }

    #[test]
    fn a_recording_reads_back_from_what_the_outbox_keeps() {
        let key: EntryKey = "attempt/abcdefgh-1".parse().unwrap();
        let attempt = Attempt {
            words: Some(text("敲门无人")),
            offered: Some(Fen(1_200)),
            agreed_at: Some(UnixMs(5)),
            ..Attempt::of("DF-NOMONEY".parse().unwrap())
        };
        let correction = Correction { of: key.clone(), fault: Fault::IncorrectData, same_as: None, words: text("选错原因") };
        let reply = Reply { informed: true, until: Some(UnixMs(7)), ..Reply::of("REDELIVER".parse().unwrap()) };
        let wish = SmsWish { language: Some(Language::En), number: Some(text("13800000000")), ..SmsWish::default() };
        let acts = [
            Act::Fail(attempt.clone()),
            Act::Problem { problem: Problem::of("CD-DAMAGE".parse().unwrap(), Stage::Hub), usual_stage: false },
            Act::Photos,
            Act::Sms { wish, state: Some(SmsState::Failed), fault: Some(SmsFault::NoService) },
            Act::Note(text("一")),
            Act::Reply(reply),
            Act::Mark { about: Some(key.clone()), remark: Remark::Invalid, reason: None, words: None },
            Act::Correct { correction, instead: Some(Box::new(Act::Fail(attempt))) },
            Act::Dispute(Dispute { about: "LIA-04@attempt/abcdefgh-1".parse().unwrap(), words: text("不对") }),
            Act::Takeover,
            Act::AssignBack { words: Some(text("改回")) },
            Act::Ask { step: "outlet_search".parse().unwrap(), to: vec!["0755".parse().unwrap()], words: None },
            Act::Answer {
                ask: Some(key.clone()),
                result: "found".parse().unwrap(),
                found: Some(Waybill::parse("PV-H1-ABCD2345").unwrap()),
                words: Some(text("在货架上")),
            },
            Act::Dispatch { run: "19:00".to_owned(), words: None },
            Act::Close(Close::of("SIGNED".parse().unwrap())),
        ];
        for act in acts {
            let photos = vec![PhotoRef { sha: PhotoId::new([3; 32]), len: 9, shows: PhotoPurpose::Door }];
            let recording = Recording { photos, ..Recording::of("QH310000000017", act).unwrap() };
            let kept = Kept::read(&recording.to_json().unwrap());
            assert_eq!((kept.recording, kept.waybill.as_deref()), (Some(recording), Some("QH310000000017")));
        }
    }

    /// A golden test: an updated device has rows like this one.
    #[test]
    fn a_failed_delivery_is_kept_in_these_words() {
        let attempt = Attempt { words: Some(text("敲门无人")), ..Attempt::of("DF-NOBODY".parse().unwrap()) };
        let json = Recording::of("QH310000000017", Act::Fail(attempt)).unwrap().to_json().unwrap();
        assert_eq!(
            json,
            r#"{"waybills":["QH310000000017"],"do":"fail","said":{"reason":"DF-NOBODY","sub":null,"words":"敲门无人","piece":null,"offered":null,"agreed_at":null,"waited_minutes":null}}"#
        );
        let shorter = r#"{"waybills":["QH310000000017"],"do":"fail","said":{"reason":"DF-NOBODY"}}"#;
        assert!(Kept::read(shorter).recording.is_some(), "a field that the row's version did not have is left out");
    }

    #[test]
    fn rows_of_before_say_what_was_done_and_where() {
        let told = |json| {
            let kept = Kept::read(json);
            (kept.what, kept.waybill, kept.recording.is_some())
        };
        let old = r#"{"do":"fail","waybill":"qh 310000000017","reason":"DF-NOBODY","sub":null,"words":"无人","photos":[],"details":{}}"#;
        assert_eq!(told(old), ("fail".into(), Some("qh 310000000017".into()), false));
        assert_eq!(
            told(r#"{"do":"outage","waybills":["QH1234"],"reason":"power"}"#),
            ("outage".into(), Some("QH1234".into()), false)
        );
        assert_eq!(told(r#"{"do":"resend"}"#), ("resend".into(), None, false));
        assert_eq!(told("{\"do"), ("action".into(), None, false));
    }
}
