//! Tokens by which the network's own system sends parcels.

use doorstep_domain::UnixMs;
use serde::Serialize;

use super::Admin;
use crate::{AdminError, ServeError, parcel_post, random, store::service_tokens};

pub use crate::store::service_tokens::ServiceToken;

/// The largest number of characters of a token's name.
const MOST_NAME: usize = 64;

/// A new token as handed to the operator of the network's system.
#[derive(Debug, Clone, Serialize)]
pub struct NewServiceToken {
    /// Its name.
    pub name: String,
    /// The token. It is shown once: the server keeps only its hash.
    pub token: String,
}

impl Admin {
    /// Makes a token that may send parcels and nothing else. The name is for the list; a revoked token's name can be given anew.
    pub fn add_service_token(&mut self, name: &str, now: UnixMs) -> Result<NewServiceToken, AdminError> {
        let name = name.trim();
        if name.is_empty() || name.chars().count() > MOST_NAME || name.chars().any(char::is_control) {
            return Err(AdminError::Invalid(format!("the name has 1 to {MOST_NAME} characters on one line")));
        }
        let secret = random::bytes::<32>().ok_or(ServeError::Random)?;
        let token: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
        let hash = parcel_post::token_hash(&token);
        if !self.db.write(|tx| service_tokens::add(tx, name, &hash, now))? {
            let help = "revoke it first: doorstep-server admin service-token revoke";
            return Err(AdminError::Invalid(format!("a token named {name:?} is in use; {help}")));
        }
        Ok(NewServiceToken { name: name.to_owned(), token })
    }

    /// Returns all tokens without their secrets, the revoked ones too.
    pub fn service_tokens(&self) -> Result<Vec<ServiceToken>, AdminError> {
        self.db.read(|tx| Ok(service_tokens::all(tx)?))
    }

    /// Revokes a token. It is refused from the next request on.
    pub fn revoke_service_token(&mut self, name: &str, now: UnixMs) -> Result<(), AdminError> {
        if self.db.write(|tx| service_tokens::revoke(tx, name, now))? {
            return Ok(());
        }
        let help = "list them: doorstep-server admin service-token list";
        Err(AdminError::Missing(format!("no token in use is named {name:?}; {help}")))
    }
}
