//! Joins two tables: by equal keys, or by the nearest time.

mod asof;
mod keys;
mod matches;
mod merge;

use std::{fs, io::BufWriter};

use serde::Deserialize;
use weft::{Failure, OrFail, Run};
use weft_tables::{Table, Unit, span};

use crate::{
    asof::{AsOf, Direction},
    keys::{Keys, Nulls},
    matches::{How, Matches, Validate},
};

/// Which rows belong together.
#[derive(Deserialize)]
struct Params {
    /// The columns that both tables have, and that must be equal.
    #[serde(default)]
    on: Vec<String>,
    /// The same, where they have other names on the left …
    #[serde(default)]
    left_on: Vec<String>,
    /// … than on the right.
    #[serde(default)]
    right_on: Vec<String>,
    /// Which rows stay.
    #[serde(default)]
    how: How,
    /// What is put behind names that both tables have.
    #[serde(default = "suffixes")]
    suffixes: [String; 2],
    /// Whether gaps equal each other.
    #[serde(default)]
    null_keys: Nulls,
    /// How often a key may occur.
    #[serde(default)]
    validate: Validate,
    /// The columns of moments: one name for both tables, or the left's and the right's.
    #[serde(default)]
    asof: Vec<String>,
    /// Where to look for the nearest moment.
    #[serde(default)]
    direction: Direction,
    /// How far away it may be; as far as it likes, when empty.
    #[serde(default)]
    tolerance: String,
    /// What a number in a column of moments counts.
    #[serde(default)]
    unit: Unit,
    /// The most rows of the answer.
    #[serde(default = "most_rows")]
    most_rows: usize,
}

fn suffixes() -> [String; 2] {
    ["_left".to_owned(), "_right".to_owned()]
}

fn most_rows() -> usize {
    10_000_000
}

#[weft::job]
fn join(params: Params, run: &Run) -> Result<(), Failure> {
    let left = Table::from_csv(&fs::read(run.input("left")?)?).or_invalid("bad-left")?;
    let right = Table::from_csv(&fs::read(run.input("right")?)?).or_invalid("bad-right")?;
    let pairs = pairs(&params)?;
    let keys = Keys::of(&left, &right, &pairs, params.null_keys).or_invalid("bad-keys")?;
    keys.check(params.validate).or_invalid("repeated-keys")?;
    let (matches, moments) = match params.asof.as_slice() {
        [] if pairs.is_empty() => return Err(Failure::invalid("bad-keys", "give `on`, or `left_on` and `right_on`")),
        [] => (Matches::of(&keys, params.how, params.most_rows).or_invalid("too-many-rows")?, None),
        [both] => (nearest(&params, &keys, [&left, &right], [both, both])?, Some([both, both])),
        [of_left, of_right] => {
            (nearest(&params, &keys, [&left, &right], [of_left, of_right])?, Some([of_left, of_right]))
        }
        _ => return Err(Failure::invalid("bad-params", "`asof` has one name or two")),
    };
    let is_left_alone = params.asof.is_empty() && matches!(params.how, How::Anti | How::Semi);
    let joined = match is_left_alone {
        true => merge::left_alone(&left, &matches),
        false => merge::side_by_side([&left, &right], &matches, &pairs, moments, &params.suffixes),
    };
    write(run, &joined.or_invalid("bad-columns")?, &matches)
}

/// The pairs of columns that must be equal.
fn pairs(params: &Params) -> Result<Vec<(String, String)>, Failure> {
    let Params { on, left_on, right_on, .. } = params;
    let has_two = !left_on.is_empty() || !right_on.is_empty();
    if !on.is_empty() && has_two {
        return Err(Failure::invalid("bad-params", "give `on`, or `left_on` and `right_on`, not both"));
    }
    if left_on.len() != right_on.len() {
        return Err(Failure::invalid("bad-params", "`left_on` and `right_on` need as many columns as each other"));
    }
    let same = on.iter().map(|it| (it.clone(), it.clone()));
    Ok(same.chain(left_on.iter().cloned().zip(right_on.iter().cloned())).collect())
}

fn nearest(params: &Params, keys: &Keys, tables: [&Table; 2], names: [&String; 2]) -> Result<Matches, Failure> {
    let tolerance =
        if params.tolerance.is_empty() { None } else { Some(span(&params.tolerance).or_invalid("bad-time")?) };
    let search = AsOf { direction: params.direction, tolerance };
    let keeps_all = match params.how {
        How::Left => true,
        How::Inner => false,
        _ => return Err(Failure::invalid("bad-params", "with `asof`, `how` is left or inner")),
    };
    search.matches(keys, tables, names, params.unit, keeps_all).or_invalid("bad-time")
}

fn write(run: &Run, joined: &Table, matches: &Matches) -> Result<(), Failure> {
    joined.to_csv(BufWriter::new(fs::File::create(run.output("data"))?))?;
    run.describe("data", "dataset", &joined.schema())?;
    run.metric("rows", joined.rows() as f64);
    run.metric("columns", joined.columns().len() as f64);
    run.metric("unmatched_left", matches.unmatched_left as f64);
    run.metric("unmatched_right", matches.unmatched_right as f64);
    Ok(())
}

#[cfg(test)]
mod tests;
