//! `fn doc`: what a function takes, gives and asks for, from its manifest; of a package, a folder or a deployed function.

use std::{fmt::Write as _, path::Path};

use anyhow::Result;
use host_core::{Name, manifest::Manifest, pipeline::ParamSpec};
use host_wire::function::FunctionDetail;
use marketplace::{
    asks::{Asks, plain},
    client,
    layout::CaseFile,
};
use serde::Serialize;
use serde_json::Value;

use super::{Asked, offer::Offer};
use crate::{
    args::DocArgs,
    client::Client,
    project::Project,
    sources,
    ui::{Exit, Printer, Stop},
};

/// How many examples are shown.
const EXAMPLES: usize = 2;

/// What there is to say of a function.
#[derive(Debug, Serialize)]
struct Doc {
    name: String,
    version: Option<String>,
    /// Where it is.
    place: String,
    entries: Vec<String>,
    asks: Vec<String>,
    manifest: Manifest,
    readme: Option<String>,
    examples: Vec<Example>,
}

/// A case, which shows what goes in and what comes out.
#[derive(Debug, Serialize)]
struct Example {
    name: String,
    case: Value,
}

/// Prints it.
pub(super) async fn run(args: &DocArgs, client: &Client, printer: &Printer) -> Result<()> {
    let doc = if Path::new(&args.name).exists() && args.from.is_none() {
        folder(Path::new(&args.name))?
    } else if args.name.contains('/') {
        package(args, client, printer).await?
    } else {
        deployed(&args.name, client).await?
    };
    printer.answer(&doc, || text(&doc));
    Ok(())
}

fn folder(path: &Path) -> Result<Doc, Stop> {
    let project = Project::open(path)?;
    let cases = super::publish::cases(&project)?;
    let readme = std::fs::read_to_string(project.home().join("README.md")).ok();
    let place = project.home().display().to_string();
    Ok(Doc::new(project.manifest.name.to_string(), project.manifest.clone(), place).with(readme, &cases))
}

async fn deployed(name: &str, client: &Client) -> Result<Doc, Stop> {
    let name: Name =
        name.parse().map_err(|error: host_core::name::InvalidName| Stop::new(Exit::Usage, error.to_string()))?;
    let detail: FunctionDetail = client.get(&client.in_project(&format!("/functions/{name}")), &[]).await?;
    let place = match &detail.package {
        Some(of) => format!("{} · from {}@{}, {}", client.base(), of.name, of.version, of.source),
        None => client.base().to_owned(),
    };
    let mut doc = Doc::new(name.to_string(), detail.manifest, place);
    let word = |it: &host_wire::function::Entry| serde_json::to_value(it).ok()?.as_str().map(str::to_owned);
    doc.entries = detail.function.entries.iter().filter_map(word).collect();
    Ok(doc)
}

async fn package(args: &DocArgs, client: &Client, printer: &Printer) -> Result<Doc, Stop> {
    let asked = Asked::parse(&args.name)?;
    let shelf = sources::find(&asked.name, args.from.as_deref(), client).await?;
    let version = Offer::of(&shelf, &asked).await?.choose(&asked, &shelf, printer)?;
    let stop = |error| shelf.stop(&error);
    let fetched = client::fetch(shelf.place(), &asked.name, &version).await.map_err(stop)?;
    let docs = client::explain(shelf.place(), &fetched).await.map_err(stop)?;
    let config = shelf.place().blob(&asked.name, &fetched.package.config).await.map_err(stop)?;
    let place = shelf.place().address();
    let mut doc = Doc::new(asked.name.to_string(), fetched.package.manifest, place).with(docs.readme, &docs.cases);
    doc.version = Some(version.to_string());
    doc.entries = entries(&config);
    Ok(doc)
}

/// The ways in that a package says to have; whoever deploys it looks at the component itself.
fn entries(config: &[u8]) -> Vec<String> {
    let config: Value = serde_json::from_slice(config).unwrap_or_default();
    let exports = config["component"]["exports"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let known = [("wasi:http/incoming-handler", "http"), ("weft:function/handler", "handler"), ("wasi:cli/run", "job")];
    let word = |export: &str| known.iter().find(|(interface, _)| export.split('@').next() == Some(interface));
    exports.filter_map(word).map(|(_, word)| (*word).to_owned()).collect()
}

impl Doc {
    fn new(name: String, manifest: Manifest, place: String) -> Self {
        let (asks, version) = (Asks::of(&manifest).words(), manifest.version.clone());
        Self { name, version, place, entries: Vec::new(), asks, manifest, readme: None, examples: Vec::new() }
    }

    fn with(mut self, readme: Option<String>, cases: &[CaseFile]) -> Self {
        self.readme = readme;
        let json = cases.iter().filter(|it| it.name.ends_with(".json") && !it.name.contains('/'));
        let cases = json.filter_map(|it| {
            let case = serde_json::from_slice(&it.bytes).ok()?;
            Some(Example { name: it.name.trim_end_matches(".json").to_owned(), case })
        });
        self.examples = cases.take(EXAMPLES).collect();
        self
    }
}

fn text(doc: &Doc) -> String {
    let manifest = &doc.manifest;
    let mut out = doc.name.clone();
    let mut line = |text: String| {
        // A text takes whatever is written to it.
        let _ = writeln!(out, "{text}");
    };
    line(doc.version.as_ref().map_or_else(String::new, |it| format!("@{it}")));
    manifest.description.iter().for_each(|it| line(it.clone()));
    line(String::new());
    fact(&mut line, "where", &doc.place);
    fact(&mut line, "entries", &doc.entries.join(", "));
    fact(&mut line, "licence", manifest.license.as_deref().unwrap_or_default());
    fact(&mut line, "authors", &manifest.authors.join(", "));
    fact(&mut line, "source", manifest.source.as_deref().unwrap_or_default());
    let categories: Vec<&str> = manifest.categories.iter().map(Name::as_str).collect();
    fact(&mut line, "categories", &categories.join(", "));
    section(&mut line, "params", manifest.params.iter().map(|(name, it)| param(name, it)));
    let input =
        |kind, optional: bool, text: Option<&String>| described(kind, if optional { ", optional" } else { "" }, text);
    let inputs = manifest.inputs.iter();
    section(
        &mut line,
        "inputs",
        inputs.map(|(name, it)| (name.clone(), input(it.kind, it.optional, it.description.as_ref()))),
    );
    let outputs = manifest.outputs.iter();
    section(
        &mut line,
        "outputs",
        outputs.map(|(name, it)| (name.clone(), input(it.kind, it.optional, it.description.as_ref()))),
    );
    section(&mut line, "asks to", doc.asks.iter().map(|it| (String::new(), it.clone())));
    for example in &doc.examples {
        line(format!("\nexample {}", example.name));
        line(serde_json::to_string_pretty(&example.case).unwrap_or_default());
    }
    if let Some(readme) = &doc.readme {
        line(format!("\n{}", readme.trim()));
    }
    plain(&out, &['\n', '\t'])
}

fn fact(line: &mut impl FnMut(String), what: &str, value: &str) {
    if !value.is_empty() {
        line(format!("{what:<11}{value}"));
    }
}

fn section(line: &mut impl FnMut(String), title: &str, rows: impl Iterator<Item = (String, String)>) {
    let rows: Vec<_> = rows.collect();
    if rows.is_empty() {
        return;
    }
    line(format!("\n{title}"));
    let width = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or_default();
    for (name, text) in rows {
        let row = format!("  {name:<width$}  {text}");
        line(if name.is_empty() { format!("  {text}") } else { row.trim_end().to_owned() });
    }
}

fn param(name: &str, spec: &ParamSpec) -> (String, String) {
    let mut facts = vec![spec.r#type.to_string()];
    match &spec.default {
        Some(default) => facts.push(format!("default {default}")),
        None if spec.optional => facts.push("optional".to_owned()),
        None => facts.push("required".to_owned()),
    }
    if !spec.choices.is_empty() {
        let choices: Vec<String> = spec.choices.iter().map(ToString::to_string).collect();
        facts.push(format!("one of {}", choices.join(", ")));
    }
    facts.extend(spec.minimum.map(|it| format!("at least {it}")));
    facts.extend(spec.maximum.map(|it| format!("at most {it}")));
    let text = spec.description.as_deref().map(|it| format!(" · {it}")).unwrap_or_default();
    (name.to_owned(), format!("{}{text}", facts.join(", ")))
}

fn described(kind: host_core::artifact::Kind, more: &str, text: Option<&String>) -> String {
    let kind = serde_json::to_value(kind).ok();
    let kind = kind.as_ref().and_then(Value::as_str).unwrap_or_default();
    format!("{kind}{more}{}", text.map(|it| format!(" · {it}")).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_doc_says_what_goes_in_what_comes_out_and_what_is_asked_for() {
        let manifest = "name = \"count\"\ndescription = \"Counts words\"\nlicense = \"MIT\"\nauthors = [\"Ada\"]\n\
                        [params.least]\ntype = \"integer\"\ndefault = 3\nminimum = 1\ndescription = \"The shortest.\"\n\
                        [inputs.text]\nkind = \"file\"\ndescription = \"What is counted.\"\n\
                        [outputs.counts]\nkind = \"table\"\n[grants]\nmodel = [\"wine\"]\n";
        let case = CaseFile { name: "one.json".into(), bytes: "{\"params\":{\"least\":2}}".into() };
        let doc = Doc::new("std/count".into(), Manifest::parse(manifest).unwrap(), "/here".into());
        let doc = doc.with(Some("# Count\n\u{1b}[31mred".into()), &[case]);
        insta::assert_snapshot!(text(&doc), @r#"
        std/count
        Counts words

        where      /here
        licence    MIT
        authors    Ada

        params
          least  integer, default 3, at least 1 · The shortest.

        inputs
          text  file · What is counted.

        outputs
          counts  table

        asks to
          ask the model wine
          hold 1GiB of memory and run for 1h at most

        example one
        {
          "params": {
            "least": 2
          }
        }

        # Count
        [31mred
        "#);
    }

    #[test]
    fn the_ways_in_are_read_from_what_the_config_says_is_exported() {
        let config = br#"{"component":{"exports":["wasi:cli/run@0.2.6","x:y/z"],"imports":[]}}"#;
        assert_eq!(entries(config), ["job"]);
        assert!(entries(b"nonsense").is_empty());
    }
}
