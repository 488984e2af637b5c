//! The sweep of a step.

use indexmap::IndexMap;
use serde_json::{Map, Value};

use crate::pipeline::{
    Draw, Goal, MAX_TRIALS, Random, Selector, Space, Sweep,
    problem::did_you_mean,
    reader::{Reader, Spot},
    sweep::{DEFAULT_PARALLEL, combinations},
};

/// The keys that say which params are tried.
pub(in crate::pipeline) const SPACE_KEYS: &[&str] = &["grid", "list", "random"];
/// The other keys of a sweep.
pub(in crate::pipeline) const SWEEP_KEYS: &[&str] = &["select", "parallel", "stop_when", "keep"];
/// The keys of a random sweep.
pub(in crate::pipeline) const RANDOM_KEYS: &[&str] = &["trials", "seed", "params", "grid"];
/// The ways to draw a param.
pub(in crate::pipeline) const DRAW_KEYS: &[&str] = &["choice", "integer", "uniform", "log_uniform"];

/// The most trials that run side by side.
const MAX_PARALLEL: u32 = 1_000;

/// Reads a sweep.
pub(super) fn read(reader: &mut Reader<'_>, spot: &Spot<'_>) -> Option<Sweep> {
    reader.mapping(spot, "a sweep", &[SPACE_KEYS, SWEEP_KEYS].concat())?;
    let space = read_space(reader, spot);
    // A selector that cannot be read was told; that the sweep has no outputs is no mistake of its own.
    let stand_in = || Selector { goal: Goal::Max, metric: String::new() };
    let select = spot.get("select").map(|it| reader.parsed(&it).unwrap_or_else(stand_in));
    let parallel = spot.get("parallel").and_then(|it| reader.small_count(&it, 1..=MAX_PARALLEL));
    let stop_when = spot.get("stop_when").and_then(|it| reader.parsed(&it));
    let keep = spot.get("keep").and_then(|it| reader.small_count(&it, 1..=1_000));
    if let Some(keep) = spot.get("keep").filter(|_| spot.get("select").is_none()) {
        reader.key_problem(
            &keep,
            "`keep` needs `select`, which says what the best are",
            Some("add `select: max.METRIC`".into()),
        );
    }
    Some(Sweep {
        space: space?,
        select,
        parallel: parallel.unwrap_or(DEFAULT_PARALLEL),
        stop_when,
        keep: keep.unwrap_or(1),
    })
}

fn read_space(reader: &mut Reader<'_>, spot: &Spot<'_>) -> Option<Space> {
    let given: Vec<_> = SPACE_KEYS.iter().filter_map(|key| spot.get(key).map(|it| (*key, it))).collect();
    let [(key, space)] = given.as_slice() else {
        reader.problem(spot, "expected one of grid, list, random", Some("add `grid: { PARAM: [VALUE, …] }`".into()));
        return None;
    };
    match *key {
        "grid" => read_grid(reader, space).map(Space::Grid),
        "list" => read_list(reader, space).map(Space::List),
        _ => read_random(reader, space).map(Space::Random),
    }
}

fn read_grid(reader: &mut Reader<'_>, spot: &Spot<'_>) -> Option<IndexMap<String, Vec<Value>>> {
    let grid = read_choices(reader, spot)?;
    let trials = combinations(grid.values().map(Vec::len));
    if trials.is_none_or(|trials| trials > MAX_TRIALS) {
        let trials = trials.map_or("very many".to_owned(), |trials| trials.to_string());
        let suggestion = Some("use fewer values, or `random`, which draws from them".to_owned());
        reader.problem(spot, format!("the grid has {trials} combinations, more than {MAX_TRIALS}"), suggestion);
    }
    Some(grid)
}

/// Lists of values by param; none of them empty.
fn read_choices(reader: &mut Reader<'_>, spot: &Spot<'_>) -> Option<IndexMap<String, Vec<Value>>> {
    let entries = reader.any_mapping(spot, "lists of values by param")?;
    if entries.is_empty() {
        reader.problem(spot, "it names no param", None);
    }
    let mut choices = IndexMap::new();
    for (name, values) in spot.entries() {
        let list = reader.list(&values, "a list of values").unwrap_or_default();
        if list.is_empty() && values.value.is_array() {
            reader.problem(&values, format!("`{name}` has no values to try"), None);
        }
        choices.insert(name.to_owned(), list);
    }
    Some(choices)
}

fn read_list(reader: &mut Reader<'_>, spot: &Spot<'_>) -> Option<Vec<Map<String, Value>>> {
    let list = reader.list(spot, "a list of params")?;
    if list.is_empty() {
        reader.problem(spot, "the list is empty", None);
    }
    if list.len() > MAX_TRIALS {
        reader.problem(spot, format!("the list has {} trials, more than {MAX_TRIALS}", list.len()), None);
    }
    Some(spot.items().filter_map(|item| reader.any_mapping(&item, "values by param").cloned()).collect())
}

fn read_random(reader: &mut Reader<'_>, spot: &Spot<'_>) -> Option<Random> {
    reader.mapping(spot, "random", RANDOM_KEYS)?;
    let trials = match spot.get("trials") {
        Some(it) => reader.small_count(&it, 1..=u32::try_from(MAX_TRIALS).unwrap_or(u32::MAX)),
        None => {
            reader.problem(spot, "`trials` is missing", Some("add `trials: 10`".into()));
            None
        }
    };
    let seed = spot.get("seed").and_then(|it| reader.count(&it, 0..=u64::MAX));
    let params = match (spot.get("params"), spot.get("grid")) {
        (Some(params), None) => read_draws(reader, &params),
        (None, Some(grid)) => {
            let choices = read_choices(reader, &grid)?;
            Some(choices.into_iter().map(|(name, values)| (name, Draw::Choice(values))).collect())
        }
        _ => {
            reader.problem(spot, "expected either `params` or `grid`", None);
            None
        }
    };
    Some(Random { trials: trials?, seed, params: params? })
}

fn read_draws(reader: &mut Reader<'_>, spot: &Spot<'_>) -> Option<IndexMap<String, Draw>> {
    let entries = reader.any_mapping(spot, "draws by param")?;
    if entries.is_empty() {
        reader.problem(spot, "it names no param", None);
    }
    Some(spot.entries().filter_map(|(name, draw)| Some((name.to_owned(), read_draw(reader, &draw)?))).collect())
}

fn read_draw(reader: &mut Reader<'_>, spot: &Spot<'_>) -> Option<Draw> {
    let entries = reader.any_mapping(spot, "one way to draw")?;
    let given = if entries.len() == 1 { spot.entries().next() } else { None };
    let Some((way, bounds)) = given else {
        reader.problem(spot, format!("expected one of {}", DRAW_KEYS.join(", ")), None);
        return None;
    };
    match way {
        "choice" => {
            let values = reader.list(&bounds, "a list of values")?;
            if values.is_empty() {
                reader.problem(&bounds, "there is nothing to choose from", None);
            }
            Some(Draw::Choice(values))
        }
        "integer" => pair(reader, &bounds, "whole numbers", Value::as_i64).map(|(low, high)| Draw::Integer(low, high)),
        "uniform" => pair(reader, &bounds, "numbers", Value::as_f64).map(|(low, high)| Draw::Uniform(low, high)),
        "log_uniform" => {
            let (low, high) = pair(reader, &bounds, "numbers", Value::as_f64)?;
            if low <= 0.0 {
                reader.problem(&bounds, format!("a magnitude is more than 0, and {low} is not"), None);
            }
            Some(Draw::LogUniform(low, high))
        }
        other => {
            reader.key_problem(
                &bounds,
                format!("`{other}` is no way to draw"),
                did_you_mean(other, DRAW_KEYS.iter().copied()),
            );
            None
        }
    }
}

fn pair<T: PartialOrd + std::fmt::Display + Copy>(
    reader: &mut Reader<'_>,
    spot: &Spot<'_>,
    what: &str,
    read: impl Fn(&Value) -> Option<T>,
) -> Option<(T, T)> {
    let bounds = match spot.value.as_array().map(Vec::as_slice) {
        Some([low, high]) => read(low).zip(read(high)),
        _ => None,
    };
    match bounds {
        Some((low, high)) if low > high => reader.problem(spot, format!("{low} is more than {high}"), None),
        None => reader.problem(spot, format!("expected two {what}, the least and the most"), None),
        Some(_) => {}
    }
    bounds
}
