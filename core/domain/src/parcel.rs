//! Reference rows, which the server publishes and devices cache. They are not documents, so they can be erased.

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::{CaseId, Day, Fen, NetworkCode, Number, OutletCode, Personal, UnixMs, UserId, Waybill, words};

/// One outlet of the directory. A device needs its phone number offline for exception X-1 (domain 3.5).
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Outlet {
    /// Its code.
    pub code: OutletCode,
    /// Its name in Chinese.
    pub name_zh: String,
    /// Its name in English.
    pub name_en: String,
    /// A business number, public within the network.
    pub phone: String,
}

/// One parcel of the day (domain, appendix A).
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Parcel {
    /// The waybill.
    pub waybill: Waybill,
    /// The network whose rules apply.
    pub network: NetworkCode,
    /// Where the sender handed it in; the target of a notice (domain 6.1).
    pub origin_outlet: OutletCode,
    /// The outlet that must deliver it.
    pub delivering_outlet: OutletCode,
    /// The courier who delivers it today.
    pub courier: Option<UserId>,
    /// Recipient's name.
    pub recipient_name: Personal,
    /// Recipient's mobile, as on the label.
    pub recipient_phone: Option<Personal>,
    /// A virtual number (隐私号) that reaches the recipient in place of their own (domain 12.4).
    pub virtual_number: Option<VirtualNumber>,
    /// Recipient's address.
    pub recipient_address: Personal,
    /// Cash to collect on delivery.
    pub cod: Fen,
    /// Scheduled arrival at the delivering outlet (domain 3.1, SLA-02).
    pub theoretical_arrival: Option<UnixMs>,
    /// The hub that handles it on its way.
    pub hub: Option<OutletCode>,
    /// When its data were first in the system (SLA-11).
    pub entered_at: Option<UnixMs>,
    /// Child numbers of a shipment of several pieces (子单号), without the main number.
    pub children: Vec<Waybill>,
    /// The rest of its row, which no rule needs.
    #[serde(flatten)]
    pub details: Details,
}

/// The fields of a parcel's row that people need at work and no rule does (domain 14.3). A network's system may leave out each.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Details {
    /// Sender's name. The origin outlet needs it to reach the sender.
    pub sender_name: Option<Personal>,
    /// Sender's number, for the same purpose.
    pub sender_phone: Option<Personal>,
    /// Who pays the freight, and how much.
    pub freight: Option<Freight>,
    /// The number of the receipt that goes back to the sender (回单号).
    pub receipt_no: Option<Waybill>,
    /// Weight on the label, in grams.
    pub label_grams: Option<u32>,
    /// The number of pieces of the shipment, the main one included. Pieces may have no numbers of their own.
    pub pieces: Option<u32>,
    /// The goods' name, as the sender wrote it. It says something of the customer.
    pub goods: Option<Personal>,
    /// The goods' value, as the sender declared it.
    pub declared: Option<Fen>,
    /// The day of the list on which it stands.
    pub day: Option<Day>,
    /// The inbound run of that day that brings it, as the delivering outlet's timetable names it.
    pub run: Option<String>,
    /// When its row ends, even if nothing is heard of the parcel.
    pub expires_at: Option<UnixMs>,
    /// When head office received a list that moved the parcel to its courier. `None` if no list has moved it since its first one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub courier_at: Option<UnixMs>,
}

words!(
    /// Who pays the freight.
    FreightKind {
        /// The sender has paid (寄付).
        Prepaid = "prepaid",
        /// The recipient pays (到付).
        Collect = "collect",
    }
);

/// The freight of a parcel.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Freight {
    /// Who pays it.
    pub kind: FreightKind,
    /// How much it is.
    pub amount: Fen,
}

impl Parcel {
    /// The case this parcel would have.
    pub fn case_id(&self) -> CaseId {
        CaseId::of(&self.network, &self.waybill)
    }
}

/// A number that a platform rents out in place of the recipient's own. It reaches the recipient until it expires. The proof that
/// a message went to it stays valid after that.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct VirtualNumber {
    /// The number, with its extension if it has one.
    pub number: Personal,
    /// When it stops reaching the recipient; `None` if unknown.
    pub expires_at: Option<UnixMs>,
}

impl VirtualNumber {
    /// Whether it has expired and may reach somebody else's phone.
    pub fn is_over(&self, now: UnixMs) -> bool {
        self.expires_at.is_some_and(|end| now >= end)
    }
}

impl Parcel {
    /// The number that reaches the recipient now: the virtual one until it expires, else the label's.
    pub fn number_at(&self, now: UnixMs) -> Option<&Personal> {
        let alive = self.virtual_number.as_ref().filter(|number| !number.is_over(now));
        alive.map(|number| &number.number).or(self.recipient_phone.as_ref())
    }

    /// Whether an SMS to a number would go to the virtual number after its end, and so perhaps to somebody else.
    pub fn is_ended_number(&self, number: &str, now: UnixMs) -> bool {
        let is_it = |known: &Personal| known.text().is_some_and(|known| is_same_number(known, number));
        self.virtual_number.as_ref().is_some_and(|known| known.is_over(now) && is_it(&known.number))
    }
}

/// All digits of a text, without China's country code before a mobile. `None` if there is no digit. Earlier
/// devices made their marks of these digits, whatever stood between them; they are no number, and nobody dials them. Masks count them too.
pub(crate) fn collected_digits(number: &str) -> Option<String> {
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    let national = digits.strip_prefix("0086").or_else(|| digits.strip_prefix("86"));
    let mobile = national.filter(|rest| rest.len() == 11 && rest.starts_with('1'));
    let plain = mobile.map(str::to_owned).unwrap_or(digits);
    (!plain.is_empty()).then_some(plain)
}

fn mark_of(case: &CaseId, digits: &str) -> Option<[u8; 8]> {
    let digest: [u8; 32] = Sha256::new().chain_update("mobile/v1").chain_update(case).chain_update(digits).finalize().into();
    digest.first_chunk::<8>().copied()
}

/// The hash of a mobile number in a case's facts: the first 8 bytes of SHA-256 over `mobile/v1`, the case id and the number to which
/// an SMS may go as it is dialled ([`Number::dialled`]): digits, with `+` before a number of another country. `None` if there is no such number. It shows whether two numbers are equal
/// without revealing them. It will need a key once personal values are sealed, because there are few enough numbers to try all.
pub fn mobile_mark(case: &CaseId, number: &Personal) -> Option<[u8; 8]> {
    mark_of(case, &Number::for_sms_of(number).ok()?.dialled())
}

/// The mark that earlier devices made of a number: of all digits in its text. A number of another country has none: its digits may be
/// those of a mobile here. Any digits behind `+1` were once read as a number of North America, and their mark is that one's. `dialled`:
/// the number by today's reading.
fn earlier_mark(case: &CaseId, number: &Personal, dialled: Option<&str>) -> Option<[u8; 8]> {
    let text = number.text()?;
    let digits = collected_digits(text)?;
    match dialled {
        Some(dialled) if dialled.starts_with('+') => None,
        None if text.trim_start().starts_with("+1") => mark_of(case, &format!("+{digits}")),
        _ => mark_of(case, &digits),
    }
}

/// The marks of a number by today's reading and by the earlier one. Entries of earlier devices stay proven by this.
pub fn marks_of(case: &CaseId, number: &Personal) -> impl Iterator<Item = [u8; 8]> + use<> {
    let dialled = Number::for_sms_of(number).ok().map(|read| read.dialled());
    let dialled = dialled.as_deref();
    dialled.and_then(|dialled| mark_of(case, dialled)).into_iter().chain(earlier_mark(case, number, dialled))
}

/// Whether a mark is one of a number's ([`marks_of`]).
pub fn is_marked(case: &CaseId, number: &Personal, mark: &[u8; 8]) -> bool {
    marks_of(case, number).any(|known| known == *mark)
}

/// Whether two marks, of which one may be missing, can both have been made of one number. A number that today's reading cannot
/// use has a mark of the earlier one, or none.
pub(crate) fn is_same_mark(case: &CaseId, number: Option<&Personal>, one: Option<[u8; 8]>, other: Option<[u8; 8]>) -> bool {
    let of_number = |mark: Option<[u8; 8]>| match mark {
        None => number.is_none_or(|number| mobile_mark(case, number).is_none()),
        Some(mark) => number.is_some_and(|number| is_marked(case, number, &mark)),
    };
    one == other || (of_number(one) && of_number(other))
}

/// Whether an SMS to one text goes to the number of the other. A text without such a number names none.
pub fn is_same_number(one: &str, other: &str) -> bool {
    let both = Number::for_sms(one).ok().zip(Number::for_sms(other).ok());
    both.is_some_and(|(one, other)| one.dialled() == other.dialled())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> Personal {
        Personal::plain(text).unwrap()
    }

    fn earlier_mark(case: &CaseId, number: &Personal) -> Option<[u8; 8]> {
        let dialled = Number::for_sms_of(number).ok().map(|read| read.dialled());
        super::earlier_mark(case, number, dialled.as_deref())
    }

    #[test]
    fn one_number_has_one_mark_however_it_is_written() {
        let case = CaseId::new([1; 16]);
        let mark = |text: &str| mobile_mark(&case, &plain(text)).unwrap();
        assert_eq!(mark("138 0013-8000"), mark("+86 13800138000"));
        assert_eq!(mark("008613800138000"), mark("13800138000"));
        assert_eq!(mark("１３８００１３８０００"), mark("13800138000"));
        assert_eq!(mark("13800138000转7839"), mark("13800138000"));
        assert_eq!(mark("13800138000/13900139000"), mark("13800138000"));
        assert_ne!(mark("13800138000"), mark("13800138001"));
        for text in ["none", "1.38E+10", "138****8000", "0571-88001234", "10086", ""] {
            assert_eq!(mobile_mark(&case, &plain(text)), None, "{text}");
        }
    }

    #[test]
    fn a_mark_of_an_earlier_device_is_still_its_numbers() {
        let case = CaseId::new([1; 16]);
        let earlier = |text: &str| earlier_mark(&case, &plain(text)).unwrap();
        assert_eq!(earlier("138 0013-8000"), mobile_mark(&case, &plain("13800138000")).unwrap());
        for text in ["18412348075转7839", "13800138000/13900139000", "1.38E+10", "0571-88001234", "+86 13800138000"] {
            assert!(is_marked(&case, &plain(text), &earlier(text)), "{text}");
        }
        assert!(!is_marked(&case, &plain("1.38E+10"), &earlier("13800138000")));
        assert!(!is_marked(&case, &plain("13800138000"), &earlier("18412348075转7839")));
        // An area code that begins with 86 is not a country code.
        assert_ne!(earlier("8620123456"), earlier("20123456"));
    }

    #[test]
    fn the_marks_of_one_number_by_both_readings_are_equal_facts() {
        let case = CaseId::new([1; 16]);
        let label = plain("18412348075转7839");
        let (new, earlier) = (mobile_mark(&case, &label), earlier_mark(&case, &label));
        assert_ne!(new, earlier);
        assert!(is_same_mark(&case, Some(&label), new, earlier));
        assert!(!is_same_mark(&case, Some(&label), new, None));
        assert!(!is_same_mark(&case, Some(&label), new, Some([9; 8])));
        let damaged = plain("1.38E+10");
        assert!(is_same_mark(&case, Some(&damaged), None, earlier_mark(&case, &damaged)));
        assert!(!is_same_mark(&case, None, None, new));
        assert!(is_same_mark(&case, None, new, new));
    }

    #[test]
    fn a_mark_of_a_number_that_was_read_as_one_of_north_america_is_still_its_numbers() {
        let case = CaseId::new([1; 16]);
        for text in ["+13800138000", "+1 310 555 0100", "+1 155 555 0100", "+1234567890"] {
            let earlier = mark_of(&case, &text.replace(' ', "")).unwrap();
            assert_eq!(mobile_mark(&case, &plain(text)), None, "{text}");
            assert!(is_marked(&case, &plain(text), &earlier), "{text}");
        }
        let here = mobile_mark(&case, &plain("13800138000")).unwrap();
        assert!(!is_marked(&case, &plain("+13800138000"), &here), "it is not known to be the mobile");
    }

    #[test]
    fn two_texts_of_one_number_are_equal() {
        assert!(is_same_number("18412348075转7839", "+86 184 1234 8075"));
        assert!(!is_same_number("138****8000", "138****8000"));
        assert!(!is_same_number("+1 415 555 0100", "14155550100"), "one is American, the other Chinese");
        assert!(!is_same_number("1.38E+10", "13810"));
        assert!(!is_same_number("13800138000", "13800138001"));
    }
}
