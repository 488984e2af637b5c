//! Tables in, summaries out.

use serde_json::json;

use super::*;

fn summed(csv: &str, params: Value) -> Result<String, String> {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("in")).unwrap();
    fs::create_dir_all(folder.path().join("out")).unwrap();
    fs::write(folder.path().join("in/data"), csv).unwrap();
    let run = Run::in_folder(folder.path());
    aggregate(serde_json::from_value(params).unwrap(), &run).map_err(|failure| failure.to_string())?;
    Ok(fs::read_to_string(folder.path().join("out/table")).unwrap())
}

const SALES: &str = "shop,price,at\nb,3,2026-01-01T10:05:00Z\na,1,2026-01-01T10:50:00Z\nb,,2026-01-01T10:10:00Z\n,9,2026-01-01T10:00:00Z\na,4,2026-01-01T12:10:00Z\n";

#[test]
fn groups_come_in_order_and_gaps_count_for_nothing() {
    let measures = json!({ "n": "rows()", "priced": "count(price)", "sum": "sum(price)", "mean": "mean(price)",
        "std": "std(price)", "q": "quantile(price, 0.25)", "first": "first(price)", "last": "last(price)", "min": "min(at)" });
    let table = summed(SALES, json!({ "by": ["shop"], "measures": measures })).unwrap();
    assert_eq!(
        table,
        "shop,n,priced,sum,mean,std,q,first,last,min\n\
         a,2,2,5,2.5,2.1213203435596424,1.75,1,4,2026-01-01T10:50:00Z\n\
         b,2,1,3,3,,3,3,3,2026-01-01T10:05:00Z\n"
    );
    let kept = summed(SALES, json!({ "by": ["shop"], "measures": { "n": "rows()" }, "keep_missing": true })).unwrap();
    assert_eq!(kept, "shop,n\na,2\nb,2\n,1\n");
}

#[test]
fn a_table_without_groups_is_one_and_without_rows_none_is_lost() {
    assert_eq!(summed("x\n1\n2\n", json!({ "measures": { "s": "sum(x)" } })).unwrap(), "s\n3\n");
    assert_eq!(summed("x,y\n", json!({ "measures": { "s": "sum(x)", "n": "rows()" } })).unwrap(), "s,n\n0,0\n");
    assert_eq!(summed("x,y\n", json!({ "by": ["y"], "measures": { "n": "rows()" } })).unwrap(), "y,n\n");
}

#[test]
fn windows_tumble_and_slide_whatever_the_order_of_the_rows() {
    let tumbling = json!({ "time": "at", "window": "1h", "measures": { "n": "rows()", "last": "last(price)" } });
    assert_eq!(
        summed(SALES, tumbling).unwrap(),
        "window_start,window_end,n,last\n\
         2026-01-01T10:00:00Z,2026-01-01T11:00:00Z,4,1\n\
         2026-01-01T12:00:00Z,2026-01-01T13:00:00Z,1,4\n"
    );
    let sliding = json!({ "time": "t", "window": "10s", "slide": "5s", "measures": { "x": "sum(x)" } });
    let table = summed("t,x\n7,1\n0,2\n-1,4\n", sliding).unwrap();
    assert_eq!(table, "window_start,window_end,x\n-10,0,4\n-5,5,6\n0,10,3\n5,15,1\n");
    let filled = json!({ "time": "t", "window": "5s", "empty_windows": true, "measures": { "x": "sum(x)" } });
    assert_eq!(summed("t,x\n0,1\n12,2\n", filled).unwrap(), "window_start,window_end,x\n0,5,1\n5,10,0\n10,15,2\n");
}

#[test]
fn rows_that_come_too_late_are_left_out() {
    let params = json!({ "time": "t", "window": "10s", "lateness": "5s", "measures": { "n": "rows()" } });
    let table = summed("t\n1\n20\n15\n14\n\n30\n", params).unwrap();
    assert_eq!(table, "window_start,window_end,n\n0,10,1\n10,20,1\n20,30,1\n30,40,1\n");
}

#[test]
fn what_cannot_be_computed_says_why() {
    let with = |measure: &str| summed(SALES, json!({ "measures": { "m": measure } })).unwrap_err();
    assert!(with("sum(shop)").contains("column `shop` holds text"), "{}", with("sum(shop)"));
    assert!(with("sum(prize)").contains("is it `price`?"));
    assert!(with("total(price)").contains("`total` is not known"));
    assert!(with("sum price").contains("is no measure"));
    assert!(with("sum()").contains("is no measure"));
    assert!(with("quantile(price, 2)").contains("`2` is no share"));
    let window = |params: Value| {
        let mut all = json!({ "measures": { "n": "rows()" } });
        all.as_object_mut().unwrap().extend(params.as_object().unwrap().clone());
        summed(SALES, all).unwrap_err()
    };
    assert!(window(json!({ "window": "1h" })).contains("no-time"));
    assert!(window(json!({ "window": "1 hour", "time": "at" })).contains("no span of time"));
    assert!(window(json!({ "window": "1h", "slide": "2h", "time": "at" })).contains("would be lost"));
    assert!(window(json!({ "window": "1d", "slide": "1s", "time": "at" })).contains("more than 1000 windows"));
    assert!(window(json!({ "window": "1h", "time": "shop" })).contains("`b` in column `shop` is no time"));
    assert!(window(json!({ "by": ["n"], "time": "at" })).contains("bad-group"));
}
