//! What the network's rules offer: codes for the pickers, words for the screens.

use doorstep_rules::{Named, Pack};

use crate::{Bilingual, DoorstepClient, DoorstepError, words::named};

/// The rules in force now.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct RuleSummary {
    /// The network.
    pub network: String,
    /// Version of the pack.
    pub version: u32,
    /// Problems that are offered, in the pack's order.
    pub problems: Vec<ProblemCode>,
    /// What the origin outlet may decide.
    pub decisions: Vec<NamedCode>,
    /// What may be done with a parcel, or ends a case.
    pub outcomes: Vec<OutcomeCode>,
}

/// A code with its name.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct NamedCode {
    /// The code.
    pub code: String,
    /// Its name.
    pub name: Bilingual,
}

/// A problem that can be recorded.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct ProblemCode {
    /// Its code.
    pub code: String,
    /// Its name.
    pub name: Bilingual,
    /// Whether it is a failed delivery (`Command.Fail`) or another problem (`Command.Problem`).
    pub is_failed_delivery: bool,
    /// Whether couriers have a button for it.
    pub button: bool,
    /// At which stages it is registered.
    pub stages: Vec<String>,
    /// Its sub-reasons.
    pub subs: Vec<NamedCode>,
}

/// What may be done with a parcel.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct OutcomeCode {
    /// Its code.
    pub code: String,
    /// Its name.
    pub name: Bilingual,
    /// Whether it can be recorded as done (`Command.Action`).
    pub action: bool,
    /// Whether it ends a case (`Command.Close`).
    pub closes: bool,
}

#[uniffi::export]
impl DoorstepClient {
    /// The rules in force now; absent until the first sync.
    pub async fn rules(&self) -> Result<Option<RuleSummary>, DoorstepError> {
        self.local(|client| Ok(client.pack()?.map(RuleSummary::from))).await
    }

    /// The words for a key such as a state, a step or a flag: the network's, or the product's own; the key itself where there
    /// are none.
    pub async fn words(&self, keys: Vec<String>) -> Result<Vec<Bilingual>, DoorstepError> {
        self.local(move |client| {
            let pack = client.pack()?;
            Ok(keys.iter().map(|key| named(pack.as_ref(), key)).collect())
        })
        .await
    }
}

impl From<Named> for NamedCode {
    fn from(Named { code, zh, en }: Named) -> Self {
        Self { code, name: Bilingual { zh, en } }
    }
}

impl From<Pack> for RuleSummary {
    fn from(pack: Pack) -> Self {
        let problems = pack.codes.into_iter().filter(|code| code.enabled).map(|code| ProblemCode {
            code: code.code,
            name: Bilingual { zh: code.zh, en: code.en },
            is_failed_delivery: code.group.is_attempt(),
            button: code.button,
            stages: code.stages,
            subs: code.subs.into_iter().map(NamedCode::from).collect(),
        });
        let name = |zh: &str, en: &str| Bilingual { zh: zh.to_owned(), en: en.to_owned() };
        let decisions = pack.outcomes.iter().filter(|row| row.reply_needs.is_some());
        let decisions = decisions.map(|row| NamedCode { code: row.code.clone(), name: name(&row.zh, &row.en) }).collect();
        let outcomes = pack.outcomes.iter().filter(|row| row.action || row.closes).map(|row| OutcomeCode {
            code: row.code.clone(),
            name: name(&row.zh, &row.en),
            action: row.action,
            closes: row.closes,
        });
        Self {
            network: pack.network,
            version: pack.version,
            problems: problems.collect(),
            decisions,
            outcomes: outcomes.collect(),
        }
    }
}
