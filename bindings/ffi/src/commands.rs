//! What a person can do, as a host says it: one enum, its longer parts as records with defaults.

use doorstep_client::{
    Act, Client, ClientError, Recording, SmsWish,
    said::{self, CodeOf},
};
use doorstep_domain::{
    Action, Assign, Attempt, Call, Close, Consent, Correction, Dispute, Goods, Handover, Ledger, Outage, Personal, Problem,
    Reply, Stage, Tick, UnixMs, Waiver,
};

/// What a person does. Codes are the words of the rule pack (`rules()` lists them); times are milliseconds since 1970, UTC.
#[derive(Clone, PartialEq, Eq, uniffi::Enum)]
#[uniffi::export(Display)]
pub enum Command {
    /// A delivery failed.
    Fail {
        /// What happened.
        attempt: FailedDelivery,
    },
    /// Another problem was found.
    Problem {
        /// What was found.
        problem: ProblemFound,
    },
    /// Photos for a case that exists.
    Photos {
        /// The waybill.
        waybill: String,
    },
    /// An SMS to the customer is to be sent.
    Sms {
        /// The waybill.
        waybill: String,
        /// What it says and where it goes.
        wish: SmsRequest,
    },
    /// A call to the customer.
    Call {
        /// The waybill.
        waybill: String,
        /// How it ended: `answered`, `no_answer`, `busy`, `off`, `wrong`, `not_exist`.
        result: String,
        /// What was said.
        words: Option<String>,
        /// The number that was called; without one, the label's.
        #[uniffi(default = None)]
        number: Option<String>,
        /// When it began.
        #[uniffi(default = None)]
        called_at_ms: Option<i64>,
        /// How long it was rung or spoken, in seconds.
        #[uniffi(default = None)]
        seconds: Option<u32>,
    },
    /// A signed, dated note.
    Note {
        /// The waybill.
        waybill: String,
        /// Its text.
        words: String,
    },
    /// Network or power is out and the origin outlet was phoned.
    Outage {
        /// The waybills it covers.
        waybills: Vec<String>,
        /// `network`, `power`, ...
        reason: String,
        /// Who answered.
        contact: Option<String>,
        /// The number called.
        phone: Option<String>,
        /// When; without one, now.
        phoned_at_ms: Option<i64>,
        /// What was said.
        said: Option<String>,
    },
    /// The notice to the origin outlet.
    Notice {
        /// The waybill.
        waybill: String,
        /// The target; without one it comes from the parcel's data.
        to: Option<String>,
        /// Which decision is asked for.
        request: Option<String>,
    },
    /// The origin outlet has looked at the newest notice.
    Seen {
        /// The waybill.
        waybill: String,
    },
    /// The origin outlet's reply.
    Reply {
        /// What it says.
        reply: OriginReply,
    },
    /// What is said of another's entry: a reply that decides nothing, an unclear photo.
    Mark {
        /// The waybill.
        waybill: String,
        /// The entry's key; without one the newest reply.
        entry: Option<String>,
        /// What is said of it.
        remark: String,
        /// Code of the pack's list of reasons.
        reason: Option<String>,
        /// Why, in words.
        words: Option<String>,
    },
    /// Something was done with the parcel.
    Action {
        /// The waybill.
        waybill: String,
        /// Outcome code of the pack.
        outcome: String,
        /// The peer carrier, or the site it was forwarded to.
        carrier: Option<String>,
        /// The number under which it travels on.
        number: Option<String>,
        /// What it cost or was agreed to cost, in fen.
        amount_fen: Option<i64>,
        /// How, in words.
        words: Option<String>,
    },
    /// A step of a card was done.
    Tick {
        /// The waybill.
        waybill: String,
        /// Step code of the pack.
        step: String,
        /// What came of it.
        words: Option<String>,
    },
    /// A courier is to have the parcel: theirs until a later list, takeover or assignment.
    Assign {
        /// The waybill.
        waybill: String,
        /// Who: an account; `assignable` lists the possible ones.
        to: String,
        /// Planned for.
        planned_at_ms: Option<i64>,
        /// What is to be done.
        words: Option<String>,
    },
    /// A courier is to have several parcels. All are assigned, or none.
    AssignAll {
        /// The waybills.
        waybills: Vec<String>,
        /// Who: an account; `assignable` lists the possible ones.
        to: String,
        /// Planned for.
        planned_at_ms: Option<i64>,
        /// What is to be done.
        words: Option<String>,
    },
    /// Assignments are undone: each parcel is assigned to whom it was before, all or none.
    AssignBack {
        /// The waybills.
        waybills: Vec<String>,
        /// Why.
        words: Option<String>,
    },
    /// Other outlets or hubs are asked something about the parcel. Each gets the case and a task.
    Ask {
        /// The waybill.
        waybill: String,
        /// Step code of the pack, such as `outlet_search`.
        step: String,
        /// The codes of the outlets and hubs, at most 16.
        to: Vec<String>,
        /// The question in words.
        words: Option<String>,
    },
    /// A question to the person's outlet is answered.
    Answer {
        /// The waybill.
        waybill: String,
        /// Result code of the pack, such as `found`, `not_found`, `arrived`.
        result: String,
        /// The question's key; without one the only open question to the outlet that can have this result.
        ask: Option<String>,
        /// The provisional number under which the parcel was found.
        found: Option<String>,
        /// More, in words.
        words: Option<String>,
    },
    /// The parcel was sent on to another outlet, which confirms its arrival with [`Command::Answer`] and delivers it from then on.
    SendOn {
        /// The waybill.
        waybill: String,
        /// Outcome code of the pack, such as `FORWARD`.
        outcome: String,
        /// The outlet's code; without one, that of the reply in force.
        site: Option<String>,
        /// How, in words.
        words: Option<String>,
    },
    /// Parcels are given to a run of the outlet's timetable instead of a courier. All are given, or none.
    Dispatch {
        /// The waybills.
        waybills: Vec<String>,
        /// The run: a time of day, `HH:MM`.
        run: String,
        /// What is to be done.
        words: Option<String>,
    },
    /// A customer agreed to something.
    Consent {
        /// The waybill.
        waybill: String,
        /// `sender`, `recipient`.
        by: String,
        /// Outcome code of the pack.
        to: String,
        /// The person's name.
        name: Option<String>,
        /// What was said.
        words: Option<String>,
    },
    /// What the sender says of the goods.
    Goods {
        /// The waybill.
        waybill: String,
        /// Product name.
        name: Option<String>,
        /// Packaging.
        packing: Option<String>,
        /// Value in fen.
        value_fen: Option<i64>,
        /// Anything else.
        words: Option<String>,
    },
    /// A line of outlet finance's registers.
    Ledger {
        /// The waybill.
        waybill: String,
        /// Which register.
        book: String,
        /// Code of the pack.
        change: String,
        /// How much, in fen.
        amount_fen: Option<i64>,
        /// The receipt slip was taken back.
        slip: bool,
        /// Anything else.
        words: Option<String>,
    },
    /// Evidence that can not be had.
    Waive {
        /// The waybill.
        waybill: String,
        /// The row of the evidence matrix.
        evidence: String,
        /// Why not.
        words: String,
    },
    /// An earlier entry was wrong. It stays; what is right is recorded with the correction.
    Correct {
        /// The waybill.
        waybill: String,
        /// The entry's key.
        entry: String,
        /// What was wrong with it.
        fault: String,
        /// The entry whose act it is, if it is the same act recorded twice.
        same_as: Option<String>,
        /// Why.
        words: String,
        /// What is right.
        instead: Option<Box<Command>>,
    },
    /// A finding or a mark is contested.
    Dispute {
        /// The waybill.
        waybill: String,
        /// A finding's id, or an entry's key.
        about: String,
        /// Why.
        words: String,
    },
    /// A parcel with a provisional number is known by its own.
    Identify {
        /// The provisional number.
        provisional: String,
        /// The parcel's own.
        waybill: String,
    },
    /// The parcel is handed over to another courier, who takes it over on their own phone.
    Handover {
        /// The waybill.
        waybill: String,
        /// The other courier's account.
        to: String,
        /// Why.
        words: Option<String>,
    },
    /// A parcel that is being handed over is taken over.
    Takeover {
        /// The waybill.
        waybill: String,
    },
    /// The end of the case.
    Close {
        /// The waybill; a child number ends that piece.
        waybill: String,
        /// Outcome code of the pack.
        outcome: String,
        /// Who signed, or why.
        words: Option<String>,
    },
}

/// A failed delivery.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
#[uniffi::export(Display)]
pub struct FailedDelivery {
    /// The waybill, as typed or scanned; a child number names the piece.
    pub waybill: String,
    /// Reason code of the pack.
    pub reason: String,
    /// Sub-reason code.
    #[uniffi(default = None)]
    pub sub: Option<String>,
    /// What happened, in words.
    #[uniffi(default = None)]
    pub words: Option<String>,
    /// What the recipient would pay, in fen.
    #[uniffi(default = None)]
    pub offered_fen: Option<i64>,
    /// The time agreed for another delivery.
    #[uniffi(default = None)]
    pub agreed_at_ms: Option<i64>,
    /// How long the courier waited, in minutes.
    #[uniffi(default = None)]
    pub waited_minutes: Option<u32>,
}

/// Another problem than a failed delivery.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
#[uniffi::export(Display)]
pub struct ProblemFound {
    /// The waybill; a child number names the piece.
    pub waybill: String,
    /// Code of the pack.
    pub reason: String,
    /// Sub-reason code.
    #[uniffi(default = None)]
    pub sub: Option<String>,
    /// Where it was found; without one, the code's stage at which the person's role registers.
    #[uniffi(default = None)]
    pub stage: Option<String>,
    /// What was found, in words.
    #[uniffi(default = None)]
    pub words: Option<String>,
    /// When it was found; without one, now.
    #[uniffi(default = None)]
    pub found_at_ms: Option<i64>,
    /// How many items or pieces it concerns.
    #[uniffi(default = None)]
    pub count: Option<u32>,
    /// The other parcel's waybill.
    #[uniffi(default = None)]
    pub other: Option<String>,
    /// Weight on the scale, in grams.
    #[uniffi(default = None)]
    pub weight_g: Option<u32>,
    /// Weight on the label, in grams.
    #[uniffi(default = None)]
    pub label_g: Option<u32>,
}

/// The origin outlet's reply to a notice.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
#[uniffi::export(Display)]
pub struct OriginReply {
    /// The waybill.
    pub waybill: String,
    /// Decision code of the pack.
    pub decision: String,
    /// The data it needs, in words.
    #[uniffi(default = None)]
    pub words: Option<String>,
    /// Confirmed or corrected phone.
    #[uniffi(default = None)]
    pub phone: Option<String>,
    /// Confirmed or corrected address.
    #[uniffi(default = None)]
    pub address: Option<String>,
    /// Contact person.
    #[uniffi(default = None)]
    pub contact: Option<String>,
    /// Company.
    #[uniffi(default = None)]
    pub company: Option<String>,
    /// The label's data are right.
    #[uniffi(default = false)]
    pub same: bool,
    /// On which day, or until when.
    #[uniffi(default = None)]
    pub until_ms: Option<i64>,
    /// Where the recipient collects it.
    #[uniffi(default = None)]
    pub place: Option<String>,
    /// The recipient has been told.
    #[uniffi(default = false)]
    pub informed: bool,
    /// Who agreed: `sender`, `recipient`.
    #[uniffi(default = None)]
    pub agreed_by: Option<String>,
    /// The name of who agreed.
    #[uniffi(default = None)]
    pub agreed: Option<String>,
    /// Who pays.
    #[uniffi(default = None)]
    pub payer: Option<String>,
    /// The outlet to which the parcel is to be sent on, by its code.
    #[uniffi(default = None)]
    pub site: Option<String>,
}

/// What an SMS is to say, and where it goes.
#[derive(Clone, Default, PartialEq, Eq, uniffi::Record)]
#[uniffi::export(Display)]
pub struct SmsRequest {
    /// `zh` or `en`; without one, Chinese.
    #[uniffi(default = None)]
    pub language: Option<String>,
    /// The form of address; without one, the neutral form.
    #[uniffi(default = None)]
    pub honorific: Option<String>,
    /// The number under which the courier is reached.
    #[uniffi(default = None)]
    pub callback: Option<String>,
    /// The number; without one the one that reaches the recipient now.
    #[uniffi(default = None)]
    pub number: Option<String>,
    /// The person's own words instead of the template's: they prove nothing.
    #[uniffi(default = None)]
    pub text: Option<String>,
}

/// Shows a value that may hold a customer's data without any of that data: hosts print their objects into logs.
macro_rules! masked {
    ($($name:ident),+) => {
        $(impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(concat!(stringify!($name), "(***)"))
            }
        })+
    };
}
pub(crate) use masked;

masked!(Command, FailedDelivery, ProblemFound, OriginReply, SmsRequest);

/// Reads an app's words into the domain's own types. Nothing behind this file reads text.
impl Command {
    pub(crate) fn recording(self, client: &Client) -> Result<Recording, ClientError> {
        let (waybills, act) = self.parsed(client)?;
        let waybills = waybills.iter().map(|waybill| said::waybill(waybill)).collect::<Result<_, _>>()?;
        Ok(Recording { waybills, act, photos: Vec::new() })
    }

    fn parsed(self, client: &Client) -> Result<(Vec<String>, Act), ClientError> {
        let (waybill, act) = match self {
            Self::Fail { attempt } => attempt.parsed(client)?,
            Self::Problem { problem } => problem.parsed(client)?,
            Self::Photos { waybill } => (waybill, Act::Photos),
            Self::Sms { waybill, wish } => (waybill, Act::Sms { wish: wish.parsed()?, state: None, fault: None }),
            Self::Call { waybill, result, words, number, called_at_ms, seconds } => {
                let (result, called_at) = (said::word(&result)?, called_at_ms.map(UnixMs));
                let (number, words) = (personal(number)?, personal(words)?);
                (waybill, Act::Call(Call { result, number, called_at, seconds, words }))
            }
            Self::Note { waybill, words } => (waybill, Act::Note(said::said(&words)?)),
            Self::Outage { waybills, reason, contact, phone, phoned_at_ms, said: told } => {
                let outage = Outage {
                    reason: said::word(&reason)?,
                    contact: personal(contact)?,
                    phone: personal(phone)?,
                    phoned_at: phoned_at_ms.map(UnixMs),
                    outlet: None,
                    said: personal(told)?,
                };
                return Ok((waybills, Act::Outage(outage)));
            }
            Self::Notice { waybill, to, request } => {
                let to = to.as_deref().map(said::code).transpose()?;
                (waybill, Act::Notice { to, request: personal(request)? })
            }
            Self::Seen { waybill } => (waybill, Act::Seen),
            Self::Reply { reply } => reply.parsed(client)?,
            Self::Mark { waybill, entry, remark, reason, words } => {
                let mark = Act::Mark {
                    about: entry.as_deref().map(said::entry).transpose()?,
                    remark: said::word(&remark)?,
                    reason: reason.as_deref().map(|code| client.code(code, CodeOf::InvalidReply)).transpose()?,
                    words: personal(words)?,
                };
                (waybill, mark)
            }
            Self::Action { waybill, outcome, carrier, number, amount_fen, words } => {
                let action = Action {
                    outcome: client.code(&outcome, CodeOf::Action)?,
                    carrier: said::name(carrier.as_deref()),
                    number: number.as_deref().map(said::waybill).transpose()?,
                    amount: said::fen(amount_fen)?,
                    words: personal(words)?,
                    site: None,
                };
                (waybill, Act::Action(action))
            }
            Self::Tick { waybill, step, words } => {
                (waybill, Act::Tick(Tick { step: said::code(&step)?, words: personal(words)? }))
            }
            Self::Assign { waybill, to, planned_at_ms, words } => (waybill, assign(&to, planned_at_ms, words)?),
            Self::AssignAll { waybills, to, planned_at_ms, words } => return Ok((waybills, assign(&to, planned_at_ms, words)?)),
            Self::AssignBack { waybills, words } => return Ok((waybills, Act::AssignBack { words: personal(words)? })),
            Self::Ask { waybill, step, to, words } => {
                let to = to.iter().map(|outlet| said::code(outlet)).collect::<Result<_, _>>()?;
                (waybill, Act::Ask { step: said::code(&step)?, to, words: personal(words)? })
            }
            Self::Answer { waybill, result, ask, found, words } => {
                let ask = ask.as_deref().map(said::entry).transpose()?;
                let found = found.as_deref().map(said::waybill).transpose()?;
                (waybill, Act::Answer { ask, result: said::code(&result)?, found, words: personal(words)? })
            }
            Self::SendOn { waybill, outcome, site, words } => {
                let (outcome, site) = (client.code(&outcome, CodeOf::Action)?, site.as_deref().map(said::code).transpose()?);
                (waybill, Act::Action(Action { site, words: personal(words)?, ..Action::of(outcome) }))
            }
            Self::Dispatch { waybills, run, words } => return Ok((waybills, Act::Dispatch { run, words: personal(words)? })),
            Self::Consent { waybill, by, to, name, words } => {
                let (by, to) = (said::word(&by)?, client.code(&to, CodeOf::Consent)?);
                (waybill, Act::Consent(Consent { by, to, name: personal(name)?, words: personal(words)? }))
            }
            Self::Goods { waybill, name, packing, value_fen, words } => {
                let (name, packing, value) = (personal(name)?, personal(packing)?, said::fen(value_fen)?);
                (waybill, Act::Goods(Goods { name, packing, value, words: personal(words)? }))
            }
            Self::Ledger { waybill, book, change, amount_fen, slip, words } => {
                let (book, change) = (said::word(&book)?, client.code(&change, CodeOf::Ledger)?);
                let (amount, words) = (said::fen(amount_fen)?, personal(words)?);
                (waybill, Act::Ledger(Ledger { book, change, amount, letter: None, slip, words }))
            }
            Self::Waive { waybill, evidence, words } => {
                (waybill, Act::Waive(Waiver { evidence: said::code(&evidence)?, words: said::said(&words)? }))
            }
            Self::Correct { waybill, entry, fault, same_as, words, instead } => {
                let correction = Correction {
                    of: said::entry(&entry)?,
                    fault: said::word(&fault)?,
                    same_as: same_as.as_deref().map(said::entry).transpose()?,
                    words: said::said(&words)?,
                };
                let instead = instead.map(|command| command.parsed(client)).transpose()?;
                (waybill, Act::Correct { correction, instead: instead.map(|(_, act)| Box::new(act)) })
            }
            Self::Dispute { waybill, about, words } => {
                (waybill, Act::Dispute(Dispute { about: said::about(&about)?, words: said::said(&words)? }))
            }
            Self::Identify { provisional, waybill } => return Ok((vec![provisional, waybill], Act::Identify)),
            Self::Handover { waybill, to, words } => {
                (waybill, Act::Handover(Handover { to: said::code(&to)?, words: personal(words)? }))
            }
            Self::Takeover { waybill } => (waybill, Act::Takeover),
            Self::Close { waybill, outcome, words } => {
                let outcome = client.code(&outcome, CodeOf::Close)?;
                (waybill, Act::Close(Close { outcome, words: personal(words)?, piece: None }))
            }
        };
        Ok((vec![waybill], act))
    }
}

fn assign(to: &str, planned_at_ms: Option<i64>, words: Option<String>) -> Result<Act, ClientError> {
    let (to, planned_at) = (said::code(to)?, planned_at_ms.map(UnixMs));
    Ok(Act::Assign(Assign { to, planned_at, replaces: None, words: personal(words)? }))
}

fn personal(text: Option<String>) -> Result<Option<Personal>, ClientError> {
    said::words(text.as_deref())
}

impl FailedDelivery {
    fn parsed(self, client: &Client) -> Result<(String, Act), ClientError> {
        let Self { waybill, reason, sub, words, offered_fen, agreed_at_ms, waited_minutes } = self;
        let reason = client.code(&reason, CodeOf::Attempt)?;
        let attempt = Attempt {
            sub: sub.map(|sub| client.sub_reason(&reason, &sub)).transpose()?,
            reason,
            words: personal(words)?,
            piece: None,
            offered: said::fen(offered_fen)?,
            agreed_at: agreed_at_ms.map(UnixMs),
            waited_minutes,
        };
        Ok((waybill, Act::Fail(attempt)))
    }
}

impl ProblemFound {
    fn parsed(self, client: &Client) -> Result<(String, Act), ClientError> {
        let Self { waybill, reason, sub, stage, words, found_at_ms, count, other, weight_g, label_g } = self;
        let reason = client.code(&reason, CodeOf::Problem)?;
        let named = stage.as_deref().map(said::word::<Stage>).transpose()?;
        let problem = Problem {
            sub: sub.map(|sub| client.sub_reason(&reason, &sub)).transpose()?,
            reason,
            stage: named.unwrap_or(Stage::Delivery),
            found_at: found_at_ms.map(UnixMs),
            count,
            piece: None,
            other: other.as_deref().map(said::waybill).transpose()?,
            weight_g,
            label_g,
            words: personal(words)?,
        };
        Ok((waybill, Act::Problem { problem, usual_stage: named.is_none() }))
    }
}

impl OriginReply {
    fn parsed(self, client: &Client) -> Result<(String, Act), ClientError> {
        let reply = Reply {
            notice: None,
            decision: client.code(&self.decision, CodeOf::Decision)?,
            words: personal(self.words)?,
            phone: personal(self.phone)?,
            address: personal(self.address)?,
            contact: personal(self.contact)?,
            company: personal(self.company)?,
            same: self.same,
            until: self.until_ms.map(UnixMs),
            place: personal(self.place)?,
            informed: self.informed,
            agreed_by: self.agreed_by.as_deref().map(said::word).transpose()?,
            agreed: personal(self.agreed)?,
            payer: self.payer.as_deref().map(said::word).transpose()?,
            letter: None,
            site: self.site.as_deref().map(said::code).transpose()?,
        };
        Ok((self.waybill, Act::Reply(reply)))
    }
}

impl SmsRequest {
    pub(crate) fn parsed(self) -> Result<SmsWish, ClientError> {
        Ok(SmsWish {
            language: self.language.as_deref().map(said::word).transpose()?,
            honorific: self.honorific.as_deref().map(said::word).transpose()?,
            callback: personal(self.callback)?,
            number: said::words(self.number.as_deref().map(str::trim))?,
            text: self.text.as_deref().map(said::said).transpose()?,
        })
    }
}
