//! Roles, tokens as text, and addresses that guess.

use std::time::{Duration, Instant};

use http::{HeaderMap, HeaderValue, header};

use super::*;
use crate::Digest;

#[test]
fn each_role_may_do_what_those_before_it_may() {
    for (position, role) in Role::ALL.into_iter().enumerate() {
        let principal = Principal { role, ..Principal::local() };
        let may: Vec<bool> = Role::ALL.into_iter().map(|needs| principal.check_role(needs).is_ok()).collect();
        let expected: Vec<bool> = (0..4).map(|needs| needs <= position).collect();
        assert_eq!(may, expected, "{role}");
        assert_eq!(role.to_string().parse(), Ok(role));
    }
    assert!("root".parse::<Role>().unwrap_err().to_string().contains("use viewer, developer"));
}

#[test]
fn a_principal_of_one_project_has_no_say_in_others() {
    let ann = Principal { name: "ann".into(), project: Some("wine".parse().unwrap()), ..Principal::local() };
    assert_eq!(ann.check_project("wine"), Ok(()));
    assert_eq!(ann.check_project("beer").unwrap_err().to_string(), "`ann` is for the project `wine` only");
    assert!(ann.check_everywhere().is_err());
    assert!(Principal::local().check_project("beer").is_ok() && Principal::local().check_everywhere().is_ok());
}

#[test]
fn only_whole_tokens_are_read_and_none_is_printed() {
    let secret = "AbCdEfGhIjKlMnOpQrStUvWxYz0123456789-_AbCdE";
    let text = format!("weft_0123456789abcdef_{secret}");
    let bearer = Bearer::parse(&text).unwrap();
    assert_eq!(bearer.id.to_string(), "0123456789abcdef");
    assert_eq!(bearer.digest(), Digest::of(secret.as_bytes()));
    assert!(!format!("{bearer:?}").contains("AbCd"));
    for wrong in
        ["", "weft_", "weft_0123456789abcdef", "weft_x_y", &text[1..], &text[..text.len() - 1], &text.to_uppercase()]
    {
        assert!(Bearer::parse(wrong).is_none(), "{wrong}");
    }
    assert!(Bearer::parse(&format!("{text} ")).is_none());
}

#[test]
fn an_address_that_guesses_has_to_wait_until_its_window_is_over() {
    let mut attempts = Attempts::new(2, Duration::from_secs(60));
    let (start, address) = (Instant::now(), "10.0.0.1".parse().unwrap());
    let after = |seconds| start + Duration::from_secs(seconds);
    attempts.fail(address, start);
    assert_eq!(attempts.wait(address, start), None);
    attempts.fail(address, after(1));
    assert_eq!(attempts.wait(address, after(20)), Some(Duration::from_secs(40)));
    assert_eq!(attempts.wait("10.0.0.2".parse().unwrap(), after(20)), None);
    assert_eq!(attempts.wait(address, after(60)), None);
    attempts.fail(address, after(61));
    assert_eq!(attempts.wait(address, after(61)), None);
}

#[test]
fn what_is_remembered_of_guessing_is_bounded() {
    let mut attempts = Attempts::new(1, Duration::from_secs(60));
    let start = Instant::now();
    for number in 0..10_000_u32 {
        attempts.fail(IpAddr::from(number.to_be_bytes()), start);
    }
    assert_eq!(attempts.remembered(), 4_096);
    attempts.fail("10.9.9.9".parse().unwrap(), start + Duration::from_secs(61));
    assert_eq!(attempts.remembered(), 1);
}

#[test]
fn behind_a_proxy_the_address_is_what_the_proxy_added_last() {
    let (direct, behind) = (Access::default(), Access { way: Way::Proxy, ..Access::default() });
    let peer = "127.0.0.1".parse().ok();
    let mut headers = HeaderMap::new();
    assert_eq!(behind.address(peer, &headers), peer);
    headers.append("x-forwarded-for", HeaderValue::from_static("6.6.6.6, 10.0.0.9"));
    assert_eq!(direct.address(peer, &headers), peer, "a client may say what it likes");
    assert_eq!(behind.address(peer, &headers), "10.0.0.9".parse().ok());
    headers.append("x-forwarded-for", HeaderValue::from_static("203.0.113.7:4711"));
    assert_eq!(behind.address(peer, &headers), "203.0.113.7".parse().ok());
    headers.insert("x-forwarded-for", HeaderValue::from_static("[2001:db8::1]:80"));
    assert_eq!(behind.address(peer, &headers), "2001:db8::1".parse().ok());
    headers.insert("x-forwarded-for", HeaderValue::from_static("nonsense"));
    assert_eq!(behind.address(peer, &headers), peer);
    assert_eq!(direct.address("::ffff:10.0.0.1".parse().ok(), &headers), "10.0.0.1".parse().ok());
}

#[test]
fn a_bearer_is_read_whatever_the_case_of_the_scheme() {
    let of = |value: &'static str| {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, HeaderValue::from_static(value));
        bearer(&headers).map(str::to_owned)
    };
    assert_eq!(of("Bearer abc").as_deref(), Some("abc"));
    assert_eq!(of("bearer  abc ").as_deref(), Some("abc"));
    for other in ["Basic abc", "Bearer", "abc", ""] {
        assert_eq!(of(other), None, "{other}");
    }
}
