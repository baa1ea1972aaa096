//! The administrator's commands and their output.

use std::{path::PathBuf, process::ExitCode};

use doorstep_domain::{Body, Fen, Personal, Recorded, Remark, Stands};
use doorstep_rules::{Explanation, Side};
use doorstep_server::{
    AdminError,
    admin::{
        Admin, CaseRow, Decide, DueFrom, EnvelopeRow, Fork, Found, InboundRow, Item, MessageRow, PackRow, PhotoRow, Pinned,
        QuotaRow, ReceiptRow, Scrub, UnusableNumber, Which, erase_photo, scrub,
    },
    shown,
};
use serde_json::json;

use crate::{
    args::{AdminCommand, QuarantineCommand, ServiceTokenCommand, SmsCommand},
    findings::finding_line,
    lists, log, wall,
};

/// Runs an administrator's command.
pub fn administer(
    data: &std::path::Path,
    photos: Option<&str>,
    as_json: bool,
    command: AdminCommand,
) -> Result<ExitCode, AdminError> {
    let mut admin = Admin::open(data)?;
    let read = |file: PathBuf| std::fs::read(&file).map_err(|source| AdminError::File { file, source });
    let say =
        |value: serde_json::Value, text: String| doorstep_server::tell!("{}", if as_json { value.to_string() } else { text });
    match command {
        AdminCommand::Outlet { code, name_zh, name_en, phone } => {
            admin.outlet(&code, &name_zh, &name_en, &phone)?;
            say(json!({ "outlet": code }), format!("网点已保存 outlet saved: {code}"));
        }
        AdminCommand::User { id, name, role, outlet } => {
            admin.user(&id, &name, &role, &outlet)?;
            say(json!({ "user": id }), format!("人员已保存 person saved: {id}"));
        }
        AdminCommand::Code { user } => {
            let code = admin.code(&user, wall())?;
            say(json!(code), format!("注册码 code for {user}, 24 h, once: {}", code.code));
        }
        AdminCommand::Cases { unlisted, unidentified, outlet, side, limit } => {
            let which = match (unlisted, unidentified) {
                (_, true) => Which::Unidentified,
                (true, _) => Which::Unlisted,
                _ => Which::Listed,
            };
            let (from, now) = (DueFrom { outlet, side: side.as_deref().and_then(Side::from_word) }, wall());
            let rows = admin.cases_due_from(&from, which, limit, now)?;
            let book = admin.book()?;
            let line = |r: &CaseRow| {
                let due = r.due.as_ref().map(|duty| duty.told(Some(book.at(now)), now));
                let due = due.map_or_else(String::new, |due| format!("\n  {}\n  {}", due.zh, due.en));
                let (outlets, flags) = (format!("{} → {}", r.delivering_outlet, r.origin_outlet), r.flags.join(" "));
                format!("{:<16} {:<12} {:<14} {outlets} {flags}{due}", r.waybill, r.reason, r.state)
            };
            say(json!(rows), rows.iter().map(line).collect::<Vec<_>>().join("\n"));
        }
        AdminCommand::ImportParcels { file, dry_run, complete } => {
            let mut progress = lists::Progress::begin();
            let result = admin.import_parcels_so(&read(file)?, (dry_run, complete), &mut |lines| progress.say(lines), wall())?;
            progress.end();
            say(json!(result), lists::parcels_text(&result));
            if result.not_taken() > 0 {
                return Ok(ExitCode::from(3));
            }
        }
        AdminCommand::Numbers => {
            let rows = admin.numbers()?;
            let line = |row: &UnusableNumber| {
                let why = doorstep_rules::words(row.fault.as_str());
                format!("{}  {}  {} {}", row.waybill, row.column, why.zh, why.en)
            };
            say(json!(rows), rows.iter().map(line).collect::<Vec<_>>().join("\n"));
        }
        AdminCommand::ServiceToken(ServiceTokenCommand::Add { name }) => {
            let new = admin.add_service_token(&name, wall())?;
            say(json!(new), format!("令牌，只显示一次 token {}, shown once: {}", new.name, new.token));
        }
        AdminCommand::ServiceToken(ServiceTokenCommand::List) => {
            let tokens = admin.service_tokens()?;
            let lines = tokens.iter().map(|token| {
                let mut line = format!("{}  {}", token.name, shown(token.made_at));
                if let Some(used) = token.used_at {
                    line += &format!("  最近使用 last used {}", shown(used));
                }
                if let Some(revoked) = token.revoked_at {
                    line += &format!("  已停用 revoked {}", shown(revoked));
                }
                line
            });
            let text = lines.collect::<Vec<_>>().join("\n");
            say(json!(tokens), text);
        }
        AdminCommand::ServiceToken(ServiceTokenCommand::Revoke { name }) => {
            admin.revoke_service_token(&name, wall())?;
            say(json!({ "revoked": name }), format!("令牌已停用 token revoked: {name}"));
        }
        AdminCommand::ImportCalendar { file } => {
            let result = admin.import_calendar(&read(file)?)?;
            say(json!(result), lists::calendar_text(&result));
            if result.not_taken() > 0 {
                return Ok(ExitCode::from(3));
            }
        }
        AdminCommand::Left { user } => {
            admin.left(&user, wall())?;
            say(json!({ "left": user }), format!("已离职 has left: {user}"));
        }
        AdminCommand::Devices => {
            let devices = admin.devices(wall())?;
            let hours = |ms: i64| ms / 3_600_000;
            let lines = devices.iter().map(|d| {
                let mut line = format!("{}  {}  静默 silent {} h", d.device, d.people.join(","), hours(d.silent_ms));
                if d.unsent_cases > 0 || d.unsent_photos > 0 {
                    let oldest = d.oldest_unsent.map_or(0, |at| hours(wall().since(at)));
                    line += &format!(
                        "  未发送 unsent {} 件 cases, {} 照片 photos, 最久 oldest {oldest} h",
                        d.unsent_cases, d.unsent_photos
                    );
                }
                if d.damaged > 0 {
                    line += &format!("  本机记录被改动，无法发送 entries altered on it that can not be sent: {}", d.damaged);
                }
                if !d.missing_batches.is_empty() {
                    line += &format!("  缺批次 batches never arrived: {:?}", d.missing_batches);
                }
                if d.quarantined > 0 {
                    line += &format!("  待审核 in quarantine: {}", d.quarantined);
                }
                if d.revoked_at.is_some() {
                    line += "  已停用 revoked";
                }
                line
            });
            let text = lines.collect::<Vec<_>>().join("\n");
            say(json!(devices), text);
        }
        AdminCommand::Revoke { device, why } => {
            let device = admin.revoke(&device, &why, wall())?;
            say(json!({ "revoked": device }), format!("已停用 revoked: {device}"));
        }
        AdminCommand::Wipe { device, why } => {
            let device = admin.wipe(&device, &why, wall())?;
            say(
                json!({ "wipe": device }),
                format!("已停用，下次联网时清除 revoked, to be wiped with its next request: {device}"),
            );
        }
        AdminCommand::Quota { device, lift } => {
            let row = if lift { admin.lift_quota(&device, wall())? } else { admin.quota(&device, wall())? };
            say(json!(row), quota_text(&row));
        }
        AdminCommand::Quarantine { what: QuarantineCommand::List { all } } => {
            let items = admin.quarantine(all)?;
            let line = |i: &Item| {
                let rule = i.rule.as_deref().map(|rule| format!(":{rule}")).unwrap_or_default();
                format!("{}  {}{rule}  {}  {}  [{}]", i.change, i.reason, i.person, i.state, i.entries.join(", "))
            };
            let text = items.iter().map(line).collect::<Vec<_>>().join("\n");
            say(json!(items), text);
        }
        AdminCommand::Quarantine { what: QuarantineCommand::Release { change, by } } => {
            let (case, anew) = admin.release(&change, &by, wall())?;
            say(json!({ "case": case, "change": anew }), format!("已放行 released, written anew as {anew}"));
        }
        AdminCommand::Quarantine { what: QuarantineCommand::Discard { change, by, why } } => {
            let (case, change) = admin.discard(&change, &by, &why, wall())?;
            say(json!({ "case": case, "change": change }), format!("不予采用，已保留 discarded, kept: {change}"));
        }
        AdminCommand::Envelopes { waybill } => {
            let envelopes = admin.envelopes(&admin.case_of(&waybill)?)?;
            let line = |e: &EnvelopeRow| {
                let sound =
                    if e.signature_holds && e.follows { "签名有效 signature holds" } else { "签名或链条无效 BROKEN" };
                format!("{} 批次 batch {}  {}  {} 条 changes  {sound}", e.device, e.batch, e.person, e.changes)
            };
            let text = envelopes.iter().map(line).collect::<Vec<_>>().join("\n");
            say(json!(envelopes), text);
        }
        AdminCommand::VerifyLog { found: true, .. } => {
            let found = admin.log_faults()?;
            say(json!(found), log::alarms_text(&found));
            if !found.faults.is_empty() {
                return Ok(ExitCode::from(3));
            }
        }
        AdminCommand::VerifyLog { waybill, found: false } => {
            let case = waybill.map(|waybill| admin.case_of(&waybill)).transpose()?;
            let looked = admin.verify_log(case)?;
            say(json!(looked), log::text(&looked));
            if !looked.faults.is_empty() || looked.unfinished.is_some() {
                return Ok(ExitCode::from(3));
            }
        }
        AdminCommand::Forks { seen: Some(id) } => {
            admin.fork_seen(id, wall())?;
            say(json!({ "seen": id }), format!("已处理 looked at: {id}"));
        }
        AdminCommand::Forks { seen: None } => {
            let forks = admin.forks()?;
            let line = |f: &Fork| format!("{}  {}  批次 batch {}  {}", f.id, f.device, f.batch, f.what);
            let text = forks.iter().map(line).collect::<Vec<_>>().join("\n");
            say(json!(forks), text);
        }
        AdminCommand::Refusals => {
            let refusals = admin.refusals()?;
            let text = refusals.iter().map(|(code, times)| format!("{code}  {times}")).collect::<Vec<_>>().join("\n");
            say(json!(refusals.into_iter().collect::<std::collections::BTreeMap<_, _>>()), text);
        }
        AdminCommand::Policy { file, anyway } => {
            let version = admin.publish_policy(&read(file)?, anyway)?;
            say(json!({ "version": version }), format!("权限方案已发布 policy published: version {version}"));
        }
        AdminCommand::ReplaceKey { status } => {
            if !status {
                admin.replace_key(wall())?;
            }
            let keys = admin.pinned_keys()?;
            let line = |key: &Pinned| {
                format!(
                    "旧密钥 replaced key {}: {} 台设备尚未改用 devices still pin it, {} 台未停用 not revoked",
                    key.key, key.devices, key.in_use
                )
            };
            let mut text = if status { vec![] } else { vec!["签名密钥已更换 the signing key was replaced".to_owned()] };
            text.extend(keys.iter().map(line));
            say(json!({ "replaced": !status, "keys": keys }), text.join("\n"));
        }
        AdminCommand::ClockIsRight => {
            let ended = admin.clock_is_right(wall())?;
            let text = match ended {
                Some(_) => "时钟已确认，此后不再标记 the clock is right; from now on nothing is marked for it".to_owned(),
                None => "时钟本无疑问 the clock was not in doubt".to_owned(),
            };
            say(json!({ "was_in_doubt": ended.is_some() }), text);
        }
        AdminCommand::PublishPack { file, anyway } => {
            let published = admin.publish_rules(&read(file)?, anyway, wall())?;
            let when = if published.in_force {
                "即时生效 in force at once".to_owned()
            } else {
                format!("{} 起生效 in force from then", published.valid_from_local)
            };
            let text = format!("规则包已发布 rule pack published: version {}, {when}", published.version);
            say(json!(published), text);
        }
        AdminCommand::Packs => {
            let packs = admin.packs(wall())?;
            let line = |p: &PackRow| {
                let now = if p.in_force { "  现行 in force" } else { "" };
                format!("第 {} 版 version {}  {} 起 from{now}", p.version, p.version, p.valid_from_local)
            };
            say(json!(packs), packs.iter().map(line).collect::<Vec<_>>().join("\n"));
        }
        AdminCommand::Explain { waybill, only } => {
            let mut all = admin.explain(&waybill, wall())?;
            all.retain(|why| only.as_ref().is_none_or(|only| why.about.contains(only.as_str())));
            let text = all.iter().map(told).collect::<Vec<_>>().join("\n");
            say(json!(all), text);
        }
        AdminCommand::Sheet { outlet, day } => {
            let sheet = admin.sheet(&outlet, &day)?;
            let line = |r: &Recorded| {
                let words = match &r.entry.body {
                    Body::SheetNote(note) => note.words.text(),
                    Body::SheetDay(day) => day.words.as_ref().and_then(Personal::text),
                    _ => None,
                };
                let author = &r.entry.author;
                let kind = r.entry.body.kind();
                let words = words.map(|words| format!("「{words}」")).unwrap_or_default();
                format!("{}  {kind}  {} ({}) {words}", r.acted_at().0, author.user, author.role)
            };
            let text = sheet.iter().flat_map(|sheet| &sheet.timeline).map(line).collect::<Vec<_>>().join("\n");
            say(json!(sheet), text);
        }
        AdminCommand::Findings { outlet, open, limit } => {
            let findings = admin.findings(outlet.as_deref(), open, limit, wall())?;
            let text = findings.iter().map(finding_line).collect::<Vec<_>>().join("\n");
            let rows: Vec<_> = findings.iter().map(|(waybill, f)| json!({ "waybill": waybill, "finding": f })).collect();
            say(json!(rows), text);
        }
        AdminCommand::Decide { waybill, about, uphold, lift: _, by, share, yuan, why } => {
            let stands = if uphold { Stands::Upheld } else { Stands::Lifted };
            let amount = yuan.map(|yuan| Fen(i64::from(yuan) * 100));
            let decide = Decide { waybill: &waybill, about: &about, stands, by: &by, share, amount, words: why.as_deref() };
            let change = admin.decide(&decide, wall())?;
            say(json!({ "decided": about, "change": change }), format!("已裁定 decided: {about} {}", stands.as_str()));
        }
        AdminCommand::Photos { all, limit } => {
            let rows = admin.photos(all, limit, wall())?;
            say(json!(rows), rows.iter().map(photo_line).collect::<Vec<_>>().join("\n"));
        }
        AdminCommand::Scrub { deep, lost_storage } => {
            let found = block_on(scrub(data, photos, Scrub { deep, lost_storage }, wall()))??;
            let text = format!(
                "完好 sound {}  缺失 missing {}  损坏 damaged {}  收回 taken in {}  无人登记 unknown {}  过期上传 expired uploads {}  无法读取 unreadable {}",
                found.sound, found.missing, found.damaged, found.taken_in, found.unknown, found.expired, found.unreadable
            );
            say(json!(found), text);
            if found.missing + found.damaged + found.unreadable > 0 {
                return Ok(ExitCode::from(3));
            }
        }
        AdminCommand::ErasePhoto { photo, by, why } => {
            block_on(erase_photo(data, photos, &photo, (&by, &why), wall()))??;
            say(json!({ "erased": photo }), format!("已删除，哈希保留 erased, its hash stays: {photo}"));
        }
        AdminCommand::Sms { what } => sms(&mut admin, as_json, what)?,
        AdminCommand::Mark { waybill, entry, remark, by, why } => {
            let known = Remark::from_word(&remark).ok_or_else(|| AdminError::Invalid(format!("remark {remark:?}")))?;
            let change = admin.mark(&waybill, &entry, known, &by, why.as_deref(), wall())?;
            say(json!({ "marked": entry, "change": change }), format!("已标记 marked: {entry} {remark}"));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn sms(admin: &mut Admin, as_json: bool, what: SmsCommand) -> Result<(), AdminError> {
    let say = |value: serde_json::Value, lines: Vec<String>| {
        doorstep_server::tell!("{}", if as_json { value.to_string() } else { lines.join("\n") });
    };
    match what {
        SmsCommand::List { all, limit } => {
            let rows = admin.messages(all, limit)?;
            let line = |r: &MessageRow| {
                let sent = r.sent_at.map(|at| format!("  发出 sent {at}")).unwrap_or_default();
                let holder = r.holder.as_deref().map(|holder| format!("  由 by {holder}")).unwrap_or_default();
                let words = doorstep_rules::words(&r.state);
                format!("{}  {}  {} {}{holder}{sent}", r.waybill, r.entry, words.zh, words.en)
            };
            say(json!(rows), rows.iter().map(line).collect());
        }
        SmsCommand::Receipts { limit } => {
            let rows = admin.receipts(limit)?;
            let line = |r: &ReceiptRow| match &r.why {
                Some(why) => format!("{}  读不出 {} {why}  {}  {}", r.received_at, r.status, r.kind, r.bytes),
                None => format!("{}  {}  {}  {}", r.received_at, r.provider_id, r.status, r.code),
            };
            say(json!(rows), rows.iter().map(line).collect());
        }
        SmsCommand::Inbound { all, limit } => {
            let rows = admin.inbound(all, limit)?;
            let line = |r: &InboundRow| {
                let landed = r.waybill.as_deref().unwrap_or("未归件 on no case");
                let words = r.words.as_deref().unwrap_or_default();
                // Words that are readable as a whole need no bytes.
                let is_torn = r.words.as_ref().is_none_or(|words| words.contains(char::REPLACEMENT_CHARACTER));
                let raw = r.raw.as_ref().filter(|_| is_torn).map(|(coding, bytes)| format!("  ({coding}: {bytes})"));
                format!("{}  {}  → {}  {landed}  {}  {words}{}", r.id, r.number, r.service, r.why, raw.unwrap_or_default())
            };
            say(json!(rows), rows.iter().map(line).collect());
        }
        SmsCommand::Go => {
            let waiting = admin.sms_go()?;
            let text = match waiting {
                Some(waiting) => format!("短信已放行 SMS go on; waiting: {waiting}"),
                None => "短信没有被暂停 SMS were not held".to_owned(),
            };
            say(json!({ "held": waiting.is_some(), "waiting": waiting }), vec![text]);
        }
        SmsCommand::Settle { waybill, entry, sent, not_sent, again: _, by, why } => {
            let found = match (sent, not_sent) {
                (true, _) => Found::Sent,
                (_, true) => Found::NotSent,
                _ => Found::Again,
            };
            admin.settle_sms(&waybill, (&entry, found), (&by, &why), wall())?;
            say(json!({ "settled": entry }), vec![format!("已了结 settled: {entry}")]);
        }
    }
    Ok(())
}

fn quota_text(row: &QuotaRow) -> String {
    let word = |name| match name {
        "photo_bytes" => "照片字节 bytes of photos",
        "changes" => "记录 changes",
        "refused_bytes" => "未采用的字节 bytes that were not accepted",
        _ => "不在名单的单号 waybills in no list",
    };
    let mut text = format!("{}  {}", row.device, row.day);
    for of in &row.of {
        text += &format!("\n  {}: {} / {}", word(of.name), of.used, of.quota);
    }
    if row.lifts > 0 {
        text += &format!("\n  当日已放行 lifted today: {}", row.lifts);
    }
    for (what, from) in [("记录 records", row.records_from), ("照片 photos", row.photos_from)] {
        if let Some(from) = from {
            text += &format!("\n  {what}: {} 后再收 are taken again from then", shown(from));
        }
    }
    text
}

fn block_on<T>(work: impl Future<Output = T>) -> Result<T, AdminError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    Ok(runtime.map_err(|error| AdminError::Invalid(format!("start a runtime: {error}")))?.block_on(work))
}

fn photo_line(row: &PhotoRow) -> String {
    let sent = row.received.saturating_mul(100).checked_div(row.len).unwrap_or(0);
    let mut line = format!("{}  {}  {}  {}  {}", row.photo, row.waybill, row.state, row.device, row.people.join(","));
    if row.state == "pending" || row.state == "overdue" {
        let hours = wall().since(row.expected_at) / 3_600_000;
        line += &format!("  等了 for {hours} h, 已到 arrived {sent} %");
    }
    if !row.same.is_empty() {
        line += &format!("  同一照片也用于 the same picture is under {}", row.same.join(" "));
    }
    if !row.alike.is_empty() {
        line += &format!("  相似照片 looks like one under {}", row.alike.join(" "));
    }
    line
}

/// An explanation as text: the answer, then one line for each link, Chinese and English.
fn told(why: &Explanation) -> String {
    let mut text = format!("{}  [{}]\n{}\n", why.answer.zh, why.about, why.answer.en);
    for link in &why.because {
        text += &format!("  · {}\n    {}\n", link.words.zh, link.words.en);
    }
    text
}
