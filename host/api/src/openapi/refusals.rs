//! What every operation may answer when it refuses: said once, for all of them.

use http::StatusCode;
use serde_json::{Map, Value, json};

/// Gives each operation the answer it has for any status that it does not name, and the media type of all its refusals.
pub(super) fn describe(api: &mut Value) {
    let Some(paths) = api["paths"].as_object_mut() else { return };
    for (path, item) in paths {
        let refusal = refusal_of(path);
        for (method, operation) in item.as_object_mut().into_iter().flatten() {
            if let Some(responses) = operation["responses"].as_object_mut() {
                complete(responses, &refusal);
            }
            // Whoever asks for the head alone gets no body.
            if method == "head" {
                operation["responses"].as_object_mut().into_iter().flat_map(Map::values_mut).for_each(without_body);
            }
        }
    }
}

fn complete(responses: &mut Map<String, Value>, refusal: &Value) {
    for (_, response) in responses.iter_mut().filter(|(status, _)| status.starts_with(['4', '5'])) {
        response["content"] = refusal["content"].clone();
    }
    responses.entry("default").or_insert_with(|| refusal.clone());
    for (status, response) in responses {
        // OpenAPI wants a description of each.
        if response["description"].as_str().is_none_or(str::is_empty) {
            response["description"] = meaning(status).into();
        }
    }
}

/// What a status says by itself.
fn meaning(status: &str) -> &'static str {
    status.parse().ok().and_then(|it: StatusCode| it.canonical_reason()).unwrap_or("An answer")
}

fn without_body(response: &mut Value) {
    if let Some(response) = response.as_object_mut() {
        response.remove("content");
    }
}

/// Problems everywhere but under the Open Inference Protocol, which has a form of its own.
fn refusal_of(path: &str) -> Value {
    let (media_type, schema) = match path.starts_with("/v2") {
        true => ("application/json", "#/components/schemas/Error"),
        false => ("application/problem+json", "#/components/schemas/Problem"),
    };
    let description = "The request was refused, such as for a bad path, query or body, a missing right or a busy host.";
    json!({ "description": description, "content": { media_type: { "schema": { "$ref": schema } } } })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_operation_says_how_it_refuses() {
        let api: Value = serde_json::from_str(&super::super::openapi()).unwrap();
        for (path, item) in api["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                let responses = operation["responses"].as_object().unwrap();
                assert!(responses.values().all(|it| it["description"].is_string()), "{method} {path}");
                let media_types = responses["default"]["content"].as_object().map_or(0, Map::len);
                assert_eq!(media_types, usize::from(method != "head"), "{method} {path}");
            }
        }
    }
}
