//! Photos: content-addressed files, taken whole, verified by hash, durable before they are acknowledged.

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use doorstep_domain::{PhotoId, UnixMs};
use doorstep_media::{MAX_BYTES, MediaError, inspect};
use rusqlite::{Connection, OptionalExtension, params};

use crate::{
    db::{self, Db},
    error::ApiError,
};

fn path(folder: &Path, id: &PhotoId) -> PathBuf {
    let text = id.to_string();
    let (shelf, _) = text.split_at(2);
    folder.join("photos").join(shelf).join(text)
}

/// Takes a photo that an accepted entry names. Idempotent: the same bytes again are acknowledged again.
pub(crate) async fn put(db: &Db, id: PhotoId, bytes: axum::body::Bytes, now: UnixMs) -> Result<(), ApiError> {
    if bytes.len() > MAX_BYTES {
        return Err(MediaError::TooLarge(bytes.len()).into());
    }
    let stored: Option<Option<i64>> = db
        .read(move |db| {
            Ok(db
                .prepare_cached("SELECT stored_at FROM photo WHERE sha = ?1")?
                .query_row(params![id.as_bytes()], |row| row.get(0))
                .optional()?)
        })
        .await?;
    match stored {
        None => return Err(ApiError::PhotoUnexpected),
        Some(Some(_)) => return Ok(()),
        Some(None) => {}
    }
    let target = path(db.folder(), &id);
    let mime = tokio::task::spawn_blocking(move || {
        let photo = inspect(&bytes)?;
        if photo.id != id {
            return Err(ApiError::PhotoHash);
        }
        save(&target, &bytes)?;
        Ok(photo.format.mime())
    })
    .await
    .map_err(|_| ApiError::Internal("saving a photo panicked"))??;
    db.write(move |db| {
        db.prepare_cached("UPDATE photo SET stored_at = ?2, mime = ?3 WHERE sha = ?1")?.execute(params![
            id.as_bytes(),
            now.0,
            mime
        ])?;
        Ok(())
    })
    .await
}

/// Temporary file, fsync, rename, fsync of the folders: the row that says "stored" comes after.
fn save(target: &Path, bytes: &[u8]) -> Result<(), ApiError> {
    let folder = target.parent().ok_or(ApiError::Internal("photo path"))?;
    std::fs::create_dir_all(folder)?;
    let nonce = db::random::<8>().ok_or(ApiError::Internal("no randomness"))?;
    let partial = target.with_extension(format!("{}.partial", u64::from_be_bytes(nonce)));
    let mut file = std::fs::File::create(&partial)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&partial, target)?;
    std::fs::File::open(folder)?.sync_all()?;
    if let Some(shelves) = folder.parent() {
        std::fs::File::open(shelves)?.sync_all()?;
    }
    Ok(())
}

/// A stored photo with its media type.
pub(crate) fn get(db: &Connection, folder: &Path, id: &PhotoId) -> Result<(String, Vec<u8>), ApiError> {
    let mime: Option<String> = db
        .prepare_cached("SELECT mime FROM photo WHERE sha = ?1 AND stored_at IS NOT NULL")?
        .query_row(params![id.as_bytes()], |row| row.get(0))
        .optional()?;
    Ok((mime.ok_or(ApiError::NotFound)?, std::fs::read(path(folder, id))?))
}
