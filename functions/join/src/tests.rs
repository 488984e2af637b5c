//! Two tables in, one out.

use serde_json::{Value, json};

use super::*;

const PEOPLE: &str = "id,name,city\n1,Ada,x\n2,Ben,y\n2,Bea,x\n,Nil,z\n";
const CITIES: &str = "id,city,size\n2,p,10\n2,q,20\n3,r,30\n,s,40\n";

fn joined(left: &str, right: &str, params: Value) -> Result<String, String> {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("in")).unwrap();
    fs::create_dir_all(folder.path().join("out")).unwrap();
    fs::write(folder.path().join("in/left"), left).unwrap();
    fs::write(folder.path().join("in/right"), right).unwrap();
    join(serde_json::from_value(params).unwrap(), &Run::in_folder(folder.path())).map_err(|it| it.to_string())?;
    Ok(fs::read_to_string(folder.path().join("out/data")).unwrap())
}

fn on_id(how: &str, null_keys: &str) -> String {
    joined(PEOPLE, CITIES, json!({ "on": ["id"], "how": how, "null_keys": null_keys })).unwrap()
}

#[test]
fn every_kind_of_join_keeps_the_rows_it_says() {
    let head = "id,name,city_left,city_right,size\n";
    let both = "2,Ben,y,p,10\n2,Ben,y,q,20\n2,Bea,x,p,10\n2,Bea,x,q,20\n";
    assert_eq!(on_id("inner", "sql"), format!("{head}{both}"));
    assert_eq!(on_id("left", "sql"), format!("{head}1,Ada,x,,\n{both},Nil,z,,\n"));
    let right = "2,Ben,y,p,10\n2,Bea,x,p,10\n2,Ben,y,q,20\n2,Bea,x,q,20\n3,,,r,30\n,,,s,40\n";
    assert_eq!(on_id("right", "sql"), format!("{head}{right}"));
    assert_eq!(on_id("outer", "sql"), format!("{head}1,Ada,x,,\n{both},Nil,z,,\n3,,,r,30\n,,,s,40\n"));
    assert_eq!(on_id("outer", "pandas"), format!("{head}1,Ada,x,,\n{both},Nil,z,s,40\n3,,,r,30\n"));
    assert_eq!(on_id("semi", "sql"), "id,name,city\n2,Ben,y\n2,Bea,x\n");
    assert_eq!(on_id("anti", "sql"), "id,name,city\n1,Ada,x\n,Nil,z\n");
    assert_eq!(on_id("anti", "pandas"), "id,name,city\n1,Ada,x\n");
}

#[test]
fn keys_of_other_names_stay_both_and_several_must_all_be_equal() {
    let params = json!({ "left_on": ["name", "id"], "right_on": ["who", "id"], "how": "left" });
    let table = joined("id,name\n1,Ada\n2,Ben\n", "who,id,x\nAda,1,7\nBen,1,8\n", params).unwrap();
    assert_eq!(table, "id,name,who,x\n1,Ada,Ada,7\n2,Ben,,\n");
}

#[test]
fn the_nearest_moment_is_found_whatever_the_order() {
    let trades = "t,s,n\n10,a,1\n3,a,2\n5,b,3\n,a,4\n";
    let quotes = "t,s,p\n9,a,90\n3,a,30\n3,a,31\n12,a,120\n6,b,60\n";
    let asof = |more: Value| {
        let mut params = json!({ "on": ["s"], "asof": ["t"], "how": "left" });
        params.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        joined(trades, quotes, params).unwrap()
    };
    assert_eq!(asof(json!({})), "t,s,n,p\n10,a,1,90\n3,a,2,31\n5,b,3,\n,a,4,\n");
    assert_eq!(asof(json!({ "direction": "forward" })), "t,s,n,p\n10,a,1,120\n3,a,2,30\n5,b,3,60\n,a,4,\n");
    let nearest = asof(json!({ "direction": "nearest", "tolerance": "500ms", "how": "inner" }));
    assert_eq!(nearest, "t,s,n,p\n3,a,2,31\n");
}

#[test]
fn what_cannot_be_joined_says_why() {
    let fails = |params: Value| joined(PEOPLE, CITIES, params).unwrap_err();
    assert!(fails(json!({})).contains("bad-keys"));
    assert!(fails(json!({ "on": ["name"] })).contains("no column `name`"));
    assert!(
        fails(json!({ "left_on": ["name"], "right_on": ["id"] })).contains("`name` holds text and `id` holds numbers")
    );
    assert!(fails(json!({ "left_on": ["name"] })).contains("as many columns"));
    assert!(fails(json!({ "on": ["id"], "validate": "m:1" })).contains("row 2 of the right repeats a key"));
    assert!(fails(json!({ "on": ["id"], "most_rows": 3 })).contains("more than 3 rows"));
    assert!(fails(json!({ "on": ["id"], "suffixes": ["", ""] })).contains("two columns are called `city`"));
    assert!(fails(json!({ "on": ["id"], "asof": ["size"], "how": "outer" })).contains("left or inner"));
}
