//! `cargo xtask demo --stream`: wine records and models go into Kafka, scores come out, and models swap meanwhile.

use std::{
    fs,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};

use super::{Args, Host};
use crate::{
    interrupt,
    kafka::Kafka,
    prepare::Install,
    talk,
    workspace::{self, Workspace},
};

/// What is shown.
const EXAMPLE: &str = "deploy/examples/wine-stream";

/// The brokers that the example names.
const USUAL: &str = "127.0.0.1:9092";

/// How long two models may take to come into force.
const LIMIT: Duration = Duration::from_secs(120);

/// Starts a Kafka and a host, and shows models that swap while records are scored.
pub(super) fn run(args: &Args, workspace: &Workspace, folder: &Path) -> Result<()> {
    talk::say("\n== start a Kafka");
    let kafka = Kafka::start(Install::Allowed)?;
    let brokers = kafka.brokers();
    let mut host = super::start_host(args, workspace, folder, None)?;
    talk::say("\n== 1 of 3: score records, before there is a model");
    for function in ["score-records", "wine-records"] {
        deploy(&host, workspace, folder, function, &brokers)?;
    }
    talk::say("\n== 2 of 3: read models from a topic");
    host.run(&["models", "streams", "add", "wine-models", "--kafka", &brokers, "--topic", "wine-models"])?;
    deploy(&host, workspace, folder, "wine-models", &brokers)?;
    talk::say("\n== 3 of 3: models swap while records are scored");
    let until = Instant::now() + LIMIT;
    while versions(&host)? < 2 {
        interrupt::check()?;
        host.check()?;
        if Instant::now() > until {
            bail!("no second model came into force within {}", talk::took(LIMIT));
        }
        thread::sleep(Duration::from_secs(1));
    }
    for words in [["models", "show", "wine"], ["models", "stats", "wine"]] {
        host.run(&words)?;
    }
    host.run(&["triggers", "list"])?;
    talk::answer(format_args!("Kafka at {brokers}: topics wine-records, wine-models, wine-scores"));
    if !args.once {
        super::stay_up(host)?;
    }
    Ok(())
}

/// How many versions were asked for a score.
fn versions(host: &Host) -> Result<usize> {
    let stats = host.get("/api/v1/projects/default/models/wine/stats")?;
    let asked = stats["others"].as_array().into_iter().flatten().chain([&stats["in_force"]]);
    Ok(asked.filter(|it| it["usage"].as_u64().is_some_and(|it| it > 0)).count())
}

/// Deploys a function of the example for this Kafka, as it was compiled already.
fn deploy(host: &Host, workspace: &Workspace, folder: &Path, function: &str, brokers: &str) -> Result<()> {
    let copy = folder.join(function);
    fs::create_dir_all(&copy)?;
    let manifest = workspace::root().join(EXAMPLE).join(function).join("function.toml");
    let text = fs::read_to_string(&manifest).with_context(|| format!("could not read {}", manifest.display()))?;
    fs::write(copy.join("function.toml"), for_this_machine(&text, &workspace.target_directory, brokers))?;
    host.run(&["deploy", copy.to_str().context("the folder's name is not text")?])
}

fn for_this_machine(manifest: &str, target: &Path, brokers: &str) -> String {
    let there: PathBuf = Path::new("../../../../target").into();
    manifest.replace(USUAL, brokers).replace(&there.display().to_string(), &target.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_is_made_to_fit_this_machine() {
        for function in ["score-records", "wine-records", "wine-models"] {
            let manifest = workspace::root().join(EXAMPLE).join(function).join("function.toml");
            let text = for_this_machine(&fs::read_to_string(manifest).unwrap(), Path::new("/target"), "kafka:1");
            assert!(text.contains("\"/target/wasm32-wasip2/guest/") && text.contains("kafka:1"), "{text}");
            assert!(!text.contains(USUAL) && !text.contains(".."), "{text}");
        }
    }
}
