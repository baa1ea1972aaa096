//! Why no server of ours answers at an address that a person typed, for the person to find the mistake.

use std::{error::Error, io};

use doorstep_protocol::PROTO_HEADER;
use reqwest::{Response, StatusCode, Url};

use crate::{
    Unreached,
    http::{Lost, is_from_us},
};

/// What an answer says about the address; `None` if it is an answer of our server.
pub(crate) fn of_answer(response: &Response) -> Option<Unreached> {
    match response.status() {
        _ if is_from_us(response) => None,
        _ if response.headers().contains_key(PROTO_HEADER) => Some(Unreached::Version),
        StatusCode::NOT_FOUND => Some(Unreached::NotFound),
        _ => Some(Unreached::Stranger),
    }
}

/// Why a request got no answer.
pub(crate) async fn of_lost(lost: &Lost, url: &Url) -> Unreached {
    let error = match lost {
        Lost::Stalled => return Unreached::Silent,
        Lost::Failed(error) => error,
    };
    if error.is_timeout() {
        return Unreached::Silent;
    }
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(this) = cause {
        if this.is::<rustls::Error>() {
            return Unreached::Tls;
        }
        let io = this.downcast_ref::<io::Error>();
        match io.map(io::Error::kind) {
            Some(io::ErrorKind::ConnectionRefused) => return Unreached::Refused,
            Some(io::ErrorKind::TimedOut) => return Unreached::Silent,
            // The source of an error of the system is that of its content, not the content.
            _ => cause = io.and_then(io::Error::get_ref).map_or_else(|| this.source(), |content| Some(content)),
        }
    }
    // The name is asked for again, because the libraries above tell only in English that it was the name.
    match (error.is_connect(), url.host_str().zip(url.port_or_known_default())) {
        (true, Some((host, port))) if tokio::net::lookup_host((host.trim_matches(['[', ']']), port)).await.is_err() => {
            Unreached::Name
        }
        _ => Unreached::Cut,
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
