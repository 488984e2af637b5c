//! A table in, statistics and a page out.

use super::*;

fn statistics(text: &str, label: Option<&str>, bins: usize) -> Statistics {
    Statistics::of(&Table::from_csv(text.as_bytes()).unwrap(), label, bins).unwrap()
}

#[test]
fn quantiles_interpolate_between_values() {
    let statistics = statistics("x\n4\n1\n3\n\n2\nNA\n", None, 4);
    let numbers = statistics.columns[0].numbers.as_ref().unwrap();
    assert_eq!((numbers.min, numbers.q25, numbers.median, numbers.max), (1.0, 1.75, 2.5, 4.0));
    assert_eq!((numbers.mean, statistics.columns[0].distinct), (2.5, 4));
    assert!((numbers.std - 1.290_994).abs() < 1e-6 && numbers.skewness.abs() < 1e-12);
}

#[test]
fn missing_values_are_counted_and_left_out() {
    let statistics = statistics("x,y\n1,a\n,a\nNA,b\n", None, 4);
    assert_eq!((statistics.columns[0].missing, statistics.missing()), (2, 2));
    assert_eq!(statistics.columns[0].numbers.as_ref().unwrap().mean, 1.0);
    assert_eq!((statistics.columns[1].frequent[0].value.as_str(), statistics.columns[1].frequent[0].count), ("a", 2));
}

#[test]
fn few_whole_numbers_get_a_bin_each_and_the_largest_value_is_in_the_last_bin() {
    let whole = statistics("x\n3\n5\n5\n", None, 20).columns.remove(0).histogram.unwrap();
    assert_eq!((whole.edges, whole.counts), (vec![2.5, 3.5, 4.5, 5.5], vec![1, 0, 2]));
    let real = statistics("x\n0.5\n1.0\n2.5\n", None, 4).columns.remove(0).histogram.unwrap();
    assert_eq!((real.edges, real.counts), (vec![0.5, 1.0, 1.5, 2.0, 2.5], vec![1, 1, 0, 1]));
    let constant = statistics("x\n0.5\n0.5\n", None, 4).columns.remove(0).histogram.unwrap();
    assert_eq!(constant.counts, [2]);
}

#[test]
fn correlations_are_over_complete_rows_and_leave_out_constants() {
    let found = statistics("a,b,c,d\n1,2,7,x\n2,4,7,y\n3,,7,z\n4,9,7,x\n", None, 4).correlations.unwrap();
    assert_eq!((found.columns.as_slice(), found.rows), (["a".to_owned(), "b".to_owned()].as_slice(), 3));
    assert!((found.matrix[0][1] - 0.998_625).abs() < 1e-6 && found.matrix[0][0] == 1.0, "{found:?}");
    assert_eq!(statistics("a,b\n1,2\n", None, 4).correlations, None);
}

#[test]
fn classes_are_in_order_and_repeated_rows_are_counted() {
    let found = statistics("x,quality\n1,10\n1,10\n2,5\n", Some("quality"), 4);
    assert_eq!(found.duplicate_rows, 1);
    let classes: Vec<_> = found.classes.iter().map(|it| (it.value.as_str(), it.count)).collect();
    assert_eq!(classes, [("5", 1), ("10", 2)]);
}

#[test]
fn a_table_without_rows_is_described_as_such() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("in")).unwrap();
    fs::create_dir(folder.path().join("out")).unwrap();
    fs::write(folder.path().join("in/data"), "x,y\n").unwrap();
    let run = Run::in_folder(folder.path());
    describe(Params { label: String::new(), bins: 20, title: title() }, &run).unwrap();
    let page = fs::read_to_string(folder.path().join("out/page")).unwrap();
    assert!(page.contains("0 rows, 2 columns") && !page.contains("NaN"));
    let statistics: serde_json::Value =
        serde_json::from_slice(&fs::read(folder.path().join("out/statistics")).unwrap()).unwrap();
    assert_eq!(statistics["rows"], 0);
    assert_eq!(run.recorded().outputs["page"].0, "report");
}

#[test]
fn a_label_that_is_not_there_is_refused() {
    let table = Table::from_csv(b"x\n1\n").unwrap();
    assert!(Statistics::of(&table, Some("y"), 4).unwrap_err().to_string().contains("there is no column `y`"));
}
