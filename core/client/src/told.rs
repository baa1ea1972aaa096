//! What the person was last told of each case, to find what is new.

use std::collections::HashMap;

use doorstep_domain::CaseId;
use doorstep_rules::NextStep;
use doorstep_store::CaseRow;

/// What a person was last told of each case. It lasts as long as the client is open.
pub(crate) type Told = HashMap<CaseId, Known>;

/// The parts of a row whose change is news.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub waybill: String,
    pub state: String,
    pub reason: String,
    pub decision: String,
    pub missed: Vec<String>,
    pub quarantined: u32,
    pub closed: bool,
    /// Whether its next step is to follow a reply.
    pub follows: bool,
}

impl From<CaseRow> for Known {
    fn from(row: CaseRow) -> Self {
        let CaseRow { waybill, state, reason, decision, missed, quarantined, closed, next_step, .. } = row;
        let follows = next_step == NextStep::FollowReply.as_str();
        Self { waybill, state, reason, decision, missed, quarantined, closed, follows }
    }
}
