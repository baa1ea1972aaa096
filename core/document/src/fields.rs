//! The fields of an entry's map. Names are short because they travel with every entry; they are added, never renamed or
//! retyped. `PROTOCOL.md` of the protocol crate lists them.

use std::collections::BTreeMap;

use automerge::ScalarValue;
use doorstep_domain::{
    ActionId, Attempt, Author, Body, Call, CallResult, CaseId, ChangeHash, Close, Entry, EntryKey, Facts, Fen, Handover, Kind,
    Notice, Outage, OutageReason, Personal, Photo, PhotoId, PhotoPurpose, Release, Reply, Role, Sms, SmsLevel, Takeover,
    TargetSource, TimeEvidence, UnixMs, Waybill,
};

use crate::{NewEntry, Refusal};

/// Longest text or byte field other than a personal value, in bytes.
const MAX_FIELD: usize = 1024;

/// The fields of an entry in the order they are written.
pub(crate) fn write(case: &CaseId, entry: &NewEntry) -> Vec<(&'static str, ScalarValue)> {
    let mut out = Writer(Vec::with_capacity(16));
    out.bytes("c", &case.prefix());
    out.text("by", entry.author.user.as_str());
    out.text("as", entry.author.role.as_str());
    out.text("at", entry.author.outlet.as_str());
    out.uint("v", entry.pack_version.into());
    out.bytes("t", &entry.time.to_bytes());
    if let Some(action) = &entry.action {
        out.bytes("x", action.as_bytes());
    }
    if let Some(release) = &entry.release {
        out.bytes("o", release.original.as_bytes());
        out.int("rx", release.received_at.0);
    }
    if let Some(facts) = &entry.facts {
        out.text("net", facts.network.as_str());
        out.text("wb", facts.waybill.as_str());
        out.maybe_text("org", facts.origin_outlet.as_ref().map(|o| o.as_str()));
        out.maybe_text("dlv", facts.delivering_outlet.as_ref().map(|o| o.as_str()));
        out.int("cod", facts.cod.0);
        if let Some(mobile) = &facts.mobile {
            out.bytes("mob", mobile);
        }
        out.uint("ref", facts.reference);
    }
    match &entry.body {
        Body::Attempt(Attempt { reason, sub, words }) => {
            out.text("reason", reason.as_str());
            out.maybe_text("sub", sub.as_ref().map(|s| s.as_str()));
            out.personal("words", words.as_ref());
        }
        Body::Call(Call { result, number, words }) => {
            out.text("result", result.as_str());
            out.personal("number", number.as_ref());
            out.personal("words", words.as_ref());
        }
        Body::Note { words } => out.personal("words", Some(words)),
        Body::Photo(Photo { id, len, purpose }) => {
            out.bytes("sha", id.as_bytes());
            out.uint("len", *len);
            out.text("shows", purpose.as_str());
        }
        Body::Sms(Sms { level, to, text, has_surname, has_waybill }) => {
            out.text("level", level.as_str());
            out.personal("number", to.as_ref());
            out.personal("words", Some(text));
            out.flag("surname", *has_surname);
            out.flag("waybill", *has_waybill);
        }
        Body::Notice(Notice { to, source, request }) => {
            out.text("to", to.as_str());
            out.text("source", source.as_str());
            out.personal("words", request.as_ref());
        }
        Body::Outage(Outage { reason, contact, phone, phoned_at, outlet, said }) => {
            out.text("reason", reason.as_str());
            out.personal("contact", contact.as_ref());
            out.personal("number", phone.as_ref());
            if let Some(at) = phoned_at {
                out.int("phoned", at.0);
            }
            out.maybe_text("to", outlet.as_ref().map(|o| o.as_str()));
            out.personal("words", said.as_ref());
        }
        Body::Reply(Reply { notice, decision, words, phone, address }) => {
            out.maybe_text("notice", notice.as_ref().map(ToString::to_string).as_deref());
            out.text("decision", decision.as_str());
            out.personal("words", words.as_ref());
            out.personal("number", phone.as_ref());
            out.personal("address", address.as_ref());
        }
        Body::Close(Close { outcome, words }) => {
            out.text("outcome", outcome.as_str());
            out.personal("words", words.as_ref());
        }
        Body::Handover(Handover { to, words }) => {
            out.text("to", to.as_str());
            out.personal("words", words.as_ref());
        }
        Body::Takeover(Takeover { handover }) => out.text("handover", &handover.to_string()),
        Body::Unknown { .. } => {}
    }
    out.0
}

struct Writer(Vec<(&'static str, ScalarValue)>);

impl Writer {
    fn text(&mut self, field: &'static str, value: &str) {
        self.0.push((field, ScalarValue::Str(value.into())));
    }
    fn maybe_text(&mut self, field: &'static str, value: Option<&str>) {
        if let Some(value) = value {
            self.text(field, value);
        }
    }
    fn bytes(&mut self, field: &'static str, value: &[u8]) {
        self.0.push((field, ScalarValue::Bytes(value.to_vec())));
    }
    fn personal(&mut self, field: &'static str, value: Option<&Personal>) {
        if let Some(value) = value {
            self.bytes(field, value.as_bytes());
        }
    }
    fn int(&mut self, field: &'static str, value: i64) {
        self.0.push((field, ScalarValue::Int(value)));
    }
    fn uint(&mut self, field: &'static str, value: u64) {
        self.0.push((field, ScalarValue::Uint(value)));
    }
    fn flag(&mut self, field: &'static str, value: bool) {
        self.0.push((field, ScalarValue::Boolean(value)));
    }
}

/// The fields of one entry map as decoded.
pub(crate) type Fields = BTreeMap<String, ScalarValue>;

/// Reads an entry of the case, or says which field is wrong.
pub(crate) fn read(case: &CaseId, key: EntryKey, fields: &Fields) -> Result<Entry, Refusal> {
    let get = Reader { kind: &key.kind, fields };
    if get.bytes("c")?.is_none_or(|prefix| prefix != case.prefix()) {
        return Err(Refusal::OtherCase);
    }
    let author = Author {
        user: get.parsed("by")?,
        role: get.text("as")?.and_then(|t| t.parse::<Role>().ok()).ok_or_else(|| get.wrong("as"))?,
        outlet: get.parsed("at")?,
    };
    let pack_version = get.uint("v")?.and_then(|v| u32::try_from(v).ok()).ok_or_else(|| get.wrong("v"))?;
    let time = get.bytes("t")?.and_then(TimeEvidence::from_bytes).ok_or_else(|| get.wrong("t"))?;
    let action = match get.bytes("x")? {
        Some(bytes) => Some(ActionId::try_from(bytes).map_err(|_| get.wrong("x"))?),
        None => None,
    };
    let release = match get.bytes("o")? {
        Some(hash) => Some(Release {
            original: ChangeHash::try_from(hash).map_err(|_| get.wrong("o"))?,
            received_at: UnixMs(get.int("rx")?.ok_or_else(|| get.wrong("rx"))?),
        }),
        None => None,
    };
    let facts = read_facts(case, &get)?;
    let body = read_body(&get)?;
    Ok(Entry { key, author, pack_version, time, action, facts, release, body })
}

fn read_facts(case: &CaseId, get: &Reader) -> Result<Option<Facts>, Refusal> {
    if get.text("wb")?.is_none() {
        return Ok(None);
    }
    let text = get.required_text("wb")?;
    let waybill = Waybill::parse(text).ok().filter(|w| w.as_str() == text).ok_or_else(|| get.wrong("wb"))?;
    let facts = Facts {
        network: get.parsed("net")?,
        waybill,
        origin_outlet: get.maybe_parsed("org")?,
        delivering_outlet: get.maybe_parsed("dlv")?,
        cod: Fen(get.int("cod")?.ok_or_else(|| get.wrong("cod"))?),
        mobile: match get.bytes("mob")? {
            Some(bytes) => Some(bytes.try_into().map_err(|_| get.wrong("mob"))?),
            None => None,
        },
        reference: get.uint("ref")?.ok_or_else(|| get.wrong("ref"))?,
    };
    if CaseId::of(&facts.network, &facts.waybill) != *case {
        return Err(Refusal::OtherCase);
    }
    Ok(Some(facts))
}

fn read_body(get: &Reader) -> Result<Body, Refusal> {
    let Some(kind) = Kind::from_word(get.kind) else {
        return Ok(Body::Unknown { name: get.kind.to_owned() });
    };
    Ok(match kind {
        Kind::Attempt => {
            Body::Attempt(Attempt { reason: get.parsed("reason")?, sub: get.maybe_parsed("sub")?, words: get.personal("words")? })
        }
        Kind::Call => Body::Call(Call {
            result: get.word("result", CallResult::from_word)?,
            number: get.personal("number")?,
            words: get.personal("words")?,
        }),
        Kind::Note => Body::Note { words: get.personal("words")?.ok_or_else(|| get.wrong("words"))? },
        Kind::Photo => Body::Photo(Photo {
            id: get.bytes("sha")?.and_then(|b| PhotoId::try_from(b).ok()).ok_or_else(|| get.wrong("sha"))?,
            len: get.uint("len")?.ok_or_else(|| get.wrong("len"))?,
            purpose: get.word("shows", PhotoPurpose::from_word)?,
        }),
        Kind::Sms => Body::Sms(Sms {
            level: get.word("level", SmsLevel::from_word)?,
            to: get.personal("number")?,
            text: get.personal("words")?.ok_or_else(|| get.wrong("words"))?,
            has_surname: get.flag("surname")?,
            has_waybill: get.flag("waybill")?,
        }),
        Kind::Notice => Body::Notice(Notice {
            to: get.parsed("to")?,
            source: get.word("source", TargetSource::from_word)?,
            request: get.personal("words")?,
        }),
        Kind::Outage => Body::Outage(Outage {
            reason: get.word("reason", OutageReason::from_word)?,
            contact: get.personal("contact")?,
            phone: get.personal("number")?,
            phoned_at: get.int("phoned")?.map(UnixMs),
            outlet: get.maybe_parsed("to")?,
            said: get.personal("words")?,
        }),
        Kind::Reply => Body::Reply(Reply {
            notice: get.maybe_parsed("notice")?,
            decision: get.parsed("decision")?,
            words: get.personal("words")?,
            phone: get.personal("number")?,
            address: get.personal("address")?,
        }),
        Kind::Close => Body::Close(Close { outcome: get.parsed("outcome")?, words: get.personal("words")? }),
        Kind::Handover => Body::Handover(Handover { to: get.parsed("to")?, words: get.personal("words")? }),
        Kind::Takeover => Body::Takeover(Takeover { handover: get.parsed("handover")? }),
    })
}

struct Reader<'a> {
    kind: &'a str,
    fields: &'a Fields,
}

impl<'a> Reader<'a> {
    fn wrong(&self, field: &'static str) -> Refusal {
        Refusal::Field { kind: self.kind.to_owned(), field }
    }
    fn text(&self, field: &'static str) -> Result<Option<&'a str>, Refusal> {
        match self.fields.get(field) {
            None => Ok(None),
            Some(ScalarValue::Str(text)) if text.len() <= MAX_FIELD => Ok(Some(text.as_str())),
            Some(_) => Err(self.wrong(field)),
        }
    }
    fn required_text(&self, field: &'static str) -> Result<&'a str, Refusal> {
        self.text(field)?.ok_or_else(|| self.wrong(field))
    }
    fn parsed<T: std::str::FromStr>(&self, field: &'static str) -> Result<T, Refusal> {
        self.required_text(field)?.parse().map_err(|_| self.wrong(field))
    }
    fn maybe_parsed<T: std::str::FromStr>(&self, field: &'static str) -> Result<Option<T>, Refusal> {
        self.text(field)?.map(|text| text.parse().map_err(|_| self.wrong(field))).transpose()
    }
    fn word<T>(&self, field: &'static str, read: impl Fn(&str) -> Option<T>) -> Result<T, Refusal> {
        read(self.required_text(field)?).ok_or_else(|| self.wrong(field))
    }
    fn bytes(&self, field: &'static str) -> Result<Option<&'a [u8]>, Refusal> {
        match self.fields.get(field) {
            None => Ok(None),
            Some(ScalarValue::Bytes(bytes)) if bytes.len() <= Personal::MAX_LEN => Ok(Some(bytes)),
            Some(_) => Err(self.wrong(field)),
        }
    }
    fn personal(&self, field: &'static str) -> Result<Option<Personal>, Refusal> {
        self.bytes(field)?.map(|bytes| Personal::from_bytes(bytes).map_err(|_| self.wrong(field))).transpose()
    }
    fn int(&self, field: &'static str) -> Result<Option<i64>, Refusal> {
        match self.fields.get(field) {
            None => Ok(None),
            Some(ScalarValue::Int(value)) => Ok(Some(*value)),
            Some(_) => Err(self.wrong(field)),
        }
    }
    fn uint(&self, field: &'static str) -> Result<Option<u64>, Refusal> {
        match self.fields.get(field) {
            None => Ok(None),
            Some(ScalarValue::Uint(value)) => Ok(Some(*value)),
            Some(_) => Err(self.wrong(field)),
        }
    }
    fn flag(&self, field: &'static str) -> Result<bool, Refusal> {
        match self.fields.get(field) {
            Some(ScalarValue::Boolean(value)) => Ok(*value),
            _ => Err(self.wrong(field)),
        }
    }
}
