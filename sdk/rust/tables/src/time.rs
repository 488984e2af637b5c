//! Moments in a column, as text or as numbers, and spans of time as people write them.

use jiff::{Timestamp, civil, tz::TimeZone};
use serde::Deserialize;

use crate::{Column, Error, Values};

/// What a number in a column of moments counts, since the beginning of 1970.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub enum Unit {
    /// Seconds.
    #[default]
    #[serde(rename = "s")]
    Seconds,
    /// Milliseconds.
    #[serde(rename = "ms")]
    Milliseconds,
    /// Microseconds.
    #[serde(rename = "us")]
    Microseconds,
}

/// The moments of a column, in microseconds since the beginning of 1970, UTC.
#[derive(Debug, Clone, PartialEq)]
pub struct Times {
    /// Row by row; `None` is missing.
    pub micros: Vec<Option<i64>>,
    /// What its numbers count; `None` for text.
    unit: Option<Unit>,
}

impl Unit {
    fn micros(self) -> f64 {
        match self {
            Self::Seconds => 1e6,
            Self::Milliseconds => 1e3,
            Self::Microseconds => 1.0,
        }
    }
}

impl Times {
    /// Reads a column: text as ISO 8601 (UTC where it says no offset), numbers by `unit`.
    ///
    /// # Errors
    /// When a cell is no moment.
    pub fn of(column: &Column, unit: Unit) -> Result<Self, Error> {
        let wrong = |row: usize| Error::Time {
            row: row + 1,
            column: column.name.clone(),
            cell: column.cell(row).unwrap_or_default().into_owned(),
        };
        let (micros, unit) = match &column.values {
            Values::Boolean(_) => return Err(wrong(0)),
            Values::Text(cells) => {
                let read = |(row, cell): (usize, &Option<String>)| match cell {
                    None => Ok(None),
                    Some(cell) => moment(cell).map(Some).ok_or_else(|| wrong(row)),
                };
                (cells.iter().enumerate().map(read).collect::<Result<_, _>>()?, None)
            }
            Values::Number(numbers) => {
                let read = |(row, number): (usize, &f64)| {
                    let micros = (number * unit.micros()).round();
                    match number.is_nan() {
                        true => Ok(None),
                        false if micros.abs() < 9e18 => Ok(Some(micros as i64)),
                        false => Err(wrong(row)),
                    }
                };
                (numbers.iter().enumerate().map(read).collect::<Result<_, _>>()?, Some(unit))
            }
        };
        Ok(Self { micros, unit })
    }

    /// A column of moments, written as those that were read.
    #[must_use]
    pub fn column(&self, name: &str, micros: &[i64]) -> Column {
        match self.unit {
            Some(unit) => Column::numbers(name, micros.iter().map(|&it| it as f64 / unit.micros()).collect()),
            None => Column::text(name, micros.iter().map(|&it| text(it)).collect()),
        }
    }
}

fn text(micros: i64) -> Option<String> {
    Timestamp::from_microsecond(micros).ok().map(|it| it.to_string())
}

fn moment(cell: &str) -> Option<i64> {
    let cell = cell.trim();
    if let Ok(moment) = cell.parse::<Timestamp>() {
        return Some(moment.as_microsecond());
    }
    // What was a timestamp in Parquet has a blank before its offset.
    if let Some((start, offset)) = cell.rsplit_once(' ').filter(|(_, offset)| offset.starts_with(['+', '-'])) {
        return Some(format!("{start}{offset}").parse::<Timestamp>().ok()?.as_microsecond());
    }
    let civil: Option<civil::DateTime> = cell.parse().ok();
    let civil = civil.or_else(|| cell.parse::<civil::Date>().ok().map(Into::into))?;
    Some(civil.to_zoned(TimeZone::UTC).ok()?.timestamp().as_microsecond())
}

/// Reads a span such as `250ms`, `90s`, `15m`, `1h`, `7d` or `2w`, as microseconds.
///
/// # Errors
/// When it is none, or longer than a span can be.
pub fn span(text: &str) -> Result<i64, Error> {
    let wrong = || Error::Span(text.to_owned());
    let digits = text.find(|it: char| !it.is_ascii_digit()).ok_or_else(wrong)?;
    let (number, unit) = text.split_at(digits);
    let micros: i64 = match unit {
        "us" => 1,
        "ms" => 1000,
        "s" => 1_000_000,
        "m" => 60_000_000,
        "h" => 3_600_000_000,
        "d" => 86_400_000_000,
        "w" => 604_800_000_000,
        _ => return Err(wrong()),
    };
    let span = number.parse::<i64>().ok().and_then(|it| it.checked_mul(micros));
    // A hundred thousand years are enough, and leave room to add.
    span.filter(|it| (1..=3_155_760_000_000_000_000).contains(it)).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Table;

    fn times(csv: &str, unit: Unit) -> Result<Times, Error> {
        Times::of(&Table::from_csv(csv.as_bytes()).unwrap().columns()[0], unit)
    }

    #[test]
    fn text_and_numbers_are_the_same_moments() {
        let text = times(
            "t\n1970-01-01T00:00:01Z\n1970-01-01 00:00:01\n1970-01-02\n\n\"1970-01-01T01:00:01+01:00\"\n",
            Unit::Seconds,
        );
        let text = text.unwrap();
        assert_eq!(text.micros, [Some(1_000_000), Some(1_000_000), Some(86_400_000_000), Some(1_000_000)]);
        let parquet = times("t\n1970-01-01 00:00:01.500000 +00:00\n", Unit::Seconds).unwrap();
        assert_eq!(parquet.micros, [Some(1_500_000)]);
        assert_eq!(text.column("w", &[1_500_000]).cell(0).unwrap(), "1970-01-01T00:00:01.5Z");
        let numbers = times("t,x\n1,1\n,1\n1.5,1\n", Unit::Seconds).unwrap();
        assert_eq!(numbers.micros, [Some(1_000_000), None, Some(1_500_000)]);
        assert_eq!(numbers.column("w", &[1_500_000]).cell(0).unwrap(), "1.5");
        assert_eq!(times("t\n1500\n", Unit::Milliseconds).unwrap().micros, [Some(1_500_000)]);
    }

    #[test]
    fn what_is_no_moment_is_told_with_its_row() {
        let error = times("t\n2026-01-01\nyesterday\n", Unit::Seconds).unwrap_err().to_string();
        assert_eq!(error, "row 2: `yesterday` in column `t` is no time: write it as 2026-01-31T12:00:00Z");
        assert!(times("t\ntrue\n", Unit::Seconds).is_err());
        assert!(times("t,x\n1e300,1\n", Unit::Seconds).is_err());
    }

    #[test]
    fn spans_are_read_as_people_write_them() {
        assert_eq!(span("15m").unwrap(), 900_000_000);
        assert_eq!(span("2w").unwrap(), 1_209_600_000_000);
        for wrong in ["", "h", "1", "0s", "-1s", "1.5h", "1 h", "1y", "99999999999999w"] {
            assert!(span(wrong).is_err(), "{wrong}");
        }
    }
}
