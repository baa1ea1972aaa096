//! What head office says of people and days.

use chrono::{Datelike, Days, NaiveDate};
use doorstep_client::{Client, PersonRow};
use serde_json::json;

use crate::{
    answer::{Answer, nothing},
    failure::Failed,
    words::{both, say},
};

/// The people of this device's outlets.
pub fn people(client: &Client) -> Result<Answer, Failed> {
    let people = client.people()?;
    let line = |person: &PersonRow| {
        let PersonRow { account, name, role, outlet, left } = person;
        let has_left = if *left { format!("  {}", say("已离职", "has left")) } else { String::new() };
        format!("{account}  {name}  {}  @{outlet}{has_left}\n", both(&doorstep_rules::words(role)))
    };
    let mut text: String = people.iter().map(line).collect();
    if people.is_empty() {
        text = nothing(client, "没有人员名单", "no people are listed")?;
    }
    let row = |person: &PersonRow| {
        let PersonRow { account, name, role, outlet, left } = person;
        json!({ "account": account, "name": name, "role": role, "outlet": outlet, "left": left })
    };
    Ok(Answer { json: json!({ "people": people.iter().map(row).collect::<Vec<_>>() }), text })
}

/// The days that are not as their weekday says.
pub fn calendar(client: &Client) -> Result<Answer, Failed> {
    let (mut rows, mut text) = (Vec::new(), String::new());
    for day in client.calendar()? {
        let epoch = NaiveDate::default();
        let days = Days::new(u64::from(day.day.unsigned_abs()));
        let date = if day.day < 0 { epoch.checked_sub_days(days) } else { epoch.checked_add_days(days) };
        let Some(date) = date else { continue };
        let works = if day.works { say("上班", "people work") } else { say("放假", "a holiday") };
        text += &format!("{date}  {}  {works}  {}\n", date.weekday(), day.name);
        rows.push(json!({ "date": date.to_string(), "works": day.works, "name": day.name }));
    }
    if rows.is_empty() {
        text = nothing(client, "没有节假日", "the calendar names no day")?;
    }
    Ok(Answer { json: json!({ "calendar": rows }), text })
}
