//! What can be wrong with an address that a person typed.

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
}
