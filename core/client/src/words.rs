//! What a person reads of an error: what happened and what to do next, in Chinese and English. The one place where errors become words.

use doorstep_media::MediaError;
use doorstep_protocol::ErrorCode;
use doorstep_rules::{MOST_ASKS, Premature, Variable, Words, sms::TemplateFault};
use doorstep_store::{OpenError, StoreError, is_of_no_room};
use doorstep_sync::Failure;

use crate::{ClientError, Colleague, Refusal, SignError, Unreached};

impl ClientError {
    /// What a person sees: what happened and what to do next.
    pub fn words(&self) -> Words {
        let say = |zh: String, en: String| Words { zh, en };
        let fixed = |zh: &str, en: &str| say(zh.to_owned(), en.to_owned());
        match self {
            Self::Refused(refusal) => refusal.words(),
            Self::Network(Failure::Refused(ErrorCode::CodeWrong)) => fixed(
                "注册码不对，请核对后再输入；错五次后须等待才能再试",
                "not a code; check it and type it again, after five wrong ones you have to wait",
            ),
            Self::Network(Failure::Refused(ErrorCode::CodeUsed | ErrorCode::CodeExpired)) => fixed(
                "注册码已使用或已过期，请向总部索取新的注册码",
                "the code is used or expired; ask head office for a new one",
            ),
            Self::Network(Failure::Refused(ErrorCode::DeviceTaken)) => fixed(
                "本设备已由他人注册：派件员手机只能一人使用，平板只能由同一网点的人员共用",
                "the device belongs to somebody else: a courier's phone is personal, a tablet is shared within one outlet only",
            ),
            Self::Network(Failure::Refused(ErrorCode::Revoked)) => fixed(
                "本设备已被总部停用；已登记的记录会送交总部审核",
                "head office has revoked this device; what it recorded is delivered to head office for review",
            ),
            Self::Network(Failure::Refused(ErrorCode::TagTaken)) => fixed(
                "本机的数据目录属于另一台设备或另一个人，请换一个新的数据目录再注册",
                "this store belongs to another device or person; enrol again with a new folder",
            ),
            Self::Network(Failure::Refused(ErrorCode::Unauthorized)) => {
                fixed("服务器不认识本设备，请重新注册", "the server does not know this device; enrol again")
            }
            Self::Network(Failure::Refused(_) | Failure::Blocked(_)) => {
                let code = self.code();
                say(
                    format!("服务器拒绝（{code}），记录已保留"),
                    format!("the server refuses ({code}); everything recorded is kept"),
                )
            }
            Self::Network(_) => fixed(
                "没有网络；记录已保存在本机，联网后同步即可发送",
                "no network; what you recorded is kept on this device, sync again later to send it",
            ),
            Self::Waybill(error) => {
                say(format!("单号有误，请核对后重新输入（{error}）"), format!("{error}; check the number and type it again"))
            }
            Self::Photo(error) => say(photo_zh(error), error.to_string()),
            Self::Text(error) => say(format!("文字过长，请缩短（{error}）"), format!("{error}; make the text shorter")),
            Self::Code(error) => say(format!("代码有误（{error}）"), format!("{error}")),
            Self::Server => {
                fixed("服务器地址须以 http:// 或 https:// 开头", "the server's address must start with http:// or https://")
            }
            Self::Insecure => fixed(
                "明文 http:// 只能用于本机：客户姓名和电话会被途中读取；请改用 https://",
                "plain http:// is for this machine only, names and numbers can be read on the way; use https://",
            ),
            Self::Roots => fixed(
                "证书机构中没有可用的证书，须为 PEM 格式",
                "there is no usable certificate among the authorities to trust; they must be PEM",
            ),
            Self::Open(OpenError::Corrupt) => fixed(
                "本机数据文件损坏，已原样保留，请勿删除，联系总部修复",
                "the store's file is damaged; it was left as it is: do not delete it, ask head office for repair",
            ),
            Self::Open(OpenError::WrongFile { path }) => say(
                format!("{} 不是本程序的数据文件，未作任何改动；请移走该文件，或换一个数据目录", path.display()),
                format!("{} is no Doorstep store; it was left as it is: move it elsewhere or use another folder", path.display()),
            ),
            Self::Open(OpenError::InUse) => fixed(
                "本机数据文件损坏，修复前请关闭其他正在使用它的程序，再重新打开",
                "the store's file is damaged; to repair it close every other program that uses it, then open again",
            ),
            Self::Store(error) => store_words(error),
            Self::Unrecorded(error) => {
                let Words { zh, en } = store_words(error);
                say(format!("{zh}；本次没有登记"), format!("{en}; nothing was recorded"))
            }
            Self::Unreached { address, why } => {
                let (zh, en) = unreached(*why);
                say(format!("{address}：{zh}；本机未作任何改动"), format!("{address}: {en}; nothing was changed on this device"))
            }
            Self::Open(OpenError::KeyWrong) => fixed(
                "数据库密钥不对，数据未作任何改动；请用本机原来的密钥打开",
                "the database key is another one; nothing was touched: open it with this device's own key",
            ),
            Self::Open(OpenError::KeyMissing) => fixed(
                "数据已加密，需要密钥才能打开；数据未作任何改动",
                "the store is encrypted and needs its key; nothing was touched",
            ),
            Self::Open(OpenError::NotEncrypted) => fixed(
                "该目录中的数据未加密，不能用密钥打开；数据未作任何改动，请换一个数据目录",
                "the store in this folder is not encrypted and can not be opened with a key; nothing was touched: use another folder",
            ),
            Self::Open(OpenError::NoEncryption) => fixed(
                "此版本不含数据库加密，不能使用密钥；未建立任何数据",
                "this build has no database encryption and can not use a key; nothing was made",
            ),
            Self::Open(OpenError::KeySize) => fixed("数据库密钥须为 32 字节", "a database key has 32 bytes"),
            Self::Open(OpenError::DiskFull) => full(),
            Self::Open(OpenError::TooNew { .. }) => fixed(
                "本机数据由更新的版本写成，未作任何改动；请安装新版本",
                "a newer version wrote this store, nothing was changed; install the newer version",
            ),
            Self::Open(error @ (OpenError::Folder { .. } | OpenError::Sqlite(_))) => failed(error),
            Self::Key(error) => key_words(error),
            Self::Internal(what) => say(
                "程序内部错误，已登记的内容不受影响；请重试，并报告此问题".to_owned(),
                format!("the program failed ({what}); what was recorded is kept: try again and report it"),
            ),
        }
    }
}

/// The words of a full disk. Whether something was to be recorded, only the call knows.
fn full() -> Words {
    Words {
        zh: "手机存储空间不足，请清理出一些空间后再试".to_owned(),
        en: "the disk is full; free some space and try again".to_owned(),
    }
}

/// The words of a failure that only its own text explains.
fn failed(error: &dyn std::fmt::Display) -> Words {
    Words {
        zh: "本机存储出错，未作任何改动；请重试，仍不行请联系总部".to_owned(),
        en: format!("storage failed, nothing was changed: {error}"),
    }
}

fn store_words(error: &StoreError) -> Words {
    match error {
        StoreError::DiskFull => full(),
        StoreError::Corrupt => Words {
            zh: "本机数据文件损坏，未作任何改动；请退出后重新打开，程序会自动修复".to_owned(),
            en: "the store's file is damaged, nothing was changed; close and open again, it is repaired then".to_owned(),
        },
        other => failed(other),
    }
}

fn key_words(error: &SignError) -> Words {
    let (zh, en) = match error {
        SignError::Lost => (
            "本机的设备密钥已丢失或已更换：请向总部索取新的注册码，在本机重新注册；已登记的内容都保留，注册后即可发送".to_owned(),
            "this device's key is lost or another one; enrol again with a new code from head office: what was recorded is kept and is sent then".to_owned(),
        ),
        SignError::Missing => (
            "手机系统现在没有给出设备密钥，不能注册；请重启手机后再试；已登记的内容都保留".to_owned(),
            "the phone gives no device key now, so it can not be enrolled; restart it and try again: what was recorded is kept".to_owned(),
        ),
        SignError::Platform(_) => (
            "设备密钥现在不能签名；请解锁手机后再试；已登记的内容都保留".to_owned(),
            "the device's key does not sign now; unlock the phone and try again: what was recorded is kept".to_owned(),
        ),
        SignError::NotAKey(file) => (
            format!(
                "设备密钥文件 {} 已损坏：请移走该文件，再用总部的新注册码重新注册；已登记的内容都保留，注册后即可发送",
                file.display()
            ),
            format!(
                "{} holds no device key any more; move it away and enrol again with a new code from head office: what was recorded is kept and is sent then",
                file.display()
            ),
        ),
        SignError::File { source, .. } if is_of_no_room(source) => return full(),
        SignError::File { file, source } => (
            format!("设备密钥文件 {} 无法读写，未作任何改动；请检查目录权限", file.display()),
            format!("the device's key file {} can not be used ({source}), nothing was changed; check the folder", file.display()),
        ),
    };
    Words { zh, en }
}

/// What is wrong with a server's address, after the address itself.
fn unreached(why: Unreached) -> (&'static str, &'static str) {
    match why {
        Unreached::Name => (
            "找不到这台服务器，域名无法解析；请核对地址，并检查网络",
            "there is no host of this name; check the address, and whether there is a network",
        ),
        Unreached::Refused => (
            "拒绝连接，这个端口上没有服务器；请核对地址和端口",
            "it refuses the connection, no server listens there; check the address and the port",
        ),
        Unreached::Silent => {
            ("没有应答；请核对地址，或检查网络后再试", "it does not answer; check the address, or the network, and try again")
        }
        Unreached::Cut => (
            "连接中断；请核对地址是 http 还是 https，或检查网络后再试",
            "the connection broke off; check whether the address is http or https, or the network, and try again",
        ),
        Unreached::Tls => (
            "加密连接不成立，证书不可信，或该端口不是 https；请核对地址，或向总部索取其证书",
            "the encrypted connection fails, its certificate is not trusted or it is no https; check the address, or ask head office for its certificate",
        ),
        Unreached::Stranger => (
            "有应答，但不是总部的服务器，可能是上网登录页；请先登录上网，或核对地址",
            "something answers that is no Doorstep server, perhaps a network's login page; log in to the network first, or check the address",
        ),
        Unreached::NotFound => (
            "该地址上没有总部的服务器（404）；请向总部核对完整地址",
            "there is no Doorstep server at this address (404); check the whole address with head office",
        ),
        Unreached::Version => {
            ("服务器的版本与本应用不同；请更新应用", "the server speaks another version of the protocol; update the app")
        }
    }
}

impl Refusal {
    fn words(&self) -> Words {
        let list = |known: &[String]| known.join(", ");
        let (zh, en) = match self {
            Self::OfMany { waybill, why } => {
                let Words { zh, en } = why.words();
                (format!("{waybill}：{zh}；一件都没有登记"), format!("{waybill}: {en}; nothing was recorded of any parcel"))
            }
            Self::NotEnrolled => (
                "本设备尚未注册，请先用总部的注册码注册".into(),
                "this device is not enrolled; enrol it first with a code from head office".into(),
            ),
            Self::NoPack => (
                "尚未收到规则包，请联网同步一次".into(),
                "no rule pack on this device yet; sync once with a network".into(),
            ),
            Self::Reason { given, known } => {
                (format!("没有原因代码 {given}，可用：{}", list(known)), format!("no reason {given}; there are: {}", list(known)))
            }
            Self::Sub { given, known } if known.is_empty() => (
                format!("该原因没有子原因（{given}），请不要填子原因"),
                format!("the reason has no sub-reasons ({given}); leave the sub-reason out"),
            ),
            Self::Sub { given, known } => (
                format!("没有子原因 {given}，可用：{}", list(known)),
                format!("no sub-reason {given}; there are: {}", list(known)),
            ),
            Self::Code { given, known } => {
                (format!("没有代码 {given}，可用：{}", list(known)), format!("no code {given}; there are: {}", list(known)))
            }
            Self::NoCase => (
                "该件在您的名单上，还没有登记问题；请先登记".into(),
                "the parcel is on your list and nothing is recorded of it; record the problem first".into(),
            ),
            Self::NoAttempt => (
                "该件还没有登记问题；请先登记".into(),
                "no problem of this parcel is registered; record it first".into(),
            ),
            Self::TakenBack => (
                "该件的问题登记已被更正撤回，没有待处理的问题；如确有问题，请重新登记".into(),
                "the problem that was recorded of this parcel was taken back by a correction; if there is one, record it anew".into(),
            ),
            Self::Ended { outcome: None } => (
                "该件已结案，已从本机移除；请向总部查询".into(),
                "the case has ended and has left this device; ask head office about it".into(),
            ),
            Self::Ended { outcome: Some(outcome) } => (
                format!("该件已结案（{}），已从本机移除；请向总部查询", outcome.zh),
                format!("the case has ended ({}) and has left this device; ask head office about it", outcome.en),
            ),
            Self::Elsewhere => (
                "该件已交接或改派给别人，不再由您处理；请向对方或本网点询问".into(),
                "the parcel was handed over or is somebody else's now; ask them or your outlet".into(),
            ),
            Self::NotNotified => (
                "没有该件的通知到过您的网点；请同步，或请派件网点通知".into(),
                "no notice of this parcel has come to your outlet; sync, or ask the delivering outlet to send one".into(),
            ),
            Self::NotListed => (
                "该件不在您的名单上，本机也没有它的记录；请核对单号，确是此件时请先登记问题".into(),
                "the parcel is in no list of yours, and nothing is recorded of it here; check the number, and if it is right record the problem first".into(),
            ),
            Self::NoTarget => (
                "单号不在名单，请指定寄件网点".into(),
                "the waybill is in no list; name the origin outlet".into(),
            ),
            Self::NotOrigin => {
                ("只有寄件网点的人员可以回复".into(), "only the origin outlet's staff may reply; ask them, or add a note".into())
            }
            Self::Template(fault) => {
                let (zh, en) = template_remedy(fault);
                (
                    format!("模板短信缺内容或内容不符：{}；{zh}", template_zh(fault)),
                    format!("the template gives no text: {fault}; {en}"),
                )
            }
            Self::NoNumber => (
                "没有收件人手机号：请拍面单，按号码缺失登记，或填写寄件网点提供的号码".into(),
                "there is no number: photograph the label and record the missing number, or give the one that the origin outlet has".into(),
            ),
            Self::NumberUnusable(fault) => {
                let why = doorstep_rules::words(fault.as_str());
                (
                    format!("该号码不能发短信（{}）：请拍面单，按号码缺失登记，或填写寄件网点提供的号码", why.zh),
                    format!(
                        "no SMS can go to this number ({}): photograph the label and record the missing number, or give the one that the origin outlet has",
                        why.en
                    ),
                )
            }
            Self::NumberWrong => (
                "已知号码有误，短信可能发给陌生人：请向寄件网点要正确号码，或填写要发送的号码".into(),
                "the number is known to be wrong, the SMS may reach a stranger: ask the origin outlet for the right one, or give the number to send to".into(),
            ),
            Self::NumberEnded => (
                "虚拟号码已过期，短信可能发给别人：请发到面单上的真实号码；没有时请打电话，或向寄件网点要号码".into(),
                "the virtual number has ended, the SMS may reach somebody else: send to the label's own number; if there is none, call, or ask the origin outlet for one".into(),
            ),
            Self::OptedOut => (
                "客户已回复退订，不再发短信；请打电话".into(),
                "the customer has asked for no more messages; call instead".into(),
            ),
            Self::SmsNotYours => (
                "派送由别人登记：请让登记人发送，或先取得发送许可".into(),
                "somebody else recorded the attempt: leave it to them, or get a lease first".into(),
            ),
            Self::NoLease { why } => (
                format!("总部没有给发送许可（{why}）：可能已由别人发送；请同步后再看"),
                format!("head office gives no lease ({why}): somebody else may have sent it; sync and look again"),
            ),
            Self::Registrar => (
                "您的岗位不登记这类问题，请联系有权限的同事".into(),
                "your role does not register such a problem; ask a colleague who does, or name another stage".into(),
            ),
            Self::NoEntry { given } => (
                format!("该件没有记录或责任 {given}；编号见该件的记录"),
                format!("the case has no entry or finding {given}; their ids are in the case's timeline and explanation"),
            ),
            Self::NoNotice => ("该件没有通知".into(), "there is no notice in this case; sync first".into()),
            Self::NoReply => ("该件没有回复，请指明记录".into(), "there is no reply in this case; name the entry".into()),
            Self::Unproven { lacking } => {
                let list = |lang: fn(&Words) -> &str| lacking.iter().map(lang).collect::<Vec<_>>().join(", ");
                (
                    format!("缺少：{}；补齐后才能登记为已办", list(|words| &words.zh)),
                    format!("lacking: {}; record that first, it is not done without", list(|words| &words.en)),
                )
            }
            Self::Premature(premature) => return premature_words(premature),
            Self::NoLedger => (
                "您的岗位不查看财务账本，请联系网点财务".into(),
                "your role does not read the ledgers; ask your outlet's finance".into(),
            ),
            Self::NoWords => (
                "文字是空的，只有空白或看不见的字符；请写明内容或理由".into(),
                "the words are empty, only blanks or signs that nobody sees; write what there is to say".into(),
            ),
            Self::SameAs => (
                "与另一条为同一次（same_as）时须指明另一条，其他更正不可".into(),
                "same_as wants the other entry, other corrections want none".into(),
            ),
            Self::Amount => ("金额不能为负".into(), "an amount is 0 or more".into()),
            Self::NotProvisional => (
                "前一个须是临时单号（PV-），后一个是正式单号".into(),
                "the first number must be a provisional one (PV-), the second the parcel's own".into(),
            ),
            Self::Rights { kind } => (
                format!("您的岗位对此件没有该项登记权限（{kind}），请联系有权限的同事"),
                format!("your role may not record this for this parcel ({kind}); ask a colleague who may"),
            ),
            Self::NotOffered => (
                "该件没有交接给您；请先同步，或让同事在其手机上办理交接".into(),
                "the parcel is not being handed over to you; sync, or ask your colleague to hand it over on their phone".into(),
            ),
            Self::Assignee { given, possible } => {
                let list = |between: &str| {
                    let one = |colleague: &Colleague| format!("{} {}", colleague.account, colleague.name);
                    possible.iter().map(one).collect::<Vec<_>>().join(between)
                };
                match possible.is_empty() {
                    true => (
                        format!("不能指派给 {given}：派件网点没有在职的派件员"),
                        format!("it can not be assigned to {given}: the delivering outlet has no courier"),
                    ),
                    false => (
                        format!("不能指派给 {given}：不是派件网点的在职派件员。可以指派给：{}", list("、")),
                        format!("it can not be assigned to {given}, who is no courier of the delivering outlet now; it can be to: {}", list(", ")),
                    ),
                }
            }
            Self::NotAssigned => (
                "没有可以撤销的指派，或不知道此前归谁；请直接指派给某人".into(),
                "there is no assignment to undo, or nobody is known to have had it before; assign it to somebody".into(),
            ),
            Self::Over { outcome } => {
                let told = |lang: fn(&Words) -> &str| outcome.as_ref().map_or_else(String::new, |it| format!(" ({})", lang(it)));
                (
                    format!("该件已结案{}，不再询问、中转或交班次；如又有问题，请先重新登记", told(|words| &words.zh)),
                    format!(
                        "the case has ended{}: nobody would answer or carry it out; if there is a problem again, record it first",
                        told(|words| &words.en)
                    ),
                )
            }
            Self::OwnOutlet => (
                "不用询问本网点；请直接登记本网点查到的情况，或询问其他网点".into(),
                "your own outlet needs no question; record what it knows, or ask another one".into(),
            ),
            Self::HowManyAsked => {
                ("请写明询问哪些网点，一次最多16个".into(), "name the outlets to ask, at most 16 at a time".into())
            }
            Self::AskedEnough => (
                format!("该件已有{MOST_ASKS}条询问或中转，不能再多；请先更正不需要的，或请总部处理"),
                format!(
                    "the parcel has {MOST_ASKS} questions already, and a further one would reach nobody; correct those that are not \
                     needed, or ask head office"
                ),
            ),
            Self::Outlet { given, known } => (
                format!("没有网点或分拨中心 {given}，有：{}", list(known)),
                format!("there is no outlet or hub {given}; there are: {}", list(known)),
            ),
            Self::NothingAsked => (
                "该件没有等待本网点答复的询问；要改答复，请写明是哪条询问（见 show）".into(),
                "no question about this parcel waits for your outlet; to change an answer, name its question (see show)".into(),
            ),
            Self::NotAsked { asked } => (
                format!("这条询问问的是 {asked}，只能由其答复；可以登记备注"),
                format!("this question is to {asked}, which alone can answer it; you may add a note"),
            ),
            Self::WhichQuestion { open } => {
                let told = |lang: fn(&Words) -> &str| {
                    open.iter().map(|(entry, step)| format!("{entry} ({})", lang(step))).collect::<Vec<_>>().join(", ")
                };
                (
                    format!("有几条询问等待本网点答复，请写明是哪一条：{}", told(|words| &words.zh)),
                    format!("several questions wait for your outlet; name the one that you answer: {}", told(|words| &words.en)),
                )
            }
            Self::NoSite => (
                "请写明中转到哪个网点（网点代码）；寄件网点的回复也没有写明".into(),
                "name the outlet to which it is sent on, by its code; the reply does not name one either".into(),
            ),
            Self::AlreadyThere { outlet } => (
                format!("快件已在 {outlet}，不能再中转到该网点；请写明另一网点"),
                format!("the parcel is at {outlet} already; name another outlet"),
            ),
            Self::Run { given, known } if known.is_empty() => (
                format!("没有本网点的班次表，不能交给 {given} 班；请指派给派件员，或请总部补班次表"),
                format!("the outlet has no timetable, so there is no run {given}; assign it to a courier, or ask head office for the timetable"),
            ),
            Self::Run { given, known } => {
                (format!("没有 {given} 这一班，有：{}", list(known)), format!("there is no run {given}; there are: {}", list(known)))
            }
            Self::Locked => ("设备已锁定，请先解锁".into(), "the device is locked; unlock it first".into()),
            Self::Wiped => (
                "总部已清除本设备的数据；请重新打开程序，再用新的注册码注册".into(),
                "head office had this device wiped; open it again and enrol with a new code".into(),
            ),
            Self::OfflineTooLong => (
                "本机太久没有与总部联系，已锁定；请联网同步一次，已登记的内容不受影响".into(),
                "this device has not heard from head office for too long and is locked; sync once with a network, what was recorded is kept"
                    .into(),
            ),
            Self::PinWrong => ("密码不对，请再试".into(), "not your PIN; try again".into()),
            Self::PinLocked => (
                "密码错误次数过多，请向总部索取新的注册码重新注册".into(),
                "too many wrong PINs; ask head office for a new code and enrol again".into(),
            ),
            Self::NoPin => ("尚未设置密码，请先注册并设置密码".into(), "no PIN was set; enrol and set one".into()),
            Self::PinShape => ("密码应为4到12位数字".into(), "a PIN has 4 to 12 digits".into()),
            Self::NotAMember => (
                "该账号未在本设备注册，请用注册码注册".into(),
                "this account was never enrolled on this device; enrol with a code".into(),
            ),
            Self::CaseFull => {
                ("该件记录已达上限，请联系总部".into(), "the case has reached its size limit; ask head office".into())
            }
        };
        Words { zh, en }
    }
}

/// Why an act was not recorded yet, and what to do first.
fn premature_words(premature: &Premature) -> Words {
    let zh: fn(&Words) -> &str = |words| &words.zh;
    let en: fn(&Words) -> &str = |words| &words.en;
    let fields = |needs: &[&str], lang: fn(&Words) -> &str| {
        let one = |need: &&str| {
            need.split('|').map(|field| lang(&doorstep_rules::words(field.trim())).to_owned()).collect::<Vec<_>>().join("/")
        };
        needs.iter().map(one).collect::<Vec<_>>().join(", ")
    };
    let (zh, en) = match premature {
        Premature::ReplyLacks { needs } => {
            let needs: Vec<&str> = needs.iter().map(String::as_str).collect();
            (
                format!("此回复不算有效回复，没有登记；还缺：{}", fields(&needs, zh)),
                format!("this reply would not count and was not recorded; it lacks: {}", fields(&needs, en)),
            )
        }
        Premature::OutageLacks { needs } => (
            format!("这次电话通知还不能算数，没有登记；请打给寄件网点，并补齐：{}", fields(needs, zh)),
            format!(
                "this phone notice would not count and was not recorded; phone the origin outlet, and give: {}",
                fields(needs, en)
            ),
        ),
        Premature::AgainstReply { decision } => (
            format!("寄件网点已决定“{}”，结案与此矛盾，没有登记；请先与寄件网点核对", decision.zh),
            format!(
                "the origin outlet has decided \"{}\", which this end contradicts; it was not recorded: ask the origin outlet first",
                decision.en
            ),
        ),
        Premature::NotHandedIn { due } => (
            format!("货款 {due} 尚未登记收讫，没有结案；请先把货款交给网点财务登记"),
            format!("the COD money of {due} is not handed in yet, the case was not ended; hand it to the outlet's finance first"),
        ),
    };
    Words { zh, en }
}

/// What is wrong with a photo and what to do, in Chinese; the English is the error's own.
fn photo_zh(error: &MediaError) -> String {
    match error {
        MediaError::Trailing(_) => "照片末尾之后还有其他数据，请用本应用重新拍摄".to_owned(),
        MediaError::TooManyBytes { .. } => "照片的数据量与其像素不符，请用本应用重新拍摄".to_owned(),
        MediaError::Empty => "照片是空文件，请重新拍摄".to_owned(),
        MediaError::TooLarge(_) => "照片文件过大，请把相机设为较小的尺寸".to_owned(),
        MediaError::NotAPhoto => "文件不是 JPEG 或 PNG 照片，或已损坏，请重新拍摄".to_owned(),
        MediaError::Dimensions(width, height) => format!("照片尺寸 {width} x {height} 不可用，请用相机重新拍摄"),
        MediaError::TooManyPixels { .. } => "照片像素过多，请把相机设为较小的尺寸".to_owned(),
        MediaError::TooMuchMemory { .. } => "处理这张照片所需内存过多，请用相机重新拍摄，或设为较小的尺寸".to_owned(),
        MediaError::Heif => "照片是 HEIC 格式，请先转换为 JPEG，或把相机设为“兼容性最佳”".to_owned(),
        MediaError::Avif => "照片是 AVIF 格式，请先转换为 JPEG，或把相机设为 JPEG".to_owned(),
        MediaError::WebP => "照片是 WebP 格式，请先转换为 JPEG，或用相机拍摄".to_owned(),
        MediaError::RareJpeg => "照片是少见的 JPEG 格式，请用相机拍摄".to_owned(),
        MediaError::Truncated => "照片文件不完整，请重新复制或重新拍摄".to_owned(),
        MediaError::Damaged => "照片已损坏，请重新拍摄".to_owned(),
        MediaError::Internal(_) => "照片无法处理，请报告此问题".to_owned(),
    }
}

/// A template's fault in Chinese.
fn template_zh(fault: &TemplateFault) -> String {
    let name = |variable: &Variable| match variable {
        Variable::Surname => "收件人姓氏",
        Variable::Honorific => "称呼",
        Variable::Brand => "品牌",
        Variable::Waybill => "单号",
        Variable::Reason => "原因",
        Variable::Callback => "回拨号码",
        Variable::Outlet => "网点",
        Variable::Time => "时间",
    };
    match fault {
        TemplateFault::Open => "模板括号不完整".to_owned(),
        TemplateFault::UnknownVariable(name) => format!("模板有未知变量 {name}"),
        TemplateFault::Missing(variable) => format!("缺{}", name(variable)),
        TemplateFault::Text => "短信全文过长".to_owned(),
        TemplateFault::TooLong { variable, most } => format!("{}超过 {most} 个字", name(variable)),
        TemplateFault::Type(variable) => format!("{}含不允许的字符", name(variable)),
        TemplateFault::Link(variable) => format!("{}含链接", name(variable)),
    }
}

/// What to do about a template's fault, in Chinese and English.
fn template_remedy(fault: &TemplateFault) -> (&'static str, &'static str) {
    let variable = match fault {
        TemplateFault::Missing(_) => {
            return ("原因不明时不能用模板", "without a reason it can not be used");
        }
        TemplateFault::TooLong { variable, .. } | TemplateFault::Type(variable) | TemplateFault::Link(variable) => *variable,
        TemplateFault::Open | TemplateFault::UnknownVariable(_) | TemplateFault::Text => Variable::Brand,
    };
    match variable {
        Variable::Surname => (
            "请打电话，或自己写短信（不算派送证明），并说明没有用模板的原因",
            "call, or write your own text, which proves nothing, and state why no template was used",
        ),
        Variable::Callback => ("请改回拨号码", "give another call-back number"),
        Variable::Outlet => ("请总部改网点名称，同步后再试", "ask head office to change the outlet's name, then sync"),
        Variable::Waybill | Variable::Time => ("请联系总部", "ask head office"),
        Variable::Honorific | Variable::Brand | Variable::Reason => {
            ("请总部改规则包，同步后再试", "ask head office to change the rule pack, then sync")
        }
    }
}
