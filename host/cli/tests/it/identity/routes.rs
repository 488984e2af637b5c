//! Who may call functions over HTTP on a host that demands tokens.

use serde_json::json;

use super::{create, installation, strict};
use crate::support::Options;

const ROUTES: &str = "[[triggers]]\nkind = \"http\"\npath = \"/open/{*rest}\"\n\
                      [[triggers]]\nkind = \"http\"\npath = \"/members/{*rest}\"\nauth = \"token\"\n";

#[test]
fn a_function_answers_anybody_where_its_manifest_says_so_and_bearers_elsewhere() {
    let (data, admin) = installation();
    let host = strict(&data, Options::default());
    let source = host.function("site", "conformance_http.wasm", ROUTES);
    let env = [("WEFT_HOST", host.url("")), ("WEFT_TOKEN", admin.clone())];
    let env: Vec<(&str, &str)> = env.iter().map(|(name, value)| (*name, value.as_str())).collect();
    super::run(data.path(), &env, &["deploy", source.to_str().unwrap()]);
    let token = |name: &str, role: &str, project: Option<&str>| {
        create(&host, &admin, &json!({ "name": name, "role": role, "project": project }))
    };
    let (developer, viewer) = (token("dev", "developer", Some("default")), token("eve", "viewer", None));
    let stranger = token("far", "admin", Some("far"));
    let status = |path: &str, token: Option<&str>| host.send("GET", path, token, b"").0;
    assert!(!matches!(status("/open/hello", None), 401 | 403));
    for path in ["/members/hello", "/fn/site/hello", "/fn/default:site/hello"] {
        let asked = [None, Some("nonsense"), Some(&viewer), Some(&stranger), Some(&developer)];
        let answers = asked.map(|token| status(path, token));
        assert_eq!(answers[..4], [401, 401, 403, 403], "{path}");
        assert!(!matches!(answers[4], 401 | 403), "{path}: {}", answers[4]);
    }
    assert_eq!(status("/nothing", None), 404);
}
