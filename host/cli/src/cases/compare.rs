//! Compares what came out with what was expected; fields left out of the expectation are not compared.

use serde_json::Value;

/// Every place where `actual` is not what `expected` says.
pub(super) fn differences(path: &str, expected: &Value, actual: &Value) -> Vec<String> {
    match (expected, actual) {
        (Value::Object(expected), Value::Object(actual)) => expected
            .iter()
            .flat_map(|(key, value)| differences(&join(path, key), value, actual.get(key).unwrap_or(&Value::Null)))
            .collect(),
        (Value::Array(expected), Value::Array(actual)) if expected.len() == actual.len() => {
            let pairs = expected.iter().zip(actual).enumerate();
            pairs
                .flat_map(|(index, (expected, actual))| differences(&format!("{path}[{index}]"), expected, actual))
                .collect()
        }
        (Value::Array(expected), Value::Array(actual)) => {
            vec![format!("{path}: expected {} items, got {}", expected.len(), actual.len())]
        }
        (Value::Number(expected), Value::Number(actual)) if near(expected.as_f64(), actual.as_f64()) => Vec::new(),
        _ if expected == actual => Vec::new(),
        _ => vec![format!("{path}: expected {expected}, got {actual}")],
    }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

/// Cases are written with a few digits.
fn near(expected: Option<f64>, actual: Option<f64>) -> bool {
    matches!((expected, actual), (Some(a), Some(b)) if (a - b).abs() <= 1e-6 * a.abs().max(1.0))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_left_out_is_not_compared() {
        let actual = json!({ "a": 1, "b": [1.000_000_01, "x"], "c": null });
        assert!(differences("", &json!({ "b": [1, "x"] }), &actual).is_empty());
        assert_eq!(
            differences("", &json!({ "a": 2, "d": 1 }), &actual),
            ["a: expected 2, got 1", "d: expected 1, got null"]
        );
        assert_eq!(differences("out", &json!({ "b": [] }), &actual), ["out.b: expected 0 items, got 2"]);
    }
}
