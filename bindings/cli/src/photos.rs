//! Photos on the terminal: what waits and why, how far sending has come, and getting one to look at.

use std::{
    io::{IsTerminal, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use chrono::FixedOffset;
use doorstep_client::{Client, Hold, Outcome, PhotoStanding, PhotoStatus, SyncReport, Unclear};
use doorstep_domain::{Body, Photo, PhotoId};
use doorstep_rules::Words;
use serde_json::json;

use crate::{
    answer::Answer,
    failure::Failed,
    screen::Screen,
    words::{self, say},
};

/// How often the line of progress is written anew.
const STEP: Duration = Duration::from_millis(200);

/// This device's photos, and the reason for each that waits.
pub fn list(client: &Client, all: bool) -> Result<Answer, Failed> {
    let zone = Screen::of(client).zone;
    let photos = client.photos(all)?;
    let mut text: String = photos.iter().map(|photo| line(photo, zone)).collect();
    if photos.is_empty() {
        text = say("没有待传的照片", "no photos waiting") + "\n";
    }
    Ok(Answer { json: json!({ "photos": photos }), text })
}

fn line(photo: &PhotoStatus, zone: FixedOffset) -> String {
    let when = words::time(photo.recorded_at, zone);
    let hash = photo.photo.to_string();
    format!("  {when}  {}  {}  [{}]\n", hash.get(..12).unwrap_or_default(), words::size(photo.len), standing(photo, zone))
}

/// What has become of a photo, in words.
pub fn standing(photo: &PhotoStatus, zone: FixedOffset) -> String {
    match &photo.standing {
        PhotoStanding::EntryFirst => say("先发送登记", "its record goes first"),
        PhotoStanding::Ready => say("待传，等网络", "waiting for a network"),
        PhotoStanding::Held { hold: Hold::Metered(Some(until)) } => {
            let at = words::time(*until, zone);
            say(&format!("等免流量网络，至 {at}"), &format!("waiting for an unmetered network until {at}"))
        }
        PhotoStanding::Held { hold: Hold::Metered(None) } => say("等免流量网络", "waiting for an unmetered network"),
        PhotoStanding::Held { hold: Hold::Roaming } => say("漫游中，不传", "not sent while roaming"),
        PhotoStanding::Held { hold: Hold::Battery } => say("电量低，请充电", "battery is low, charge it"),
        PhotoStanding::Held { hold: Hold::DayUsed } => say("今日流量已用完", "today's metered megabytes are used up"),
        PhotoStanding::Sending { sent } => {
            let percent = sent.saturating_mul(100).checked_div(photo.len).unwrap_or(0);
            say(&format!("已传 {percent} %"), &format!("sending, {percent} %"))
        }
        PhotoStanding::Missing { since, lost_at } => {
            let (since, lost_at) = (words::time(*since, zone), words::time(*lost_at, zone));
            say(
                &format!("{since} 起找不到本机文件，每次同步再找，{lost_at} 后算丢失"),
                &format!("missing since {since}: looked for at each sync, lost from {lost_at}"),
            )
        }
        PhotoStanding::Refused { code } => say(&format!("服务器不收：{code}"), &format!("the server does not take it: {code}")),
        PhotoStanding::Stored => say("总部已存", "at head office"),
        PhotoStanding::Lost => say("本机文件已丢失，总部也没有", "lost: gone from this device, not at head office"),
        PhotoStanding::Void => say("作废：本机文件与登记不符", "void: the file is not what was recorded"),
        PhotoStanding::Discarded => say("总部不予采用其登记，文件保留", "head office discarded its record; the file is kept"),
        PhotoStanding::LetGo => say("总部已存，本机已清理", "at head office, removed here"),
    }
}

/// A photo named by how its hash begins, or the newest of a waybill, written to a file.
pub async fn get(client: &Client, what: &str, thumbnail: bool, to: Option<&Path>) -> Result<Answer, Failed> {
    let id = find(client, what, thumbnail)?;
    let bytes = client.photo(id).await?.ok_or(Failed::NoPhotoYet)?;
    let file = to.map_or_else(|| PathBuf::from(format!("{id}.jpg")), Path::to_owned);
    std::fs::write(&file, &bytes).map_err(|source| Failed::Write { file: file.clone(), source })?;
    let text = format!("{} {} ({})\n", say("已保存", "saved"), file.display(), words::size(bytes.len() as u64));
    Ok(Answer { json: json!({ "photo": id, "bytes": bytes.len(), "file": file }), text })
}

fn find(client: &Client, what: &str, thumbnail: bool) -> Result<PhotoId, Failed> {
    if let Ok(id) = what.parse() {
        return Ok(id);
    }
    let view = client.case(what).ok().flatten();
    let mut named = view.iter().flat_map(|view| view.case.timeline.iter().rev()).filter_map(|r| match &r.entry.body {
        Body::Photo(photo) => Some(photo),
        _ => None,
    });
    let wanted = |photo: &Photo| if thumbnail { photo.thumbnail.map(|small| small.id) } else { Some(photo.id) };
    named.find_map(wanted).ok_or(Failed::NoPhoto)
}

/// Syncs, and says meanwhile on a terminal how far the photos have come.
pub async fn sync_with_progress(client: &Client) -> Result<SyncReport, Failed> {
    let mut syncing = std::pin::pin!(client.sync());
    let is_shown = std::io::stderr().is_terminal();
    let mut steps = tokio::time::interval(STEP);
    loop {
        tokio::select! {
            report = &mut syncing => {
                if is_shown {
                    eprint!("\r\x1b[K");
                }
                return Ok(report?);
            }
            _ = steps.tick(), if is_shown => progress(client),
        }
    }
}

fn progress(client: &Client) {
    let Ok(photos) = client.photos(false) else { return };
    let waiting: Vec<_> =
        photos.iter().filter(|photo| matches!(photo.standing, PhotoStanding::Ready | PhotoStanding::Sending { .. })).collect();
    let sent = waiting.iter().map(|photo| if let PhotoStanding::Sending { sent } = photo.standing { sent } else { 0 });
    let (sent, all): (u64, u64) = (sent.sum(), waiting.iter().map(|photo| photo.len).sum());
    if let Some(percent) = sent.saturating_mul(100).checked_div(all) {
        eprint!("\r\x1b[K{}: {} · {percent} %", say("照片", "photos"), waiting.len());
        std::io::stderr().flush().ok();
    }
}

/// What a person should know of pictures that were just recorded: which would not count.
pub fn unclear(client: &Client, outcome: &Outcome) -> Result<Vec<Words>, Failed> {
    let Some(rules) = client.pack()?.and_then(|pack| pack.clear) else { return Ok(vec![]) };
    let is_new = |change| outcome.written.iter().any(|written| written.change == change);
    let recorded = outcome.cases.iter().flat_map(|view| &view.case.timeline).filter(|r| is_new(r.change));
    let faults = recorded.filter_map(|r| match &r.entry.body {
        Body::Photo(Photo { clarity: Some(clarity), .. }) => rules.fault(clarity),
        _ => None,
    });
    let words = faults.map(|fault| match fault {
        Unclear::Blurred => ("照片模糊，不能作证据，请重拍", "a photo is blurred and does not count; take another"),
        Unclear::Dark => ("照片过暗，不能作证据，请重拍", "a photo is too dark and does not count; take another"),
        Unclear::Bright => ("照片过亮，不能作证据，请重拍", "a photo is too bright and does not count; take another"),
    });
    Ok(words.map(|(zh, en)| Words { zh: zh.to_owned(), en: en.to_owned() }).collect())
}

/// Lost and void photos, in the status.
pub fn lost_line(client: &Client, lost: u32) -> String {
    let zone = Screen::of(client).zone;
    let mut text = format!("{}: {lost}\n", say("照片丢失或作废", "photos lost or void"));
    let photos = client.photos(false).unwrap_or_default();
    let spoiled = photos.iter().filter(|photo| matches!(photo.standing, PhotoStanding::Lost | PhotoStanding::Void));
    text.extend(spoiled.map(|photo| line(photo, zone)));
    text
}

/// Photos that wait, with the reason, in the status.
pub fn waiting_lines(client: &Client) -> String {
    let zone = Screen::of(client).zone;
    let photos = client.photos(false).unwrap_or_default();
    let waiting = photos.iter().filter(|photo| !matches!(photo.standing, PhotoStanding::Lost | PhotoStanding::Void));
    waiting.map(|photo| line(photo, zone)).collect()
}

/// Calls a missing photo lost. `what`: how its hash begins.
pub fn lost(client: &Client, what: &str) -> Result<Answer, Failed> {
    let waiting = client.photos(false)?;
    let named = |photo: &&PhotoStatus| photo.photo.to_string().starts_with(&what.to_lowercase());
    let mut named = waiting.iter().filter(named);
    // Half a hash that fits two photos names none.
    let (Some(photo), None) = (named.next().filter(|_| !what.is_empty()), named.next()) else { return Err(Failed::NoPhoto) };
    if !client.photo_is_lost(photo.photo)? {
        return Err(Failed::PhotoIsHere);
    }
    let text = say(
        "下次同步告知总部：照片已丢失；文件若找回，仍会发送",
        "head office is told with the next sync that it is lost; if its file comes back, it is sent all the same",
    ) + "\n";
    Ok(Answer { json: json!({ "photo": photo.photo, "lost": true }), text })
}

/// Sent now, whatever the network costs.
pub fn send_now(client: &Client) -> Result<Answer, Failed> {
    client.send_photos_now()?;
    let text =
        say("下次同步即传，不等免流量网络：doorstep sync", "they go with the next sync, whatever the network: doorstep sync")
            + "\n";
    Ok(Answer { json: json!({ "send_now": true }), text })
}
