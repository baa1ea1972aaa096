//! Photos for the app, and their transfer. On a good link a whole photo takes one request, on a bad link it goes in chunks, and
//! after a break it continues from the server's offset.

use std::sync::{PoisonError, atomic::Ordering};

use bytes::Bytes;
use data_encoding::BASE64;
use doorstep_domain::{Capture, Clarity, PhotoId, UnixMs};
use doorstep_media::{Limits, photo_id, prepare};
use doorstep_protocol::{ErrorCode, MAX_PHOTO_QUERY, PhotoQuery, PhotoState, PhotoStates, Sha, decode, encode, seal};
use doorstep_rules::{Conditions, Unclear};
use doorstep_store::{LaneName, PhotoStanding, PhotoStatus, Questions, WaitingPhoto};
use doorstep_sync::{Event, Failure, Moved};
use reqwest::{Method, Response, StatusCode};

use crate::{
    Client, ClientError,
    drive::{Asking, Host},
    http,
    inner::{Inner, Sending},
};

/// Tries without progress after which a photo is left for the next sync.
const MOST_STUCK: u32 = 3;
/// Consecutive photos on which the server fails, after which the server counts as failing.
const MOST_BUSY: u32 = 2;
const TUS: (&str, &str) = ("tus-resumable", "1.0.0");
const CHUNK: (&str, &str) = ("content-type", "application/offset+octet-stream");

/// The check of a photo before it is recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct Look {
    /// The clarity.
    pub clarity: Clarity,
    /// Why it would not count as evidence. The app should ask for another picture.
    pub retake: Option<Unclear>,
    /// The camera's metadata.
    pub capture: Capture,
}

impl Client {
    /// Checks a picture before it is recorded: whether it is a picture, and not too blurred, dark or bright to count.
    pub fn look_at(&self, bytes: &[u8]) -> Result<Look, ClientError> {
        let prepared = prepare(bytes, self.inner.clock.zone_quarters(), &Limits::default())?;
        let rules = self.pack()?.and_then(|pack| pack.clear);
        let retake = rules.and_then(|rules| rules.fault(&prepared.clarity));
        Ok(Look { clarity: prepared.clarity, retake, capture: prepared.capture })
    }

    /// Whether there is room for a photo. Call it before the camera opens.
    pub fn has_room_for_photo(&self) -> Result<(), ClientError> {
        Ok(self.inner.store().has_room()?)
    }

    /// The states of this device's photos: the unsettled ones with the reason, or, with `all`, all of them.
    pub fn photos(&self, all: bool) -> Result<Vec<PhotoStatus>, ClientError> {
        let now = self.inner.now()?;
        let mut photos = self.inner.store().photos(&self.inner.conditions(), all, now)?;
        if let Some((id, sent)) = self.inner.sending_now() {
            let moving = photos.iter_mut().find(|photo| photo.photo == id);
            moving.into_iter().for_each(|photo| photo.standing = PhotoStanding::Sending { sent });
        }
        Ok(photos)
    }

    /// Takes the platform's state of network and battery. Photos that waited for it go at once.
    pub fn set_conditions(&self, conditions: Conditions) {
        self.inner.set_conditions(conditions);
        self.inner.wakes.connected.notify_one();
    }

    /// Sends the waiting photos now, even over a metered network, because a person wants it.
    pub fn send_photos_now(&self) -> Result<(), ClientError> {
        self.inner.store().send_now()?;
        self.inner.wakes.connected.notify_one();
        Ok(())
    }

    /// Calls a missing photo lost, because a person knows that its file does not come back, see
    /// [`doorstep_store::Store::call_photo_lost`]. `false` if it is not waiting, or its file is here.
    pub fn photo_is_lost(&self, id: PhotoId) -> Result<bool, ClientError> {
        let is_lost = self.inner.store().call_photo_lost(&id)?;
        self.inner.changed();
        Ok(is_lost)
    }

    /// Moves files that no record names aside, see [`doorstep_store::Store::sweep_orphans`].
    pub fn sweep_orphans(&self) -> Result<u32, ClientError> {
        let now = self.inner.clock.read().wall;
        Ok(self.inner.store().sweep_orphans(now)?)
    }

    /// A photo's or thumbnail's bytes, from this device or fetched now and cached. `None` if it is not at the server yet, or this
    /// device may not see it.
    pub async fn photo(&self, id: PhotoId) -> Result<Option<Vec<u8>>, ClientError> {
        let now = self.unlocked()?;
        if let Some(bytes) = self.inner.store().photo_here(&id, now)? {
            return Ok(Some(bytes));
        }
        let mut host = Host::new(&self.inner)?;
        let fetched = match host.fetch_picture(id).await {
            // A kept connection may have died unnoticed. Try once more, so that the person need not.
            Err(Failure::Network) => host.fetch_picture(id).await,
            other => other,
        };
        match fetched {
            Ok(bytes) => Ok(bytes),
            Err(Failure::Storage) => Err(host.failed.take().unwrap_or(ClientError::Internal("a picture could not be kept"))),
            Err(failure) => Err(ClientError::Network(failure)),
        }
    }
}

impl Host {
    /// Sends the next chunk of a photo. A photo that cannot be sent, or that the server refuses for good, is shown in the status
    /// and does not block others.
    pub async fn upload(&mut self, id: PhotoId, max_bytes: u64) -> Result<Event, Failure> {
        let done = Event::Moved(Moved { bytes: 0, more: false });
        let photo = self.store(move |inner| inner.store().waiting_photo(&id)).await?;
        let Some(photo) = photo else { return Ok(done) };
        let lane = if photo.thumbnail { LaneName::Thumbnails } else { LaneName::Photos };
        let offset = match (photo.sent, self.offsets.get(&id)) {
            // No byte was ever sent, so the first bytes go with the creation.
            (None, _) => None,
            (Some(_), Some(offset)) => Some(*offset),
            (Some(_), None) => match self.stand(&id).await? {
                Stand::At(offset) => Some(offset),
                Stand::Stored => return self.stored(&photo, 0).await,
                Stand::Anew => return Ok(Event::Moved(Moved { bytes: 0, more: self.is_moving(id, false) })),
                Stand::Settled => return Ok(done),
            },
        };
        let from = offset.unwrap_or(0);
        if photo.sent.is_none() {
            // Store this before the first byte leaves, so that after a kill the offset is asked for.
            self.store(move |inner| inner.store().photo_sent(&id, Some(0))).await?;
        }
        let (asking, size) = piece(&photo, offset, max_bytes);
        self.inner.now_sending(Some(Sending { photo: id, from, taken: asking.taken.clone() }));
        let sent = self.send_piece(&asking, id).await;
        self.inner.now_sending(None);
        self.account(lane, asking.taken.load(Ordering::Relaxed) as u64).await?;
        let stand = match sent {
            Ok(stand) => stand,
            // The server fails on this photo or on all. The next photo will show which.
            Err(Failure::Busy(after)) => {
                self.offsets.remove(&id);
                self.store(move |inner| inner.store().photo_failed(&id)).await?;
                self.busy += 1;
                return if self.busy < MOST_BUSY { Ok(done) } else { Err(Failure::Busy(after)) };
            }
            Err(failure) => {
                // Only the server knows how many bytes arrived.
                self.offsets.remove(&id);
                return Err(failure);
            }
        };
        match stand {
            Stand::Stored => self.stored(&photo, size).await,
            Stand::At(at) => {
                self.offsets.insert(id, at);
                self.store(move |inner| inner.store().photo_sent(&id, Some(at))).await?;
                Ok(Event::Moved(Moved { bytes: size, more: self.is_moving(id, at > from) }))
            }
            Stand::Anew => Ok(Event::Moved(Moved { bytes: size, more: self.is_moving(id, false) })),
            Stand::Settled => Ok(Event::Moved(Moved { bytes: size, more: false })),
        }
    }

    /// Whether a photo is worth another try in this sync.
    fn is_moving(&mut self, id: PhotoId, moved: bool) -> bool {
        let tries = self.stuck.entry(id).or_default();
        *tries = if moved { 0 } else { *tries + 1 };
        *tries < MOST_STUCK
    }

    async fn stored(&mut self, photo: &WaitingPhoto, bytes: u64) -> Result<Event, Failure> {
        let (id, now) = (photo.id, self.now()?);
        self.store(move |inner| inner.store().photo_stored(&id, now)).await?;
        self.photos += u64::from(!photo.thumbnail);
        self.inner.changed();
        Ok(Event::Moved(Moved { bytes, more: false }))
    }

    fn now(&mut self) -> Result<UnixMs, Failure> {
        let now = self.inner.now();
        self.keep(now)
    }

    async fn account(&mut self, lane: LaneName, bytes: u64) -> Result<(), Failure> {
        let now = self.now()?;
        if self.inner.conditions().metered {
            self.store(move |inner| inner.store().count_metered(lane, bytes, now)).await?;
        }
        Ok(())
    }

    /// Asks for the server's state of an upload.
    async fn stand(&mut self, id: &PhotoId) -> Result<Stand, Failure> {
        self.send_piece(&question(id), *id).await
    }

    async fn send_piece(&mut self, asking: &Asking, id: PhotoId) -> Result<Stand, Failure> {
        let response = self.begin_photo(asking, id).await?;
        let (offset, status) = (offset_of(&response), response.status());
        // Only an unfinished upload expires.
        let is_stored = !response.headers().contains_key("upload-expires");
        match (http::done(response, self.inner.transport.stall, &mut self.cost).await, offset) {
            (Ok(()), Some(_)) if is_stored => Ok(Stand::Stored),
            (Ok(()), Some(offset)) => Ok(Stand::At(offset)),
            (Ok(()), None) => Err(Failure::Network),
            // Another request continued the upload, or other bytes were sent; the answer has the offset.
            (Err(Failure::Refused(_)), Some(offset)) if status == StatusCode::CONFLICT => Ok(Stand::At(offset)),
            (Err(Failure::Refused(code)), _) => self.refused(id, code, status).await,
            (Err(Failure::TooLarge), _) => self.refused(id, ErrorCode::TooLarge, status).await,
            // The device has brought its share for the day, so no other photo would be taken either.
            (Err(failure), _) if status == StatusCode::TOO_MANY_REQUESTS => {
                self.busy = MOST_BUSY;
                Err(failure)
            }
            (Err(failure), _) => Err(failure),
        }
    }

    async fn refused(&mut self, id: PhotoId, code: ErrorCode, status: StatusCode) -> Result<Stand, Failure> {
        // The answer to a HEAD has no code, so use its status.
        match (&code, status) {
            (_, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::UPGRADE_REQUIRED) => Err(Failure::Refused(code)),
            // A newer request of ours is on its way.
            (ErrorCode::NewerRequest, _) => Err(Failure::Network),
            // The server does not have the entry yet, but will.
            (_, StatusCode::CONFLICT) => Ok(Stand::Settled),
            (ErrorCode::PhotoErased, _) => {
                self.store(move |inner| inner.store().let_go(&id, true)).await?;
                Ok(Stand::Settled)
            }
            // The server has no such upload, or the bytes were damaged on the way. Start over from the file, which was verified
            // when it was read.
            (_, StatusCode::NOT_FOUND | StatusCode::GONE) | (ErrorCode::PhotoHash | ErrorCode::Checksum, _) => {
                self.store(move |inner| inner.store().photo_sent(&id, None)).await?;
                self.offsets.remove(&id);
                if code == ErrorCode::PhotoHash && self.stuck.get(&id).is_some_and(|tries| tries + 1 >= MOST_STUCK) {
                    // The network path damages the bytes each time. Do not try again before the app restarts.
                    self.store(move |inner| inner.store().photo_refused(&id, &code)).await?;
                }
                Ok(Stand::Anew)
            }
            _ => {
                self.store(move |inner| inner.store().photo_refused(&id, &code)).await?;
                Ok(Stand::Settled)
            }
        }
    }

    /// Asks for the states of photos that may be deleted here, and of thumbnails that this device wants to fetch.
    pub async fn ask(&mut self) -> Result<Event, Failure> {
        let now = self.now()?;
        let Questions { own, others } = self.store(move |inner| inner.store().questions(&inner.conditions(), now)).await?;
        let photos: Vec<PhotoId> = own.iter().chain(&others).copied().take(MAX_PHOTO_QUERY).collect();
        let query = PhotoQuery { photos: photos.iter().map(|id| Sha(*id)).collect() };
        let body = encode(&query).and_then(|body| seal(&body)).map_err(|_| Failure::Storage)?;
        let states = match self.call(&Asking::post("/v1/photos/states", body)).await {
            Ok(Some(bytes)) => decode::<PhotoStates>(&bytes).map_err(|_| Failure::Network)?.states,
            // A revoked device may not ask.
            Ok(None) | Err(Failure::Refused(_)) => vec![],
            Err(failure) => return Err(failure),
        };
        self.store(move |inner| inner.store().asked_about(&others, now)).await?;
        let mut pictures = Vec::new();
        for (id, state) in photos.into_iter().zip(states) {
            match (own.contains(&id), state) {
                (true, PhotoState::Stored | PhotoState::Erased) => {
                    self.store(move |inner| inner.store().let_go(&id, state == PhotoState::Erased)).await?;
                }
                // It counted as stored but is missing at the server.
                (true, PhotoState::Pending | PhotoState::Overdue | PhotoState::Lost | PhotoState::Void) => {
                    self.store(move |inner| inner.store().photo_missed(&id)).await?;
                }
                (false, PhotoState::Stored) if !self.store(move |inner| inner.store().has_picture(&id)).await? => {
                    pictures.push(id);
                }
                (false, PhotoState::Lost | PhotoState::Void | PhotoState::Erased) => {
                    self.store(move |inner| inner.store().forget_picture(&id)).await?;
                }
                _ => {}
            }
        }
        Ok(Event::Told(pictures))
    }

    /// Fetches a photo into the cache.
    pub async fn download(&mut self, id: PhotoId) -> Result<Event, Failure> {
        let bytes = self.fetch_picture(id).await?.map_or(0, |bytes| bytes.len() as u64);
        self.account(LaneName::Downloads, bytes).await?;
        self.inner.changed();
        Ok(Event::Moved(Moved { bytes: 0, more: false }))
    }

    /// Fetches a photo's bytes. Bytes that do not match the hash are discarded.
    async fn fetch_picture(&mut self, id: PhotoId) -> Result<Option<Vec<u8>>, Failure> {
        let response = self.begin(&Asking::get(format!("/v1/photos/{id}"))).await?;
        let bytes = match http::picture(response, self.inner.transport.stall, &mut self.cost).await {
            Ok(bytes) if photo_id(&bytes) == id => bytes,
            Ok(_) => return Err(Failure::Network),
            Err(Failure::Refused(_)) => return Ok(None),
            Err(failure) => return Err(failure),
        };
        let now = self.now()?;
        let kept = bytes.clone();
        self.store(move |inner| inner.store().keep_picture(&id, &kept, now)).await?;
        Ok(Some(bytes))
    }
}

/// The server's state of an upload.
enum Stand {
    /// The server has this many bytes of the upload.
    At(u64),
    /// The server has the whole photo, verified.
    Stored,
    /// The server has nothing; the upload starts over.
    Anew,
    /// Nothing more can be sent now.
    Settled,
}

/// The question for the server's state of an upload.
pub(crate) fn question(id: &PhotoId) -> Asking {
    let headers = vec![(TUS.0, TUS.1.to_owned())];
    Asking { method: Method::HEAD, headers, ..Asking::get(format!("/v1/photos/{id}")) }
}

pub(crate) fn offset_of(response: &Response) -> Option<u64> {
    response.headers().get("upload-offset")?.to_str().ok()?.parse().ok()
}

/// Builds the request with the next bytes; the first bytes go with the creation. Chunks carry no checksum, because then a broken
/// chunk would be lost as a whole. TCP and TLS protect the bytes, and the whole photo's hash decides anyway.
fn piece(photo: &WaitingPhoto, offset: Option<u64>, max_bytes: u64) -> (Asking, u64) {
    let from = offset.unwrap_or(0).min(photo.bytes.len() as u64) as usize;
    let rest = photo.bytes.get(from..).unwrap_or_default();
    let size = rest.len().min(usize::try_from(max_bytes).unwrap_or(usize::MAX));
    let body = Bytes::copy_from_slice(rest.get(..size).unwrap_or_default());
    let mut headers = vec![(TUS.0, TUS.1.to_owned()), (CHUNK.0, CHUNK.1.to_owned())];
    let (method, path) = match offset {
        Some(offset) => {
            headers.push(("upload-offset", offset.to_string()));
            (Method::PATCH, format!("/v1/photos/{}", photo.id))
        }
        None => {
            headers.push(("upload-length", photo.bytes.len().to_string()));
            headers.push(("upload-metadata", format!("sha256 {}", BASE64.encode(photo.id.to_string().as_bytes()))));
            (Method::POST, "/v1/photos".to_owned())
        }
    };
    (Asking { method, headers, body, ..Asking::get(path) }, size as u64)
}

impl Inner {
    pub fn conditions(&self) -> Conditions {
        *self.photos.platform.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_conditions(&self, conditions: Conditions) {
        *self.photos.platform.lock().unwrap_or_else(PoisonError::into_inner) = conditions;
    }

    fn now_sending(&self, sending: Option<Sending>) {
        *self.photos.sending.lock().unwrap_or_else(PoisonError::into_inner) = sending;
        self.changed();
    }

    fn sending_now(&self) -> Option<(PhotoId, u64)> {
        let sending = self.photos.sending.lock().unwrap_or_else(PoisonError::into_inner).clone()?;
        let taken = sending.taken.load(Ordering::Relaxed) as u64;
        Some((sending.photo, sending.from + taken))
    }
}
