//! Tables for tests: the same each time, with gaps, repetitions, empty groups and letters from everywhere; and how an answer
//! is held against columns and rows that others computed.

use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;
use weft_tables::Table;

/// Shops with gaps, repetitions, commas and letters from everywhere; `shop` and `at` may be missing.
const SHOPS: [&str; 7] = ["Zürich", "東京", "\"a,b\"", "", "Łódź", "x", "Ünï \u{1F377}"];

/// Sales in no order: `shop`, `item`, `price` (a tenth missing), `amount`, `at`.
pub(crate) fn sales(rows: usize, seed: u64) -> String {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut csv = "shop,item,price,amount,at\n".to_owned();
    for _ in 0..rows {
        let shop = SHOPS[random.random_range(0..SHOPS.len())];
        let item = random.random_range(1..=3);
        let price = if random.random_bool(0.1) { String::new() } else { cents(random.random_range(-500..10_000)) };
        let amount = random.random_range(1..=9);
        let (day, hour, minute) = (random.random_range(1..=3), random.random_range(0..24), random.random_range(0..60));
        csv += &format!("{shop},{item},{price},{amount},2026-01-{day:02}T{hour:02}:{minute:02}:00Z\n");
    }
    csv
}

/// Measurements: `a`, `b`, `c`, `d` (a tenth missing each), `color` and `ok` (likewise), `class` and `y`, which depend on some.
pub(crate) fn measurements(rows: usize, seed: u64) -> String {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut csv = "a,b,c,d,color,ok,class,y\n".to_owned();
    for _ in 0..rows {
        let numbers: [f64; 4] = std::array::from_fn(|at| random.random_range(0.0..10.0_f64.powi(at as i32)));
        let color = ["red", "blün", "綠", ""][random.random_range(0..4)];
        let ok = ["true", "false", ""][random.random_range(0..3)];
        let y = 3.0 * numbers[0] - numbers[1] / 5.0 + random.random_range(0.0..0.5);
        let class = if y > 1.2 {
            "high"
        } else if y > 0.2 {
            "middle"
        } else {
            "low"
        };
        let cells = numbers.map(|it| if random.random_bool(0.1) { String::new() } else { it.to_string() });
        csv += &format!("{},{color},{ok},{class},{y}\n", cells.join(","));
    }
    csv
}

fn cents(value: i32) -> String {
    format!("{}", f64::from(value) / 100.0)
}

/// The same table without rows that have a gap in one of the columns.
pub(crate) fn complete(csv: &str, columns: &[&str]) -> String {
    let table = Table::from_csv(csv.as_bytes()).unwrap();
    let columns: Vec<_> = columns.iter().map(|it| table.column(it).unwrap()).collect();
    let rows: Vec<usize> = (0..table.rows()).filter(|&row| columns.iter().all(|it| !it.is_missing(row))).collect();
    let mut bytes = Vec::new();
    table.pick(&rows).to_csv(&mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

/// Holds a CSV against columns in their order, as `[[name, [value, …]], …]`: numbers near, texts equal, null a gap.
#[track_caller]
pub(crate) fn same_columns(what: &str, csv: &str, theirs: &Value, within: f64) {
    let ours = Table::from_csv(csv.as_bytes()).unwrap();
    let theirs = theirs.as_array().unwrap();
    let names: Vec<&str> = ours.columns().iter().map(|it| it.name.as_str()).collect();
    let expected: Vec<&str> = theirs.iter().map(|it| it[0].as_str().unwrap()).collect();
    assert_eq!(names, expected, "{what}");
    for (column, theirs) in ours.columns().iter().zip(theirs) {
        let theirs = theirs[1].as_array().unwrap();
        assert_eq!(column.len(), theirs.len(), "{what}: rows of {}", column.name);
        for (row, their) in theirs.iter().enumerate() {
            let our = column.cell(row);
            let is_same = match (our.as_deref(), their) {
                (None, Value::Null) => true,
                (Some(our), Value::String(their)) => our == their,
                (Some(our), Value::Bool(their)) => our == their.to_string(),
                (Some(our), Value::Number(their)) => {
                    let (our, their): (f64, f64) = (our.parse().unwrap_or(f64::NAN), their.as_f64().unwrap());
                    (our - their).abs() <= within * their.abs().max(1.0)
                }
                _ => false,
            };
            assert!(is_same, "{what}: {}[{row}] is {our:?}, and {their} elsewhere", column.name);
        }
    }
}

/// Holds a CSV against rows in any order, as `{"names": […], "rows": [[…], …]}`.
#[track_caller]
pub(crate) fn same_rows(what: &str, csv: &str, theirs: &Value) {
    let ours = Table::from_csv(csv.as_bytes()).unwrap();
    let names: Vec<&str> = ours.columns().iter().map(|it| it.name.as_str()).collect();
    let expected: Vec<&str> = theirs["names"].as_array().unwrap().iter().map(|it| it.as_str().unwrap()).collect();
    assert_eq!(names, expected, "{what}");
    let our_row = |row| ours.columns().iter().map(|it| it.cell(row).unwrap_or_default().into_owned()).collect();
    let mut our_rows: Vec<Vec<String>> = (0..ours.rows()).map(our_row).collect();
    let their_row = |row: &Value| row.as_array().unwrap().iter().map(text).collect();
    let mut their_rows: Vec<Vec<String>> = theirs["rows"].as_array().unwrap().iter().map(their_row).collect();
    our_rows.sort();
    their_rows.sort();
    assert_eq!(our_rows, their_rows, "{what}");
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Number(number) => number.as_f64().unwrap().to_string(),
        other => other.to_string(),
    }
}
