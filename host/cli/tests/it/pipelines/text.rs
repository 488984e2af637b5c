//! The text of a pipeline: what is wrong with it, and how it is drawn.

use serde_json::{Value, json};

use crate::support::{Host, command, root};

const WRONG: &str = "\
pipeline: wrong
params:
  rate: { type: float, default: 1 }
steps:
  load:
    functoin: job
  train:
    function: jbo
    params: { do: [1] }
    needs: [laod]
  learn:
    function: job
    inputs: { data: train.out, dta: sha256:12 }
    retry: { attempts: 0 }
    timeout: 30
  learn:
    function: job
  round:
    function: job
    params: { do: write, much: 1 }
    needs: [about]
  about:
    function: job
    params: { do: write, text: '${params.rat}' }
    needs: [round]
    sweep: { grid: { n: [] }, select: best.loss }
";

#[test]
fn every_mistake_is_told_at_once_with_its_place_and_what_to_do() {
    let host = Host::start();
    host.deploy_job("job");
    let file = host.file("wrong.yaml", WRONG);
    let output = host.run(&["pipeline", "check", &file, "--json"]);
    assert_eq!(output.status.code(), Some(2));
    let checked: Value = serde_json::from_slice(&output.stdout).unwrap();
    let mistakes: Vec<String> = checked["mistakes"].as_array().unwrap().iter().map(line).collect();
    insta::assert_snapshot!(mistakes.join("\n"));
    let (_, said) = host.fails(&["pipeline", "check", &file]);
    assert!(said.contains(&format!("error: there are {} mistakes in {file}", mistakes.len())), "{said}");
    let (_, submitted) = host.fails(&["pipeline", "submit", &file]);
    assert!(submitted.contains("did you mean `function`?"), "a wrong pipeline is not submitted: {submitted}");
}

fn line(mistake: &Value) -> String {
    let text = |key: &str| mistake[key].as_str().unwrap_or_default();
    format!("{}:{} {}: {} | {}", mistake["line"], mistake["column"], text("path"), text("message"), text("suggestion"))
}

#[test]
fn a_right_pipeline_is_told_to_be_right_with_and_without_a_host() {
    let host = Host::start();
    host.deploy_job("job");
    let file = host.file("right.yaml", "pipeline: right\nsteps:\n  it: { function: job, params: { do: nothing } }\n");
    assert_eq!(host.json(&["pipeline", "check", &file]), json!({"mistakes": []}));
    let unknown = host.file("unknown.yaml", "pipeline: right\nsteps:\n  it: { function: jbo }\n");
    let (code, said) = host.fails(&["pipeline", "check", &unknown]);
    assert!(
        code == 2 && said.contains("3:19 steps.it.function: there is no function `jbo`\n      did you mean `job`?"),
        "{code}: {said}"
    );
    let offline = command(&["pipeline", "check", "--offline", &unknown]).output().unwrap();
    assert!(offline.status.success(), "without a host nobody knows the functions");
}

/// What `fn pipeline graph` draws.
fn drawn(format: &str) -> String {
    let file = root().join("deploy/examples/wine-quality.yaml");
    let output = command(&["pipeline", "graph", file.to_str().unwrap(), "--format", format]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_pipeline_is_drawn_for_a_terminal_for_markdown_and_for_graphviz() {
    insta::assert_snapshot!("text", drawn("text"));
    insta::assert_snapshot!("mermaid", drawn("mermaid"));
    insta::assert_snapshot!("dot", drawn("dot"));
}
