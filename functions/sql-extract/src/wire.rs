//! Messages of Postgres over a stream, none longer than there is room for.

use std::io::{Read, Write};

use bytes::BytesMut;
use fallible_iterator::FallibleIterator as _;
use postgres_protocol::message::backend::{ErrorFields, Header, Message};
use weft::Failure;

/// How much is read at once.
const CHUNK: usize = 64 << 10;

/// What any message may have, beside rows: descriptions of 1,600 columns, errors.
const SMALL: usize = 1 << 20;

/// One end of a connection.
pub(crate) struct Wire<S> {
    stream: S,
    incoming: BytesMut,
    /// What is to be sent next.
    pub(crate) outgoing: BytesMut,
    /// The most bytes of one message.
    most: usize,
}

impl<S: Read + Write> Wire<S> {
    /// Messages over `stream`, each with at most so many bytes (and at least as many as any may have).
    pub(crate) fn over(stream: S, most: u64) -> Self {
        let most = usize::try_from(most).unwrap_or(usize::MAX).max(SMALL);
        Self { stream, incoming: BytesMut::new(), outgoing: BytesMut::new(), most }
    }

    /// Sends what was put into `outgoing`.
    pub(crate) fn send(&mut self) -> Result<(), Failure> {
        let sent = self.stream.write_all(&self.outgoing).and_then(|()| self.stream.flush());
        self.outgoing.clear();
        sent.map_err(|error| lost(&error.to_string()))
    }

    /// The next message that matters: an error is a failure, notices are left out.
    pub(crate) fn next(&mut self) -> Result<Message, Failure> {
        loop {
            match self.whole()? {
                Message::NoticeResponse(_) | Message::ParameterStatus(_) | Message::NotificationResponse(_) => {}
                Message::ErrorResponse(error) => return Err(said(error.fields())),
                message => return Ok(message),
            }
        }
    }

    /// Reads on until the server is ready for the next query.
    pub(crate) fn settle(&mut self) -> Result<(), Failure> {
        while !matches!(self.next()?, Message::ReadyForQuery(_)) {}
        Ok(())
    }

    fn whole(&mut self) -> Result<Message, Failure> {
        loop {
            let header = Header::parse(&self.incoming).map_err(|error| unclear(&error))?;
            if let Some(length) = header.map(Header::len)
                && usize::try_from(length).map_or(true, |it| it > self.most)
            {
                return Err(Failure::invalid(
                    "too-large",
                    format!("one row has {length} bytes, more than `most_bytes`"),
                ));
            }
            if let Some(message) = Message::parse(&mut self.incoming).map_err(|error| unclear(&error))? {
                return Ok(message);
            }
            self.read()?;
        }
    }

    fn read(&mut self) -> Result<(), Failure> {
        let before = self.incoming.len();
        self.incoming.resize(before + CHUNK, 0);
        let read = self.stream.read(&mut self.incoming[before..]);
        let count = read.as_ref().copied().unwrap_or(0);
        self.incoming.truncate(before + count);
        match read {
            Ok(0) => Err(lost("the server hung up")),
            Ok(_) => Ok(()),
            Err(error) => Err(lost(&error.to_string())),
        }
    }
}

fn lost(why: &str) -> Failure {
    Failure::transient("connection-lost", format!("the connection was lost: {why}"))
}

fn unclear(error: &std::io::Error) -> Failure {
    Failure::invalid("no-postgres", format!("what answers does not speak as Postgres does: {error}"))
}

/// What came, where something else was to come.
pub(crate) fn unexpected() -> Failure {
    Failure::invalid("no-postgres", "the server answered out of turn")
}

/// What the server said when it refused: worth another attempt where it was the moment rather than the request.
fn said(mut fields: ErrorFields<'_>) -> Failure {
    let (mut state, mut message, mut more) = (String::new(), String::new(), String::new());
    while let Ok(Some(field)) = fields.next() {
        let text = String::from_utf8_lossy(field.value_bytes()).into_owned();
        match field.type_() {
            b'C' => state = text,
            b'M' => message = text,
            b'D' | b'H' => more = format!("{more}; {text}"),
            b'P' => more = format!("{more}; at character {text}"),
            _ => {}
        }
    }
    let told = format!("{message}{more} ({state})");
    match state.get(..2) {
        Some("28") => Failure::invalid("refused-login", told),
        // Connections, resources, the operator, and transactions that got into each other's way.
        Some("08" | "40" | "53" | "57") if state != "57014" => Failure::transient("server-busy", told),
        _ => Failure::invalid("query-failed", told),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Cursor};

    use super::*;

    /// Says what it is given, and keeps what it hears.
    struct Script {
        says: Cursor<Vec<u8>>,
        heard: Vec<u8>,
    }

    impl Read for Script {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            // One byte at a time: messages come in pieces.
            self.says.read(&mut buffer[..1])
        }
    }

    impl Write for Script {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.heard.extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn wire(says: &[u8]) -> Wire<Script> {
        Wire::over(Script { says: Cursor::new(says.to_vec()), heard: Vec::new() }, 0)
    }

    fn message(tag: u8, body: &[u8]) -> Vec<u8> {
        let mut message = vec![tag];
        message.extend(u32::try_from(body.len() + 4).unwrap().to_be_bytes());
        message.extend(body);
        message
    }

    fn failure(says: &[u8]) -> String {
        wire(says).next().err().unwrap().to_string()
    }

    #[test]
    fn messages_come_in_pieces_and_notices_are_left_out() {
        let says = [message(b'N', b"SNOTICE\0\0"), message(b'S', b"TimeZone\0UTC\0"), message(b'Z', b"I")].concat();
        let mut wire = wire(&says);
        assert!(matches!(wire.next().unwrap(), Message::ReadyForQuery(_)));
        assert!(wire.next().err().unwrap().to_string().contains("the server hung up"));
        wire.outgoing.extend_from_slice(b"hello");
        wire.send().unwrap();
        assert_eq!((wire.stream.heard.as_slice(), wire.outgoing.len()), (&b"hello"[..], 0));
    }

    #[test]
    fn errors_of_the_server_are_told_as_what_they_are() {
        let error = |state: &str| {
            let body = format!("SERROR\0C{state}\0Mno such table\0Htry another\0P7\0\0");
            failure(&message(b'E', body.as_bytes()))
        };
        assert_eq!(error("42P01"), "no such table; try another; at character 7 (42P01) (query-failed)");
        assert!(error("28P01").contains("refused-login"));
        assert!(error("53300").contains("server-busy") && error("57P01").contains("server-busy"));
        assert!(error("57014").contains("query-failed"), "the time for the query was up");
    }

    #[test]
    fn what_is_no_postgres_is_told_and_nothing_is_kept_of_what_is_too_long() {
        assert!(failure(b"HTTP/1.1 400 Bad Request\r\n").contains("too-large"));
        assert!(failure(b"?\0\0\0\x04").contains("no-postgres"));
        assert!(failure(b"Z\0\0\0\x01").contains("no-postgres"));
        assert!(failure(b"D\x7f\xff\xff\xff").contains("too-large"));
        assert!(failure(b"D\xff\xff\xff\xff").contains("no-postgres"));
        assert!(failure(b"").contains("connection-lost"));
    }
}
