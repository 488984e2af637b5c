//! A record: what is scored of it, and by which model.

use prost::Message as _;
use serde_json::{Value, json};

/// The data type of a record that does not say.
const USUAL: &str = "wine";

/// The measurements of a wine, in the order of the dataset.
const WINE: [&str; 11] = [
    "fixed_acidity",
    "volatile_acidity",
    "citric_acid",
    "residual_sugar",
    "chlorides",
    "free_sulfur_dioxide",
    "total_sulfur_dioxide",
    "density",
    "pH",
    "sulphates",
    "alcohol",
];

/// A record that was read.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Record {
    /// The model of its data type.
    pub(crate) model: String,
    /// What is scored.
    pub(crate) features: Vec<f32>,
    /// The record as the score shows it.
    pub(crate) shown: Value,
}

/// A wine as the model-serving tutorial has it.
#[derive(Clone, PartialEq, prost::Message)]
struct WineRecord {
    #[prost(double, tag = "1")]
    fixed_acidity: f64,
    #[prost(double, tag = "2")]
    volatile_acidity: f64,
    #[prost(double, tag = "3")]
    citric_acid: f64,
    #[prost(double, tag = "4")]
    residual_sugar: f64,
    #[prost(double, tag = "5")]
    chlorides: f64,
    #[prost(double, tag = "6")]
    free_sulfur_dioxide: f64,
    #[prost(double, tag = "7")]
    total_sulfur_dioxide: f64,
    #[prost(double, tag = "8")]
    density: f64,
    #[prost(double, tag = "9")]
    ph: f64,
    #[prost(double, tag = "10")]
    sulphates: f64,
    #[prost(double, tag = "11")]
    alcohol: f64,
    #[prost(string, tag = "12")]
    data_type: String,
    #[prost(int64, tag = "13")]
    ts: i64,
}

impl Record {
    /// Reads a record: JSON, or the tutorial's protobuf.
    pub(crate) fn read(data: &[u8], content_type: Option<&str>) -> Result<Self, String> {
        let is_protobuf = content_type.is_some_and(|it| it.contains("protobuf"));
        if !is_protobuf && data.trim_ascii_start().starts_with(b"{") {
            let record = serde_json::from_slice(data).map_err(|error| format!("the record is not JSON: {error}"))?;
            return Self::from_json(record);
        }
        match WineRecord::decode(data) {
            Ok(wine) if !data.is_empty() => Self::from_json(wine.into_json()),
            Ok(_) => Err("the record is empty".to_owned()),
            Err(error) => Err(format!("the record is neither JSON nor a WineRecord: {error}")),
        }
    }

    fn from_json(shown: Value) -> Result<Self, String> {
        let data_type = ["dataType", "data_type"].into_iter().find_map(|it| shown.get(it)?.as_str());
        let model = name(data_type.filter(|it| !it.is_empty()).unwrap_or(USUAL));
        let features = match shown.get("features") {
            Some(Value::Array(values)) => values.iter().map(|it| number("features", it)).collect(),
            Some(_) => Err("`features` is not a list of numbers".to_owned()),
            None => WINE.iter().map(|it| measured(&shown, it)).collect(),
        };
        let features: Vec<f32> = features?;
        if features.is_empty() { Err("`features` is empty".to_owned()) } else { Ok(Self { model, features, shown }) }
    }
}

/// A measurement by its name, which is written with `_` or with spaces.
fn measured(record: &Value, name: &str) -> Result<f32, String> {
    let (spaced, lower) = (name.replace('_', " "), name.to_lowercase());
    let value = [name, &spaced, &lower].into_iter().find_map(|it| record.get(it));
    number(name, value.ok_or_else(|| format!("the record has neither `features` nor `{name}`"))?)
}

#[expect(clippy::cast_possible_truncation, reason = "models take singles")]
fn number(name: &str, value: &Value) -> Result<f32, String> {
    value.as_f64().map(|it| it as f32).ok_or_else(|| format!("`{name}` is not a number: {value}"))
}

/// A data type as the registry names its model.
fn name(data_type: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let mapped: String = data_type.chars().take(63).map(plain).collect();
    mapped.trim_matches('-').to_owned()
}

impl WineRecord {
    fn into_json(self) -> Value {
        json!({
            "fixed_acidity": self.fixed_acidity,
            "volatile_acidity": self.volatile_acidity,
            "citric_acid": self.citric_acid,
            "residual_sugar": self.residual_sugar,
            "chlorides": self.chlorides,
            "free_sulfur_dioxide": self.free_sulfur_dioxide,
            "total_sulfur_dioxide": self.total_sulfur_dioxide,
            "density": self.density,
            "pH": self.ph,
            "sulphates": self.sulphates,
            "alcohol": self.alcohol,
            "dataType": self.data_type,
            "ts": self.ts,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(record: &Value) -> Result<Record, String> {
        Record::read(record.to_string().as_bytes(), Some("application/json"))
    }

    #[test]
    fn numbers_come_as_a_list_or_by_the_names_of_a_wine() {
        let list = read(&json!({ "dataType": "Wine Quality", "features": [1, 2.5] })).unwrap();
        assert_eq!((list.model.as_str(), list.features), ("wine-quality", vec![1.0, 2.5]));
        let wine = json!({
            "fixed acidity": 7.4, "volatile acidity": 0.7, "citric acid": 0.0, "residual sugar": 1.9, "chlorides": 0.076,
            "free sulfur dioxide": 11.0, "total sulfur dioxide": 34.0, "density": 0.9978, "ph": 3.51, "sulphates": 0.56,
            "alcohol": 9.4,
        });
        let wine = read(&wine).unwrap();
        let features = [7.4, 0.7, 0.0, 1.9, 0.076, 11.0, 34.0, 0.9978, 3.51, 0.56, 9.4];
        assert_eq!((wine.model.as_str(), wine.features), ("wine", features.to_vec()));
    }

    #[test]
    fn the_tutorials_records_are_understood() {
        let wine = WineRecord { fixed_acidity: 7.4, alcohol: 9.4, data_type: "wine".into(), ..WineRecord::default() };
        for content_type in [None, Some("application/x-protobuf")] {
            let record = Record::read(&wine.encode_to_vec(), content_type).unwrap();
            assert_eq!((record.features.len(), record.features[0], record.features[10]), (11, 7.4, 9.4));
            assert_eq!((record.model.as_str(), &record.shown["alcohol"]), ("wine", &json!(9.4)));
        }
    }

    #[test]
    fn what_holds_no_numbers_is_no_record() {
        let wrong = [
            (&b""[..], "empty"),
            (b"{", "not JSON"),
            (b"wine", "neither JSON nor a WineRecord"),
            (b"{\"features\": []}", "`features` is empty"),
            (b"{\"features\": [\"x\"]}", "is not a number"),
            (b"{\"features\": 1}", "not a list"),
            (b"{\"pH\": 3}", "neither `features` nor `fixed_acidity`"),
        ];
        for (data, why) in wrong {
            let error = Record::read(data, None).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
    }
}
