//! Values of metrics: NaN, the infinities and -0 are kept, whatever the database thinks of them.

use host_core::{
    RunId,
    run::{MetricPoint, StepKey},
};
use uuid::Uuid;

use crate::{
    Store, StoreError,
    sql::{Arg, Row, Tx, args, placeholders},
    steps, text,
};

/// How many rows one statement holds. Not many more: sqlx looks for each value's place among all that the statement has.
const ROWS: usize = 32;
/// The most values one answer holds.
const MOST: i64 = 1_000_000;
/// The longest name of a metric; Postgres cannot sort by much longer ones.
const LONGEST_NAME: usize = 500;
const COLUMNS: &str =
    "INSERT INTO metric (id, run, step, trial, attempt, name, value, special, at_step, logged_at) VALUES";

pub(super) async fn insert(tx: &mut Tx, key: &StepKey, attempt: u32, points: &[MetricPoint]) -> Result<(), StoreError> {
    for chunk in points.chunks(ROWS) {
        let rows: Vec<Vec<Arg>> = chunk.iter().map(|point| row(key, attempt, point)).collect();
        let columns = rows.first().map_or(0, Vec::len);
        let sql = placeholders(COLUMNS, rows.len(), columns, "");
        tx.execute(sql, rows.into_iter().flatten().collect()).await?;
    }
    Ok(())
}

fn row(key: &StepKey, attempt: u32, point: &MetricPoint) -> Vec<Arg> {
    let finite = Some(point.value).filter(|it| it.is_finite());
    args![
        Uuid::now_v7().to_string(),
        key.run,
        key.step.as_str(),
        steps::trial(key.trial),
        attempt,
        &*text::clean(&point.name, LONGEST_NAME),
        finite,
        special(point.value),
        point.at_step,
        point.at,
    ]
}

fn special(value: f64) -> Option<&'static str> {
    match value {
        it if it.is_nan() => Some("NaN"),
        f64::INFINITY => Some("Infinity"),
        f64::NEG_INFINITY => Some("-Infinity"),
        // SQLite keeps whole numbers as such, and there is no whole number -0.
        it if it == 0.0 && it.is_sign_negative() => Some("-0"),
        _ => None,
    }
}

/// Of every step what its last attempt gave.
pub(super) async fn read(store: &Store, run: RunId) -> Result<Vec<MetricPoint>, StoreError> {
    let sql = "SELECT m.run, m.step, m.trial, m.name, m.value, m.special, m.at_step, m.logged_at FROM metric m \
               JOIN step s ON s.run = m.run AND s.step = m.step AND s.trial = m.trial AND s.attempt = m.attempt \
               WHERE m.run = $1 ORDER BY s.position, m.trial, m.name, m.logged_at, m.id LIMIT $2";
    store.db().rows(sql, args![run, MOST]).await?.iter().map(read_point).collect()
}

fn read_point(row: &Row) -> Result<MetricPoint, StoreError> {
    let value = match row.get::<Option<String>>("special")?.as_deref() {
        Some("Infinity") => f64::INFINITY,
        Some("-Infinity") => f64::NEG_INFINITY,
        Some("-0") => -0.0,
        Some(_) => f64::NAN,
        None => row.get::<Option<f64>>("value")?.unwrap_or(f64::NAN),
    };
    Ok(MetricPoint {
        key: steps::read_key(row)?,
        name: row.get("name")?,
        value,
        at_step: row.get("at_step")?,
        at: row.get("logged_at")?,
    })
}
