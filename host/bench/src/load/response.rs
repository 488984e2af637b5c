//! Where an HTTP/1.1 response ends: by its length, by its chunks, or with its head.

use httparse::{EMPTY_HEADER, Header, Status};

/// How many header fields a response may have.
const FIELDS: usize = 64;

/// A response that has arrived completely.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Answer {
    /// Its status.
    pub(super) status: u16,
    /// The bytes of its head.
    pub(super) head: usize,
    /// The bytes of head and body.
    pub(super) length: usize,
    /// Whether the server ends the connection after it.
    pub(super) closes: bool,
}

/// Why bytes are not a response that can be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Malformed {
    /// They are something else.
    #[error("what came is not HTTP: {0}")]
    Http(String),
    /// Nothing says where the body ends.
    #[error("the answer has neither a content-length nor chunks")]
    Endless,
}

enum Framing {
    Length(usize),
    Chunks,
}

/// The response at the beginning of `bytes`; `None` while it is still arriving.
pub(super) fn read(bytes: &[u8]) -> Result<Option<Answer>, Malformed> {
    let mut fields = [EMPTY_HEADER; FIELDS];
    let mut response = httparse::Response::new(&mut fields);
    let head = match response.parse(bytes) {
        Ok(Status::Complete(head)) => head,
        Ok(Status::Partial) => return Ok(None),
        Err(error) => return Err(Malformed::Http(error.to_string())),
    };
    let status = response.code.unwrap_or(0);
    let body = match framing(status, response.headers)? {
        Framing::Length(length) => Some(length),
        Framing::Chunks => chunks(&bytes[head..])?,
    };
    let length = body.map(|body| head.saturating_add(body)).filter(|length| *length <= bytes.len());
    let closes = field(response.headers, "connection").is_some_and(|it| it.eq_ignore_ascii_case(b"close"));
    Ok(length.map(|length| Answer { status, head, length, closes }))
}

fn framing(status: u16, fields: &[Header<'_>]) -> Result<Framing, Malformed> {
    if matches!(status, 100..=199 | 204 | 304) {
        return Ok(Framing::Length(0));
    }
    if field(fields, "transfer-encoding").is_some_and(|it| it.eq_ignore_ascii_case(b"chunked")) {
        return Ok(Framing::Chunks);
    }
    let length = field(fields, "content-length").and_then(|it| std::str::from_utf8(it).ok()?.trim().parse().ok());
    length.map(Framing::Length).ok_or(Malformed::Endless)
}

fn field<'a>(fields: &[Header<'a>], name: &str) -> Option<&'a [u8]> {
    fields.iter().find(|it| it.name.eq_ignore_ascii_case(name)).map(|it| it.value)
}

/// The bytes of a chunked body up to its end, trailers included; `None` while it is still arriving.
fn chunks(bytes: &[u8]) -> Result<Option<usize>, Malformed> {
    let mut at = 0;
    loop {
        let rest = bytes.get(at..).unwrap_or_default();
        let (start, size) = match httparse::parse_chunk_size(rest) {
            Ok(Status::Complete(found)) => found,
            Ok(Status::Partial) => return Ok(None),
            Err(_) => return Err(Malformed::Http("a chunk has no size".to_owned())),
        };
        if size == 0 {
            return trailers(rest.get(start..).unwrap_or_default()).map(|it| it.map(|end| at + start + end));
        }
        let size = usize::try_from(size).map_err(|_| Malformed::Http("a chunk is too large".to_owned()))?;
        at = at.saturating_add(start).saturating_add(size).saturating_add(2);
        if at > bytes.len() {
            return Ok(None);
        }
    }
}

fn trailers(bytes: &[u8]) -> Result<Option<usize>, Malformed> {
    let mut fields = [EMPTY_HEADER; FIELDS];
    match httparse::parse_headers(bytes, &mut fields) {
        Ok(Status::Complete((end, _))) => Ok(Some(end)),
        Ok(Status::Partial) => Ok(None),
        Err(error) => Err(Malformed::Http(error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every proper beginning is incomplete, and the whole is the answer.
    fn arrives(text: &str) -> Answer {
        for length in 0..text.len() {
            assert_eq!(read(&text.as_bytes()[..length]), Ok(None), "{:?}", &text[..length]);
        }
        let answer = read(text.as_bytes()).unwrap().unwrap();
        assert_eq!(answer.length, text.len());
        let pipelined = format!("{text}HTTP/1.1 500");
        assert_eq!(read(pipelined.as_bytes()), Ok(Some(answer)), "what follows is the next one's");
        answer
    }

    #[test]
    fn a_response_ends_where_its_framing_says() {
        assert_eq!(arrives("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello").status, 200);
        assert_eq!(arrives("HTTP/1.1 204 No Content\r\n\r\n").status, 204);
        assert!(arrives("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n").closes);
        arrives(
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n1a\r\nabcdefghijklmnopqrstuvwxyz\r\n0\r\n\r\n",
        );
        arrives("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\nx-bytes: 5\r\n\r\n");
    }

    #[test]
    fn what_cannot_end_is_refused() {
        assert_eq!(read(b"HTTP/1.1 200 OK\r\n\r\n"), Err(Malformed::Endless));
        assert!(matches!(read(b"no\r\n\r\n"), Err(Malformed::Http(_))));
        let chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
        assert!(read(&[chunked, &b"zz\r\n"[..]].concat()).is_err());
        assert_eq!(read(&[chunked, &b"ffffffffffffffff\r\n"[..]].concat()), Ok(None));
    }
}
