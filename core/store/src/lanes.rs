//! Decides which photos may be sent now, and explains to a person why the others wait.

use doorstep_domain::{PhotoId, UnixMs};
use doorstep_rules::{Conditions, Hold, PhotoPolicy};
use serde::Serialize;

use crate::{
    Store, StoreError, missing,
    row::{Row, Statements, params},
    states::PhotoState,
};

/// The state of a photo of this device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum PhotoStanding {
    /// The entry that names it is not accepted yet. The photo follows the entry.
    EntryFirst,
    /// The photo is sent with the next sync, and waits only for the network.
    Ready,
    /// The photo is not sent now.
    Held {
        /// The reason.
        hold: Hold,
    },
    /// Part of the photo is at the server.
    Sending {
        /// The number of bytes at the server.
        sent: u64,
    },
    /// Its file is not on this device. It is looked for at each sync, and sent when it is back.
    Missing {
        /// When the file was first not there, by the best estimate at that time.
        since: UnixMs,
        /// When it is called lost.
        lost_at: UnixMs,
    },
    /// The server refuses it, or its file can not be read. A person must look at it.
    Refused {
        /// The server's code, or `unreadable`.
        code: String,
    },
    /// The server has the photo and has verified it.
    Stored,
    /// The file is gone from this device, and the server lacks the photo.
    Lost,
    /// The file holds other bytes than were recorded, so the photo is void as evidence.
    Void,
    /// The server has the photo, and the file was deleted here after its retention.
    LetGo,
    /// Head office has discarded the entry that names it. The file is kept.
    Discarded,
}

/// A photo of this device. Its thumbnail is not listed separately.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PhotoStatus {
    /// The SHA-256 of the photo.
    pub photo: PhotoId,
    /// The length in bytes.
    pub len: u64,
    /// When it was recorded, by the best estimate at that time.
    pub recorded_at: UnixMs,
    /// The state of the photo.
    #[serde(flatten)]
    pub standing: PhotoStanding,
}

/// The photos that may be sent now, each lane in the order of recording.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sendable {
    /// Thumbnails.
    pub thumbnails: Vec<PhotoId>,
    /// Photos.
    pub photos: Vec<PhotoId>,
    /// The photos to ask the server about.
    pub questions: Questions,
}

/// The photos whose state the device asks the server for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Questions {
    /// This device's own photos, before their files are deleted.
    pub own: Vec<PhotoId>,
    /// Others' pictures that are wanted or cached here.
    pub others: Vec<PhotoId>,
}

impl Questions {
    /// Whether there is nothing to ask.
    pub fn is_empty(&self) -> bool {
        self.own.is_empty() && self.others.is_empty()
    }
}

/// The lanes whose bytes on a metered network are counted.
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

fn waiting(row: &Row<'_>, policy: &PhotoPolicy) -> Result<Waiting, StoreError> {
    let (photo, len, recorded_at, state) = (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
    let sent: Option<u64> = row.get(4)?;
    let refused: Option<String> = row.get(5)?;
    let since: Option<UnixMs> = row.get(9)?;
    let is_waiting = matches!(state, PhotoState::EntryFirst | PhotoState::ToSend);
    let missing = since.filter(|_| is_waiting).map(|since| {
        let lost_at = missing::lost_at(policy, since);
        PhotoStanding::Missing { since, lost_at }
    });
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
    let standing = missing.unwrap_or(standing);
    let status = PhotoStatus { photo, len, recorded_at, standing };
    Ok(Waiting { status, thumbnail: row.get(6)?, urgent: row.get(7)?, state })
}

impl Store {
    /// The photos of this device that are not settled, oldest first; `all` includes the settled ones.
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
        Ok(self.rows(all, &lanes)?.into_iter().filter(|photo| !photo.thumbnail).map(held).collect())
    }

    /// The photos that may be sent now.
    pub fn sendable(&self, conditions: &Conditions, now: UnixMs) -> Result<Sendable, StoreError> {
        let lanes = self.policy()?.photos;
        let today = |lane| self.metered_today(lane, now);
        let (thumbnails, whole) = (today(LaneName::Thumbnails)?, today(LaneName::Photos)?);
        let mut sendable = Sendable { questions: self.questions(conditions, now)?, ..Sendable::default() };
        for photo in self.rows(false, &lanes)?.into_iter().filter(|photo| photo.state == PhotoState::ToSend) {
            if matches!(photo.status.standing, PhotoStanding::Refused { .. } | PhotoStanding::Missing { .. }) {
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

    /// The photos to ask the server about now.
    pub fn questions(&self, conditions: &Conditions, now: UnixMs) -> Result<Questions, StoreError> {
        let (lane, today) = (self.policy()?.photos.downloads, self.metered_today(LaneName::Downloads, now)?);
        // A cache has no deadline, and nothing is fetched into it while the disk is nearly full.
        let may_fetch = lane.judge(conditions, now, today, now).is_ok() && self.has_room().is_ok();
        let others = if may_fetch { self.pictures_to_ask(now)? } else { vec![] };
        Ok(Questions { own: self.photos_to_let_go(now)?, others })
    }

    /// Permits sending every waiting photo now, whatever the network costs, because a person asks for it. Includes photos that
    /// the server has refused.
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

    fn rows(&self, all: bool, policy: &PhotoPolicy) -> Result<Vec<Waiting>, StoreError> {
        const ALL: &str = "SELECT sha, len, recorded_at, state, sent, refused, thumbnail, urgent, tries,
            (SELECT since FROM missing_photo WHERE missing_photo.sha = photo.sha) FROM photo";
        const WAITS: &str = photo_waits!();
        const IS_SPOILED: &str = photo_is_spoiled!();
        // Each half uses its own index, so that a phone with ten thousand sent photos reads only the three that wait.
        let sql = match all {
            true => format!("{ALL} ORDER BY tries, recorded_at, sha"),
            false => format!("{ALL} WHERE {WAITS} UNION ALL {ALL} WHERE {IS_SPOILED} ORDER BY tries, recorded_at, sha"),
        };
        self.db.all("photo", &sql, params![], |row| waiting(row, policy))
    }
}

fn day(now: UnixMs) -> i64 {
    now.0.div_euclid(86_400_000)
}
