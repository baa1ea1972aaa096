//! The command line: names, help, defaults. What a value means is decided where it is used, most of it in the client.

use std::path::PathBuf;

use clap::{Parser, Subcommand, builder::PossibleValuesParser};
use doorstep_rules::State;

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

const STATES: [State; 6] =
    [State::Open, State::Registered, State::Notified, State::ReplyOverdue, State::ActionDue, State::Closed];

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
    Parcels,
    #[command(flatten)]
    Record(Record),
    /// 问题件列表，按期限排序 Cases by next deadline.
    Cases {
        /// 含已结案 Ended cases too.
        #[arg(long)]
        all: bool,
        /// 只看某状态 Only this state.
        #[arg(long, value_parser = PossibleValuesParser::new(STATES.map(State::as_str)))]
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

/// What is recorded on this device first, and sent with the next sync.
#[derive(Subcommand)]
pub enum Record {
    /// 登记派送失败 Record a failed delivery.
    Fail {
        /// 运单号 The waybill, as typed or scanned.
        waybill: String,
        /// 原因代码，如 DF-NOBODY Reason code of the network's rules.
        #[arg(long, value_name = "CODE")]
        reason: String,
        /// 子原因代码 Sub-reason code, where the reason has some.
        #[arg(long, value_name = "CODE")]
        sub: Option<String>,
        /// 说明 What happened, in words.
        #[arg(long, value_name = "TEXT")]
        note: Option<String>,
        /// 照片，可写“用途=文件”，可多次 A photo as FILE or PURPOSE=FILE; may be repeated.
        ///
        /// 用途 PURPOSE: label, door, closed_premises, damage_outside, damage_inside, other; without one: door.
        #[arg(long, value_name = "[PURPOSE=]FILE")]
        photo: Vec<PathBuf>,
    },
    /// 补充照片 Add photos to a case.
    Photo {
        /// 运单号 The waybill.
        waybill: String,
        /// 照片，写“用途=文件” Photos as PURPOSE=FILE.
        ///
        /// 用途 PURPOSE: label, door, closed_premises, damage_outside, damage_inside, other; without one: door.
        #[arg(required = true, value_name = "PURPOSE=FILE")]
        photos: Vec<PathBuf>,
    },
    /// 登记已发短信 Record an SMS to the customer that was handed over to the phone's message app.
    Sms {
        /// 运单号 The waybill.
        waybill: String,
        /// 短信内容；不写则用模板 Its text; without one the rules' template for the newest reason.
        #[arg(long)]
        text: Option<String>,
        /// 号码；不写则用面单号码 The number; without one the label's.
        #[arg(long, value_name = "NUMBER")]
        to: Option<String>,
        /// 发送失败 Sending failed.
        #[arg(long)]
        failed: bool,
    },
    /// 登记给客户的电话 Record a call to the customer.
    Call {
        /// 运单号 The waybill.
        waybill: String,
        /// 结果 How it ended: answered, no_answer, busy, off, wrong, not_exist.
        #[arg(long)]
        result: String,
        /// 号码；不写则用面单号码 The number; without one the label's.
        #[arg(long, value_name = "NUMBER")]
        to: Option<String>,
        /// 通话内容 What was said.
        #[arg(long, value_name = "TEXT")]
        note: Option<String>,
    },
    /// 备注 Add a signed, dated note.
    Note {
        /// 运单号 The waybill.
        waybill: String,
        /// 内容 Its text.
        text: String,
    },
    /// 断网或停电时已电话通知寄件网点 Network or power is out and the origin outlet was phoned.
    ///
    /// 例外成立须有接电话的人、号码和时间 The exception counts only with who answered, the number and the time.
    Outage {
        /// 运单号，可多个 The waybills it covers.
        #[arg(required = true, value_name = "WAYBILL")]
        waybills: Vec<String>,
        /// 原因 What is out: network, power.
        #[arg(long)]
        reason: String,
        /// 接电话的人 Who answered.
        #[arg(long, value_name = "NAME")]
        contact: Option<String>,
        /// 拨打的号码 The number called.
        #[arg(long, value_name = "NUMBER")]
        phone: Option<String>,
        /// 通话时间；不写则为现在 When: "YYYY-MM-DD HH:MM" in the network's zone, or RFC 3339; without one, now.
        #[arg(long, value_name = "TIME")]
        at: Option<String>,
        /// 说了什么 What was said.
        #[arg(long, value_name = "TEXT")]
        said: Option<String>,
    },
    /// 通知寄件网点 Notify the origin outlet; it counts when the server has it.
    Notice {
        /// 运单号 The waybill.
        waybill: String,
        /// 寄件网点；不写则取自运单 The outlet; without one it comes from the parcel's data.
        #[arg(long, value_name = "OUTLET")]
        to: Option<String>,
        /// 请对方决定什么 Which decision is asked for.
        #[arg(long, value_name = "TEXT")]
        request: Option<String>,
    },
    /// 寄件网点回复 Reply as the origin outlet.
    Reply {
        /// 运单号 The waybill.
        waybill: String,
        /// 处理决定代码，如 REDELIVER Decision code of the network's rules.
        #[arg(long, value_name = "CODE")]
        decision: String,
        /// 说明 The data the decision needs, in words.
        #[arg(long, value_name = "TEXT")]
        note: Option<String>,
        /// 确认或更正的电话 Confirmed or corrected phone.
        #[arg(long)]
        phone: Option<String>,
        /// 确认或更正的地址 Confirmed or corrected address.
        #[arg(long)]
        address: Option<String>,
    },
    /// 把快件交接给同事 Hand a parcel over to a colleague, who takes it over on their own phone.
    Handover {
        /// 运单号 The waybill.
        waybill: String,
        /// 同事账号 The colleague's account.
        #[arg(long, value_name = "ACCOUNT")]
        to: String,
        /// 说明 Why.
        #[arg(long, value_name = "TEXT")]
        note: Option<String>,
    },
    /// 接收交接给我的快件 Take over a parcel that is handed over to you.
    Takeover {
        /// 运单号 The waybill.
        waybill: String,
    },
    /// 结案 End the case.
    Close {
        /// 运单号 The waybill.
        waybill: String,
        /// 结果代码，如 SIGNED Outcome code of the network's rules.
        #[arg(long, value_name = "CODE")]
        outcome: String,
        /// 签收人或说明 Who signed, or why.
        #[arg(long, value_name = "TEXT")]
        note: Option<String>,
    },
}
