//! The workload of the peers' harness, and what its values are here.
//!
//! Each `{a, t, ops}` becomes one change, written at its time `t` by the person whom its actor stands for:
//!
//! | in the workload | here |
//! | --- | --- |
//! | `chg[0]`, the shared first change | nothing: a case needs none |
//! | `id`, `WB` and 11 digits | the waybill, `QH0` and the same digits, as the rule pack spells them |
//! | actor, and the `by` of a record | the author: `c` or `o` and the first 6 digits of the actor, or `hub` |
//! | `waybill`, `status`, `recipient` | a note with name, number, address and postcode; head office's list has them too |
//! | `attempts` with `status` | a failed attempt: the reason as a code of the pack, the note as its words |
//! | `lat`, `lon`, `acc` of an attempt | the position of each photo that names it |
//! | `photos` | a photo's entry: its hash, its length, when it was taken. `w`, `h` and `mime`, always the same, have no field |
//! | `sms` | an SMS: number, template, and the template's name as its text; `st` is a report that the phone has handed it over, because one that waits would be sent |
//! | `st` of an earlier SMS | a report that it was sent |
//! | `notes`, `replies` | a note; a reply with its decision as a code of the pack |
//! | `status` alone | an action: the return |
//!
//! The record ids of the workload have no counterpart: an entry's key comes from its writer and its number.

use std::{collections::BTreeMap, path::PathBuf};

use data_encoding::BASE64URL_NOPAD;
use doorstep_domain::{
    Action, Attempt, Author, Body, Capture, CaseId, EntryKey, GeoPosition, InstallId, Personal, Photo, PhotoId, PhotoPurpose,
    Reply, Role, Sms, SmsReport, SmsState, SmsWay, Tag, UnixMs, Waybill,
};
use doorstep_store::{Act, SmsWish};
use doorstep_tests::{code, text};
use serde_json::Value;

/// The one network and outlet of the workload: everybody in it works there, and its parcels begin and end there.
pub const NETWORK: &str = "QH";
/// Its outlet.
pub const OUTLET: &str = "0412";
/// How many documents get one more change.
pub const EDITED: usize = 50;

/// The folder of the harness's data.
pub fn data() -> PathBuf {
    std::env::var_os("PEERS_DATA").map_or_else(|| std::env::temp_dir().join("peers-data"), PathBuf::from)
}

/// A document of the workload.
pub struct Document(Value);

/// One change of it.
pub struct Step {
    /// When it is written.
    pub at: UnixMs,
    /// The parcel.
    pub waybill: Waybill,
    /// Its author's account.
    pub user: String,
    /// Its entries: one, or an SMS with its report.
    pub bodies: Vec<Body>,
    /// What the person did.
    pub act: Act,
}

/// The first documents of the workload.
pub fn documents(count: usize) -> Vec<Document> {
    let all: Vec<Value> = serde_json::from_slice(&std::fs::read(data().join("workload.json")).unwrap()).unwrap();
    assert!(all.len() >= count, "the workload has {} documents", all.len());
    all.into_iter().take(count).map(Document).collect()
}

/// The accounts of everybody who writes in these documents.
pub fn people(documents: &[Document]) -> Vec<String> {
    let mut all: Vec<String> = documents.iter().flat_map(|document| (1..4).map(|actor| document.person(actor))).collect();
    all.sort();
    all.dedup();
    all
}

/// A person of the outlet. Every account has the role that may record all kinds of entry of the workload.
pub fn author(user: &str) -> Author {
    Author { user: code(user), role: Role::OutletManager, outlet: code(OUTLET) }
}

impl Document {
    /// Its waybill.
    pub fn waybill(&self) -> Waybill {
        Waybill::parse(&format!("QH0{}", &text_of(&self.0["id"])[2..])).unwrap()
    }

    /// Its line in head office's list of parcels: name, number and address of the recipient.
    pub fn recipient(&self) -> [String; 3] {
        let ops = &self.0["chg"][1]["ops"];
        let [name, number, address, zip] = ["name", "phone", "addr", "zip"].map(|field| value(ops, field).to_owned());
        [name, number, format!("{address} {zip}")]
    }

    /// Its changes, as the installation writes them that writes all of them.
    pub fn steps(&self, install: &InstallId) -> Vec<Step> {
        let mut places = BTreeMap::new();
        let mut messages = BTreeMap::new();
        let changes = self.0["chg"].as_array().unwrap().iter().skip(1);
        let step = |(change, seq)| self.step(change, (install, seq), &mut places, &mut messages);
        changes.zip(1..).map(step).collect()
    }

    /// The one further change.
    pub fn extra(&self, install: &InstallId) -> Step {
        self.step(&self.0["extra"], (install, 1), &mut BTreeMap::new(), &mut BTreeMap::new())
    }

    fn person(&self, actor: u64) -> String {
        let id = &text_of(&self.0["actors"][actor as usize])[..6];
        match actor {
            1 => format!("c{id}"),
            2 => format!("o{id}"),
            _ => "hub".into(),
        }
    }

    /// `places`: where each attempt was. `messages`: the key of each SMS.
    fn step(
        &self,
        change: &Value,
        (install, seq): (&InstallId, u64),
        places: &mut BTreeMap<String, Option<GeoPosition>>,
        messages: &mut BTreeMap<String, EntryKey>,
    ) -> Step {
        let (waybill, ops) = (self.waybill(), &change["ops"]);
        let at = UnixMs(change["t"].as_i64().unwrap());
        let path: Vec<&str> = ops[0]["p"].as_array().unwrap().iter().map(text_of).collect();
        let words = |field| text(value(ops, field));
        let (bodies, act) = match path.as_slice() {
            ["waybill"] => {
                let [name, number, address] = self.recipient();
                note(text(format!("{name}, {number}, {address}")))
            }
            ["attempts", id] => {
                let place = GeoPosition::new(number(ops, "lat") as i32, number(ops, "lon") as i32);
                let place = place.map(|place| GeoPosition { accuracy_m: u32::try_from(number(ops, "acc")).ok(), ..place });
                places.insert((*id).to_owned(), place);
                let attempt = Attempt { words: Some(words("note")), ..Attempt::of(code(reason(value(ops, "reason")))) };
                (vec![Body::Attempt(attempt.clone())], Act::Fail(attempt))
            }
            ["photos", id] => {
                let sha: [u8; 32] = photo_id(id);
                let position = places.get(value(ops, "att")).copied().flatten();
                let capture = Capture { at: Some(UnixMs(number(ops, "at"))), position, camera: None };
                let len = u64::try_from(number(ops, "size")).unwrap();
                let photo = Photo { capture, ..Photo::of(PhotoId::new(sha), len, PhotoPurpose::Door) };
                (vec![Body::Photo(photo)], Act::Photos)
            }
            ["sms", id] => {
                let case = CaseId::of(&code(NETWORK), &waybill);
                let day = i32::try_from(at.0.div_euclid(86_400_000)).unwrap();
                let sms = Sms::worded(&case, day, words("to"), words("tpl")).expect("a number to which an SMS can go");
                let sms = Sms { template: Some(code(value(ops, "tpl"))), template_version: 1, ..sms };
                let key = EntryKey { kind: "sms".into(), tag: Tag::of(install), seq, index: Some(0) };
                messages.insert((*id).to_owned(), key.clone());
                let state = SmsState::HandedOver;
                let bodies = vec![Body::Sms(sms), Body::SmsReport(report(key, state))];
                (bodies, Act::Sms { wish: SmsWish::default(), state: Some(state), fault: None })
            }
            ["sms", id, "st"] => {
                let report = report(messages[*id].clone(), SmsState::Sent);
                (vec![Body::SmsReport(report.clone())], Act::SmsReport(report))
            }
            ["notes", _] => note(words("text")),
            ["replies", _] => {
                let reply = Reply { words: Some(words("text")), ..Reply::of(code(decision(value(ops, "kind")))) };
                (vec![Body::Reply(reply.clone())], Act::Reply(reply))
            }
            ["status"] => {
                let action = Action::of(code("RETURN"));
                (vec![Body::Action(action.clone())], Act::Action(action))
            }
            other => panic!("an unknown change of the workload: {other:?}"),
        };
        Step { at, waybill, user: self.person(change["a"].as_u64().unwrap()), bodies, act }
    }
}

fn note(words: Personal) -> (Vec<Body>, Act) {
    (vec![Body::Note { words: words.clone() }], Act::Note(words))
}

/// A phone's report on an SMS.
fn report(of: EntryKey, state: SmsState) -> SmsReport {
    SmsReport { of, state, way: SmsWay::Phone, round: 0, holder: None, fault: None, at: None, words: None }
}

/// The hash of a photo. The workload's ids are 43 random characters, whose last one has two bits too many.
fn photo_id(id: &str) -> [u8; 32] {
    let mut bytes = [0; 32];
    let spelled = [&id.as_bytes()[..42], b"A"].concat();
    bytes.copy_from_slice(&BASE64URL_NOPAD.decode(&spelled).unwrap());
    bytes
}

fn reason(word: &str) -> &'static str {
    match word {
        "NO_ANSWER" => "DF-NOANSWER",
        "WRONG_ADDR" => "DF-ADDR",
        "REFUSED" => "DF-REFUSE",
        "CLOSED" => "DF-OFFWORK",
        "NO_ACCESS" => "DF-UNREACH",
        "DAMAGED" => "DF-INFO",
        "COD_UNPAID" => "DF-NOMONEY",
        "RESCHEDULED" => "DF-NOBODY",
        other => panic!("an unknown reason of the workload: {other}"),
    }
}

fn decision(word: &str) -> &'static str {
    match word {
        "redeliver" => "REDELIVER",
        "hold" => "WAIT",
        "return" => "RETURN",
        "fix_addr" => "ADDR_CHANGE",
        other => panic!("an unknown reply of the workload: {other}"),
    }
}

fn text_of(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn field<'a>(ops: &'a Value, name: &str) -> &'a Value {
    let of_name = |op: &&Value| op["p"].as_array().unwrap().last().is_some_and(|last| last == name);
    &ops.as_array().unwrap().iter().find(of_name).unwrap()["v"]
}

fn value<'a>(ops: &'a Value, name: &str) -> &'a str {
    text_of(field(ops, name))
}

fn number(ops: &Value, name: &str) -> i64 {
    field(ops, name).as_i64().unwrap()
}
