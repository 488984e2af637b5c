//! The page of the documentation: the results, and how they came about.

use super::{Report, table};

/// The whole page.
pub(super) fn write(report: &Report) -> String {
    let Report { command, date, machine, rounds, seconds, connections, .. } = report;
    let mut page = format!(
        "# Benchmarks\n\n\
         Written by `{command}` on {date}, not by hand.\n\n\
         Machine: {machine}. The host and all that it is compared with are built with the profile that is shipped, `dist`: thin \
         LTO and one codegen unit, in bare axum and the bare loops as in Weft.\n"
    );
    if let Some(rows) = table::http(&report.http) {
        page.push_str(&format!(
            "\n## Over HTTP\n\n{}\n\n\
             Rounds: {rounds}, in each of which every row is loaded for {seconds} s by {connections} keep-alive connections with one \
             request at a time. Each number is the median over the rounds. *CPU to axum* is the CPU time that the server process \
             spent per request (all its threads, from the scheduler's own count, until it is idle again), divided by that of bare \
             axum in the same round: the number to go by. Requests per second and latencies hang on the machine, on which the \
             load runs too; compare them within the table only.\n\n\
             Bare axum is `axum::serve` on a router with one route, as its documentation has it: the same hyper with the same \
             settings but for the host's time limit on request heads, and the system's allocator. It answers a `GET` \
             with 13 bytes, and so do the functions; the handler takes the request as an event. A CloudEvent that is posted in \
             the binary mode and comes back has a row of its own, and what such a request costs bare axum another. The functions \
             are as small as they can be (`sdk/conformance/hello` and `hello-http`): a fresh instance costs more the more its \
             component imports. The load never sleeps, so that no server pays for waking it.\n\n\
             The record policy is the default one unless the row says otherwise. *Dropped* are the records of calls that the \
             host did not keep, of all rounds together: its recorder never waits, and what its queue cannot hold is counted and \
             dropped. Totals are exact all the same.\n",
            table::markdown(&rows)
        ));
    }
    if let Some(figures) = table::figures(&report.figures) {
        page.push_str(&format!(
            "\n## Beyond HTTP\n\n{}\n\n\
             The bare loops take a record or message, with its key and headers, and hand it to a producer that confirms, in one \
             thread over rdkafka and one task over lapin; they parse nothing and call nothing. Host and loop take turns on the \
             same topic or queue and the same broker, which shares the machine with them: where all cores are busy, what the \
             broker spends is part of the ratio of throughputs. CPU is that of the process that moves the records alone.\n",
            table::markdown(&figures)
        ));
    }
    if !report.missing.is_empty() {
        let lines: String = report.missing.iter().map(|it| format!("- {}\n", it.line())).collect();
        page.push_str(&format!("\n## Without a number\n\n{lines}"));
    }
    page
}
