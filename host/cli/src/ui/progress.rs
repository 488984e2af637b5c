//! The progress of a run: one line per step, which becomes its result line.

use std::{collections::HashMap, time::Duration};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use owo_colors::OwoColorize;

/// What there is to say of a step or a trial now.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct StepLine {
    /// `name` or `name#trial`.
    pub(crate) label: String,
    /// The state, as the host says it.
    pub(crate) state: String,
    /// How long, what came out, why it failed.
    pub(crate) detail: String,
}

/// Shows the steps of a run as they change. Where nobody watches, each change is a line.
pub(crate) struct RunProgress {
    bars: MultiProgress,
    steps: HashMap<String, (ProgressBar, StepLine)>,
    shown: bool,
    live: bool,
}

impl RunProgress {
    /// `shown` is false for `--json` and `--quiet`.
    pub(crate) fn new(shown: bool) -> Self {
        let live = shown && console_is_live();
        Self { bars: MultiProgress::new(), steps: HashMap::new(), shown, live }
    }

    /// Takes the present state of every step that is worth a line.
    pub(crate) fn update(&mut self, lines: impl IntoIterator<Item = StepLine>) {
        if !self.shown {
            return;
        }
        for line in lines.into_iter().filter(|it| !matches!(it.state.as_str(), "waiting" | "ready")) {
            self.step(line);
        }
    }

    fn step(&mut self, line: StepLine) {
        if self.steps.get(&line.label).is_some_and(|(_, shown)| *shown == line) {
            return;
        }
        let is_new_state = self.steps.get(&line.label).is_none_or(|(_, shown)| shown.state != line.state);
        let bars = &self.bars;
        let (bar, shown) = self.steps.entry(line.label.clone()).or_insert_with(|| (bar(bars), line.clone()));
        *shown = line.clone();
        let text = format!("{} {:<24} {}", mark(&line.state), line.label, line.detail);
        if !self.live {
            if is_new_state {
                let _ = std::io::Write::write_fmt(&mut anstream::stderr(), format_args!("{text}\n"));
            }
        } else if line.state == "running" {
            bar.set_message(format!("{:<24} {}", line.label, line.detail));
        } else {
            bar.set_style(plain());
            bar.finish_with_message(text);
        }
    }
}

fn bar(bars: &MultiProgress) -> ProgressBar {
    let bar = bars.add(ProgressBar::new_spinner());
    bar.set_style(
        ProgressStyle::with_template("{spinner:.cyan} {msg}").unwrap_or_else(|_| ProgressStyle::default_spinner()),
    );
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}

fn plain() -> ProgressStyle {
    ProgressStyle::with_template("{msg}").unwrap_or_else(|_| ProgressStyle::default_spinner())
}

fn console_is_live() -> bool {
    std::io::IsTerminal::is_terminal(&std::io::stderr())
}

/// A sign and a colour; the word stands in the detail where the colour cannot be seen.
fn mark(state: &str) -> String {
    match state {
        "done" => "✓".green().to_string(),
        "failed" => "✗".red().to_string(),
        "cancelled" => "■".yellow().to_string(),
        "skipped" => "–".dimmed().to_string(),
        _ => "…".cyan().to_string(),
    }
}
