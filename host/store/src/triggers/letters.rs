//! Events that were given up: kept once, listed newest first, noted when they were replayed.

use std::collections::BTreeMap;

use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use host_core::{
    Name,
    event::Event,
    page::{Page, PageRequest},
    ports::{DeadLetter, DeadLetters, SourceError, TriggerId},
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    Store, StoreError,
    audit::Deed,
    cursor,
    sql::{Arg, Row, Select, args, placeholders},
    text,
};

/// How many letters go in one statement.
const AT_ONCE: usize = 100;
/// How many values a letter is.
const COLUMNS: usize = 13;

/// What is kept of an event beside its data.
#[derive(Serialize, Deserialize)]
struct Attributes {
    id: String,
    source: String,
    r#type: String,
    subject: Option<String>,
    time: Option<String>,
    content_type: Option<String>,
    /// In base64.
    key: Option<String>,
    inlet: String,
    extensions: Vec<(String, String)>,
}

macro_rules! select_letter {
    ($data:literal, $condition:literal) => {
        concat!(
            "SELECT id, project, function, trigger_name, kind, happened_at, event, ",
            $data,
            " AS data, place, failure, revision, attempts, times, replayed_at FROM dead_letter WHERE ",
            $condition
        )
    };
}

#[async_trait]
impl DeadLetters for Store {
    async fn keep(&self, letters: Vec<DeadLetter>) -> Result<(), SourceError> {
        let letters = one_each(letters);
        let (count, bytes) = (letters.len() as u64, letters.iter().map(size).sum());
        let mut rows = letters.into_iter().map(row).collect::<Result<Vec<_>, _>>()?;
        let mut tx = self.begin().await?;
        while !rows.is_empty() {
            let some: Vec<_> = rows.drain(..rows.len().min(AT_ONCE)).collect();
            let start = "INSERT INTO dead_letter (id, project, function, trigger_name, kind, happened_at, event, data, \
                         place, failure, revision, attempts, times) VALUES";
            let insert = placeholders(start, some.len(), COLUMNS, AGAIN);
            tx.execute(insert, some.into_iter().flatten().collect()).await?;
        }
        tx.commit().await?;
        self.bound_letters(count, bytes).await;
        Ok(())
    }

    async fn letters(
        &self,
        project: &Name,
        function: Option<&Name>,
        trigger: Option<&str>,
        page: &PageRequest,
    ) -> Result<Page<DeadLetter>, SourceError> {
        let select = Select::new(select_letter!("''", "project = ?"), args![project])
            .when("function = ?", function)
            .when("trigger_name = ?", trigger);
        let select = cursor::newest(select, page, "(happened_at, id) < (?, ?)")?;
        let (sql, args) = select.end("ORDER BY happened_at DESC, id DESC LIMIT ?", vec![cursor::one_more(page)]);
        let rows = self.db().rows(sql, args).await?;
        Ok(cursor::page(rows, page, read, |it| cursor::Place::write(it.at, &it.id))?)
    }

    async fn letter(&self, project: &Name, id: &str) -> Result<Option<DeadLetter>, SourceError> {
        let row = self.db().row(select_letter!("data", "project = $1 AND id = $2"), args![project, id]).await?;
        Ok(row.as_ref().map(read).transpose()?)
    }

    async fn replayed(&self, project: &Name, id: &str, who: &str) -> Result<(), SourceError> {
        let mut tx = self.begin().await?;
        let now = tx.now().await?;
        let note = "UPDATE dead_letter SET replayed_at = $3, replayed_by = $4 WHERE project = $1 AND id = $2 \
                    RETURNING function, trigger_name";
        // Who keeps few letters may have forgotten it meanwhile.
        if let Some(row) = tx.row(note, args![project, id, now, who]).await? {
            let (function, trigger): (String, String) = (row.get("function")?, row.get("trigger_name")?);
            let deed = Deed { who, action: "dead-letter.replayed", project, subject: &format!("{function}/{trigger}") };
            deed.record(&mut tx, now, json!({ "letter": id })).await?;
        }
        Ok(tx.commit().await?)
    }
}

/// What is given up again tells why it was the last time, and is no longer replayed.
const AGAIN: &str = "ON CONFLICT (id) DO UPDATE SET happened_at = excluded.happened_at, failure = excluded.failure, \
                     revision = excluded.revision, attempts = excluded.attempts, \
                     times = dead_letter.times + excluded.times, replayed_at = NULL, replayed_by = NULL";

/// Each letter once, because no statement may write a row twice.
fn one_each(letters: Vec<DeadLetter>) -> Vec<DeadLetter> {
    let mut each: BTreeMap<String, DeadLetter> = BTreeMap::new();
    for mut letter in letters {
        letter.times = letter.times.max(1);
        if let Some(before) = each.get(&letter.id) {
            letter.times = letter.times.saturating_add(before.times);
        }
        each.insert(letter.id.clone(), letter);
    }
    each.into_values().collect()
}

/// About how many bytes a letter is.
fn size(letter: &DeadLetter) -> u64 {
    (letter.event.data.len() as u64).saturating_mul(4) / 3
}

/// The values of a letter, in the order of the columns.
fn row(letter: DeadLetter) -> Result<Vec<Arg>, StoreError> {
    let DeadLetter { id, trigger, kind, at, event, place, failure, revision, attempts, times, .. } = letter;
    let data = STANDARD.encode(&event.data);
    let attributes = Attributes {
        id: event.id,
        source: event.source,
        r#type: event.r#type,
        subject: event.subject,
        time: event.time,
        content_type: event.content_type,
        key: event.key.map(|it| STANDARD.encode(it)),
        inlet: event.inlet,
        extensions: event.extensions,
    };
    let TriggerId { project, function, name } = trigger;
    let (event, place, failure) = (text::json(&attributes)?, text::json_opt(place.as_ref())?, text::json(&failure)?);
    Ok(args![id, project, function, name, kind, at, event, data, place, failure, revision, attempts, times])
}

fn read(row: &Row) -> Result<DeadLetter, StoreError> {
    Ok(DeadLetter {
        id: row.get("id")?,
        trigger: TriggerId {
            project: row.get("project")?,
            function: row.get("function")?,
            name: row.get("trigger_name")?,
        },
        kind: row.get("kind")?,
        at: row.get("happened_at")?,
        event: event(row)?,
        place: row.json_opt("place")?,
        failure: row.json("failure")?,
        revision: row.get("revision")?,
        attempts: row.get("attempts")?,
        times: row.get("times")?,
        replayed_at: row.get("replayed_at")?,
    })
}

fn event(row: &Row) -> Result<Event, StoreError> {
    let it: Attributes = row.json("event")?;
    let decode = |column: &str, text: &str| {
        let damaged =
            |error: base64::DecodeError| StoreError::Damaged { column: column.to_owned(), reason: error.to_string() };
        STANDARD.decode(text).map(bytes::Bytes::from).map_err(damaged)
    };
    Ok(Event {
        id: it.id,
        source: it.source,
        r#type: it.r#type,
        subject: it.subject,
        time: it.time,
        content_type: it.content_type,
        key: it.key.map(|it| decode("event", &it)).transpose()?,
        inlet: it.inlet,
        extensions: it.extensions,
        data: decode("data", &row.get::<String>("data")?)?,
    })
}
