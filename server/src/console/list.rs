//! The list of cases by whose turn it is and the time left.

use axum::{
    extract::{Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use doorstep_domain::UnixMs;
use doorstep_rules::{Duty, Pack, Side};
use maud::{Markup, html};

use super::page::{Clock, allowed, both, left, page, refused, same};
use crate::{
    error::ApiError,
    http::app::App,
    project::{self, CaseRow, DueFrom, Which},
    store::tx::Tx,
};

/// The largest number of cases in each list of the page.
const MOST: u32 = 500;

/// What the address asks for: a login with the link that the server printed, or the duties of an outlet or a side.
#[derive(serde::Deserialize)]
pub(crate) struct Asked {
    token: Option<String>,
    outlet: Option<String>,
    side: Option<String>,
}

pub(crate) async fn list(State(app): State<App>, Query(asked): Query<Asked>, headers: HeaderMap) -> Result<Response, ApiError> {
    if let Some(token) = asked.token {
        if !same(&token, &app.console_token) {
            return Ok(refused());
        }
        let cookie = format!("doorstep={token}; HttpOnly; SameSite=Strict; Path=/");
        // The address with the token goes nowhere else and stays in no cache.
        let headers = [
            (header::SET_COOKIE, cookie.as_str()),
            (header::LOCATION, "/"),
            (header::CACHE_CONTROL, "no-store"),
            (header::REFERRER_POLICY, "no-referrer"),
        ];
        return Ok((StatusCode::SEE_OTHER, headers).into_response());
    }
    if !allowed(&app, &headers) {
        return Ok(refused());
    }
    let now = (app.now)();
    project::catch_up(&app.db, &app.rules, now).await?;
    let rules = app.rules.clone();
    // An address that names no outlet and no side shows everybody's.
    let side = asked.side.as_deref().and_then(Side::from_word);
    let from = DueFrom { outlet: asked.outlet.and_then(|outlet| outlet.parse().ok()), side };
    let shown = from.clone();
    let lists = move |tx: &Tx<'_>| {
        let list = |which| project::list(tx, which, &from, MOST);
        Ok((rules.book(tx)?.1, list(Which::Listed)?, list(Which::Unlisted)?))
    };
    let (book, rows, unlisted) = app.db.read(lists).await?;
    let pack = book.at(now);
    let clock = Clock { zone: pack.zone(), now };
    let body = html! {
        h1 { (pack.name.zh) " 问题件 " span.en { (pack.name.en) " problem parcels, by whose turn it is · " (clock.show(now)) } }
        (sides(&shown, pack))
        (table(&rows, pack, &clock, now))
        @if rows.is_empty() { p { "没有问题件 " span.en { "No problem parcels" } } }
        @if !unlisted.is_empty() {
            h2 { "不在名单的单号 " span.en { "Waybills in no list" } }
            (table(&unlisted, pack, &clock, now))
        }
    };
    Ok(page(StatusCode::OK, "Doorstep", &body))
}

/// Links to the lists of one side, and what the present list is limited to.
fn sides(from: &DueFrom, pack: &Pack) -> Markup {
    html! {
        p {
            "轮到谁 " span.en { "Whose turn" }
            @for side in Side::ALL {
                @if from.side == Some(*side) { b { (pack.words(side.as_str()).zh) } } @else {
                    a href={ "/?side=" (side.as_str()) @if let Some(outlet) = &from.outlet { "&outlet=" (outlet) } } {
                        (pack.words(side.as_str()).zh)
                    }
                }
                " · "
            }
            @if let Some(outlet) = &from.outlet { b { (outlet) } " · " }
            a href="/" { "全部 All" }
        }
    }
}

/// What is due, from whom, and until when or since when it is overdue.
fn due(duty: &Duty, pack: &Pack, clock: &Clock, now: UnixMs) -> Markup {
    html! {
        (both(&duty.name(Some(pack))))
        a href={ "/?side=" (duty.side.as_str()) } { (pack.words(duty.side.as_str()).zh) } " "
        @if let Some(outlet) = &duty.outlet { a href={ "/?outlet=" (outlet) } { (outlet) } " " }
        @if let Some(person) = &duty.person { (person) }
        @if let Some(since) = duty.missed { div.bad { (clock.show(since)) " 起超时 overdue, " (left(since.since(now))) } }
        @if let Some(until) = duty.until { div { (clock.show(until)) span.en { (left(until.since(now))) } } }
    }
}

fn table(rows: &[CaseRow], pack: &Pack, clock: &Clock, now: UnixMs) -> Markup {
    html! {
        table {
            tr {
                th { "单号" span.en { "Waybill" } } th { "原因" span.en { "Reason" } } th { "状态" span.en { "State" } }
                th { "轮到谁" span.en { "Whose turn" } } th { "下一步" span.en { "Next step" } } th { "派件 → 寄件" span.en { "Delivering → origin" } }
                th { "期限" span.en { "Deadline" } } th { "标记" span.en { "Flags" } }
            }
            @for row in rows {
                tr {
                    td { a href={ "/case/" (row.case) } { (row.waybill) } @if row.attempts > 1 { " ×" (row.attempts) } }
                    td { (both(&pack.name_of(&row.reason))) }
                    td { (both(&pack.words(&row.state))) @if !row.decision.is_empty() { (both(&pack.name_of(&row.decision))) } }
                    td { @if let Some(duty) = &row.due { (due(duty, pack, clock, now)) } @else { "—" } }
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
    }
}
