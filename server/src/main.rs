//! `doorstep-server`: serve, and the administrator's commands.

use std::{net::SocketAddr, path::PathBuf, process::ExitCode, sync::Arc};

use clap::{Parser, Subcommand};
use doorstep_domain::UnixMs;
use doorstep_server::{
    AdminError, Config, TlsFiles, VERSIONS,
    admin::{Admin, EnvelopeRow, Fork, Item},
    start,
};
use serde_json::json;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Doorstep 总部服务器：同步、照片、查询、管理。
/// Doorstep's head-office server: sync, photos, reading, admin.
#[derive(Parser)]
#[command(version)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// 启动服务器 Start the server; an empty folder is set up.
    Serve {
        /// 数据目录 Data folder.
        #[arg(long, default_value = "./doorstep-data")]
        data: PathBuf,
        /// 监听地址 Address to listen on.
        #[arg(long, default_value = "127.0.0.1:8080")]
        listen: SocketAddr,
        /// 允许非本机地址（明文 HTTP） Allow an address other than loopback, in plain HTTP.
        #[arg(long)]
        insecure: bool,
        /// 证书（PEM，含证书链） Certificate with its chain, PEM: speak TLS. Read again on SIGHUP.
        #[arg(long, value_name = "FILE", requires = "tls_key")]
        tls_cert: Option<PathBuf>,
        /// 证书私钥（PEM） The certificate's private key, PEM. Read again on SIGHUP.
        #[arg(long, value_name = "FILE", requires = "tls_cert")]
        tls_key: Option<PathBuf>,
        /// 以 JSON 输出 Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// 管理数据目录，服务器可同时运行 Administer a data folder; the server may be running.
    Admin {
        /// 数据目录 Data folder.
        #[arg(long, default_value = "./doorstep-data", global = true)]
        data: PathBuf,
        /// 以 JSON 输出 Print JSON.
        #[arg(long, global = true)]
        json: bool,
        #[command(subcommand)]
        command: AdminCommand,
    },
}

#[derive(Subcommand)]
enum AdminCommand {
    /// 添加或修改网点 Add or change an outlet.
    Outlet {
        /// 网点代码 Its code.
        code: String,
        /// 中文名 Chinese name.
        #[arg(long)]
        name_zh: String,
        /// 英文名 English name.
        #[arg(long)]
        name_en: String,
        /// 电话 Business phone.
        #[arg(long)]
        phone: String,
    },
    /// 添加或修改人员 Add or change a person.
    User {
        /// 账号 Account.
        id: String,
        /// 姓名 Name.
        #[arg(long)]
        name: String,
        /// 角色 Role: courier, outlet, outlet_finance, outlet_manager, hub, hq_cs, hq_reviewer, hq_admin, auditor.
        #[arg(long)]
        role: String,
        /// 网点 Outlet code.
        #[arg(long)]
        outlet: String,
    },
    /// 生成一次性注册码（24小时有效） Make a one-time enrolment code, valid for 24 hours.
    Code {
        /// 账号 Account.
        user: String,
    },
    /// 按期限列出问题件 List cases by next deadline.
    Cases {
        /// 最多条数 At most so many.
        #[arg(long, default_value_t = 100)]
        limit: u32,
    },
    /// 导入当日运单 Import the day's parcels from CSV.
    ///
    /// Columns, in any order: waybill, network, origin_outlet, delivering_outlet, courier, recipient_name, recipient_phone,
    /// recipient_address, cod_fen, theoretical_arrival. A bad row is named by its line and left out; the rest is imported.
    ImportParcels {
        /// CSV 文件（UTF-8） The CSV file, in UTF-8.
        file: PathBuf,
    },
    /// 人员离职 A person has left: their devices read nothing more, and what they recorded goes into quarantine.
    Left {
        /// 账号 Account.
        user: String,
    },
    /// 设备列表：久未联系的、有旧记录未发送的在前 Devices: those with old unsent work or long silent first.
    Devices,
    /// 停用设备 Revoke a device: it reads nothing more; what it still delivers goes into quarantine.
    Revoke {
        /// 设备号或其开头 The device's id, or how it begins.
        device: String,
        /// 原因 Why.
        #[arg(long)]
        why: String,
    },
    /// 待审核的记录 What was refused and is kept in quarantine.
    Quarantine {
        #[command(subcommand)]
        what: QuarantineCommand,
    },
    /// 某件的签名批次 The signed batches that touched a case, each checked anew.
    Envelopes {
        /// 运单号 The waybill.
        waybill: String,
    },
    /// 分叉警报：克隆或恢复的备份 Fork alarms: clones and restored backups.
    Forks {
        /// 标记某警报已处理 Mark an alarm as looked at.
        #[arg(long, value_name = "ID")]
        seen: Option<i64>,
    },
    /// 注册被拒次数 How often enrolment was refused, by code.
    Refusals,
    /// 发布权限方案 Publish a policy (JSON): who may record what.
    Policy {
        /// 权限方案 The file.
        file: PathBuf,
    },
    /// 发布规则包 Publish a rule pack (JSON).
    Pack {
        /// 规则包 The file.
        file: PathBuf,
    },
}

#[derive(Subcommand)]
enum QuarantineCommand {
    /// 列出 List, the oldest first.
    List {
        /// 含已处理 Decided ones too.
        #[arg(long)]
        all: bool,
    },
    /// 放行：由总部重新写入，保留作者和首次收到时间 Release: written anew by head office, with author and first receipt.
    Release {
        /// 记录的哈希或其开头 The change's hash, or how it begins.
        change: String,
        /// 谁决定 Who decides.
        #[arg(long)]
        by: String,
    },
    /// 不予采用（保留并注明原因） Discard: kept, with the reason.
    Discard {
        /// 记录的哈希或其开头 The change's hash, or how it begins.
        change: String,
        /// 谁决定 Who decides.
        #[arg(long)]
        by: String,
        /// 原因 Why.
        #[arg(long)]
        why: String,
    },
}

#[allow(clippy::disallowed_methods, reason = "the edge: this is where the clock is read")]
fn wall() -> UnixMs {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    UnixMs(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

fn main() -> ExitCode {
    let result = match Args::parse().command {
        Command::Serve { data, listen, insecure, tls_cert, tls_key, json } => {
            let tls = tls_cert.zip(tls_key).map(|(cert, key)| TlsFiles { cert, key });
            serve(Config { folder: data, listen, insecure, tls, now: Arc::new(wall), versions: VERSIONS }, json)
        }
        Command::Admin { data, json, command } => administer(&data, json, command).map_err(|error| error.to_string()),
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            eprintln!("doorstep-server: {error}");
            ExitCode::FAILURE
        }
    }
}

fn serve(config: Config, as_json: bool) -> Result<ExitCode, String> {
    let runtime = tokio::runtime::Runtime::new().map_err(|error| error.to_string())?;
    runtime.block_on(async {
        let has_tls = config.tls.is_some();
        let running = start(config).await.map_err(|error| error.to_string())?;
        let on = |kind| signal(kind).map_err(|error| error.to_string());
        let mut terminate = on(SignalKind::terminate())?;
        // Without TLS there is nothing to read again, and a terminal that goes away takes the server with it.
        let mut hangup = if has_tls { Some(on(SignalKind::hangup())?) } else { None };
        if as_json {
            println!("{}", json!({ "listen": running.addr, "page": running.page() }));
        } else {
            println!("doorstep-server listens on {}\n总部页面 page: {}", running.url(), running.page());
        }
        loop {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => break,
                _ = terminate.recv() => break,
                () = asked(&mut hangup) => match running.reload_tls().await {
                    Ok(()) => eprintln!("doorstep-server: the certificate was read again; new connections get it"),
                    Err(error) => eprintln!("doorstep-server: {error}; the certificate in use stays"),
                },
            }
        }
        running.stop().await;
        Ok(ExitCode::SUCCESS)
    })
}

async fn asked(signal: &mut Option<Signal>) {
    let Some(signal) = signal else { return std::future::pending().await };
    signal.recv().await;
}

fn administer(data: &std::path::Path, as_json: bool, command: AdminCommand) -> Result<ExitCode, AdminError> {
    let mut admin = Admin::open(data)?;
    let read = |file: PathBuf| std::fs::read(&file).map_err(|source| AdminError::File { file, source });
    let say = |value: serde_json::Value, text: String| println!("{}", if as_json { value.to_string() } else { text });
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
        AdminCommand::Cases { limit } => {
            let rows = admin.cases(limit, wall())?;
            let lines: Vec<String> = rows
                .iter()
                .map(|r| {
                    format!(
                        "{:<16} {:<12} {:<14} {} → {} {}",
                        r.waybill,
                        r.reason,
                        r.state,
                        r.delivering_outlet,
                        r.origin_outlet,
                        r.flags.join(" ")
                    )
                })
                .collect();
            say(json!(rows), lines.join("\n"));
        }
        AdminCommand::ImportParcels { file } => {
            let result = admin.import_parcels(&read(file)?)?;
            let mut text = format!("已导入 imported: {}", result.imported);
            for bad in &result.bad {
                text += &format!("\n第{}行未导入 line {} left out: {}", bad.line, bad.line, bad.fault);
            }
            say(json!(result), text);
            if !result.bad.is_empty() {
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
                if d.unsent_cases + d.unsent_photos > 0 {
                    let oldest = d.oldest_unsent.map_or(0, |at| hours(wall().since(at)));
                    line += &format!(
                        "  未发送 unsent {} 件 cases, {} 照片 photos, 最久 oldest {oldest} h",
                        d.unsent_cases, d.unsent_photos
                    );
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
        AdminCommand::Policy { file } => {
            let version = admin.policy(&read(file)?)?;
            say(json!({ "version": version }), format!("权限方案已发布 policy published: version {version}"));
        }
        AdminCommand::Pack { file } => {
            let version = admin.pack(&read(file)?)?;
            say(json!({ "version": version }), format!("规则包已发布 rule pack published: version {version}"));
        }
    }
    Ok(ExitCode::SUCCESS)
}
