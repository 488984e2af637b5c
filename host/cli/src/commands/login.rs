//! `fn login` and `fn whoami`: show a host a token, and remember both.

use std::io::{BufRead as _, IsTerminal as _};

use anyhow::{Context as _, Result};
use host_core::identity::Role;
use host_wire::token::Principal;
use serde_json::json;

use crate::{
    args::LoginArgs,
    client::Client,
    contexts::{Connection, Context, Contexts},
    ui::{Exit, Printer, Stop},
};

/// Asks the host who the token's bearer is, and keeps it in a context that is in use from now on.
pub(super) async fn run(args: &LoginArgs, connection: Connection, printer: &Printer) -> Result<()> {
    let host = match &args.url {
        Some(url) => address(url)?,
        None => connection.host.clone(),
    };
    let ca = args.ca.as_ref().map(std::path::absolute).transpose().context("could not find the certificate")?;
    let ca = ca.or(connection.ca);
    if is_in_the_clear(&host) {
        printer.warn(&format!("{host} is not encrypted: whoever is on the way can read the token"));
    }
    let connection = Connection { token: Some(token(&host, printer)?), host, ca, project: connection.project };
    let client = Client::new(&connection)?;
    let principal: Principal = client.get("/api/v1/principal", &[]).await?;
    let name = args.name.clone().unwrap_or_else(|| named_after(&connection.host));
    let context = Context {
        host: connection.host,
        token: connection.token,
        project: principal.project.as_ref().map(ToString::to_string),
        ca: connection.ca,
    };
    let mut contexts = Contexts::load()?;
    let host = context.host.clone();
    contexts.contexts.insert(name.clone(), context);
    contexts.current = Some(name.clone());
    contexts.save()?;
    printer.answer(&json!({ "context": name, "host": host, "principal": principal }), || name.clone());
    printer.done(&format!("logged in to {host} as {}", who(&principal)));
    printer.next(&format!("fn list; fn context use NAME goes to another host, --host {name} comes back to this one"));
    Ok(())
}

/// Says who the host takes the asker for.
pub(super) async fn whoami(client: &Client, printer: &Printer) -> Result<()> {
    let principal: Principal = client.get("/api/v1/principal", &[]).await?;
    printer.answer(&principal, || format!("{} at {}", who(&principal), client.base()));
    Ok(())
}

fn who(principal: &Principal) -> String {
    let of = principal.project.as_ref().map_or_else(|| "every project".to_owned(), |it| format!("project `{it}`"));
    format!("`{}`, {} of {of}", principal.name, Role::from(principal.role))
}

/// An address with a scheme and without a path.
fn address(text: &str) -> Result<String, Stop> {
    let whole = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
    let fits = |url: &reqwest::Url| matches!(url.scheme(), "http" | "https") && url.has_host();
    match reqwest::Url::parse(&whole) {
        Ok(url) if fits(&url) => Ok(url.origin().ascii_serialization()),
        _ => Err(Stop::new(Exit::Usage, format!("`{text}` is not the address of a host"))
            .hint("write it like fn login https://weft.example.com")),
    }
}

fn is_in_the_clear(host: &str) -> bool {
    let Ok(url) = reqwest::Url::parse(host) else { return false };
    let name = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
    let is_loopback = name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|it| it.is_loopback());
    url.scheme() == "http" && !is_loopback
}

/// `https://weft.example.com:7070` is called `weft.example.com`, with its port where it has one of its own.
fn named_after(host: &str) -> String {
    host.split_once("://").map_or(host, |(_, name)| name).replace([':', '[', ']'], "-").trim_matches('-').to_owned()
}

/// From the environment, from whoever types it, or from standard input.
fn token(host: &str, printer: &Printer) -> Result<String, Stop> {
    let failed = |error: std::io::Error| Stop::new(Exit::Failed, format!("could not read the token: {error}"));
    let token = if let Some(token) = std::env::var("WEFT_TOKEN").ok().filter(|it| !it.is_empty()) {
        token
    } else if std::io::stdin().is_terminal() {
        printer.say(&format!("a token for {host}; an admin makes one with `fn tokens create NAME --role developer`"));
        rpassword::prompt_password("token: ").map_err(failed)?
    } else {
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line).map_err(failed)?;
        line
    };
    let token = token.trim().to_owned();
    if token.is_empty() {
        return Err(Stop::new(Exit::Usage, "there was no token to read")
            .hint("type it when asked, pipe it in, or set WEFT_TOKEN"));
    }
    Ok(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_scheme_and_no_path() {
        for (text, expected) in [
            ("weft.example.com", "https://weft.example.com"),
            ("https://weft.example.com/api/", "https://weft.example.com"),
            ("http://127.0.0.1:7070", "http://127.0.0.1:7070"),
            ("[::1]:7070", "https://[::1]:7070"),
        ] {
            assert_eq!(address(text).unwrap(), expected);
        }
        for wrong in ["", "ftp://x", "https://", "http://a b"] {
            assert!(address(wrong).is_err(), "{wrong}");
        }
        assert_eq!(named_after("https://[::1]:7070"), "1--7070");
        assert_eq!(named_after("https://weft.example.com"), "weft.example.com");
    }

    #[test]
    fn a_token_in_the_clear_is_warned_of_except_on_this_machine() {
        for safe in ["https://weft.example", "http://127.0.0.1:1", "http://localhost:7070", "http://[::1]:1"] {
            assert!(!is_in_the_clear(safe), "{safe}");
        }
        assert!(is_in_the_clear("http://10.0.0.1:7070"));
    }
}
