//! Who asks: the password is proved by SCRAM, and never sent.

use std::io::{Read, Write};

use fallible_iterator::FallibleIterator as _;
use postgres_protocol::{
    authentication::sasl::{ChannelBinding, SCRAM_SHA_256, ScramSha256},
    message::{
        backend::{AuthenticationSaslBody, Message},
        frontend,
    },
};
use weft::{Failure, OrFail as _, config};

use crate::wire::{Wire, unexpected};

/// Who asks.
pub(crate) struct Login<'a> {
    pub(crate) user: &'a str,
    pub(crate) database: &'a str,
    /// The name of the secret with the password; none, when empty.
    pub(crate) secret: &'a str,
}

impl Login<'_> {
    /// Logs in, and waits until the server is ready.
    pub(crate) fn enter(&self, wire: &mut Wire<impl Read + Write>) -> Result<(), Failure> {
        let about = [
            ("user", self.user),
            ("database", self.database),
            ("client_encoding", "UTF8"),
            ("application_name", "weft sql-extract"),
        ];
        frontend::startup_message(about, &mut wire.outgoing).or_invalid("bad-params")?;
        wire.send()?;
        loop {
            match wire.next()? {
                Message::AuthenticationOk => return wire.settle(),
                Message::AuthenticationSasl(offer) => self.prove(wire, &offer)?,
                Message::AuthenticationCleartextPassword | Message::AuthenticationMd5Password(_) => {
                    return Err(Failure::invalid(
                        "weak-login",
                        "the server asks for the password in a form that others could read or repeat: set it up for \
                         scram-sha-256",
                    ));
                }
                Message::AuthenticationGss | Message::AuthenticationKerberosV5 | Message::AuthenticationSspi => {
                    return Err(Failure::invalid("weak-login", "the server asks for a login other than scram-sha-256"));
                }
                _ => return Err(unexpected()),
            }
        }
    }

    /// Proves to know the password, and has the server prove the same.
    fn prove(&self, wire: &mut Wire<impl Read + Write>, offer: &AuthenticationSaslBody) -> Result<(), Failure> {
        let offered = offer.mechanisms().any(|it| Ok(it == SCRAM_SHA_256)).or_invalid("no-postgres")?;
        if !offered {
            return Err(Failure::invalid("weak-login", "the server offers no scram-sha-256"));
        }
        // Asked for only now: a server that asks for none needs no secret.
        let password = if self.secret.is_empty() { None } else { config::get(self.secret)? };
        let password = password.ok_or_else(|| {
            Failure::invalid(
                "no-password",
                "the server asks for a password: grant the secret that the param `secret` names",
            )
        })?;
        let mut scram = ScramSha256::new(password.as_bytes(), ChannelBinding::unsupported());
        frontend::sasl_initial_response(SCRAM_SHA_256, scram.message(), &mut wire.outgoing).or_invalid("bad-params")?;
        wire.send()?;
        let Message::AuthenticationSaslContinue(challenge) = wire.next()? else { return Err(unexpected()) };
        scram.update(challenge.data()).or_invalid("refused-login")?;
        frontend::sasl_response(scram.message(), &mut wire.outgoing).or_invalid("bad-params")?;
        wire.send()?;
        let Message::AuthenticationSaslFinal(verdict) = wire.next()? else { return Err(unexpected()) };
        scram.finish(verdict.data()).or_invalid("refused-login")
    }
}
