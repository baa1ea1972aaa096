//! The plain pages of head office: the list of cases by next deadline; one case is in `case`.

mod case;
mod photo;

use axum::{
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, FixedOffset};
use doorstep_domain::{PhotoId, UnixMs};
use doorstep_rules::Words;
use maud::{DOCTYPE, Markup, html};

pub(crate) use self::case::case;

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
    project::catch_up(&app.db, &app.rules, now).await?;
    let rules = app.rules.clone();
    let (book, rows) = app.db.read(move |db| Ok((rules.book(db)?.1, project::list(db, 500)?))).await?;
    let pack = book.at(now);
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
                    td { (both(&pack.name_of(&row.reason))) }
                    td { (both(&pack.words(&row.state))) @if !row.decision.is_empty() { (both(&pack.name_of(&row.decision))) } }
                    td { (both(&pack.words(&row.next_step))) }
                    td { @if row.origin_outlet.is_empty() { "—" } @else { (row.delivering_outlet) " → " (row.origin_outlet) } }
                    td { @if let Some(due) = row.due_at { (clock.show(due)) span.en { (left(due.since(now))) } } @else if row.missed.is_empty() { "—" }
                        @if !row.missed.is_empty() { div.bad { "超时 missed: " (row.missed.join(" ")) } } }
                    td {
                        @for flag in &row.flags { span.flag title=(pack.words(flag).en) { (pack.words(flag).zh) } }
                        @if row.same_picture { span.flag title="The same picture was recorded under another waybill too" { "照片重复使用" } }
                        @if row.photos_pending > 0 { span.flag { "待传照片 " (row.photos_pending) } }
                    }
                }
            }
        }
        @if rows.is_empty() { p { "没有问题件 " span.en { "No problem parcels" } } }
    };
    Ok(page("Doorstep", &body).into_response())
}

pub(crate) async fn photo(State(app): State<App>, Path(sha): Path<String>, headers: HeaderMap) -> Result<Response, ApiError> {
    if !allowed(&app, &headers) {
        return Ok(refused());
    }
    let id: PhotoId = sha.parse().map_err(|_| ApiError::NotFound)?;
    photos::give(&app.db, &app.storage, id, &headers).await
}
