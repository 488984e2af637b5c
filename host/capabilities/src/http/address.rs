//! Which addresses a request may be sent to: the public ones, and private ones only where an entry says so.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// How far an entry of `[grants] http` leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Addresses {
    /// Public addresses only.
    Public,
    /// Private ones too: `private = true`.
    Private,
    /// The very address that a private entry names, even where it is a cloud's metadata service.
    Named,
}

/// An address that a request may not be sent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{address} is {what}")]
pub struct Forbidden {
    /// The address.
    pub address: IpAddr,
    /// What it is.
    pub what: &'static str,
    /// Who may reach it.
    pub needs: Needs,
}

/// What it takes to reach an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// An entry with `private = true`.
    Private,
    /// An entry with `private = true` that names the address itself.
    Named,
    /// Nothing helps.
    Nothing,
}

const fn v4(a: u8, b: u8, c: u8, d: u8, prefix: u8) -> IpNet {
    IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix))
}

const fn v6(a: u16, b: u16, c: u16, d: u16, prefix: u8) -> IpNet {
    IpNet::V6(Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0), prefix))
}

const fn v6_whole(low: [u16; 8]) -> IpNet {
    let [a, b, c, d, e, f, g, h] = low;
    IpNet::V6(Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, d, e, f, g, h), 128))
}

/// Where clouds hand out credentials to whoever asks from inside.
const METADATA: &[IpNet] = &[
    v4(169, 254, 169, 254, 32),
    v4(169, 254, 170, 2, 32),
    v4(169, 254, 170, 23, 32),
    v4(100, 100, 100, 200, 32),
    v4(168, 63, 129, 16, 32),
    v4(192, 0, 0, 192, 32),
    v6_whole([0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0254]),
    v6_whole([0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0023]),
    v6_whole([0xfd20, 0x00ce, 0, 0, 0, 0, 0, 0x0254]),
];

/// What is not the public network: the first that fits says what it is.
const SPECIAL: &[(IpNet, &str, Needs)] = &[
    (v4(127, 0, 0, 0, 8), "a loopback address", Needs::Private),
    (v4(10, 0, 0, 0, 8), "a private address", Needs::Private),
    (v4(172, 16, 0, 0, 12), "a private address", Needs::Private),
    (v4(192, 168, 0, 0, 16), "a private address", Needs::Private),
    (v4(169, 254, 0, 0, 16), "a link-local address", Needs::Private),
    (v4(100, 64, 0, 0, 10), "an address of a carrier's own network", Needs::Private),
    (v4(198, 18, 0, 0, 15), "an address for benchmarks", Needs::Private),
    (v4(0, 0, 0, 0, 8), "an unspecified address", Needs::Nothing),
    (v4(192, 0, 0, 0, 24), "a reserved address", Needs::Nothing),
    (v4(192, 0, 2, 0, 24), "an address for documentation", Needs::Nothing),
    (v4(198, 51, 100, 0, 24), "an address for documentation", Needs::Nothing),
    (v4(203, 0, 113, 0, 24), "an address for documentation", Needs::Nothing),
    (v4(192, 88, 99, 0, 24), "a 6to4 relay", Needs::Nothing),
    (v4(224, 0, 0, 0, 4), "a multicast address", Needs::Nothing),
    (v4(255, 255, 255, 255, 32), "the broadcast address", Needs::Nothing),
    (v4(240, 0, 0, 0, 4), "a reserved address", Needs::Nothing),
    (v6_whole([0, 0, 0, 0, 0, 0, 0, 1]), "a loopback address", Needs::Private),
    (v6(0xfc00, 0, 0, 0, 7), "a private address", Needs::Private),
    (v6(0xfe80, 0, 0, 0, 10), "a link-local address", Needs::Private),
    (v6_whole([0; 8]), "an unspecified address", Needs::Nothing),
    (v6(0, 0, 0, 0, 96), "an IPv4 address in IPv6", Needs::Nothing),
    (v6(0x64, 0xff9b, 1, 0, 48), "an address of a translator's own network", Needs::Nothing),
    (v6(0xff00, 0, 0, 0, 8), "a multicast address", Needs::Nothing),
    (v6(0xfec0, 0, 0, 0, 10), "a site-local address", Needs::Nothing),
    (v6(0x2001, 0xdb8, 0, 0, 32), "an address for documentation", Needs::Nothing),
    (v6(0x3fff, 0, 0, 0, 20), "an address for documentation", Needs::Nothing),
    (v6(0x2001, 0, 0, 0, 32), "a Teredo tunnel", Needs::Nothing),
    (v6(0x2002, 0, 0, 0, 16), "a 6to4 tunnel", Needs::Nothing),
    (v6(0x2001, 0, 0, 0, 23), "a reserved address", Needs::Nothing),
];

/// All of IPv6 that is given out to networks.
const GLOBAL: IpNet = v6(0x2000, 0, 0, 0, 3);

/// Behind this prefix the network translates to the IPv4 address in the last four bytes.
const TRANSLATED: IpNet = v6(0x64, 0xff9b, 0, 0, 96);

/// Whether a request may be sent to `address`.
///
/// # Errors
/// When it is not public, and the entry does not lead there; the error says what it is.
pub fn check_address(address: IpAddr, allowed: Addresses) -> Result<(), Forbidden> {
    let judged = behind(address);
    let Some((what, needs)) = special(judged) else { return Ok(()) };
    let is_allowed = match needs {
        Needs::Private => allowed != Addresses::Public,
        Needs::Named => allowed == Addresses::Named,
        Needs::Nothing => false,
    };
    if is_allowed { Ok(()) } else { Err(Forbidden { address, what, needs }) }
}

/// What an address is, unless it is public.
fn special(address: IpAddr) -> Option<(&'static str, Needs)> {
    if METADATA.iter().any(|it| it.contains(&address)) {
        return Some(("a metadata service's address", Needs::Named));
    }
    let known = SPECIAL.iter().find(|(net, ..)| net.contains(&address)).map(|(_, what, needs)| (*what, *needs));
    known
        .or_else(|| (address.is_ipv6() && !GLOBAL.contains(&address)).then_some(("a reserved address", Needs::Nothing)))
}

/// The address that packets arrive at: IPv4 within IPv6 is IPv4, whether mapped or translated on the way.
fn behind(address: IpAddr) -> IpAddr {
    let IpAddr::V6(within) = address else { return address };
    if let Some(mapped) = within.to_ipv4_mapped() {
        return mapped.into();
    }
    if !TRANSLATED.contains(&address) {
        return address;
    }
    let [.., a, b, c, d] = within.octets();
    Ipv4Addr::new(a, b, c, d).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(address: &str, allowed: Addresses) -> Result<(), &'static str> {
        check_address(address.parse().unwrap(), allowed).map_err(|forbidden| forbidden.what)
    }

    #[test]
    fn public_addresses_are_for_everyone() {
        for address in [
            "1.1.1.1",
            "93.184.216.34",
            "172.15.0.1",
            "172.32.0.1",
            "100.63.255.255",
            "100.128.0.1",
            "169.253.0.1",
            "198.17.0.1",
            "198.20.0.1",
            "2606:2800:220:1::1",
            "2a00:1450::1",
            "::ffff:1.1.1.1",
            "64:ff9b::101:101",
        ] {
            assert_eq!(check(address, Addresses::Public), Ok(()), "{address}");
        }
    }

    #[test]
    fn private_addresses_are_for_private_entries() {
        for address in [
            "127.0.0.1",
            "127.255.255.255",
            "10.0.0.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.1.1",
            "100.64.0.1",
            "198.18.0.1",
            "::1",
            "fc00::1",
            "fd12:3456::1",
            "fe80::1",
            "febf::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b::a00:1",
        ] {
            assert!(check(address, Addresses::Public).is_err(), "{address}");
            assert_eq!(check(address, Addresses::Private), Ok(()), "{address}");
        }
    }

    #[test]
    fn metadata_services_are_for_entries_that_name_their_address() {
        for address in [
            "169.254.169.254",
            "::ffff:169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "169.254.170.2",
            "100.100.100.200",
            "168.63.129.16",
            "fd00:ec2::254",
        ] {
            for allowed in [Addresses::Public, Addresses::Private] {
                assert_eq!(check(address, allowed), Err("a metadata service's address"), "{address}");
            }
            assert_eq!(check(address, Addresses::Named), Ok(()), "{address}");
        }
    }

    #[test]
    fn some_addresses_are_for_nobody() {
        for address in [
            "0.0.0.0",
            "0.1.2.3",
            "192.0.0.1",
            "192.0.2.1",
            "198.51.100.1",
            "203.0.113.1",
            "192.88.99.1",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::127.0.0.1",
            "::10.0.0.1",
            "64:ff9b:1::a00:1",
            "2001:0:7f00:1::1",
            "2001:10::1",
            "2001:db8::1",
            "3fff::1",
            "2002:7f00:1::1",
            "2002:a00:1::1",
            "fec0::1",
            "ff02::1",
            "100::1",
            "4000::1",
            "::ffff:0.0.0.0",
            "64:ff9b::e000:1",
        ] {
            assert!(check(address, Addresses::Named).is_err(), "{address}");
        }
    }
}
