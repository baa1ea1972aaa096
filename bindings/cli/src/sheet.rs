//! The sheet of the outlet's day: shown, opened, written.

use doorstep_client::{Client, SheetCommand};
use doorstep_domain::{Body, Personal, Recorded};
use serde_json::json;

use crate::{
    answer::{Answer, nothing},
    args::Sheet,
    failure::Failed,
    screen::Screen,
    words::{self, say},
};

/// Does what is asked of the sheet; without anything asked it is shown.
pub fn sheet(client: &Client, day: Option<&str>, what: Option<&Sheet>) -> Result<Answer, Failed> {
    let given = |of: &Option<String>| of.clone().or_else(|| day.map(str::to_owned));
    match what {
        None => show(client, day),
        Some(Sheet::Note { text, day }) => write(client, SheetCommand::note(given(day).as_deref(), text)?),
        Some(Sheet::Open { note, day }) => write(client, SheetCommand::open(given(day).as_deref(), note.as_deref())?),
    }
}

fn write(client: &Client, command: SheetCommand) -> Result<Answer, Failed> {
    let written = client.write_sheet(&command)?;
    let text = say("已记在本机", "on this device") + "\n";
    Ok(Answer { json: json!({ "written": written }), text })
}

fn show(client: &Client, day: Option<&str>) -> Result<Answer, Failed> {
    let screen = Screen::of(client);
    let Some(sheet) = client.sheet(day)? else {
        let text = nothing(client, "当日没有日志", "nothing is written of the day")?;
        return Ok(Answer { json: json!({ "sheet": null }), text });
    };
    let opened = sheet.opened().map_or_else(
        || say("尚未开始", "not opened"),
        |by| format!("{} {}", words::time(by.acted_at(), screen.zone), by.entry.author.user),
    );
    let mut text = format!("{} @{}  {}: {opened}\n", sheet.facts.day, sheet.facts.outlet, say("开始", "opened"));
    for recorded in sheet.timeline.iter().chain(&sheet.quarantined) {
        text += &entry(&screen, recorded);
    }
    Ok(Answer { json: json!({ "sheet": sheet, "opened": sheet.opened().map(|by| &by.entry.key) }), text })
}

fn entry(screen: &Screen<'_>, recorded: &Recorded) -> String {
    let said: Option<&Personal> = match &recorded.entry.body {
        Body::SheetNote(note) => Some(&note.words),
        Body::SheetDay(day) => day.words.as_ref(),
        _ => None,
    };
    let said = said.map(|said| format!("「{}」", words::personal(said))).unwrap_or_default();
    let author = &recorded.entry.author;
    format!(
        "    {}  {}  {said}\n      {} @{} ({})  [{}]  {}\n",
        words::time(recorded.acted_at(), screen.zone),
        words::action(recorded.entry.body.kind()),
        author.user,
        author.outlet,
        author.word(),
        words::standing(&recorded.standing),
        recorded.entry.key
    )
}
