//! The servers for people with Docker: versions that stay, doors that open to this machine alone.

use std::path::Path;

use saphyr::{LoadableYamlNode as _, Yaml};

use crate::workspace::{none, text};

/// Where they are described.
const FILE: &str = "deploy/compose.yaml";

/// Those that tests talk to and that come as images.
const SERVERS: [&str; 4] = ["postgres", "kafka", "rabbitmq", "redis"];

#[test]
fn the_same_servers_are_there_for_docker() {
    let text = text(Path::new(FILE));
    let findings = SERVERS.iter().filter(|it| !services(&text).iter().any(|(name, _)| name == *it));
    none(findings.map(|it| format!("{it} is missing")).collect(), "describe the server in deploy/compose.yaml");
}

#[test]
fn images_have_whole_versions() {
    let text = text(Path::new(FILE));
    let findings = services(&text).into_iter().filter(|(_, it)| !is_pinned(it["image"].as_str().unwrap_or_default()));
    none(findings.map(|(name, _)| name).collect(), "name a version down to its last number, such as redis:7.2.7");
}

#[test]
fn servers_are_reached_from_this_machine_alone() {
    let text = text(Path::new(FILE));
    let mut findings = Vec::new();
    for (name, service) in services(&text) {
        let ports = service["ports"].as_sequence().unwrap();
        assert!(!ports.is_empty(), "{name} is not reached at all");
        let open = ports.iter().filter(|it| !it.as_str().is_some_and(|it| it.starts_with("127.0.0.1:")));
        findings.extend(open.map(|it| format!("{name}: {it:?}")));
    }
    none(findings, "bind the port to loopback, such as 127.0.0.1:5432:5432");
}

#[test]
fn each_server_says_when_it_is_ready() {
    let text = text(Path::new(FILE));
    let findings = services(&text).into_iter().filter(|(_, it)| it["healthcheck"]["test"].as_sequence().is_none());
    none(findings.map(|(name, _)| name).collect(), "give the server a healthcheck, which `up --wait` waits for");
}

#[test]
fn only_whole_versions_count_as_pinned() {
    for pinned in ["redis:7.2.7", "rabbitmq:3.13.7-management", "apache/kafka:3.9.1", "postgres:17.5"] {
        assert!(is_pinned(pinned), "{pinned}");
    }
    for loose in ["redis", "redis:latest", "redis:7", "localhost:5000/redis", "redis:7.x"] {
        assert!(!is_pinned(loose), "{loose}");
    }
}

/// Each service by its name.
fn services(text: &str) -> Vec<(String, Yaml<'_>)> {
    let document = Yaml::load_from_str(text).unwrap().remove(0);
    let services = document["services"].as_mapping().unwrap();
    services.iter().map(|(name, it)| (name.as_str().unwrap().to_owned(), it.clone())).collect()
}

/// Whether the tag begins with at least two numbers: as many as a version of that server has, people see to that.
fn is_pinned(image: &str) -> bool {
    let tag = image.rsplit_once(':').map_or("", |(_, tag)| tag);
    let version = tag.split('-').next().unwrap_or_default();
    let numbers: Vec<&str> = version.split('.').collect();
    numbers.len() >= 2 && numbers.iter().all(|it| it.parse::<u32>().is_ok())
}
