//! `describe` against pandas and scipy.

use serde_json::json;

use super::{Library, near, numbers, reference::reference};

const DATA: &str = "a,b,c,name\n1,2.5,10,x\n2,3.5,,y\n4,1.25,13,x\n8,9.75,11,z\n16,-2,17,x\n,4,12,y\n5,6,10,z\n";

#[test]
fn quantiles_moments_and_correlations_are_those_of_pandas_and_scipy() {
    let library = Library::with(&["describe"]);
    let ours = library.run("describe", &[("data", DATA)], json!({})).json("statistics");
    let Some(theirs) = reference("describe", &json!({ "data": DATA })) else { return };
    for column in ours["columns"].as_array().unwrap().iter().filter(|it| it["numbers"].is_object()) {
        let name = column["name"].as_str().unwrap();
        let theirs = &theirs["columns"][name];
        assert_eq!(column["missing"], theirs["missing"], "{name}");
        for measure in ["mean", "std", "q25", "median", "q95", "skewness", "kurtosis"] {
            let (ours, theirs) = (column["numbers"][measure].as_f64().unwrap(), theirs[measure].as_f64().unwrap());
            near(&format!("{measure} of {name}"), &[ours], &[theirs], 1e-9);
        }
    }
    for (ours, theirs) in
        ours["correlations"]["matrix"].as_array().unwrap().iter().zip(theirs["correlations"].as_array().unwrap())
    {
        near("correlations", &numbers(ours), &numbers(theirs), 1e-9);
    }
}
