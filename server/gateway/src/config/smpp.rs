//! The table `[smpp]`.

use std::{path::PathBuf, time::Duration};

use serde::Deserialize;

use super::value::{ConfigError, Secret, seconds, value};

/// The connection to an SMSC and its settings.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SmppConfig {
    /// The name or address of the SMSC.
    pub host: String,
    /// The port of the SMSC; 2775 is usual, 3550 with TLS.
    pub port: u16,
    /// The account's name: 1 to 15 printable ASCII characters.
    pub system_id: String,
    /// The file with the account's password (at most 8 characters by SMPP 3.4) in one line.
    pub password_file: Option<PathBuf>,
    /// The password as text, for tests.
    pub password: Option<Secret>,
    /// The system type, at most 12 ASCII characters. Most providers want none.
    #[serde(default)]
    pub system_type: String,
    /// The kind of bind.
    #[serde(default)]
    pub bind: Bind,
    /// The service number: digits or a name, at most 20 characters with the extension.
    pub source_addr: String,
    /// The number of digits that may be appended to the service number, so that a reply names the message that it answers; 0 to
    /// 6, by the contract with the provider.
    #[serde(default)]
    pub extension_digits: u32,
    /// The type of the service number: 0 unknown, 1 international, 2 national, 3 network's own, 5 name.
    #[serde(default)]
    pub source_ton: u8,
    /// The numbering plan of the service number: 0 unknown, 1 telephone.
    #[serde(default)]
    pub source_npi: u8,
    /// The type of recipients' numbers: 1 with the country code, 2 or 0 as they are dialled within `country`. A number of another
    /// country always has its code and type 1.
    #[serde(default = "one")]
    pub dest_ton: u8,
    /// The numbering plan of recipients' numbers.
    #[serde(default = "one")]
    pub dest_npi: u8,
    /// The country code of numbers that are written without one, in digits.
    #[serde(default = "china")]
    pub country: String,
    /// The largest number of segments a second, 1 to 10,000.
    #[serde(default = "ten")]
    pub per_second: u32,
    /// The largest number of segments without an answer, 1 to 1,000.
    #[serde(default = "ten")]
    pub window: u32,
    /// A link without a byte from the SMSC for this long gets an enquire_link.
    #[serde(default = "half_a_minute", deserialize_with = "seconds")]
    pub enquire_seconds: Duration,
    /// The longest wait for an answer. A submit without one is uncertain, and the link is closed.
    #[serde(default = "half_a_minute", deserialize_with = "seconds")]
    pub response_seconds: Duration,
    /// The first pause after the SMSC throttles. Each further pause doubles, up to 60 times the first.
    #[serde(default = "a_second", deserialize_with = "seconds")]
    pub throttle_seconds: Duration,
    /// The first pause before reconnecting, randomised. Each further pause doubles, up to 60 times the first.
    #[serde(default = "a_second", deserialize_with = "seconds")]
    pub reconnect_seconds: Duration,
    /// How long a message whose first segment was taken waits until the rest is taken.
    #[serde(default = "two_minutes", deserialize_with = "seconds")]
    pub rest_seconds: Duration,
    /// Whether the link is TLS.
    pub tls: bool,
    /// PEM file of the trusted authorities, instead of Mozilla's.
    pub ca_file: Option<PathBuf>,
    /// The name in the certificate, if it differs from `host`.
    pub server_name: Option<String>,
    /// The encoding of GSM 7-bit texts.
    #[serde(default)]
    pub gsm: Gsm,
}

/// The kinds of bind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Bind {
    /// One link in both directions.
    #[default]
    Transceiver,
}

/// The encoding of GSM 7-bit texts in a PDU.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Gsm {
    /// One septet in each byte, as nearly every SMSC wants it.
    #[default]
    Unpacked,
}

fn china() -> String {
    "86".to_owned()
}

fn one() -> u8 {
    1
}

pub(super) fn ten() -> u32 {
    10
}

pub(super) fn a_second() -> Duration {
    Duration::from_secs(1)
}

pub(super) fn half_a_minute() -> Duration {
    Duration::from_secs(30)
}

fn two_minutes() -> Duration {
    Duration::from_secs(120)
}

impl SmppConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let printable = |text: &str| text.bytes().all(|b| (0x20..0x7f).contains(&b));
        let length = self.system_id.len();
        value("smpp.system_id", (1..=15).contains(&length) && printable(&self.system_id), "must be 1 to 15 ASCII characters")?;
        value(
            "smpp.system_type",
            self.system_type.len() <= 12 && printable(&self.system_type),
            "must be at most 12 ASCII characters",
        )?;
        let source = &self.source_addr;
        value("smpp.source_addr", (1..=20).contains(&source.len()) && printable(source), "must be 1 to 20 ASCII characters")?;
        let longest = source.len() + self.extension_digits as usize;
        value(
            "smpp.extension_digits",
            self.extension_digits <= 6 && longest <= 20,
            "must be 0 to 6, with source_addr at most 20",
        )?;
        value("smpp.port", self.port > 0, "must be above 0; 2775 is usual")?;
        value("smpp.host", !self.host.is_empty(), "must be the SMSC's name or address")?;
        value(
            "smpp.per_second",
            (1..=10_000).contains(&self.per_second),
            "must be 1 to 10000; the provider's contract says how many",
        )?;
        value("smpp.window", (1..=1_000).contains(&self.window), "must be 1 to 1000; the provider says how many, 10 is usual")?;
        for (key, code) in [("smpp.source_ton", self.source_ton), ("smpp.dest_ton", self.dest_ton)] {
            value(key, code <= 6, "must be 0 to 6; 1 is international")?;
        }
        for (key, code) in [("smpp.source_npi", self.source_npi), ("smpp.dest_npi", self.dest_npi)] {
            value(key, code <= 18, "must be 0 to 18; 1 is telephone")?;
        }
        let is_code = (1..=3).contains(&self.country.len()) && self.country.bytes().all(|b| b.is_ascii_digit());
        value(
            "smpp.country",
            is_code && !self.country.starts_with('0'),
            "must be a country code of 1 to 3 digits, such as \"86\"",
        )?;
        value("smpp.ca_file", self.tls || self.ca_file.is_none(), "is of no use without tls = true; set that or take it out")?;
        value(
            "smpp.server_name",
            self.tls || self.server_name.is_none(),
            "is of no use without tls = true; set that or take it out",
        )?;
        match (&self.password_file, &self.password) {
            (Some(_), None) => Ok(()),
            (None, Some(password)) => check_password(password),
            _ => value("smpp.password_file", false, "must name the file with the account's password"),
        }
    }

    /// The password, from its file.
    pub(crate) fn secret(&self) -> Result<Secret, ConfigError> {
        let secret = match (&self.password, &self.password_file) {
            (Some(password), _) => password.clone(),
            (None, Some(file)) => Secret::read("smpp.password_file", file)?,
            (None, None) => return Err(ConfigError::Value { key: "smpp.password_file", fault: "is missing".to_owned() }),
        };
        check_password(&secret)?;
        Ok(secret)
    }
}

fn check_password(password: &Secret) -> Result<(), ConfigError> {
    let bytes = password.bare().as_bytes();
    let is_good = bytes.len() <= 8 && bytes.iter().all(u8::is_ascii_graphic);
    value("smpp.password_file", is_good, "holds a password that SMPP 3.4 can not carry: at most 8 ASCII characters")
}
