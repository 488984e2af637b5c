//! Statements put together from fixed parts: optional conditions, keyset pages, rows by the hundred.

use std::fmt::Write as _;

use sqlx::{AssertSqlSafe, SqlSafeStr, SqlStr};

use super::Arg;

/// A query that grows by conditions. Every part is written in the source; values only ever travel as arguments.
pub(crate) struct Select {
    sql: String,
    args: Vec<Arg>,
}

impl Select {
    /// Begins with everything up to the first optional condition.
    pub(crate) fn new(start: &'static str, args: Vec<Arg>) -> Self {
        let mut select = Self { sql: String::new(), args: Vec::new() };
        select.add(start, args);
        select
    }

    /// Adds ` AND condition`.
    pub(crate) fn and(mut self, condition: &'static str, args: Vec<Arg>) -> Self {
        self.sql.push_str(" AND ");
        self.add(condition, args);
        self
    }

    /// Adds a condition on a value that may not be asked for.
    pub(crate) fn when<T: Into<Arg>>(self, condition: &'static str, value: Option<T>) -> Self {
        match value {
            Some(value) => self.and(condition, vec![value.into()]),
            None => self,
        }
    }

    /// Adds a part as it stands.
    pub(crate) fn then(mut self, part: &'static str, args: Vec<Arg>) -> Self {
        self.add(part, args);
        self
    }

    /// Adds the end, such as the order and the limit.
    pub(crate) fn end(mut self, end: &'static str, args: Vec<Arg>) -> (SqlStr, Vec<Arg>) {
        self.sql.push(' ');
        self.add(end, args);
        (AssertSqlSafe(self.sql).into_sql_str(), self.args)
    }

    /// Each `?` becomes the placeholder of the next value.
    fn add(&mut self, part: &'static str, args: Vec<Arg>) {
        let mut number = self.args.len();
        for c in part.chars() {
            if c == '?' {
                number += 1;
                // Writing to a String cannot fail.
                let _ = write!(self.sql, "${number}");
            } else {
                self.sql.push(c);
            }
        }
        self.args.extend(args);
        debug_assert_eq!(number, self.args.len(), "one value per placeholder in `{part}`");
    }
}

/// `start (?, ?), (?, ?) end` for `rows` rows of `columns` values: SQLite alone understands it. It looks up every
/// parameter with a name or number among all of them, which for thousands takes longer than writing the rows.
pub(crate) fn unnumbered(start: &'static str, rows: usize, columns: usize, end: &'static str) -> SqlStr {
    let row = format!("({})", vec!["?"; columns].join(", "));
    AssertSqlSafe(format!("{start} {} {end}", vec![row; rows].join(", "))).into_sql_str()
}

/// `start ($1, $2), ($3, $4) end` for `rows` rows of `columns` values.
pub(crate) fn placeholders(start: &'static str, rows: usize, columns: usize, end: &'static str) -> SqlStr {
    let mut sql = String::with_capacity(start.len() + rows * columns * 6 + end.len());
    sql.push_str(start);
    for row in 0..rows {
        sql.push_str(if row == 0 { " (" } else { ", (" });
        for column in 1..=columns {
            let comma = if column == 1 { "" } else { ", " };
            let _ = write!(sql, "{comma}${}", row * columns + column);
        }
        sql.push(')');
    }
    sql.push(' ');
    sql.push_str(end);
    AssertSqlSafe(sql).into_sql_str()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::args;

    #[test]
    fn conditions_take_the_next_numbers() {
        let select = Select::new("SELECT id FROM run WHERE project = ?", args!["default"])
            .when("state = ?", None::<&str>)
            .when("name = ?", Some("wine"))
            .and("(created_at, id) < (?, ?)", args![1_i64, "x"]);
        let (sql, args) = select.end("ORDER BY id LIMIT ?", args![5_u32]);
        assert_eq!(
            sql.as_str(),
            "SELECT id FROM run WHERE project = $1 AND name = $2 AND (created_at, id) < ($3, $4) ORDER BY id LIMIT $5"
        );
        assert_eq!(args.len(), 5);
    }

    #[test]
    fn rows_are_numbered_through() {
        let sql = placeholders("INSERT INTO x (a, b) VALUES", 2, 2, "ON CONFLICT DO NOTHING");
        assert_eq!(sql.as_str(), "INSERT INTO x (a, b) VALUES ($1, $2), ($3, $4) ON CONFLICT DO NOTHING");
        let sql = unnumbered("INSERT INTO x (a, b) VALUES", 2, 2, "ON CONFLICT DO NOTHING");
        assert_eq!(sql.as_str(), "INSERT INTO x (a, b) VALUES (?, ?), (?, ?) ON CONFLICT DO NOTHING");
    }
}
