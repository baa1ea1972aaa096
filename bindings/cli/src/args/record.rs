//! What can be recorded.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// Photos with what they show.
#[derive(Args)]
pub struct Photos {
    /// 照片，可写“用途=文件”，可多次 A photo as FILE or PURPOSE=FILE; may be repeated.
    ///
    /// 用途 PURPOSE: label, door, closed_premises, damage_outside, damage_inside, scale, pollution_source, letter, mark,
    /// transfer_label, other; without one: door.
    #[arg(long = "photo", value_name = "[PURPOSE=]FILE")]
    pub files: Vec<PathBuf>,
}

/// Whether the person insists on what would be refused.
#[derive(Args)]
pub struct Insist {
    /// 仍要登记：虽不算数、与决定矛盾或货款未收讫 Record it all the same: although it does not count, contradicts the decision or COD money is
    /// missing.
    #[arg(long)]
    pub anyway: bool,
}

/// What a reply says beside its decision, phone and address.
#[derive(Args)]
pub struct Replied {
    /// 中转到哪个网点（代码） The outlet to which the parcel is to be sent on, by its code.
    #[arg(long = "to", value_name = "OUTLET")]
    pub site: Option<String>,
    /// 联系人 Contact person.
    #[arg(long, value_name = "NAME")]
    pub contact: Option<String>,
    /// 公司 Company.
    #[arg(long, value_name = "NAME")]
    pub company: Option<String>,
    /// 面单信息无误 The label's data are right.
    #[arg(long)]
    pub same: bool,
    /// 日期 On which day, or until when: "YYYY-MM-DD HH:MM".
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
    /// 自提地点 Where the recipient collects it.
    #[arg(long, value_name = "TEXT")]
    pub place: Option<String>,
    /// 已告知收件人 The recipient has been told.
    #[arg(long)]
    pub informed: bool,
    /// 谁同意 Who agreed: sender, recipient, receiver.
    #[arg(long, value_name = "WHO")]
    pub agreed_by: Option<String>,
    /// 同意人姓名 The name of who agreed.
    #[arg(long, value_name = "NAME")]
    pub agreed: Option<String>,
    /// 谁付费 Who pays: sender, recipient, origin_outlet, delivering_outlet.
    #[arg(long, value_name = "WHO")]
    pub payer: Option<String>,
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
        /// 收件人愿付多少（元） What the recipient would pay, in yuan.
        #[arg(long, value_name = "YUAN")]
        offered: Option<String>,
        /// 约定再派送的时间 The time agreed for another delivery: "YYYY-MM-DD HH:MM".
        #[arg(long, value_name = "TIME")]
        agreed: Option<String>,
        /// 等待了多少分钟 How long was waited, in minutes.
        #[arg(long, value_name = "MINUTES")]
        waited: Option<u32>,
        #[command(flatten)]
        photos: Photos,
    },
    /// 登记其他问题：破损、错发、超区、重量、丢失、寄件违规等 Register another problem: damage, missent, weight, lost, origin faults.
    Register {
        /// 运单号或子单号；面单无法辨认时不写 The waybill or a child number; leave it out with --unreadable.
        #[arg(required_unless_present = "unreadable")]
        waybill: Option<String>,
        /// 面单无法辨认：生成临时单号 The label can not be read: a provisional number is made and printed.
        #[arg(long, conflicts_with = "waybill")]
        unreadable: bool,
        /// 代码，如 CD-DAMAGE Code of the network's rules.
        #[arg(long, value_name = "CODE")]
        reason: String,
        /// 子代码 Sub-reason code, where the code has some.
        #[arg(long, value_name = "CODE")]
        sub: Option<String>,
        /// 环节 Where: hub, arrival, delivery, origin, service; without one, where your role registers it.
        #[arg(long)]
        stage: Option<String>,
        /// 说明 What was found, in words.
        #[arg(long, value_name = "TEXT")]
        note: Option<String>,
        /// 发现时间；不写则为现在 When it was found: "YYYY-MM-DD HH:MM"; without one, now.
        #[arg(long, value_name = "TIME")]
        found: Option<String>,
        /// 件数 How many items or pieces.
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
        count: Option<u32>,
        /// 另一件的单号（污染源、掉包） The other parcel: the source of a pollution, the counterpart of a swap.
        #[arg(long, value_name = "WAYBILL")]
        other: Option<String>,
        /// 实际重量（克） Weight on the scale, in grams.
        #[arg(long, value_name = "GRAMS")]
        weight: Option<u32>,
        /// 面单重量（克） Weight on the label, in grams.
        #[arg(long, value_name = "GRAMS")]
        label_weight: Option<u32>,
        #[command(flatten)]
        photos: Photos,
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
        /// 开始时间 When it began: "YYYY-MM-DD HH:MM" in the network's zone, or RFC 3339.
        #[arg(long, value_name = "TIME")]
        at: Option<String>,
        /// 时长（秒） How long it was rung or spoken, in seconds.
        #[arg(long)]
        seconds: Option<u32>,
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
        #[command(flatten)]
        insist: Insist,
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
    /// 寄件网点已查看通知 The origin outlet has looked at the newest notice.
    Seen {
        /// 运单号 The waybill.
        waybill: String,
    },
    /// 寄件网点回复 Reply as the origin outlet.
    ///
    /// 回复须含处理决定和所需信息，否则不算 A reply counts only with its decision and what the decision needs.
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
        #[command(flatten)]
        replied: Box<Replied>,
        #[command(flatten)]
        photos: Photos,
        #[command(flatten)]
        insist: Insist,
    },
    /// 标记某条记录：回复无效、照片不清楚 Mark an entry: a reply that decides nothing, an unclear photo.
    Mark {
        /// 运单号 The waybill.
        waybill: String,
        /// 记录编号；不写则为最新回复 The entry's id; without one the newest reply.
        #[arg(long, value_name = "ENTRY")]
        entry: Option<String>,
        /// 结论 What is said of it: invalid, valid, wrong_target, unclear.
        #[arg(long, default_value = "invalid")]
        remark: String,
        /// 原因代码 Code of the network's list.
        #[arg(long, value_name = "CODE")]
        reason: Option<String>,
        /// 说明 Why.
        #[arg(long, value_name = "TEXT")]
        note: Option<String>,
    },
    /// 登记已做的处理：退回发出、转同行、中转、仲裁等 Something was done: returned with a run, handed to a peer carrier, forwarded.
    Act {
        /// 运单号 The waybill.
        waybill: String,
        /// 结果代码，如 RETURN Outcome code of the network's rules.
        #[arg(long, value_name = "CODE")]
        outcome: String,
        /// 同行 The peer carrier.
        #[arg(long, value_name = "NAME")]
        carrier: Option<String>,
        /// 中转到哪个网点（代码）；不写则按回复 The outlet to which it is sent on, by its code; without one, that of the reply.
        #[arg(long, value_name = "OUTLET")]
        to: Option<String>,
        /// 新单号 The number under which it travels on.
        #[arg(long, value_name = "WAYBILL")]
        number: Option<String>,
        /// 金额（元） What it cost or was agreed to cost, in yuan.
        #[arg(long, value_name = "YUAN")]
        amount: Option<String>,
        /// 说明 How.
        #[arg(long, value_name = "TEXT")]
        note: Option<String>,
    },
    /// 某步骤已完成 A step of the card was done.
    Tick {
        /// 运单号 The waybill.
        waybill: String,
        /// 步骤代码，见 show Step code; `show` lists them.
        step: String,
        /// 结果 What came of it.
        #[arg(long, value_name = "TEXT")]
        note: Option<String>,
    },
    /// 指派给派件员，可一次多件 A courier is to have the parcels: theirs until a later list, takeover or assignment.
    Assign {
        /// 运单号，可多个 The waybills.
        #[arg(required = true, value_name = "WAYBILL")]
        waybills: Vec<String>,
        /// 派件员账号，见 doorstep people Their account.
        #[arg(long, value_name = "ACCOUNT", required_unless_present_any = ["undo", "run"])]
        to: Option<String>,
        /// 交给本网点的班次，如 19:00 A run of your outlet's timetable instead of a courier, such as 19:00.
        #[arg(long, value_name = "HH:MM", conflicts_with_all = ["to", "at", "undo"])]
        run: Option<String>,
        /// 撤销指派，改回原来的人 Undo: assign to whom it was before.
        #[arg(long, conflicts_with_all = ["to", "at"])]
        undo: bool,
        /// 计划时间 Planned for: "YYYY-MM-DD HH:MM".
        #[arg(long, value_name = "TIME")]
        at: Option<String>,
        /// 做什么 What is to be done.
        #[arg(long, value_name = "TEXT")]
        note: Option<String>,
    },
    /// 询问其他网点或分拨中心：找货、是否签收、请中转 Ask other outlets or hubs about a parcel; each gets it as a task.
    Ask {
        /// 运单号 The waybill.
        waybill: String,
        /// 步骤代码，如 outlet_search、hub_search The step, such as outlet_search or hub_search.
        #[arg(long, value_name = "CODE")]
        step: String,
        /// 网点或分拨中心代码，可多次 An outlet's or hub's code; may be repeated.
        #[arg(long, required = true, value_name = "OUTLET")]
        to: Vec<String>,
        /// 问什么 What is asked.
        #[arg(long, value_name = "TEXT")]
        note: Option<String>,
    },
    /// 答复对本网点的询问 Answer a question to your outlet or hub.
    Answer {
        /// 运单号 The waybill.
        waybill: String,
        /// 结果代码，如 found、not_found、signed、not_signed The result.
        result: String,
        /// 哪条询问，见 show；只有一条时不写 Which question; needed only if there are several.
        #[arg(long, value_name = "ENTRY")]
        ask: Option<String>,
        /// 找到时的临时单号，见 cases --unidentified The provisional number under which it was found.
        #[arg(long = "as", value_name = "PV-NUMBER")]
        found: Option<String>,
        /// 说明 More about it.
        #[arg(long, value_name = "TEXT")]
        note: Option<String>,
    },
    /// 中转件已到本网点；--not 未到 A parcel that was sent on to your outlet has arrived, or has not.
    Arrived {
        /// 运单号 The waybill.
        waybill: String,
        /// 未到 It has not arrived.
        #[arg(long)]
        not: bool,
        /// 哪条记录，见 show Which sending; needed only if there are several.
        #[arg(long, value_name = "ENTRY")]
        ask: Option<String>,
        /// 说明 More about it.
        #[arg(long, value_name = "TEXT")]
        note: Option<String>,
    },
    /// 客户同意 A customer agreed to something.
    Consent {
        /// 运单号 The waybill.
        waybill: String,
        /// 谁 Who: sender, recipient, receiver.
        #[arg(long)]
        by: String,
        /// 同意什么（结果代码） To what: an outcome code.
        #[arg(long, value_name = "CODE")]
        to: String,
        /// 姓名 The person's name.
        #[arg(long)]
        name: Option<String>,
        /// 说了什么 What was said: the new address, the amount.
        #[arg(long, value_name = "TEXT")]
        note: Option<String>,
    },
    /// 寄件人提供的货物情况 What the sender says of the goods.
    Goods {
        /// 运单号 The waybill.
        waybill: String,
        /// 品名 Product name.
        #[arg(long)]
        name: Option<String>,
        /// 包装 Packaging.
        #[arg(long)]
        packing: Option<String>,
        /// 价值（元） Value, in yuan.
        #[arg(long, value_name = "YUAN")]
        value: Option<String>,
        /// 其他 Anything else.
        #[arg(long, value_name = "TEXT")]
        note: Option<String>,
    },
    /// 财务登记：货款本、到付本 Write a line of outlet finance's registers; `ledgers` shows them.
    Ledger {
        /// 运单号 The waybill.
        waybill: String,
        /// 哪本 Which: cod, freight_collect.
        #[arg(long)]
        book: String,
        /// 变动代码 Code of the network's rules.
        #[arg(long, value_name = "CODE")]
        change: String,
        /// 金额（元） How much, in yuan.
        #[arg(long, value_name = "YUAN")]
        amount: Option<String>,
        /// 回执小联已收回 The receipt slip was taken back.
        #[arg(long)]
        slip: bool,
        /// 说明 Anything else.
        #[arg(long, value_name = "TEXT")]
        note: Option<String>,
    },
    /// 证据确实没有，说明理由 Evidence that can not be had, with the reason.
    Waive {
        /// 运单号 The waybill.
        waybill: String,
        /// 证据代码，见 explain The evidence's id; `explain` shows it before the @.
        evidence: String,
        /// 理由 Why.
        #[arg(long, value_name = "TEXT")]
        why: String,
    },
    /// 更正：原记录保留，不再计算 Correct an entry: it stays, and counts for nothing any more.
    Correct {
        /// 运单号 The waybill.
        waybill: String,
        /// 记录编号，见 show The entry's id; `show` lists them.
        entry: String,
        /// 错在哪里 What was wrong: did_not_occur, incorrect_data, same_as.
        #[arg(long)]
        fault: String,
        /// 与哪条为同一次 The entry whose act it is, with same_as.
        #[arg(long, value_name = "ENTRY")]
        same_as: Option<String>,
        /// 理由 Why.
        #[arg(long, value_name = "TEXT")]
        why: String,
        /// 正确的原因代码（重登派送失败） The right reason: the failed delivery is recorded anew with it.
        #[arg(long, value_name = "CODE")]
        reason: Option<String>,
        /// 正确的子原因代码 The right sub-reason.
        #[arg(long, value_name = "CODE", requires = "reason")]
        sub: Option<String>,
    },
    /// 对责任或标记提出异议 Contest a finding or a mark.
    Dispute {
        /// 运单号 The waybill.
        waybill: String,
        /// 责任或记录编号，见 explain The finding's or the entry's id; `explain` shows it.
        about: String,
        /// 理由 Why.
        #[arg(long, value_name = "TEXT")]
        why: String,
    },
    /// 临时单号已查明 A parcel with a provisional number is known by its own.
    Identify {
        /// 临时单号 The provisional number, PV-...
        provisional: String,
        /// 正式单号 The parcel's own.
        waybill: String,
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
        #[command(flatten)]
        insist: Insist,
    },
}
