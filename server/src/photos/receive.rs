//! Receives bytes (protocol design, section 8). An answered offset is a promise: the bytes before it are durable and are never
//! needed again. So an offset never goes back; repeated bytes are compared and skipped; a cut body counts as far as it came; and
//! only a request that still holds the fence of the upload's row can move its offset.
//!
//! A photo that arrives whole in one request needs no row until it is stored: one object, one transaction.

use std::time::Duration;

use axum::body::{Body, Bytes};
use doorstep_domain::{PhotoId, UnixMs};
use doorstep_media::{Format, MAX_STORED, MediaError, inspect, photo_id, tells_position};
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

/// One request's work on one upload.
pub(crate) struct Receiver {
    pub db: Db,
    pub storage: Storage,
    pub key: Key,
    pub now: UnixMs,
    pub lock: UploadLock,
}

impl Receiver {
    /// Receives a body that begins at an offset. `opens` begins an upload that does not exist, even with no bytes.
    pub(crate) async fn receive(
        self,
        from: u64,
        opens: bool,
        checksum: Option<Checksum>,
        body: Body,
    ) -> Result<Progress, ReceiveError> {
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
                self.flush(&mut at, &mut held).await?;
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
                    self.flush(&mut at, &mut held).await?;
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
            if checksum.is_none() && !held.is_empty() {
                self.flush(&mut at, &mut held).await?;
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
            self.flush(&mut at, &mut held).await?;
        }
        Ok(Progress { offset: at.offset, len, expires_at: Some(expires_at), had: false })
    }

    /// Writes the held bytes, and moves the offset if this request still holds the fence.
    async fn flush(&self, at: &mut Standing, held: &mut Vec<u8>) -> Result<(), ReceiveError> {
        let bytes = Bytes::from(std::mem::take(held));
        let (key, size, before, expires_at) = (self.key, bytes.len() as u64, at.offset, self.now.plus(KEPT_MS));
        let nonce = u64::from_be_bytes(random::bytes::<8>().ok_or(ApiError::Internal("no randomness"))?);
        let piece = if bytes.is_empty() {
            None
        } else {
            let piece = Piece { id: &key.0, device: &key.1, offset: before, nonce };
            Some(self.storage.put_piece(&piece, bytes).await?)
        };
        let (name, fence) = (piece.clone(), at.fence);
        let moved = self.db.write(move |tx| {
            let moved = match fence {
                Some(fence) => uploads::advance(tx, &key, fence, (before, before + size), expires_at)?,
                None if too_many(tx, &key)? => return Err(ApiError::Busy),
                None => uploads::begin(tx, &key, size, expires_at)?,
            };
            if moved && let Some(name) = &name {
                uploads::add_piece(tx, &key, before, name)?;
            }
            Ok(moved)
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

    /// The durable pieces of the upload, in order. If storage has lost one the upload begins anew.
    async fn pieces(&self, fence: Option<i64>) -> Result<Bytes, ReceiveError> {
        let mut whole = Vec::new();
        let key = self.key;
        for name in self.db.read(move |tx| Ok(uploads::pieces(tx, &key)?)).await? {
            let Some(piece) = self.storage.piece(&name).await? else {
                self.abandon(fence).await?;
                return Err(ReceiveError::Unknown);
            };
            whole.extend_from_slice(&piece);
        }
        Ok(whole.into())
    }

    /// Verifies the complete photo, stores it under its hash, and notes that in one transaction.
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
        let Some(names) = note_stored(&self.db, self.key, len, mime, self.now).await? else {
            // Head office has erased the photo while it was on its way.
            self.storage.erase(&id).await?;
            return Err(ReceiveError::Erased);
        };
        self.storage.drop_pieces(&names).await;
        // The photo is stored, whatever becomes of the comparison.
        if let Err(error) = looks::note(&self.db, id, self.key.1, looks, self.now).await {
            crate::say!("doorstep-server: a photo could not be compared: {error}");
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
    match inspect(bytes) {
        Ok(seen) if seen.id != *id => Err(ReceiveError::Hash),
        Err(_) if photo_id(bytes) != *id => Err(ReceiveError::Hash),
        Err(error) => Err(ApiError::from(error).into()),
        // Devices make only JPEG. Another format could hide a position in a place that is not checked here.
        Ok(seen) if seen.format != Format::Jpeg => Err(ApiError::from(MediaError::NotAPhoto).into()),
        Ok(_) if tells_position(bytes) => Err(ApiError::PhotoPosition.into()),
        Ok(seen) => Ok(seen.format.mime()),
    }
}
