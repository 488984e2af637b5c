//! What a stream of scores feels of a model that is swapped in its middle, and how fast it is otherwise.
//!
//! Records come at 1,000 a second, once without and once with a swap, round by round; what counts is the longest time
//! in which no score came.

use std::{
    collections::HashMap,
    fs,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use hdrhistogram::Histogram;
use rdkafka::{
    ClientConfig, Message as _, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer as _},
};
use serde_json::{Value, json};

use super::{
    Setting,
    kafka::cluster::{Cluster, Writer},
};
use crate::{
    functions::SCORER,
    host::Host,
    interrupt, model,
    report::{Figure, Limit},
    statistics::median,
    subject::Subject,
};

/// How many records come a second.
const RATE: f64 = 1_000.0;
/// How much longer the longest gap may be with a swap.
const RATIO_LIMIT: Limit = Limit::AtMost(1.5);
/// How many records are scored before anything is measured.
const WARM_UP: u64 = 500;
/// How many records are scored as fast as it goes.
const BURST: u64 = 20_000;
/// How long something may take that happens.
const LIMIT: Duration = Duration::from_secs(120);
/// What others have told of such a stream.
const ELSEWHERE: &str = "a score in the sources' own figures: 5 to 6 ms, 170 to 180 a second, 2,000 scaled out";

/// One time of sending steadily.
struct Run {
    longest_gap_ms: f64,
    errors: u64,
    /// Which version scored last, by partition.
    versions: HashMap<i32, u64>,
    /// From sending to reading, microseconds.
    delays: Histogram<u64>,
}

/// A host that scores a stream.
struct Stream<'s> {
    cluster: &'s Cluster,
    host: &'s Host,
    records: String,
    scores: String,
    models: String,
}

/// The figures.
pub(crate) fn measure(setting: Setting<'_>, brokers: &str) -> Result<Vec<Figure>> {
    let cluster = Cluster::connect(brokers)?;
    let mut host = Host::start(setting.places, &setting.folder.join(Subject::Swap.name()), None)?;
    host.wait_until_ready()?;
    let stream = Stream::start(setting, &cluster, &host)?;
    let seconds = setting.args.seconds.max(5.0);
    let (mut steady, mut swapped) = (Vec::new(), Vec::new());
    let mut versions = 1;
    for _ in 0..setting.args.rounds {
        interrupt::check()?;
        steady.push(stream.send(seconds, None)?);
        versions += 1;
        swapped.push(stream.send(seconds, Some(versions))?);
        stream.in_force(versions)?;
    }
    let per_second = stream.burst()?;
    figures(&steady, &swapped, per_second)
}

impl<'s> Stream<'s> {
    /// Deploys the scorer, puts a first model in force, and has a few records scored.
    fn start(setting: Setting<'_>, cluster: &'s Cluster, host: &'s Host) -> Result<Self> {
        let topic = |what, partitions| cluster.topic(what, partitions);
        let (records, scores, models) = (topic("records", 4)?, topic("scores", 4)?, topic("models", 1)?);
        let this = Self { cluster, host, records, scores, models };
        let folder = SCORER.write(setting.places, &setting.folder.join("scorer"))?;
        let trigger = format!(
            "[[triggers]]\nkind = \"kafka\"\nbrokers = [\"{}\"]\ntopics = [\"{}\"]\noutput = \"{}\"\n",
            cluster.brokers(),
            this.records,
            this.scores
        );
        let manifest = folder.join("function.toml");
        let text = fs::read_to_string(&manifest).context("could not read the manifest")?;
        fs::write(&manifest, text + &trigger).context("could not write the manifest")?;
        host.run(&["deploy", folder.to_str().context("the temporary folder has a name that is not text")?])?;
        host.run(&["models", "streams", "add", "bench", "--kafka", cluster.brokers(), "--topic", &this.models])?;
        this.arrives(1)?;
        this.in_force(1)?;
        let writer = Writer::open(cluster.brokers())?;
        (0..WARM_UP).try_for_each(|number| writer.write(&this.records, number, record(0).as_bytes()))?;
        writer.finish()?;
        this.reach(WARM_UP)?;
        Ok(this)
    }

    /// Sends a model, and waits until it is there.
    fn arrives(&self, version: u64) -> Result<()> {
        let writer = Writer::open(self.cluster.brokers())?;
        writer.write(&self.models, version, descriptor(version)?.as_bytes())?;
        writer.finish()
    }

    fn in_force(&self, version: u64) -> Result<()> {
        let until = Instant::now() + LIMIT;
        loop {
            let shown = self.host.run(&["models", "show", model::NAME]).unwrap_or_default();
            let aliases = shown["aliases"].as_array().cloned().unwrap_or_default();
            if aliases.iter().any(|it| it["alias"] == "production" && it["number"] == version) {
                return Ok(());
            }
            interrupt::check()?;
            ensure!(Instant::now() < until, "model {version} was never put in force");
            thread::sleep(Duration::from_millis(100));
        }
    }

    /// Waits until so many scores are there.
    fn reach(&self, scores: u64) -> Result<Instant> {
        let until = Instant::now() + LIMIT;
        while self.cluster.count(&self.scores)? < scores {
            interrupt::check()?;
            ensure!(Instant::now() < until, "no more than some of {scores} records were scored");
            thread::sleep(Duration::from_millis(5));
        }
        Ok(Instant::now())
    }

    /// Sends records steadily; where a version is named, its model comes in the middle.
    fn send(&self, seconds: f64, swap: Option<u64>) -> Result<Run> {
        let (start, sent_all) = (Instant::now(), AtomicBool::new(false));
        let reader = self.reader()?;
        thread::scope(|scope| {
            let reading = scope.spawn(|| read(&reader, start, &sent_all));
            let sent = self.send_steadily(seconds, start, swap);
            sent_all.store(true, Relaxed);
            let (run, seen) = reading.join().map_err(|_| anyhow::anyhow!("the reader panicked"))??;
            let sent = sent?;
            if seen < sent {
                bail!("only {seen} of {sent} records were scored");
            }
            if let Some(version) = swap {
                let felt = run.versions.values().any(|it| *it == version);
                ensure!(felt, "no record was scored by model {version}: it came after them");
            }
            Ok(run)
        })
    }

    fn send_steadily(&self, seconds: f64, start: Instant, swap: Option<u64>) -> Result<u64> {
        let (writer, models) = (Writer::open(self.cluster.brokers())?, Writer::open(self.cluster.brokers())?);
        // The model is made before and confirmed after: records that wait here for it (the client's `flush` alone takes
        // 100 ms, however soon a model is there) would look like records that wait for it in the host.
        let mut model = swap.zip(swap.map(descriptor).transpose()?);
        let (begun, mut sent) = (Instant::now(), 0_u32);
        while begun.elapsed().as_secs_f64() < seconds {
            if begun.elapsed().as_secs_f64() > seconds / 2.0
                && let Some((version, model)) = model.take()
            {
                models.write(&self.models, version, model.as_bytes())?;
            }
            while f64::from(sent) < begun.elapsed().as_secs_f64() * RATE {
                let at = u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX);
                writer.write(&self.records, sent.into(), record(at).as_bytes())?;
                sent += 1;
            }
            writer.poll();
            thread::sleep(Duration::from_micros(500));
        }
        writer.finish()?;
        models.finish()?;
        Ok(sent.into())
    }

    /// Reads scores from here on.
    fn reader(&self) -> Result<BaseConsumer> {
        let mut settings = ClientConfig::new();
        settings.set("bootstrap.servers", self.cluster.brokers()).set("group.id", format!("{}-reader", self.scores));
        settings.set("enable.auto.commit", "false").set("fetch.wait.max.ms", "5");
        let consumer: BaseConsumer = settings.create().context("could not open a consumer")?;
        let mut places = TopicPartitionList::new();
        for partition in 0..4 {
            let (_, end) = consumer.fetch_watermarks(&self.scores, partition, LIMIT).context("could not look")?;
            places.add_partition_offset(&self.scores, partition, Offset::Offset(end))?;
        }
        consumer.assign(&places)?;
        Ok(consumer)
    }

    /// How many records a second are scored when many lie there.
    fn burst(&self) -> Result<f64> {
        let before = self.cluster.count(&self.scores)?;
        let writer = Writer::open(self.cluster.brokers())?;
        (0..BURST).try_for_each(|number| writer.write(&self.records, number, record(0).as_bytes()))?;
        writer.finish()?;
        let counted = |at: Instant| Ok::<_, anyhow::Error>((at, self.cluster.count(&self.scores)?));
        let first = counted(self.reach(before + BURST / 10)?)?;
        let last = counted(self.reach(before + BURST / 10 * 9)?)?;
        let scored = f64::from(u32::try_from(last.1.saturating_sub(first.1)).context("too many records")?);
        // Where all of it was scored before anybody looked, it was scored by then at least.
        Ok(scored / last.0.duration_since(first.0).as_secs_f64().max(0.001))
    }
}

impl Run {
    fn new() -> Result<Self> {
        Ok(Self { longest_gap_ms: 0.0, errors: 0, versions: HashMap::new(), delays: Histogram::new(3)? })
    }

    /// Notes which version scored, and fails where a newer one did so before in the same partition.
    fn note(&mut self, partition: i32, version: u64) -> Result<()> {
        let before = self.versions.insert(partition, version).unwrap_or(0);
        ensure!(before <= version, "a score by model {version} came after one by model {before}");
        Ok(())
    }
}

/// A message that brings a model, unlike those before it by a remark at its end.
fn descriptor(version: u64) -> Result<String> {
    let mut bytes = model::onnx()?;
    let remark = format!("bench {version}");
    bytes.extend([0x32, u8::try_from(remark.len()).unwrap_or(0)]);
    bytes.extend(remark.bytes());
    Ok(json!({ "name": model::NAME, "version": version, "data": STANDARD.encode(bytes) }).to_string())
}

/// A wine, and when it was sent.
fn record(at_us: u64) -> String {
    let Value::Object(mut wine) = model::wine() else { return String::new() };
    wine.insert("dataType".to_owned(), json!(model::NAME));
    let features: Vec<Value> = wine.iter().filter(|(name, _)| *name != "dataType").map(|it| it.1.clone()).collect();
    json!({ "dataType": model::NAME, "features": features, "at": at_us }).to_string()
}

/// Reads until all has been sent and nothing comes any more: how it went, and how many scores there were.
fn read(consumer: &BaseConsumer, start: Instant, sent_all: &AtomicBool) -> Result<(Run, u64)> {
    let mut run = Run::new()?;
    let (mut seen, mut last, mut looked) = (0, None::<Instant>, Instant::now());
    while !sent_all.load(Relaxed) || looked.elapsed() < Duration::from_secs(2) {
        let Some(Ok(message)) = consumer.poll(Duration::from_millis(20)) else { continue };
        let now = Instant::now();
        // The first scores of a run come when they come.
        if let Some(before) = last.filter(|_| seen > 100) {
            run.longest_gap_ms = run.longest_gap_ms.max(now.duration_since(before).as_secs_f64() * 1e3);
        }
        (last, looked, seen) = (Some(now), now, seen + 1);
        let score: Value = serde_json::from_slice(message.payload().unwrap_or_default()).unwrap_or_default();
        let told = &score["modelResultMetadata"];
        run.errors += u64::from(told["errors"] != "");
        if let Some(version) = told["modelVersion"].as_u64() {
            run.note(message.partition(), version)?;
        }
        let sent_us = score["inputRecord"]["at"].as_u64().unwrap_or(0);
        let now_us = u64::try_from(now.duration_since(start).as_micros()).unwrap_or(u64::MAX);
        run.delays.record(now_us.saturating_sub(sent_us).max(1)).context("a delay is out of bounds")?;
    }
    Ok((run, seen))
}

fn figures(steady: &[Run], swapped: &[Run], per_second: f64) -> Result<Vec<Figure>> {
    let figure = |what: &str, value: f64, unit: &'static str, limit: Option<Limit>, note: &str| Figure {
        name: Subject::Swap,
        what: format!("{}: {what}", Subject::Swap.label()),
        value,
        unit,
        limit,
        note: note.to_owned(),
    };
    let middle = |values: Vec<f64>| median(values).context("nothing was measured");
    let gap = |runs: &[Run]| middle(runs.iter().map(|it| it.longest_gap_ms).collect());
    let ratios = steady.iter().zip(swapped).map(|(steady, swapped)| swapped.longest_gap_ms / steady.longest_gap_ms);
    let errors: u64 = steady.iter().chain(swapped).map(|it| it.errors).sum();
    let at = |quantile: f64| {
        let of = |run: &Run| Duration::from_micros(run.delays.value_at_quantile(quantile)).as_secs_f64() * 1e3;
        middle(steady.iter().map(of).collect())
    };
    let paced = "at 1,000 records a second";
    Ok(vec![
        figure("longest gap without a swap", gap(steady)?, "ms", None, paced),
        figure("longest gap with a swap", gap(swapped)?, "ms", None, paced),
        figure(
            "gap with a swap to that without",
            middle(ratios.collect())?,
            "x",
            Some(RATIO_LIMIT),
            "medians of rounds",
        ),
        figure(
            "scores with an error",
            f64::from(u32::try_from(errors).unwrap_or(u32::MAX)),
            "",
            Some(Limit::AtMost(0.0)),
            "in all rounds",
        ),
        figure("a score, p50", at(0.5)?, "ms", None, ELSEWHERE),
        figure("a score, p99", at(0.99)?, "ms", None, paced),
        figure("scores", per_second, "/s", None, "as fast as it goes, by one host"),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_has_the_features_of_the_model_in_their_order() {
        let record: Value = serde_json::from_str(&record(7)).unwrap();
        assert_eq!((record["features"].as_array().unwrap().len(), &record["at"]), (11, &json!(7)));
    }

    #[test]
    fn a_swap_that_is_felt_is_over_the_limit() {
        let run = |longest_gap_ms| Run { longest_gap_ms, ..Run::new().unwrap() };
        let figures = figures(&[run(10.0), run(10.0)], &[run(30.0), run(20.0)], 1.0).unwrap();
        let ratio = figures.iter().find(|it| it.what.contains("to that without")).unwrap();
        assert!(!ratio.limit.unwrap().is_kept_by(ratio.value), "{}", ratio.value);
    }

    #[test]
    fn a_version_that_goes_back_in_a_partition_is_no_swap() {
        let mut run = Run::new().unwrap();
        assert!(
            [(0, 1), (1, 1), (0, 2), (1, 1), (0, 2)].into_iter().all(|(at, version)| run.note(at, version).is_ok())
        );
        assert!(run.note(0, 1).is_err());
    }
}
