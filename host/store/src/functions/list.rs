//! Lists functions and revisions, for the control plane.

use std::sync::Arc;

use host_core::{
    Name, RevisionId,
    function::Revision,
    page::{Page, PageRequest},
};
use jiff::Timestamp;

use super::{read, select_revision};
use crate::{
    Store, StoreError, cursor,
    sql::{Select, args},
};

/// When a revision began to answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Activation {
    /// The revision.
    pub revision: RevisionId,
    /// Its number.
    pub number: u64,
    /// When.
    pub at: Timestamp,
    /// Who made it so.
    pub who: String,
    /// Why.
    pub reason: String,
}

impl Store {
    /// The functions of a project that are in service, each by its active revision, in order of name.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn functions(&self, project: &Name, page: &PageRequest) -> Result<Page<Arc<Revision>>, StoreError> {
        let start = select_revision!("JOIN function f ON f.active = r.id WHERE f.project = ?");
        let select = Select::new(start, args![project]).when("f.name > ?", page.after.as_deref());
        let (sql, args) = select.end("ORDER BY f.name LIMIT ?", vec![cursor::one_more(page)]);
        let rows = self.db().rows(sql, args).await?;
        cursor::page(rows, page, read, |it| it.function.to_string())
    }

    /// The revisions of a function, newest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn revisions(
        &self,
        project: &Name,
        function: &Name,
        page: &PageRequest,
    ) -> Result<Page<Arc<Revision>>, StoreError> {
        let start = select_revision!("WHERE r.project = ? AND r.function = ?");
        let after =
            page.after.as_deref().map(|text| text.parse::<u64>().map_err(|_| StoreError::Cursor(text.to_owned())));
        let select = Select::new(start, args![project, function]).when("r.number < ?", after.transpose()?);
        let (sql, args) = select.end("ORDER BY r.number DESC LIMIT ?", vec![cursor::one_more(page)]);
        let rows = self.db().rows(sql, args).await?;
        cursor::page(rows, page, read, |it| it.number.to_string())
    }

    /// Which revisions of a function answered, newest first: at most a thousand.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn activations(&self, project: &Name, function: &Name) -> Result<Vec<Activation>, StoreError> {
        let sql = "SELECT a.revision, r.number, a.activated_at, a.activated_by, a.reason FROM activation a \
                   JOIN revision r ON r.id = a.revision WHERE a.project = $1 AND a.function = $2 \
                   ORDER BY a.activated_at DESC, a.id DESC LIMIT 1000";
        let rows = self.db().rows(sql, args![project, function]).await?;
        let read = |row: &crate::sql::Row| {
            Ok(Activation {
                revision: row.get("revision")?,
                number: row.get("number")?,
                at: row.get("activated_at")?,
                who: row.get("activated_by")?,
                reason: row.get("reason")?,
            })
        };
        rows.iter().map(read).collect()
    }
}
