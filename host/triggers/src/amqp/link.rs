//! Opens connections to servers: where, as whom, and whom to trust.

use host_core::{Name, manifest::Amqp, ports::Secrets};
use lapin::{
    Channel, Connection, ConnectionProperties,
    tcp::{OwnedIdentity, OwnedTLSConfig},
    types::ShortString,
    uri::AMQPUri,
};
use tokio::time::timeout;

use super::{address::short, config::Config, trouble::Trouble};

/// Opens a connection that is called `name` on the server.
pub(super) async fn open(
    config: &Config,
    secrets: &dyn Secrets,
    project: &Name,
    server: &Amqp,
    name: &str,
) -> Result<Connection, Trouble> {
    let mut uri = address(server)?;
    uri.query.heartbeat = uri.query.heartbeat.or(Some(config.heartbeat_s()));
    if let Some(username) = &server.username {
        uri.authority.userinfo.username.clone_from(username);
    }
    if let Some(password) = &server.password {
        uri.authority.userinfo.password = secret(secrets, project, password).await?;
    }
    let place = format!("{}:{}", uri.authority.host, uri.authority.port);
    let tls = tls(secrets, project, server).await?;
    let properties = ConnectionProperties::default().with_connection_name(name.into());
    let runtime = lapin::runtime::default_runtime().map_err(|error| Trouble::at("could not connect", &error))?;
    let opening = Connection::connect_uri_with_config(uri, properties, tls, runtime);
    match timeout(config.connect.duration(), opening).await {
        Ok(opened) => opened.map_err(|error| Trouble::at(&format!("could not connect to {place}"), &error)),
        Err(_) => Err(Trouble::Lost(format!("could not connect to {place} within {}", config.connect))),
    }
}

/// What a server is asked, answered within a bound.
pub(super) async fn within<T>(
    config: &Config,
    what: &str,
    asked: impl Future<Output = Result<T, Trouble>>,
) -> Result<T, Trouble> {
    match timeout(config.connect.duration(), asked).await {
        Ok(answered) => answered,
        Err(_) => Err(Trouble::Lost(format!("the server did not answer within {} when {what}", config.connect))),
    }
}

/// A channel of a connection.
pub(super) async fn channel(connection: &Connection) -> Result<Channel, Trouble> {
    connection.create_channel().await.map_err(|error| Trouble::at("could not open a channel", &error))
}

/// Ends a connection; what is not acknowledged goes back to its queue.
pub(super) async fn close(config: &Config, connection: &Connection) {
    let closing = connection.close(200, ShortString::default());
    // One that is lost already needs no farewell.
    let _ = timeout(config.connect.duration(), closing).await;
}

/// The address as the library wants it.
fn address(server: &Amqp) -> Result<AMQPUri, Trouble> {
    let refused = |why: &str| Trouble::Refused(format!("`{}` is not the address of an AMQP server: {why}", server.url));
    let mut uri: AMQPUri = server.url.parse().map_err(|why: String| refused(&why))?;
    // The parser of the library knows no IPv6 addresses and would take this machine instead.
    if let Some((_, rest)) = server.url.split_once("://[") {
        uri.authority.host = rest.split(']').next().unwrap_or_default().to_owned();
    }
    // The library panics on longer ones.
    match short(&uri.vhost) {
        Some(_) => Ok(uri),
        None => Err(refused("its virtual host is longer than 255 bytes")),
    }
}

async fn tls(secrets: &dyn Secrets, project: &Name, server: &Amqp) -> Result<OwnedTLSConfig, Trouble> {
    let Some(tls) = &server.tls else { return Ok(OwnedTLSConfig::default()) };
    let cert_chain = match &tls.ca {
        Some(ca) => Some(secret(secrets, project, ca).await?),
        None => None,
    };
    let identity = match tls.certificate.as_ref().zip(tls.key.as_ref()) {
        Some((certificate, key)) => Some(OwnedIdentity::PKCS8 {
            pem: secret(secrets, project, certificate).await?.into_bytes(),
            key: secret(secrets, project, key).await?.into_bytes(),
        }),
        None => None,
    };
    Ok(OwnedTLSConfig { identity, cert_chain })
}

async fn secret(secrets: &dyn Secrets, project: &Name, name: &Name) -> Result<String, Trouble> {
    let value = secrets.value(project, name).await.map_err(|error| Trouble::Lost(error.to_string()))?;
    Ok(value.reveal().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(url: &str) -> Amqp {
        Amqp { url: url.into(), username: None, password: None, tls: None }
    }

    #[test]
    fn an_address_may_be_of_ipv6_and_its_virtual_host_is_bounded() {
        let uri = address(&server("amqp://[::1]:5673/%2fshop")).unwrap();
        assert_eq!((uri.authority.host.as_str(), uri.authority.port, uri.vhost.as_str()), ("::1", 5673, "/shop"));
        assert_eq!(address(&server("amqp://mq.example")).unwrap().vhost, "/");
        let error = address(&server(&format!("amqp://mq/{}", "x".repeat(256)))).unwrap_err();
        assert!(error.to_string().contains("longer than 255 bytes"), "{error}");
        assert!(address(&server("amqp://mq:port/")).is_err());
    }
}
