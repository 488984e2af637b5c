//! HTTP/1.1 by hand: for what no well-behaved client does, and for answers with all their fields.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::TcpStream,
};

use serde_json::Value;

use super::{Host, PATIENCE};

/// A connection to a host.
pub(crate) struct Wire(BufReader<TcpStream>);

/// The beginning of an answer.
#[derive(Debug, Clone)]
pub(crate) struct Head {
    pub(crate) status: u16,
    fields: Vec<(String, String)>,
}

/// A whole answer.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: Head,
    pub(crate) body: Vec<u8>,
    /// What came after a chunked body.
    pub(crate) trailers: Vec<(String, String)>,
}

impl Host {
    /// Connects and says nothing yet.
    pub(crate) fn connect(&self) -> Wire {
        let stream = TcpStream::connect(self.url.trim_start_matches("http://")).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Wire(BufReader::new(stream))
    }

    /// Connects and sends the head of a request.
    pub(crate) fn begin(&self, method: &str, path: &str, fields: &[(&str, &str)]) -> Wire {
        let mut wire = self.connect();
        wire.head_of(method, path, fields).unwrap();
        wire
    }

    /// Sends a request and reads the answer.
    pub(crate) fn ask(&self, method: &str, path: &str, fields: &[(&str, &str)], body: &[u8]) -> Answer {
        let length = body.len().to_string();
        let mut all = fields.to_vec();
        if !body.is_empty() {
            all.push(("content-length", &length));
        }
        let mut wire = self.begin(method, path, &all);
        wire.send(body).unwrap();
        let head = wire.head().unwrap();
        if method == "HEAD" {
            return Answer { status: head.status, head, body: Vec::new(), trailers: Vec::new() };
        }
        wire.answer(head).unwrap()
    }
}

impl Wire {
    /// Sends bytes as they are.
    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.0.get_mut().write_all(bytes.as_ref())
    }

    /// The same connection, to send on while this end reads.
    pub(crate) fn other_end(&self) -> TcpStream {
        self.0.get_ref().try_clone().unwrap()
    }

    /// Sends the head of a request after which the connection is closed.
    fn head_of(&mut self, method: &str, path: &str, fields: &[(&str, &str)]) -> io::Result<()> {
        let mut text = format!("{method} {path} HTTP/1.1\r\nconnection: close\r\n");
        if !fields.iter().any(|(name, _)| *name == "host") {
            text.push_str("host: localhost\r\n");
        }
        for (name, value) in fields {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        self.send(text + "\r\n")
    }

    /// Sends a piece of a chunked body; an empty one is the last.
    pub(crate) fn chunk(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        let bytes = bytes.as_ref();
        self.send([format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat())
    }

    /// Reads the head of the answer.
    pub(crate) fn head(&mut self) -> io::Result<Head> {
        let line = self.line()?;
        let status = line.split(' ').nth(1).and_then(|it| it.parse().ok());
        let status = status.ok_or_else(|| io::Error::other(format!("`{line}` is no status line")))?;
        Ok(Head { status, fields: self.fields()? })
    }

    /// Reads a piece of a chunked body; an empty one is the last. Fails where the body broke off.
    pub(crate) fn piece(&mut self) -> io::Result<Vec<u8>> {
        let line = self.line()?;
        let length =
            usize::from_str_radix(&line, 16).map_err(|_| io::Error::other(format!("`{line}` is no length")))?;
        let mut bytes = vec![0; length];
        self.0.read_exact(&mut bytes)?;
        if length > 0 {
            self.line()?;
        }
        Ok(bytes)
    }

    /// Reads what follows a head.
    pub(crate) fn answer(&mut self, head: Head) -> io::Result<Answer> {
        let (mut body, mut trailers) = (Vec::new(), Vec::new());
        if head.field("transfer-encoding") == Some("chunked") {
            loop {
                let piece = self.piece()?;
                if piece.is_empty() {
                    break;
                }
                body.extend(piece);
            }
            trailers = self.fields()?;
        } else {
            let length = head.field("content-length").and_then(|it| it.parse().ok()).unwrap_or(0);
            body.resize(length, 0);
            self.0.read_exact(&mut body)?;
        }
        Ok(Answer { status: head.status, head, body, trailers })
    }

    /// Whether the host says no more and closes.
    pub(crate) fn is_closed(&mut self) -> bool {
        let mut rest = Vec::new();
        match self.0.read_to_end(&mut rest) {
            Ok(_) => rest.is_empty(),
            Err(error) => error.kind() == io::ErrorKind::ConnectionReset,
        }
    }

    fn fields(&mut self) -> io::Result<Vec<(String, String)>> {
        let mut fields = Vec::new();
        loop {
            let line = self.line()?;
            let Some((name, value)) = line.split_once(':') else { return Ok(fields) };
            fields.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if self.0.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(line.trim_end().to_owned())
    }
}

impl Head {
    /// The value of a header field, by its name in lower case.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(it, _)| it == name).map(|(_, value)| value.as_str())
    }
}

impl Answer {
    /// The value of a header field, by its name in lower case.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.head.field(name)
    }

    /// The body as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|_| panic!("no JSON: {}", String::from_utf8_lossy(&self.body)))
    }

    /// The code of the problem that this must be, in its whole form.
    pub(crate) fn problem(&self) -> String {
        assert_eq!(self.field("content-type"), Some("application/problem+json"), "{self:?}");
        let problem = self.json();
        let code = problem["code"].as_str().unwrap().to_owned();
        assert_eq!(problem["type"], format!("urn:weft:problem:{code}"));
        assert_eq!(problem["status"], self.status);
        assert!(problem["title"].is_string() && !problem["detail"].as_str().unwrap().is_empty(), "{problem}");
        assert!(problem.get("backtrace").is_none() && !problem.to_string().contains("wasm backtrace"), "{problem}");
        code
    }
}
