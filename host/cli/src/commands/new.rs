//! `fn new`: a function to begin with.

mod javascript;
mod python;

use std::path::{Path, PathBuf};

use anyhow::Result;
use host_core::Name;

use crate::{
    args::{NewArgs, Template},
    ui::{Exit, Printer, Stop},
};

/// A file of a template: its path and its text.
type File = (&'static str, &'static str);

macro_rules! template {
    ($folder:literal: $($file:literal => $path:literal),+ $(,)?) => {
        &[$(($path, include_str!(concat!("../../../../sdk/rust/template/", $folder, "/", $file)))),+]
    };
}

const HANDLER: &[File] = template!("handler":
    "Cargo.toml.tmpl" => "Cargo.toml", "function.toml" => "function.toml", "README.md" => "README.md",
    ".gitignore" => ".gitignore", "src/lib.rs" => "src/lib.rs", "cases/greet.json" => "cases/greet.json");
const HTTP: &[File] = template!("http":
    "Cargo.toml.tmpl" => "Cargo.toml", "function.toml" => "function.toml", "README.md" => "README.md",
    ".gitignore" => ".gitignore", "src/lib.rs" => "src/lib.rs", "cases/greet.json" => "cases/greet.json",
    "cases/bad-json.json" => "cases/bad-json.json");
const JOB: &[File] = template!("job":
    "Cargo.toml.tmpl" => "Cargo.toml", "function.toml" => "function.toml", "README.md" => "README.md",
    ".gitignore" => ".gitignore", "src/main.rs" => "src/main.rs", "cases/count.json" => "cases/count.json");

/// Writes the template to a folder that does not exist yet, or is empty.
pub(super) fn run(args: &NewArgs, printer: &Printer) -> Result<()> {
    let name: Name = args.name.parse().map_err(|error| Stop::new(Exit::Usage, format!("{error}")))?;
    let folder = args.path.clone().unwrap_or_else(|| PathBuf::from(name.as_str()));
    if std::fs::read_dir(&folder).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(Stop::new(Exit::Refused, format!("{} is not empty", folder.display()))
            .hint("name another folder with --path")
            .into());
    }
    let files = match args.template {
        Template::Handler => HANDLER,
        Template::Http => HTTP,
        Template::Job => JOB,
        Template::PythonHandler => python::HANDLER,
        Template::PythonHttp => python::HTTP,
        Template::PythonJob => python::JOB,
        Template::JavascriptHandler => javascript::JAVASCRIPT_HANDLER,
        Template::JavascriptHttp => javascript::JAVASCRIPT_HTTP,
        Template::JavascriptJob => javascript::JAVASCRIPT_JOB,
        Template::TypescriptHandler => javascript::TYPESCRIPT_HANDLER,
        Template::TypescriptHttp => javascript::TYPESCRIPT_HTTP,
        Template::TypescriptJob => javascript::TYPESCRIPT_JOB,
    };
    for (path, text) in files {
        write(&folder.join(path), &fill(&javascript::fill(text, files), &name))?;
    }
    let written: Vec<&str> = files.iter().map(|(path, _)| *path).collect();
    printer.answer(&serde_json::json!({ "name": name, "folder": folder, "files": written }), || {
        format!("{}: {}", folder.display(), written.join(", "))
    });
    printer.done(&format!("made function `{name}`"));
    printer.next(&format!("fn test {0} && fn deploy {0}", folder.display()));
    Ok(())
}

fn fill(text: &str, name: &Name) -> String {
    text.replace("{{name}}", name.as_str()).replace("{{sdk}}", &crate::project::rust_sdk())
}

fn write(file: &Path, text: &str) -> Result<(), Stop> {
    let folder = file.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(file, text))
        .map_err(|error| Stop::new(Exit::Failed, format!("could not write {}: {error}", file.display())))
}
