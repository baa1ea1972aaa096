//! A photo on a case's page: the picture or what has become of it, and where it was seen before. What its camera said is told with the
//! other lines of its entry, in `case`.

use doorstep_domain::Photo;
use doorstep_protocol::PhotoState;
use doorstep_rules::{Pack, Unclear};
use maud::{Markup, html};

use super::page::Clock;
use crate::photos::Told;

/// Chinese and English for a state.
fn words(state: PhotoState) -> (&'static str, &'static str) {
    match state {
        PhotoState::Pending => ("字节还在手机上", "bytes still on the phone"),
        PhotoState::Overdue => ("逾期未到", "overdue"),
        PhotoState::Stored => ("已存", "stored"),
        PhotoState::Lost => ("手机上已丢失", "lost on its device"),
        PhotoState::Void => ("作废：与登记不符", "void: not the bytes that were recorded"),
        PhotoState::Erased => ("已删除，哈希保留", "erased; its hash is kept"),
        PhotoState::Unknown => ("未登记", "not known"),
    }
}

pub(super) fn photo(photo: &Photo, told: Option<&Told>, pack: &Pack, clock: &Clock) -> Markup {
    let fault = pack.clear.zip(photo.clarity).and_then(|(rules, clarity)| rules.fault(&clarity));
    let state = told.map_or(PhotoState::Unknown, |told| told.state);
    html! {
        @match (state, told.and_then(|told| told.thumbnail)) {
            (PhotoState::Stored, small) => a href={ "/photo/" (photo.id) } {
                img src={ "/photo/" (small.unwrap_or(photo.id)) } alt=(photo.purpose.as_str()) loading="lazy";
            },
            (PhotoState::Pending | PhotoState::Overdue | PhotoState::Lost, Some(small)) => img src={ "/photo/" (small) } alt=(photo.purpose.as_str());,
            _ => {}
        }
        @if state != PhotoState::Stored {
            div class=[matches!(state, PhotoState::Overdue | PhotoState::Lost | PhotoState::Void).then_some("bad")] {
                (words(state).0) span.en {
                    (words(state).1)
                    @if let Some(told) = told {
                        @if matches!(state, PhotoState::Pending | PhotoState::Overdue) {
                            " · " (told.device) " · 应到 due " (clock.show(told.due_at))
                        }
                    }
                }
            }
        }
        @if let Some(fault) = fault { span.flag {
            @match fault { Unclear::Blurred => "模糊 blurred", Unclear::Dark => "过暗 too dark", Unclear::Bright => "过亮 too bright" }
        } }
        @if let Some(of) = &photo.original { div { "原图 made from " a href={ "/photo/" (of) } { (of.to_string().get(..8).unwrap_or_default()) } } }
        @if let Some(told) = told {
            @if !told.same.is_empty() { span.flag { "同一照片也用于 the same picture is under: " (told.same.join(" ")) } }
            @if !told.alike.is_empty() { span.en { "相似照片 looks like one under: " (told.alike.join(" ")) } }
        }
        span.en {
            (photo.len / 1000) " KB"
        }
    }
}
