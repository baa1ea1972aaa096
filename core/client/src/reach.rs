//! Why no server of ours answers at an address that a person typed, for the person to find the mistake.

use std::{error::Error, io};

use doorstep_protocol::PROTO_HEADER;
use reqwest::{Response, StatusCode, Url};

use crate::http::{Lost, is_from_us};

/// Why an address is not that of a server of ours, or does not lead to one now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unreached {
    /// The host's name is not known, or there is no network that could tell.
    Name,
    /// The host has nothing at this port.
    Refused,
    /// Nothing answered in time.
    Silent,
    /// The connection was cut, or there is no way to the host.
    Cut,
    /// The encrypted connection could not be made: an unknown certificate, another host's, or no TLS at all.
    Tls,
    /// Something answers that is no server of ours, such as a web page or a network's login page.
    Stranger,
    /// A web server answers, and has no server of ours at this path.
    NotFound,
    /// A server of ours answers that speaks another version of the protocol.
    Version,
}

impl Unreached {
    /// One word, see [`crate::ClientError::code`].
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Name => "address_name",
            Self::Refused => "address_refused",
            Self::Silent => "address_silent",
            Self::Cut => "address_cut",
            Self::Tls => "address_tls",
            Self::Stranger => "address_stranger",
            Self::NotFound => "address_not_found",
            Self::Version => "address_version",
        }
    }

    /// What an answer says about the address; `None` if it is an answer of our server.
    pub(crate) fn of_answer(response: &Response) -> Option<Self> {
        match response.status() {
            _ if is_from_us(response) => None,
            _ if response.headers().contains_key(PROTO_HEADER) => Some(Self::Version),
            StatusCode::NOT_FOUND => Some(Self::NotFound),
            _ => Some(Self::Stranger),
        }
    }

    /// Why a request got no answer.
    pub(crate) async fn of_lost(lost: &Lost, url: &Url) -> Self {
        let error = match lost {
            Lost::Stalled => return Self::Silent,
            Lost::Failed(error) => error,
        };
        if error.is_timeout() {
            return Self::Silent;
        }
        let mut cause: Option<&(dyn Error + 'static)> = Some(error);
        while let Some(this) = cause {
            let io = this.downcast_ref::<io::Error>();
            if this.is::<rustls::Error>() || io.and_then(io::Error::get_ref).is_some_and(|inner| inner.is::<rustls::Error>()) {
                return Self::Tls;
            }
            match io.map(io::Error::kind) {
                Some(io::ErrorKind::ConnectionRefused) => return Self::Refused,
                Some(io::ErrorKind::TimedOut) => return Self::Silent,
                _ => cause = this.source(),
            }
        }
        // The name is asked for again, because the libraries above tell only in English that it was the name.
        match (error.is_connect(), url.host_str().zip(url.port_or_known_default())) {
            (true, Some((host, port))) if tokio::net::lookup_host((host.trim_matches(['[', ']']), port)).await.is_err() => {
                Self::Name
            }
            _ => Self::Cut,
        }
    }
}

/// Host and port of a URL, without the rest: an address may hold a password.
pub(crate) fn address(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port_or_known_default().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_told_as_host_and_port_and_nothing_else_of_it() {
        for (url, told) in [
            ("https://hq.example", "hq.example:443"),
            ("http://hq.example:8080/base?token=secret#part", "hq.example:8080"),
            ("https://name:secret@hq.example:8443", "hq.example:8443"),
            ("http://[::1]:80", "[::1]:80"),
        ] {
            assert_eq!(address(&Url::parse(url).unwrap()), told);
        }
    }
}
