//! How soon a package that nobody here has seen answers: pulled from a folder, verified, compiled, deployed, called.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};

use super::Setting;
use crate::{
    functions::{Function, PACKAGE},
    host::Host,
    interrupt,
    report::{Figure, Limit},
    statistics::median,
    subject::Subject,
};

/// How long it may take altogether, milliseconds.
const LIMIT_MS: Limit = Limit::AtMost(1_000.0);

const README: &str = "# Measured\n";
const CASE: &str = r#"{ "events": [{ "type": "none", "data": "x" }], "outcome": [{ "outputs": [] }] }"#;

/// Publishes a package once, and pulls it into a host of its own in each round: nothing is compiled there yet.
pub(crate) fn measure(setting: Setting<'_>) -> Result<Vec<Figure>> {
    let shelf = setting.folder.join("packages");
    let size = publish(setting, &PACKAGE, &shelf)?;
    let (mut pulls, mut answers) = (Vec::new(), Vec::new());
    for round in 0..setting.args.rounds {
        interrupt::check()?;
        let mut host = Host::start(setting.places, &setting.folder.join(format!("pull-{round}")), None)?;
        host.wait_until_ready()?;
        let (pulled, answered) = pull(&host, &shelf)?;
        pulls.push(milliseconds(pulled));
        answers.push(milliseconds(answered));
    }
    let note = format!("{} KB, nobody signed it, from a folder", size / 1_000);
    let figure = |what: &str, numbers: Vec<f64>, limit| {
        let value = median(numbers)?;
        let (what, note) = (what.to_owned(), note.clone());
        Some(Figure { name: Subject::Pull, what, value, unit: "ms", limit, note })
    };
    let figures = [
        figure("`fn pull` to deployed", pulls, None),
        figure("`fn pull` to the first answer", answers, Some(LIMIT_MS)),
    ];
    Ok(figures.into_iter().flatten().collect())
}

/// Puts the package into a folder, and gives the size of its component.
fn publish(setting: Setting<'_>, function: &Function, shelf: &Path) -> Result<u64> {
    let folder = setting.folder.join("published");
    let mut host = Host::start(setting.places, &folder, None)?;
    host.wait_until_ready()?;
    let source = function.write(setting.places, &folder)?;
    let written = fs::create_dir_all(source.join("cases"))
        .and_then(|()| fs::write(source.join("cases/one.json"), CASE))
        .and_then(|()| fs::write(source.join("README.md"), README));
    written.context("could not write the package")?;
    let (from, to) = (text(&source)?, text(shelf)?);
    host.run(&["publish", from, "--to", to, "--namespace", "bench", "--no-sign"])?;
    Ok(source.join("component.wasm").metadata()?.len())
}

fn pull(host: &Host, shelf: &Path) -> Result<(Duration, Duration)> {
    let name = format!("bench/{}", PACKAGE.name);
    let started = Instant::now();
    host.run(&["pull", &name, "--from", text(shelf)?, "--yes"])?;
    let pulled = started.elapsed();
    let answer = host.get(&PACKAGE.path("/"))?;
    if answer.status >= 500 || answer.status == 404 {
        bail!("the pulled function answered {}: {}", answer.status, answer.text.trim());
    }
    Ok((pulled, started.elapsed()))
}

fn text(path: &Path) -> Result<&str> {
    path.to_str().context("the temporary folder has a name that is not text")
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
