//! The world of one function: what it exports, and of what the host offers only what its manifest grants.

use host_core::{grant::Right, manifest::Manifest};

use super::scan::Entry;

/// The world's name; the program must not have a module of this name.
pub(super) const NAME: &str = "weft-built";

/// What the SDK calls the interfaces whose names depend on what else there is.
pub(super) const MODULES: [&str; 4] = [
    "weft:function/types@0.1.0=weft_function_types",
    "wasi:config/store@0.2.0-rc.1=wasi_config_store",
    "wasi:keyvalue/store@0.2.0-draft2=wasi_keyvalue_store",
    "wasi:http/types@0.2.12=wasi_http_types",
];

/// The world in WIT.
///
/// A component in Python imports all that its world has, used or not, and a host takes no component that imports what
/// the manifest does not grant. So the world is made for the manifest.
pub(super) fn text(entries: &[Entry], manifest: &Manifest) -> String {
    let mut lines = vec!["import context;", "import log;"];
    let has_http = entries.contains(&Entry::Http);
    if manifest.grants.allows(Right::Http) {
        lines.push("import wasi:http/outgoing-handler@0.2.12;");
    }
    if has_http {
        lines.extend(["import wasi:http/types@0.2.12;", "export wasi:http/incoming-handler@0.2.12;"]);
    }
    if entries.contains(&Entry::Handler) {
        lines.push("export handler;");
    }
    if entries.contains(&Entry::Job) {
        lines.extend(["import run;", "export wasi:cli/run@0.2.12;"]);
    }
    for (right, imports) in RIGHTS {
        if manifest.allows(right) {
            lines.extend(imports);
        }
    }
    format!("package weft:function@0.1.0;\n\nworld {NAME} {{\n  {}\n}}\n", lines.join("\n  "))
}

const RIGHTS: [(Right, &[&str]); 4] = [
    (Right::Model, &["import model;"]),
    (Right::Publish, &["import publish;"]),
    (Right::Config, &["import wasi:config/store@0.2.0-rc.1;"]),
    (
        Right::Keyvalue,
        &[
            "import wasi:keyvalue/store@0.2.0-draft2;",
            "import wasi:keyvalue/atomics@0.2.0-draft2;",
            "import wasi:keyvalue/batch@0.2.0-draft2;",
        ],
    ),
];

/// The module that componentize-py is given: the program first, then a class for each export.
pub(super) fn app(entries: &[Entry]) -> String {
    let mut text = "\"\"\"The program and its exports.\"\"\"\n\nimport main\n".to_owned();
    for entry in entries {
        text.push_str(match entry {
            Entry::Handler => "from weft_function._glue.handler import Handler\n",
            Entry::Http => "from weft_function._glue.http import IncomingHandler\n",
            Entry::Job => "from weft_function._glue.job import Run\n",
        });
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_world_has_what_is_granted_and_no_more() {
        let bare = text(&[Entry::Handler], &Manifest::parse("name = \"x\"").unwrap());
        assert!(bare.contains("export handler;") && !bare.contains("model") && !bare.contains("http"), "{bare}");
        let granted =
            Manifest::parse("name = \"x\"\n[grants]\nmodel = [\"wine\"]\nkeyvalue = [\"default\"]\n").unwrap();
        let rich = text(&[Entry::Job], &granted);
        assert!(rich.contains("import model;") && rich.contains("atomics") && rich.contains("import run;"), "{rich}");
        assert!(!rich.contains("publish") && !rich.contains("export handler"), "{rich}");
    }

    #[test]
    fn the_program_is_taken_in_before_its_exports() {
        let text = app(&[Entry::Http, Entry::Job]);
        assert!(text.find("import main").unwrap() < text.find("IncomingHandler").unwrap(), "{text}");
        assert!(!text.contains("handler import Handler"), "{text}");
    }
}
