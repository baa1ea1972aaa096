//! Outlet finance's ledgers: the lines of some days with their cases, and totals for each day and for all days.

use doorstep_client::{Client, LedgerLine, LedgerTotal, said};
use doorstep_domain::Fen;
use serde_json::json;

use crate::{
    answer::{Answer, nothing},
    failure::Failed,
    screen::Screen,
    words::{self, say},
};

/// Shows the ledgers of the person's outlet.
pub fn show(client: &Client, (from, to): (Option<&str>, Option<&str>), book: Option<&str>) -> Result<Answer, Failed> {
    let screen = Screen::of(client);
    let ledgers = client.ledgers(from, to, book.map(said::word).transpose()?)?;
    let mut text = String::new();
    let mut day = None;
    for (at, line) in ledgers.lines.iter().enumerate() {
        if day != Some(line.day) {
            text += &format!("{}\n", line.day);
        }
        day = Some(line.day);
        text += &told(&screen, line);
        if ledgers.lines.get(at + 1).is_none_or(|next| next.day != line.day) {
            let of_day = ledgers.by_day.iter().filter(|total| total.day == Some(line.day));
            of_day.for_each(|total| text += &sum(&screen, &say("当日", "day"), total));
        }
    }
    ledgers.totals.iter().for_each(|total| text += &sum(&screen, &say("合计", "total"), total));
    if ledgers.lines.is_empty() {
        text = nothing(client, "没有账本记录", "no ledger lines")?;
    }
    Ok(Answer { json: json!(ledgers), text })
}

fn told(screen: &Screen<'_>, line: &LedgerLine) -> String {
    let mut told = format!(
        "  {}  {}  {}",
        words::time(line.at, screen.zone),
        named(screen, line.book.as_str()),
        named(screen, line.change.as_str())
    );
    told += &line.amount.map(|amount| format!("  {}", yuan(amount))).unwrap_or_default();
    if line.slip {
        told += &format!("  {}", named(screen, "slip_back"));
    }
    if line.taken_back.is_some() {
        told += &format!("  [{}]", say("已更正，不计", "taken back, not counted"));
    }
    if !line.accepted {
        told += &format!("  [{}]", say("总部未收", "not accepted yet"));
    }
    format!("{told}\n    {} @{}  {}  {}  {}\n", line.by.user, line.by.outlet, line.waybill, line.case, line.entry)
}

fn sum(screen: &Screen<'_>, of: &str, total: &LedgerTotal) -> String {
    let LedgerTotal { book, change, lines, amount, .. } = total;
    let what = format!("{}  {}", named(screen, book.as_str()), named(screen, change.as_str()));
    format!("  = {of}  {what}  {lines}  {}\n", yuan(*amount))
}

fn named(screen: &Screen<'_>, key: &str) -> String {
    screen.key(key)
}

/// Yuan with two decimals.
fn yuan(amount: Fen) -> String {
    amount.to_string()
}
