//! One case: where it stands, what is next and by when, what contradicts itself, who would answer and why, what happened.

use std::collections::HashMap;

use axum::{
    extract::{Path, State},
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use doorstep_domain::{Body, CaseId, EntryKey, Fen, OutletCode, Personal, PhotoId, Recorded, UnixMs};
use doorstep_rules::{Case, Explanation, Judgement, Pack, SmsLack, Validity, explain, gap_words, judge};
use maud::{Markup, html};

use super::{Clock, allowed, both, left, page, photo::photo, refused};
use crate::{
    case_log,
    error::ApiError,
    http::App,
    photos::{self, Told},
};

pub(crate) async fn case(State(app): State<App>, Path(id): Path<String>, headers: HeaderMap) -> Result<Response, ApiError> {
    if !allowed(&app, &headers) {
        return Ok(refused());
    }
    let id: CaseId = id.parse().map_err(|_| ApiError::NotFound)?;
    let now = (app.now)();
    let rules = app.rules.clone();
    let (book, folded, photos) = app
        .db
        .read(move |db| {
            let folded = Case::fold(case_log::entries(db, &id)?.0).ok_or(ApiError::NotFound)?;
            let photos = photos::of_case(db, &id, now)?;
            Ok((rules.book(db)?.1, folded, photos))
        })
        .await?;
    let judged = judge(&folded, &book, now);
    let why = explain(&folded, &book, &judged);
    let pack = book.at(now);
    let view = View { case: &folded, judged: &judged, why: &why, pack, clock: Clock(pack.zone()), photos: &photos };
    Ok(page(folded.facts.waybill.as_str(), &view.body()).into_response())
}

struct View<'a> {
    case: &'a Case,
    judged: &'a Judgement,
    why: &'a [Explanation],
    pack: &'a Pack,
    clock: Clock,
    photos: &'a HashMap<PhotoId, Told>,
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
            p { "下一步：" (pack.words(judged.next_step.as_str()).zh) span.en { (pack.words(judged.next_step.as_str()).en) } }
            p { @for flag in &judged.flags { span.flag { (pack.words(flag.as_str()).zh) " / " (pack.words(flag.as_str()).en) } } }
            (self.conflicts())
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
                    td { (finding.share) "% " (amount(finding.amount)) }
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

    fn said(&self, words: Option<&Personal>) -> Markup {
        html! { @if let Some(text) = words.and_then(|w| w.text()) { div { (text) } } }
    }

    fn when(&self, label: &str, at: Option<UnixMs>) -> Markup {
        html! { @if let Some(at) = at { div { (label) " " (self.clock.show(at)) } } }
    }

    fn what(&self, recorded: &Recorded) -> Markup {
        let pack = self.pack;
        let kind = |body: &Body| html! { (pack.words(body.kind()).zh) " " span.en { (pack.words(body.kind()).en) } };
        let named = |code: &str| both(&pack.name_of(code));
        let word = |word: &str| both(&pack.words(word));
        let body = &recorded.entry.body;
        let detail = match body {
            Body::Attempt(a) => html! {
                (named(a.reason.as_str())) @if let Some(sub) = &a.sub { (both(&pack.name_of_sub(a.reason.as_str(), sub.as_str()))) }
                @if let Some(piece) = &a.piece { div { "子件 piece " (piece) } }
                @if let Some(offered) = a.offered { div { "愿付 would pay " (offered) } }
                @if let Some(waited) = a.waited_minutes { div { "等待 waited " (waited) " min" } }
                (self.when("约定 agreed", a.agreed_at)) (self.said(a.words.as_ref()))
            },
            Body::Problem(p) => html! {
                (named(p.reason.as_str())) @if let Some(sub) = &p.sub { (both(&pack.name_of_sub(p.reason.as_str(), sub.as_str()))) }
                (word(p.stage.as_str())) (self.when("发现 found", p.found_at))
                @if let Some(count) = p.count { div { "数量 count " (count) } }
                @if let Some(piece) = &p.piece { div { "子件 piece " (piece) } }
                @if let Some(other) = &p.other { div { "另一件 other parcel " (other) } }
                @if let Some(weight) = p.weight_g { div { "实重 on the scale " (weight) " g" } }
                @if let Some(weight) = p.label_g { div { "面单 on the label " (weight) " g" } }
                (self.said(p.words.as_ref()))
            },
            Body::Call(c) => html! { (word(c.result.as_str())) (self.said(c.number.as_ref())) (self.said(c.words.as_ref())) },
            Body::Note { words } => self.said(Some(words)),
            Body::Photo(p) => html! { (word(p.purpose.as_str())) (photo(p, self.photos.get(&p.id), self.pack, &self.clock)) },
            Body::Sms(s) => html! { (self.message(&recorded.entry.key)) (self.said(Some(&s.text))) },
            Body::SmsReport(r) => html! {
                (word(r.state.as_str())) @if let Some(fault) = r.fault { (word(fault.as_str())) }
                @if r.round > 0 { div { "第 " (r.round + 1) " 次 try " (r.round + 1) } } (self.said(r.words.as_ref()))
            },
            Body::SmsReply(r) => html! { (self.said(Some(&r.words))) @if r.opt_out { (word("sms_opt_out")) } },
            Body::Notice(n) => html! { "→ " (n.to) (word(n.source.as_str())) (self.said(n.request.as_ref())) },
            Body::Outage(o) => html! {
                (word(o.reason.as_str())) (self.said(o.contact.as_ref())) (self.said(o.phone.as_ref()))
                (self.when("通话 called", o.phoned_at)) (self.said(o.said.as_ref()))
            },
            Body::Seen(s) => html! { span.en { (s.notice) } },
            Body::Reply(r) => html! {
                (named(r.decision.as_str())) (self.validity(&recorded.entry.key))
                @for text in [&r.contact, &r.phone, &r.address, &r.company, &r.place, &r.agreed, &r.words] { (self.said(text.as_ref())) }
                @if r.same { div { (pack.words("same").zh) } } (self.when("日期 day", r.until))
                @if let Some(payer) = r.payer { (word(payer.as_str())) } @if let Some(who) = r.agreed_by { (word(who.as_str())) }
            },
            Body::Mark(m) => {
                html! { (word(m.remark.as_str())) span.en { (m.about) } @if let Some(code) = &m.reason { (named(code.as_str())) } (self.said(m.words.as_ref())) }
            }
            Body::Action(a) => html! {
                (named(a.outcome.as_str())) @if let Some(carrier) = &a.carrier { div { (carrier) } }
                @if let Some(number) = &a.number { div { "→ " (number) } } @if let Some(amount) = a.amount { div { (amount) } }
                (self.said(a.words.as_ref()))
            },
            Body::Tick(t) => html! { (named(t.step.as_str())) (self.said(t.words.as_ref())) },
            Body::Assign(a) => html! { "→ " (a.to) (self.when("计划 planned", a.planned_at)) (self.said(a.words.as_ref())) },
            Body::Consent(c) => {
                html! { (word(c.by.as_str())) (named(c.to.as_str())) (self.said(c.name.as_ref())) (self.said(c.words.as_ref())) }
            }
            Body::Goods(g) => html! {
                @if let Some(value) = g.value { div { (value) } }
                @for text in [&g.name, &g.packing, &g.words] { (self.said(text.as_ref())) }
            },
            Body::Ledger(l) => html! {
                (word(l.book.as_str())) (named(l.change.as_str())) @if let Some(amount) = l.amount { div { (amount) } }
                @if l.slip { div { "回执小联已收回 slip taken back" } } (self.said(l.words.as_ref()))
            },
            Body::Waiver(w) => html! { (w.evidence) (self.said(Some(&w.words))) },
            Body::Alias(a) => html! { (a.waybill) },
            Body::Correction(c) => {
                html! { (word(c.fault.as_str())) a href={ "#" (anchor(&c.of)) } { (c.of) } (self.said(Some(&c.words))) }
            }
            Body::Dispute(d) => html! { (d.about) (self.said(Some(&d.words))) },
            Body::Ruling(d) => html! {
                (word(d.stands.as_str())) (d.about) @if let Some(share) = d.share { " " (share) "%" }
                @if let Some(amount) = d.amount { " " (amount) } (self.said(d.words.as_ref()))
            },
            Body::Close(c) => {
                html! { (named(c.outcome.as_str())) @if let Some(piece) = &c.piece { div { "子件 piece " (piece) } } (self.said(c.words.as_ref())) }
            }
            Body::Handover(h) => html! { "→ " (h.to) (self.said(h.words.as_ref())) },
            Body::Takeover(_) => html! {},
            Body::Listed(l) => html! {
                (self.when("自 since", Some(l.since)))
                @if let Some(facts) = &recorded.entry.facts {
                    div { (outlet(facts.delivering_outlet.as_ref())) " ← " (outlet(facts.origin_outlet.as_ref())) " · " (facts.cod) }
                }
            },
            // No case has them.
            Body::SheetNote(_) | Body::SheetDay(_) => html! {},
            Body::Unknown { name } => html! { (name) span.en { "written by a newer version" } },
        };
        html! { (kind(body)) (detail) }
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
