//! Reading: one case folded and judged, and unsent records. Lists of cases are in `list`.

use doorstep_domain::{CaseId, RefusalCode, UnixMs, Waybill};
use doorstep_rules::{Case, Judgement, judge};
use rusqlite::Connection;
use serde::Serialize;

use crate::{
    Recording, Store, StoreError, project,
    recording::Kept,
    row::{Statements, params},
    states::OutboxState,
};

/// A case, folded and judged.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CaseView {
    /// The case id.
    pub id: CaseId,
    /// The facts of the case.
    #[serde(flatten)]
    pub case: Case,
    /// The present judgement by the rules.
    #[serde(flatten)]
    pub judgement: Judgement,
}

/// A record that the server has not confirmed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UnsentIntent {
    /// The waybill; for a sheet the outlet and the day.
    pub waybill: String,
    /// The act, by the command's own name.
    pub what: String,
    /// When it was recorded, by the best estimate at that time: the server's clock, extrapolated, or else the wall clock.
    pub recorded_at: UnixMs,
    /// Whether it is in a batch whose answer has not come back.
    pub sent: bool,
    /// Whether the server has left it pending, because a change before it has not arrived there.
    pub pending: bool,
}

/// A record that the server refused, or that can not be sent. It is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RefusedIntent {
    /// The waybill.
    pub waybill: String,
    /// The act, by the command's own name.
    pub what: String,
    /// When it was recorded, by the best estimate at that time: the server's clock, extrapolated, or else the wall clock.
    pub recorded_at: UnixMs,
    /// The reason of the refusal.
    pub reason: RefusalCode,
    /// Whether head office has discarded it.
    pub discarded: bool,
    /// The person's recording, if nothing else is left because the bytes of its change are damaged.
    pub recording: Option<Recording>,
}

/// The unsent and refused records, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Status {
    /// The unsent actions.
    pub unsent: Vec<UnsentIntent>,
    /// The number of photos whose bytes the server lacks.
    pub photos: u32,
    /// The number of their bytes.
    pub photo_bytes: u64,
    /// The number of photos that can not be delivered: the file is gone or holds other bytes, and the server lacks it.
    pub photos_lost: u32,
    /// The number of refused actions on which head office has not decided.
    pub quarantined: u32,
    /// The refused actions with their reasons, including those that head office has discarded.
    pub refused: Vec<RefusedIntent>,
    /// Head office has revoked this device.
    pub revoked: bool,
    /// The time of the server's last answer, by its clock.
    pub last_answer: Option<UnixMs>,
    /// The disk is full. Records are sent; feeds, lists and pictures of others wait until there is room.
    pub waits_for_room: bool,
}

impl Store {
    /// A case by its waybill, or by a child number of its shipment; `None` if nothing is recorded of it here.
    pub fn case(&mut self, waybill: &Waybill, now: UnixMs) -> Result<Option<CaseView>, StoreError> {
        self.load_book()?;
        let Some((_, book)) = &self.book else { return Ok(None) };
        let network = book.newest().pack.network.parse().map_err(|_| StoreError::Damaged("reference"))?;
        let waybill = self.main_number(waybill)?;
        self.case_of(&CaseId::of(&network, &waybill), now)
    }

    /// A case by its id; `None` if it is not here.
    pub fn case_by_id(&mut self, id: &CaseId, now: UnixMs) -> Result<Option<CaseView>, StoreError> {
        self.case_of(id, now)
    }

    fn case_of(&mut self, id: &CaseId, now: UnixMs) -> Result<Option<CaseView>, StoreError> {
        self.load_book()?;
        let Some((_, book)) = &self.book else { return Ok(None) };
        let id = *id;
        let Some(case) = Case::fold(project::entries(&self.db, &id)?) else { return Ok(None) };
        let judgement = judge(&case, book, now);
        Ok(Some(CaseView { id, case, judgement }))
    }

    /// The case's heads, sorted, for comparing two replicas.
    pub fn heads(&self, case: &CaseId) -> Result<Vec<doorstep_domain::ChangeHash>, StoreError> {
        Ok(project::head(&self.db, case)?.position.heads)
    }

    /// All case ids here.
    pub fn case_ids(&self) -> Result<Vec<CaseId>, StoreError> {
        case_ids(&self.db)
    }

    /// The unsent and refused records, oldest first.
    pub fn status(&self) -> Result<Status, StoreError> {
        let (mut unsent, mut refused) = (Vec::new(), Vec::new());
        let sql = "SELECT coalesce(case_row.waybill, sheet.outlet || ' ' || sheet.day, ''), outbox.command, outbox.recorded_at, outbox.state, outbox.tries,
               coalesce(outbox.reason, '')
             FROM outbox LEFT JOIN case_row USING (case_id) LEFT JOIN sheet USING (case_id) ORDER BY outbox.id";
        self.db.each("outbox", sql, params![], |row| {
            let Kept { what, waybill, recording } = Kept::read(&row.get::<String>(1)?);
            let (listed, recorded_at, state): (String, UnixMs, OutboxState) = (row.get(0)?, row.get(2)?, row.get(3)?);
            let waybill = if listed.is_empty() { waybill.unwrap_or_default() } else { listed };
            if state < OutboxState::Quarantined {
                let sent = state == OutboxState::InBatch;
                unsent.push(UnsentIntent { waybill, what, recorded_at, sent, pending: !sent && row.get::<i64>(4)? > 0 });
            } else {
                let discarded = state == OutboxState::Discarded;
                let reason: RefusalCode = row.get::<String>(5)?.into();
                // Other refused records are entries of the case, which shows them better.
                let recording = recording.filter(|_| reason == RefusalCode::Damaged);
                refused.push(RefusedIntent { waybill, what, recorded_at, reason, discarded, recording });
            }
            Ok(())
        })?;
        let waiting = concat!("SELECT count(*), coalesce(sum(len), 0) FROM photo WHERE ", photo_waits!(), " AND thumbnail = 0");
        let (photos, photo_bytes) = self.db.one("photo", waiting, params![], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let spoiled = concat!("SELECT count(*) FROM photo WHERE ", photo_is_spoiled!(), " AND thumbnail = 0");
        let photos_lost = self.db.one("photo", spoiled, params![], |row| row.get(0))?;
        let held = concat!("SELECT count(*) FROM outbox WHERE state = ", outbox_state!(Quarantined));
        let quarantined = self.db.one("outbox", held, params![], |row| row.get(0))?;
        let last_answer =
            Self::meta(&self.db, "last_answer")?.and_then(|bytes| Some(UnixMs(i64::from_be_bytes(bytes.try_into().ok()?))));
        let revoked = Self::meta(&self.db, "revoked")?.is_some_and(|flag| !flag.is_empty());
        let waits_for_room = self.is_on_reserve();
        Ok(Status { unsent, photos, photo_bytes, photos_lost, quarantined, refused, revoked, last_answer, waits_for_room })
    }
}

pub(crate) fn case_ids(db: &Connection) -> Result<Vec<CaseId>, StoreError> {
    db.all("case_row", "SELECT case_id FROM case_row", params![], |row| row.get(0))
}
