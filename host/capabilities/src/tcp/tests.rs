//! Names, addresses and ports that a manifest does and does not lead to.

use std::io;

use async_trait::async_trait;
use host_core::manifest::Manifest;

use super::*;

/// Knows some names, and answers differently the second time where a name has two answers.
struct Names(Vec<(&'static str, Vec<&'static str>)>);

#[async_trait]
impl Resolve for Names {
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        let found = self.0.iter().find(|(known, _)| *known == name);
        let (_, addresses) = found.ok_or_else(|| io::Error::other("no such name"))?;
        Ok(addresses.iter().map(|it| it.parse().unwrap()).collect())
    }
}

fn reach(grants: &str, names: &[(&'static str, &[&'static str])]) -> Reach {
    let manifest = Manifest::parse(&format!("name = \"x\"\n[grants]\ntcp = [{grants}]\n")).unwrap();
    let names = Names(names.iter().map(|(name, addresses)| (*name, addresses.to_vec())).collect());
    let places = [Arc::new(Semaphore::new(2)), Arc::new(Semaphore::new(3))];
    Reach::new(&manifest.grants.tcp, Arc::new(names), places, Duration::from_secs(1))
}

fn to(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

async fn advice(reach: &Reach, name: &str) -> String {
    reach.look_up(name, &Known::default()).await.unwrap_err().advice()
}

#[tokio::test]
async fn a_name_leads_to_what_it_resolved_to_on_its_port_and_nowhere_else() {
    let reach = reach("\"db.example.com:5432\"", &[("db.example.com", &["93.184.216.34", "2606:2800::1"])]);
    let known = Known::default();
    assert!(reach.check(to("93.184.216.34:5432"), &known).is_err(), "nothing was looked up yet");
    let found = reach.look_up("DB.Example.com.", &known).await.unwrap();
    assert_eq!(found, ["93.184.216.34".parse::<IpAddr>().unwrap(), "2606:2800::1".parse().unwrap()]);
    assert_eq!(reach.check(to("93.184.216.34:5432"), &known), Ok(()));
    assert_eq!(reach.check(to("[2606:2800::1]:5432"), &known), Ok(()));
    assert_eq!(reach.check(to("[::ffff:93.184.216.34]:5432"), &known), Ok(()), "the same address");
    for elsewhere in ["93.184.216.34:22", "93.184.216.35:5432", "127.0.0.1:5432"] {
        let refused = reach.check(to(elsewhere), &known).unwrap_err();
        assert_eq!(refused, Refusal::NotFound(to(elsewhere)));
    }
    assert!(reach.check(to("93.184.216.34:5432"), &Known::default()).is_err(), "another instance looked it up");
}

#[tokio::test]
async fn names_that_are_not_granted_are_not_even_looked_up() {
    let reach = reach("\"db.example.com:5432\"", &[("secret.evil.example", &["93.184.216.34"])]);
    assert_eq!(
        advice(&reach, "secret.evil.example").await,
        "a connection to secret.evil.example:<port> is not granted: add \"secret.evil.example:<port>\" to `tcp` \
         under [grants]"
    );
    for odd in ["user@db.example.com", "db.example.com:5432", "db.example.com/x", "", "a b"] {
        assert_eq!(advice(&reach, odd).await, format!("`{odd}` is not the name of a server"));
    }
    assert_eq!(advice(&reach, "db.example.com").await, "db.example.com has no address: no such name");
}

#[tokio::test]
async fn private_addresses_are_for_private_entries_and_one_forbidden_address_refuses_the_name() {
    let names: &[(&'static str, &[&'static str])] =
        &[("db.internal", &["93.184.216.34", "10.0.0.5"]), ("meta.internal", &["169.254.169.254"])];
    let public = reach("\"db.internal:5432\", \"meta.internal:80\"", names);
    assert_eq!(
        advice(&public, "db.internal").await,
        "db.internal:5432 is refused: 10.0.0.5 is a private address: add { to = \"db.internal:5432\", private = true } \
         to `tcp` under [grants]"
    );
    let private = reach(
        "{ to = \"db.internal:5432\", private = true }, { to = \"meta.internal:80\", private = true }, \
         { to = \"169.254.169.254:81\", private = true }, \"10.0.0.6:5432\"",
        names,
    );
    let known = Known::default();
    private.look_up("db.internal", &known).await.unwrap();
    assert_eq!(private.check(to("10.0.0.5:5432"), &known), Ok(()));
    assert!(advice(&private, "meta.internal").await.contains("to = \"169.254.169.254:80\", private = true"));
    assert_eq!(private.check(to("169.254.169.254:81"), &known), Ok(()), "a metadata service, named by its address");
    let refused = private.check(to("10.0.0.6:5432"), &known).unwrap_err();
    assert_eq!(refused.line_to_add().unwrap(), "{ to = \"10.0.0.6:5432\", private = true }");
}

#[tokio::test]
async fn a_private_entry_does_not_open_the_ports_of_a_public_one() {
    let reach =
        reach("\"db.internal:80\", { to = \"db.internal:5432\", private = true }", &[("db.internal", &["10.0.0.5"])]);
    let known = Known::default();
    reach.look_up("db.internal", &known).await.unwrap();
    assert_eq!(reach.check(to("10.0.0.5:5432"), &known), Ok(()));
    assert!(matches!(reach.check(to("10.0.0.5:80"), &known).unwrap_err(), Refusal::Address { .. }));
}

#[test]
fn places_are_the_functions_and_the_hosts() {
    let reach = reach("\"a.example:1\"", &[]);
    let held = [reach.place().unwrap(), reach.place().unwrap()];
    assert_eq!(reach.place().err(), Some(Refusal::Full));
    assert_eq!(held[0].taken(), 2);
    drop(held);
    assert!(reach.place().is_ok());
}

#[tokio::test]
async fn what_an_instance_remembers_has_a_bound() {
    let known = Known::default();
    for number in 0..KNOWN + 10 {
        known.keep(&Host::Name(format!("n{number}")), &["93.184.216.34".parse().unwrap()]);
    }
    assert_eq!(known.0.lock().len(), KNOWN);
    assert!(!known.leads(&Host::Name("n0".into()), "93.184.216.34".parse().unwrap()));
    assert!(known.leads(&Host::Name("n20".into()), "93.184.216.34".parse().unwrap()));
}
