//! Stands between a client and a server, and breaks all connections when asked to.

use std::{
    io,
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

/// A place to connect to instead of the server.
pub(crate) struct Proxy {
    address: SocketAddr,
    middle: Arc<Middle>,
}

struct Middle {
    target: String,
    is_cut: AtomicBool,
    is_over: AtomicBool,
    open: Mutex<Vec<TcpStream>>,
}

impl Proxy {
    /// Listens at `address` for clients of `target`.
    pub(crate) fn between(address: &str, target: &str) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        let middle = Arc::new(Middle {
            target: target.to_owned(),
            is_cut: AtomicBool::new(false),
            is_over: AtomicBool::new(false),
            open: Mutex::default(),
        });
        let proxy = Self { address: listener.local_addr()?, middle: middle.clone() };
        thread::spawn(move || middle.accept(&listener));
        Ok(proxy)
    }

    /// Where clients connect, `127.0.0.1:PORT`.
    pub(crate) fn address(&self) -> String {
        self.address.to_string()
    }

    /// Breaks every connection, and refuses new ones for a while.
    pub(crate) fn cut(&self, lasts: Duration) {
        self.middle.is_cut.store(true, Ordering::SeqCst);
        self.middle.break_all();
        thread::sleep(lasts);
        self.middle.is_cut.store(false, Ordering::SeqCst);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.middle.is_over.store(true, Ordering::SeqCst);
        self.middle.break_all();
        // The thread that accepts looks once more.
        let _ = TcpStream::connect(self.address);
    }
}

impl Middle {
    fn accept(self: &Arc<Self>, listener: &TcpListener) {
        for client in listener.incoming().flatten() {
            if self.is_over.load(Ordering::SeqCst) {
                return;
            }
            if !self.is_cut.load(Ordering::SeqCst) {
                // A server that cannot be reached is one that refuses: the client is let go.
                let _ = self.join(client);
            }
        }
    }

    fn join(self: &Arc<Self>, client: TcpStream) -> io::Result<()> {
        let server = TcpStream::connect(&self.target)?;
        client.set_nodelay(true)?;
        server.set_nodelay(true)?;
        let mut open = self.open.lock().unwrap();
        open.retain(|it| it.peer_addr().is_ok());
        open.extend([client.try_clone()?, server.try_clone()?]);
        drop(open);
        pass_on(client.try_clone()?, server.try_clone()?);
        pass_on(server, client);
        // Cut while it was being opened: then it is cut too.
        if self.is_cut.load(Ordering::SeqCst) {
            self.break_all();
        }
        Ok(())
    }

    fn break_all(&self) {
        for connection in self.open.lock().unwrap().drain(..) {
            let _ = connection.shutdown(Shutdown::Both);
        }
    }
}

fn pass_on(mut from: TcpStream, mut to: TcpStream) {
    thread::spawn(move || {
        let _ = io::copy(&mut from, &mut to);
        let _ = from.shutdown(Shutdown::Both);
        let _ = to.shutdown(Shutdown::Both);
    });
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};

    use super::*;

    /// Gives back what it is sent.
    fn echo() -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        thread::spawn(move || {
            for mut client in listener.incoming().flatten() {
                thread::spawn(move || io::copy(&mut client.try_clone().unwrap(), &mut client));
            }
        });
        address
    }

    #[test]
    fn a_cut_breaks_what_is_open_and_afterwards_all_is_as_before() {
        let proxy = Proxy::between("127.0.0.1:0", &echo()).unwrap();
        let mut answer = [0; 2];
        let mut before = TcpStream::connect(proxy.address()).unwrap();
        before.write_all(b"hi").unwrap();
        before.read_exact(&mut answer).unwrap();
        proxy.cut(Duration::ZERO);
        assert!(!matches!(before.read(&mut answer), Ok(1..)), "it is broken");
        let mut after = TcpStream::connect(proxy.address()).unwrap();
        after.write_all(b"ho").unwrap();
        after.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"ho");
    }
}
