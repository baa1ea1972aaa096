//! One entry of the timeline as lines: when, what, by whom, and how it stands. What it says is told by the rules, as the person who is
//! signed in may see it.

use doorstep_domain::Recorded;
use doorstep_rules::{Case, Label, Line, Sight, Sort, Unit, Value, tell};
use serde_json::{Value as Json, json};

use crate::{
    failure::Failed,
    screen::{Screen, named},
    words::{self, both, say},
};

/// An entry on two lines, with the id by which it is named.
pub fn entry(screen: &Screen, case: &Case, sight: Sight, recorded: &Recorded) -> Result<String, Failed> {
    let when = words::time(recorded.acted_at(), screen.zone);
    let lines = tell(&recorded.entry, case, screen.pack(), sight);
    let shown = lines.iter().filter(|line| !line.is_detail);
    let parts = shown.map(|line| part(screen, line)).collect::<Result<Vec<_>, _>>()?;
    let author = &recorded.entry.author;
    let standing = words::standing(&recorded.standing);
    let corrected = case.superseded.get(&recorded.entry.key).map(|by| format!("  [{}: {by}]", say("已更正", "corrected")));
    Ok(format!(
        "    {when}  {}  {}\n      {} @{} ({})  [{standing}]  {}{}\n",
        words::action(recorded.entry.body.kind()),
        parts.join("  "),
        author.user,
        author.outlet,
        author.word(),
        recorded.entry.key,
        corrected.unwrap_or_default()
    ))
}

/// One line of an entry. Codes, words and what somebody said speak for themselves; whatever else there is has its label before it.
fn part(screen: &Screen, line: &Line) -> Result<String, Failed> {
    let labelled = |value: String| format!("{} {value}", both(&line.label.words(screen.pack())));
    Ok(match &line.value {
        Value::Text(text) if is_said(line) => format!("「{}」", words::one_line(text)),
        Value::Text(text) => labelled(words::one_line(text)),
        Value::Sealed => labelled(words::sealed()),
        Value::Code { code, name } => named(code, name),
        Value::Word { name, .. } => both(name),
        Value::Yes => both(&line.label.words(screen.pack())),
        Value::Time(at) => labelled(words::time(*at, screen.zone)),
        Value::Day(day) => labelled(words::day(*day)),
        Value::Money(amount) => labelled(amount.to_string()),
        Value::Number { count, unit } if *unit == Unit::Points => labelled(count.to_string()),
        Value::Number { count, unit } => labelled(format!("{count} {}", screen.key(unit.as_str()))),
        Value::Outlet(code) => labelled(screen.outlet(Some(code))?),
        Value::Person(user) => format!("→ {user}"),
        Value::Waybill(waybill) => labelled(waybill.to_string()),
        Value::Photo { len: Some(len), .. } => words::size(*len),
        Value::Photo { id, len: None } => labelled(id.to_string()),
        Value::Entry(key) => key.to_string(),
        Value::Finding(about) => about.to_string(),
        Value::Position(place) => labelled(words::place(*place)),
        Value::Bytes(bytes) => labelled(bytes.iter().map(|byte| format!("{byte:02x}")).collect()),
    })
}

/// Whether a text is what somebody said or wrote, which needs no label.
fn is_said(line: &Line) -> bool {
    let is_words = line.personal.is_some_and(|value| matches!(value.sort, Sort::StaffWords | Sort::CustomersWords));
    is_words && !matches!(line.label, Label::GoodsName | Label::Packing)
}

/// Puts masked values into an entry's JSON where the person who is signed in may not see those that were written.
pub fn mask_json(entry: &mut Json, case: &Case, sight: Sight, recorded: &Recorded) {
    let tell = |sight| tell(&recorded.entry, case, None, sight);
    for (written, shown) in tell(Sight::Clear).into_iter().zip(tell(sight)) {
        if let (Some(written), Some(shown)) = (json_of(&written.value), json_of(&shown.value))
            && written != shown
        {
            replace(entry, &written, &shown);
        }
    }
}

/// How a personal value stands in an entry's JSON.
fn json_of(value: &Value) -> Option<Json> {
    match value {
        Value::Text(text) => Some(json!(text)),
        Value::Position(place) => Some(json!(place)),
        _ => None,
    }
}

fn replace(json: &mut Json, written: &Json, shown: &Json) {
    if json == written {
        shown.clone_into(json);
        return;
    }
    match json {
        Json::Array(values) => values.iter_mut().for_each(|value| replace(value, written, shown)),
        Json::Object(fields) => fields.values_mut().for_each(|value| replace(value, written, shown)),
        _ => {}
    }
}
