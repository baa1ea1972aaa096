//! Why a command was not done: its words, its kind, its exit code. Never with personal data.

use std::{io, path::PathBuf, process::ExitCode};

use doorstep_client::{ClientError, ErrorCode, Kind, Premature, Refusal};
use doorstep_rules::{PackError, Words};

/// Why a command was not done.
pub enum Failed {
    /// The client says so.
    Client(ClientError),
    /// A file named with `--photo` can not be read.
    PhotoFile {
        /// The file as named.
        file: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Nothing here names such a photo.
    NoPhoto,
    /// A photo that a person calls lost has its file, or is not waiting.
    PhotoIsHere,
    /// A photo's bytes are not to be had yet.
    NoPhotoYet,
    /// A file can not be written.
    Write {
        /// The file as named.
        file: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file named with `--ca` can not be used.
    CaFile {
        /// The file as named.
        file: PathBuf,
        /// Why it can not be read; `None`: it was read, and holds no certificate.
        source: Option<io::Error>,
    },
    /// An argument is no time.
    Time {
        /// The argument's name.
        flag: &'static str,
    },
    /// An argument is no amount.
    Yuan,
    /// A file of rules is not usable.
    Pack {
        /// The file as named.
        file: PathBuf,
        /// Where and why.
        fault: PackError,
    },
    /// A file can not be read.
    File {
        /// The file as named.
        file: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl From<ClientError> for Failed {
    fn from(error: ClientError) -> Self {
        Self::Client(error)
    }
}

impl Failed {
    /// What kind of failure it is, as a word in JSON.
    pub fn kind_word(&self) -> &'static str {
        match self.kind() {
            Kind::Usage => "usage",
            Kind::Rule => "rule",
            Kind::Network => "network",
            Kind::Storage => "storage",
        }
    }

    /// The exit code of its kind.
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self.kind() {
            Kind::Usage => 2,
            Kind::Rule => 3,
            Kind::Network => 4,
            Kind::Storage => 5,
        })
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Client(error) => error.kind(),
            Self::PhotoFile { .. }
            | Self::NoPhoto
            | Self::PhotoIsHere
            | Self::CaFile { .. }
            | Self::Time { .. }
            | Self::Yuan
            | Self::File { .. }
            | Self::Write { .. } => Kind::Usage,
            Self::Pack { .. } | Self::NoPhotoYet => Kind::Rule,
        }
    }

    /// What happened and what to do next.
    pub fn words(&self) -> Words {
        match self {
            Self::Client(error) => {
                let Words { zh, en } = error.words();
                if let ClientError::Refused(refusal) = error
                    && let Refusal::Premature(premature) = refusal.cause()
                {
                    let options = options(premature).map(|options| format!(" ({options})")).unwrap_or_default();
                    return Words {
                        zh: format!("{zh}{options}；确需登记时加 --anyway"),
                        en: format!("{en}{options}; add --anyway to record it all the same"),
                    };
                }
                match hint(error) {
                    _ if matches!(error, ClientError::Insecure) => Words {
                        zh: format!("{zh}，确需明文时加 --insecure"),
                        en: format!("{en}, or give --insecure if it is meant"),
                    },
                    Some(command) => Words { zh: format!("{zh}：{command}"), en: format!("{en}: {command}") },
                    None => Words { zh, en },
                }
            }
            Self::PhotoFile { file, source } => {
                let file = file.display();
                Words {
                    zh: format!("照片文件无法读取：{file}（{source}），未作任何登记；请核对文件名，写法为 用途=文件"),
                    en: format!(
                        "the photo file can not be read: {file} ({source}); nothing was recorded; check the name, written as PURPOSE=FILE"
                    ),
                }
            }
            Self::NoPhoto => Words {
                zh: "没有这张照片：请写 64 位哈希，或已登记照片的运单号；见 doorstep photo list --all".to_owned(),
                en: "no such photo: give its hash of 64 digits, or a waybill with a photo; see doorstep photo list --all"
                    .to_owned(),
            },
            Self::PhotoIsHere => Words {
                zh: "照片文件还在本机，或照片不在等待发送：不能算丢失；见 doorstep photo list --all".to_owned(),
                en: "the photo's file is here, or the photo is not waiting: it is not lost; see doorstep photo list --all"
                    .to_owned(),
            },
            Self::NoPhotoYet => Words {
                zh: "照片字节还没到总部，或不归本设备查看；请稍后再试".to_owned(),
                en: "the photo's bytes are not at head office yet, or not for this device to see; try again later".to_owned(),
            },
            Self::Write { file, source } => {
                let file = file.display();
                Words {
                    zh: format!("文件无法写入：{file}（{source}）"),
                    en: format!("the file can not be written: {file} ({source})"),
                }
            }
            Self::CaFile { file, source: Some(source) } => {
                let file = file.display();
                Words {
                    zh: format!("证书机构文件无法读取：{file}（{source}）；请核对 --ca 或 DOORSTEP_CA"),
                    en: format!("the authorities' file can not be read: {file} ({source}); check --ca or DOORSTEP_CA"),
                }
            }
            Self::CaFile { file, source: None } => {
                let file = file.display();
                Words {
                    zh: format!("证书机构文件中没有可用的证书：{file}；--ca 须为 PEM 格式的证书机构"),
                    en: format!("there is no usable certificate in {file}; --ca names a file of authorities in PEM"),
                }
            }
            Self::Time { flag } => Words {
                zh: format!("{flag} 的时间写法不对，请写成 2026-03-02 14:05 或 2026-03-02T14:05:00+08:00；未作任何登记"),
                en: format!("{flag} is not a time; write 2026-03-02 14:05 or 2026-03-02T14:05:00+08:00; nothing was recorded"),
            },
            Self::Yuan => Words {
                zh: "金额写法不对，请写元，最多两位小数，如 12.50；未作任何登记".to_owned(),
                en: "not an amount; write yuan with at most two decimals, such as 12.50; nothing was recorded".to_owned(),
            },
            Self::Pack { file, fault } => {
                let file = file.display();
                Words {
                    zh: format!("{file} 不是可用的规则包：第 {} 行第 {} 列：{}", fault.line, fault.column, fault.reason),
                    en: format!("{file} is no usable rule pack: line {}, column {}: {}", fault.line, fault.column, fault.reason),
                }
            }
            Self::File { file, source } => {
                let file = file.display();
                Words {
                    zh: format!("文件无法读取：{file}（{source}）"),
                    en: format!("the file can not be read: {file} ({source})"),
                }
            }
        }
    }
}

/// The options that give what an act lacks.
fn options(premature: &Premature) -> Option<String> {
    let option = |field: &str| match field.trim() {
        "letter" => "--photo letter=FILE".to_owned(),
        "sender_agrees" => "--agreed-by sender".to_owned(),
        "words" => "--note".to_owned(),
        other => format!("--{}", other.replace('_', "-")),
    };
    let one = |need: &str| need.split('|').map(option).collect::<Vec<_>>().join(" | ");
    let needs: Vec<String> = match premature {
        Premature::ReplyLacks { needs } => needs.iter().map(|need| one(need)).collect(),
        Premature::OutageLacks { needs } => needs.iter().map(|need| one(need)).collect(),
        Premature::AgainstReply { .. } => return None,
        Premature::NotHandedIn { .. } => return Some("doorstep ledger --book cod".to_owned()),
    };
    Some(needs.join(", "))
}

/// What to type next, where the client's words name something to do.
fn hint(error: &ClientError) -> Option<&'static str> {
    match error.server_code() {
        Some(ErrorCode::TagTaken) => return Some("--store"),
        Some(ErrorCode::Unauthorized) => return Some("doorstep enrol"),
        _ => {}
    }
    Some(match error.code() {
        "not_enrolled" => "doorstep enrol --server URL --code CODE",
        "device_key_lost" => "doorstep enrol --server URL --code CODE",
        "no_rules" | "no_network" | "no_notice" | "offline_too_long" => "doorstep sync",
        "sub_unknown" => "--sub",
        "no_case" | "no_attempt" | "taken_back" | "not_listed" => "doorstep fail, doorstep register",
        "not_notified" => "doorstep sync",
        "no_target" | "no_number" | "number_unusable" | "number_wrong" | "number_ended" => "--to",
        "assignee" => "doorstep people",
        "not_assigned" => "doorstep assign WAYBILL --to ACCOUNT",
        "sms_not_yours" => "doorstep sms lease",
        "registrar" => "--stage",
        "no_entry" => "doorstep show, doorstep explain",
        "same_as" => "--same-as",
        "locked" => "doorstep unlock",
        "wrong_file" => "--store",
        _ => return None,
    })
}
