//! Who acts (domain 1.2, 10.2). More roles come with the rights.

use std::{fmt, str::FromStr};

use serde::Serialize;

use crate::{IdError, OutletCode, UserId};

/// What a person is to the network.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Courier (派件员), on a phone.
    Courier,
    /// Outlet customer service (站点客服), on a tablet.
    Outlet,
}

impl Role {
    /// The one spelling used in documents, SQL, JSON and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Courier => "courier",
            Self::Outlet => "outlet",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        match text {
            "courier" => Ok(Self::Courier),
            "outlet" => Ok(Self::Outlet),
            _ => Err(IdError::Code),
        }
    }
}

/// Who wrote an entry: the signed-in person, not the device.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Author {
    /// The account.
    pub user: UserId,
    /// In which role.
    pub role: Role,
    /// For which outlet.
    pub outlet: OutletCode,
}
