//! Between a client and a server of its choice: bodies go both ways as they come, however the two take turns.

use wasip2::{
    http::{
        outgoing_handler,
        types::{
            ErrorCode, FutureIncomingResponse, IncomingBody, IncomingRequest, IncomingResponse, OutgoingBody,
            ResponseOutparam,
        },
    },
    io::{
        poll::{Pollable, poll},
        streams::{InputStream, OutputStream, StreamError},
    },
};

use crate::{Query, Sending, fetch, refused, reply};

/// The most bytes taken at once.
const PIECE: u64 = 64 << 10;

/// Passes the request on to `{scheme}://{authority}{path}`, and what comes back to the client, status and body. Where
/// nothing comes back the answer is 502 and says why.
pub(crate) fn serve(query: &Query<'_>, request: &IncomingRequest, out: ResponseOutparam) -> Result<(), ErrorCode> {
    match Relay::start(query, request) {
        Ok(relay) => relay.run(out),
        Err(error) => reply(out, 502, format!("error: {error:?}").as_bytes()),
    }
}

/// What goes from the client to the server.
struct Up {
    from: InputStream,
    to: OutputStream,
    body: OutgoingBody,
    piece: Vec<u8>,
    has_ended: bool,
    _request: IncomingBody,
}

/// What goes from the server to the client.
struct Down {
    from: InputStream,
    to: Sending,
    _body: IncomingBody,
    _response: IncomingResponse,
}

/// What a server says, or why it says nothing.
type Answered = Result<Result<IncomingResponse, ErrorCode>, ()>;

struct Relay {
    up: Option<Up>,
    answer: FutureIncomingResponse,
}

impl Relay {
    fn start(query: &Query<'_>, request: &IncomingRequest) -> Result<Self, ErrorCode> {
        let outgoing = fetch::request(query, "POST")?;
        let body = outgoing.body().map_err(refused)?;
        let to = body.write().map_err(refused)?;
        let incoming = request.consume().map_err(refused)?;
        let from = incoming.stream().map_err(refused)?;
        let answer = outgoing_handler::handle(outgoing, fetch::options(query)?)?;
        let up = Up { from, to, body, piece: Vec::new(), has_ended: false, _request: incoming };
        Ok(Self { up: Some(up), answer })
    }

    fn run(mut self, out: ResponseOutparam) -> Result<(), ErrorCode> {
        let mut out = Some(out);
        let mut down: Option<Down> = None;
        loop {
            if let Some(up) = self.up.take() {
                self.up = up.go()?;
            }
            // An answer is given once.
            if let Some((answer, out)) = self.answered(&mut out) {
                match answer.map_err(refused)? {
                    Ok(response) => down = Some(Down::start(response, out)?),
                    Err(error) => return reply(out, 502, format!("error: {error:?}").as_bytes()),
                }
            }
            if let Some(flow) = &mut down
                && flow.go()?
            {
                return down.map_or(Ok(()), |it| it.to.end(None));
            }
            self.wait(down.as_ref());
        }
    }

    /// The answer, once it is there, and where to pass it on.
    fn answered(&self, out: &mut Option<ResponseOutparam>) -> Option<(Answered, ResponseOutparam)> {
        let answer = out.as_ref().and_then(|_| self.answer.get())?;
        Some((answer, out.take()?))
    }

    /// Until one of the two may go on.
    fn wait(&self, down: Option<&Down>) {
        let mut whichever: Vec<Pollable> = Vec::new();
        whichever.extend(self.up.as_ref().map(Up::next));
        whichever.push(down.map_or_else(|| self.answer.subscribe(), |it| it.from.subscribe()));
        poll(&whichever.iter().collect::<Vec<_>>());
    }
}

impl Up {
    /// Goes as far as it can without waiting; `None` when all is sent.
    fn go(mut self) -> Result<Option<Self>, ErrorCode> {
        loop {
            if self.piece.is_empty() && !self.has_ended {
                match self.from.read(PIECE) {
                    Ok(piece) if piece.is_empty() => return Ok(Some(self)),
                    Ok(piece) => self.piece = piece,
                    Err(StreamError::Closed) => self.has_ended = true,
                    Err(error) => return Err(refused(error)),
                }
            }
            if self.piece.is_empty() {
                // A stream has to end before its body does.
                drop(self.to);
                OutgoingBody::finish(self.body, None)?;
                return Ok(None);
            }
            match self.to.check_write() {
                Ok(0) => return Ok(Some(self)),
                Ok(room) => {
                    let length = self.piece.len().min(usize::try_from(room).unwrap_or(usize::MAX));
                    let now: Vec<u8> = self.piece.drain(..length).collect();
                    self.to.write(&now).map_err(refused)?;
                    self.to.flush().map_err(refused)?;
                }
                // The server wants no more of it, which is its right.
                Err(_) => return Ok(None),
            }
        }
    }

    /// What it waits for.
    fn next(&self) -> Pollable {
        if self.piece.is_empty() { self.from.subscribe() } else { self.to.subscribe() }
    }
}

impl Down {
    fn start(response: IncomingResponse, out: ResponseOutparam) -> Result<Self, ErrorCode> {
        let body = response.consume().map_err(refused)?;
        let from = body.stream().map_err(refused)?;
        let to = Sending::begin(out, response.status(), &[("content-type", "application/octet-stream")])?;
        Ok(Self { from, to, _body: body, _response: response })
    }

    /// Goes as far as it can; whether it is over.
    fn go(&mut self) -> Result<bool, ErrorCode> {
        loop {
            match self.from.read(PIECE) {
                Ok(piece) if piece.is_empty() => return Ok(false),
                Ok(piece) => self.to.send(&piece).map_err(refused)?,
                Err(StreamError::Closed) => return Ok(true),
                Err(error) => return Err(refused(error)),
            }
        }
    }
}
