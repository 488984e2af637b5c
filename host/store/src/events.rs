//! What the platform tells of itself, written in the transaction of the change it tells of.

use host_core::{
    Name, depth,
    page::{Page, PageRequest},
};
use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use crate::{
    Store, StoreError, cursor,
    sql::{Row, Select, Tx, args},
    text,
};

/// Something that happened on the platform.
#[derive(Debug, Clone, PartialEq)]
pub struct PlatformEvent {
    /// Its identity; later ones sort after earlier ones.
    pub id: String,
    /// When.
    pub at: Timestamp,
    /// The project.
    pub project: Name,
    /// What, such as `run.finished`, `model.promoted`, `function.activated`.
    pub r#type: String,
    /// To what.
    pub subject: String,
    /// The rest.
    pub content: Value,
}

/// Tells that something happened: one deeper than what it happened in.
pub(crate) async fn tell(
    tx: &mut Tx,
    at: Timestamp,
    project: &Name,
    r#type: &'static str,
    subject: &str,
    content: Value,
) -> Result<(), StoreError> {
    let insert = "INSERT INTO platform_event (id, happened_at, project, type, subject, content, depth) VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let (id, depth) = (Uuid::now_v7().to_string(), u32::from(depth::current().saturating_add(1)));
    tx.execute(insert, args![id, at, project, r#type, subject, text::json(&content)?, depth]).await.map(drop)
}

impl Store {
    /// What happened in a project, newest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn events(&self, project: &Name, page: &PageRequest) -> Result<Page<PlatformEvent>, StoreError> {
        let start = "SELECT id, happened_at, project, type, subject, content FROM platform_event WHERE project = ?";
        let select = cursor::newest(Select::new(start, args![project]), page, "(happened_at, id) < (?, ?)")?;
        let (sql, args) = select.end("ORDER BY happened_at DESC, id DESC LIMIT ?", vec![cursor::one_more(page)]);
        let rows = self.db().rows(sql, args).await?;
        cursor::page(rows, page, read, |it| cursor::Place::write(it.at, &it.id))
    }
}

fn read(row: &Row) -> Result<PlatformEvent, StoreError> {
    Ok(PlatformEvent {
        id: row.get("id")?,
        at: row.get("happened_at")?,
        project: row.get("project")?,
        r#type: row.get("type")?,
        subject: row.get("subject")?,
        content: row.json("content")?,
    })
}
