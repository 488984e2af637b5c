//! The functions that are deployed to be measured: guests of ours under manifests of their own.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};

use crate::{places::Places, subject::Subject};

/// A guest with the manifest it is deployed under.
#[derive(Debug)]
pub(crate) struct Function {
    /// The function's name.
    pub(crate) name: &'static str,
    /// The guest, by the name of its file.
    guest: &'static str,
    /// The manifest below its name and component; keys before tables.
    manifest: &'static [&'static str],
}

const RECORD_ALL: &str = "record = \"all\"\n";

const FRESH: &str = "[limits]\nisolation = \"fresh\"\n";

/// The guest can ask a model, so it must be granted one; it never does here.
const MODEL: &str = "[grants]\nmodel = [\"none\"]\n";

pub(crate) const HANDLER: Function = Function { name: "bench-handler", guest: "conformance_hello", manifest: &[] };
/// What a Kafka trigger wakes; its table is added for each round.
pub(crate) const KAFKA: Function = Function { name: "bench-kafka", guest: "conformance_handler", manifest: &[MODEL] };
/// The same for an AMQP trigger.
pub(crate) const AMQP: Function = Function { name: "bench-amqp", guest: "conformance_handler", manifest: &[MODEL] };
pub(crate) const HANDLER_FRESH: Function =
    Function { name: "bench-handler-fresh", guest: "conformance_hello", manifest: &[FRESH] };
pub(crate) const HANDLER_RECORD_ALL: Function =
    Function { name: "bench-handler-record-all", guest: "conformance_hello", manifest: &[RECORD_ALL] };
pub(crate) const HTTP: Function = Function { name: "bench-http", guest: "conformance_hello_http", manifest: &[] };
pub(crate) const HTTP_FRESH: Function =
    Function { name: "bench-http-fresh", guest: "conformance_hello_http", manifest: &[FRESH] };
/// Recorded to the last call, so that the host can tell how long its first one took.
pub(crate) const HTTP_RECORD_ALL: Function =
    Function { name: "bench-http-record-all", guest: "conformance_http", manifest: &[RECORD_ALL] };
/// `predict` from the library; it asks the model `wine`.
pub(crate) const PREDICT: Function =
    Function { name: "predict", guest: "predict", manifest: &["[grants]\nmodel = [\"wine\"]\n"] };
/// `score-records` from the library; its trigger is added.
pub(crate) const SCORER: Function = Function {
    name: "score-records",
    guest: "score_records",
    manifest: &["[grants]\nmodel = [\"wine\"]\nconfig = { input = \"input\" }\n"],
};
/// A job that does nothing, or hands a model on.
pub(crate) const JOB: Function = Function {
    name: "bench-job",
    guest: "conformance-job",
    manifest: &[
        "[params.do]\ntype = \"string\"\n",
        "[inputs.model]\nkind = \"model\"\noptional = true\n",
        "[outputs.model]\nkind = \"model\"\noptional = true\n",
    ],
};

/// What is published as a package: of some 300 KB, with all that a package has to say of itself.
pub(crate) const PACKAGE: Function = Function {
    name: "bench-package",
    guest: "conformance_handler",
    manifest: &["description = \"Is measured\"\nversion = \"0.1.0\"\nlicense = \"Apache-2.0\"\n", MODEL],
};

impl Function {
    /// The functions that an HTTP subject needs.
    pub(crate) fn needed_for(subject: Subject) -> &'static [Self] {
        match subject {
            Subject::HandlerWarm | Subject::HandlerPosted => &[HANDLER],
            Subject::HandlerFresh => &[HANDLER_FRESH],
            Subject::HandlerRecordAll => &[HANDLER_RECORD_ALL],
            Subject::HttpWarm => &[HTTP],
            Subject::HttpFresh => &[HTTP_FRESH],
            Subject::ScorePredict => &[PREDICT],
            _ => &[],
        }
    }

    /// Where it answers.
    pub(crate) fn path(&self, rest: &str) -> String {
        format!("/fn/{}{rest}", self.name)
    }

    /// Writes `function.toml` and the component to a folder of its own below `folder`.
    pub(crate) fn write(&self, places: &Places, folder: &Path) -> Result<PathBuf> {
        let guest = places.guest(self.guest)?;
        let folder = folder.join(self.name);
        let written = fs::create_dir_all(&folder)
            .and_then(|()| fs::copy(&guest, folder.join("component.wasm")))
            .and_then(|_| fs::write(folder.join("function.toml"), self.manifest()));
        written.with_context(|| format!("could not write the function `{}`", self.name))?;
        Ok(folder)
    }

    fn manifest(&self) -> String {
        format!("name = \"{}\"\ncomponent = \"component.wasm\"\n{}", self.name, self.manifest.concat())
    }
}

#[cfg(test)]
mod tests {
    use host_core::manifest::Manifest;

    use super::*;

    #[test]
    fn every_manifest_is_one() {
        let all = [
            HANDLER,
            AMQP,
            KAFKA,
            HANDLER_FRESH,
            HANDLER_RECORD_ALL,
            HTTP,
            HTTP_FRESH,
            HTTP_RECORD_ALL,
            PREDICT,
            SCORER,
            JOB,
            PACKAGE,
        ];
        for function in all {
            let manifest = Manifest::parse(&function.manifest()).unwrap();
            assert_eq!(manifest.name.as_str(), function.name);
        }
    }
}
