//! What the texts in paths look like: names, digests and identities, said once for every operation.

use serde_json::{Map, Value, json};

/// As `host_core::Name` reads it.
const NAME: &str = "^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$";

/// As `host_core::Digest` reads it.
const DIGEST: &str = "^sha256:[0-9a-f]{64}$";

/// Parameters that are names, each with one that a host which ran the demo has.
const NAMES: &[(&str, &str)] =
    &[("alias", "production"), ("function", "enrich"), ("model", "wine"), ("name", "enrich"), ("project", "default")];

/// Nouns whose `id` is a UUID.
const WITH_UUID: &[&str] = &["calls", "runs"];

/// Narrows the path parameters of the control plane.
pub(super) fn describe(api: &mut Value) {
    let Some(paths) = api["paths"].as_object_mut() else { return };
    for (path, item) in paths.iter_mut().filter(|(path, _)| path.starts_with("/api/")) {
        for operation in item.as_object_mut().into_iter().flat_map(Map::values_mut) {
            let parameters = operation.get_mut("parameters").and_then(Value::as_array_mut);
            for parameter in parameters.into_iter().flatten() {
                if parameter["in"] == "path" {
                    narrow(path, parameter);
                }
            }
        }
    }
}

fn narrow(path: &str, parameter: &mut Value) {
    let name = parameter["name"].as_str().unwrap_or_default().to_owned();
    if let Some((_, example)) = NAMES.iter().find(|(known, _)| *known == name) {
        parameter["schema"]["pattern"] = NAME.into();
        parameter["example"] = (*example).into();
    } else if name == "digest" {
        parameter["schema"]["pattern"] = DIGEST.into();
    } else if name == "id" && WITH_UUID.iter().any(|noun| path.contains(&format!("/{noun}/{{id}}"))) {
        parameter["schema"] = json!({ "type": "string", "format": "uuid" });
    }
}

#[cfg(test)]
mod tests {
    use host_core::Name;

    use super::*;

    #[test]
    fn the_examples_are_names() {
        for (_, example) in NAMES {
            assert!(example.parse::<Name>().is_ok(), "{example}");
        }
    }

    #[test]
    fn a_path_says_what_fits_into_it() {
        let api: Value = serde_json::from_str(&super::super::openapi()).unwrap();
        let show = &api["paths"]["/api/v1/projects/{project}/runs/{id}"]["get"]["parameters"];
        assert_eq!(show[0]["schema"]["pattern"], NAME);
        assert_eq!(show[1]["schema"]["format"], "uuid");
    }
}
