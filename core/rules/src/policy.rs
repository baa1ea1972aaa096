//! The policy, which says who may record what (domain 10.2): ordered rules of role x kind x place -> allow, review, deny, as
//! versioned data. The client uses it to refuse input early. The server uses it to judge changes; only the server refuses a
//! change.

use doorstep_domain::{Kind, OutletCode, Role, UserId};
use serde::{Deserialize, Serialize};

use crate::{PhotoPolicy, QUOTAS_POLICY, Quotas, Words, format};

/// A person's relation to a parcel or a sheet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Where {
    /// The parcel is or was on the courier's list or assigned to them, or was taken over by them.
    Own,
    /// It is being handed over to the courier.
    Offered,
    /// Their outlet delivers it.
    Delivering,
    /// Their outlet sent it.
    Origin,
    /// Their hub handles it.
    Hub,
    /// The parcel is in no list, so no claim about it can be checked.
    Unlisted,
    /// Their outlet or hub is asked something about it, or it was sent on to them. Format 2.
    Asked,
    /// Their outlet delivered it before it was sent on to another one. Format 2.
    Former,
    /// The sheet belongs to their own outlet. Never holds for a parcel. Format 2.
    Outlet,
    /// Always true.
    Any,
}

/// The verdict of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Permit {
    /// Taken.
    Allow,
    /// Accepted and marked for review by head office, because it is plausible but unusual.
    Review,
    /// Refused. The server keeps the change in quarantine.
    Deny,
}

/// One rule. The first matching rule decides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Its id, which is shown in quarantine.
    pub id: String,
    /// The rule in Chinese.
    pub zh: String,
    /// The rule in English.
    pub en: String,
    /// Spellings of [`Role`], or `*`.
    pub roles: Vec<String>,
    /// Spellings of [`Kind`], `unknown` for kinds that this version does not know, or `*`.
    pub kinds: Vec<String>,
    /// One of these must hold.
    #[serde(rename = "where")]
    pub places: Vec<Where>,
    /// The verdict.
    pub verdict: Permit,
}

/// A version of the policy. Read with [`Policy::parse`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// The format, which defines the allowed words; `None` for format 1, see [`Policy::format`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<u32>,
    /// Version, growing.
    pub version: u32,
    /// A shared device locks this many minutes after it was unlocked, at the end of a shift (domain SEC-3).
    pub lock_after_minutes: u32,
    /// A device that has not heard from head office for this many hours locks until it does, 0 to 8,760; 0 turns this off.
    #[serde(default)]
    pub offline_hours: u32,
    /// When photos travel, and how long they are kept.
    #[serde(default)]
    pub photos: PhotoPolicy,
    /// What the server takes of one device in a day; `None`: the server uses [`Policy::shipped_quotas`]. Format 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quotas: Option<Quotas>,
    /// Rules, in order.
    pub rules: Vec<Rule>,
}

/// Why a file is not a valid policy.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// Not JSON of the policy's shape; the parser's message names line and column.
    #[error("policy is not readable: {0}")]
    Json(#[from] serde_json::Error),
    /// A value that no rule can use.
    #[error("policy is not usable: {0}")]
    Invalid(String),
}

/// The people and outlets concerned with a parcel or a sheet, by which a right is judged. The server fills it from reference rows
/// and accepted entries, a device from its own data.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Concerned {
    /// Couriers on whose list it ever was, to whom it was assigned, or who took it over.
    pub couriers: Vec<UserId>,
    /// The courier to whom it is being handed over.
    pub offered: Option<UserId>,
    /// Delivering outlet.
    pub delivering: Option<OutletCode>,
    /// Origin outlet.
    pub origin: Option<OutletCode>,
    /// Hub.
    pub hub: Option<OutletCode>,
    /// The outlets and hubs that are asked something about it.
    pub asked: Vec<OutletCode>,
    /// The outlets that delivered it before it was sent on and arrived elsewhere.
    pub former: Vec<OutletCode>,
    /// The outlet of a sheet. All other fields are then empty.
    pub sheet: Option<OutletCode>,
}

impl Concerned {
    /// The concerned outlet of a sheet.
    pub fn sheet(outlet: OutletCode) -> Self {
        Self { sheet: Some(outlet), ..Self::default() }
    }

    /// Whether a person has this relation to the parcel. A parcel without a delivering outlet is in no list.
    pub(crate) fn holds(&self, place: Where, user: &UserId, outlet: &OutletCode) -> bool {
        match place {
            Where::Own => self.couriers.contains(user),
            Where::Offered => self.offered.as_ref() == Some(user),
            Where::Delivering => self.delivering.as_ref() == Some(outlet),
            Where::Origin => self.origin.as_ref() == Some(outlet),
            Where::Hub => self.hub.as_ref() == Some(outlet),
            Where::Unlisted => self.delivering.is_none() && self.sheet.is_none(),
            Where::Asked => self.asked.contains(outlet),
            Where::Former => self.former.contains(outlet),
            Where::Outlet => self.sheet.as_ref() == Some(outlet),
            Where::Any => true,
        }
    }
}

impl Policy {
    /// Reads and checks a policy. Its last rule must deny everything, so that no right exists without a rule.
    pub fn parse(json: &[u8]) -> Result<Self, PolicyError> {
        let policy: Self = serde_json::from_slice(json).map_err(|error| {
            // For a newer format report the format, not its unknown keys.
            let named = serde_json::from_slice::<format::NamedFormat>(json).ok().and_then(|named| format::fault(named.format));
            named.map_or(PolicyError::Json(error), PolicyError::Invalid)
        })?;
        match policy.fault() {
            None => Ok(policy),
            Some(fault) => Err(PolicyError::Invalid(fault)),
        }
    }

    /// The quotas of the newest policy that comes with this version. A server uses them while its own policy names none.
    pub fn shipped_quotas() -> Result<Quotas, PolicyError> {
        let shipped = Self::parse(QUOTAS_POLICY)?;
        shipped.quotas.ok_or_else(|| PolicyError::Invalid("the shipped policy names no quotas".into()))
    }

    /// Its format: 1 unless it names another.
    pub fn format(&self) -> u32 {
        self.format.unwrap_or(format::FIRST)
    }

    fn fault(&self) -> Option<String> {
        if let Some(fault) = format::fault(self.format) {
            return Some(fault);
        }
        for rule in &self.rules {
            if let Some(role) = rule.roles.iter().find(|role| *role != "*" && role.parse::<Role>().is_err()) {
                return Some(format!("{}: no role {role:?}", rule.id));
            }
            let is_kind = |kind: &str| kind == "*" || kind == UNKNOWN || Kind::from_word(kind).is_some();
            if let Some(kind) = rule.kinds.iter().find(|kind| !is_kind(kind)) {
                return Some(format!("{}: no kind {kind:?}", rule.id));
            }
            let is_of_2 = |kind: &&String| OF_FORMAT_2.iter().any(|of_2| of_2.as_str() == **kind);
            if let Some(kind) = rule.kinds.iter().find(is_of_2).filter(|_| self.format() < 2) {
                return Some(format!("{}: {}", rule.id, format::came_with_2(&format!("kind {kind:?}"))));
            }
            let of_2 = [(Where::Asked, "asked"), (Where::Former, "former"), (Where::Outlet, "outlet")];
            let named = of_2.into_iter().find(|(place, _)| rule.places.contains(place) && self.format() < 2);
            if let Some((_, word)) = named {
                return Some(format!("{}: {}", rule.id, format::came_with_2(&format!("place {word:?}"))));
            }
        }
        let closing = |rule: &Rule| {
            rule.roles == ["*"] && rule.kinds == ["*"] && rule.places == [Where::Any] && rule.verdict == Permit::Deny
        };
        if !self.rules.last().is_some_and(closing) {
            return Some("the last rule must deny every kind to every role anywhere".into());
        }
        if !(1..=10_080).contains(&self.lock_after_minutes) {
            return Some("lock_after_minutes outside 1 to 10080".into());
        }
        if self.offline_hours > 8_760 {
            return Some("offline_hours outside 0 to 8760".into());
        }
        if self.quotas.is_some() && self.format() < 2 {
            return Some(format::came_with_2("key \"quotas\""));
        }
        if self.photos.lost_after_days.is_some() && self.format() < 2 {
            return Some(format::came_with_2("key \"lost_after_days\""));
        }
        if let Some(fault) = self.quotas.and_then(|quotas| quotas.fault()) {
            return Some(fault);
        }
        self.photos.fault()
    }

    /// The rule that decides whether somebody may record a kind of entry for a parcel. `None` means deny, and occurs only for a
    /// policy that was not read by [`Policy::parse`].
    pub fn judge(&self, role: Role, user: &UserId, outlet: &OutletCode, kind: &str, parcel: &Concerned) -> Option<&Rule> {
        let kind = if Kind::from_word(kind).is_some() { kind } else { UNKNOWN };
        self.rules.iter().find(|rule| {
            rule.roles.iter().any(|r| r == "*" || r == role.as_str())
                && rule.kinds.iter().any(|k| k == "*" || k == kind)
                && rule.places.iter().any(|place| parcel.holds(*place, user, outlet))
        })
    }
}

impl Rule {
    /// The displayed words.
    pub fn words(&self) -> Words {
        Words { zh: self.zh.clone(), en: self.en.clone() }
    }
}

/// Kinds of entry of format 2. Devices below version 3 of the protocol do not know them and refuse a policy that names one.
const OF_FORMAT_2: [Kind; 7] =
    [Kind::Listed, Kind::SheetNote, Kind::SheetDay, Kind::Ask, Kind::Answered, Kind::Dispatch, Kind::Linked];

/// The word in rules for kinds of entry that this version does not know.
const UNKNOWN: &str = "unknown";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FIRST_POLICY;

    fn policy() -> Policy {
        Policy::parse(FIRST_POLICY).unwrap()
    }

    fn parcel() -> Concerned {
        Concerned {
            couriers: vec!["c1".parse().unwrap()],
            offered: Some("c9".parse().unwrap()),
            delivering: Some("0412".parse().unwrap()),
            origin: Some("0571".parse().unwrap()),
            hub: Some("H1".parse().unwrap()),
            asked: vec!["0755".parse().unwrap(), "H2".parse().unwrap()],
            former: vec!["0311".parse().unwrap()],
            sheet: None,
        }
    }

    fn verdict(role: Role, user: &str, outlet: &str, kind: &str, parcel: &Concerned) -> Permit {
        policy().judge(role, &user.parse().unwrap(), &outlet.parse().unwrap(), kind, parcel).unwrap().verdict
    }

    /// The matrix of domain 10.2 for every kind x role x {own, foreign, unlisted}. The test fails for a kind or role that is
    /// missing in the table.
    #[test]
    fn the_first_policy_is_the_matrix_of_the_domain() {
        use Permit::{Allow as A, Deny as D, Review as R};
        let field = [A, D, R]; // own, foreign, unlisted
        let nothing = [D, D, D];
        let table = |role: Role, kind: Kind| -> [Permit; 3] {
            use Kind::*;
            match (role, kind) {
                (
                    Role::Courier,
                    Attempt | Problem | Call | Note | Photo | Sms | SmsReport | Notice | Outage | Action | Tick | Consent | Goods
                    | Waiver | Alias | Correction | Close,
                ) => field,
                (Role::Courier, Handover | Dispute) => [A, D, D],
                (_, Listed | Linked) => nothing,           // the server's alone
                (_, Ask | Answered | Dispatch) => nothing, // no words of this format
                (_, SheetNote | SheetDay) => nothing,      // of no parcel, and no word of this format
                (Role::Courier, Takeover | SmsReply | Reply | Seen | Mark | Assign | Ledger | Ruling) => nothing,
                (
                    Role::Outlet | Role::OutletManager,
                    Attempt | Problem | Call | Note | Photo | Sms | SmsReport | Notice | Outage | Mark | Action | Tick | Assign
                    | Consent | Goods | Waiver | Alias | Correction | Close,
                ) => field,
                (Role::Outlet | Role::OutletManager, Handover | Dispute) => [A, D, D],
                (Role::Outlet | Role::OutletManager, Takeover | SmsReply | Ruling) => nothing,
                (Role::Outlet | Role::OutletManager, Reply | Seen) => [D, D, R], // as the delivering outlet; the origin's is below
                (Role::OutletManager, Ledger) => [A, D, D],
                (Role::Outlet, Ledger) => nothing,
                (Role::OutletFinance, Ledger | Note | Photo | Tick | Correction) => [A, D, D],
                (
                    Role::Hub,
                    Attempt | Problem | Note | Photo | Notice | Outage | Action | Tick | Waiver | Alias | Correction | Dispute,
                ) => [A, D, D],
                (
                    Role::Hub,
                    Call | Sms | SmsReport | SmsReply | Seen | Reply | Mark | Assign | Consent | Goods | Ledger | Ruling | Close
                    | Handover | Takeover,
                ) => nothing,
                (Role::HqCs, Reply | Note | Call | Mark | Tick | Assign | Consent) => [A, A, A],
                (Role::HqReviewer, Mark | Ruling | Note | Correction) => [A, A, A],
                (Role::OutletFinance | Role::HqCs | Role::HqReviewer | Role::HqAdmin | Role::Auditor, _) => nothing,
            }
        };
        for role in Role::ALL {
            let (user, outlet) = match role {
                Role::Courier => ("c1", "0412"),
                Role::Hub => ("h1", "H1"),
                Role::HqCs | Role::HqReviewer | Role::HqAdmin | Role::Auditor => ("q1", "HQ"),
                Role::Outlet | Role::OutletFinance | Role::OutletManager => ("s1", "0412"),
            };
            for kind in Kind::ALL {
                let own = verdict(*role, user, outlet, kind.as_str(), &parcel());
                let foreign = verdict(*role, "z9", "0755", kind.as_str(), &parcel());
                let unlisted = verdict(*role, user, outlet, kind.as_str(), &Concerned::default());
                assert_eq!([own, foreign, unlisted], table(*role, *kind), "{role} {}", kind.as_str());
            }
        }
        assert_eq!(verdict(Role::Outlet, "o1", "0571", "reply", &parcel()), A, "the origin outlet replies");
        assert_eq!(verdict(Role::Outlet, "o1", "0571", "mark", &parcel()), D, "and does not judge its own reply");
        assert_eq!(verdict(Role::OutletFinance, "f1", "0571", "ledger", &parcel()), A, "its finance keeps its ledger");
        assert_eq!(verdict(Role::Outlet, "o1", "0571", "attempt", &parcel()), D, "and delivers nothing");
        assert_eq!(verdict(Role::Courier, "c2", "0412", "attempt", &parcel()), R, "a colleague's parcel");
        assert_eq!(verdict(Role::Courier, "c9", "0412", "takeover", &parcel()), A, "whom it is handed to");
    }

    #[test]
    fn an_outlets_staff_write_its_sheet_and_nobody_else_does() {
        let policy = Policy::parse(crate::SHEETS_POLICY).unwrap();
        let sheet = Concerned::sheet("0412".parse().unwrap());
        let may = |role: Role, outlet: &str, kind: &str, of: &Concerned| {
            policy.judge(role, &"s1".parse().unwrap(), &outlet.parse().unwrap(), kind, of).unwrap().verdict
        };
        for kind in [Kind::SheetNote, Kind::SheetDay].map(|kind| kind.as_str()) {
            for role in Role::ALL {
                let staff = matches!(role, Role::Outlet | Role::OutletFinance | Role::OutletManager);
                let wanted = if staff { Permit::Allow } else { Permit::Deny };
                assert_eq!(may(*role, "0412", kind, &sheet), wanted, "{role} {kind}");
                assert_eq!(may(*role, "0571", kind, &sheet), Permit::Deny, "{role} {kind} of another outlet's day");
                assert_eq!(may(*role, "0412", kind, &parcel()), Permit::Deny, "{role} {kind} of a parcel");
                assert_eq!(may(*role, "0412", kind, &Concerned::default()), Permit::Deny, "{role} {kind} of an unlisted one");
            }
        }
        assert_eq!(may(Role::Outlet, "0412", "note", &sheet), Permit::Deny, "a right on a case's note is none here");
        assert_eq!(may(Role::Outlet, "0412", "s_weighing", &sheet), Permit::Deny);
    }

    #[test]
    fn the_policy_with_sheets_is_the_first_one_and_one_rule_more() {
        let (first, mut sheets) = (policy(), Policy::parse(crate::SHEETS_POLICY).unwrap());
        let added = sheets.rules.remove(0);
        assert_eq!((added.id.as_str(), sheets.format), ("S-01", Some(2)));
        assert_eq!(Policy { format: None, version: 1, ..sheets }, first);
    }

    #[test]
    fn the_policy_with_quotas_is_the_one_with_sheets_and_quotas_more() {
        let quotas = Policy::parse(QUOTAS_POLICY).unwrap();
        assert_eq!(quotas.quotas, Some(Policy::shipped_quotas().unwrap()));
        let sheets = Policy::parse(crate::SHEETS_POLICY).unwrap();
        assert_eq!(Policy { quotas: None, version: 2, ..quotas }, sheets);
    }

    #[test]
    fn the_policy_with_questions_is_the_one_with_quotas_and_its_questions_more() {
        let (quotas, mut asks) = (Policy::parse(QUOTAS_POLICY).unwrap(), Policy::parse(crate::ASKS_POLICY).unwrap());
        let added: Vec<String> = asks.rules.extract_if(.., |rule| rule.id.starts_with("A-")).map(|rule| rule.id).collect();
        assert_eq!(added, ["A-01", "A-02", "A-03", "A-04", "A-05", "A-08", "A-09", "A-10", "A-06", "A-07"]);
        assert_eq!(Policy { version: 3, ..asks }, quotas);
    }

    #[test]
    fn who_asks_who_answers_and_who_gives_a_parcel_to_a_run() {
        let policy = Policy::parse(crate::ASKS_POLICY).unwrap();
        let may = |role: Role, outlet: &str, kind: Kind| {
            policy.judge(role, &"p1".parse().unwrap(), &outlet.parse().unwrap(), kind.as_str(), &parcel()).unwrap().verdict
        };
        let staff = [Role::Outlet, Role::OutletManager];
        for role in Role::ALL {
            let is_staff = staff.contains(role);
            let wanted = |may: bool| if may { Permit::Allow } else { Permit::Deny };
            for outlet in ["0412", "0571", "0755", "H1", "H2", "0999"] {
                let is_party = matches!(outlet, "0412" | "0571");
                let asks = (is_staff && is_party) || (*role == Role::Hub && outlet == "H1") || *role == Role::HqCs;
                assert_eq!(may(*role, outlet, Kind::Ask), wanted(asks), "{role} {outlet} asks");
                let answers = (is_staff || *role == Role::Hub) && matches!(outlet, "0755" | "H2");
                assert_eq!(may(*role, outlet, Kind::Answered), wanted(answers), "{role} {outlet} answers");
                assert_eq!(may(*role, outlet, Kind::Dispatch), wanted(is_staff && outlet == "0412"), "{role} {outlet} run");
                assert_eq!(may(*role, outlet, Kind::Linked), Permit::Deny, "{role} {outlet} is not the server");
            }
        }
        assert_eq!(may(Role::Outlet, "0755", Kind::Attempt), Permit::Deny, "who is asked delivers nothing");
        assert_eq!(may(Role::Outlet, "0755", Kind::Action), Permit::Deny, "and moves nothing");
        assert_eq!(may(Role::Hub, "H2", Kind::Action), Permit::Allow, "a hub passes on what was sent to it");
        for (kind, verdict) in [(Kind::Correction, Permit::Allow), (Kind::Dispute, Permit::Allow), (Kind::Close, Permit::Deny)] {
            assert_eq!(may(Role::Outlet, "0311", kind), verdict, "the outlet of before: {}", kind.as_str());
        }
    }

    #[test]
    fn quotas_are_of_format_2_are_whole_and_have_no_zero() {
        let text = std::str::from_utf8(QUOTAS_POLICY).unwrap();
        let fault = |from: &str, to: &str| Policy::parse(text.replacen(from, to, 1).as_bytes()).unwrap_err().to_string();
        assert!(fault("\"format\": 2,", "").contains("write `format = 2`"));
        assert!(fault("\"changes\": 20000", "\"changes\": 0").contains("quotas.changes outside"));
        assert!(fault("\"changes\": 20000", "\"changes\": 1125899906842625").contains("quotas.changes outside"));
        assert!(fault("\"changes\": 20000, ", "").contains("changes"), "one that is missing is no quota without end");
        assert!(fault("\"changes\"", "\"weather\"").contains("weather"));
    }

    #[test]
    fn a_policy_that_says_nothing_of_photos_means_what_the_first_one_says() {
        assert_eq!(policy().photos, PhotoPolicy::default());
    }

    #[test]
    fn a_kind_of_a_newer_version_is_taken_for_review_from_those_concerned_and_from_nobody_else() {
        assert_eq!(verdict(Role::Courier, "c1", "0412", "weighing", &parcel()), Permit::Review);
        assert_eq!(verdict(Role::Courier, "c1", "0755", "weighing", &Concerned::default()), Permit::Deny);
        assert_eq!(verdict(Role::Auditor, "q1", "0412", "weighing", &parcel()), Permit::Deny);
    }

    #[test]
    fn a_policy_without_a_closing_rule_or_with_unknown_words_is_refused() {
        let text = std::str::from_utf8(FIRST_POLICY).unwrap();
        for (from, to) in [
            ("\"roles\": [\"*\"]", "\"roles\": [\"courier\"]"),
            ("\"verdict\": \"deny\"", "\"verdict\": \"allow\""),
            ("\"hq_cs\"", "\"boss\""),
            ("\"takeover\"", "\"take\""),
            ("\"lock_after_minutes\": 720", "\"lock_after_minutes\": 0"),
            ("\"offline_hours\": 168", "\"offline_hours\": 8761"),
            ("\"due_hours\": 24", "\"due_hours\": 0"),
            ("\"promote_after_hours\": 6", "\"promote_after_hours\": 721"),
            ("\"never\"", "\"sometimes\""),
        ] {
            assert!(Policy::parse(text.replace(from, to).as_bytes()).is_err(), "{to}");
        }
    }

    #[test]
    fn a_policy_may_say_when_a_missing_photo_is_lost_and_names_format_2_then() {
        assert_eq!(policy().photos.lost_after_days(), 14, "without the key");
        let text = std::str::from_utf8(FIRST_POLICY).unwrap();
        let of = |format: &str, days: &str| {
            let text = text.replacen('{', &format!("{{{format}"), 1);
            let text = text.replace("\"keep_days\": 7", &format!("\"keep_days\": 7, \"lost_after_days\": {days}"));
            Policy::parse(text.as_bytes()).map(|policy| policy.photos.lost_after_days()).map_err(|error| error.to_string())
        };
        assert_eq!(of("\"format\": 2,", "3"), Ok(3));
        for (format, days, fault) in
            [("", "3", "write `format = 2`"), ("\"format\": 2,", "0", "1 to 365"), ("\"format\": 2,", "366", "1 to 365")]
        {
            assert!(of(format, days).unwrap_err().contains(fault), "{format} {days}");
        }
        assert!(
            !serde_json::to_string(&policy()).unwrap().contains("lost_after"),
            "written again it has no key that older apps refuse"
        );
    }

    #[test]
    fn a_policy_names_the_format_whose_words_it_uses() {
        let text = std::str::from_utf8(FIRST_POLICY).unwrap();
        let of = |format: &str, kind: &str| {
            let text = text.replacen('{', &format!("{{{format}"), 1).replacen("\"attempt\"", &format!("\"{kind}\""), 1);
            Policy::parse(text.as_bytes()).map(|policy| policy.format()).map_err(|error| error.to_string())
        };
        assert_eq!((of("", "attempt"), of("\"format\": 2,", "attempt"), of("\"format\": 2,", "listed")), (Ok(1), Ok(2), Ok(2)));
        assert!(of("", "listed").unwrap_err().contains("write `format = 2`"));
        assert!(of("", "s_note").unwrap_err().contains("write `format = 2`"));
        let in_place = text.replacen("\"own\"", "\"outlet\"", 1);
        assert!(Policy::parse(in_place.as_bytes()).unwrap_err().to_string().contains("write `format = 2`"));
        assert!(of("\"format\": 1,", "attempt").unwrap_err().contains("leave `format` out"), "older apps refuse the key");
        assert!(of("\"format\": 3,\"weather\": 1,", "attempt").unwrap_err().contains("update the program"));
        let kept = serde_json::to_string(&policy()).unwrap();
        assert!(!kept.contains("\"format\""), "written again it names no format either");
    }
}
