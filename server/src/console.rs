//! The plain page: cases by next deadline, one case with its timeline, names from the pack in Chinese and English.

use axum::{
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, FixedOffset};
use doorstep_domain::{Body, CaseId, PhotoId, Recorded, UnixMs};
use doorstep_rules::{Case, Pack, Words, judge};
use maud::{DOCTYPE, Markup, html};
use rusqlite::params;

use crate::{error::ApiError, http::App, photos, project};

const STYLE: &str = "body{font:15px/1.5 system-ui,'Noto Sans CJK SC',sans-serif;margin:1.5rem auto;max-width:72rem;padding:0 1rem;color:#1d2129}\
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.35rem .6rem;border-bottom:1px solid #e3e6ea;vertical-align:top}\
th{color:#5a6370;font-weight:600}.en{color:#5a6370;font-size:.88em;display:block}.bad{color:#b3261e}.good{color:#1b6e3c}\
.flag{background:#fff3d6;border-radius:.3rem;padding:0 .4rem;margin-right:.3rem;white-space:nowrap}img{max-width:12rem;border-radius:.3rem}\
a{color:#0b57d0;text-decoration:none}h1{font-size:1.3rem}h2{font-size:1.05rem;margin-top:1.6rem}";

#[derive(serde::Deserialize)]
pub(crate) struct Login {
    token: Option<String>,
}

/// Bytes compared without telling by time where they differ.
fn same(a: &str, b: &str) -> bool {
    a.len() == b.len() && a.bytes().zip(b.bytes()).fold(0, |diff, (x, y)| diff | (x ^ y)) == 0
}

fn allowed(app: &App, headers: &HeaderMap) -> bool {
    let cookies = headers.get(header::COOKIE).and_then(|v| v.to_str().ok()).unwrap_or("");
    cookies.split(';').filter_map(|c| c.trim().strip_prefix("doorstep=")).any(|token| same(token, &app.console_token))
}

fn refused() -> Response {
    let page = page(
        "Doorstep",
        &html! {
            h1 { "请用启动时打印的链接打开 " span.en { "Open this page with the link that the server printed at its start" } }
        },
    );
    (StatusCode::UNAUTHORIZED, page).into_response()
}

fn page(title: &str, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="zh" {
            head { meta charset="utf-8"; meta name="viewport" content="width=device-width"; title { (title) } style { (maud::PreEscaped(STYLE)) } }
            body { (body) }
        }
    }
}

fn both(words: &Words) -> Markup {
    html! { (words.zh) span.en { (words.en) } }
}

struct Clock(Option<FixedOffset>);

impl Clock {
    fn show(&self, at: UnixMs) -> String {
        let zone = self.0.or_else(|| FixedOffset::east_opt(0));
        let local = DateTime::from_timestamp_millis(at.0).zip(zone).map(|(at, zone)| at.with_timezone(&zone));
        local.map_or_else(String::new, |at| at.format("%m-%d %H:%M:%S").to_string())
    }
}

/// Time left or past, to the minute.
fn left(ms: i64) -> String {
    let minutes = ms.unsigned_abs() / 60_000;
    let sign = if ms < 0 { "-" } else { "" };
    format!("{sign}{} h {:02} min", minutes / 60, minutes % 60)
}

fn reason_name(pack: &Pack, code: &str) -> Words {
    pack.reason(code)
        .map_or_else(|| Words { zh: code.to_owned(), en: code.to_owned() }, |r| Words { zh: r.zh.clone(), en: r.en.clone() })
}

fn sub_name(pack: &Pack, reason: &str, sub: &str) -> Words {
    Pack::name_of(pack.reason(reason).map_or(&[], |reason| reason.subs.as_slice()), sub)
}

fn decision_name(pack: &Pack, code: &str) -> Words {
    let named = Pack::name_of(&pack.decisions, code);
    if named.zh == code { Pack::name_of(&pack.outcomes, code) } else { named }
}

pub(crate) async fn list(State(app): State<App>, Query(login): Query<Login>, headers: HeaderMap) -> Result<Response, ApiError> {
    if let Some(token) = login.token {
        if !same(&token, &app.console_token) {
            return Ok(refused());
        }
        let cookie = format!("doorstep={token}; HttpOnly; SameSite=Strict; Path=/");
        return Ok((StatusCode::SEE_OTHER, [(header::SET_COOKIE, cookie), (header::LOCATION, "/".to_owned())]).into_response());
    }
    if !allowed(&app, &headers) {
        return Ok(refused());
    }
    let now = (app.now)();
    project::catch_up(&app.db, now).await?;
    let (pack, rows) = app.db.read(move |db| Ok((project::pack(db)?, project::list(db, 500)?))).await?;
    let clock = Clock(pack.zone());
    let body = html! {
        h1 { (pack.name.zh) " 问题件 " span.en { (pack.name.en) " problem parcels, by next deadline · " (clock.show(now)) } }
        table {
            tr {
                th { "单号" span.en { "Waybill" } } th { "原因" span.en { "Reason" } } th { "状态" span.en { "State" } }
                th { "下一步" span.en { "Next step" } } th { "派件 → 寄件" span.en { "Delivering → origin" } }
                th { "期限" span.en { "Deadline" } } th { "标记" span.en { "Flags" } }
            }
            @for row in &rows {
                tr {
                    td { a href={ "/case/" (row.case) } { (row.waybill) } @if row.attempts > 1 { " ×" (row.attempts) } }
                    td { (both(&reason_name(&pack, &row.reason))) }
                    td { (both(&pack.words(&row.state))) @if !row.decision.is_empty() { (both(&decision_name(&pack, &row.decision))) } }
                    td { (both(&pack.words(&row.next_step))) }
                    td { @if row.origin_outlet.is_empty() { "—" } @else { (row.delivering_outlet) " → " (row.origin_outlet) } }
                    td { @if let Some(due) = row.due_at { (clock.show(due)) span.en { (left(due.since(now))) } } @else if row.missed.is_empty() { "—" }
                        @if !row.missed.is_empty() { div.bad { "超时 missed: " (row.missed.join(" ")) } } }
                    td {
                        @for flag in &row.flags { span.flag title=(pack.words(flag).en) { (pack.words(flag).zh) } }
                        @if row.photos_pending > 0 { span.flag { "待传照片 " (row.photos_pending) } }
                    }
                }
            }
        }
        @if rows.is_empty() { p { "没有问题件 " span.en { "No problem parcels" } } }
    };
    Ok(page("Doorstep", &body).into_response())
}

pub(crate) async fn case(State(app): State<App>, Path(id): Path<String>, headers: HeaderMap) -> Result<Response, ApiError> {
    if !allowed(&app, &headers) {
        return Ok(refused());
    }
    let id: CaseId = id.parse().map_err(|_| ApiError::NotFound)?;
    let now = (app.now)();
    let (pack, folded, stored) = app
        .db
        .read(move |db| {
            let folded = Case::fold(project::entries(db, &id)?.0).ok_or(ApiError::NotFound)?;
            let mut query = db.prepare_cached("SELECT sha FROM photo WHERE case_id = ?1 AND stored_at IS NOT NULL")?;
            let stored =
                query.query_map(params![id.as_bytes()], |row| row.get::<_, Vec<u8>>(0))?.collect::<Result<Vec<_>, _>>()?;
            Ok((project::pack(db)?, folded, stored))
        })
        .await?;
    let judged = judge(&folded, &pack, now);
    let clock = Clock(pack.zone());
    let outlet = |code: &Option<doorstep_domain::OutletCode>| code.as_ref().map_or("—".to_owned(), ToString::to_string);
    let body = html! {
        p { a href="/" { "← 全部 All cases" } }
        h1 { (folded.facts.waybill) " " (pack.words(judged.state.as_str()).zh)
            span.en { (pack.words(judged.state.as_str()).en) " · " (outlet(&folded.facts.delivering_outlet)) " → " (outlet(&folded.facts.origin_outlet)) " · " (folded.facts.cod) } }
        p { "下一步：" (pack.words(judged.next_step.as_str()).zh) span.en { (pack.words(judged.next_step.as_str()).en) } }
        p { @for flag in &judged.flags { span.flag { (pack.words(flag.as_str()).zh) " / " (pack.words(flag.as_str()).en) } } }
        @if !judged.deadlines.is_empty() {
            h2 { "期限 Deadlines" }
            table { @for d in &judged.deadlines { tr {
                td { (d.clock) } td { (both(&d.name)) } td { (clock.show(d.due_at)) }
                td class=(match d.timeliness.as_str() { "late" | "late_synced" => "bad", "pending" => "", _ => "good" }) {
                    (both(&pack.words(d.timeliness.as_str()))) @if d.left_ms != 0 { (left(d.left_ms)) }
                }
            } } }
        }
        @if !judged.missing.is_empty() {
            h2 { "缺少证据 Missing evidence" }
            ul { @for gap in &judged.missing { li { (both(&gap.name)) } } }
        }
        @if !judged.answerable.is_empty() {
            h2 { "如不变更，责任方（建议） Who would answer (a proposal)" }
            ul { @for a in &judged.answerable { li { (outlet(&a.outlet)) " · " (a.rule) } } }
        }
        h2 { "经过 Timeline" }
        table {
            tr { th { "时间" span.en { "When" } } th { "谁" span.en { "Who" } } th { "什么" span.en { "What" } } th { "总部收到" span.en { "Received" } } }
            @for recorded in &folded.timeline { tr {
                td { (clock.show(recorded.acted_at())) }
                td { (recorded.entry.author.user) " " (pack.words(recorded.entry.author.role.as_str()).zh) span.en { (pack.words(recorded.entry.author.role.as_str()).en) " " (recorded.entry.author.outlet) } }
                td { (what(recorded, &pack, &clock, &stored)) }
                td { @if let Some(receipt) = recorded.standing.receipt() { (clock.show(receipt.received_at)) } }
            } }
        }
    };
    Ok(page(folded.facts.waybill.as_str(), &body).into_response())
}

fn what(recorded: &Recorded, pack: &Pack, clock: &Clock, stored: &[Vec<u8>]) -> Markup {
    let said = |words: &Option<doorstep_domain::Personal>| html! { @if let Some(text) = words.as_ref().and_then(|w| w.text()) { div { (text) } } };
    match &recorded.entry.body {
        Body::Attempt(a) => {
            html! { "派送失败：" (both(&reason_name(pack, a.reason.as_str()))) @if let Some(sub) = &a.sub { (both(&sub_name(pack, a.reason.as_str(), sub.as_str()))) } (said(&a.words)) }
        }
        Body::Call(c) => html! { "通话 Call: " (both(&pack.words(c.result.as_str()))) (said(&c.number)) (said(&c.words)) },
        Body::Note { words } => html! { "备注 Note" (said(&Some(words.clone()))) },
        Body::Photo(p) => html! {
            "照片 Photo: " (both(&pack.words(p.purpose.as_str())))
            @if stored.iter().any(|sha| sha == p.id.as_bytes()) { br; img src={ "/photo/" (p.id) } alt=(p.purpose.as_str()); }
            @else { span.en { "字节还在手机上 bytes still on the phone" } }
        },
        Body::Sms(s) => html! { "短信 SMS: " (both(&pack.words(s.level.as_str()))) (said(&Some(s.text.clone()))) },
        Body::Notice(n) => html! { "通知寄件网点 Notice to " (n.to) (said(&n.request)) },
        Body::Outage(o) => html! {
            "电话通知 Phone notice: " (both(&pack.words(o.reason.as_str())))
            (said(&o.contact)) (said(&o.phone)) @if let Some(at) = o.phoned_at { div { (clock.show(at)) } } (said(&o.said))
        },
        Body::Reply(r) => {
            html! { "回复：" (both(&decision_name(pack, r.decision.as_str()))) (said(&r.words)) (said(&r.phone)) (said(&r.address)) }
        }
        Body::Close(c) => html! { "结案：" (both(&decision_name(pack, c.outcome.as_str()))) (said(&c.words)) },
        Body::Handover(h) => html! { "交接给 Handed over to " (h.to) (said(&h.words)) },
        Body::Takeover(_) => html! { "已接收交接 Taken over" },
        Body::Unknown { name } => html! { (name) span.en { "written by a newer version" } },
    }
}

pub(crate) async fn photo(State(app): State<App>, Path(sha): Path<String>, headers: HeaderMap) -> Result<Response, ApiError> {
    if !allowed(&app, &headers) {
        return Ok(refused());
    }
    let id: PhotoId = sha.parse().map_err(|_| ApiError::NotFound)?;
    let folder = app.db.folder().to_owned();
    let (mime, bytes) = app.db.read(move |db| photos::get(db, &folder, &id)).await?;
    // The type was read from the bytes when they came; nosniff keeps a browser from guessing another.
    let headers = [
        (header::CONTENT_TYPE, mime),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
        (header::CACHE_CONTROL, "private, max-age=86400".to_owned()),
    ];
    Ok((headers, bytes).into_response())
}
