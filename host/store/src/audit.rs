//! Who changed what: written with the change itself, in one transaction.

use host_core::{
    Name,
    page::{Page, PageRequest},
    record::AuditEvent,
};
use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use crate::{
    Store, StoreError, cursor,
    sql::{Row, Select, Tx, args},
    text,
};

/// Who does something to what.
pub(crate) struct Deed<'a> {
    pub(crate) who: &'a str,
    pub(crate) action: &'static str,
    pub(crate) project: &'a Name,
    pub(crate) subject: &'a str,
}

impl Deed<'_> {
    /// Writes it down.
    pub(crate) async fn record(&self, tx: &mut Tx, at: Timestamp, details: Value) -> Result<(), StoreError> {
        let insert = "INSERT INTO audit_event (id, happened_at, who, action, project, subject, details) \
                      VALUES ($1, $2, $3, $4, $5, $6, $7)";
        let id = Uuid::now_v7().to_string();
        let args = args![id, at, self.who, self.action, self.project, self.subject, text::json(&details)?];
        tx.execute(insert, args).await.map(drop)
    }
}

impl Store {
    /// What was changed in a project, newest first; of one subject only, where it is named.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn audit(
        &self,
        project: &Name,
        subject: Option<&str>,
        page: &PageRequest,
    ) -> Result<Page<AuditEvent>, StoreError> {
        let start = "SELECT id, happened_at, who, action, project, subject, details FROM audit_event WHERE project = ?";
        let select = Select::new(start, args![project]).when("subject = ?", subject);
        let select = cursor::newest(select, page, "(happened_at, id) < (?, ?)")?;
        let (sql, args) = select.end("ORDER BY happened_at DESC, id DESC LIMIT ?", vec![cursor::one_more(page)]);
        let rows = self.db().rows(sql, args).await?;
        let page = cursor::page(
            rows,
            page,
            |row| Ok((row.get::<String>("id")?, read(row)?)),
            |(id, it)| cursor::Place::write(it.at, id),
        )?;
        Ok(page.map(|(_, event)| event))
    }
}

fn read(row: &Row) -> Result<AuditEvent, StoreError> {
    Ok(AuditEvent {
        at: row.get("happened_at")?,
        who: row.get("who")?,
        action: row.get("action")?,
        project: row.get("project")?,
        subject: row.get("subject")?,
        details: row.json("details")?,
    })
}
