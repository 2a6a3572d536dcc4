//! Which files were moved to storage of the user's own, and how it is reached.

use rusqlite::{OptionalExtension, params};

use super::{Store, StoreError};
use crate::api::CloudPlace;

/// A file that is, or may be, in storage of the user's own.
pub struct Away {
    /// How it is called there.
    pub name: String,
    /// All of it is there: it was read back. Otherwise perhaps nothing is.
    pub whole: bool,
    /// Where.
    pub place: CloudPlace,
}

impl Store {
    /// The number of a place. What it needs to be reached is kept anew.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn keep_cloud(&mut self, place: &CloudPlace) -> Result<i64, StoreError> {
        let access = serde_json::to_vec(place).expect("texts can be written as JSON");
        let sql = "INSERT INTO cloud (place, access, used) VALUES (?1, ?2, (SELECT ifnull(max(used), 0) + 1 FROM cloud))
                   ON CONFLICT (place) DO UPDATE SET access = excluded.access, used = excluded.used RETURNING id";
        let mut statement = self.connection.prepare_cached(sql)?;
        Ok(statement.query_row(params![place.name(), access], |row| row.get(0))?)
    }

    /// The place that was named last.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn last_cloud(&self) -> Result<Option<CloudPlace>, StoreError> {
        let mut statement =
            self.connection.prepare_cached("SELECT access FROM cloud ORDER BY used DESC LIMIT 1")?;
        let access: Option<Vec<u8>> = statement.query_row([], |row| row.get(0)).optional()?;
        Ok(access.and_then(|access| serde_json::from_slice(&access).ok()))
    }

    /// A file will be, or is, in a place under a name.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn keep_away(
        &mut self,
        digest: &[u8; 32],
        cloud: i64,
        name: &str,
        whole: bool,
    ) -> Result<(), StoreError> {
        let sql = "INSERT OR REPLACE INTO away (digest, cloud, name, whole) VALUES (?1, ?2, ?3, ?4)";
        self.connection.prepare_cached(sql)?.execute(params![digest, cloud, name, whole])?;
        Ok(())
    }

    /// Where a file is besides here, and the number of that place.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn away(&self, digest: &[u8; 32]) -> Result<Option<(i64, Away)>, StoreError> {
        let sql = "SELECT away.name, away.whole, cloud.access, cloud.id FROM away JOIN cloud ON cloud.id = away.cloud
                   WHERE digest = ?1";
        let mut statement = self.connection.prepare_cached(sql)?;
        let read = |row: &rusqlite::Row<'_>| {
            Ok((row.get::<_, i64>(3)?, row.get(0)?, row.get(1)?, row.get::<_, Vec<u8>>(2)?))
        };
        let found = statement.query_row([digest], read).optional()?;
        Ok(found.and_then(|(id, name, whole, access)| {
            Some((id, Away { name, whole, place: serde_json::from_slice(&access).ok()? }))
        }))
    }

    /// It is not there any more.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn forget_away(&mut self, digest: &[u8; 32]) -> Result<(), StoreError> {
        self.connection.prepare_cached("DELETE FROM away WHERE digest = ?1")?.execute([digest])?;
        Ok(())
    }

    /// Every file that is, or may be, elsewhere; whether it surely is.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn all_away(&self) -> Result<Vec<([u8; 32], bool)>, StoreError> {
        let mut statement =
            self.connection.prepare_cached("SELECT digest, whole FROM away ORDER BY digest")?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}
