//! A connection to a server that the function was granted.

use std::{
    io,
    net::{IpAddr, SocketAddr, TcpStream},
};

use weft::Failure;

/// What is added to a refusal.
const ADVICE: &str = "the function's log has the line to add to function.toml";

/// A connection to `host`, at the first of its addresses that answers.
pub(crate) fn to(host: &str, port: u16) -> Result<TcpStream, Failure> {
    let addresses: Vec<SocketAddr> = match host.parse::<IpAddr>() {
        Ok(address) => vec![SocketAddr::new(address, port)],
        Err(_) => lookup::addresses(host)?.into_iter().map(|it| SocketAddr::new(it, port)).collect(),
    };
    let stream = TcpStream::connect(addresses.as_slice()).map_err(|error| match error.kind() {
        io::ErrorKind::PermissionDenied => not_granted(host, port),
        _ => Failure::transient("unreachable", format!("{host}:{port} cannot be reached: {error}")),
    })?;
    // Messages are small and wait for answers; where the system refuses that, they travel all the same.
    let _ = stream.set_nodelay(true);
    Ok(stream)
}

fn not_granted(host: &str, port: u16) -> Failure {
    Failure::invalid("not-granted", format!("a connection to {host}:{port} is not granted: {ADVICE}"))
}

/// Names to addresses, where the host of the function tells a refusal from a name that leads nowhere.
#[cfg(target_arch = "wasm32")]
mod lookup {
    use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

    use wasip2::sockets::{
        instance_network::instance_network,
        ip_name_lookup::resolve_addresses,
        network::{ErrorCode, IpAddress},
    };
    use weft::Failure;

    pub(super) fn addresses(host: &str) -> Result<Vec<IpAddr>, Failure> {
        let found = resolve_addresses(&instance_network(), host).map_err(|code| failure(host, code))?;
        let ready = found.subscribe();
        let mut addresses = Vec::new();
        loop {
            match found.resolve_next_address() {
                Ok(Some(IpAddress::Ipv4((a, b, c, d)))) => addresses.push(Ipv4Addr::new(a, b, c, d).into()),
                Ok(Some(IpAddress::Ipv6((a, b, c, d, e, f, g, h)))) => {
                    addresses.push(Ipv6Addr::new(a, b, c, d, e, f, g, h).into());
                }
                Ok(None) => return Ok(addresses),
                Err(ErrorCode::WouldBlock) => ready.block(),
                Err(code) => return Err(failure(host, code)),
            }
        }
    }

    fn failure(host: &str, code: ErrorCode) -> Failure {
        match code {
            ErrorCode::AccessDenied => {
                Failure::invalid("not-granted", format!("a connection to {host} is not granted: {}", super::ADVICE))
            }
            ErrorCode::InvalidArgument => Failure::invalid("bad-host", format!("`{host}` is not the name of a server")),
            code => Failure::transient("unreachable", format!("{host} has no address: {code}")),
        }
    }
}

#[cfg(not(target_arch = "wasm32"))]
mod lookup {
    use std::net::{IpAddr, ToSocketAddrs as _};

    use weft::Failure;

    pub(super) fn addresses(host: &str) -> Result<Vec<IpAddr>, Failure> {
        let found = (host, 0).to_socket_addrs();
        let found =
            found.map_err(|error| Failure::transient("unreachable", format!("{host} has no address: {error}")))?;
        Ok(found.map(|it| it.ip()).collect())
    }
}
