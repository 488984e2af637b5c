//! Changes of keyed state in Postgres: each one statement, and so one round trip and whole or not at all.

use host_core::ports::{Bucket, KeyValueError, keyvalue::not_a_number};

use super::{
    about,
    change::{COLUMNS, Change, Changed, DELETE, INSERT, OVERWRITE, rows_of, swap},
};
use crate::sql::{Db, args, placeholders};

/// Numbers are told from other values, and sums that go too far from those that do not, before anything is written.
const INCREMENT: &str = "
INSERT INTO keyvalue AS kept (project, bucket, key, value, is_base64) VALUES ($1, $2, $3, CAST($4 AS TEXT), 0)
ON CONFLICT (project, bucket, key) DO UPDATE SET value = CAST(CAST(kept.value AS NUMERIC) + $5 AS TEXT)
WHERE kept.is_base64 = 0 AND CASE WHEN kept.value ~ '^(0|-?[1-9][0-9]{0,18})$'
    THEN CAST(kept.value AS NUMERIC) BETWEEN -9223372036854775808 AND 9223372036854775807
        AND CAST(kept.value AS NUMERIC) + $5 BETWEEN -9223372036854775808 AND 9223372036854775807
    ELSE FALSE END
RETURNING value";

/// Does it, and says what came of it.
pub(super) async fn change(db: &Db, bucket: &Bucket, change: Change) -> Result<Changed, KeyValueError> {
    match change {
        Change::Set(values) => {
            let rows = values.len();
            db.rows(placeholders(INSERT, rows, COLUMNS, OVERWRITE), rows_of(bucket, values)).await?;
            Ok(Changed::Done)
        }
        Change::Delete(keys) => {
            let (sql, args) = about(DELETE, bucket, &keys).end(")", vec![]);
            db.rows(sql, args).await?;
            Ok(Changed::Done)
        }
        Change::Increment { key, delta } => {
            let args = args![&bucket.project, &bucket.name, key, delta.to_string(), delta];
            let row = db.rows(INCREMENT, args).await?.pop().ok_or_else(not_a_number)?;
            let sum = row.get::<String>("value")?.parse().map_err(|_| not_a_number())?;
            Ok(Changed::Sum(sum))
        }
        Change::Swap { key, expected, value } => {
            let (sql, args) = swap(bucket, key, expected, value);
            Ok(Changed::Swapped(!db.rows(sql, args).await?.is_empty()))
        }
    }
}
