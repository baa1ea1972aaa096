//! Where bytes are: a folder by default, an S3 bucket by URL. Keys are the same in both: `photos/ab/abcd...` by hash,
//! `staging/...` for what has arrived of an upload, `quarantine/...` for what was found damaged.

use std::{path::Path as FsPath, sync::Arc};

use axum::body::Bytes;
use doorstep_domain::{DeviceId, PhotoId, UnixMs};
use futures_util::{TryStreamExt, stream::BoxStream};
use object_store::{
    Error, GetOptions, GetRange, ObjectStore, ObjectStoreExt, PutMode, PutOptions, local::LocalFileSystem, path::Path,
};

use crate::{ServeError, error::ApiError};

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

    /// Stores a photo under its hash, durably. What is there stays: it has the same hash.
    pub(crate) async fn put(&self, id: &PhotoId, bytes: Bytes) -> Result<(), ApiError> {
        let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        match self.0.put_opts(&photo(id), bytes.clone().into(), options).await {
            Ok(_) => Ok(()),
            // What lies there without a row was verified by nobody.
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

    /// A photo's bytes, or a part of them; `None` if they are not there.
    pub(crate) async fn get(&self, id: &PhotoId, range: Option<std::ops::Range<u64>>) -> Result<Option<Bytes>, ApiError> {
        let options = GetOptions { range: range.map(GetRange::Bounded), ..GetOptions::default() };
        match self.0.get_opts(&photo(id), options).await {
            Ok(found) => Ok(Some(found.bytes().await.map_err(|error| storage(&error))?)),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(storage(&error)),
        }
    }

    /// A photo's bytes, or a part of them, as they are asked for; `None` if they are not there.
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

    /// How many bytes a photo has in storage; `None` if it is not there.
    pub(crate) async fn size(&self, id: &PhotoId) -> Result<Option<u64>, ApiError> {
        match self.0.head(&photo(id)).await {
            Ok(found) => Ok(Some(found.size)),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(storage(&error)),
        }
    }

    /// Deletes a photo's bytes, on an administrator's word, those in quarantine too.
    pub(crate) async fn erase(&self, id: &PhotoId) -> Result<(), ApiError> {
        self.delete(&photo(id)).await?;
        for (key, _) in self.list(&format!("quarantine/{id}")).await? {
            self.delete(&Path::from(key)).await?;
        }
        Ok(())
    }

    /// Moves bytes that are not what their name says out of the way. They are kept: they may exist nowhere else.
    pub(crate) async fn quarantine(&self, id: &PhotoId, mark: &str) -> Result<(), ApiError> {
        match self.0.rename(&photo(id), &Path::from(format!("quarantine/{id}/{mark}"))).await {
            Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(storage(&error)),
        }
    }

    /// Stores a piece of an upload, durably, and returns its key.
    pub(crate) async fn put_piece(&self, piece: &Piece<'_>, bytes: Bytes) -> Result<String, ApiError> {
        let Piece { id, device, offset, nonce } = piece;
        let key = Path::from(format!("staging/{id}-{device}/{offset}-{nonce:016x}"));
        self.0.put(&key, bytes.into()).await.map_err(|error| storage(&error))?;
        Ok(key.to_string())
    }

    /// A piece of an upload; `None` if it is not there.
    pub(crate) async fn piece(&self, key: &str) -> Result<Option<Bytes>, ApiError> {
        match self.0.get(&Path::from(key)).await {
            Ok(found) => Ok(Some(found.bytes().await.map_err(|error| storage(&error))?)),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(storage(&error)),
        }
    }

    /// Deletes pieces. What can not be deleted now is found by the next scrub.
    pub(crate) async fn drop_pieces(&self, keys: &[String]) {
        for key in keys {
            if let Err(error) = self.delete(&Path::from(key.as_str())).await {
                crate::say!("doorstep-server: a staged piece stays: {error}");
            }
        }
    }

    /// Every key below a folder, and since when it is there.
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

/// A piece of an upload. `nonce`: two requests that write the same offset never write the same key.
pub(crate) struct Piece<'a> {
    pub id: &'a PhotoId,
    pub device: &'a DeviceId,
    pub offset: u64,
    pub nonce: u64,
}

/// Two letters of the hash first, so that no folder has a million files.
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
    // The HTTP client asks for one; whoever came first has installed the same.
    rustls::crypto::ring::default_provider().install_default().ok();
    let store = AmazonS3Builder::from_env().with_url(url).build().map_err(fault)?;
    // The part of the URL after the bucket.
    let prefix = url.strip_prefix("s3://").and_then(|rest| rest.split_once('/')).map_or("", |(_, prefix)| prefix);
    Ok(Arc::new(PrefixStore::new(store, Path::from(prefix))))
}

#[cfg(not(feature = "s3"))]
fn remote(url: &str) -> Result<Arc<dyn ObjectStore>, ServeError> {
    let _ = url;
    Err(ServeError::Photos("this program was built without S3; build it with --features s3, or leave --photos out".into()))
}
