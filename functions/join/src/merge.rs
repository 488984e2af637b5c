//! The columns of the answer.

use std::collections::HashSet;

use weft_tables::{Column, Error, Table};

use crate::matches::Matches;

/// The left's columns alone.
pub(crate) fn left_alone(left: &Table, matches: &Matches) -> Result<Table, Error> {
    Table::new(left.columns().iter().map(|it| it.gather(&matches.left)).collect())
}

/// The left's columns, then the right's. Keys that have one name in both tables are one column; other names that both
/// have get the suffixes.
pub(crate) fn side_by_side(
    [left, right]: [&Table; 2],
    matches: &Matches,
    pairs: &[(String, String)],
    moments: Option<[&String; 2]>,
    suffixes: &[String; 2],
) -> Result<Table, Error> {
    let shared_keys: HashSet<&str> = pairs.iter().filter(|(a, b)| a == b).map(|(name, _)| name.as_str()).collect();
    // The moment of the left is what was asked for; that of the right, under the same name, only tells what was found.
    let shared_moment = moments.filter(|[a, b]| a == b).map(|[name, _]| name.as_str());
    let is_left_out = |name: &str| shared_keys.contains(name) || shared_moment == Some(name);
    let names = |table: &Table| -> HashSet<String> { table.columns().iter().map(|it| it.name.clone()).collect() };
    let (in_left, in_right) = (names(left), names(right));
    let mut columns = Vec::new();
    for column in left.columns() {
        let gathered = column.gather(&matches.left);
        columns.push(match () {
            () if shared_keys.contains(column.name.as_str()) => {
                either(gathered, right.column(&column.name)?.gather(&matches.right))
            }
            () if shared_moment == Some(column.name.as_str()) || !in_right.contains(&column.name) => gathered,
            () => gathered.renamed(format!("{}{}", column.name, suffixes[0])),
        });
    }
    for column in right.columns().iter().filter(|it| !is_left_out(&it.name)) {
        let gathered = column.gather(&matches.right);
        let is_twice = in_left.contains(&column.name);
        let name = if is_twice { format!("{}{}", column.name, suffixes[1]) } else { column.name.clone() };
        columns.push(gathered.renamed(name));
    }
    Table::new(columns)
}

/// The left's values; the right's where the left has none.
fn either(left: Column, right: Column) -> Column {
    use weft_tables::Values::{Boolean, Number, Text};
    let is_gap = |column: &Column| column.missing() == column.len();
    let values = match (left.values, right.values) {
        (Number(left), Number(right)) => {
            Number(left.into_iter().zip(right).map(|(a, b)| if a.is_nan() { b } else { a }).collect())
        }
        (Boolean(left), Boolean(right)) => Boolean(left.into_iter().zip(right).map(|(a, b)| a.or(b)).collect()),
        (Text(left), Text(right)) => Text(left.into_iter().zip(right).map(|(a, b)| a.or(b)).collect()),
        // Columns of different types are joined only where one holds nothing.
        (values, others) => {
            let left = Column { name: String::new(), values };
            if is_gap(&left) { others } else { left.values }
        }
    };
    Column { name: left.name, values }
}
