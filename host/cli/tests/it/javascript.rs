//! Functions in JavaScript and TypeScript from their templates: written, built, tested; and what is wrong with them, told.
//!
//! `cargo xtask test` installs jco and names its folder in WEFT_JCO.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use tempfile::TempDir;

use crate::support::command;

/// A function from a template, where there is what builds it.
struct Function(TempDir);

impl Function {
    fn new(template: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().join("hook");
        let output =
            command(&["new", "hook", "--template", template, "--path", at.to_str().unwrap()]).output().unwrap();
        assert!(output.status.success(), "{}", said(&output));
        Self(folder)
    }

    fn file(&self, path: &str) -> std::path::PathBuf {
        self.0.path().join("hook").join(path)
    }

    /// Built with QuickJS, which takes a moment; StarlingMonkey takes a while.
    fn small(self) -> Self {
        let manifest = fs::read_to_string(self.file("function.toml")).unwrap();
        fs::write(self.file("function.toml"), manifest.replace("language =", "profile = \"small\"\nlanguage ="))
            .unwrap();
        self
    }

    fn with(self, path: &str, text: &str) -> Self {
        fs::write(self.file(path), text).unwrap();
        self
    }

    fn run(&self, verb: &str) -> Command {
        let mut command = command(&[verb, self.0.path().join("hook").to_str().unwrap()]);
        // What is compiled is kept for the next time: an engine of JavaScript takes as long as a hundred functions.
        if let Some(guests) = std::env::var_os("WEFT_TEST_GUESTS") {
            command.env("WEFT_ENGINE__CACHE", Path::new(&guests).join("compiled"));
        }
        command.env("WEFT_ENGINE__COMPILE_TIMEOUT", "10m");
        command
    }

    fn passes(&self) {
        let output = self.run("test").output().unwrap();
        let said = said(&output);
        assert!(output.status.success() && said.contains("passed"), "{said}");
    }

    fn fails_to_build(&self) -> String {
        let output = self.run("build").output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{}", said(&output));
        said(&output)
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[expect(clippy::print_stderr, reason = "whoever runs the tests learns what was left out")]
fn can_build() -> bool {
    let jco = std::env::var_os("WEFT_JCO").is_some_and(|it| Path::new(&it).join("node_modules").is_dir());
    if !jco {
        eprintln!(
            "JavaScript was not built: `cargo xtask test` does, or set WEFT_JCO to a folder with jco in node_modules"
        );
    }
    jco
}

#[test]
fn a_handler_of_each_template_does_what_its_cases_say() {
    if !can_build() {
        return;
    }
    Function::new("javascript-handler").small().passes();
    Function::new("typescript-handler").small().passes();
}

#[test]
fn a_job_of_each_template_does_what_its_cases_say() {
    if !can_build() {
        return;
    }
    Function::new("javascript-job").small().passes();
    Function::new("typescript-job").small().passes();
}

#[test]
fn a_server_does_what_its_cases_say_and_is_built_once() {
    if !can_build() {
        return;
    }
    let server = Function::new("typescript-http");
    server.passes();
    let built = || fs::metadata(server.file("build/hook.wasm")).unwrap().modified().unwrap();
    let before = built();
    let output = server.run("build").output().unwrap();
    assert!(output.status.success() && server.file("hook.wasm").is_file(), "{}", said(&output));
    assert_eq!(built(), before, "nothing changed, so nothing was built");
}

#[test]
fn a_function_may_be_one_file_with_others_beside_it() {
    if !can_build() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let hook = "// /// function\n// profile = \"small\"\n// ///\nimport { handler } from '@weft/sdk';\n\
        import { greeting } from './words.ts';\nexport default handler((event) => greeting + event.text());\n";
    fs::write(at("hook.ts"), hook).unwrap();
    fs::write(at("words.ts"), "export const greeting: string = 'Hello, ';\n").unwrap();
    fs::create_dir(at("hook.cases")).unwrap();
    let case = r#"{ "events": [{ "type": "x", "datacontenttype": "text/plain", "data": "Ada" }],
        "outcome": [{ "outputs": [{ "type": "x", "datacontenttype": "text/plain; charset=utf-8", "data": "Hello, Ada" }] }] }"#;
    fs::write(at("hook.cases/greet.json"), case).unwrap();
    let run = |verb: &str| {
        command(&[verb, at("hook.ts").to_str().unwrap()]).env("XDG_CACHE_HOME", at("cache")).output().unwrap()
    };
    let output = run("test");
    assert!(output.status.success(), "{}", said(&output));
    fs::write(at("words.ts"), "export const greeting: string = ;\n").unwrap();
    let output = run("build");
    assert!(said(&output).contains("hook.ts") && said(&output).contains("words.ts:1"), "{}", said(&output));
}

#[test]
fn mistakes_are_told_where_they_are() {
    if !can_build() {
        return;
    }
    let broken = |text: &str| Function::new("javascript-handler").small().with("src/index.js", text).fails_to_build();
    let nothing = broken("export const x = 1;\n");
    assert!(nothing.contains("exports no function") && nothing.contains("export default handler(…)"), "{nothing}");
    let missing = broken("import { pad } from 'left-pad';\nexport default pad;\n");
    assert!(missing.contains("cannot find `left-pad`; is it installed?"), "{missing}");
    let node = broken("import fs from 'node:fs';\nexport default fs;\n");
    assert!(node.contains("there is no node:fs in a component"), "{node}");
    let syntax = broken("export default handler(\n");
    assert!(syntax.contains("index.js"), "{syntax}");
    let server = "import { http } from '@weft/sdk';\nexport default http(() => new Response('x'));\n";
    assert!(broken(server).contains("`profile = \"small\"` cannot serve HTTP by itself"));
    let early = "import { handler, log } from '@weft/sdk';\nlog.info('x');\nexport default handler(() => 1);\n";
    let early = broken(early);
    assert!(early.contains("it asks the host for weft:function/log@0.1.0 while its modules are loaded"), "{early}");
}

#[test]
fn a_machine_without_jco_is_told_what_brings_it() {
    let function = Function::new("javascript-handler");
    let output = function.run("build").env_remove("WEFT_JCO").env("PATH", function.0.path()).output().unwrap();
    let said = said(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("jco is not installed") && said.contains("npm install"), "{said}");
}

#[test]
fn a_profile_is_for_javascript_alone() {
    let function = Function::new("javascript-handler").small();
    let manifest = fs::read_to_string(function.file("function.toml")).unwrap();
    fs::write(function.file("function.toml"), manifest.replace("\"javascript\"", "\"rust\"")).unwrap();
    let output = function.run("build").output().unwrap();
    assert!(said(&output).contains("profile is for `language = \"javascript\"`"), "{}", said(&output));
}
