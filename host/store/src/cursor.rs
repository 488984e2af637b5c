//! Where a page of a list ends: the time and the identity of its last item.

use host_core::page::{Page, PageRequest};
use jiff::Timestamp;

use crate::{
    StoreError,
    sql::{Arg, Row, Select, args},
};

/// A place in a list that is sorted by time and identity.
pub(crate) struct Place {
    at: i64,
    id: String,
}

impl Place {
    /// Reads the `next` of the page before.
    pub(crate) fn of(page: &PageRequest) -> Result<Option<Self>, StoreError> {
        page.after.as_deref().map(Self::parse).transpose()
    }

    fn parse(text: &str) -> Result<Self, StoreError> {
        let parts = text.split_once('_').and_then(|(at, id)| Some((at.parse().ok()?, id)));
        let (at, id) = parts.filter(|(_, id)| id.len() <= 200).ok_or_else(|| StoreError::Cursor(text.to_owned()))?;
        Ok(Self { at, id: id.to_owned() })
    }

    /// As it is given out.
    pub(crate) fn write(at: Timestamp, id: impl std::fmt::Display) -> String {
        format!("{}_{id}", at.as_microsecond())
    }

    pub(crate) fn args(self) -> Vec<Arg> {
        args![self.at, self.id]
    }
}

/// Adds the condition of the page to a query whose rows are sorted by two columns, newest first.
pub(crate) fn newest(select: Select, page: &PageRequest, condition: &'static str) -> Result<Select, StoreError> {
    Ok(match Place::of(page)? {
        Some(place) => select.and(condition, place.args()),
        None => select,
    })
}

/// Reads one item more than asked for to know whether there is a next page.
pub(crate) fn page<T>(
    rows: Vec<Row>,
    asked: &PageRequest,
    read: impl Fn(&Row) -> Result<T, StoreError>,
    place: impl Fn(&T) -> String,
) -> Result<Page<T>, StoreError> {
    let limit = asked.limit() as usize;
    let has_more = rows.len() > limit;
    let items: Vec<T> = rows.iter().take(limit).map(read).collect::<Result<_, _>>()?;
    let next = items.last().filter(|_| has_more).map(place);
    Ok(Page { items, next })
}

/// How many rows to ask for: one more than the page holds.
pub(crate) fn one_more(page: &PageRequest) -> Arg {
    Arg::from(page.limit() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_survives_being_written() {
        let text = Place::write(Timestamp::from_microsecond(1_700_000_000_000_001).unwrap(), "a_b");
        let place = Place::parse(&text).unwrap();
        assert_eq!((place.at, place.id.as_str()), (1_700_000_000_000_001, "a_b"));
    }

    #[test]
    fn a_place_nobody_gave_out_is_refused() {
        for text in ["", "x", "_", "12", "x_y", "1e3_x"] {
            assert!(matches!(Place::parse(text), Err(StoreError::Cursor(_))), "{text}");
        }
    }
}
