//! Datasets in, a CSV and its schema out.

use std::sync::Arc;

use ::parquet::{
    data_type::{ByteArray, ByteArrayType, DoubleType, Int32Type},
    file::writer::SerializedFileWriter,
    schema::parser::parse_message_type,
};

use super::*;

fn params(json: Value) -> Params {
    serde_json::from_value(json).unwrap()
}

fn job(folder: &std::path::Path, given: Value) -> Result<Run, Failure> {
    fs::create_dir_all(folder.join("in")).unwrap();
    fs::create_dir_all(folder.join("out")).unwrap();
    let run = Run::in_folder(folder);
    load(params(given), &run).map(|()| run)
}

fn written(folder: &std::path::Path) -> String {
    fs::read_to_string(folder.join("out/data")).unwrap()
}

#[test]
fn wine_quality_comes_with_its_schema_and_licence() {
    let folder = tempfile::tempdir().unwrap();
    let run = job(folder.path(), json!({ "name": "wine-quality" })).unwrap();
    let text = written(folder.path());
    assert!(
        text.starts_with("fixed_acidity,volatile_acidity,citric_acid,residual_sugar,chlorides,"),
        "{}",
        &text[..80]
    );
    assert!(text.contains("\n7.4,0.7,0,1.9,0.076,11,34,0.9978,3.51,0.56,9.4,5\n"));
    let (kind, schema) = run.recorded().outputs["data"].clone();
    assert_eq!(kind, "dataset");
    assert_eq!(
        (&schema["rows"], &schema["label"], &schema["license"]),
        (&json!(1599), &json!("quality"), &json!("CC-BY-4.0"))
    );
    assert_eq!(schema["columns"][11], json!({ "name": "quality", "type": "integer", "missing": 0 }));
}

#[test]
fn iris_names_its_species() {
    let folder = tempfile::tempdir().unwrap();
    job(folder.path(), json!({ "name": "iris" })).unwrap();
    let table = Table::from_csv(written(folder.path()).as_bytes()).unwrap();
    assert_eq!(weft_tables::class_order(table.column("species").unwrap()), ["setosa", "versicolor", "virginica"]);
}

#[test]
fn a_file_with_semicolons_becomes_a_table_with_the_label_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("in")).unwrap();
    fs::write(folder.path().join("in/source"), "y;x\n1;0.5\n0;NA\n").unwrap();
    let run = job(folder.path(), json!({ "delimiter": ";", "label": "y" })).unwrap();
    assert_eq!(written(folder.path()), "y,x\n1,0.5\n0,\n");
    assert_eq!(run.recorded().outputs["data"].1["label"], "y");
}

#[test]
fn a_parquet_file_is_known_by_its_first_bytes() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("in")).unwrap();
    fs::write(folder.path().join("in/source"), parquet_file()).unwrap();
    job(folder.path(), json!({})).unwrap();
    assert_eq!(written(folder.path()), "id,alcohol,color\n1,9.4,red\n2,,white\n3,10.25,red\n");
}

fn from_source(source: &str, given: Value) -> Result<String, String> {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("in")).unwrap();
    fs::write(folder.path().join("in/source"), source).unwrap();
    job(folder.path(), given).map_err(|it| it.to_string())?;
    Ok(written(folder.path()))
}

#[test]
fn json_is_known_by_its_bracket_and_its_keys_are_columns_as_they_come() {
    let list = "[{\"a\": 1, \"b\": {\"c\": \"ü,\", \"d\": [1, 2]}}, {\"e\": true, \"a\": null}, {}]";
    assert_eq!(from_source(list, json!({})).unwrap(), "a,b.c,b.d,e\n1,\"ü,\",\"[1,2]\",\n,,,true\n,,,\n");
    let lines = "\u{feff}{\"a\": 1}\n\n{\"a\": \"x\", \"n\": 9007199254740993}\n";
    assert_eq!(from_source(lines, json!({})).unwrap(), "a,n\n1,\nx,9007199254740993\n");
    let inside = "{\"data\": {\"items\": [{\"x\": 1.5}]}, \"next\": null}";
    assert_eq!(from_source(inside, json!({ "records": "data.items" })).unwrap(), "x\n1.5\n");
    assert_eq!(from_source(inside, json!({})).unwrap(), "data.items,next\n\"[{\"\"x\"\":1.5}]\",\n");
}

#[test]
fn json_that_is_no_table_says_why() {
    let fails = |source: &str, given: Value| from_source(source, given).unwrap_err();
    assert!(fails("[1]", json!({})).contains("record 1 is no object"));
    assert!(fails("[{\"a\": 1}", json!({})).contains("cannot be read as json"));
    assert!(fails("{\"a\": 1}", json!({ "records": "b" })).contains("no list of records at `b`"));
    assert!(fails("[]", json!({})).contains("has no header"));
    assert!(fails("a,b\n1,2\n", json!({ "format": "json" })).contains("cannot be read as json"));
    let deep = format!("{}1{}", "{\"a\":".repeat(20), "}".repeat(20));
    assert!(fails(&deep, json!({})).contains("more than 16 deep"));
}

#[test]
fn what_cannot_be_loaded_says_what_can() {
    let folder = tempfile::tempdir().unwrap();
    let message = |given| job(folder.path(), given).unwrap_err().to_string();
    assert_eq!(
        message(json!({ "name": "titanic" })),
        "there is no dataset `titanic`; there are wine-quality and iris (no-such-dataset)"
    );
    assert_eq!(message(json!({})), "give the param `name` or the input `source` (nothing-to-load)");
    fs::write(folder.path().join("in/source"), "PAR1 and nothing else").unwrap();
    assert!(message(json!({})).contains("cannot be read as parquet"));
    assert!(message(json!({ "name": "iris" })).contains("not both"));
}

fn parquet_file() -> Vec<u8> {
    let schema = "message wines { required int32 id; optional double alcohol; required binary color (UTF8); }";
    let mut bytes = Vec::new();
    let mut file =
        SerializedFileWriter::new(&mut bytes, Arc::new(parse_message_type(schema).unwrap()), Arc::default()).unwrap();
    let mut group = file.next_row_group().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<Int32Type>().write_batch(&[1, 2, 3], None, None).unwrap();
    column.close().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<DoubleType>().write_batch(&[9.4, 10.25], Some(&[1, 0, 1]), None).unwrap();
    column.close().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    let colors = ["red", "white", "red"].map(ByteArray::from);
    column.typed::<ByteArrayType>().write_batch(&colors, None, None).unwrap();
    column.close().unwrap();
    group.close().unwrap();
    file.close().unwrap();
    bytes
}
