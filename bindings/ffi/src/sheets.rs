//! The sheet of an outlet's day: what belongs to no single parcel.

use doorstep_client::SheetCommand;
use doorstep_domain::Recorded;
use doorstep_rules::{Sheet, Sight, tell_of_sheet};

use crate::{DoorstepClient, DoorstepError, TimelineEntry};

/// An outlet's day. It may hold a customer's data in words: as text it shows none of them. Times are milliseconds since 1970, UTC.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
#[uniffi::export(Display)]
pub struct SheetDetail {
    /// The outlet.
    pub outlet: String,
    /// The day, an ISO date.
    pub day: String,
    /// Who opened the day first; absent: nobody has.
    pub opened_by: Option<String>,
    /// When.
    pub opened_at_ms: Option<i64>,
    /// What was recorded, oldest first; what head office holds or has discarded comes last.
    pub timeline: Vec<TimelineEntry>,
}

impl std::fmt::Display for SheetDetail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SheetDetail({} {}, {} entries)", self.outlet, self.day, self.timeline.len())
    }
}

impl From<Sheet> for SheetDetail {
    fn from(sheet: Sheet) -> Self {
        let (by, at) = sheet.opened().map(|r| (r.entry.author.user.to_string(), r.acted_at().0)).unzip();
        let entry =
            |recorded: &Recorded| TimelineEntry::told(recorded, tell_of_sheet(&recorded.entry, None, Sight::Clear), false, None);
        Self {
            outlet: sheet.facts.outlet.to_string(),
            day: sheet.facts.day.to_string(),
            opened_by: by,
            opened_at_ms: at,
            timeline: sheet.timeline.iter().chain(&sheet.quarantined).map(entry).collect(),
        }
    }
}

#[uniffi::export]
impl DoorstepClient {
    /// The sheet of the person's own outlet for a day, an ISO date; without one, of today by the network's clocks. Absent if nothing of
    /// it is here.
    #[uniffi::method(default(day = None))]
    pub async fn sheet(&self, day: Option<String>) -> Result<Option<SheetDetail>, DoorstepError> {
        self.local(move |client| Ok(client.sheet(day.as_deref())?.map(SheetDetail::from))).await
    }

    /// Writes a signed note into the sheet: durable on this device when it returns.
    #[uniffi::method(default(day = None))]
    pub async fn note_sheet(&self, words: String, day: Option<String>) -> Result<(), DoorstepError> {
        self.local(move |client| Ok(client.write_sheet(&SheetCommand::note(day.as_deref(), &words)?).map(drop)?)).await
    }

    /// Opens the day: durable on this device when it returns. Two tablets without a network may both open it; the earlier act counts.
    #[uniffi::method(default(words = None, day = None))]
    pub async fn open_sheet(&self, words: Option<String>, day: Option<String>) -> Result<(), DoorstepError> {
        self.local(move |client| Ok(client.write_sheet(&SheetCommand::open(day.as_deref(), words.as_deref())?).map(drop)?)).await
    }
}
