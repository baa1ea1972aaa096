//! Reads an entry from its fields, or names the wrong field.

use doorstep_domain::{
    About, Action, ActionId, Alias, Answered, Ask, Assign, Attempt, Author, Body, Book, Call, CallResult, Capture, CaseId,
    ChangeHash, Clarity, Close, Consent, Correction, Customer, Dispatch, Dispute, DocKind, DocRef, Entry, EntryKey, Facts, Fault,
    Fen, GeoPosition, Goods, Handover, Kind, Ledger, Linked, Listed, MAX_CAMERA, MAX_PHOTO, MAX_PLACEHOLDER, MAX_THUMBNAIL, Mark,
    Notice, Outage, OutageReason, Payer, Personal, Photo, PhotoId, PhotoPurpose, PhotoSource, Problem, Release, Remark, Reply,
    Role, Ruling, Seen, SheetDay, SheetFacts, SheetNote, Sms, SmsFault, SmsReply, SmsReport, SmsState, SmsWay, Stage, Stands,
    Tag, Takeover, TargetSource, Thumbnail, Tick, TimeEvidence, UnixMs, Waiver, Waybill,
};

use crate::{Refusal, columns::Value};

/// Longest text or byte field other than a personal value, in bytes.
const MAX_FIELD: usize = 1024;
/// Greatest number of a try of an SMS. Nobody makes so many tries, and the next try must still have a number.
const MAX_ROUND: u32 = 1_000;

/// Reads an entry of the document, or names the wrong field. `fields` are sorted by name, and each name is there once.
pub(crate) fn read(doc: &DocRef, key: EntryKey, fields: &[(&str, Value)]) -> Result<Entry, Refusal> {
    let get = Reader { kind: &key.kind, fields };
    if get.bytes("c")?.is_none_or(|prefix| prefix != doc.id.prefix()) {
        return Err(Refusal::OtherCase);
    }
    let author = Author {
        user: get.parsed("by")?,
        role: get.text("as")?.and_then(|t| t.parse::<Role>().ok()).ok_or_else(|| get.wrong("as"))?,
        outlet: get.parsed("at")?,
    };
    let pack_version = get.count("v")?.ok_or_else(|| get.wrong("v"))?;
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
    let rewrites = match get.bytes("rw")? {
        Some(hash) => Some(ChangeHash::try_from(hash).map_err(|_| get.wrong("rw"))?),
        None => None,
    };
    let (facts, sheet) = match doc.kind {
        DocKind::Case => (read_facts(&doc.id, &get)?, None),
        DocKind::Sheet => (None, read_sheet(doc, &get)?),
    };
    let body = read_body(&get)?;
    if matches!(body, Body::Listed(_)) && facts.as_ref().is_none_or(Facts::is_unlisted) {
        return Err(get.wrong("org")); // a row of a list says whose the parcel is
    }
    Ok(Entry { key, author, pack_version, time, action, facts, sheet, release, rewrites, body })
}

fn read_facts(case: &CaseId, get: &Reader) -> Result<Option<Facts>, Refusal> {
    if get.text("wb")?.is_none() {
        return Ok(None);
    }
    let facts = Facts {
        network: get.parsed("net")?,
        waybill: get.waybill("wb")?.ok_or_else(|| get.wrong("wb"))?,
        origin_outlet: get.maybe_parsed("org")?,
        delivering_outlet: get.maybe_parsed("dlv")?,
        cod: Fen(get.int("cod")?.ok_or_else(|| get.wrong("cod"))?),
        mobile: get.array("mob")?,
        virtual_mobile: get.array("vmob")?,
        arrival: get.time("arr")?,
        entered: get.time("ent")?,
        reference: get.uint("ref")?.ok_or_else(|| get.wrong("ref"))?,
    };
    if CaseId::of(&facts.network, &facts.waybill) != *case {
        return Err(Refusal::OtherCase);
    }
    Ok(Some(facts))
}

fn read_sheet(doc: &DocRef, get: &Reader) -> Result<Option<SheetFacts>, Refusal> {
    if get.text("out")?.is_none() {
        return Ok(None);
    }
    let sheet = SheetFacts { network: get.parsed("net")?, outlet: get.parsed("out")?, day: get.parsed("day")? };
    if sheet.doc() != *doc {
        return Err(Refusal::OtherCase);
    }
    Ok(Some(sheet))
}

fn read_body(get: &Reader) -> Result<Body, Refusal> {
    let Some(kind) = Kind::from_word(get.kind) else {
        return Ok(Body::Unknown { name: get.kind.to_owned() });
    };
    Ok(match kind {
        Kind::Attempt => Body::Attempt(Attempt {
            reason: get.parsed("reason")?,
            sub: get.maybe_parsed("sub")?,
            words: get.personal("words")?,
            piece: get.waybill("piece")?,
            offered: get.amount("offered")?,
            agreed_at: get.time("agreed")?,
            waited_minutes: get.count("waited")?,
        }),
        Kind::Problem => Body::Problem(Problem {
            reason: get.parsed("reason")?,
            sub: get.maybe_parsed("sub")?,
            stage: get.word("stage", Stage::from_word)?,
            found_at: get.time("found")?,
            count: get.count("count")?,
            piece: get.waybill("piece")?,
            other: get.waybill("other")?,
            weight_g: get.count("grams")?,
            label_g: get.count("label")?,
            words: get.personal("words")?,
        }),
        Kind::Call => Body::Call(Call {
            result: get.word("result", CallResult::from_word)?,
            number: get.personal("number")?,
            called_at: get.time("called")?,
            seconds: get.count("seconds")?,
            words: get.personal("words")?,
        }),
        Kind::Note => Body::Note { words: get.said()? },
        Kind::Photo => Body::Photo(read_photo(get)?),
        Kind::Sms => Body::Sms(Sms {
            attempt: get.maybe_parsed("attempt")?,
            day: i32::try_from(get.int("day")?.ok_or_else(|| get.wrong("day"))?).map_err(|_| get.wrong("day"))?,
            template: get.maybe_parsed("template")?,
            template_version: get.count("tv")?.ok_or_else(|| get.wrong("tv"))?,
            to: get.personal("number")?.ok_or_else(|| get.wrong("number"))?,
            mark: get.array("mark")?.ok_or_else(|| get.wrong("mark"))?,
            text: get.said()?,
            digest: get.array("digest")?.ok_or_else(|| get.wrong("digest"))?,
            has_surname: get.flag("surname")?.ok_or_else(|| get.wrong("surname"))?,
            has_waybill: get.flag("waybill")?.ok_or_else(|| get.wrong("waybill"))?,
        }),
        Kind::SmsReport => Body::SmsReport(SmsReport {
            of: get.parsed("of")?,
            state: get.word("state", SmsState::from_word)?,
            round: get.count("round")?.filter(|round| *round <= MAX_ROUND).ok_or_else(|| get.wrong("round"))?,
            way: get.word("way", SmsWay::from_word)?,
            holder: get.text("holder")?.map(|text| Tag::from_text(text).ok_or_else(|| get.wrong("holder"))).transpose()?,
            fault: get.maybe_word("fault", SmsFault::from_word)?,
            at: get.time("done")?,
            words: get.personal("words")?,
        }),
        Kind::SmsReply => {
            Body::SmsReply(SmsReply { of: get.parsed("of")?, words: get.said()?, opt_out: get.flag("stop")?.unwrap_or(false) })
        }
        Kind::Notice => Body::Notice(Notice {
            to: get.parsed("to")?,
            source: get.word("source", TargetSource::from_word)?,
            request: get.personal("words")?,
        }),
        Kind::Outage => Body::Outage(Outage {
            reason: get.word("reason", OutageReason::from_word)?,
            contact: get.personal("contact")?,
            phone: get.personal("number")?,
            phoned_at: get.time("phoned")?,
            outlet: get.maybe_parsed("to")?,
            said: get.personal("words")?,
        }),
        Kind::Seen => Body::Seen(Seen { notice: get.parsed("notice")? }),
        Kind::Reply => Body::Reply(read_reply(get)?),
        Kind::Mark => Body::Mark(Mark {
            about: get.parsed("about")?,
            remark: get.word("remark", Remark::from_word)?,
            reason: get.maybe_parsed("reason")?,
            words: get.personal("words")?,
        }),
        Kind::Action => Body::Action(Action {
            outcome: get.parsed("outcome")?,
            carrier: get.text("carrier")?.map(str::to_owned),
            number: get.waybill("onward")?,
            amount: get.amount("amount")?,
            words: get.personal("words")?,
            site: get.maybe_parsed("site")?,
        }),
        Kind::Tick => Body::Tick(Tick { step: get.parsed("step")?, words: get.personal("words")? }),
        Kind::Assign => Body::Assign(Assign {
            to: get.parsed("to")?,
            planned_at: get.time("planned")?,
            replaces: get.maybe_parsed("replaces")?,
            words: get.personal("words")?,
        }),
        Kind::Consent => Body::Consent(Consent {
            by: get.word("who", Customer::from_word)?,
            to: get.parsed("outcome")?,
            name: get.personal("name")?,
            words: get.personal("words")?,
        }),
        Kind::Goods => Body::Goods(Goods {
            name: get.personal("name")?,
            packing: get.personal("packing")?,
            value: get.amount("value")?,
            words: get.personal("words")?,
        }),
        Kind::Ledger => Body::Ledger(Ledger {
            book: get.word("book", Book::from_word)?,
            change: get.parsed("change")?,
            amount: get.amount("amount")?,
            letter: get.photo("letter")?,
            slip: get.flag("slip")?.unwrap_or(false),
            words: get.personal("words")?,
        }),
        Kind::Waiver => Body::Waiver(Waiver { evidence: get.parsed("evidence")?, words: get.said()? }),
        Kind::Alias => Body::Alias(Alias { waybill: get.waybill("other")?.ok_or_else(|| get.wrong("other"))? }),
        Kind::Correction => Body::Correction(Correction {
            of: get.parsed("of")?,
            fault: get.word("fault", Fault::from_word)?,
            same_as: get.maybe_parsed("sameas")?,
            words: get.said()?,
        }),
        Kind::Dispute => Body::Dispute(Dispute { about: get.parsed::<About>("about")?, words: get.said()? }),
        Kind::Ruling => Body::Ruling(Ruling {
            about: get.parsed::<About>("about")?,
            stands: get.word("stands", Stands::from_word)?,
            share: match get.uint("share")? {
                Some(share) => Some(u8::try_from(share).ok().filter(|share| *share <= 100).ok_or_else(|| get.wrong("share"))?),
                None => None,
            },
            amount: get.amount("amount")?,
            replaces: get.maybe_parsed("replaces")?,
            words: get.personal("words")?,
        }),
        Kind::Close => {
            Body::Close(Close { outcome: get.parsed("outcome")?, words: get.personal("words")?, piece: get.waybill("piece")? })
        }
        Kind::Handover => Body::Handover(Handover { to: get.parsed("to")?, words: get.personal("words")? }),
        Kind::Takeover => Body::Takeover(Takeover { handover: get.parsed("handover")? }),
        Kind::Ask => Body::Ask(Ask { step: get.parsed("step")?, to: get.parsed("to")?, words: get.personal("words")? }),
        Kind::Answered => Body::Answered(Answered {
            ask: get.parsed("ask")?,
            result: get.parsed("result")?,
            here: get.flag("here")?.unwrap_or(false),
            words: get.personal("words")?,
        }),
        Kind::Dispatch => Body::Dispatch(Dispatch {
            leaves_at: get.time("leaves")?.ok_or_else(|| get.wrong("leaves"))?,
            words: get.personal("words")?,
        }),
        Kind::Linked => Body::Linked(Linked {
            waybill: get.waybill("other")?.ok_or_else(|| get.wrong("other"))?,
            reason: get.maybe_parsed("reason")?,
            state: get.parsed("state")?,
        }),
        Kind::SheetNote => Body::SheetNote(SheetNote { words: get.said()? }),
        Kind::SheetDay => Body::SheetDay(SheetDay { words: get.personal("words")? }),
        Kind::Listed => Body::Listed(Listed { since: get.time("since")?.ok_or_else(|| get.wrong("since"))? }),
    })
}

fn read_reply(get: &Reader) -> Result<Reply, Refusal> {
    Ok(Reply {
        notice: get.maybe_parsed("notice")?,
        decision: get.parsed("decision")?,
        words: get.personal("words")?,
        phone: get.personal("number")?,
        address: get.personal("address")?,
        contact: get.personal("contact")?,
        company: get.personal("company")?,
        same: get.flag("same")?.unwrap_or(false),
        until: get.time("until")?,
        place: get.personal("place")?,
        informed: get.flag("informed")?.unwrap_or(false),
        agreed_by: get.maybe_word("who", Customer::from_word)?,
        agreed: get.personal("name")?,
        payer: get.maybe_word("payer", Payer::from_word)?,
        letter: get.photo("letter")?,
        site: get.maybe_parsed("site")?,
    })
}

fn read_photo(get: &Reader<'_>) -> Result<Photo, Refusal> {
    let number = |bytes: &[u8]| bytes.iter().fold(0u64, |number, byte| number << 8 | u64::from(*byte));
    let thumbnail = get.packed("thumb", 40)?.map(|bytes| {
        let (id, len) = bytes.split_at(32);
        let small = Thumbnail { id: PhotoId::try_from(id).map_err(|_| get.wrong("thumb"))?, len: number(len) };
        if small.len > MAX_THUMBNAIL { Err(get.wrong("thumb")) } else { Ok(small) }
    });
    let position = get.packed("where", 8)?.map(|bytes| {
        let (lat, lon) = bytes.split_at(4);
        let signed = |bytes| (number(bytes) as u32).cast_signed();
        let accuracy_m = get.count("within")?;
        let position = GeoPosition::new(signed(lat), signed(lon)).ok_or_else(|| get.wrong("where"))?;
        Ok::<_, Refusal>(GeoPosition { accuracy_m, ..position })
    });
    let clarity = get.packed("clear", 5)?.map(|bytes| {
        let (sharpness, light) = bytes.split_at(4);
        Clarity { sharpness: number(sharpness) as u32, light: number(light) as u8 }
    });
    Ok(Photo {
        id: get.photo("sha")?.ok_or_else(|| get.wrong("sha"))?,
        len: get.uint("len")?.filter(|len| *len <= MAX_PHOTO).ok_or_else(|| get.wrong("len"))?,
        purpose: get.word("shows", PhotoPurpose::from_word)?,
        thumbnail: thumbnail.transpose()?,
        placeholder: match get.bytes("hint")? {
            Some(hint) if hint.len() > MAX_PLACEHOLDER => return Err(get.wrong("hint")),
            hint => hint.map(<[u8]>::to_vec),
        },
        original: get.photo("from")?,
        capture: Capture {
            at: get.time("shot")?,
            position: position.transpose()?,
            camera: match get.text("camera")? {
                Some(camera) if camera.len() > MAX_CAMERA => return Err(get.wrong("camera")),
                camera => camera.map(str::to_owned),
            },
        },
        clarity,
        look: get.packed("look", 8)?.map(number),
        source: get.maybe_word("source", PhotoSource::from_word)?,
    })
}

struct Reader<'a> {
    kind: &'a str,
    fields: &'a [(&'a str, Value<'a>)],
}

impl<'a> Reader<'a> {
    fn wrong(&self, field: &'static str) -> Refusal {
        Refusal::Field { kind: self.kind.to_owned(), field }
    }
    fn value(&self, field: &'static str) -> Option<Value<'a>> {
        let at = self.fields.binary_search_by(|(name, _)| (*name).cmp(field)).ok()?;
        self.fields.get(at).map(|(_, value)| *value)
    }
    fn text(&self, field: &'static str) -> Result<Option<&'a str>, Refusal> {
        match self.value(field) {
            None => Ok(None),
            Some(Value::Text(text)) if text.len() <= MAX_FIELD => Ok(Some(text)),
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
    fn maybe_word<T>(&self, field: &'static str, read: impl Fn(&str) -> Option<T>) -> Result<Option<T>, Refusal> {
        self.text(field)?.map(|word| read(word).ok_or_else(|| self.wrong(field))).transpose()
    }
    /// Reads a normalised waybill.
    fn waybill(&self, field: &'static str) -> Result<Option<Waybill>, Refusal> {
        let Some(text) = self.text(field)? else { return Ok(None) };
        let waybill = Waybill::parse(text).ok().filter(|waybill| waybill.as_str() == text);
        Ok(Some(waybill.ok_or_else(|| self.wrong(field))?))
    }
    fn bytes(&self, field: &'static str) -> Result<Option<&'a [u8]>, Refusal> {
        match self.value(field) {
            None => Ok(None),
            Some(Value::Bytes(bytes)) if bytes.len() <= Personal::MAX_LEN => Ok(Some(bytes)),
            Some(_) => Err(self.wrong(field)),
        }
    }
    fn array<const N: usize>(&self, field: &'static str) -> Result<Option<[u8; N]>, Refusal> {
        self.bytes(field)?.map(|bytes| bytes.try_into().map_err(|_| self.wrong(field))).transpose()
    }
    /// Reads bytes of exactly this length.
    fn packed(&self, field: &'static str, len: usize) -> Result<Option<&'a [u8]>, Refusal> {
        match self.bytes(field)? {
            Some(bytes) if bytes.len() != len => Err(self.wrong(field)),
            bytes => Ok(bytes),
        }
    }
    fn photo(&self, field: &'static str) -> Result<Option<PhotoId>, Refusal> {
        self.bytes(field)?.map(|bytes| PhotoId::try_from(bytes).map_err(|_| self.wrong(field))).transpose()
    }
    fn personal(&self, field: &'static str) -> Result<Option<Personal>, Refusal> {
        self.bytes(field)?.map(|bytes| Personal::from_bytes(bytes).map_err(|_| self.wrong(field))).transpose()
    }
    /// Reads the words of an entry that requires them.
    fn said(&self) -> Result<Personal, Refusal> {
        self.personal("words")?.ok_or_else(|| self.wrong("words"))
    }
    fn int(&self, field: &'static str) -> Result<Option<i64>, Refusal> {
        match self.value(field) {
            None => Ok(None),
            Some(Value::Int(value)) => Ok(Some(value)),
            Some(_) => Err(self.wrong(field)),
        }
    }
    fn time(&self, field: &'static str) -> Result<Option<UnixMs>, Refusal> {
        Ok(self.int(field)?.map(UnixMs))
    }
    fn amount(&self, field: &'static str) -> Result<Option<Fen>, Refusal> {
        Ok(self.int(field)?.map(Fen))
    }
    fn uint(&self, field: &'static str) -> Result<Option<u64>, Refusal> {
        match self.value(field) {
            None => Ok(None),
            Some(Value::Uint(value)) => Ok(Some(value)),
            Some(_) => Err(self.wrong(field)),
        }
    }
    fn count(&self, field: &'static str) -> Result<Option<u32>, Refusal> {
        self.uint(field)?.map(|value| u32::try_from(value).map_err(|_| self.wrong(field))).transpose()
    }
    fn flag(&self, field: &'static str) -> Result<Option<bool>, Refusal> {
        match self.value(field) {
            None => Ok(None),
            Some(Value::Flag(value)) => Ok(Some(value)),
            Some(_) => Err(self.wrong(field)),
        }
    }
}
