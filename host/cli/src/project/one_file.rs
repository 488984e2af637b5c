//! One file that is a whole function: `score.py`, `f.rs`, `hook.ts`, `hook.js`.

use std::path::Path;

use host_core::manifest::Language;

use super::{Original, Project, block, cache, rust_sdk};
use crate::ui::{Exit, Stop};

/// The most bytes that a source file may have.
const MOST: u64 = 16 << 20;

/// The language of a file, by how its name ends.
pub(super) fn language(extension: &str) -> Option<Language> {
    match extension {
        "rs" => Some(Language::Rust),
        "py" => Some(Language::Python),
        "ts" => Some(Language::TypeScript),
        "js" | "mjs" => Some(Language::JavaScript),
        _ => None,
    }
}

/// Makes a folder of the file, below the cache, that builds as any other.
pub(super) fn open(file: &Path) -> Result<Project, Stop> {
    let extension = file.extension().and_then(|it| it.to_str()).unwrap_or_default();
    let language = language(extension).ok_or_else(|| Stop::new(Exit::Usage, "this is no file of a known language"))?;
    let text = read(file)?;
    let comment = if language == Language::Python { "#" } else { "//" };
    let found = block::read(&text, comment, file, language)?;
    if language != Language::Rust && !found.dependencies.is_empty() {
        return Err(no_packages(file, language));
    }
    let folder = cache::folder(file)?;
    match language {
        Language::Rust => rust(file, &text, &found, &folder)?,
        Language::Python => cache::write(&folder.join("main.py"), &text)?,
        Language::JavaScript => cache::write(&folder.join("src/index.js"), &text)?,
        Language::TypeScript => cache::write(&folder.join("src/index.ts"), &text)?,
    }
    let original = Some(Original { file: file.to_owned(), cells: Vec::new() });
    Ok(Project { folder, manifest: found.manifest, bare: None, original })
}

/// The text of a file, if it can be one of a program.
pub(super) fn read(file: &Path) -> Result<String, Stop> {
    let wrong = |what: String| Stop::new(Exit::Usage, what).at(file.display().to_string());
    let size = std::fs::metadata(file).map_err(|error| wrong(format!("could not read it: {error}")))?.len();
    if size > MOST {
        return Err(wrong(format!("it has {size} bytes; a program in one file has {MOST} at most")));
    }
    std::fs::read_to_string(file).map_err(|error| wrong(format!("could not read it: {error}")))
}

fn no_packages(file: &Path, language: Language) -> Stop {
    let template = if language == Language::Python { "python-handler" } else { "javascript-handler" };
    Stop::new(Exit::Usage, "a function in one file has no packages beside the SDK")
        .at(file.display().to_string())
        .hint(format!("fn new NAME --template {template} makes a folder, which can have them"))
}

/// A package whose source is the file where it lies, so that the compiler's messages name it.
fn rust(file: &Path, text: &str, found: &block::Block, folder: &Path) -> Result<(), Stop> {
    let whole = std::fs::canonicalize(file)
        .map_err(|error| Stop::new(Exit::Usage, format!("could not read {}: {error}", file.display())))?;
    let toml = cargo(&whole, text, found);
    // Mistakes in what the file asks for are found here, where they can be explained.
    toml.parse::<toml::Table>().map_err(|error| {
        Stop::new(Exit::Usage, format!("[dependencies] cannot be read: {}", error.message()))
            .at(file.display().to_string())
    })?;
    cache::write(&folder.join("Cargo.toml"), &toml)?;
    // What functions have in common is compiled once for all of them.
    cache::write(&folder.join(".cargo/config.toml"), "[build]\ntarget-dir = \"../target\"\n")
}

/// Its Cargo.toml: the SDK and serde are there without asking.
fn cargo(whole: &Path, text: &str, found: &block::Block) -> String {
    let name = format!("{}-{}", found.manifest.name, cache::key(whole));
    let path = toml::Value::from(whole.display().to_string());
    let sdk = toml::Value::from(rust_sdk());
    let is_program = text.contains("#[weft::job]") || text.contains("fn main()");
    let target = if is_program {
        format!("[[bin]]\nname = \"{name}\"\npath = {path}\n")
    } else {
        format!("[lib]\npath = {path}\ncrate-type = [\"cdylib\"]\n")
    };
    let asks = |name: &str| {
        found.dependencies.lines().any(|it| it.split(['=', '.']).next().is_some_and(|it| it.trim() == name))
    };
    let mut dependencies = format!("weft = {{ path = {sdk}, features = [\"http\"] }}\n");
    for (name, line) in
        [("serde", "serde = { version = \"1\", features = [\"derive\"] }"), ("serde_json", "serde_json = \"1\"")]
    {
        if !asks(name) {
            dependencies.push_str(line);
            dependencies.push('\n');
        }
    }
    format!(
        "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n{target}\n[dependencies]\n{dependencies}{}\n\n\
         [profile.guest]\ninherits = \"release\"\nlto = true\ncodegen-units = 1\nstrip = \"debuginfo\"\npanic = \"abort\"\n\n\
         [workspace]\n",
        found.dependencies
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(text: &str) -> block::Block {
        block::read(text, "//", Path::new("f.rs"), Language::Rust).unwrap()
    }

    fn table(text: &str) -> toml::Table {
        cargo(Path::new("/functions/f.rs"), text, &block(text)).parse().unwrap()
    }

    #[test]
    fn a_package_is_made_of_the_file_where_it_lies() {
        let handler = table("#[weft::handler]\nfn f() {}\n");
        assert_eq!(handler["lib"]["path"].as_str(), Some("/functions/f.rs"));
        assert!(handler["dependencies"]["weft"]["path"].as_str().unwrap().ends_with("rust"));
        let job = table("#[weft::job]\nfn f() {}\n");
        assert_eq!(job["bin"][0]["path"].as_str(), Some("/functions/f.rs"));
        assert!(job.get("lib").is_none());
    }

    #[test]
    fn what_the_file_asks_for_comes_before_what_is_there_anyway() {
        let with = table("// /// function\n// [dependencies]\n// serde = \"=1.0.1\"\n// rand = \"0.9\"\n// ///\n");
        let dependencies = &with["dependencies"];
        assert_eq!(dependencies["serde"].as_str(), Some("=1.0.1"));
        assert_eq!(dependencies["rand"].as_str(), Some("0.9"));
        assert!(dependencies.get("serde_json").is_some());
    }

    #[test]
    fn packages_of_other_languages_need_a_folder() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("score.py");
        std::fs::write(&file, "# /// function\n# [dependencies]\n# jinja2 = \"3\"\n# ///\n").unwrap();
        let stop = open(&file).unwrap_err();
        assert!(stop.parts().1.unwrap().contains("python-handler"), "{stop:?}");
    }
}
