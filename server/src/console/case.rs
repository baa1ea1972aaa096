//! One case: where it stands, what is next and by when, what contradicts itself, who would answer and why, what happened.

use std::collections::HashMap;

use axum::{
    extract::{Path, State, rejection::PathRejection},
    http::{HeaderMap, StatusCode},
    response::Response,
};
use doorstep_domain::{Body, CaseId, EntryKey, Fen, OutletCode, PhotoId, Recorded, Role};
use doorstep_rules::{
    Case, Explanation, Judgement, Label, Line, Pack, Sight, SmsLack, Sort, Unit, Validity, Value, explain, gap_words, judge, tell,
};
use maud::{Markup, html};

use super::{
    page::{Clock, allowed, both, failed, left, page, refused},
    photo::photo,
};
use crate::{
    case_log,
    devices::{self, Fork},
    error::ApiError,
    http::app::App,
    photos::{self, Told},
};

pub(crate) async fn case(State(app): State<App>, id: Result<Path<String>, PathRejection>, headers: HeaderMap) -> Response {
    if !allowed(&app, &headers) {
        return refused();
    }
    let Ok(Path(id)) = id else { return failed(ApiError::NotFound) };
    of(&app, &id).await.unwrap_or_else(failed)
}

async fn of(app: &App, id: &str) -> Result<Response, ApiError> {
    let id: CaseId = id.parse().map_err(|_| ApiError::NotFound)?;
    let now = (app.now)();
    let rules = app.rules.clone();
    let (book, folded, photos, forks) = app
        .db
        .read(move |db| {
            let folded = Case::fold(case_log::entries(db, &id)?).ok_or(ApiError::NotFound)?;
            let photos = photos::of_case(db, &id, now)?;
            Ok((rules.book(db)?.1, folded, photos, devices::forks_of(db, &id)?))
        })
        .await?;
    let judged = judge(&folded, &book, now);
    let why = explain(&folded, &book, &judged);
    let pack = book.at(now);
    let view = View {
        case: &folded,
        judged: &judged,
        why: &why,
        pack,
        clock: Clock { zone: pack.zone(), now },
        photos: &photos,
        forks: &forks,
    };
    Ok(page(StatusCode::OK, folded.facts.waybill.as_str(), &view.body()))
}

struct View<'a> {
    case: &'a Case,
    judged: &'a Judgement,
    why: &'a [Explanation],
    pack: &'a Pack,
    clock: Clock,
    photos: &'a HashMap<PhotoId, Told>,
    forks: &'a [Fork],
}

/// The role as which the page reads. Whoever has the link that the server prints sees every case of the network, ended ones too, with
/// its findings: that is a reviewer's work.
const READER: Role = Role::HqReviewer;

/// What the page shows of an entry. Not the photo itself, with the one that it was made from, and a message's number: they stand below,
/// the number masked before how the message stands. Of what only proves something, the page has what a camera says.
fn is_shown(line: &Line) -> bool {
    match line.label {
        Label::Photo | Label::MadeFrom | Label::SmsTo => false,
        Label::TakenAt | Label::TakenWhere | Label::Camera => true,
        _ => !line.is_detail,
    }
}

fn outlet(code: Option<&OutletCode>) -> String {
    code.map_or("—".to_owned(), ToString::to_string)
}

/// Where an entry stands on the page.
fn anchor(key: &EntryKey) -> String {
    key.to_string().replace(['/', '.'], "-")
}

impl View<'_> {
    fn body(&self) -> Markup {
        let Self { case, judged, pack, .. } = self;
        html! {
            p { a href="/" { "← 全部 All cases" } }
            h1 { (case.facts.waybill) " " (pack.words(judged.state.as_str()).zh)
                span.en { (pack.words(judged.state.as_str()).en) " · " (outlet(case.facts.delivering_outlet.as_ref())) " → " (outlet(case.facts.origin_outlet.as_ref())) " · " (case.facts.cod) } }
            @if !case.facts_confirmed { p.bad { "运单信息未核对：名单中没有此单号" span.en { "nothing of head office's list confirms what is said of the parcel: nobody is held to anything" } } }
            p { "下一步：" (pack.words(judged.next_step.as_str()).zh) span.en { (pack.words(judged.next_step.as_str()).en) }
                @if let Some(side) = judged.next_side { " · " (both(&pack.words(side.as_str()))) } }
            p { @for flag in &judged.flags { span.flag { (pack.words(flag.as_str()).zh) " / " (pack.words(flag.as_str()).en) } } }
            (self.forks())
            (self.conflicts())
            (self.questions())
            (self.deadlines())
            (self.cards())
            (self.missing())
            (self.findings())
            h2 { "经过 Timeline" }
            table {
                tr { th { "时间" span.en { "When" } } th { "谁" span.en { "Who" } } th { "什么" span.en { "What" } } th { "总部收到" span.en { "Received" } } }
                @for recorded in &case.timeline { (self.entry(recorded)) }
            }
        }
    }

    /// Why an answer is what it is, folded away.
    fn because(&self, about: &str) -> Markup {
        let found = self.why.iter().find(|why| why.about == about);
        html! {
            @if let Some(why) = found {
                details { summary { "为什么 Why" }
                    ul { @for link in &why.because { li {
                        @match &link.entry {
                            Some(key) => a href={ "#" (anchor(key)) } { (link.words.zh) },
                            None => (link.words.zh),
                        }
                        span.en { (link.words.en) }
                    } } }
                }
            }
        }
    }

    fn conflicts(&self) -> Markup {
        html! {
            @for conflict in &self.judged.conflicts {
                p.bad { "⚠ " (self.pack.words(conflict.kind.as_str()).zh) span.en { (self.pack.words(conflict.kind.as_str()).en) }
                    @for side in &conflict.sides { " · " a href={ "#" (anchor(side)) } { (side) } } }
            }
        }
    }

    /// Two stores have written under one installation that touched this case: a cloned phone, or a restored backup.
    fn forks(&self) -> Markup {
        html! {
            @for fork in self.forks {
                p.bad { "⚠ 本件有记录来自分叉的设备（克隆或备份恢复）：" (fork.device) "，批次 " (fork.batch) "，" (self.clock.show(fork.at))
                    span.en { "records of this case come from a device whose chain forked (a clone, or a restored backup): " (fork.what) } }
            }
        }
    }

    fn questions(&self) -> Markup {
        html! {
            @if !self.judged.questions.is_empty() {
                h2 { "待核事实（不是结论） Facts to ask about (no verdict)" }
                ul { @for question in &self.judged.questions { li {
                    (both(&question.told(Some(self.pack))))
                    @for key in &question.entries { " · " a href={ "#" (anchor(key)) } { (key) } }
                    (self.because(&question.about()))
                } } }
            }
        }
    }

    fn deadlines(&self) -> Markup {
        html! {
            @if !self.judged.deadlines.is_empty() {
                h2 { "期限 Deadlines" }
                table { @for d in &self.judged.deadlines { tr {
                    td { (d.clock) span.en { "v" (d.pack_version) } }
                    td { (both(&d.name)) (self.because(&format!("{}@{}", d.clock, d.started_by))) }
                    td { @match d.due_at { Some(due) => (self.clock.show(due)), None => "—" } }
                    td class=(match d.timeliness.as_str() { "late" | "late_synced" | "schedule_missing" => "bad", "pending" | "not_needed" => "", _ => "good" }) {
                        (both(&self.pack.words(d.timeliness.as_str()))) @if d.left_ms != 0 { (left(d.left_ms)) }
                    }
                } } }
            }
        }
    }

    fn cards(&self) -> Markup {
        html! {
            @for card in self.judged.cards.iter().filter(|card| !card.steps.is_empty()) {
                h2 { "步骤 Steps · " (card.code) " " (self.pack.name_of(&card.code).zh) }
                ul { @for step in &card.steps { li {
                    @if step.done.is_empty() { "☐ " } @else { "☑ " }
                    (step.name.zh) span.en { (step.name.en)
                        @if let Some(side) = step.side { " (" (both(&self.pack.words(side.as_str()))) ")" }
                        @for done in &step.done { " · " (done.by) " " (self.clock.show(done.at)) } }
                } } }
                @if !card.asks.is_empty() {
                    p { "询问 Ask: " @for who in &card.asks { (self.pack.words(who).zh) " " } }
                }
            }
        }
    }

    fn missing(&self) -> Markup {
        html! {
            @if !self.judged.missing.is_empty() {
                h2 { "缺少证据 Missing evidence" }
                ul { @for gap in &self.judged.missing { li { (both(&gap.name)) (self.because(&format!("{}@{}", gap.evidence, gap.entry))) } } }
            }
        }
    }

    fn findings(&self) -> Markup {
        let amount = |amount: Option<Fen>| amount.map_or_else(String::new, |amount| amount.to_string());
        html! {
            @if !self.judged.findings.is_empty() {
                h2 { "责任（建议） Who would answer (a proposal)" }
                table { @for finding in &self.judged.findings { tr {
                    td { (outlet(finding.outlet.as_ref())) }
                    td { (finding.rule) " " (both(&finding.name)) (self.because(&finding.id.to_string())) }
                    td { @if finding.open && finding.decided.is_none() { "比例未定 no share" }
                        @else { (finding.share) "% " (amount(finding.amount)) } }
                    td { (both(&self.pack.words(finding.state.as_str())))
                        @if finding.review { span.flag { "须总部查看 for review" } }
                        @if let Some(contacts) = &finding.contacts { div { (both(&gap_words(contacts.width_ms(), contacts.proven))) } }
                        @for other in &finding.otherwise { div { (both(&other.told())) } } }
                    td { span.en { (finding.id) } }
                } } }
            }
        }
    }

    fn entry(&self, recorded: &Recorded) -> Markup {
        let author = &recorded.entry.author;
        let corrected = self.case.superseded.get(&recorded.entry.key);
        html! {
            tr id=(anchor(&recorded.entry.key)) {
                td { (self.clock.show(recorded.acted_at())) }
                td { (author.user) " " (self.pack.words(author.word()).zh) span.en { (self.pack.words(author.word()).en) " " (author.outlet) } }
                td {
                    @if let Some(by) = corrected { a.flag href={ "#" (anchor(by)) } { "已更正 corrected" } }
                    (self.what(recorded))
                    span.en { (recorded.entry.key) }
                }
                td { @if let Some(receipt) = recorded.standing.receipt() { (self.clock.show(receipt.received_at)) } }
            }
        }
    }

    /// What an entry says: the lines that the rules tell, and beside them what head office knows of a photo, an SMS or a reply.
    fn what(&self, recorded: &Recorded) -> Markup {
        let (pack, body, key) = (self.pack, &recorded.entry.body, &recorded.entry.key);
        let sight = Sight::of_head_office(READER, self.case.has_ended());
        let lines = tell(&recorded.entry, self.case, Some(pack), sight);
        html! {
            (pack.words(body.kind()).zh) " " span.en { (pack.words(body.kind()).en) }
            @for line in lines.iter().filter(|line| is_shown(line)) { (self.line(line)) }
            @match body {
                Body::Photo(p) => (photo(p, self.photos.get(&p.id), pack, &self.clock)),
                Body::Sms(_) => (self.message(key)),
                Body::Reply(_) => (self.validity(key)),
                _ => {}
            }
        }
    }

    /// One line. Codes, words and what somebody said speak for themselves; whatever else there is has its label before it.
    fn line(&self, line: &Line) -> Markup {
        let label = || {
            let words = line.label.words(Some(self.pack));
            html! { (words.zh) " " (words.en) " " }
        };
        let is_said = line.personal.is_some_and(|value| matches!(value.sort, Sort::StaffWords | Sort::CustomersWords));
        match &line.value {
            Value::Text(text) if is_said => html! { div { (text) } },
            Value::Text(text) => html! { div { (label()) (text) } },
            Value::Sealed => html! { div { (label()) "（已加密 sealed）" } },
            Value::Code { name, .. } | Value::Word { name, .. } => both(name),
            Value::Yes => html! { div { (label()) } },
            Value::Time(at) => html! { div { (label()) (self.clock.show(*at)) } },
            Value::Day(day) => html! { div { (label()) (day) } },
            Value::Money(amount) => html! { div { (label()) (amount) } },
            Value::Number { count, unit: Unit::Points } => html! { div { (label()) (count) } },
            Value::Number { count, unit } => html! { div { (label()) (count) " " (self.pack.words(unit.as_str()).en) } },
            Value::Outlet(code) => html! { div { (label()) (code) } },
            Value::Person(user) => html! { div { "→ " (user) } },
            Value::Waybill(waybill) => html! { div { (label()) (waybill) } },
            Value::Photo { id, .. } => {
                html! { div { (label()) a href={ "/photo/" (id) } { (id.to_string().get(..8).unwrap_or_default()) } } }
            }
            Value::Entry(key) => html! { div { a href={ "#" (anchor(key)) } { (key) } } },
            Value::Finding(about) => html! { div { a href={ "#" (anchor(&about.entry)) } { (about) } } },
            Value::Position(place) => {
                let accuracy = place.accuracy_m.map_or_else(String::new, |metres| format!(" ±{metres} m"));
                let degrees = format!("{:.5}, {:.5}{accuracy}", f64::from(place.lat_e7) / 1e7, f64::from(place.lon_e7) / 1e7);
                html! { div { (label()) (degrees) } }
            }
            Value::Bytes(bytes) => html! { div { (label()) (bytes.len()) " B" } },
        }
    }

    /// How an SMS stands, and to which number it goes, masked.
    fn message(&self, key: &EntryKey) -> Markup {
        let message = self.judged.messages.iter().find(|message| message.entry == *key);
        html! {
            @if let Some(message) = message {
                div { (message.number) " " (both(&message.told(self.pack))) }
                @for lack in message.lacks.iter().filter(|lack| **lack != SmsLack::NotSent) {
                    span.flag { (both(&self.pack.words(lack.as_str()))) }
                }
            }
        }
    }

    fn validity(&self, key: &EntryKey) -> Markup {
        let reply = self.judged.replies.iter().find(|reply| reply.entry == *key);
        let word = |word: &str| self.pack.words(word);
        html! {
            @if let Some(reply) = reply {
                @match &reply.validity {
                    Validity::Valid => {},
                    Validity::Lacks { needs } => span.flag {
                        (word("invalid").zh) "，缺 lacks: "
                        @for need in needs { @for field in need.split('|') { (word(field).zh) "/" (word(field).en) " " } }
                    },
                    _ => span.flag { (word("invalid").zh) " " (word("invalid").en) },
                }
                @if reply.too_late { span.flag { (word("late").zh) " " (word("late").en) } }
                @if reply.in_force { span.flag { "有效 in force" } }
            }
        }
    }
}
