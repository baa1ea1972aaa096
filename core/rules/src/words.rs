//! The product's displayed words for states, steps, flags and enumerations, in Chinese and English. A network's pack may replace
//! some of them.

use std::{collections::BTreeMap, sync::LazyLock};

use serde::{Deserialize, Serialize};

/// A text in the two languages of the screens.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Words {
    /// Chinese.
    pub zh: String,
    /// English.
    pub en: String,
}

static WORDS: LazyLock<BTreeMap<String, Words>> =
    LazyLock::new(|| toml::from_str(include_str!("../words.toml")).unwrap_or_default());

/// The words for a key such as `notified`; the key itself if there are none.
pub fn words(key: &str) -> Words {
    WORDS.get(key).cloned().unwrap_or_else(|| Words { zh: key.to_owned(), en: key.to_owned() })
}

#[cfg(test)]
mod tests {
    use doorstep_domain::{
        Book, CallResult, Customer, Fault, Kind, OutageReason, Payer, PhotoPurpose, PhotoSource, Role, Stands,
    };
    use doorstep_domain::{NumberFault, SmsFault, SmsLevel, SmsState};
    use doorstep_domain::{Remark, Stage, TargetSource};

    use super::*;

    #[test]
    fn every_word_that_is_shown_has_its_chinese_and_its_english() {
        assert!(WORDS.len() > 100, "words.toml can be read");
        assert!(WORDS.values().all(|words| !words.zh.is_empty() && !words.en.is_empty()));
        let mut keys: Vec<&str> = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
        keys.extend(CallResult::ALL.iter().map(|word| word.as_str()));
        keys.extend(SmsLevel::ALL.iter().map(|word| word.as_str()));
        keys.extend(SmsState::ALL.iter().map(|word| word.as_str()));
        keys.extend(SmsFault::ALL.iter().map(|word| word.as_str()));
        keys.extend(NumberFault::ALL.iter().map(|word| word.as_str()));
        keys.extend(crate::SmsLack::ALL.iter().map(|word| word.as_str()));
        keys.extend(crate::Basis::ALL.iter().map(|word| word.as_str()));
        keys.extend(PhotoPurpose::ALL.iter().map(|word| word.as_str()));
        keys.extend(PhotoSource::ALL.iter().map(|word| word.as_str()));
        keys.extend(Stage::ALL.iter().map(|word| word.as_str()));
        keys.extend(OutageReason::ALL.iter().map(|word| word.as_str()));
        keys.extend(TargetSource::ALL.iter().map(|word| word.as_str()));
        keys.extend(Customer::ALL.iter().map(|word| word.as_str()));
        keys.extend(Payer::ALL.iter().map(|word| word.as_str()));
        keys.extend(Remark::ALL.iter().map(|word| word.as_str()));
        keys.extend(Fault::ALL.iter().map(|word| word.as_str()));
        keys.extend(Stands::ALL.iter().map(|word| word.as_str()));
        keys.extend(Book::ALL.iter().map(|word| word.as_str()));
        keys.extend(Role::ALL.iter().map(|word| word.as_str()));
        keys.extend(crate::State::ALL.iter().map(|word| word.as_str()));
        keys.extend(crate::NextStep::ALL.iter().map(|word| word.as_str()));
        keys.extend(crate::DutyKind::ALL.iter().map(|word| word.as_str()));
        keys.extend(crate::Timeliness::ALL.iter().map(|word| word.as_str()));
        keys.extend(crate::Flag::ALL.iter().map(|word| word.as_str()));
        keys.extend(crate::QuestionKind::ALL.iter().map(|word| word.as_str()));
        keys.extend(crate::ConflictKind::ALL.iter().map(|word| word.as_str()));
        keys.extend(crate::FindingState::ALL.iter().map(|word| word.as_str()));
        keys.extend(crate::Unclear::ALL.iter().map(|word| word.as_str()));
        keys.extend(["original_unfit", "server"]);
        keys.extend(crate::ReplyNeed::FIELDS);
        keys.extend(crate::Label::ALL.iter().map(|label| label.as_str()));
        keys.extend(crate::Whom::ALL.iter().map(|whom| whom.as_str()));
        keys.extend(crate::Unit::ALL.iter().filter(|unit| **unit != crate::Unit::Points).map(|unit| unit.as_str()));
        keys.extend(crate::Side::ALL.iter().map(|side| side.as_str()));
        keys.extend(["by_phone", "by_gateway"]);
        keys.extend([
            "proof_photo",
            "proof_call",
            "proof_sms",
            "proof_words",
            "proof_attempts",
            "proof_weight",
            "proof_other_waybill",
        ]);
        keys.extend(["proof_count", "proof_waiting", "proof_offer", "proof_carrier"]);
        let without: Vec<_> = keys.into_iter().filter(|key| !WORDS.contains_key(*key)).collect();
        assert!(without.is_empty(), "without words: {without:?}");
    }
}
