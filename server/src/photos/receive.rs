//! Taking bytes (protocol design, section 8). An offset that was answered is a promise: its bytes are durable and are never
//! needed again. So offsets never go back; bytes that are sent twice are compared and skipped; a body that is cut off counts
//! as far as it came; and only a request that still holds the fence of the upload's row can move its offset.
//!
//! A photo that arrives whole in one request touches no row before it is stored: one object, one transaction.

use std::time::Duration;

use axum::body::{Body, Bytes};
use doorstep_domain::{PhotoId, UnixMs};
use doorstep_media::{Format, MAX_STORED, MediaError, inspect, photo_id, tells_position};
use futures_util::StreamExt;
use rusqlite::{Connection, OptionalExtension, params};
use tokio::time::{Instant, sleep_until, timeout};

use super::{
    Storage,
    storage::Piece,
    turns::{Key, Turn},
};
use crate::{
    db::{self, Db},
    error::ApiError,
};

/// A body without a byte for so long is given up: the phone that sent it has lost its network.
const STALL: Duration = Duration::from_secs(30);
/// Most bytes that one request holds in memory before it writes them down.
const HOLD: usize = 512 * 1024;
/// Bytes of a slow link are written down after so long.
const FLUSH: Duration = Duration::from_secs(2);
/// Fewer bytes are not worth an object of their own while their connection lives.
const LEAST: usize = 8 * 1024;
/// Most unfinished uploads of one device, and most bytes of them.
const MOST_UPLOADS: u64 = 64;
const MOST_UNFINISHED: u64 = 64 * 1024 * 1024;
/// How long an upload that nobody goes on with is kept.
pub(crate) const KEPT_MS: i64 = 7 * 86_400_000;

/// How far an upload is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Progress {
    /// Bytes that are durable here.
    pub offset: u64,
    /// Bytes that the photo has.
    pub len: u64,
    /// Until when an unfinished upload is kept; `None`: the photo is stored.
    pub expires_at: Option<UnixMs>,
    /// The photo was stored before this request.
    pub had: bool,
}

/// Why bytes are not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReceiveError {
    /// Not where the upload is, or other bytes than were sent before.
    #[error("upload is at {}", .0.offset)]
    Offset(Progress),
    /// The chunk does not have the checksum that was sent with it; the offset is as it was.
    #[error("chunk does not have its checksum")]
    Checksum(Progress),
    /// The photo does not have the hash that names it; the upload is dropped.
    #[error("the bytes do not have the named hash")]
    Hash,
    /// A newer request goes on with this upload.
    #[error("a newer request goes on with this upload")]
    GaveWay,
    /// Nobody went on with it in time.
    #[error("upload has expired; begin anew")]
    Expired,
    /// Erased on head office's word.
    #[error("photo was erased by head office")]
    Erased,
    /// Not begun.
    #[error("no such upload")]
    Unknown,
    /// Everything else.
    #[error(transparent)]
    Api(#[from] ApiError),
}

impl From<rusqlite::Error> for ReceiveError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Api(error.into())
    }
}

/// A chunk's checksum as it was sent with it.
pub(crate) struct Checksum {
    pub algorithm: &'static ring::digest::Algorithm,
    pub digest: Vec<u8>,
}

/// An upload as the rows say.
enum Found {
    Stored(u64),
    Erased,
    Begun { len: u64, offset: u64, fence: i64, expires_at: UnixMs },
    Expected(u64),
}

fn find(db: &Connection, (id, device): &Key) -> Result<Found, ApiError> {
    let stored = db
        .prepare_cached("SELECT len, erased_at FROM stored WHERE sha = ?1")?
        .query_row(params![id.as_bytes()], |row| Ok((row.get(0)?, row.get::<_, Option<i64>>(1)?)))
        .optional()?;
    match stored {
        Some((len, None)) => return Ok(Found::Stored(len)),
        Some((_, Some(_))) => return Ok(Found::Erased),
        None => {}
    }
    let len = db
        // As the device's own entry names it: what another's says of it must not stop this one.
        .prepare_cached("SELECT len FROM photo WHERE sha = ?1 ORDER BY device = ?2 DESC LIMIT 1")?
        .query_row(params![id.as_bytes(), device.as_bytes()], |row| row.get(0))
        .optional()?;
    let len: u64 = len.ok_or(ApiError::PhotoUnexpected)?;
    let begun = db
        .prepare_cached("SELECT received, fence, expires_at FROM upload WHERE sha = ?1 AND device = ?2")?
        .query_row(params![id.as_bytes(), device.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    Ok(match begun {
        Some((offset, fence, expires_at)) => Found::Begun { len, offset, fence, expires_at: UnixMs(expires_at) },
        None => Found::Expected(len),
    })
}

/// Where a request stands: the upload's offset, and the fence without which it can not move it (`None`: no row yet).
struct Standing {
    len: u64,
    offset: u64,
    fence: Option<i64>,
}

/// How far an upload is. Whoever asks means to go on: an older request can not move it any more.
pub(crate) async fn progress(db: &Db, key: Key, now: UnixMs) -> Result<Progress, ReceiveError> {
    let (standing, expires_at) = match begin(db, key, now).await? {
        Ok(progress) => return Ok(progress),
        Err(begun) => begun,
    };
    if standing.fence.is_none() {
        return Err(ReceiveError::Unknown);
    }
    Ok(Progress { offset: standing.offset, len: standing.len, expires_at: Some(expires_at), had: false })
}

/// `Ok(Ok)`: stored already. `Ok(Err)`: where the request stands.
async fn begin(db: &Db, key: Key, now: UnixMs) -> Result<Result<Progress, (Standing, UnixMs)>, ReceiveError> {
    match db.read(move |db| find(db, &key)).await? {
        Found::Stored(len) => return Ok(Ok(Progress { offset: len, len, expires_at: None, had: true })),
        Found::Erased => return Err(ReceiveError::Erased),
        Found::Expected(len) => return Ok(Err((Standing { len, offset: 0, fence: None }, now.plus(KEPT_MS)))),
        Found::Begun { expires_at, .. } if expires_at <= now => return Err(ReceiveError::Expired),
        Found::Begun { .. } => {}
    }
    let fenced = db.write(move |db| {
        db.prepare_cached("UPDATE upload SET fence = fence + 1 WHERE sha = ?1 AND device = ?2")?
            .execute(params![key.0.as_bytes(), key.1.as_bytes()])?;
        find(db, &key)
    });
    Ok(match fenced.await? {
        Found::Stored(len) => Ok(Progress { offset: len, len, expires_at: None, had: true }),
        Found::Erased => return Err(ReceiveError::Erased),
        Found::Begun { len, offset, fence, expires_at } => Err((Standing { len, offset, fence: Some(fence) }, expires_at)),
        Found::Expected(len) => Err((Standing { len, offset: 0, fence: None }, now.plus(KEPT_MS))),
    })
}

/// One request's work on one upload.
pub(crate) struct Receiver {
    pub db: Db,
    pub storage: Storage,
    pub key: Key,
    pub now: UnixMs,
    pub turn: Turn,
}

impl Receiver {
    /// Takes a body that begins at an offset. `opens`: an upload that is not begun is begun, even by no bytes.
    pub(crate) async fn take(
        self,
        from: u64,
        opens: bool,
        checksum: Option<Checksum>,
        body: Body,
    ) -> Result<Progress, ReceiveError> {
        let begun = match begin(&self.db, self.key, self.now).await {
            // Nobody went on with it in time: what came of it is dropped, and it begins anew.
            Err(ReceiveError::Expired) if opens => {
                self.abandon(None).await?;
                begin(&self.db, self.key, self.now).await?
            }
            other => other?,
        };
        let (mut at, expires_at) = match begun {
            Ok(stored) => return Ok(stored),
            Err(begun) => begun,
        };
        if at.len > MAX_STORED as u64 {
            return Err(ApiError::TooLarge.into());
        }
        let len = at.len;
        let here = |offset| Progress { offset, len, expires_at: Some(expires_at), had: false };
        if !opens && at.fence.is_none() {
            return Err(ReceiveError::Unknown);
        }
        if from > at.offset {
            return Err(ReceiveError::Offset(here(at.offset)));
        }
        let known = if from < at.offset { self.pieces(at.fence).await? } else { Bytes::new() };
        let mut replayed = known.slice(known.len().min(from as usize)..);
        let begun_at = at.offset;
        let mut digest = checksum.as_ref().map(|checksum| ring::digest::Context::new(checksum.algorithm));
        let mut held: Vec<u8> = Vec::new();
        let mut frames = body.into_data_stream();
        let mut flush_at = Instant::now() + FLUSH;
        // A body that is cut off counts as far as it came; with a checksum it is one piece, all or nothing.
        let cut = loop {
            if checksum.is_some() && held.len() > HOLD {
                return Err(ApiError::TooLarge.into());
            }
            // The last byte is never written down as a piece: an offset that is the length means a stored photo.
            let is_whole = at.offset + held.len() as u64 == len;
            if checksum.is_none() && held.len() >= HOLD && !is_whole {
                self.keep(&mut at, &mut held).await?;
            }
            let may_flush = checksum.is_none() && held.len() >= LEAST && !is_whole;
            tokio::select! {
                biased;
                () = self.turn.give_way() => break Some(ReceiveError::GaveWay),
                () = sleep_until(flush_at), if may_flush => {
                    self.keep(&mut at, &mut held).await?;
                    flush_at = Instant::now() + FLUSH;
                }
                frame = timeout(STALL, frames.next()) => match frame {
                    Ok(None) => break None,
                    Ok(Some(Ok(frame))) => {
                        if let Some(digest) = &mut digest {
                            digest.update(&frame);
                        }
                        if held.is_empty() {
                            flush_at = Instant::now() + FLUSH;
                        }
                        let twice = replayed.split_to(replayed.len().min(frame.len()));
                        let (again, fresh) = frame.split_at(twice.len());
                        if again != twice {
                            return Err(ReceiveError::Offset(here(begun_at)));
                        }
                        if at.offset + held.len() as u64 + fresh.len() as u64 > len {
                            return Err(ApiError::TooLarge.into());
                        }
                        held.extend_from_slice(fresh);
                    }
                    Ok(Some(Err(_))) | Err(_) => break Some(ApiError::Stalled.into()),
                }
            }
        };
        let is_whole = at.offset + held.len() as u64 == len;
        if let Some(cut) = cut.filter(|_| !is_whole || checksum.is_some()) {
            if checksum.is_none() && !held.is_empty() {
                self.keep(&mut at, &mut held).await?;
            }
            return Err(cut);
        }
        if let Some((digest, checksum)) = digest.zip(checksum)
            && digest.finish().as_ref() != checksum.digest
        {
            return Err(ReceiveError::Checksum(here(begun_at)));
        }
        if at.offset + held.len() as u64 == len {
            return self.finish(&at, held).await;
        }
        if !held.is_empty() || at.fence.is_none() {
            self.keep(&mut at, &mut held).await?;
        }
        Ok(Progress { offset: at.offset, len, expires_at: Some(expires_at), had: false })
    }

    /// Writes down what is held, and moves the offset if this request still may.
    async fn keep(&self, at: &mut Standing, held: &mut Vec<u8>) -> Result<(), ReceiveError> {
        let bytes = Bytes::from(std::mem::take(held));
        let (key, size, before, expires_at) = (self.key, bytes.len() as u64, at.offset, self.now.plus(KEPT_MS));
        let nonce = u64::from_be_bytes(db::random::<8>().ok_or(ApiError::Internal("no randomness"))?);
        let piece = if bytes.is_empty() {
            None
        } else {
            let piece = Piece { id: &key.0, device: &key.1, offset: before, nonce };
            Some(self.storage.put_piece(&piece, bytes).await?)
        };
        let (name, fence) = (piece.clone(), at.fence);
        let moved = self.db.write(move |db| {
            let (id, device) = (key.0.as_bytes(), key.1.as_bytes());
            let moved = match fence {
                Some(fence) => db
                    .prepare_cached(
                        "UPDATE upload SET received = ?4, expires_at = ?5 WHERE sha = ?1 AND device = ?2 AND fence = ?3
                           AND received = ?6",
                    )?
                    .execute(params![id, device, fence, before + size, expires_at.0, before])?,
                None if too_many(db, &key)? => return Err(ApiError::Busy),
                None => db
                    .prepare_cached(
                        "INSERT INTO upload (sha, device, received, fence, expires_at) VALUES (?1, ?2, ?3, 1, ?4)
                         ON CONFLICT DO NOTHING",
                    )?
                    .execute(params![id, device, size, expires_at.0])?,
            };
            if moved == 1 && name.is_some() {
                db.prepare_cached("INSERT INTO piece (sha, device, at, name) VALUES (?1, ?2, ?3, ?4)")?
                    .execute(params![id, device, before, name])?;
            }
            Ok(moved == 1)
        });
        let moved = moved.await;
        if !matches!(moved, Ok(true)) {
            self.storage.drop_pieces(piece.as_slice()).await;
        }
        if !moved? {
            return Err(ReceiveError::GaveWay);
        }
        at.fence = at.fence.or(Some(1));
        at.offset += size;
        Ok(())
    }

    async fn names(&self) -> Result<Vec<String>, ApiError> {
        let key = self.key;
        let names = self.db.read(move |db| {
            let mut query = db.prepare_cached("SELECT name FROM piece WHERE sha = ?1 AND device = ?2 ORDER BY at")?;
            let rows = query.query_map(params![key.0.as_bytes(), key.1.as_bytes()], |row| row.get(0))?;
            Ok(rows.collect::<Result<Vec<String>, _>>()?)
        });
        names.await
    }

    /// What is durable of the upload, in order. If storage has lost some of it the upload begins anew.
    async fn pieces(&self, fence: Option<i64>) -> Result<Bytes, ReceiveError> {
        let mut whole = Vec::new();
        for name in self.names().await? {
            let Some(piece) = self.storage.piece(&name).await? else {
                self.abandon(fence).await?;
                return Err(ReceiveError::Unknown);
            };
            whole.extend_from_slice(&piece);
        }
        Ok(whole.into())
    }

    /// All bytes are here: verifies the whole, stores it under its hash, and says so in one transaction.
    async fn finish(&self, at: &Standing, rest: Vec<u8>) -> Result<Progress, ReceiveError> {
        let whole = match at.offset {
            0 => rest,
            _ => [self.pieces(at.fence).await?.as_ref(), rest.as_slice()].concat(),
        };
        let id = self.key.0;
        let (whole, seen) = tokio::task::spawn_blocking(move || {
            let seen = verify(&whole, &id);
            (Bytes::from(whole), seen)
        })
        .await
        .map_err(|_| ApiError::Internal("verifying a photo panicked"))?;
        let mime = match seen {
            Ok(mime) => mime,
            // Whatever came is not the photo; the device reads its file again and begins anew. Unless a newer request has put its
            // bytes between ours: then they are its upload's, and nothing is wrong with that.
            Err(error) => {
                let Some(fence) = at.fence else { return Err(error) };
                let is_ours = self.abandon(Some(fence)).await?;
                return Err(if is_ours { error } else { ReceiveError::GaveWay });
            }
        };
        self.storage.put(&id, whole).await?;
        let len = at.len;
        let Some(names) = note_stored(&self.db, self.key, len, mime, self.now).await? else {
            // Head office has erased it while it was on its way.
            self.storage.erase(&id).await?;
            return Err(ReceiveError::Erased);
        };
        self.storage.drop_pieces(&names).await;
        Ok(Progress { offset: len, len, expires_at: None, had: false })
    }

    /// Drops the upload with its pieces; with a fence only if that still holds. Whether it did.
    pub(crate) async fn abandon(&self, fence: Option<i64>) -> Result<bool, ApiError> {
        let key = self.key;
        let dropped = self.db.write(move |db| {
            let holds: bool = db
                .prepare_cached(
                    "SELECT EXISTS (SELECT 1 FROM upload WHERE sha = ?1 AND device = ?2 AND (?3 IS NULL OR fence = ?3))",
                )?
                .query_row(params![key.0.as_bytes(), key.1.as_bytes(), fence], |row| row.get(0))?;
            if holds { forget(db, &key.0, Some(&key)).map(Some) } else { Ok(None) }
        });
        match dropped.await? {
            Some(names) => {
                self.storage.drop_pieces(&names).await;
                Ok(true)
            }
            None => Ok(false),
        }
    }
}

/// Says that a photo is in storage, verified, and which device brought it; the names of pieces that nobody needs any more, or
/// `None` if the photo was erased meanwhile.
pub(crate) async fn note_stored(
    db: &Db,
    (id, device): Key,
    len: u64,
    mime: &'static str,
    now: UnixMs,
) -> Result<Option<Vec<String>>, ApiError> {
    db.write(move |db| {
        db.prepare_cached("INSERT OR IGNORE INTO stored (sha, len, mime, stored_at, device) VALUES (?1, ?2, ?3, ?4, ?5)")?
            .execute(params![id.as_bytes(), len, mime, now.0, device.as_bytes()])?;
        if db
            .prepare_cached("SELECT EXISTS (SELECT 1 FROM stored WHERE sha = ?1 AND erased_at IS NOT NULL)")?
            .query_row(params![id.as_bytes()], |row| row.get(0))?
        {
            return Ok(None);
        }
        db.prepare_cached("UPDATE photo SET asked_at = NULL, lost_at = NULL, altered = 0 WHERE sha = ?1")?
            .execute(params![id.as_bytes()])?;
        // Also what other devices had sent of the same photo.
        forget(db, &id, None).map(Some)
    })
    .await
}

/// Whether a device has as much unfinished as it may have.
fn too_many(db: &Connection, (_, device): &Key) -> Result<bool, ApiError> {
    let (uploads, bytes): (u64, u64) = db
        .prepare_cached("SELECT count(*), coalesce(sum(received), 0) FROM upload WHERE device = ?1")?
        .query_row(params![device.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(uploads >= MOST_UPLOADS || bytes >= MOST_UNFINISHED)
}

/// Removes the rows of a photo's uploads, of one device or of all; the names of their pieces.
pub(crate) fn forget(db: &Connection, id: &PhotoId, of: Option<&Key>) -> Result<Vec<String>, ApiError> {
    let device = of.map(|(_, device)| device.as_bytes().as_slice());
    let mut query = db.prepare_cached("DELETE FROM piece WHERE sha = ?1 AND (?2 IS NULL OR device = ?2) RETURNING name")?;
    let names = query.query_map(params![id.as_bytes(), device], |row| row.get(0))?.collect::<Result<_, _>>()?;
    db.prepare_cached("DELETE FROM upload WHERE sha = ?1 AND (?2 IS NULL OR device = ?2)")?
        .execute(params![id.as_bytes(), device])?;
    Ok(names)
}

/// Whether bytes are the photo that they are named as, and one that may be kept: its media type.
fn verify(bytes: &[u8], id: &PhotoId) -> Result<&'static str, ReceiveError> {
    match inspect(bytes) {
        Ok(seen) if seen.id != *id => Err(ReceiveError::Hash),
        Err(_) if photo_id(bytes) != *id => Err(ReceiveError::Hash),
        Err(error) => Err(ApiError::from(error).into()),
        // What devices make. In other kinds a position could hide where nothing here looks for it.
        Ok(seen) if seen.format != Format::Jpeg => Err(ApiError::from(MediaError::NotAPhoto).into()),
        Ok(_) if tells_position(bytes) => Err(ApiError::PhotoPosition.into()),
        Ok(seen) => Ok(seen.format.mime()),
    }
}
