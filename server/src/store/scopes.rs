//! Which scopes a case is in.

use doorstep_domain::CaseId;
use doorstep_protocol::Scope;

use super::tx::{StoreError, Tx, params, sql};

/// Whether a case is in a scope now.
pub(crate) fn has(tx: &Tx<'_>, scope: &Scope, case: &CaseId) -> Result<bool, StoreError> {
    tx.exists(sql!("SELECT 1 FROM doc_scope WHERE case_id = ?1 AND scope = ?2 AND has = 1"), params![case, scope.to_string()])
}
