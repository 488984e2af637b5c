//! `fn sign` and `fn verify`: who answers for the bytes of a package.

use anyhow::Result;
use host_core::{Digest, clock::Clock as _};
use host_wire::trust::Trust;
use marketplace::{
    client::{self, Fetched},
    sign::{Claim, Envelope, SecretKey, Verdict},
};
use serde_json::json;

use super::{Asked, offer::Offer, pull};
use crate::{
    args::{SignArgs, VerifyArgs},
    client::Client,
    commands::key,
    sources::{self, Shelf},
    ui::{Exit, Printer, Stop},
};

/// Signs a version that is published already.
pub(super) async fn sign(args: &SignArgs, client: &Client, printer: &Printer) -> Result<()> {
    let asked = Asked::parse(&args.name)?;
    let version = asked.exact()?;
    let shelf = sources::open(&args.from, client)?;
    let key = key::secret(&args.key)?;
    let fetched = client::fetch(shelf.place(), &asked.name, &version).await.map_err(|error| shelf.stop(&error))?;
    let id = put(&shelf, &fetched, &key).await?;
    printer.answer(&json!({ "package": asked.name, "version": version, "key": id }), || id.to_string());
    printer.done(&format!("{} is signed by {}", fetched.package.id, id.short()));
    Ok(())
}

/// Puts a signature beside a package, unless this key has signed it already.
pub(super) async fn put(shelf: &Shelf, fetched: &Fetched, key: &SecretKey) -> Result<Digest, Stop> {
    let (public, package) = (key.public(), &fetched.package);
    let is_own = |it: &Envelope| it.claim().digest == package.digest && it.is_signed_by(&public);
    if !fetched.signatures.iter().filter_map(|it| Envelope::parse(it).ok()).any(|it| is_own(&it)) {
        let claim = Claim {
            name: package.id.package.clone(),
            version: package.id.version.clone(),
            digest: package.digest,
            at: host_core::clock::SystemClock.now(),
        };
        let envelope = marketplace::sign::sign(key, &claim);
        let put = client::sign(shelf.place(), &package.id.package, &fetched.manifest, envelope).await;
        put.map_err(|error| shelf.stop(&error))?;
    }
    Ok(public.id())
}

/// Says who signed a version, and whether its bytes are those that were signed.
pub(super) async fn verify(args: &VerifyArgs, client: &Client, printer: &Printer) -> Result<()> {
    let asked = Asked::parse(&args.name)?;
    let shelf = sources::find(&asked.name, args.from.as_deref(), client).await?;
    let version = Offer::of(&shelf, &asked).await?.choose(&asked, &shelf, printer)?;
    let stop = |error| shelf.stop(&error);
    let fetched = client::fetch(shelf.place(), &asked.name, &version).await.map_err(stop)?;
    // Every byte that the manifest names: what it says of itself, what runs, and what explains it.
    for part in [&fetched.package.config, &fetched.package.component] {
        shelf.place().blob(&asked.name, part).await.map_err(stop)?;
    }
    client::explain(shelf.place(), &fetched).await.map_err(stop)?;
    let verdict = match &args.key {
        Some(text) => by_key(&fetched, text)?,
        None => pull::judge(client, &fetched).await?,
    };
    say(&fetched, &verdict, printer);
    let is_demanded = args.key.is_none() && verdict.signed_by.is_none();
    if is_demanded {
        let trust: Trust = client.get(&client.in_project("/trust"), &[]).await?;
        if trust.keys.is_empty() {
            printer.next(&format!("fn trust add {} --key FILE", asked.name.namespace));
        }
    }
    Ok(())
}

fn by_key(fetched: &Fetched, text: &str) -> Result<Verdict, Stop> {
    let key = key::public(text)?;
    let signed = fetched.signatures.iter().filter_map(|it| Envelope::parse(it).ok());
    let mut signed = signed.filter(|it| it.is_signed_by(&key));
    let package = &fetched.package;
    match signed.any(|it| it.claim().digest == package.digest) {
        true => Ok(Verdict { signed_by: Some(key.id()), ..Verdict::default() }),
        false => Err(Stop::new(Exit::Refused, format!("{} is not signed by key {}", package.id, key.id().short()))),
    }
}

fn say(fetched: &Fetched, verdict: &Verdict, printer: &Printer) {
    let package = &fetched.package;
    let answer = json!({
        "package": package.id.package, "version": package.id.version, "digest": package.digest,
        "component": package.component.digest, "signed_by": verdict.signed_by, "signatures": fetched.signatures.len(),
    });
    printer.answer(&answer, || package.digest.to_string());
    if let Some(warning) = &verdict.warning {
        printer.warn(&format!("{}: {warning}", package.id));
    }
    match &verdict.signed_by {
        Some(key) => printer.done(&format!("{} is whole, and {}", package.id, pull::signed_by(key))),
        None => printer.done(&format!("{} is whole, and nobody this project trusts has signed it", package.id)),
    }
}
