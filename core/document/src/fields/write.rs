//! Writes an entry's fields in their order.

use doorstep_domain::{
    Action, Alias, Answered, Ask, Assign, Attempt, Body, Call, Close, Consent, Correction, Dispatch, Dispute, DocId, EntryKey,
    Facts, Fen, Goods, Handover, Ledger, Linked, Listed, Mark, Notice, Outage, Personal, Photo, PhotoId, PhotoSource, Problem,
    Reply, Ruling, Seen, SheetDay, SheetFacts, SheetNote, Sms, SmsReply, SmsReport, Takeover, Tick, UnixMs, Waiver, Waybill,
};

use crate::{
    NewEntry,
    columns::{Operations, Value},
};

/// Puts the fields of an entry into the map that was made last.
pub(crate) fn write(doc: &DocId, entry: &NewEntry, operations: &mut Operations) {
    let mut out = Writer(operations);
    out.bytes("c", &doc.prefix());
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
    if let Some(original) = &entry.rewrites {
        out.bytes("rw", original.as_bytes());
    }
    if let Some(facts) = &entry.facts {
        write_facts(&mut out, facts);
    }
    if let Some(sheet) = &entry.sheet {
        write_sheet(&mut out, sheet);
    }
    write_body(&mut out, &entry.body);
}

fn write_facts(out: &mut Writer, facts: &Facts) {
    out.text("net", facts.network.as_str());
    out.text("wb", facts.waybill.as_str());
    out.maybe_text("org", facts.origin_outlet.as_ref().map(|o| o.as_str()));
    out.maybe_text("dlv", facts.delivering_outlet.as_ref().map(|o| o.as_str()));
    out.int("cod", facts.cod.0);
    if let Some(mobile) = &facts.mobile {
        out.bytes("mob", mobile);
    }
    if let Some(mobile) = &facts.virtual_mobile {
        out.bytes("vmob", mobile);
    }
    out.time("arr", facts.arrival);
    out.time("ent", facts.entered);
    out.uint("ref", facts.reference);
}

fn write_sheet(out: &mut Writer, sheet: &SheetFacts) {
    out.text("net", sheet.network.as_str());
    out.text("out", sheet.outlet.as_str());
    out.text("day", &sheet.day.to_string());
}

fn write_body(out: &mut Writer, body: &Body) {
    match body {
        Body::Attempt(Attempt { reason, sub, words, piece, offered, agreed_at, waited_minutes }) => {
            out.text("reason", reason.as_str());
            out.maybe_text("sub", sub.as_ref().map(|s| s.as_str()));
            out.personal("words", words.as_ref());
            out.waybill("piece", piece.as_ref());
            out.amount("offered", *offered);
            out.time("agreed", *agreed_at);
            out.count("waited", *waited_minutes);
        }
        Body::Problem(Problem { reason, sub, stage, found_at, count, piece, other, weight_g, label_g, words }) => {
            out.text("reason", reason.as_str());
            out.maybe_text("sub", sub.as_ref().map(|s| s.as_str()));
            out.text("stage", stage.as_str());
            out.time("found", *found_at);
            out.count("count", *count);
            out.waybill("piece", piece.as_ref());
            out.waybill("other", other.as_ref());
            out.count("grams", *weight_g);
            out.count("label", *label_g);
            out.personal("words", words.as_ref());
        }
        Body::Call(Call { result, number, called_at, seconds, words }) => {
            out.text("result", result.as_str());
            out.personal("number", number.as_ref());
            out.time("called", *called_at);
            out.count("seconds", *seconds);
            out.personal("words", words.as_ref());
        }
        Body::Note { words } | Body::SheetNote(SheetNote { words }) => out.personal("words", Some(words)),
        Body::SheetDay(SheetDay { words }) => out.personal("words", words.as_ref()),
        Body::Photo(photo) => write_photo(out, photo),
        Body::Sms(Sms { attempt, day, template, template_version, to, mark, text, digest, has_surname, has_waybill }) => {
            out.key("attempt", attempt.as_ref());
            out.int("day", i64::from(*day));
            out.maybe_text("template", template.as_ref().map(|t| t.as_str()));
            out.uint("tv", (*template_version).into());
            out.personal("number", Some(to));
            out.bytes("mark", mark);
            out.personal("words", Some(text));
            out.bytes("digest", digest);
            out.flag("surname", *has_surname);
            out.flag("waybill", *has_waybill);
        }
        Body::SmsReport(SmsReport { of, state, round, way, holder, fault, at, words }) => {
            out.key("of", Some(of));
            out.text("state", state.as_str());
            out.uint("round", (*round).into());
            out.text("way", way.as_str());
            out.maybe_text("holder", holder.as_ref().map(|tag| tag.as_str()));
            out.maybe_text("fault", fault.map(|fault| fault.as_str()));
            out.time("done", *at);
            out.personal("words", words.as_ref());
        }
        Body::SmsReply(SmsReply { of, words, opt_out }) => {
            out.key("of", Some(of));
            out.personal("words", Some(words));
            out.when("stop", *opt_out);
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
            out.time("phoned", *phoned_at);
            out.maybe_text("to", outlet.as_ref().map(|o| o.as_str()));
            out.personal("words", said.as_ref());
        }
        Body::Seen(Seen { notice }) => out.key("notice", Some(notice)),
        Body::Reply(reply) => write_reply(out, reply),
        Body::Mark(Mark { about, remark, reason, words }) => {
            out.key("about", Some(about));
            out.text("remark", remark.as_str());
            out.maybe_text("reason", reason.as_ref().map(|r| r.as_str()));
            out.personal("words", words.as_ref());
        }
        Body::Action(Action { outcome, carrier, number, amount, words, site }) => {
            out.text("outcome", outcome.as_str());
            out.maybe_text("carrier", carrier.as_deref());
            out.waybill("onward", number.as_ref());
            out.amount("amount", *amount);
            out.personal("words", words.as_ref());
            out.maybe_text("site", site.as_ref().map(|site| site.as_str()));
        }
        Body::Tick(Tick { step, words }) => {
            out.text("step", step.as_str());
            out.personal("words", words.as_ref());
        }
        Body::Assign(Assign { to, planned_at, replaces, words }) => {
            out.text("to", to.as_str());
            out.time("planned", *planned_at);
            out.key("replaces", replaces.as_ref());
            out.personal("words", words.as_ref());
        }
        Body::Consent(Consent { by, to, name, words }) => {
            out.text("who", by.as_str());
            out.text("outcome", to.as_str());
            out.personal("name", name.as_ref());
            out.personal("words", words.as_ref());
        }
        Body::Goods(Goods { name, packing, value, words }) => {
            out.personal("name", name.as_ref());
            out.personal("packing", packing.as_ref());
            out.amount("value", *value);
            out.personal("words", words.as_ref());
        }
        Body::Ledger(Ledger { book, change, amount, letter, slip, words }) => {
            out.text("book", book.as_str());
            out.text("change", change.as_str());
            out.amount("amount", *amount);
            out.photo("letter", letter.as_ref());
            out.when("slip", *slip);
            out.personal("words", words.as_ref());
        }
        Body::Waiver(Waiver { evidence, words }) => {
            out.text("evidence", evidence.as_str());
            out.personal("words", Some(words));
        }
        Body::Alias(Alias { waybill }) => out.waybill("other", Some(waybill)),
        Body::Correction(Correction { of, fault, same_as, words }) => {
            out.key("of", Some(of));
            out.text("fault", fault.as_str());
            out.key("sameas", same_as.as_ref());
            out.personal("words", Some(words));
        }
        Body::Dispute(Dispute { about, words }) => {
            out.text("about", &about.to_string());
            out.personal("words", Some(words));
        }
        Body::Ruling(Ruling { about, stands, share, amount, replaces, words }) => {
            out.text("about", &about.to_string());
            out.text("stands", stands.as_str());
            out.count("share", share.map(u32::from));
            out.amount("amount", *amount);
            out.key("replaces", replaces.as_ref());
            out.personal("words", words.as_ref());
        }
        Body::Close(Close { outcome, words, piece }) => {
            out.text("outcome", outcome.as_str());
            out.personal("words", words.as_ref());
            out.waybill("piece", piece.as_ref());
        }
        Body::Handover(Handover { to, words }) => {
            out.text("to", to.as_str());
            out.personal("words", words.as_ref());
        }
        Body::Takeover(Takeover { handover }) => out.key("handover", Some(handover)),
        Body::Listed(Listed { since }) => out.time("since", Some(*since)),
        Body::Ask(Ask { step, to, words }) => {
            out.text("step", step.as_str());
            out.text("to", to.as_str());
            out.personal("words", words.as_ref());
        }
        Body::Answered(Answered { ask, result, here, words }) => {
            out.key("ask", Some(ask));
            out.text("result", result.as_str());
            out.when("here", *here);
            out.personal("words", words.as_ref());
        }
        Body::Dispatch(Dispatch { leaves_at, words }) => {
            out.time("leaves", Some(*leaves_at));
            out.personal("words", words.as_ref());
        }
        Body::Linked(Linked { waybill, reason, state }) => {
            out.waybill("other", Some(waybill));
            out.maybe_text("reason", reason.as_ref().map(|reason| reason.as_str()));
            out.text("state", state.as_str());
        }
        Body::Unknown { .. } => {}
    }
}

/// Related small numbers share a field, because each field costs about 18 us of recording time and its column headers.
fn write_photo(out: &mut Writer, photo: &Photo) {
    out.bytes("sha", photo.id.as_bytes());
    out.uint("len", photo.len);
    out.text("shows", photo.purpose.as_str());
    if let Some(small) = &photo.thumbnail {
        out.bytes("thumb", &[small.id.as_bytes().as_slice(), &small.len.to_be_bytes()].concat());
    }
    if let Some(placeholder) = &photo.placeholder {
        out.bytes("hint", placeholder);
    }
    out.photo("from", photo.original.as_ref());
    out.time("shot", photo.capture.at);
    if let Some(at) = &photo.capture.position {
        out.bytes("where", &[at.lat_e7.to_be_bytes(), at.lon_e7.to_be_bytes()].concat());
        out.count("within", at.accuracy_m);
    }
    out.maybe_text("camera", photo.capture.camera.as_deref());
    if let Some(clarity) = &photo.clarity {
        out.bytes("clear", &[clarity.sharpness.to_be_bytes().as_slice(), &[clarity.light]].concat());
    }
    if let Some(look) = photo.look {
        out.bytes("look", &look.to_be_bytes());
    }
    out.maybe_text("source", photo.source.map(PhotoSource::as_str));
}

fn write_reply(out: &mut Writer, reply: &Reply) {
    out.key("notice", reply.notice.as_ref());
    out.text("decision", reply.decision.as_str());
    out.personal("words", reply.words.as_ref());
    out.personal("number", reply.phone.as_ref());
    out.personal("address", reply.address.as_ref());
    out.personal("contact", reply.contact.as_ref());
    out.personal("company", reply.company.as_ref());
    out.when("same", reply.same);
    out.time("until", reply.until);
    out.personal("place", reply.place.as_ref());
    out.when("informed", reply.informed);
    out.maybe_text("who", reply.agreed_by.map(|who| who.as_str()));
    out.personal("name", reply.agreed.as_ref());
    out.maybe_text("payer", reply.payer.map(|payer| payer.as_str()));
    out.photo("letter", reply.letter.as_ref());
    out.maybe_text("site", reply.site.as_ref().map(|site| site.as_str()));
}

struct Writer<'w, 'a>(&'w mut Operations<'a>);

impl Writer<'_, '_> {
    fn text(&mut self, field: &'static str, value: &str) {
        self.0.put(field, Value::Text(value));
    }
    fn maybe_text(&mut self, field: &'static str, value: Option<&str>) {
        if let Some(value) = value {
            self.text(field, value);
        }
    }
    fn key(&mut self, field: &'static str, value: Option<&EntryKey>) {
        self.maybe_text(field, value.map(ToString::to_string).as_deref());
    }
    fn waybill(&mut self, field: &'static str, value: Option<&Waybill>) {
        self.maybe_text(field, value.map(Waybill::as_str));
    }
    fn bytes(&mut self, field: &'static str, value: &[u8]) {
        self.0.put(field, Value::Bytes(value));
    }
    fn photo(&mut self, field: &'static str, value: Option<&PhotoId>) {
        if let Some(id) = value {
            self.bytes(field, id.as_bytes());
        }
    }
    fn personal(&mut self, field: &'static str, value: Option<&Personal>) {
        if let Some(value) = value {
            self.bytes(field, value.as_bytes());
        }
    }
    fn int(&mut self, field: &'static str, value: i64) {
        self.0.put(field, Value::Int(value));
    }
    fn time(&mut self, field: &'static str, value: Option<UnixMs>) {
        if let Some(at) = value {
            self.int(field, at.0);
        }
    }
    fn amount(&mut self, field: &'static str, value: Option<Fen>) {
        if let Some(amount) = value {
            self.int(field, amount.0);
        }
    }
    fn uint(&mut self, field: &'static str, value: u64) {
        self.0.put(field, Value::Uint(value));
    }
    fn count(&mut self, field: &'static str, value: Option<u32>) {
        if let Some(count) = value {
            self.uint(field, count.into());
        }
    }
    fn flag(&mut self, field: &'static str, value: bool) {
        self.0.put(field, Value::Flag(value));
    }
    /// Writes a flag only if it is set.
    fn when(&mut self, field: &'static str, value: bool) {
        if value {
            self.flag(field, true);
        }
    }
}
