//! Sends the next bytes of a photo over networks that block PATCH. Some proxies refuse the method or cut the connection. tus lets a
//! POST say that it means PATCH.

use std::sync::{PoisonError, atomic::Ordering};

use doorstep_domain::PhotoId;
use doorstep_protocol::METHOD_HEADER;
use doorstep_sync::Failure;
use reqwest::{Method, Response, StatusCode};

use crate::{
    drive::{Asking, Host},
    http::is_from_us,
    photos::{offset_of, question},
};

impl Host {
    /// Makes a request about a photo, up to the answer's headers. Where PATCH does not pass, it is sent as a POST, and from then on
    /// at once for as long as the process runs.
    pub(crate) async fn begin_photo(&mut self, asking: &Asking, id: PhotoId) -> Result<Response, Failure> {
        if asking.method != Method::PATCH {
            return self.begin(asking).await;
        }
        if self.inner.photos.patch_is_blocked.load(Ordering::Relaxed) {
            return self.begin(&as_post(asking)).await;
        }
        let first = self.begin(asking).await;
        let is_blocked = match &first {
            Ok(response) => !is_from_us(response) || is_of_method(response.status()),
            Err(Failure::Network) => self.only_patch_broke(asking, id).await,
            Err(_) => false,
        };
        if !is_blocked {
            return first;
        }
        let second = self.begin(&as_post(asking)).await;
        match second {
            Ok(response) if is_from_us(&response) && !is_of_method(response.status()) => {
                self.inner.photos.patch_is_blocked.store(true, Ordering::Relaxed);
                Ok(response)
            }
            // The network as a whole fails, or the server is too old for a POST.
            _ => first,
        }
    }

    /// Whether a PATCH for these bytes broke off for the second time, another request about the photo passes, and none of the bytes
    /// has arrived. Any connection may break off once, and a POST would then send the bytes twice.
    async fn only_patch_broke(&mut self, asking: &Asking, id: PhotoId) -> bool {
        let from = asking.headers.iter().find(|(name, _)| *name == "upload-offset").and_then(|(_, at)| at.parse::<u64>().ok());
        let here = from.map(|from| (id, from));
        let before = std::mem::replace(&mut *self.inner.photos.patch_broke.lock().unwrap_or_else(PoisonError::into_inner), here);
        if here.is_none() || before != here {
            return false;
        }
        let answer = self.begin(&question(&id)).await;
        answer.is_ok_and(|response| is_from_us(&response) && response.status().is_success() && offset_of(&response) == from)
    }
}

/// Whether a status is about the request's method.
fn is_of_method(status: StatusCode) -> bool {
    matches!(status, StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_IMPLEMENTED)
}

/// The same request as a POST that means PATCH.
fn as_post(asking: &Asking) -> Asking {
    let mut headers = asking.headers.clone();
    headers.push((METHOD_HEADER, "PATCH".to_owned()));
    Asking { method: Method::POST, headers, ..asking.clone() }
}
