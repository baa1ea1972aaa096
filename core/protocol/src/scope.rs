//! Scopes: the lists of cases that somebody may read.

use std::{cmp::Ordering, fmt};

use minicbor::{Decode, Decoder, Encode, Encoder, decode::Error as DecodeError, encode::Error as EncodeError, encode::Write};

/// A list of cases that somebody may read. Only the server decides which cases are in it and who may read it. Scopes are ordered
/// by their text.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Scope {
    /// `courier/<user>`: the open parcels that the courier has or is offered.
    Courier(String),
    /// `outlet/<code>`: cases of parcels that the outlet delivers, and of parcels that it sent once it was notified.
    Outlet(String),
    /// `hub/<code>`: cases of parcels that the hub handles.
    Hub(String),
    /// A scope of a newer server, as spelled. The device names it in requests and reads it like any other.
    Unknown(String),
}

impl Scope {
    /// The parts before and after the slash.
    fn parts(&self) -> (&'static str, &str) {
        match self {
            Self::Courier(of) => ("courier/", of),
            Self::Outlet(of) => ("outlet/", of),
            Self::Hub(of) => ("hub/", of),
            Self::Unknown(text) => ("", text),
        }
    }

    fn bytes(&self) -> impl Iterator<Item = u8> {
        let (kind, of) = self.parts();
        kind.bytes().chain(of.bytes())
    }
}

impl From<&str> for Scope {
    fn from(text: &str) -> Self {
        match text.split_once('/') {
            Some(("courier", of)) => Self::Courier(of.to_owned()),
            Some(("outlet", of)) => Self::Outlet(of.to_owned()),
            Some(("hub", of)) => Self::Hub(of.to_owned()),
            _ => Self::Unknown(text.to_owned()),
        }
    }
}

impl From<String> for Scope {
    fn from(text: String) -> Self {
        text.as_str().into()
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, of) = self.parts();
        write!(f, "{kind}{of}")
    }
}

impl Ord for Scope {
    fn cmp(&self, other: &Self) -> Ordering {
        self.bytes().cmp(other.bytes())
    }
}

impl PartialOrd for Scope {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<C> Encode<C> for Scope {
    fn encode<W: Write>(&self, e: &mut Encoder<W>, _: &mut C) -> Result<(), EncodeError<W::Error>> {
        e.str(&self.to_string()).map(|_| ())
    }
}

impl<'b, C> Decode<'b, C> for Scope {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, DecodeError> {
        d.str().map(Self::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_is_a_scope_and_stays_as_it_is_spelt() {
        let texts =
            ["courier/c1", "courier/", "hub/H1/x", "hub/H1", "outlet/0412", "outlet", "", "Courier/c1", "region/0412", "/"];
        for text in texts {
            assert_eq!(Scope::from(text).to_string(), text);
        }
        assert_eq!(Scope::from("hub/H1"), Scope::Hub("H1".into()));
        assert_eq!(Scope::from("region/0412"), Scope::Unknown("region/0412".into()));
    }

    #[test]
    fn scopes_are_ordered_as_their_texts() {
        let mut texts = ["outlet/0412", "area/1", "courier/c2", "zone", "courier/c10", "hub/H1", "couriers", "hub", "outlet/"];
        let mut scopes = texts.map(Scope::from);
        scopes.sort_unstable();
        texts.sort_unstable();
        assert_eq!(scopes.map(|scope| scope.to_string()), texts);
    }
}
