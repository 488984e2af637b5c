//! A request as it is sent, over and over: encoded once.

use anyhow::{Context as _, Result};
use bytes::Bytes;

use crate::args::LoadArgs;

/// A request to load a server with.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Request {
    /// `GET path`.
    pub(crate) fn get(path: impl Into<String>) -> Self {
        Self { method: "GET".to_owned(), path: path.into(), headers: Vec::new(), body: String::new() }
    }

    /// `POST path` with a body.
    pub(crate) fn post(path: impl Into<String>, headers: &[(&str, &str)], body: impl Into<String>) -> Self {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Self { method: "POST".to_owned(), path: path.into(), headers, body: body.into() }
    }

    /// What the command line asks for.
    pub(super) fn of(args: &LoadArgs) -> Result<Self> {
        let field = |text: &String| {
            let (name, value) =
                text.split_once(':').with_context(|| format!("`{text}` is no header: write name: value"))?;
            Ok((name.trim().to_owned(), value.trim().to_owned()))
        };
        Ok(Self {
            method: args.method.clone(),
            path: args.url.path_and_query().map_or("/", |it| it.as_str()).to_owned(),
            headers: args.headers.iter().map(field).collect::<Result<_>>()?,
            body: args.body.clone(),
        })
    }

    /// The arguments that [`Request::of`] reads, but for the address.
    pub(super) fn args(&self) -> Vec<String> {
        let mut args = vec!["--method".to_owned(), self.method.clone(), "--body".to_owned(), self.body.clone()];
        args.extend(self.headers.iter().flat_map(|(name, value)| ["--header".to_owned(), format!("{name}: {value}")]));
        args
    }

    /// The bytes to send to `host`.
    pub(super) fn encode(&self, host: &str) -> Bytes {
        let mut text = format!("{} {} HTTP/1.1\r\nhost: {host}\r\n", self.method, self.path);
        for (name, value) in &self.headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        if self.method != "GET" || !self.body.is_empty() {
            text.push_str(&format!("content-length: {}\r\n", self.body.len()));
        }
        format!("{text}\r\n{}", self.body).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_written_with_the_length_of_its_body() {
        let request = Request::post("/fn/echo", &[("ce-type", "echo")], "hello");
        let text = "POST /fn/echo HTTP/1.1\r\nhost: h:1\r\nce-type: echo\r\ncontent-length: 5\r\n\r\nhello";
        assert_eq!(request.encode("h:1"), text);
        assert_eq!(Request::get("/").encode("h"), "GET / HTTP/1.1\r\nhost: h\r\n\r\n");
    }
}
