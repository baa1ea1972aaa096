//! The storage of bytes: a folder by default, or an S3 bucket by URL. The keys are the same in both: `photos/ab/abcd...` by hash,
//! `staging/...` for the pieces of an upload, `quarantine/...` for damaged bytes.

use std::{path::Path as FsPath, sync::Arc};

use axum::body::Bytes;
use doorstep_domain::{DeviceId, PhotoId, UnixMs};
use futures_util::{TryStreamExt, stream::BoxStream};
use object_store::{
    Error, GetOptions, GetRange, ObjectStore, ObjectStoreExt, PutMode, PutOptions, local::LocalFileSystem, path::Path,
};

use crate::{ServeError, error::ApiError, log};

/// The storage of photos' bytes. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Storage(Arc<dyn ObjectStore>);

impl Storage {
    /// A folder, or the URL of a bucket: `s3://bucket/prefix`, with credentials from the usual AWS variables.
    pub(crate) fn open(folder: &FsPath, url: Option<&str>) -> Result<Self, ServeError> {
        match url {
            None => {
                let at_folder = |source| ServeError::Folder { folder: folder.to_owned(), source };
                doorstep_private::make_folder(folder).map_err(at_folder)?;
                let local = LocalFileSystem::new_with_prefix(folder).map_err(|error| ServeError::Photos(error.to_string()))?;
                Ok(Self(Arc::new(local.with_fsync(true))))
            }
            Some(url) => remote(url).map(Self),
        }
    }

    /// Stores a photo under its hash, durably. An existing object with the same bytes stays.
    pub(crate) async fn put(&self, id: &PhotoId, bytes: Bytes) -> Result<(), ApiError> {
        let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        match self.0.put_opts(&photo(id), bytes.clone().into(), options).await {
            Ok(_) => Ok(()),
            // An object without a row was never verified.
            Err(Error::AlreadyExists { .. }) => match self.get(id, None).await? {
                Some(there) if there == bytes => Ok(()),
                _ => {
                    self.quarantine(id, "found").await?;
                    self.0.put(&photo(id), bytes.into()).await.map(|_| ()).map_err(|error| storage(&error))
                }
            },
            Err(error) => Err(storage(&error)),
        }
    }

    /// A photo's bytes or a range of them; `None` if it is not in storage.
    pub(crate) async fn get(&self, id: &PhotoId, range: Option<std::ops::Range<u64>>) -> Result<Option<Bytes>, ApiError> {
        let options = GetOptions { range: range.map(GetRange::Bounded), ..GetOptions::default() };
        match self.0.get_opts(&photo(id), options).await {
            Ok(found) => Ok(Some(found.bytes().await.map_err(|error| storage(&error))?)),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(storage(&error)),
        }
    }

    /// A photo's bytes or a range of them, as a stream; `None` if it is not in storage.
    pub(crate) async fn stream(
        &self,
        id: &PhotoId,
        range: Option<std::ops::Range<u64>>,
    ) -> Result<Option<BoxStream<'static, Result<Bytes, Error>>>, ApiError> {
        let options = GetOptions { range: range.map(GetRange::Bounded), ..GetOptions::default() };
        match self.0.get_opts(&photo(id), options).await {
            Ok(found) => Ok(Some(found.into_stream())),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(storage(&error)),
        }
    }

    /// The length of a photo in storage; `None` if it is not there.
    pub(crate) async fn size(&self, id: &PhotoId) -> Result<Option<u64>, ApiError> {
        match self.0.head(&photo(id)).await {
            Ok(found) => Ok(Some(found.size)),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(storage(&error)),
        }
    }

    /// Deletes a photo's bytes at an administrator's request, in quarantine too.
    pub(crate) async fn erase(&self, id: &PhotoId) -> Result<(), ApiError> {
        self.delete(&photo(id)).await?;
        for (key, _) in self.list(&format!("quarantine/{id}")).await? {
            self.delete(&Path::from(key)).await?;
        }
        Ok(())
    }

    /// Moves bytes that do not match their name out of the way. They are not deleted, because they may exist nowhere else.
    pub(crate) async fn quarantine(&self, id: &PhotoId, mark: &str) -> Result<(), ApiError> {
        match self.0.rename(&photo(id), &Path::from(format!("quarantine/{id}/{mark}"))).await {
            Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(storage(&error)),
        }
    }

    /// Stores a piece of an upload durably and returns its key.
    pub(crate) async fn put_piece(&self, piece: &Piece<'_>, bytes: Bytes) -> Result<String, ApiError> {
        let Piece { id, device, offset, nonce } = piece;
        let key = Path::from(format!("staging/{id}-{device}/{offset}-{nonce:016x}"));
        self.0.put(&key, bytes.into()).await.map_err(|error| storage(&error))?;
        Ok(key.to_string())
    }

    /// Reads a piece of an upload; `None` if it is not there.
    pub(crate) async fn piece(&self, key: &str) -> Result<Option<Bytes>, ApiError> {
        match self.0.get(&Path::from(key)).await {
            Ok(found) => Ok(Some(found.bytes().await.map_err(|error| storage(&error))?)),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(storage(&error)),
        }
    }

    /// Deletes pieces. The next scrub deletes those that can not be deleted now.
    pub(crate) async fn drop_pieces(&self, keys: &[String]) {
        for key in keys {
            if let Err(error) = self.delete(&Path::from(key.as_str())).await {
                log!(warn, "a staged piece stays", error = error);
            }
        }
    }

    /// Lists every key below a folder with its time of writing.
    pub(crate) async fn list(&self, below: &str) -> Result<Vec<(String, UnixMs)>, ApiError> {
        let found = self.0.list(Some(&Path::from(below)));
        let told = found.map_ok(|object| (object.location.to_string(), UnixMs(object.last_modified.timestamp_millis())));
        told.try_collect().await.map_err(|error| storage(&error))
    }

    async fn delete(&self, key: &Path) -> Result<(), ApiError> {
        match self.0.delete(key).await {
            Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(storage(&error)),
        }
    }
}

/// A piece of an upload. The `nonce` gives two requests that write the same offset different keys.
pub(crate) struct Piece<'a> {
    pub id: &'a PhotoId,
    pub device: &'a DeviceId,
    pub offset: u64,
    pub nonce: u64,
}

/// The first two letters of the hash are a folder, so that no folder has a million files.
fn photo(id: &PhotoId) -> Path {
    let text = id.to_string();
    let (shelf, _) = text.split_at(2);
    Path::from(format!("photos/{shelf}/{text}"))
}

fn storage(error: &Error) -> ApiError {
    ApiError::Storage(error.to_string())
}

#[cfg(feature = "s3")]
fn remote(url: &str) -> Result<Arc<dyn ObjectStore>, ServeError> {
    use object_store::{aws::AmazonS3Builder, prefix::PrefixStore};

    let fault = |error: Error| ServeError::Photos(error.to_string());
    // The HTTP client needs one. If another one was installed first, it is the same.
    rustls::crypto::ring::default_provider().install_default().ok();
    let store = AmazonS3Builder::from_env().with_url(url).build().map_err(fault)?;
    // The prefix is the part of the URL after the bucket.
    let prefix = url.strip_prefix("s3://").and_then(|rest| rest.split_once('/')).map_or("", |(_, prefix)| prefix);
    Ok(Arc::new(PrefixStore::new(store, Path::from(prefix))))
}

#[cfg(not(feature = "s3"))]
fn remote(url: &str) -> Result<Arc<dyn ObjectStore>, ServeError> {
    let _ = url;
    Err(ServeError::Photos("this program was built without S3; build it with --features s3, or leave --photos out".into()))
}

#[cfg(test)]
mod tests {
    use axum::{http::StatusCode, http::header, response::IntoResponse};

    use super::*;

    #[test]
    fn a_full_disk_of_photos_tells_the_device_when_to_come_back() {
        let full = std::io::Error::from(std::io::ErrorKind::StorageFull);
        let answer = storage(&Error::Generic { store: "LocalFileSystem", source: Box::new(full) }).into_response();
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(answer.headers().contains_key(header::RETRY_AFTER));
    }
}
