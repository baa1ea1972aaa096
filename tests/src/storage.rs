//! The server's photo storage as a test looks at it: a folder, or the bucket that `DOORSTEP_TEST_S3` names.

use std::{path::Path as FsPath, sync::Arc};

use doorstep_domain::PhotoId;
use futures_util::TryStreamExt;
use object_store::{ObjectStore, ObjectStoreExt, local::LocalFileSystem, path::Path};

/// What a server has in storage.
pub struct Storage(Arc<dyn ObjectStore>, Option<std::path::PathBuf>);

impl Storage {
    /// The folder, or the bucket with its prefix.
    pub fn of(folder: &FsPath, url: Option<&str>) -> Self {
        match url {
            None => Self(Arc::new(LocalFileSystem::new_with_prefix(folder).unwrap()), Some(folder.to_owned())),
            Some(url) => Self(remote(url), None),
        }
    }
    /// Keys below a folder, sorted.
    pub async fn keys(&self, below: &str) -> Vec<String> {
        let found = self.0.list(Some(&Path::from(below))).map_ok(|object| object.location.to_string());
        let mut keys: Vec<String> = found.try_collect().await.unwrap();
        keys.sort();
        keys
    }
    /// A photo's bytes, if it is there.
    pub async fn photo(&self, id: &PhotoId) -> Option<Vec<u8>> {
        Some(self.0.get(&key(id)).await.ok()?.bytes().await.unwrap().to_vec())
    }
    /// Overwrites a photo.
    pub async fn write(&self, id: &PhotoId, bytes: Vec<u8>) {
        self.0.put(&key(id), bytes.into()).await.unwrap();
    }
    /// Removes everything below a folder.
    pub async fn remove_all(&self, below: &str) {
        for key in self.keys(below).await {
            self.0.delete(&Path::from(key)).await.unwrap();
        }
    }
    /// In a folder: something lies where the photo's shelf should be. A bucket has no such thing.
    pub async fn block(&self, id: &PhotoId) {
        if let Some(folder) = &self.1 {
            let shelf = folder.join("photos").join(&id.to_string()[..2]);
            std::fs::remove_dir_all(&shelf).ok();
            std::fs::create_dir_all(folder.join("photos")).unwrap();
            std::fs::write(shelf, b"in the way").unwrap();
        }
    }
    /// Takes the obstacle away again.
    pub async fn unblock(&self, id: &PhotoId) {
        if let Some(folder) = &self.1 {
            std::fs::remove_file(folder.join("photos").join(&id.to_string()[..2])).unwrap();
        }
    }
    /// Removes a photo.
    pub async fn remove(&self, id: &PhotoId) {
        self.0.delete(&key(id)).await.unwrap();
    }
}

fn key(id: &PhotoId) -> Path {
    let text = id.to_string();
    Path::from(format!("photos/{}/{text}", &text[..2]))
}

/// The bucket of this run and a prefix of its own, if the run is against S3.
pub fn bucket() -> Option<String> {
    let bucket = std::env::var("DOORSTEP_TEST_S3").ok()?;
    let mut own = [0; 8];
    getrandom::fill(&mut own).unwrap();
    Some(format!("{bucket}/{:016x}", u64::from_be_bytes(own)))
}

#[cfg(feature = "s3")]
fn remote(url: &str) -> Arc<dyn ObjectStore> {
    let store = object_store::aws::AmazonS3Builder::from_env().with_url(url).build().unwrap();
    let prefix = url.strip_prefix("s3://").unwrap().split_once('/').unwrap().1;
    Arc::new(object_store::prefix::PrefixStore::new(store, Path::from(prefix)))
}

#[cfg(not(feature = "s3"))]
fn remote(url: &str) -> Arc<dyn ObjectStore> {
    panic!("{url}: build the tests with --features s3")
}
