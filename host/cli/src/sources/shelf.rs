//! A source that can be asked: the host you talk to, a registry, a folder or a static mirror.

use std::{net::IpAddr, path::PathBuf, sync::Arc, time::Duration};

use host_core::package::PackageName;
use marketplace::client::{ClientError, Credentials, Folder, Place, Remote, StaticMirror};

use super::{Kept, Login, Sources, web::Web};
use crate::{
    client::Client,
    ui::{Exit, Stop},
};

/// The name of the host you talk to, among sources.
pub(crate) const HOST: &str = "host";

/// How a static mirror is told from a registry.
const MIRROR: &str = "mirror+";

/// How long a mirror may say nothing.
const PATIENCE: Duration = Duration::from_secs(60);

/// A source that can be asked.
pub(crate) struct Shelf {
    /// Its name; its address where it has none.
    pub(crate) name: String,
    /// The namespace to publish in.
    pub(crate) namespace: Option<String>,
    kind: Kind,
}

enum Kind {
    /// A host, which has a catalogue beside its registry.
    Host(Remote, Client),
    Registry(Remote),
    Folder(Folder),
    Mirror(StaticMirror),
}

impl Shelf {
    /// Where packages are read from and written to.
    pub(crate) fn place(&self) -> &dyn Place {
        match &self.kind {
            Kind::Host(remote, _) | Kind::Registry(remote) => remote,
            Kind::Folder(folder) => folder,
            Kind::Mirror(mirror) => mirror,
        }
    }

    /// The client of its catalogue, where it is a host.
    pub(crate) fn catalogue(&self) -> Option<&Client> {
        if let Kind::Host(_, client) = &self.kind { Some(client) } else { None }
    }

    /// The folder, where it is one.
    pub(crate) fn folder(&self) -> Option<&Folder> {
        if let Kind::Folder(folder) = &self.kind { Some(folder) } else { None }
    }

    /// What went wrong with it, for people.
    pub(crate) fn stop(&self, error: &ClientError) -> Stop {
        let exit = match error {
            ClientError::NotFound(_) => Exit::NotFound,
            ClientError::Unreachable { .. } => Exit::Unreachable,
            ClientError::File { .. } => Exit::Failed,
            _ => Exit::Refused,
        };
        let stop = Stop::new(exit, error.to_string());
        match error {
            ClientError::Tampered { .. } | ClientError::TooLarge { .. } => {
                stop.hint("somebody between you and the publisher changed it; ask both, and take nothing from there")
            }
            ClientError::Taken { .. } => stop.hint("raise `version` in function.toml"),
            ClientError::Unreachable { .. } => stop.hint("`fn sources list` says where packages are looked for"),
            _ => stop,
        }
    }
}

/// The source of that name, or at that address.
pub(crate) fn open(source: &str, client: &Client) -> Result<Shelf, Stop> {
    if source == HOST {
        return host(client);
    }
    if let Some(kept) = Sources::load()?.sources.get(source) {
        return at(source, kept);
    }
    let is_path = source.contains('/') || source.starts_with('.') || std::path::Path::new(source).is_dir();
    if !source.contains("://") && !is_path {
        return Err(Stop::new(Exit::NotFound, format!("there is no source `{source}`"))
            .hint("`fn sources list` names them; an address or a folder will do, too"));
    }
    let address = source.to_owned();
    at(source, &Kept { address, namespace: None, login: Login::Nobody, insecure: false, ca: None })
}

/// Every source in the order in which they are asked: the host first, then those that are kept, by name.
pub(crate) fn open_all(client: &Client) -> Result<Vec<Shelf>, Stop> {
    let mut shelves = vec![host(client)?];
    for (name, kept) in &Sources::load()?.sources {
        shelves.push(at(name, kept)?);
    }
    Ok(shelves)
}

/// The first source that has the package, or the one that is named.
pub(crate) async fn find(name: &PackageName, from: Option<&str>, client: &Client) -> Result<Shelf, Stop> {
    if let Some(from) = from {
        return open(from, client);
    }
    let mut asked = Vec::new();
    let mut trouble = None;
    for shelf in open_all(client)? {
        match shelf.place().tags(name).await {
            Ok(tags) if !tags.is_empty() => return Ok(shelf),
            Ok(_) => {}
            Err(error) => trouble = trouble.or(Some(shelf.stop(&error))),
        }
        asked.push(shelf.name);
    }
    // Where one could not be asked, nobody knows that the package does not exist.
    Err(trouble.unwrap_or_else(|| {
        Stop::new(Exit::NotFound, format!("there is no package {name}; asked: {}", asked.join(", ")))
            .hint(format!("fn search {}", name.name))
    }))
}

fn host(client: &Client) -> Result<Shelf, Stop> {
    let credentials = client.bearer().map_or(Credentials::Nobody, Credentials::Token);
    let remote = Remote::new(client.base(), credentials, client.ca()?).map_err(|error| wrong(&error))?;
    Ok(Shelf { name: HOST.to_owned(), namespace: None, kind: Kind::Host(remote, client.clone()) })
}

fn at(name: &str, kept: &Kept) -> Result<Shelf, Stop> {
    let address = kept.address.as_str();
    let kind = if let Some(base) = address.strip_prefix(MIRROR) {
        check_scheme(base, kept.insecure)?;
        Kind::Mirror(StaticMirror::new(base, Arc::new(Web(web(kept)?))))
    } else if address.contains("://") {
        check_scheme(address, kept.insecure)?;
        let credentials = match kept.login.clone() {
            Login::Nobody => Credentials::Nobody,
            Login::Basic(name, password) => Credentials::Basic(name, password),
            Login::Token(token) => Credentials::Token(token),
        };
        Kind::Registry(Remote::new(address, credentials, ca(kept)?).map_err(|error| wrong(&error))?)
    } else {
        Kind::Folder(Folder::new(PathBuf::from(address)))
    };
    Ok(Shelf { name: name.to_owned(), namespace: kept.namespace.clone(), kind })
}

fn wrong(error: &ClientError) -> Stop {
    Stop::new(Exit::Usage, error.to_string()).hint("write it like https://packages.example.com")
}

fn ca(kept: &Kept) -> Result<Option<Vec<u8>>, Stop> {
    let read = |file: &PathBuf| {
        std::fs::read(file).map_err(|error| {
            Stop::new(Exit::Usage, format!("could not read the certificate: {error}")).at(file.display().to_string())
        })
    };
    kept.ca.as_ref().map(read).transpose()
}

fn web(kept: &Kept) -> Result<reqwest::Client, Stop> {
    let failed = |error: reqwest::Error| Stop::new(Exit::Failed, format!("could not make an HTTP client: {error}"));
    let mut web = reqwest::Client::builder().no_proxy().read_timeout(PATIENCE).connect_timeout(PATIENCE);
    if let Some(pem) = ca(kept)? {
        web = web.tls_certs_merge(reqwest::Certificate::from_pem_bundle(&pem).map_err(failed)?);
    }
    web.build().map_err(failed)
}

/// Plain HTTP never leaves this machine unless somebody said so: whoever listens could send anything.
pub(crate) fn check_scheme(address: &str, insecure: bool) -> Result<(), Stop> {
    let Some(rest) = address.strip_prefix("http://") else { return Ok(()) };
    let authority = rest.split('/').next().unwrap_or_default();
    let host = match authority.strip_prefix('[') {
        Some(bracketed) => bracketed.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    let is_local = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|it| it.is_loopback());
    if is_local || insecure {
        return Ok(());
    }
    Err(Stop::new(Exit::Refused, format!("{address} is on another machine, and plain HTTP can be read and changed"))
        .hint("use https://, or say that it will do: fn sources add NAME ADDRESS --insecure"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_stays_on_this_machine_unless_it_is_asked_for() {
        for local in
            ["http://127.0.0.1:5000", "http://localhost/x", "http://[::1]:5000", "https://x.example", "/folder"]
        {
            assert!(check_scheme(local, false).is_ok(), "{local}");
        }
        for far in ["http://x.example", "http://10.0.0.1:5000", "http://127.0.0.1.x.example", "http://localhost.x"] {
            assert!(check_scheme(far, false).is_err(), "{far}");
            assert!(check_scheme(far, true).is_ok(), "{far}");
        }
    }
}
