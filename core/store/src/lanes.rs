//! Which photos may travel now, and what a person is told of the others: nothing waits without a reason.

use doorstep_domain::{PhotoId, UnixMs};
use doorstep_rules::{Conditions, Hold};
use serde::Serialize;

use crate::{
    Store, StoreError,
    row::{Row, Statements, params},
    states::PhotoState,
};

/// What has become of a photo of this device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum PhotoStanding {
    /// The entry that names it is not accepted yet; it goes after that.
    EntryFirst,
    /// It goes with the next sync: there is nothing but the network to wait for.
    Ready,
    /// It does not go now, and why.
    Held {
        /// Why.
        hold: Hold,
    },
    /// Part of it is at the server.
    Sending {
        /// Bytes there.
        sent: u64,
    },
    /// The server will not take it, or its file can not be read: a person must look.
    Refused {
        /// The server's code, or `unreadable`.
        code: String,
    },
    /// At the server, verified.
    Stored,
    /// Its file is gone from this device, and the server does not have it.
    Lost,
    /// Its file holds other bytes than were recorded: void.
    Void,
    /// At the server; the file was deleted here after its retention.
    LetGo,
    /// Head office has discarded the entry that names it; the file is kept.
    Discarded,
}

/// A photo of this device. Its thumbnail is not listed apart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PhotoStatus {
    /// SHA-256.
    pub photo: PhotoId,
    /// Bytes.
    pub len: u64,
    /// When it was recorded, by the best estimate then.
    pub recorded_at: UnixMs,
    /// What has become of it.
    #[serde(flatten)]
    pub standing: PhotoStanding,
}

/// What may travel now, each lane in the order in which it was recorded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sendable {
    /// Thumbnails.
    pub thumbnails: Vec<PhotoId>,
    /// Photos.
    pub photos: Vec<PhotoId>,
    /// What the server is to be asked about.
    pub questions: Questions,
}

/// Photos of which the server is to be asked what has become of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Questions {
    /// This device's own, before their files are deleted.
    pub own: Vec<PhotoId>,
    /// Others' pictures that are wanted or kept here.
    pub others: Vec<PhotoId>,
}

impl Questions {
    /// Whether there is nothing to ask.
    pub fn is_empty(&self) -> bool {
        self.own.is_empty() && self.others.is_empty()
    }
}

/// The lanes that a metered network is counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LaneName {
    /// Thumbnails of this device.
    Thumbnails,
    /// Photos of this device.
    Photos,
    /// Others' pictures.
    Downloads,
}

impl LaneName {
    fn as_str(self) -> &'static str {
        match self {
            Self::Thumbnails => "thumbnails",
            Self::Photos => "photos",
            Self::Downloads => "downloads",
        }
    }
}

struct Waiting {
    status: PhotoStatus,
    thumbnail: bool,
    urgent: bool,
    state: PhotoState,
}

fn waiting(row: &Row<'_>) -> Result<Waiting, StoreError> {
    let (photo, len, recorded_at, state) = (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
    let sent: Option<u64> = row.get(4)?;
    let refused: Option<String> = row.get(5)?;
    let standing = match (state, sent, refused) {
        (PhotoState::Stored, _, _) => PhotoStanding::Stored,
        (PhotoState::Lost, _, _) => PhotoStanding::Lost,
        (PhotoState::Void, _, _) => PhotoStanding::Void,
        (PhotoState::LetGo, _, _) => PhotoStanding::LetGo,
        (PhotoState::Discarded, _, _) => PhotoStanding::Discarded,
        (PhotoState::EntryFirst | PhotoState::ToSend, _, Some(code)) => PhotoStanding::Refused { code },
        (PhotoState::EntryFirst, _, None) => PhotoStanding::EntryFirst,
        (PhotoState::ToSend, Some(sent), None) if sent > 0 => PhotoStanding::Sending { sent },
        (PhotoState::ToSend, _, None) => PhotoStanding::Ready,
    };
    let status = PhotoStatus { photo, len, recorded_at, standing };
    Ok(Waiting { status, thumbnail: row.get(6)?, urgent: row.get(7)?, state })
}

impl Store {
    /// Photos of this device that are not settled, the oldest first; `all`: the settled ones too.
    pub fn photos(&self, conditions: &Conditions, all: bool, now: UnixMs) -> Result<Vec<PhotoStatus>, StoreError> {
        let lanes = self.policy()?.photos;
        let today = self.metered_today(LaneName::Photos, now)?;
        let held = |mut photo: Waiting| {
            let may_wait = matches!(photo.status.standing, PhotoStanding::Ready | PhotoStanding::Sending { .. });
            let judged = lanes.photos.judge(conditions, photo.status.recorded_at, today, now);
            if let (true, false, Err(hold)) = (may_wait, photo.urgent, judged) {
                photo.status.standing = PhotoStanding::Held { hold };
            }
            photo.status
        };
        Ok(self.rows(all)?.into_iter().filter(|photo| !photo.thumbnail).map(held).collect())
    }

    /// What may travel now.
    pub fn sendable(&self, conditions: &Conditions, now: UnixMs) -> Result<Sendable, StoreError> {
        let lanes = self.policy()?.photos;
        let today = |lane| self.metered_today(lane, now);
        let (thumbnails, whole) = (today(LaneName::Thumbnails)?, today(LaneName::Photos)?);
        let mut sendable = Sendable { questions: self.questions(conditions, now)?, ..Sendable::default() };
        for photo in self.rows(false)?.into_iter().filter(|photo| photo.state == PhotoState::ToSend) {
            if matches!(photo.status.standing, PhotoStanding::Refused { .. }) {
                continue;
            }
            let (lane, today, list) = match photo.thumbnail {
                true => (&lanes.thumbnails, thumbnails, &mut sendable.thumbnails),
                false => (&lanes.photos, whole, &mut sendable.photos),
            };
            match lane.judge(conditions, photo.status.recorded_at, today, now) {
                _ if photo.urgent => list.push(photo.status.photo),
                Ok(()) => list.push(photo.status.photo),
                Err(_) => {}
            }
        }
        Ok(sendable)
    }

    /// What the server is to be asked about now.
    pub fn questions(&self, conditions: &Conditions, now: UnixMs) -> Result<Questions, StoreError> {
        let (lane, today) = (self.policy()?.photos.downloads, self.metered_today(LaneName::Downloads, now)?);
        // A cache has no deadline; and a disk that is nearly full takes nothing into it.
        let may_fetch = lane.judge(conditions, now, today, now).is_ok() && self.has_room().is_ok();
        let others = if may_fetch { self.pictures_to_ask(now)? } else { vec![] };
        Ok(Questions { own: self.photos_to_let_go(now)?, others })
    }

    /// A person wants what waits to be sent now, whatever the network costs; also what the server had refused.
    pub fn send_now(&mut self) -> Result<(), StoreError> {
        self.db.run(concat!("UPDATE photo SET urgent = 1, refused = NULL WHERE ", photo_waits!()), params![])?;
        Ok(())
    }

    /// Counts bytes that went over a metered network.
    pub fn count_metered(&mut self, lane: LaneName, bytes: u64, now: UnixMs) -> Result<(), StoreError> {
        self.db.run(
            "INSERT INTO metered (day, lane, bytes) VALUES (?1, ?2, ?3) ON CONFLICT (day, lane) DO UPDATE SET bytes = bytes + ?3",
            params![day(now), lane.as_str(), bytes],
        )?;
        self.db.run("DELETE FROM metered WHERE day < ?1", params![day(now) - 7])?;
        Ok(())
    }

    fn metered_today(&self, lane: LaneName, now: UnixMs) -> Result<u64, StoreError> {
        let sql = "SELECT coalesce(sum(bytes), 0) FROM metered WHERE day = ?1 AND lane = ?2";
        self.db.one("metered", sql, params![day(now), lane.as_str()], |row| row.get(0))
    }

    fn rows(&self, all: bool) -> Result<Vec<Waiting>, StoreError> {
        const ALL: &str = "SELECT sha, len, recorded_at, state, sent, refused, thumbnail, urgent, tries FROM photo";
        const WAITS: &str = photo_waits!();
        const IS_SPOILED: &str = photo_is_spoiled!();
        // Each half by its index: a phone that has sent ten thousand photos looks at the three that wait.
        let sql = match all {
            true => format!("{ALL} ORDER BY tries, recorded_at, sha"),
            false => format!("{ALL} WHERE {WAITS} UNION ALL {ALL} WHERE {IS_SPOILED} ORDER BY tries, recorded_at, sha"),
        };
        self.db.all("photo", &sql, params![], waiting)
    }
}

fn day(now: UnixMs) -> i64 {
    now.0.div_euclid(86_400_000)
}
