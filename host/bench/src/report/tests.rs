//! A report with invented numbers, as it is told.

use super::*;

fn report() -> Report {
    let sample = Sample { cpu_us: 12.04, requests_per_s: 50_000.4, p50_us: 400.2, p99_us: 2_000.0, dropped: 0 };
    let row = HttpRow {
        name: Subject::HandlerWarm,
        what: Subject::HandlerWarm.label(),
        ratio: 1.25,
        limit: Some(1.5),
        cpu_us: 12.04,
        cpu_us_least: 11.0,
        cpu_us_beyond_axum: 2.4,
        requests_per_s: 50_000.4,
        p50_us: 400.2,
        p99_us: 2_000.0,
        dropped: 7,
        samples: vec![sample],
    };
    let figure = Figure {
        name: Subject::PipelineSqlite,
        what: "no-op steps".to_owned(),
        value: 1.234,
        unit: "ms",
        limit: Some(Limit::AtMost(1.0)),
        note: "a run of 100 steps".to_owned(),
    };
    let throughput = Figure {
        name: Subject::Kafka1k,
        what: "records".to_owned(),
        value: 0.75,
        unit: "x",
        limit: Some(Limit::AtLeast(0.7)),
        note: String::new(),
    };
    let machine = Machine {
        cpu: "Example 1".to_owned(),
        cores: 2,
        memory_gib: 8,
        kernel: "6.18".to_owned(),
        load_before: "0.10".to_owned(),
        build: "dist".to_owned(),
    };
    Report {
        command: "cargo xtask bench".to_owned(),
        date: "2026-01-02".parse().unwrap(),
        machine,
        rounds: 5,
        seconds: 5.0,
        connections: 32,
        http: vec![row],
        figures: vec![figure, throughput],
        missing: vec![Missing::on_purpose(Subject::RunsPage, "there is no way yet")],
    }
}

#[test]
fn the_text_is_for_people() {
    insta::assert_snapshot!(report().text());
}

#[test]
fn the_page_is_for_the_documentation() {
    insta::assert_snapshot!(report().markdown());
}

#[test]
fn the_json_is_for_programs() {
    insta::assert_json_snapshot!(report());
}

#[test]
fn the_command_can_be_typed_again_and_gives_no_password_away() {
    let typed = |line: &str| command::typed(line.split(' ').map(str::to_owned));
    assert_eq!(command::typed(std::iter::empty()), "cargo xtask bench");
    assert_eq!(
        typed("--rounds 3 --postgres postgres://a:b@c/d --json"),
        "cargo xtask bench -- --rounds 3 --postgres URL --json"
    );
    assert_eq!(typed("--postgres=postgres://a:b@c/d"), "cargo xtask bench -- --postgres=URL");
}
