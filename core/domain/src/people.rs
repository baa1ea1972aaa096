//! People and their roles (domain 1.2, 10.2).

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

use crate::{IdError, OutletCode, UserId};

macro_rules! roles {
    ($($(#[$doc:meta])* $variant:ident = $word:literal),+ $(,)?) => {
        /// A person's role in the network (domain 10.2). The policy in `rules` says what each role may do.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum Role { $($(#[$doc])* $variant),+ }

        impl Role {
            /// Every role, in the order of the definition.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];
            /// The spelling in documents, policies, SQL, JSON and on the command line.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }
    };
}

roles!(
    /// Courier (派件员), on a phone of their own.
    Courier = "courier",
    /// Outlet customer service (站点客服), on a tablet.
    Outlet = "outlet",
    /// Outlet finance (站点财务).
    OutletFinance = "outlet_finance",
    /// Outlet manager (站点负责人).
    OutletManager = "outlet_manager",
    /// Hub clerk (分拨中心).
    Hub = "hub",
    /// Head office's customer service.
    HqCs = "hq_cs",
    /// Head office's reviewer.
    HqReviewer = "hq_reviewer",
    /// Head office's administrator.
    HqAdmin = "hq_admin",
    /// Auditor: reads, writes nothing.
    Auditor = "auditor",
);

impl Role {
    /// Whether several people of this role share a device. A courier's phone is personal (domain 10.3).
    pub fn shares_device(self) -> bool {
        self != Self::Courier
    }
}

impl Serialize for Role {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Role {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(|_| D::Error::custom("no role"))
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
        Self::ALL.iter().copied().find(|role| role.as_str() == text).ok_or(IdError::Code)
    }
}

/// The author of an entry: the signed-in person, not the device.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Author {
    /// The account.
    pub user: UserId,
    /// The role in which they wrote.
    pub role: Role,
    /// The outlet for which they wrote.
    pub outlet: OutletCode,
}

impl Author {
    /// The account under which the server writes entries that no person decides. Nobody can be enrolled with it.
    pub const SERVER: &'static str = "doorstep";

    /// The key of the displayed word for the author: that of the role, or that of the server.
    pub fn word(&self) -> &'static str {
        if self.is_server() { "server" } else { self.role.as_str() }
    }

    /// Whether the server itself wrote it.
    pub fn is_server(&self) -> bool {
        self.user.as_str() == Self::SERVER
    }
}
