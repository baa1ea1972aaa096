//! The network's rules on a terminal: checking a file, what is on this device, the codes in force.

use std::path::Path;

use doorstep_client::{Client, ClientError, Refusal};
use doorstep_rules::{Need, Pack};
use serde_json::json;

use crate::{
    answer::Answer,
    args::Rules,
    failure::Failed,
    words::{both, say},
};

/// Checks a file: what is in it, or where it is wrong and why.
pub fn check(file: &Path) -> Result<Answer, Failed> {
    let toml = std::fs::read(file).map_err(|source| Failed::File { file: file.to_owned(), source })?;
    let pack = Pack::parse(&toml).map_err(|fault| Failed::Pack { file: file.to_owned(), fault })?;
    let (codes, clocks, liabilities) = (pack.codes.len(), pack.clocks.len(), pack.liabilities.len());
    let text = format!(
        "{}: {} {} {}, {codes} {}, {clocks} {}, {liabilities} {}\n",
        say("可用", "usable"),
        pack.network,
        both(&pack.name),
        say(&format!("第 {} 版", pack.version), &format!("version {}", pack.version)),
        say("个代码", "codes"),
        say("个期限", "clocks"),
        say("条责任", "liabilities")
    );
    let json =
        json!({ "network": pack.network, "version": pack.version, "codes": codes, "clocks": clocks, "liabilities": liabilities });
    Ok(Answer { json, text })
}

/// What is on this device.
pub fn show(client: &Client, what: &Rules) -> Result<Answer, Failed> {
    let none = || ClientError::Refused(Refusal::NoPack);
    match what {
        Rules::Check { file } => check(file),
        Rules::Versions => {
            let book = client.book()?.ok_or_else(none)?;
            let in_force = client.pack()?.ok_or_else(none)?.version;
            let mut text = String::new();
            let mut rows = Vec::new();
            for published in book.versions() {
                let pack = &published.pack;
                let from = pack.local(published.valid_from).map(|local| local.format("%Y-%m-%d %H:%M").to_string());
                let from = from.unwrap_or_else(|| say("一直", "always"));
                let now = if pack.version == in_force { say("  现行", "  in force") } else { String::new() };
                text += &format!("{} {}  {} {from}{now}\n", pack.network, pack.version, say("起", "from"));
                rows.push(
                    json!({ "version": pack.version, "valid_from": published.valid_from, "in_force": pack.version == in_force }),
                );
            }
            Ok(Answer { json: json!({ "versions": rows }), text })
        }
        Rules::Codes { code } => {
            let pack = client.pack()?.ok_or_else(none)?;
            let rows: Vec<_> =
                pack.codes.iter().filter(|row| row.enabled && code.as_ref().is_none_or(|code| *code == row.code)).collect();
            if let (Some(given), true) = (code, rows.is_empty()) {
                let known = pack.codes.iter().map(|row| row.code.clone()).collect();
                return Err(ClientError::Refused(Refusal::Code { given: given.clone(), known }).into());
            }
            let mut text = String::new();
            for row in &rows {
                text += &format!("{} {}\n", row.code, say(&row.zh, &row.en));
                if code.is_none() {
                    continue;
                }
                let list = |label: String, items: Vec<String>| match items.is_empty() {
                    true => String::new(),
                    false => format!("  {label}: {}\n", items.join(", ")),
                };
                text += &list(
                    say("子代码", "subs"),
                    row.subs.iter().map(|sub| format!("{} {}", sub.code, say(&sub.zh, &sub.en))).collect(),
                );
                text += &list(say("环节", "stages"), row.stages.iter().map(|stage| both(&pack.words(stage))).collect());
                text += &list(say("询问", "ask"), row.asks.iter().map(|who| both(&pack.words(who))).collect());
                for step in &row.steps {
                    text += &format!("  [ ] {} {}\n", step.step, both(&pack.name_of(&step.step)));
                }
                for evidence in &row.evidence {
                    let need =
                        if evidence.need == Need::Required { say("必需", "required") } else { say("建议", "recommended") };
                    text +=
                        &format!("  {}: {} {} ({need})\n", say("证据", "evidence"), evidence.id, say(&evidence.zh, &evidence.en));
                }
                text += &list(
                    say("结果", "outcomes"),
                    row.outcomes.iter().map(|code| format!("{code} {}", both(&pack.name_of(code)))).collect(),
                );
            }
            Ok(Answer { json: json!({ "codes": rows }), text })
        }
    }
}
