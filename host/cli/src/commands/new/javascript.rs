//! The templates in JavaScript and TypeScript, which differ in their module alone.

use super::File;

macro_rules! template {
    ($kind:literal, $ending:literal: $($case:literal),+) => {
        &[
            ("package.json", include_str!("../../../../../sdk/javascript/template/common/package.json.tmpl")),
            ("tsconfig.json", include_str!("../../../../../sdk/javascript/template/common/tsconfig.json")),
            (".gitignore", include_str!("../../../../../sdk/javascript/template/common/.gitignore")),
            template!(@file $kind, "function.toml"),
            template!(@file $kind, "README.md"),
            (
                concat!("src/index.", $ending),
                include_str!(concat!("../../../../../sdk/javascript/template/", $kind, "/src/index.", $ending)),
            ),
            $(template!(@file $kind, $case)),+
        ]
    };
    (@file $kind:literal, $path:literal) => {
        ($path, include_str!(concat!("../../../../../sdk/javascript/template/", $kind, "/", $path)))
    };
}

pub(super) const JAVASCRIPT_HANDLER: &[File] = template!("handler", "js": "cases/greet.json");
pub(super) const JAVASCRIPT_HTTP: &[File] = template!("http", "js": "cases/greet.json", "cases/bad-json.json");
pub(super) const JAVASCRIPT_JOB: &[File] = template!("job", "js": "cases/count.json");
pub(super) const TYPESCRIPT_HANDLER: &[File] = template!("handler", "ts": "cases/greet.json");
pub(super) const TYPESCRIPT_HTTP: &[File] = template!("http", "ts": "cases/greet.json", "cases/bad-json.json");
pub(super) const TYPESCRIPT_JOB: &[File] = template!("job", "ts": "cases/count.json");

/// What stands in the templates for the language and for where the SDK lies.
pub(super) fn fill(text: &str, files: &[File]) -> String {
    let is_typescript = files.iter().any(|(path, _)| *path == "src/index.ts");
    let (language, ending) = if is_typescript { ("typescript", "ts") } else { ("javascript", "js") };
    text.replace("{{language}}", language).replace("{{ending}}", ending).replace("{{javascript-sdk}}", &sdk())
}

/// Where the SDK is found, for its types: beside this program's source until it is published.
fn sdk() -> String {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../sdk/javascript");
    std::fs::canonicalize(beside).map_or_else(|_| beside.to_owned(), |it| it.display().to_string())
}
