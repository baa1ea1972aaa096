//! The result of a finding under another version of the rules or another row of head office's list. If it is uncertain which was
//! in force, both results are shown and a person decides.

use doorstep_domain::{Fen, OutletCode, words};
use serde::Serialize;

use crate::Words;

words!(
    /// The difference that leads to another result of a finding.
    Varies {
        /// The version of the rules.
        Version = "version",
        /// The row of head office's list.
        Row = "row",
    }
);

/// The result of the same clock or rule under another version or row that may have been in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Otherwise {
    /// The difference.
    pub varies: Varies,
    /// Version of the pack.
    pub pack_version: u32,
    /// Whether there is a liability in this result. If not, there is no outlet, share or amount.
    pub stands: bool,
    /// The liable outlet; `None` if the parcel's facts do not name it.
    pub outlet: Option<OutletCode>,
    /// Its share in percent.
    pub share: u8,
    /// The amount, if the rule has one.
    pub amount: Option<Fen>,
}

impl Otherwise {
    /// The result on one line.
    pub fn told(&self) -> Words {
        let Self { varies, pack_version: version, stands, outlet, share, amount } = self;
        let outlet = outlet.as_ref().map_or_else(|| "?".to_owned(), ToString::to_string);
        let amount = amount.map(|amount| format!(" {amount}")).unwrap_or_default();
        let (zh, en) = match stands {
            true => (format!("{outlet} 承担 {share}%{amount}"), format!("{outlet} answers, {share}%{amount}")),
            false => ("无人担责".to_owned(), "nobody answers".to_owned()),
        };
        match varies {
            Varies::Version => Words {
                zh: format!("若当时是规则包第 {version} 版：{zh}"),
                en: format!("if rule pack version {version} was in force: {en}"),
            },
            Varies::Row => Words {
                zh: format!("总部名单在此期间变更，按另一份名单：{zh}"),
                en: format!("head office's list changed within the gap; by the other row: {en}"),
            },
        }
    }
}
