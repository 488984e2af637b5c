//! The description of the API, made from its routes.

use std::sync::LazyLock;

use axum::response::{IntoResponse, Response};
use http::header;
use serde_json::Value;
use utoipa::openapi::{Info, OpenApi, OpenApiBuilder};

use crate::{auth, health, v1, v2};

mod refusals;
mod words;

static TEXT: LazyLock<String> = LazyLock::new(openapi);

/// The OpenAPI 3.1 description of every route, as JSON.
#[must_use]
pub fn openapi() -> String {
    let mut api = described();
    auth::declare(&mut api);
    // A tree of plain values always serialises.
    serde_json::to_string_pretty(&api).unwrap_or_default()
}

/// The description without who may do what.
pub(crate) fn described() -> Value {
    let mut api: OpenApi = OpenApiBuilder::new().info(info()).build();
    for part in [v1::routes(), v2::routes(), health::routes()] {
        api.merge(part.into_openapi());
    }
    // A tree of plain values always serialises.
    let mut api = serde_json::to_value(&api).unwrap_or_default();
    refusals::describe(&mut api);
    words::describe(&mut api);
    api
}

fn info() -> Info {
    let mut info = Info::new("Weft", env!("CARGO_PKG_VERSION"));
    info.description = Some(
        "Functions, pipelines and models of one host. Errors are RFC 9457 problems, except under /v2, where they are \
         the Open Inference Protocol's."
            .to_owned(),
    );
    info
}

/// `GET /api/v1/openapi.json`.
pub(crate) async fn show() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], TEXT.as_str()).into_response()
}

#[cfg(test)]
mod tests {
    use std::{env, fs, path::Path};

    #[test]
    fn the_description_on_disk_is_that_of_the_routes() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
        let (now, kept) = (super::openapi() + "\n", fs::read_to_string(&file).unwrap_or_default());
        if env::var("INSTA_UPDATE").is_ok_and(|it| it == "always") {
            fs::write(&file, &now).unwrap();
        } else {
            assert!(now == kept, "host/api/openapi.json is out of date: run `cargo xtask gen`");
        }
    }
}
