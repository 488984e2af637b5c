//! What can be measured: its name, what it is, and what it may cost.

use std::str::FromStr;

use serde::{Serialize, Serializer};

/// One thing to measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subject {
    Axum,
    AxumEcho,
    HandlerWarm,
    HandlerFresh,
    HttpWarm,
    HttpFresh,
    HandlerPosted,
    HandlerRecordAll,
    ScoreInfer,
    ScorePredict,
    PipelineSqlite,
    PipelinePostgres,
    RunsPage,
    Kafka100,
    Kafka1k,
    Amqp100,
    Amqp1k,
    Swap,
    Wake,
    ColdStart,
    Pull,
    Languages,
}

impl Subject {
    /// All of them, in the order of the report.
    pub(crate) const ALL: &[Self] = &[
        Self::Axum,
        Self::AxumEcho,
        Self::HandlerWarm,
        Self::HandlerFresh,
        Self::HttpWarm,
        Self::HttpFresh,
        Self::HandlerPosted,
        Self::HandlerRecordAll,
        Self::ScoreInfer,
        Self::ScorePredict,
        Self::PipelineSqlite,
        Self::PipelinePostgres,
        Self::RunsPage,
        Self::Kafka100,
        Self::Kafka1k,
        Self::Amqp100,
        Self::Amqp1k,
        Self::Swap,
        Self::Wake,
        Self::ColdStart,
        Self::Pull,
        Self::Languages,
    ];

    /// What it is called on the command line and in JSON.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Axum => "axum",
            Self::AxumEcho => "axum-echo",
            Self::HandlerWarm => "handler-warm",
            Self::HandlerFresh => "handler-fresh",
            Self::HttpWarm => "http-warm",
            Self::HttpFresh => "http-fresh",
            Self::HandlerPosted => "handler-posted",
            Self::HandlerRecordAll => "handler-record-all",
            Self::ScoreInfer => "score-infer",
            Self::ScorePredict => "score-predict",
            Self::PipelineSqlite => "pipeline-sqlite",
            Self::PipelinePostgres => "pipeline-postgres",
            Self::RunsPage => "runs-page",
            Self::Kafka100 => "kafka-100",
            Self::Kafka1k => "kafka-1k",
            Self::Amqp100 => "amqp-100",
            Self::Amqp1k => "amqp-1k",
            Self::Swap => "swap",
            Self::Wake => "wake",
            Self::ColdStart => "cold-start",
            Self::Pull => "pull",
            Self::Languages => "languages",
        }
    }

    /// What it is called in tables.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Axum => "bare axum",
            Self::AxumEcho => "bare axum, echoing a posted CloudEvent",
            Self::HandlerWarm => "handler warm",
            Self::HandlerFresh => "handler fresh",
            Self::HttpWarm => "wasi:http raw warm",
            Self::HttpFresh => "wasi:http raw fresh",
            Self::HandlerPosted => "handler warm, a posted CloudEvent",
            Self::HandlerRecordAll => "handler warm, record = \"all\"",
            Self::ScoreInfer => "score by /v2/models/NAME/infer",
            Self::ScorePredict => "score by the function predict",
            Self::PipelineSqlite => "no-op steps on SQLite",
            Self::PipelinePostgres => "no-op steps on Postgres",
            Self::RunsPage => "a page of runs",
            Self::Kafka100 => "Kafka to Kafka, 100 B",
            Self::Kafka1k => "Kafka to Kafka, 1 KiB",
            Self::Amqp100 => "AMQP to AMQP, 100 B",
            Self::Amqp1k => "AMQP to AMQP, 1 KiB",
            Self::Swap => "a model swapped in a stream",
            Self::Wake => "woken from no instance",
            Self::ColdStart => "cold start from disk",
            Self::Pull => "a package pulled and deployed",
            Self::Languages => "a handler in each language",
        }
    }

    /// Whether it is loaded over HTTP, in rounds beside the baseline.
    pub(crate) fn is_http(self) -> bool {
        !matches!(
            self,
            Self::PipelineSqlite
                | Self::PipelinePostgres
                | Self::RunsPage
                | Self::Kafka100
                | Self::Kafka1k
                | Self::Amqp100
                | Self::Amqp1k
                | Self::Swap
                | Self::Wake
                | Self::ColdStart
                | Self::Pull
                | Self::Languages
        )
    }

    /// Whether the baseline answers it, not a host.
    pub(crate) fn is_baseline(self) -> bool {
        matches!(self, Self::Axum | Self::AxumEcho)
    }

    /// Whether it asks a model.
    pub(crate) fn is_score(self) -> bool {
        matches!(self, Self::ScoreInfer | Self::ScorePredict)
    }

    /// How many times the CPU of the baseline a request may cost, where that was promised.
    pub(crate) fn ratio_limit(self) -> Option<f64> {
        match self {
            Self::HandlerWarm => Some(1.5),
            Self::HttpWarm => Some(1.9),
            Self::HandlerFresh | Self::HttpFresh => Some(3.9),
            _ => None,
        }
    }
}

impl Serialize for Subject {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// What one word on the command line stands for.
#[derive(Debug, Clone)]
pub(crate) struct Selected(pub(crate) Vec<Subject>);

impl FromStr for Selected {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        let fits =
            |it: &Subject| it.name().strip_prefix(word).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'));
        let chosen: Vec<_> = Subject::ALL.iter().copied().filter(fits).collect();
        if chosen.is_empty() {
            let names: Vec<_> = Subject::ALL.iter().map(|it| it.name()).collect();
            return Err(format!("`{word}` is not measured; choose from {}", names.join(", ")));
        }
        Ok(Self(chosen))
    }
}
