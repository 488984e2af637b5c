//! The end of a call that held secrets: nothing the host tells or keeps of it says one.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use host_core::{
    body::BodyError,
    call::{Called, End, EndFuture, Finished, Reply},
    mask::Mask,
};
use http_body_util::BodyExt as _;

/// `called`, with secrets hidden in its failures. What the guest itself sends or writes as its answer stays as it is.
pub(crate) fn masked(called: Called, mask: &Mask) -> Called {
    if mask.is_empty() {
        return called;
    }
    let reply = called.reply.map(|reply| answer(reply, mask)).map_err(|failure| mask.hide_failure(failure));
    let end = match called.end {
        End::Now(finished) => End::Now(finish(finished, mask)),
        End::Later(end) => End::Later(Box::new(Masked { end, mask: mask.clone() })),
    };
    Called { reply, end }
}

fn answer(reply: Reply, mask: &Mask) -> Reply {
    match reply {
        Reply::Events(outcomes) => {
            let hidden = |outcome: host_core::event::Outcome| outcome.map_err(|failure| mask.hide_failure(failure));
            Reply::Events(outcomes.into_iter().map(hidden).collect())
        }
        // Why a body broke off is told to logs.
        Reply::Http(response) => {
            let mask = mask.clone();
            Reply::Http(response.map(|body| body.map_err(move |error| broken(error, &mask)).boxed_unsync()))
        }
        other => other,
    }
}

fn broken(error: BodyError, mask: &Mask) -> BodyError {
    match error {
        BodyError::Guest(why) => BodyError::Guest(mask.hide(&why).into_owned()),
        BodyError::Other(why) => BodyError::Other(mask.hide(&why).into_owned()),
        other => other,
    }
}

fn finish(finished: Finished, mask: &Mask) -> Finished {
    Finished { failure: finished.failure.map(|failure| mask.hide_failure(failure)), ..finished }
}

/// An end that comes later.
#[derive(Debug)]
struct Masked {
    end: Box<dyn EndFuture>,
    mask: Mask,
}

impl Future for Masked {
    type Output = Finished;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Finished> {
        let finished = ready!(Pin::new(&mut self.end).poll(context));
        Poll::Ready(finish(finished, &self.mask))
    }
}

#[cfg(test)]
mod tests {
    use host_core::{event::Failure, ports::SecretValue};

    use super::*;

    fn canary() -> (Mask, Failure) {
        let mask = Mask::of([&SecretValue::parse("canary".to_owned()).unwrap()]);
        (mask, Failure::fatal("asked", "it failed with canary"))
    }

    #[test]
    fn a_failure_is_masked_wherever_it_stands() {
        let (mask, failure) = canary();
        let called = masked(Called::failed(failure.clone()), &mask);
        assert_eq!(called.reply.err().unwrap().message, "it failed with ***");
        let End::Now(finished) = called.end else { panic!("it ended") };
        assert_eq!(finished.failure.unwrap().message, "it failed with ***");
        let reply = answer(Reply::Events(vec![Ok(Vec::new()), Err(failure)]), &mask);
        let Reply::Events(outcomes) = reply else { panic!("it answered events") };
        assert_eq!(outcomes[1].as_ref().unwrap_err().message, "it failed with ***");
    }

    #[tokio::test]
    async fn an_end_that_comes_later_is_masked_then() {
        let (mask, failure) = canary();
        let end: Box<dyn EndFuture> =
            Box::new(std::future::ready(Finished { failure: Some(failure), ..Finished::default() }));
        let called = masked(Called { reply: Ok(Reply::Events(Vec::new())), end: End::Later(end) }, &mask);
        let End::Later(end) = called.end else { panic!("it streams") };
        assert_eq!(end.await.failure.unwrap().message, "it failed with ***");
    }
}
