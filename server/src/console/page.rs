//! What the plain pages share: who may read them, their frame, how times are shown.

use axum::{
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Datelike, FixedOffset};
use data_encoding::BASE64;
use doorstep_domain::UnixMs;
use doorstep_rules::Words;
use maud::{DOCTYPE, Markup, html};
use sha2::{Digest, Sha256};

use crate::{error::ApiError, http::app::App};

const STYLE: &str = "body{font:15px/1.5 system-ui,'Noto Sans CJK SC',sans-serif;margin:1.5rem auto;max-width:72rem;padding:0 1rem;color:#1d2129}\
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.35rem .6rem;border-bottom:1px solid #e3e6ea;vertical-align:top}\
th{color:#5a6370;font-weight:600}.en{color:#5a6370;font-size:.88em;display:block}.bad{color:#b3261e}.good{color:#1b6e3c}\
.flag{background:#fff3d6;border-radius:.3rem;padding:0 .4rem;margin-right:.3rem;white-space:nowrap}img{max-width:12rem;border-radius:.3rem}\
a{color:#0b57d0;text-decoration:none}h1{font-size:1.3rem}h2{font-size:1.05rem;margin-top:1.6rem}";

/// Bytes compared without telling by time where they differ.
pub(super) fn same(a: &str, b: &str) -> bool {
    a.len() == b.len() && a.bytes().zip(b.bytes()).fold(0, |diff, (x, y)| diff | (x ^ y)) == 0
}

pub(super) fn allowed(app: &App, headers: &HeaderMap) -> bool {
    let cookies = headers.get(header::COOKIE).and_then(|v| v.to_str().ok()).unwrap_or("");
    cookies.split(';').filter_map(|c| c.trim().strip_prefix("doorstep=")).any(|token| same(token, &app.console_token))
}

pub(super) fn refused() -> Response {
    let body = html! {
        h1 { "请用启动时打印的链接打开 " span.en { "Open this page with the link that the server printed at its start" } }
    };
    page(StatusCode::UNAUTHORIZED, "Doorstep", &body)
}

/// The page of an error. A person reads it, so it is not the body that a device gets.
pub(super) fn failed(error: ApiError) -> Response {
    if !matches!(error, ApiError::NotFound) {
        return error.into_response();
    }
    let body = html! {
        h1 { "没有此页 " span.en { "There is no such page" } }
        p { a href="/" { "问题件列表 " span.en { "The list of problem parcels" } } }
    };
    page(StatusCode::NOT_FOUND, "Doorstep", &body)
}

/// A page with the headers that keep it to itself: no script, nothing from elsewhere, no frame, no copy in a cache, and no address of it
/// for other sites.
pub(super) fn page(status: StatusCode, title: &str, body: &Markup) -> Response {
    let page = html! {
        (DOCTYPE)
        html lang="zh" {
            head { meta charset="utf-8"; meta name="viewport" content="width=device-width"; title { (title) } style { (maud::PreEscaped(STYLE)) } }
            body { (body) }
        }
    };
    let style = BASE64.encode(&Sha256::digest(STYLE));
    let policy = format!(
        "default-src 'none'; img-src 'self'; style-src 'sha256-{style}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, policy.as_str()),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    (status, headers, with_controls_shown(page.into_string())).into_response()
}

/// Replaces the characters that turn the direction of text by their code. A person who sees a waybill or a reason must see the
/// characters in their real order.
fn with_controls_shown(text: String) -> String {
    let turns = |c: char| matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if !text.contains(turns) {
        return text;
    }
    text.chars().fold(String::with_capacity(text.len()), |mut shown, c| {
        if turns(c) {
            shown.push_str(&format!("⟨U+{:04X}⟩", u32::from(c)));
        } else {
            shown.push(c);
        }
        shown
    })
}

pub(super) fn both(words: &Words) -> Markup {
    html! { (words.zh) span.en { (words.en) } }
}

/// How times are shown: in the network's zone, with their year if it is not the present one.
pub(super) struct Clock {
    pub zone: Option<FixedOffset>,
    pub now: UnixMs,
}

impl Clock {
    pub fn show(&self, at: UnixMs) -> String {
        let local = |at: UnixMs| {
            let zone = self.zone.or_else(|| FixedOffset::east_opt(0))?;
            Some(DateTime::from_timestamp_millis(at.0)?.with_timezone(&zone))
        };
        let this_year = local(self.now).map(|now| now.year());
        let format = |at: DateTime<FixedOffset>| {
            let format = if Some(at.year()) == this_year { "%m-%d %H:%M:%S" } else { "%Y-%m-%d %H:%M:%S" };
            at.format(format).to_string()
        };
        local(at).map_or_else(String::new, format)
    }
}

/// Time left or past, to the minute.
pub(super) fn left(ms: i64) -> String {
    let minutes = ms.unsigned_abs() / 60_000;
    let sign = if ms < 0 { "-" } else { "" };
    format!("{sign}{} h {:02} min", minutes / 60, minutes % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_its_year_if_it_is_not_the_present_one_by_the_networks_clocks() {
        let utc = |text: &str| UnixMs(DateTime::parse_from_rfc3339(text).unwrap().timestamp_millis());
        let clock = |now: &str| Clock { zone: FixedOffset::east_opt(8 * 3600), now: utc(now) };
        let taken = utc("2025-12-31T16:00:00Z"); // the new year in the network's zone
        assert_eq!(clock("2026-03-02T01:00:00Z").show(taken), "01-01 00:00:00");
        assert_eq!(clock("2026-03-02T01:00:00Z").show(taken.plus(-1)), "2025-12-31 23:59:59");
        assert_eq!(clock("2025-12-31T15:59:59Z").show(taken), "2026-01-01 00:00:00");
    }
}
