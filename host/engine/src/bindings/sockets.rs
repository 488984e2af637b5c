//! `wasi:sockets` for guests that were granted servers: names are looked up, and sockets made, under their policy.
//!
//! The rest of `wasi:sockets` is the runtime's own, which asks [`Door`] about every address that it would use.

use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    vec,
};

use host_capabilities::tcp::{Known, Place, Reach, Refusal};
use parking_lot::Mutex;
use wasmtime::component::{HasSelf, Linker, Resource};
use wasmtime_wasi::{
    WasiCtxBuilder, async_trait,
    p2::{
        DynPollable, Pollable, TcpSocket,
        bindings::sockets::{
            network::{ErrorCode, IpAddress, IpAddressFamily, Network},
            tcp_create_socket::Host as _,
        },
        subscribe,
    },
    sockets::{SocketAddrUse, WasiSocketsView as _},
};

use crate::{current::Current, guest::Guest};

mod generated {
    wasmtime::component::bindgen!({
        path: "../../sdk/wit",
        inline: "
            package weft:sockets;

            world sockets {
                import wasi:sockets/ip-name-lookup@0.2.12;
                import wasi:sockets/tcp-create-socket@0.2.12;
            }
        ",
        imports: {
            "wasi:sockets/ip-name-lookup.resolve-addresses": async | trappable,
            default: trappable,
        },
        require_store_data_send: true,
        with: {
            "wasi:io": wasmtime_wasi::p2::bindings::io,
            "wasi:clocks": wasmtime_wasi::p2::bindings::clocks,
            "wasi:sockets/network": wasmtime_wasi::p2::bindings::sockets::network,
            "wasi:sockets/tcp": wasmtime_wasi::p2::bindings::sockets::tcp,
            "wasi:sockets/ip-name-lookup.resolve-address-stream": super::Found,
        },
    });
}

use generated::wasi::sockets::{ip_name_lookup, tcp_create_socket};

/// What one instance knows of its servers.
pub(crate) struct Sockets {
    door: Option<Arc<Door>>,
    /// The places of the sockets it made, by their handles. What is closed is noticed when it matters.
    places: HashMap<u32, Place>,
}

/// What decides about every address, and tells the call that is running what it refused.
struct Door {
    reach: Arc<Reach>,
    known: Known,
    /// Who is told.
    current: Mutex<Arc<Current>>,
}

/// The addresses of a name, to be taken one by one.
#[expect(unreachable_pub, reason = "the generated bindings name it in public signatures")]
pub struct Found(vec::IntoIter<IpAddr>);

impl Sockets {
    /// Opens as much of `wasi:sockets` as the function of `current` was granted.
    pub(crate) fn open(current: &Arc<Current>, wasi: &mut WasiCtxBuilder) -> Self {
        wasi.allow_udp(false).allow_tcp(current.ways.tcp.is_some());
        let door = current.ways.tcp.as_ref().map(|reach| {
            let (known, current) = (Known::default(), Mutex::new(current.clone()));
            Arc::new(Door { reach: reach.clone(), known, current })
        });
        if let Some(door) = door.clone() {
            wasi.socket_addr_check(move |address, usage| Box::pin(std::future::ready(door.lets(address, usage))));
        }
        Self { door, places: HashMap::new() }
    }

    /// The next call: what is refused from now on is told to it.
    pub(crate) fn enter(&self, current: &Arc<Current>) {
        if let Some(door) = &self.door {
            *door.current.lock() = current.clone();
        }
    }
}

impl Door {
    /// Whether the runtime may use `address`. Guests connect; they never listen.
    fn lets(&self, address: SocketAddr, usage: SocketAddrUse) -> bool {
        match usage {
            // Before it connects, a socket has any port of any address of this machine.
            SocketAddrUse::TcpBind => address.ip().is_unspecified() && address.port() == 0,
            SocketAddrUse::TcpConnect => {
                self.reach.check(address, &self.known).inspect_err(|refusal| self.tell(refusal)).is_ok()
            }
            _ => false,
        }
    }

    fn tell(&self, refusal: &Refusal) {
        self.current.lock().lines().note(&refusal.advice());
    }
}

impl Guest {
    /// Lets go of the places whose sockets are closed.
    pub(crate) fn sweep_sockets(&mut self) {
        let table = &self.table;
        self.sockets.places.retain(|handle, _| table.get(&Resource::<TcpSocket>::new_borrow(*handle)).is_ok());
    }

    fn door(&self) -> Result<Arc<Door>, ErrorCode> {
        self.sockets.door.clone().ok_or(ErrorCode::AccessDenied)
    }
}

impl ip_name_lookup::Host for Guest {
    async fn resolve_addresses(
        &mut self,
        network: Resource<Network>,
        name: String,
    ) -> wasmtime::Result<Result<Resource<Found>, ErrorCode>> {
        self.table.get(&network)?;
        let Ok(door) = self.door() else {
            self.current.lines().note(&Refusal::NotGranted(format!("{name}:<port>")).advice());
            return Ok(Err(ErrorCode::AccessDenied));
        };
        match door.reach.look_up(&name, &door.known).await {
            Ok(found) => Ok(Ok(self.table.push(Found(found.into_iter()))?)),
            Err(refusal) => {
                door.tell(&refusal);
                Ok(Err(code(&refusal)))
            }
        }
    }
}

fn code(refusal: &Refusal) -> ErrorCode {
    match refusal {
        Refusal::NoName(_) => ErrorCode::InvalidArgument,
        Refusal::Full => ErrorCode::NewSocketLimit,
        refusal if refusal.is_denial() => ErrorCode::AccessDenied,
        _ => ErrorCode::NameUnresolvable,
    }
}

impl ip_name_lookup::HostResolveAddressStream for Guest {
    fn resolve_next_address(
        &mut self,
        found: Resource<Found>,
    ) -> wasmtime::Result<Result<Option<IpAddress>, ErrorCode>> {
        Ok(Ok(self.table.get_mut(&found)?.0.next().map(Into::into)))
    }

    fn subscribe(&mut self, found: Resource<Found>) -> wasmtime::Result<Resource<DynPollable>> {
        subscribe(&mut self.table, found)
    }

    fn drop(&mut self, found: Resource<Found>) -> wasmtime::Result<()> {
        self.table.delete(found)?;
        Ok(())
    }
}

#[async_trait]
impl Pollable for Found {
    async fn ready(&mut self) {}
}

impl tcp_create_socket::Host for Guest {
    fn create_tcp_socket(
        &mut self,
        family: IpAddressFamily,
    ) -> wasmtime::Result<Result<Resource<TcpSocket>, ErrorCode>> {
        let Ok(door) = self.door() else {
            self.current.lines().note("a connection is not granted: add \"<host>:<port>\" to `tcp` under [grants]");
            return Ok(Err(ErrorCode::AccessDenied));
        };
        self.sweep_sockets();
        let place = match door.reach.place() {
            Ok(place) => place,
            Err(refusal) => {
                door.tell(&refusal);
                return Ok(Err(code(&refusal)));
            }
        };
        match self.sockets().create_tcp_socket(family) {
            Ok(socket) => {
                self.sockets.places.insert(socket.rep(), place);
                Ok(Ok(socket))
            }
            Err(error) => error.downcast().map(Err),
        }
    }
}

/// Puts these in the place of the runtime's own.
pub(super) fn link(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    ip_name_lookup::add_to_linker::<Guest, HasSelf<Guest>>(linker, |guest| guest)?;
    tcp_create_socket::add_to_linker::<Guest, HasSelf<Guest>>(linker, |guest| guest)?;
    linker.allow_shadowing(false);
    Ok(())
}
