//! The command line: names, help and defaults.

use std::{net::SocketAddr, path::PathBuf};

use clap::{Parser, Subcommand};
use doorstep_domain::{Day, OutletCode};
use doorstep_rules::Side;
use doorstep_server::log::Level;

/// Doorstep 总部服务器：同步、照片、查询、管理。
/// Doorstep's head-office server: sync, photos, reading, admin.
#[derive(Parser)]
#[command(version)]
pub struct Args {
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Subcommand)]
pub enum Command {
    /// 启动服务器 Start the server; an empty folder is set up.
    Serve {
        /// 数据目录 Data folder.
        #[arg(long, default_value = "./doorstep-data")]
        data: PathBuf,
        /// 监听地址 Address to listen on.
        #[arg(long, default_value = "127.0.0.1:8080")]
        listen: SocketAddr,
        /// 运维地址：/livez、/readyz、/metrics；只限本机，除非加 --insecure；不给则没有 The operator's address, with /livez, /readyz and /metrics
        /// (Prometheus); loopback only, unless --insecure is given; there is none by default.
        #[arg(long, value_name = "ADDRESS")]
        admin_listen: Option<SocketAddr>,
        /// 允许非本机地址（明文 HTTP） Allow an address other than loopback, in plain HTTP.
        #[arg(long)]
        insecure: bool,
        /// 证书（PEM，含证书链） Certificate with its chain, PEM: speak TLS. Read again on SIGHUP.
        #[arg(long, value_name = "FILE", requires = "tls_key")]
        tls_cert: Option<PathBuf>,
        /// 证书私钥（PEM） The certificate's private key, PEM. Read again on SIGHUP.
        #[arg(long, value_name = "FILE", requires = "tls_cert")]
        tls_key: Option<PathBuf>,
        /// 照片存放处 The storage of photos: s3://bucket/prefix, with the usual AWS variables; the default is the data folder.
        #[arg(long, value_name = "URL", env = "DOORSTEP_PHOTOS")]
        photos: Option<String>,
        /// 短信网关配置（TOML） The configuration of the SMS gateway, TOML; without it head office sends none.
        #[arg(long, value_name = "FILE", env = "DOORSTEP_SMS")]
        sms: Option<PathBuf>,
        /// 允许多个进程共用此目录（每个都须加此项，照片须放在桶中） Allow other processes to serve this folder, each with this option; the photos then belong
        /// in a bucket. Without it a second process is refused.
        #[arg(long)]
        shared_folder: bool,
        /// 最多同时连接数 The largest number of connections at once; at most, and by default, the limit of open files (ulimit -n).
        #[arg(long, value_name = "NUMBER")]
        connections: Option<usize>,
        /// 数据像是副本时怎么办；不给则停止应答，等人确认 What to do if the data look like a copy; without it the server answers no request until a
        /// person has said `moved` or `restore`.
        #[arg(long, value_name = "WORD")]
        if_copied: Option<Word>,
        /// 日志级别 What is logged on stderr: error, warn, info or debug.
        #[arg(long, value_name = "LEVEL", env = "DOORSTEP_LOG", default_value = "info")]
        log: Level,
        /// 日志每行一个 JSON 对象 Log one JSON object a line.
        #[arg(long, env = "DOORSTEP_LOG_JSON")]
        log_json: bool,
        /// 以 JSON 输出 Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// 数据目录由备份恢复而来：开始新的历史 The data folder was restored from a copy: begin a new history.
    ///
    /// Devices read everything anew and send again the records that the copy lacks. Open codes are void, and SMS are held until
    /// `admin sms go`. The command prints the period for which revocations, rulings and people must be entered again. Stop the
    /// server first.
    Restore {
        /// 数据目录 The data folder.
        data: PathBuf,
        /// 已签名的规则包发布（可多个） A signed publication of a rule pack, as devices hold it, that the copy may lack.
        #[arg(long, value_name = "FILE")]
        publication: Vec<PathBuf>,
        /// 以 JSON 输出 Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// 数据目录只是移动了，原服务器已停用 The data folder was only moved: nothing is missing, and its former server is stopped for good. The
    /// history goes on.
    Moved {
        /// 数据目录 The data folder.
        data: PathBuf,
        /// 以 JSON 输出 Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// 管理数据目录，服务器可同时运行 Administer a data folder; the server may be running.
    Admin {
        /// 数据目录 Data folder.
        #[arg(long, default_value = "./doorstep-data", global = true)]
        data: PathBuf,
        /// 照片存放处，同 serve The storage of photos, as for `serve`.
        #[arg(long, value_name = "URL", env = "DOORSTEP_PHOTOS", global = true)]
        photos: Option<String>,
        /// 以 JSON 输出 Print JSON.
        #[arg(long, global = true)]
        json: bool,
        #[command(subcommand)]
        command: AdminCommand,
    },
}

/// The kinds of data folder that look like a copy.
#[derive(Clone, Copy, clap::ValueEnum)]
pub enum Word {
    /// 由备份恢复 Restored from a copy.
    Restore,
    /// 只是移动了 Only moved.
    Moved,
}

/// Work on the tokens of the network's systems.
#[derive(Subcommand)]
pub enum ServiceTokenCommand {
    /// 新令牌，只显示一次 Make a token; it is shown once.
    Add {
        /// 名称 Its name.
        name: String,
    },
    /// 列出令牌 List the tokens.
    List,
    /// 停用令牌 Revoke a token.
    Revoke {
        /// 名称 Its name.
        name: String,
    },
}

/// Head office's work on the data folder.
#[derive(Subcommand)]
pub enum AdminCommand {
    /// 添加或修改网点 Add or change an outlet.
    Outlet {
        /// 网点代码 Outlet code.
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
    /// 列出问题件：超时在前，再按剩余时间 List cases, overdue first, then by the time left: those whose waybill is in a list of
    /// parcels.
    Cases {
        /// 改列不在名单的单号 List the cases whose waybill is in no list instead.
        #[arg(long)]
        unlisted: bool,
        /// 改列分拨中心的不明货物（临时单号） List the hubs' unidentified goods instead, to search a lost parcel among.
        #[arg(long, conflicts_with_all = ["unlisted", "outlet", "side"])]
        unidentified: bool,
        /// 只列轮到某网点的 Only those in which something is due from this outlet.
        #[arg(long, value_name = "CODE")]
        outlet: Option<OutletCode>,
        /// 只列轮到某一方的 Only those in which something is due from this side.
        #[arg(long, value_parser = clap::builder::PossibleValuesParser::new(Side::ALL.iter().map(|side| side.as_str())))]
        side: Option<String>,
        /// 最多条数 At most this many.
        #[arg(long, default_value_t = 100)]
        limit: u32,
    },
    /// 导入当日运单 Import the day's parcels from a CSV or XLSX file.
    ///
    /// Columns, in any order, by their English or Chinese headers (server/README.md has all of them): waybill 运单号, network 网络,
    /// origin_outlet 始发网点, delivering_outlet 派件网点, courier 快递员, recipient_name 收件人, recipient_phone 收件电话,
    /// recipient_address 收件地址, cod_fen 代收货款(分) or cod_yuan 代收货款(元), theoretical_arrival 应到时间. Optional columns:
    /// hub 集散中心; run 班次 (the inbound run in the delivering outlet's timetable; theoretical_arrival then names only the day);
    /// children 子单号 (child numbers, separated by spaces); entered 录入时间 (when the parcel's data first were in the network's
    /// system); virtual_phone 隐私号 and virtual_until 隐私号有效期 (a number that stands for the recipient's own, and its end).
    /// sender_name, sender_phone, freight, freight_fen or freight_yuan, receipt_no, label_grams, pieces, goods, declared_fen or
    /// declared_yuan, day and expires are optional too.
    /// An optional column that the file lacks leaves what is known; an empty cell takes it away.
    ///
    /// A bad row is left out and reported by its lines; the others are imported. Rows that say the same count once; of different
    /// rows for one waybill the first is taken. The encoding (UTF-8, UTF-16 with its mark, GB18030) and the separator (comma,
    /// semicolon, tab) are found and reported.
    ///
    /// Exit code: 0 if every line was taken, 3 if any line was not, 1 if the file could not be read as a list.
    ImportParcels {
        /// CSV 或 XLSX 文件 The CSV or XLSX file.
        file: PathBuf,
        /// 只检查，不写入 Read and check everything, report the same, and write nothing.
        #[arg(long)]
        dry_run: bool,
        /// 此表为该日全部运单 The list is all of this day's: the day's other rows end, except those whose case is open. None ends if a line can not be read or the list has no row.
        #[arg(long, value_name = "DAY", value_parser = |day: &str| day.parse::<Day>().map_err(|_| "a day like 2026-03-02"))]
        complete: Option<Day>,
    },
    /// 号码不能用的运单 List the parcels to whose number no SMS can go, with the reason; the numbers are not shown.
    Numbers,
    /// 网络系统推送运单用的令牌 Tokens by which the network's own system sends parcels to `POST /v1/parcels`, and can do nothing else.
    #[command(subcommand)]
    ServiceToken(ServiceTokenCommand),
    /// 导入节假日与调休日 Import the calendar from a CSV or XLSX file: days that differ from their weekday.
    ///
    /// Columns, in any order: date 日期 (like 2026-10-01), works 上班 (yes: an adjusted working day; no: a holiday), name 名称. The
    /// file replaces all known days of each year that it mentions. A bad row is reported by its line, and nothing is imported.
    ///
    /// Exit code: 0 if the calendar was taken, 3 if a line is wrong, 1 if the file could not be read as a list.
    ImportCalendar {
        /// CSV 或 XLSX 文件 The CSV or XLSX file.
        file: PathBuf,
    },
    /// 人员离职 A person has left: their devices can not read any more, and their later records go into quarantine.
    Left {
        /// 账号 Account.
        user: String,
    },
    /// 设备列表：久未联系的、有旧记录未发送的在前 List devices: those with old unsent work or long silent first.
    Devices,
    /// 更换服务器签名密钥：旧密钥为新密钥作保，设备随下次同步改用新密钥 Replace the server's signing key: the old one signs the new one, and devices accept it
    /// with their next sync. Prints how many still have to.
    ReplaceKey {
        /// 只看还有多少设备未改用 Only print how many devices still have to accept the new key.
        #[arg(long)]
        status: bool,
    },
    /// 确认服务器时钟正确：此后收到的记录不再标为待查 Confirm that the server's clock is right: records from now on are no longer marked for review.
    ClockIsRight,
    /// 停用设备 Revoke a device: it can not read any more, and its later records go into quarantine.
    Revoke {
        /// 设备号或其开头 The device's id, or the beginning of it.
        device: String,
        /// 原因 The reason.
        #[arg(long)]
        why: String,
    },
    /// 停用并清除设备：它下次联网时先销毁密钥，再删除全部数据 Revoke a device and wipe it: with its next request it destroys its keys, then all its data;
    /// records that do not fit into that request are lost.
    Wipe {
        /// 设备号或其开头 The device's id, or the beginning of it.
        device: String,
        /// 原因 The reason.
        #[arg(long)]
        why: String,
    },
    /// 设备今日用量与限额 What a device has brought today, and its quotas.
    Quota {
        /// 设备号或其开头 The device's id, or the beginning of it.
        device: String,
        /// 当日再放行一份限额 Give the device the day's quotas once more, and end its wait.
        #[arg(long)]
        lift: bool,
    },
    /// 待审核的记录 Refused records in quarantine.
    Quarantine {
        #[command(subcommand)]
        what: QuarantineCommand,
    },
    /// 某件的签名批次 List the signed batches that touched a case, and verify each.
    Envelopes {
        /// 运单号 The waybill.
        waybill: String,
    },
    /// 核对日志是否与签名一致 Check the stored log against the signatures: all of it, or one waybill's case.
    VerifyLog {
        /// 运单号 A waybill; the default is everything.
        waybill: Option<String>,
        /// 只列出后台核对已发现的 List the faults of the background check, and the time of the last one.
        #[arg(long, conflicts_with = "waybill")]
        found: bool,
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
        /// 即使有在用设备读不懂其格式 Publish even if enrolled devices can not read its format; without it they are listed.
        #[arg(long)]
        anyway: bool,
    },
    /// 发布规则包的新版本 Publish a version of the rule pack (TOML).
    ///
    /// It comes into force no sooner than the notice period of the current rules permits; earlier acts are judged by the version
    /// that was in force then. Before the first record it replaces the current version at once.
    PublishPack {
        /// 规则包 The file.
        file: PathBuf,
        /// 即使有在用设备读不懂其格式 Publish even if enrolled devices can not read its format; without it they are listed.
        #[arg(long)]
        anyway: bool,
    },
    /// 已发布的规则包版本 List the published versions of the rule pack.
    Packs,
    /// 为什么：某件的期限、缺证据、责任的依据 Explain a case: the grounds of its deadlines, missing evidence and findings.
    Explain {
        /// 运单号 The waybill.
        waybill: String,
        /// 只看含此内容的（如规则号） Only explanations that mention this, such as a rule's id.
        #[arg(long, value_name = "TEXT")]
        only: Option<String>,
    },
    /// 网点某日的日志 An outlet's day: its sheet.
    Sheet {
        /// 网点编号 The outlet.
        outlet: String,
        /// 日期，如 2026-03-02 The day.
        day: String,
    },
    /// 责任建议台账 The ledger of findings: proposals, nothing is deducted.
    Findings {
        /// 只看某网点 Only this outlet's findings.
        #[arg(long)]
        outlet: Option<String>,
        /// 只看未裁定 Only undecided findings.
        #[arg(long)]
        open: bool,
        /// 最多条数 At most this many.
        #[arg(long, default_value_t = 100)]
        limit: u32,
    },
    /// 裁定：责任、标记、仲裁或矛盾的一方 Decide on a finding, a mark, an arbitration or a side of a conflict.
    Decide {
        /// 运单号 The waybill.
        waybill: String,
        /// 责任编号或记录编号，见 explain The id of a finding or an entry, as `explain` shows it.
        about: String,
        /// 成立 The finding stands.
        #[arg(long, conflicts_with = "lift", required_unless_present = "lift")]
        uphold: bool,
        /// 不成立 The finding does not stand.
        #[arg(long)]
        lift: bool,
        /// 总部审核员账号 The reviewer's account.
        #[arg(long, value_name = "ACCOUNT")]
        by: String,
        /// 承担比例 The share of the liable party, in percent.
        #[arg(long, value_parser = clap::value_parser!(u8).range(0..=100))]
        share: Option<u8>,
        /// 金额（元） The amount in yuan.
        #[arg(long)]
        yuan: Option<u32>,
        /// 理由 The reason.
        #[arg(long)]
        why: Option<String>,
    },
    /// 未到、逾期、丢失、作废、重复使用的照片 List photos that are missing, overdue, lost, void, or recorded under two waybills, also turned,
    /// mirrored or by another device.
    Photos {
        /// 全部照片 Every photo.
        #[arg(long)]
        all: bool,
        /// 最多条数 At most this many.
        #[arg(long, default_value_t = 100)]
        limit: u32,
    },
    /// 核对照片与存储 Check photos against storage: missing and damaged ones are requested from their devices again.
    Scrub {
        /// 逐张读取并校验 Read and hash every photo.
        #[arg(long)]
        deep: bool,
        /// 存储确已丢失：多数照片缺失时也继续 Storage was really lost: continue even if most photos are missing.
        #[arg(long)]
        lost_storage: bool,
    },
    /// 删除照片，保留哈希 Erase a photo's bytes; its hash stays.
    ErasePhoto {
        /// 照片哈希，见 photos The photo's hash, as `photos` lists it.
        photo: String,
        /// 谁决定 The person who decides.
        #[arg(long)]
        by: String,
        /// 原因 The reason.
        #[arg(long)]
        why: String,
    },
    /// 短信：未了结、回执、客户来信 SMS: unsettled ones, receipts, customers' messages.
    Sms {
        #[command(subcommand)]
        what: SmsCommand,
    },
    /// 标记某条记录 Mark an entry: a notice to a wrong target, a reply that decides nothing, an unclear photo.
    Mark {
        /// 运单号 The waybill.
        waybill: String,
        /// 记录编号，见页面或 explain The entry's id, as the page and `explain` show it.
        entry: String,
        /// 结论 The mark.
        #[arg(long, value_parser = clap::builder::PossibleValuesParser::new(["valid", "invalid", "wrong_target", "unclear"]))]
        remark: String,
        /// 总部审核员账号 The reviewer's account.
        #[arg(long, value_name = "ACCOUNT")]
        by: String,
        /// 理由 The reason.
        #[arg(long)]
        why: Option<String>,
    },
}

/// The administrator's view of SMS.
#[derive(Subcommand)]
pub enum SmsCommand {
    /// 未了结的短信，“不确定”在前 List unsettled SMS, uncertain ones first.
    List {
        /// 全部 All of them.
        #[arg(long)]
        all: bool,
        /// 最多条数 At most this many.
        #[arg(long, default_value_t = 100)]
        limit: u32,
    },
    /// 找不到短信、或读不出的回执 List receipts that match no message or can not be read.
    Receipts {
        /// 最多条数 At most this many.
        #[arg(long, default_value_t = 100)]
        limit: u32,
    },
    /// 客户来信；默认只列无法归件的 List customers' messages; by default only those that belong to no case.
    Inbound {
        /// 全部 All of it.
        #[arg(long)]
        all: bool,
        /// 最多条数 At most this many.
        #[arg(long, default_value_t = 100)]
        limit: u32,
    },
    /// 恢复数据后放行短信 Release the SMS that were held after a restore.
    Go,
    /// 人工了结“不确定”的短信 Settle an uncertain SMS.
    #[command(group = clap::ArgGroup::new("found").required(true))]
    Settle {
        /// 运单号 The waybill.
        waybill: String,
        /// 短信编号，见 list The SMS's id, as `list` shows it.
        entry: String,
        /// 已发出 It was sent.
        #[arg(long, group = "found")]
        sent: bool,
        /// 没有发出 It was not sent.
        #[arg(long, group = "found")]
        not_sent: bool,
        /// 再发一次 Send it once more, whatever became of the first.
        #[arg(long, group = "found")]
        again: bool,
        /// 总部审核员账号 The reviewer's account.
        #[arg(long, value_name = "ACCOUNT")]
        by: String,
        /// 依据 The evidence.
        #[arg(long)]
        why: String,
    },
}

/// The commands for refused records.
#[derive(Subcommand)]
pub enum QuarantineCommand {
    /// 列出 List refused records, oldest first.
    List {
        /// 含已处理 Decided ones too.
        #[arg(long)]
        all: bool,
    },
    /// 放行：由总部重新写入，保留作者和首次收到时间 Release: head office writes the record anew, with its author and first receipt.
    Release {
        /// 记录的哈希或其开头 The change's hash, or the beginning of it.
        change: String,
        /// 谁决定 The person who decides.
        #[arg(long)]
        by: String,
    },
    /// 不予采用（保留并注明原因） Discard: the record stays in quarantine, with the reason.
    Discard {
        /// 记录的哈希或其开头 The change's hash, or the beginning of it.
        change: String,
        /// 谁决定 The person who decides.
        #[arg(long)]
        by: String,
        /// 原因 The reason.
        #[arg(long)]
        why: String,
    },
}
