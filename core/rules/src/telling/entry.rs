//! Each kind of entry, field by field. Every field is named, so a new field does not compile until it has a line.

use doorstep_domain::{
    Action, Alias, Answered, Ask, Assign, Attempt, Body, Call, Capture, Clarity, Close, Consent, Correction, Dispatch, Dispute,
    Entry, Facts, Goods, Handover, Ledger, Linked, Listed, Mark, Notice, Outage, Personal, Photo, Problem, ReasonCode, Reply,
    Ruling, Seen, SheetDay, SheetNote, Sms, SmsReply, SmsReport, SmsWay, Takeover, TargetSource, Thumbnail, Tick, UnixMs, Waiver,
};

use crate::{State, UNLINKED};

use super::{Label, Sort, Telling, Unit, Value, Whom};

fn as_str(code: Option<&ReasonCode>) -> Option<&str> {
    code.map(ReasonCode::as_str)
}

impl Telling<'_> {
    /// Adds the content of an entry. The screen shows author, time and state itself.
    pub(super) fn entry(&mut self, entry: &Entry) {
        match &entry.body {
            Body::Attempt(attempt) => self.attempt(attempt),
            Body::Problem(problem) => self.problem(problem),
            Body::Call(call) => self.call(call),
            Body::Note { words } => self.words(Label::Words, Some(words)),
            Body::Photo(photo) => self.photo(photo),
            Body::Sms(sms) => self.sms(sms),
            Body::SmsReport(report) => self.sms_report(report),
            Body::SmsReply(reply) => self.sms_reply(reply),
            Body::Notice(notice) => self.notice(notice),
            Body::Outage(outage) => self.outage(outage),
            Body::Seen(Seen { notice }) => self.line(Label::About, Value::Entry(notice.clone())),
            Body::Reply(reply) => self.reply(reply),
            Body::Mark(mark) => self.mark(mark),
            Body::Action(action) => self.action(action),
            Body::Tick(Tick { step, words }) => {
                self.code(Label::Step, step.as_str());
                self.words(Label::Words, words.as_ref());
            }
            Body::Assign(assign) => self.assign(assign),
            Body::Consent(consent) => self.consent(consent),
            Body::Goods(goods) => self.goods(goods),
            Body::Ledger(line) => self.ledger(line),
            Body::Waiver(Waiver { evidence, words }) => {
                self.code(Label::Evidence, evidence.as_str());
                self.words(Label::Words, Some(words));
            }
            Body::Alias(Alias { waybill }) => self.line(Label::AlsoKnownAs, Value::Waybill(waybill.clone())),
            Body::Correction(correction) => self.correction(correction),
            Body::Dispute(Dispute { about, words }) => {
                self.about(Label::About, about);
                self.words(Label::Words, Some(words));
            }
            Body::Ruling(ruling) => self.ruling(ruling),
            Body::Close(Close { outcome, words, piece }) => {
                self.code(Label::Outcome, outcome.as_str());
                self.given(Label::Piece, piece.clone(), Value::Waybill);
                self.words(Label::Words, words.as_ref());
            }
            Body::Handover(Handover { to, words }) => {
                self.line(Label::Assignee, Value::Person(to.clone()));
                self.words(Label::Words, words.as_ref());
            }
            Body::Takeover(Takeover { handover }) => self.line(Label::About, Value::Entry(handover.clone())),
            Body::Listed(Listed { since }) => {
                self.line(Label::Since, Value::Time(*since));
                if let Some(facts) = &entry.facts {
                    self.facts(facts);
                }
            }
            Body::SheetNote(SheetNote { words }) => self.words(Label::Words, Some(words)),
            Body::SheetDay(SheetDay { words }) => self.words(Label::Words, words.as_ref()),
            Body::Ask(Ask { step, to, words }) => {
                self.code(Label::Step, step.as_str());
                self.line(Label::Asked, Value::Outlet(to.clone()));
                self.words(Label::Words, words.as_ref());
            }
            Body::Answered(answer) => self.answer(answer),
            Body::Dispatch(Dispatch { leaves_at, words }) => {
                self.line(Label::Run, Value::Time(*leaves_at));
                self.words(Label::Words, words.as_ref());
            }
            Body::Linked(Linked { waybill, reason, state }) => {
                self.line(Label::OtherParcel, Value::Waybill(waybill.clone()));
                if let Some(reason) = reason {
                    self.code(Label::Reason, reason.as_str());
                }
                let known = State::from_word(state.as_str()).map(|state| state.as_str());
                match known.or((state.as_str() == UNLINKED).then_some(UNLINKED)) {
                    Some(state) => self.word(Label::State, state),
                    // A newer server has further states.
                    None => self.line(Label::State, Value::Text(state.to_string())),
                }
            }
            Body::Unknown { name } => self.line(Label::NewerKind, Value::Text(name.clone())),
        }
    }

    fn time(&mut self, label: Label, at: Option<UnixMs>) {
        self.given(label, at, Value::Time);
    }

    fn attempt(&mut self, attempt: &Attempt) {
        let Attempt { reason, sub, words, piece, offered, agreed_at, waited_minutes } = attempt;
        self.reason(reason.as_str(), as_str(sub.as_ref()));
        self.given(Label::Piece, piece.clone(), Value::Waybill);
        self.given(Label::WouldPay, *offered, Value::Money);
        self.time(Label::AgreedAt, *agreed_at);
        self.number(Label::Waited, *waited_minutes, Unit::Minutes);
        self.words(Label::Words, words.as_ref());
    }

    fn problem(&mut self, problem: &Problem) {
        let Problem { reason, sub, stage, found_at, count, piece, other, weight_g, label_g, words } = problem;
        self.reason(reason.as_str(), as_str(sub.as_ref()));
        self.word(Label::Stage, stage.as_str());
        self.time(Label::FoundAt, *found_at);
        self.number(Label::Count, *count, Unit::Items);
        self.given(Label::Piece, piece.clone(), Value::Waybill);
        self.given(Label::OtherParcel, other.clone(), Value::Waybill);
        self.number(Label::Weight, *weight_g, Unit::Grams);
        self.number(Label::LabelWeight, *label_g, Unit::Grams);
        self.words(Label::Words, words.as_ref());
    }

    fn call(&mut self, call: &Call) {
        let Call { result, number, called_at, seconds, words } = call;
        self.word(Label::CallResult, result.as_str());
        self.personal(Label::NumberCalled, Sort::Phone, Whom::Customer, number.as_ref());
        self.time(Label::CalledAt, *called_at);
        self.number(Label::CallLength, *seconds, Unit::Seconds);
        self.words(Label::Words, words.as_ref());
    }

    fn photo(&mut self, photo: &Photo) {
        let Photo { id, len, purpose, thumbnail, placeholder, original, capture, clarity, look, source } = photo;
        self.word(Label::Shows, purpose.as_str());
        self.line(Label::Photo, Value::Photo { id: *id, len: Some(*len) });
        self.given(Label::MadeFrom, *original, |id| Value::Photo { id, len: None });
        if let Some(source) = source {
            self.word(Label::PhotoSource, source.as_str());
        }
        if let Some(Thumbnail { id, len }) = thumbnail {
            self.detail(Label::Thumbnail, Value::Photo { id: *id, len: Some(*len) });
        }
        if let Some(bytes) = placeholder {
            self.detail(Label::Placeholder, Value::Bytes(bytes.clone()));
        }
        let Capture { at, position, camera } = capture;
        if let Some(at) = at {
            self.detail(Label::TakenAt, Value::Time(*at));
        }
        self.position(Label::TakenWhere, *position);
        if let Some(camera) = camera {
            self.detail(Label::Camera, Value::Text(camera.clone()));
        }
        if let Some(Clarity { sharpness, light }) = clarity {
            self.detail(Label::Sharpness, Value::Number { count: (*sharpness).into(), unit: Unit::Points });
            self.detail(Label::Brightness, Value::Number { count: (*light).into(), unit: Unit::Points });
        }
        if let Some(look) = look {
            self.detail(Label::Look, Value::Bytes(look.to_be_bytes().to_vec()));
        }
    }

    fn sms(&mut self, sms: &Sms) {
        let Sms { attempt, day, template, template_version, to, mark, text, digest, has_surname, has_waybill } = sms;
        self.personal(Label::SmsTo, Sort::Phone, Whom::Recipient, Some(to));
        self.personal(Label::SmsText, Sort::StaffWords, Whom::Recipient, Some(text));
        if let Some(attempt) = attempt {
            self.detail(Label::About, Value::Entry(attempt.clone()));
        }
        self.detail(Label::SmsDay, Value::Day(*day));
        if let Some(template) = template {
            self.detail(Label::Template, Value::Text(template.to_string()));
            self.detail(Label::TemplateVersion, Value::Number { count: (*template_version).into(), unit: Unit::Points });
        }
        self.detail(Label::SmsMark, Value::Bytes(mark.to_vec()));
        self.detail(Label::SmsDigest, Value::Bytes(digest.to_vec()));
        for (label, is_so) in [(Label::HasSurname, has_surname), (Label::HasWaybill, has_waybill)] {
            if *is_so {
                self.detail(label, Value::Yes);
            }
        }
    }

    fn sms_report(&mut self, report: &SmsReport) {
        let SmsReport { of, state, round, way, holder, fault, at, words } = report;
        self.word(Label::SmsState, state.as_str());
        if let Some(fault) = fault {
            self.word(Label::SmsFault, fault.as_str());
        }
        // The number of the first try is not interesting.
        let count = Value::Number { count: u64::from(*round) + 1, unit: Unit::Items };
        if *round > 0 {
            self.line(Label::Try, count)
        } else {
            self.detail(Label::Try, count)
        }
        self.line(Label::About, Value::Entry(of.clone()));
        let key = match way {
            SmsWay::Phone => "by_phone",
            SmsWay::Gateway => "by_gateway",
        };
        self.word_named(Label::SmsWay, way.as_str(), key);
        if let Some(holder) = holder {
            self.detail(Label::LeaseHolder, Value::Text(holder.as_str().to_owned()));
        }
        self.time(Label::OperatorTime, *at);
        self.words(Label::Words, words.as_ref());
    }

    fn sms_reply(&mut self, reply: &SmsReply) {
        let SmsReply { of, words, opt_out } = reply;
        self.personal(Label::Words, Sort::CustomersWords, Whom::Recipient, Some(words));
        self.flag(Label::OptOut, *opt_out);
        self.detail(Label::About, Value::Entry(of.clone()));
    }

    fn notice(&mut self, notice: &Notice) {
        let Notice { to, source, request } = notice;
        self.line(Label::NoticeTo, Value::Outlet(to.clone()));
        self.word(Label::TargetSource, source.as_str());
        // A target from the parcel's data or its label is the normal case.
        if let (TargetSource::WaybillData | TargetSource::LabelScan, Some(line)) = (source, self.lines.last_mut()) {
            line.is_detail = true;
        }
        self.words(Label::Request, request.as_ref());
    }

    fn outage(&mut self, outage: &Outage) {
        let Outage { reason, contact, phone, phoned_at, outlet, said } = outage;
        self.word(Label::OutageReason, reason.as_str());
        self.personal(Label::Contact, Sort::Name, Whom::Colleague, contact.as_ref());
        self.personal(Label::Phone, Sort::Phone, Whom::Colleague, phone.as_ref());
        self.time(Label::PhonedAt, *phoned_at);
        self.given(Label::OutletCalled, outlet.clone(), Value::Outlet);
        self.words(Label::Said, said.as_ref());
    }

    fn reply(&mut self, reply: &Reply) {
        let Reply {
            notice,
            decision,
            words,
            phone,
            address,
            contact,
            company,
            same,
            until,
            place,
            informed,
            agreed_by,
            agreed,
            payer,
            letter,
            site,
        } = reply;
        self.code(Label::Decision, decision.as_str());
        let recipients = |telling: &mut Self, label: Label, sort: Sort, value: &Option<Personal>| {
            telling.personal(label, sort, Whom::Recipient, value.as_ref());
        };
        recipients(self, Label::Phone, Sort::Phone, phone);
        recipients(self, Label::Address, Sort::Address, address);
        recipients(self, Label::Contact, Sort::Name, contact);
        recipients(self, Label::Company, Sort::Name, company);
        recipients(self, Label::Place, Sort::Address, place);
        self.flag(Label::Same, *same);
        self.time(Label::Until, *until);
        self.flag(Label::Informed, *informed);
        if let Some(who) = agreed_by {
            self.word(Label::AgreedBy, who.as_str());
        }
        self.personal(Label::Agreed, Sort::Name, Whom::Customer, agreed.as_ref());
        if let Some(who) = payer {
            self.word(Label::Payer, who.as_str());
        }
        self.given(Label::Letter, *letter, |id| Value::Photo { id, len: None });
        self.given(Label::Site, site.clone(), Value::Outlet);
        self.words(Label::Words, words.as_ref());
        if let Some(notice) = notice {
            self.detail(Label::About, Value::Entry(notice.clone()));
        }
    }

    fn mark(&mut self, mark: &Mark) {
        let Mark { about, remark, reason, words } = mark;
        self.word(Label::Remark, remark.as_str());
        self.line(Label::About, Value::Entry(about.clone()));
        if let Some(reason) = reason {
            self.code(Label::MarkReason, reason.as_str());
        }
        self.words(Label::Words, words.as_ref());
    }

    fn action(&mut self, action: &Action) {
        let Action { outcome, carrier, number, amount, words, site } = action;
        self.code(Label::Outcome, outcome.as_str());
        self.given(Label::Site, site.clone(), Value::Outlet);
        self.given(Label::Carrier, carrier.clone(), Value::Text);
        self.given(Label::OnwardNumber, number.clone(), Value::Waybill);
        self.given(Label::Amount, *amount, Value::Money);
        self.words(Label::Words, words.as_ref());
    }

    fn answer(&mut self, answer: &Answered) {
        let Answered { ask, result, here, words } = answer;
        self.result(Label::Result, result.as_str());
        self.flag(Label::Here, *here);
        self.words(Label::Words, words.as_ref());
        self.line(Label::About, Value::Entry(ask.clone()));
    }

    fn assign(&mut self, assign: &Assign) {
        let Assign { to, planned_at, replaces, words } = assign;
        self.line(Label::Assignee, Value::Person(to.clone()));
        self.time(Label::PlannedAt, *planned_at);
        self.words(Label::Words, words.as_ref());
        if let Some(replaces) = replaces {
            self.detail(Label::Replaces, Value::Entry(replaces.clone()));
        }
    }

    fn consent(&mut self, consent: &Consent) {
        let Consent { by, to, name, words } = consent;
        self.code(Label::AgreedTo, to.as_str());
        self.word(Label::AgreedBy, by.as_str());
        self.personal(Label::Agreed, Sort::Name, Whom::Customer, name.as_ref());
        self.personal(Label::AgreedWords, Sort::CustomersWords, Whom::Customer, words.as_ref());
    }

    fn goods(&mut self, goods: &Goods) {
        let Goods { name, packing, value, words } = goods;
        for (label, text) in [(Label::GoodsName, name), (Label::Packing, packing)] {
            self.personal(label, Sort::StaffWords, Whom::Sender, text.as_ref());
        }
        self.given(Label::GoodsValue, *value, Value::Money);
        self.personal(Label::Words, Sort::StaffWords, Whom::Sender, words.as_ref());
    }

    fn ledger(&mut self, line: &Ledger) {
        let Ledger { book, change, amount, letter, slip, words } = line;
        self.code(Label::LedgerChange, change.as_str());
        self.word(Label::Book, book.as_str());
        self.given(Label::Amount, *amount, Value::Money);
        self.given(Label::Letter, *letter, |id| Value::Photo { id, len: None });
        self.flag(Label::SlipBack, *slip);
        self.words(Label::Words, words.as_ref());
    }

    fn correction(&mut self, correction: &Correction) {
        let Correction { of, fault, same_as, words } = correction;
        self.word(Label::Fault, fault.as_str());
        self.line(Label::About, Value::Entry(of.clone()));
        self.given(Label::SameAct, same_as.clone(), Value::Entry);
        self.words(Label::Words, Some(words));
    }

    fn ruling(&mut self, ruling: &Ruling) {
        let Ruling { about, stands, share, amount, replaces, words } = ruling;
        self.word(Label::Stands, stands.as_str());
        self.about(Label::About, about);
        self.number(Label::Share, share.map(u32::from), Unit::Percent);
        self.given(Label::Amount, *amount, Value::Money);
        self.words(Label::Words, words.as_ref());
        if let Some(replaces) = replaces {
            self.detail(Label::Replaces, Value::Entry(replaces.clone()));
        }
    }

    /// Adds the facts of a row of head office's list.
    fn facts(&mut self, facts: &Facts) {
        let Facts {
            network,
            waybill,
            origin_outlet,
            delivering_outlet,
            cod,
            mobile,
            virtual_mobile,
            arrival,
            entered,
            reference,
        } = facts;
        self.given(Label::DeliveringOutlet, delivering_outlet.clone(), Value::Outlet);
        self.given(Label::OriginOutlet, origin_outlet.clone(), Value::Outlet);
        let cash = Value::Money(*cod);
        if cod.0 > 0 {
            self.line(Label::CashToCollect, cash)
        } else {
            self.detail(Label::CashToCollect, cash)
        }
        self.detail(Label::NetworkCode, Value::Text(network.to_string()));
        self.detail(Label::Waybill, Value::Waybill(waybill.clone()));
        for (label, mark) in [(Label::LabelMark, mobile), (Label::VirtualMark, virtual_mobile)] {
            if let Some(mark) = mark {
                self.detail(label, Value::Bytes(mark.to_vec()));
            }
        }
        for (label, at) in [(Label::ArrivalDue, arrival), (Label::EnteredAt, entered)] {
            if let Some(at) = at {
                self.detail(label, Value::Time(*at));
            }
        }
        self.detail(Label::ListVersion, Value::Number { count: *reference, unit: Unit::Points });
    }
}
