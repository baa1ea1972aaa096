//! Receives bytes (protocol design, section 8). An answered offset is a promise: the bytes before it are durable and are never
//! needed again. So an offset never goes back; repeated bytes are compared and skipped; a cut body counts as far as it came; and
//! only a request that still holds the fence of the upload's row can move its offset.
//!
//! A photo that arrives whole in one request needs no row until it is stored: one object, one transaction. It is taken even from a
//! device that has as many unfinished uploads as it may have: what it has sent of the photo is then staged without a row, and
//! dropped if the request breaks off.

use std::time::Duration;

use axum::body::{Body, Bytes};
use doorstep_domain::{PhotoId, UnixMs};
use doorstep_media::{MAX_STORED, inspect_sent, photo_id, tells_position};
use futures_util::StreamExt;
use tokio::time::{Instant, sleep_until, timeout};

use super::{
    Storage,
    fault::{Progress, ReceiveError},
    looks,
    storage::Piece,
    upload::{KEPT_MS, Standing, begin, note_stored, too_many},
    upload_lock::UploadLock,
};
use crate::{
    error::ApiError,
    http::app::App,
    quota::PhotoQuota,
    random,
    store::{
        db::Db,
        uploads::{self, Key},
    },
    timeouts::STALL,
};

/// The largest number of bytes that one request holds in memory before it writes them.
const HOLD: usize = 512 * 1024;
/// The bytes of a slow connection are written after this time.
const FLUSH: Duration = Duration::from_secs(2);
/// A request that gives way waits this long for a byte that is already on its way. It ends after [`LEAVE`] in any case.
const GRACE: Duration = Duration::from_millis(100);
const LEAVE: Duration = Duration::from_secs(1);
/// Fewer bytes are not written as an object of their own while their connection lives.
const LEAST: usize = 8 * 1024;

/// The checksum that came with a chunk.
pub(crate) struct Checksum {
    pub algorithm: &'static ring::digest::Algorithm,
    pub digest: Vec<u8>,
}

/// What a request says of its body.
pub(crate) struct Coming {
    /// The offset at which it begins.
    pub from: u64,
    /// It begins an upload that does not exist, even with no bytes.
    pub opens: bool,
    /// Its length, if it names one.
    pub announced: Option<u64>,
    pub checksum: Option<Checksum>,
}

/// The pieces of a whole photo from a device that may begin no further upload. They belong to no row.
#[derive(Default)]
struct Loose {
    /// The request brings a whole photo, so its pieces may be loose.
    may_be: bool,
    /// The names of the pieces, once they are loose.
    names: Option<Vec<String>>,
}

/// What became of a piece.
enum Moved {
    /// The offset stands behind it.
    Yes,
    /// A newer request holds the fence.
    No,
    /// The device has as many unfinished uploads as it may have.
    TooMany,
}

/// One request's work on one upload.
pub(crate) struct Receiver {
    db: Db,
    storage: Storage,
    quota: PhotoQuota,
    key: Key,
    now: UnixMs,
    lock: UploadLock,
}

impl Receiver {
    pub(crate) fn of(app: &App, key: Key, now: UnixMs, lock: UploadLock) -> Self {
        let quota = PhotoQuota { rules: app.rules.clone(), device: key.1, now };
        Self { db: app.db.clone(), storage: app.storage.clone(), quota, key, now, lock }
    }

    /// Receives a body.
    pub(crate) async fn receive(self, coming: Coming, body: Body) -> Result<Progress, ReceiveError> {
        let mut loose = Loose::default();
        let received = self.receive_into(&mut loose, coming, body).await;
        self.storage.drop_pieces(&loose.names.unwrap_or_default()).await;
        received
    }

    async fn receive_into(&self, loose: &mut Loose, coming: Coming, body: Body) -> Result<Progress, ReceiveError> {
        let Coming { from, opens, announced, checksum } = coming;
        let begun = match begin(&self.db, self.key, self.now).await {
            // The upload was not continued in time: its bytes are dropped, and it begins anew.
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
        self.quota.admit(&self.db).await?;
        loose.may_be = opens && at.fence.is_none() && announced == Some(len);
        let known = if from < at.offset { self.pieces(at.fence).await? } else { Bytes::new() };
        let mut replayed = known.slice(known.len().min(from as usize)..);
        let begun_at = at.offset;
        let mut digest = checksum.as_ref().map(|checksum| ring::digest::Context::new(checksum.algorithm));
        let mut held: Vec<u8> = Vec::new();
        let mut frames = body.into_data_stream();
        let mut flush_at = Instant::now() + FLUSH;
        let mut leaves_at = None;
        // A cut body counts as far as it came. With a checksum it is one piece, all or nothing.
        let cut = loop {
            if checksum.is_some() && held.len() > HOLD {
                return Err(ApiError::TooLarge.into());
            }
            // The last byte is never written as a piece, because an offset equal to the length means a stored photo.
            let is_whole = at.offset + held.len() as u64 == len;
            if checksum.is_none() && held.len() >= HOLD && !is_whole {
                self.flush(&mut at, &mut held, loose).await?;
            }
            let may_flush = checksum.is_none() && held.len() >= LEAST && !is_whole;
            if leaves_at.is_some_and(|at| at <= Instant::now()) {
                break Some(ReceiveError::GaveWay);
            }
            let timeouts = if leaves_at.is_some() { GRACE } else { STALL };
            tokio::select! {
                biased;
                // Bytes that have already reached this machine are received first, or they would be sent again.
                () = self.lock.give_way(), if leaves_at.is_none() => leaves_at = Some(Instant::now() + LEAVE),
                () = sleep_until(flush_at), if may_flush => {
                    self.flush(&mut at, &mut held, loose).await?;
                    flush_at = Instant::now() + FLUSH;
                }
                frame = timeout(timeouts, frames.next()) => match frame {
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
                    Ok(Some(Err(_))) | Err(_) if leaves_at.is_some() => break Some(ReceiveError::GaveWay),
                    Ok(Some(Err(_))) | Err(_) => break Some(ApiError::Stalled.into()),
                }
            }
        };
        let is_whole = at.offset + held.len() as u64 == len;
        if let Some(cut) = cut.filter(|_| !is_whole || checksum.is_some()) {
            if checksum.is_none() && !held.is_empty() && loose.names.is_none() {
                self.flush(&mut at, &mut held, loose).await?;
            }
            return Err(cut);
        }
        if let Some((digest, checksum)) = digest.zip(checksum)
            && digest.finish().as_ref() != checksum.digest
        {
            return Err(ReceiveError::Checksum(here(begun_at)));
        }
        if at.offset + held.len() as u64 == len {
            return self.finish(&at, held, loose.names.as_deref()).await;
        }
        if loose.names.is_some() {
            return Err(ApiError::Stalled.into());
        }
        if !held.is_empty() || at.fence.is_none() {
            self.flush(&mut at, &mut held, loose).await?;
        }
        Ok(Progress { offset: at.offset, len, expires_at: Some(expires_at), had: false })
    }

    /// Writes the held bytes, and moves the offset if this request still holds the fence. A loose piece moves no offset that a
    /// device could ask for.
    async fn flush(&self, at: &mut Standing, held: &mut Vec<u8>, loose: &mut Loose) -> Result<(), ReceiveError> {
        let bytes = Bytes::from(std::mem::take(held));
        let (key, size, before, expires_at) = (self.key, bytes.len() as u64, at.offset, self.now.plus(KEPT_MS));
        let nonce = u64::from_be_bytes(random::bytes::<8>().ok_or(ApiError::Internal("no randomness"))?);
        let piece = if bytes.is_empty() {
            None
        } else {
            let piece = Piece { id: &key.0, device: &key.1, offset: before, nonce };
            Some(self.storage.put_piece(&piece, bytes).await?)
        };
        if let Some(names) = &mut loose.names {
            names.extend(piece);
            at.offset += size;
            return Ok(());
        }
        let (name, fence, quota) = (piece.clone(), at.fence, self.quota.clone());
        let moved = self.db.write(move |tx| {
            let moved = match fence {
                Some(fence) => uploads::advance(tx, &key, fence, (before, before + size), expires_at)?,
                None if too_many(tx, &key)? => return Ok(Moved::TooMany),
                None => uploads::begin(tx, &key, size, expires_at)?,
            };
            if moved && let Some(name) = &name {
                uploads::add_piece(tx, &key, before, name)?;
                quota.count(tx, size)?;
            }
            Ok(if moved { Moved::Yes } else { Moved::No })
        });
        let moved = moved.await;
        match moved {
            Ok(Moved::Yes) => at.fence = at.fence.or(Some(1)),
            Ok(Moved::TooMany) if loose.may_be => loose.names = Some(piece.into_iter().collect()),
            other => {
                self.storage.drop_pieces(piece.as_slice()).await;
                return Err(match other {
                    Ok(Moved::TooMany) => ApiError::Busy.into(),
                    Ok(_) => ReceiveError::GaveWay,
                    Err(error) => error.into(),
                });
            }
        }
        at.offset += size;
        Ok(())
    }

    /// The durable pieces of the upload, in order. If storage has lost one the upload begins anew.
    async fn pieces(&self, fence: Option<i64>) -> Result<Bytes, ReceiveError> {
        let key = self.key;
        let names = self.db.read(move |tx| Ok(uploads::pieces(tx, &key)?)).await?;
        match self.joined(&names).await? {
            Some(whole) => Ok(whole),
            None => {
                self.abandon(fence).await?;
                Err(ReceiveError::Unknown)
            }
        }
    }

    /// Pieces, joined; `None` if storage has lost one.
    async fn joined(&self, names: &[String]) -> Result<Option<Bytes>, ApiError> {
        let mut whole = Vec::new();
        for name in names {
            let Some(piece) = self.storage.piece(name).await? else { return Ok(None) };
            whole.extend_from_slice(&piece);
        }
        Ok(Some(whole.into()))
    }

    /// Verifies the complete photo, stores it under its hash, and notes that in one transaction.
    async fn finish(&self, at: &Standing, rest: Vec<u8>, loose: Option<&[String]>) -> Result<Progress, ReceiveError> {
        let before = match (at.offset, loose) {
            (0, _) => Bytes::new(),
            (_, Some(names)) => self.joined(names).await?.ok_or(ReceiveError::Unknown)?,
            (_, None) => self.pieces(at.fence).await?,
        };
        let whole = if before.is_empty() { rest } else { [before.as_ref(), rest.as_slice()].concat() };
        // Bytes of an upload's pieces were counted with them.
        let uncounted = if at.fence.is_some() { at.len.saturating_sub(at.offset) } else { at.len };
        let id = self.key.0;
        let (whole, seen) = tokio::task::spawn_blocking(move || {
            let seen = verify(&whole, &id);
            (Bytes::from(whole), seen)
        })
        .await
        .map_err(|_| ApiError::Internal("verifying a photo panicked"))?;
        let mime = match seen {
            Ok(mime) => mime,
            // The bytes are not the photo, so the device reads its file again and begins anew. But if a newer request has put its
            // bytes between ours, the mixture belongs to its upload and is no fault.
            Err(error) => {
                let Some(fence) = at.fence else { return Err(error) };
                let is_ours = self.abandon(Some(fence)).await?;
                return Err(if is_ours { error } else { ReceiveError::GaveWay });
            }
        };
        let looks = looks::measure(whole.clone()).await;
        self.storage.put(&id, whole).await?;
        let len = at.len;
        let counted = Some((self.quota.clone(), uncounted));
        let Some(names) = note_stored(&self.db, self.key, len, mime, self.now, counted).await? else {
            // Head office has erased the photo while it was on its way.
            self.storage.erase(&id).await?;
            return Err(ReceiveError::Erased);
        };
        self.storage.drop_pieces(&names).await;
        // The photo is stored, whatever becomes of the comparison.
        if let Err(error) = looks::note(&self.db, id, self.key.1, looks, self.now).await {
            crate::log!(warn, "a photo could not be compared", photo = id, error = error);
        }
        Ok(Progress { offset: len, len, expires_at: None, had: false })
    }

    /// Drops the upload with its pieces; with a fence only if the fence still holds. Returns whether it did.
    pub(crate) async fn abandon(&self, fence: Option<i64>) -> Result<bool, ApiError> {
        let key = self.key;
        let dropped = self.db.write(move |tx| {
            let holds = uploads::find(tx, &key)?.is_some_and(|upload| fence.is_none_or(|fence| fence == upload.fence));
            if holds { Ok(Some(uploads::drop(tx, &key)?)) } else { Ok(None) }
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

/// Checks that bytes match the photo's hash and may be stored. Returns their media type.
fn verify(bytes: &[u8], id: &PhotoId) -> Result<&'static str, ReceiveError> {
    match inspect_sent(bytes) {
        Ok(seen) if seen.id != *id => Err(ReceiveError::Hash),
        Err(_) if photo_id(bytes) != *id => Err(ReceiveError::Hash),
        Err(error) => Err(ApiError::from(error).into()),
        Ok(_) if tells_position(bytes) => Err(ApiError::PhotoPosition.into()),
        Ok(seen) => Ok(seen.format.mime()),
    }
}
