//! The list of cases by next deadline.

use axum::{
    extract::{Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use maud::html;

use super::page::{Clock, allowed, both, left, page, refused, same};
use crate::{error::ApiError, http::app::App, project};

#[derive(serde::Deserialize)]
pub(crate) struct Login {
    token: Option<String>,
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
    let clock = Clock { zone: pack.zone(), now };
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
