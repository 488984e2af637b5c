//! Who changed what: written with the change itself, in one transaction.

use host_core::{
    Name,
    identity::Principal,
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

tokio::task_local! {
    /// Whoever asked for what this task does.
    static PRINCIPAL: Principal;
}

/// Does `work`; every change it makes is put down to the token and the address of `principal`.
///
/// Rooms between a request and the store hand on a name and no more. This keeps the rest at hand without going through
/// each of their signatures; what is done in a task of its own has no token and no address on record.
pub async fn on_behalf_of<F: Future>(principal: Principal, work: F) -> F::Output {
    PRINCIPAL.scope(principal, work).await
}

/// The name of whoever asked for what this task does.
pub(crate) fn whoever() -> String {
    PRINCIPAL.try_with(|it| it.name.clone()).unwrap_or_else(|_| Principal::local().name)
}

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
        let deed = HostDeed { who: self.who, action: self.action, subject: self.subject };
        deed.record_in(tx, self.project.as_str(), at, details).await
    }
}

/// Who does something to the whole host, or to every project.
pub(crate) struct HostDeed<'a> {
    pub(crate) who: &'a str,
    pub(crate) action: &'static str,
    pub(crate) subject: &'a str,
}

impl HostDeed<'_> {
    /// Writes it down, in one project where it concerns one.
    pub(crate) async fn record(
        &self,
        tx: &mut Tx,
        project: Option<&Name>,
        at: Timestamp,
        details: Value,
    ) -> Result<(), StoreError> {
        self.record_in(tx, project.map_or("", Name::as_str), at, details).await
    }

    async fn record_in(&self, tx: &mut Tx, project: &str, at: Timestamp, details: Value) -> Result<(), StoreError> {
        let insert = "INSERT INTO audit_event (id, happened_at, who, token, from_address, action, project, subject, details) \
                      VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
        let id = Uuid::now_v7().to_string();
        let (token, from) = PRINCIPAL.try_with(|it| (it.token, it.from)).unwrap_or_default();
        let args = args![id, at, self.who, token, from, self.action, project, self.subject, text::json(&details)?];
        tx.execute(insert, args).await.map(drop)
    }
}

macro_rules! select_audit {
    ($condition:literal) => {
        concat!(
            "SELECT id, happened_at, who, token, from_address, action, project, subject, details FROM audit_event WHERE ",
            $condition
        )
    };
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
        self.audit_of(Select::new(select_audit!("project = ?"), args![project]), subject, page).await
    }

    /// What was changed in any project and of the host itself, newest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn audit_everywhere(
        &self,
        subject: Option<&str>,
        page: &PageRequest,
    ) -> Result<Page<AuditEvent>, StoreError> {
        self.audit_of(Select::new(select_audit!("1 = 1"), vec![]), subject, page).await
    }

    async fn audit_of(
        &self,
        select: Select,
        subject: Option<&str>,
        page: &PageRequest,
    ) -> Result<Page<AuditEvent>, StoreError> {
        let select = cursor::newest(select.when("subject = ?", subject), page, "(happened_at, id) < (?, ?)")?;
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
    let project: String = row.get("project")?;
    let project = Some(project).filter(|it| !it.is_empty()).map(|it| it.parse()).transpose();
    Ok(AuditEvent {
        at: row.get("happened_at")?,
        who: row.get("who")?,
        token: row.get("token")?,
        from: row.get("from_address")?,
        action: row.get("action")?,
        project: project.map_err(|error: host_core::name::InvalidName| StoreError::Damaged {
            column: "project".into(),
            reason: error.to_string(),
        })?,
        subject: row.get("subject")?,
        details: row.json("details")?,
    })
}
