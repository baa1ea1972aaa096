//! The command line: names, help, defaults. What a value means is decided where it is used, most of it in the client.

mod record;

use std::path::PathBuf;

use clap::{Parser, Subcommand, builder::PossibleValuesParser};
use doorstep_domain::{Book, PhotoSource};
use doorstep_rules::State;

pub use self::record::Record;

const AFTER_HELP: &str = "\
退出码 Exit codes:
  0  完成 done
  2  用法有误 wrong use
  3  规则不允许 refused by a rule
  4  网络或服务器；记录已保留，稍后会发送 network or server; everything recorded is kept and will be sent
  5  本机存储出错 storage of this device

例 Examples:
  doorstep enrol --server https://hq.example.com --code ABCD-EFGH-JKLM
  doorstep fail QH310000000017 --reason DF-NOBODY --note 敲门无人 --photo door=door.jpg
  doorstep notice QH310000000017
  doorstep sync";

const GLOBAL: &str = "通用 With every command";

/// Doorstep 外勤端：登记问题件，断网可用，联网后同步。
/// Doorstep's field client: record problem parcels, without a network too, and sync later.
#[derive(Parser)]
#[command(name = "doorstep", version, after_help = AFTER_HELP)]
pub struct Args {
    /// 本机数据目录 Folder of this device's store.
    #[arg(long, global = true, env = "DOORSTEP_STORE", default_value = "./doorstep-store", value_name = "DIR", help_heading = GLOBAL)]
    pub store: PathBuf,
    /// 信任此 PEM 文件中的证书机构，不用内置的 Trust the authorities in this PEM file instead of the built-in ones.
    #[arg(long, global = true, env = "DOORSTEP_CA", value_name = "FILE", help_heading = GLOBAL)]
    pub ca: Option<PathBuf>,
    /// 允许明文 http:// 连接其他机器（途中可被读取） Allow plain http:// to another machine, where it can be read on the way.
    #[arg(long, global = true, env = "DOORSTEP_INSECURE", help_heading = GLOBAL)]
    pub insecure: bool,
    /// 短信猫（smstools）目录：本机短信由它发送 Folder of an SMS daemon (smstools) that sends this computer's SMS.
    #[arg(long, global = true, env = "DOORSTEP_SMS_SPOOL", value_name = "DIR", help_heading = GLOBAL)]
    pub sms_spool: Option<PathBuf>,
    /// 以 JSON 输出，出错时也是 Print one JSON document, for errors too.
    #[arg(long, global = true, help_heading = GLOBAL)]
    pub json: bool,
    #[command(subcommand)]
    pub command: Command,
}

/// What the person wants. Everything but `enrol` and `sync` works without a network.
#[derive(Subcommand)]
pub enum Command {
    /// 注册本设备（需要网络） Enrol this device with a one-time code; needs the network.
    Enrol {
        /// 服务器地址 Address of the server, http:// or https://.
        #[arg(long, value_name = "URL")]
        server: String,
        /// 总部发的一次性注册码 The code from head office; it works once.
        #[arg(long, value_name = "CODE")]
        code: String,
    },
    /// 今日运单 Today's parcels.
    Parcels {
        /// 显示完整号码 Show whole phone numbers.
        #[arg(long)]
        numbers: bool,
    },
    /// 本网点人员，含已离职的 The people of your outlet, those who have left too.
    People,
    /// 节假日与调休日 Holidays, and weekend days on which people work.
    Calendar,
    #[command(flatten)]
    Record(Record),
    /// 问题件列表：超时的在前，再按剩余时间，再是等别人的 Your cases: overdue first, then by the time left, then what waits for others.
    Cases {
        #[command(flatten)]
        part: Part,
        /// 只看不在名单的单号 Only waybills that are in no list.
        #[arg(long)]
        unlisted: bool,
        /// 只看临时单号的不明货物，供找货 Only goods under a provisional number, to search a lost parcel among.
        #[arg(long)]
        unidentified: bool,
        /// 含已结案 Ended cases too.
        #[arg(long)]
        all: bool,
        /// 只看某状态 Only this state.
        #[arg(long, value_parser = PossibleValuesParser::new(State::ALL.iter().map(|state| state.as_str())))]
        state: Option<String>,
        /// 单号含此内容 Only waybills that contain this.
        #[arg(long, value_name = "TEXT")]
        find: Option<String>,
        /// 最多条数 At most so many.
        #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..))]
        limit: u32,
    },
    /// 一件的全部情况 One case: facts, state, deadlines, evidence, timeline.
    Show {
        /// 运单号 The waybill.
        waybill: String,
    },
    /// 为什么：期限、缺证据、责任的依据 Why: what deadlines, missing evidence and findings rest on.
    Explain {
        /// 运单号 The waybill.
        waybill: String,
        /// 只看含此内容的（如规则号） Only what names this, such as a rule's id.
        #[arg(long, value_name = "TEXT")]
        only: Option<String>,
    },
    /// 核对某件每条记录的签名 Check what stands behind each entry of a waybill: a device's signature, head office's word, or nothing.
    Verify {
        /// 运单号 The waybill.
        waybill: String,
    },
    /// 规则包 The network's rules.
    Rules {
        #[command(subcommand)]
        what: Rules,
    },
    /// 登记之前：某原因要什么证据、有哪些期限、能否用短信证明 Before you record: what a reason asks for, its time limits, whether an
    /// SMS can prove it.
    Reason {
        /// 原因代码，如 DF-NOBODY；不写则列出全部 The code; without one, all of them in short.
        code: Option<String>,
        /// 运单号：算出这件的期限，并给出寄件网点电话 The waybill: with its own time limits and its origin outlet's number.
        #[arg(long, value_name = "NUMBER")]
        waybill: Option<String>,
        /// 子代码 Sub-reason code.
        #[arg(long, value_name = "CODE", requires = "code")]
        sub: Option<String>,
        /// 环节 Where: hub, arrival, delivery, origin, service; without one, where your role registers it.
        #[arg(long, requires = "code")]
        stage: Option<String>,
        /// 回拨号码 The number under which you are reached.
        #[arg(long, env = "DOORSTEP_CALLBACK", value_name = "NUMBER")]
        callback: Option<String>,
    },
    /// 提醒：何时要做什么（断网时通知期限将到、有回复、期限已过） When to be reminded of what: a notice that ends while offline, a reply,
    /// a time limit that passed.
    Alarms {
        /// 到何时；不写则为24小时内 Until when: "YYYY-MM-DD HH:MM"; without it, for 24 hours.
        #[arg(long, value_name = "TIME")]
        until: Option<String>,
        /// 现在有网 There is a network now.
        #[arg(long)]
        online: bool,
    },
    /// 照片：补充、查看进度、取回 Photos: add, see how far they are, get one.
    Photo {
        #[command(subcommand)]
        what: Photo,
    },
    /// 客户短信：预览、发送、进展 SMS to the customer: preview, send, see what became of them.
    Sms {
        #[command(subcommand)]
        what: Sms,
    },
    /// 网点当日日志：查看、开始、记一笔 The sheet of your outlet's day: show it, open it, write a note.
    #[command(args_conflicts_with_subcommands = true)]
    Sheet {
        /// 日期，如 2026-03-02；不写则为今天 The day; without one, today.
        day: Option<String>,
        #[command(subcommand)]
        what: Option<Sheet>,
    },
    /// 财务账本：本网点某日的货款本、到付本及合计 The ledgers of your outlet: the lines of a day or of some days, with totals.
    Ledgers {
        /// 日期，如 2026-03-02；不写则为今天 The day; without one, today.
        #[arg(long, conflicts_with_all = ["from", "to"])]
        day: Option<String>,
        /// 从哪天起 The first day.
        #[arg(long, value_name = "DAY")]
        from: Option<String>,
        /// 到哪天为止（含） The last day, included.
        #[arg(long, value_name = "DAY")]
        to: Option<String>,
        /// 只看哪本 Only this ledger: cod, freight_collect.
        #[arg(long, value_parser = PossibleValuesParser::new(Book::ALL.iter().map(|book| book.as_str())))]
        book: Option<String>,
    },
    /// 哪些还没发送 What is unsent, oldest first; photos waiting; what head office holds.
    Status,
    /// 设置本人密码（共用平板） Set the PIN of who is signed in, on a shared tablet.
    Pin {
        /// 4到12位数字 4 to 12 digits.
        #[arg(long, env = "DOORSTEP_PIN", hide_env_values = true, value_name = "DIGITS")]
        pin: String,
    },
    /// 解锁 Unlock a shared tablet until the shift ends.
    Unlock {
        /// 账号 Account.
        user: String,
        /// 密码 PIN.
        #[arg(long, env = "DOORSTEP_PIN", hide_env_values = true, value_name = "DIGITS")]
        pin: String,
    },
    /// 锁定 Lock.
    Lock,
    /// 同步（需要网络） Send what is unsent, fetch what is new; needs the network.
    Sync,
}

/// A part of the list.
#[derive(clap::Args)]
#[group(multiple = false)]
pub struct Part {
    /// 只看轮到我的 Only cases in which you have something to do.
    #[arg(long)]
    pub mine: bool,
    /// 只看等我回复、查看或答复询问的 Only cases in which you have to look at a notice, to reply, or to answer a question.
    #[arg(long)]
    pub answer: bool,
    /// 只看等别人的 Only cases that wait for others.
    #[arg(long)]
    pub waiting: bool,
}

/// What to do with rules.
#[derive(Subcommand)]
pub enum Rules {
    /// 检查规则包文件：指出行号和原因 Check a rule pack's file: a fault is named with its line; needs no device and no network.
    Check {
        /// 规则包（TOML） The file.
        file: PathBuf,
    },
    /// 本机的规则包版本 The versions on this device, and which is in force.
    Versions,
    /// 现行代码表及其证据和步骤 The codes in force, with their evidence and steps.
    Codes {
        /// 只看某代码 Only this code.
        code: Option<String>,
    },
}

/// What an SMS says, and where it goes.
#[derive(clap::Args)]
pub struct Wish {
    /// 英文 In English; without it, in Chinese.
    #[arg(long)]
    pub en: bool,
    /// 称呼 How the recipient is addressed; without it, in the neutral form.
    #[arg(long, value_parser = PossibleValuesParser::new(["male", "female"]))]
    pub honorific: Option<String>,
    /// 回拨号码 The number under which you are reached.
    #[arg(long, env = "DOORSTEP_CALLBACK", value_name = "NUMBER")]
    pub callback: Option<String>,
    /// 号码；不写则用面单号码 The number; without it the label's, or the virtual one that stands for it.
    #[arg(long, value_name = "NUMBER")]
    pub to: Option<String>,
    /// 自己的话，不用模板：不算有效派送的证明 In your own words instead of the template's: proves nothing.
    #[arg(long)]
    pub text: Option<String>,
}

/// What to do with SMS.
#[derive(Subcommand)]
pub enum Sms {
    /// 预览：内容、条数、还缺什么 The text as it would be sent, its segments, and what it would lack to count.
    Preview {
        /// 运单号 The waybill.
        waybill: String,
        #[command(flatten)]
        wish: Wish,
    },
    /// 发送：有网由总部网关发，没网由本机短信猫发，都没有则排队 Send: by head office's gateway within reach of it, else by this
    /// computer's modem, else as soon as one of them is there.
    Send {
        /// 运单号 The waybill.
        waybill: String,
        #[command(flatten)]
        wish: Wish,
    },
    /// 登记自己用手机发的短信 Record an SMS that you sent yourself with your phone's message app.
    Record {
        /// 运单号 The waybill.
        waybill: String,
        /// 没发出去，原因 It was not sent, and why.
        #[arg(long, value_name = "WHY", num_args = 0..=1, default_missing_value = "generic",
          value_parser = PossibleValuesParser::new(["no_service", "radio_off", "null_pdu", "generic", "number"]))]
        failed: Option<String>,
        #[command(flatten)]
        wish: Wish,
    },
    /// 未了结的短信；写单号则列该件全部 SMS that are not settled; with a waybill, all of that parcel.
    List {
        /// 运单号 The waybill.
        waybill: Option<String>,
    },
    /// 取得发送许可（派送由别人登记）并发送 Get the lease of an SMS whose attempt somebody else recorded, and send it.
    Lease {
        /// 运单号 The waybill.
        waybill: String,
    },
}

/// What to write into a sheet.
#[derive(Subcommand)]
pub enum Sheet {
    /// 记一笔 Write a signed note.
    Note {
        /// 内容 Its text.
        text: String,
        /// 日期；不写则为今天 The day; without one, today.
        #[arg(long)]
        day: Option<String>,
    },
    /// 开始当日 Open the day.
    Open {
        /// 说明 What there is to say.
        #[arg(long)]
        note: Option<String>,
        /// 日期；不写则为今天 The day; without one, today.
        #[arg(long)]
        day: Option<String>,
    },
}

/// What to do with photos.
#[derive(Subcommand)]
pub enum Photo {
    /// 补充照片 Add photos to a case.
    Add {
        /// 运单号 The waybill.
        waybill: String,
        /// 照片，写“用途=文件” Photos as PURPOSE=FILE, JPEG or PNG.
        ///
        /// 用途 PURPOSE: label, door, closed_premises, damage_outside, damage_inside, scale, pollution_source, letter, mark,
        /// transfer_label, other; without one: door.
        #[arg(required = true, value_name = "PURPOSE=FILE")]
        photos: Vec<PathBuf>,
        /// 标注或裁剪自哪张原图 The photo that these were made from by drawing or cutting.
        #[arg(long, value_name = "HASH")]
        original: Option<String>,
        /// 来源：应用内拍摄 in_app，相册 gallery Where the app got them from: in_app or gallery; without it nothing is said of it.
        #[arg(long, value_name = "SOURCE", value_parser = PossibleValuesParser::new(PhotoSource::ALL.iter().map(|source| source.as_str())))]
        source: Option<String>,
    },
    /// 本机照片：等什么、传到哪、总部是否已存 This device's photos: what they wait for, how far they are, what is stored.
    List {
        /// 含已存的 Those at head office too.
        #[arg(long)]
        all: bool,
    },
    /// 取一张照片（本机没有则联网取） Get a photo: from this device, or over the network.
    Get {
        /// 照片哈希，或运单号（取最新一张） The photo's hash, or a waybill for its newest.
        photo: String,
        /// 只要缩略图 Only its thumbnail.
        #[arg(long)]
        thumbnail: bool,
        /// 存到 Where to.
        #[arg(long, value_name = "FILE")]
        to: Option<PathBuf>,
    },
    /// 立即发送，不等免流量网络 Send them with the next sync, whatever the network costs.
    SendNow,
    /// 照片文件找不回来了：告知总部 A missing photo's file does not come back: tell head office.
    Lost {
        /// 照片哈希的开头，见 photo list How the photo's hash begins; see photo list.
        photo: String,
    },
}
