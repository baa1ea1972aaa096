//! The gateway's configuration: TOML, checked as a whole before anything starts.

mod http;
mod smpp;
mod value;

use serde::Deserialize;

pub use http::{HttpConfig, InboundHook, ReceiptHook, WebhookConfig};
pub use smpp::SmppConfig;
pub use value::{ConfigError, Secret};

/// The provider and its settings.
#[derive(Debug, Clone)]
pub enum GatewayConfig {
    /// `provider = "log"`: nothing is sent.
    Log,
    /// `provider = "smpp"`, with a table `[smpp]`.
    Smpp(Box<SmppConfig>),
    /// `provider = "http"`, with a table `[http]`.
    Http(Box<HttpConfig>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Whole {
    provider: Kind,
    smpp: Option<SmppConfig>,
    http: Option<HttpConfig>,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Log,
    Smpp,
    Http,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Self::Log => "log",
            Self::Smpp => "smpp",
            Self::Http => "http",
        }
    }
}

impl GatewayConfig {
    /// Reads a configuration and checks every value. Files that it names are read when the provider is made.
    pub fn parse(toml: &str) -> Result<Self, ConfigError> {
        // The error's own text shows the line, which may hold a password. Its message and place are enough.
        let whole: Whole = toml::from_str(toml).map_err(|fault| {
            let line = fault.span().map(|span| toml.get(..span.start).unwrap_or("").lines().count().max(1));
            let place = line.map(|line| format!("line {line}: ")).unwrap_or_default();
            ConfigError::Toml(format!("{place}{}", fault.message()))
        })?;
        let provider = whole.provider;
        for (table, kind, is_there) in [("smpp", Kind::Smpp, whole.smpp.is_some()), ("http", Kind::Http, whole.http.is_some())] {
            if is_there && kind != provider {
                return Err(ConfigError::OtherTable { table, provider: provider.word() });
            }
        }
        match provider {
            Kind::Log => Ok(Self::Log),
            Kind::Smpp => {
                let smpp = whole.smpp.ok_or(ConfigError::NoTable("smpp"))?;
                smpp.check()?;
                Ok(Self::Smpp(Box::new(smpp)))
            }
            Kind::Http => {
                let http = whole.http.ok_or(ConfigError::NoTable("http"))?;
                http.check()?;
                Ok(Self::Http(Box::new(http)))
            }
        }
    }
}

#[cfg(test)]
mod tests;
