//! What the types of Postgres become.

use postgres_protocol::Oid;
use serde::Deserialize;

/// What decimals become in Parquet. In CSV they are the digits they are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Decimals {
    /// Numbers, as near as a double is.
    #[default]
    Number,
    /// Text, to the last digit.
    Text,
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Boolean,
    Integer,
    Number,
    Decimal,
    Date,
    /// Without a time zone.
    Timestamp,
    /// In UTC.
    Moment,
    Bytes,
    Json,
    Text,
}

impl Kind {
    /// What a type becomes; all that is not known is text, as Postgres writes it.
    pub(crate) fn of(oid: Oid) -> Self {
        match oid {
            16 => Self::Boolean,
            20 | 21 | 23 | 26 => Self::Integer,
            700 | 701 => Self::Number,
            1700 => Self::Decimal,
            1082 => Self::Date,
            1114 => Self::Timestamp,
            1184 => Self::Moment,
            17 => Self::Bytes,
            114 | 3802 => Self::Json,
            _ => Self::Text,
        }
    }

    /// Its word in the schema.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Boolean => "boolean",
            Self::Integer => "integer",
            Self::Number | Self::Decimal => "number",
            Self::Date => "date",
            Self::Timestamp | Self::Moment => "timestamp",
            Self::Bytes => "bytes",
            Self::Json => "json",
            Self::Text => "text",
        }
    }

    /// A value as it stands in CSV.
    pub(crate) fn csv(self, text: &str) -> String {
        match self {
            Self::Boolean => if text == "t" { "true" } else { "false" }.to_owned(),
            Self::Timestamp => text.replacen(' ', "T", 1),
            // The session is in UTC, so that every offset is 0.
            Self::Moment => match text.strip_suffix("+00") {
                Some(text) => format!("{}Z", text.replacen(' ', "T", 1)),
                None => text.to_owned(),
            },
            _ => text.to_owned(),
        }
    }
}

/// The name of a type, where it is one of those that every Postgres has.
pub(crate) fn name(oid: Oid) -> String {
    let name = match oid {
        16 => "bool",
        17 => "bytea",
        18 => "char",
        19 => "name",
        20 => "int8",
        21 => "int2",
        23 => "int4",
        25 => "text",
        26 => "oid",
        114 => "json",
        700 => "float4",
        701 => "float8",
        1042 => "bpchar",
        1043 => "varchar",
        1082 => "date",
        1083 => "time",
        1114 => "timestamp",
        1184 => "timestamptz",
        1186 => "interval",
        1700 => "numeric",
        2950 => "uuid",
        3802 => "jsonb",
        other => return format!("oid {other}"),
    };
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stand_in_csv_as_other_steps_read_them() {
        assert_eq!(Kind::Boolean.csv("t"), "true");
        assert_eq!(Kind::Moment.csv("2026-01-31 12:00:00.5+00"), "2026-01-31T12:00:00.5Z");
        assert_eq!(Kind::Moment.csv("infinity"), "infinity");
        assert_eq!(Kind::Timestamp.csv("2026-01-31 12:00:00"), "2026-01-31T12:00:00");
        assert_eq!(Kind::Decimal.csv("1.2300"), "1.2300");
        assert_eq!((Kind::of(20), Kind::of(99_999)), (Kind::Integer, Kind::Text));
        assert_eq!((name(23), name(99_999)), ("int4".to_owned(), "oid 99999".to_owned()));
    }
}
