//! `aggregate` against pandas.

use serde_json::{Value, json};

use super::{Library, reference::reference, tables};

/// How far a number may be off, as a share of its size.
const WITHIN: f64 = 1e-10;

fn measures() -> Value {
    json!({
        "rows": "rows()", "priced": "count(price)", "prices": "distinct(price)", "total": "sum(price)",
        "mean": "mean(price)", "var": "var(price)", "std": "std(price)", "median": "median(price)",
        "p95": "quantile(price, 0.95)", "least": "min(price)", "most": "max(price)", "sold": "sum(amount)",
        "first": "first(price)", "last": "last(price)"
    })
}

#[test]
fn groups_and_windows_are_those_of_pandas() {
    let library = Library::with(&["aggregate"]);
    let data = tables::sales(700, 5);
    let with = |more: Value| {
        let mut params = json!({ "measures": measures() });
        params.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        params
    };
    let cases = [
        with(json!({})),
        with(json!({ "by": ["shop"] })),
        with(json!({ "by": ["item", "shop"], "keep_missing": true })),
        with(json!({ "time": "at", "window": "1h" })),
        with(json!({ "time": "at", "window": "15m", "empty_windows": true })),
        with(json!({ "time": "at", "window": "6h", "by": ["shop", "item"] })),
        with(json!({ "time": "at", "window": "3h", "slide": "1h" })),
        with(json!({ "time": "at", "window": "1d", "slide": "10h" })),
    ];
    let question = json!({ "data": data, "cases": cases });
    let Some(theirs) = reference("aggregate", &question) else { return };
    for (params, theirs) in cases.into_iter().zip(theirs.as_array().unwrap()) {
        let ours = library.run("aggregate", &[("data", &data)], params.clone()).text("table");
        tables::same_columns(&params.to_string(), &ours, theirs, WITHIN);
    }
}

#[test]
fn nothing_at_all_and_one_row_are_summed_up_too() {
    let library = Library::with(&["aggregate"]);
    let head = "shop,item,price,amount,at\n";
    let by = json!({ "by": ["shop"], "measures": { "n": "rows()", "sum": "sum(price)" } });
    assert_eq!(library.run("aggregate", &[("data", head)], by.clone()).text("table"), "shop,n,sum\n");
    let one = format!("{head}Łódź,1,,2,2026-01-01\n");
    assert_eq!(library.run("aggregate", &[("data", &one)], by).text("table"), "shop,n,sum\nŁódź,1,0\n");
}
