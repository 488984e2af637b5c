//! `join` against pandas, and against SQL where gaps equal nothing.

use serde_json::{Value, json};

use super::{Library, reference::reference, tables};

#[test]
fn joins_are_those_of_pandas_and_of_sql() {
    let library = Library::with(&["join"]);
    let (left, right) = (tables::sales(120, 1), tables::sales(90, 2));
    let mut cases = Vec::new();
    for null_keys in ["pandas", "sql"] {
        for how in ["inner", "left", "right", "outer", "semi", "anti"] {
            cases.push(json!({ "on": ["shop", "item"], "how": how, "null_keys": null_keys }));
        }
    }
    for how in ["inner", "left"] {
        cases.push(json!({ "left_on": ["price"], "right_on": ["amount"], "how": how, "null_keys": "sql" }));
    }
    compare(&library, &left, &right, &cases);
}

#[test]
fn joins_by_time_are_those_of_pandas() {
    let library = Library::with(&["join"]);
    let (left, right) = (tables::sales(200, 3), tables::sales(60, 4));
    // What pandas would make of gaps in keys and of rows of one moment on the right depends on its release.
    let (left, right) = (tables::complete(&left, &["shop"]), once(&tables::complete(&right, &["shop"])));
    let mut cases = Vec::new();
    for direction in ["backward", "forward", "nearest"] {
        for tolerance in ["", "30m"] {
            let asof = json!({ "asof": ["at"], "how": "left", "direction": direction, "tolerance": tolerance });
            let mut by_shop = asof.clone();
            by_shop["on"] = json!(["shop"]);
            cases.extend([asof, by_shop]);
        }
    }
    compare(&library, &left, &right, &cases);
}

/// The first row of each moment.
fn once(csv: &str) -> String {
    let mut seen = std::collections::HashSet::new();
    let lines = csv.lines().filter(|line| seen.insert(line.rsplit_once(',').unwrap().1.to_owned()));
    lines.map(|line| format!("{line}\n")).collect()
}

fn compare(library: &Library, left: &str, right: &str, cases: &[Value]) {
    let question = json!({ "left": left, "right": right, "cases": cases });
    let Some(theirs) = reference("join", &question) else { return };
    for (params, theirs) in cases.iter().zip(theirs.as_array().unwrap()) {
        let ours = library.run("join", &[("left", left), ("right", right)], params.clone()).text("data");
        tables::same_rows(&params.to_string(), &ours, theirs);
    }
}

#[test]
fn keys_that_repeat_on_both_sides_have_a_bound() {
    let library = Library::with(&["join"]);
    let many = format!("k\n{}", "1\n".repeat(2000));
    let inputs = [("left", many.as_str()), ("right", many.as_str())];
    assert_eq!(library.refused("join", &inputs, json!({ "on": ["k"], "most_rows": 1_000_000 })), "too-many-rows");
    assert_eq!(library.refused("join", &inputs, json!({ "on": ["k"], "validate": "m:1" })), "repeated-keys");
}
