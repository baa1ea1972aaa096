//! Converts a person's typed words to the domain's types, at the command line and at the boundary to an app, so that no other
//! code parses text.

use std::str::FromStr;

use doorstep_domain::{
    About, Book, CallResult, Customer, EntryKey, Fault, Fen, IdError, OutageReason, Payer, Personal, Remark, SmsFault, SmsState,
    Stage, Waybill, is_visible,
};
use doorstep_rules::{
    Pack,
    sms::{Honorific, Language},
};

use crate::{ClientError, Refusal};

/// The list of the rule pack to which a code belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodeOf {
    /// The reasons of failed deliveries.
    Attempt,
    /// The other problems.
    Problem,
    /// The decisions of a reply.
    Decision,
    /// Actions on a parcel.
    Action,
    /// Outcomes to which a customer can agree.
    Consent,
    /// Outcomes that end a case.
    Close,
    /// The changes of outlet finance's registers.
    Ledger,
    /// Reasons for an invalid reply.
    InvalidReply,
}

/// Refuses an unknown code and lists the known ones.
pub(crate) fn unknown<'c>(given: &str, known: impl IntoIterator<Item = &'c str>) -> ClientError {
    let known = known.into_iter().map(str::to_owned).collect();
    ClientError::Refused(Refusal::Code { given: given.to_owned(), known })
}

impl CodeOf {
    /// Its codes, in the pack's order.
    pub(crate) fn known(self, pack: &Pack) -> Vec<&str> {
        let outcomes = |fits: fn(&doorstep_rules::OutcomeRow) -> bool| {
            pack.outcomes.iter().filter(|row| fits(row)).map(|row| row.code.as_str()).collect()
        };
        let reasons = |is_attempt: bool| {
            let offered = pack.codes.iter().filter(|row| row.enabled && row.group.is_attempt() == is_attempt);
            offered.map(|row| row.code.as_str()).collect()
        };
        match self {
            Self::Attempt => reasons(true),
            Self::Problem => reasons(false),
            Self::Decision => outcomes(|row| row.reply_needs.is_some()),
            Self::Action => outcomes(|row| row.action),
            Self::Consent => outcomes(|_| true),
            Self::Close => outcomes(|row| row.closes),
            Self::Ledger => pack.ledger.iter().map(|row| row.code.as_str()).collect(),
            Self::InvalidReply => pack.invalid_reply.iter().map(|row| row.code.as_str()).collect(),
        }
    }

    /// The refusal of a code that is not in the list.
    pub(crate) fn refused(self, given: &str, pack: &Pack) -> ClientError {
        match self {
            Self::Attempt | Self::Problem => {
                let known = self.known(pack).into_iter().map(str::to_owned).collect();
                ClientError::Refused(Refusal::Reason { given: given.to_owned(), known })
            }
            _ => unknown(given, self.known(pack)),
        }
    }
}

/// A waybill, as typed or scanned.
pub fn waybill(text: &str) -> Result<Waybill, ClientError> {
    Ok(Waybill::parse(text)?)
}

/// A code, an account or an outlet.
pub fn code<T: FromStr<Err = IdError>>(text: &str) -> Result<T, ClientError> {
    Ok(text.parse()?)
}

/// Optional words. Text that nobody would see counts as none.
pub fn words(text: Option<&str>) -> Result<Option<Personal>, ClientError> {
    text.filter(|text| is_visible(text)).map(said).transpose()
}

/// Required words. Whether they say anything is checked when they are recorded.
pub fn said(text: &str) -> Result<Personal, ClientError> {
    Ok(Personal::plain(text)?)
}

/// A name that is not personal, such as a carrier's. Blank counts as none.
pub fn name(text: Option<&str>) -> Option<String> {
    text.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// An amount of money in fen.
pub fn fen(amount: Option<i64>) -> Result<Option<Fen>, ClientError> {
    match amount {
        Some(amount) if amount < 0 => Err(ClientError::Refused(Refusal::Amount)),
        amount => Ok(amount.map(Fen)),
    }
}

/// The key of an entry that a person selects.
pub fn entry(text: &str) -> Result<EntryKey, ClientError> {
    text.parse().map_err(|_| ClientError::Refused(Refusal::NoEntry { given: text.to_owned() }))
}

/// A finding's id, or an entry's key.
pub fn about(text: &str) -> Result<About, ClientError> {
    text.parse().map_err(|_| ClientError::Refused(Refusal::NoEntry { given: text.to_owned() }))
}

/// An enumeration with one spelling for each value. An unknown spelling is refused with the list of spellings.
pub trait Word: Copy + 'static {
    /// Every value.
    const VALUES: &'static [Self];
    /// Its spelling.
    fn spelling(self) -> &'static str;
}

macro_rules! word {
    ($($name:ident),+ $(,)?) => {
        $(impl Word for $name {
            const VALUES: &'static [Self] = Self::ALL;
            fn spelling(self) -> &'static str {
                self.as_str()
            }
        })+
    };
}
word!(Book, CallResult, Customer, Fault, Honorific, Language, OutageReason, Payer, Remark, SmsFault, SmsState, Stage);

/// The value with this spelling.
pub fn word<T: Word>(text: &str) -> Result<T, ClientError> {
    let found = T::VALUES.iter().copied().find(|value| value.spelling() == text);
    found.ok_or_else(|| unknown(text, T::VALUES.iter().map(|value| value.spelling())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_that_is_none_is_refused_with_those_that_are() {
        assert_eq!(word::<CallResult>("no_answer").unwrap(), CallResult::NoAnswer);
        let refused = word::<OutageReason>("flood").unwrap_err();
        let ClientError::Refused(Refusal::Code { given, known }) = refused else { panic!("{refused:?}") };
        assert_eq!((given.as_str(), known), ("flood", vec!["network".to_owned(), "power".to_owned()]));
    }

    #[test]
    fn blank_is_nothing_and_no_amount_is_below_zero() {
        assert_eq!((words(Some(" \n")).unwrap(), words(None).unwrap(), name(Some("  "))), (None, None, None));
        assert_eq!(words(Some("门卫")).unwrap().unwrap().text(), Some("门卫"));
        assert_eq!((fen(Some(0)).unwrap(), fen(None).unwrap()), (Some(Fen(0)), None));
        assert!(matches!(fen(Some(-1)), Err(ClientError::Refused(Refusal::Amount))));
    }

    #[test]
    fn what_points_at_nothing_is_named_in_the_refusal() {
        for refused in [entry("attempt").unwrap_err(), about("attempt").unwrap_err()] {
            assert!(matches!(refused, ClientError::Refused(Refusal::NoEntry { given }) if given == "attempt"));
        }
        assert_eq!(about("LIA-04@attempt/abcdefgh-1").unwrap().entry, entry("attempt/abcdefgh-1").unwrap());
    }
}
