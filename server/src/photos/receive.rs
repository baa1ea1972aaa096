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
use tokio::time::{Instant, sleep_until, timeout};

use super::{
    Storage,
    fault::{Progress, ReceiveError},
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

/// Most bytes that one request holds in memory before it writes them down.
const HOLD: usize = 512 * 1024;
/// Bytes of a slow link are written down after so long.
const FLUSH: Duration = Duration::from_secs(2);
/// A request that gives way waits so long for a byte that is already on its way, and leaves after so long whatever comes.
const GRACE: Duration = Duration::from_millis(100);
const LEAVE: Duration = Duration::from_secs(1);
/// Fewer bytes are not worth an object of their own while their connection lives.
const LEAST: usize = 8 * 1024;

/// A chunk's checksum as it was sent with it.
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
    /// Takes a body that begins at an offset. `opens`: an upload that is not begun is begun, even by no bytes.
    pub(crate) async fn receive(
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
        let mut leaves_at = None;
        // A body that is cut off counts as far as it came; with a checksum it is one piece, all or nothing.
        let cut = loop {
            if checksum.is_some() && held.len() > HOLD {
                return Err(ApiError::TooLarge.into());
            }
            // The last byte is never written down as a piece: an offset that is the length means a stored photo.
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
                // What has already reached this machine is taken first, or it would be sent again.
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

    /// Writes down what is held, and moves the offset if this request still may.
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

    /// What is durable of the upload, in order. If storage has lost some of it the upload begins anew.
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
