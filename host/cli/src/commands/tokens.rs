//! `fn tokens`: create, list, revoke.

use anyhow::Result;
use host_core::{Name, clock::Clock as _, size::Millis};
use host_wire::{
    Page,
    token::{CreateToken, CreatedToken, Role, Token},
};

use crate::{
    args::{self, Keeper, TokensCommand, TokensCreateArgs, TokensListArgs, TokensRevokeArgs},
    client::Client,
    serve::Local,
    ui::{Exit, Printer, Stop, Table, ago},
};

/// Does what was asked of tokens, on the host or on the data folder.
pub(super) async fn run(command: TokensCommand, project: &str, client: &Client, printer: &Printer) -> Result<()> {
    let keeper = match &command {
        TokensCommand::Create(args) => &args.keeper,
        TokensCommand::List(args) => &args.keeper,
        TokensCommand::Revoke(args) => &args.keeper,
    };
    let Keeper { local: true, data } = keeper else { return with(&command, client, printer).await };
    let local = Local::start(data.as_deref(), project).await?;
    let done = with(&command, local.client(), printer).await;
    local.stop().await;
    done
}

async fn with(command: &TokensCommand, client: &Client, printer: &Printer) -> Result<()> {
    match command {
        TokensCommand::Create(args) => create(args, client, printer).await,
        TokensCommand::List(args) => list(args, client, printer).await,
        TokensCommand::Revoke(args) => revoke(args, client, printer).await,
    }
}

async fn create(args: &TokensCreateArgs, client: &Client, printer: &Printer) -> Result<()> {
    let expires = args.expires.as_deref().map(str::parse::<Millis>).transpose();
    let body = CreateToken {
        name: name(&args.name)?,
        role: role(args.role),
        project: args.project.as_deref().map(name).transpose()?,
        expires_in: expires.map_err(|error| Stop::new(Exit::Usage, format!("--expires: {error}")))?,
    };
    let made: CreatedToken = client.post("/api/v1/tokens", &body).await?;
    printer.answer(&made, || made.text.clone());
    let token = &made.token;
    let until = token.expires_at.map_or_else(String::new, |end| format!(", until {end:.0}"));
    printer.done(&format!("token `{}` is {} of {}{until}", token.name, article(token.role), place(token)));
    printer.say("  it is shown this once: keep it where secrets are kept");
    printer.next("fn login URL, and paste it; or set WEFT_TOKEN");
    Ok(())
}

fn name(text: &str) -> Result<Name, Stop> {
    text.parse().map_err(|error: host_core::name::InvalidName| Stop::new(Exit::Usage, error.to_string()))
}

fn role(role: args::Role) -> Role {
    match role {
        args::Role::Viewer => Role::Viewer,
        args::Role::Developer => Role::Developer,
        args::Role::Operator => Role::Operator,
        args::Role::Admin => Role::Admin,
    }
}

/// `a viewer`, `an admin`.
fn article(role: Role) -> String {
    let role = host_core::identity::Role::from(role);
    let article = if role.as_str().starts_with(['a', 'o']) { "an" } else { "a" };
    format!("{article} {role}")
}

fn place(token: &Token) -> String {
    token.project.as_ref().map_or_else(|| "every project".to_owned(), |it| format!("project `{it}`"))
}

async fn list(args: &TokensListArgs, client: &Client, printer: &Printer) -> Result<()> {
    let mut query = vec![("limit", args.limit.to_string())];
    query.extend(args.after.iter().map(|it| ("after", it.clone())));
    let page: Page<Token> = client.get("/api/v1/tokens", &query).await?;
    printer.answer(&page, || table(&page.items));
    match &page.next {
        Some(next) => printer.next(&format!("fn tokens list --after {next}, for more")),
        None if page.items.is_empty() => printer.next("fn tokens create NAME --role developer --expires 30d"),
        None => {}
    }
    Ok(())
}

fn table(tokens: &[Token]) -> String {
    let now = host_core::clock::SystemClock.now();
    let mut table = Table::new(&["token", "role", "project", "state", "last used", "made by", "id"]);
    for it in tokens {
        let state = match (it.revoked_at, it.expires_at) {
            (Some(_), _) => "revoked".to_owned(),
            (None, Some(end)) if end <= now => "expired".to_owned(),
            (None, Some(end)) => format!("until {end:.0}"),
            (None, None) => "in use".to_owned(),
        };
        table.row([
            it.name.to_string(),
            host_core::identity::Role::from(it.role).to_string(),
            it.project.as_ref().map_or_else(|| "every".to_owned(), Name::to_string),
            state,
            it.last_used_at.map_or_else(|| "-".to_owned(), |at| ago(at, now)),
            it.created_by.clone(),
            it.id.to_string(),
        ]);
    }
    table.text()
}

async fn revoke(args: &TokensRevokeArgs, client: &Client, printer: &Printer) -> Result<()> {
    let token: Token =
        client.read(client.send(client.request(reqwest::Method::DELETE, &path(&args.token)?)).await?).await?;
    printer.answer(&token, || token.id.to_string());
    printer.done(&format!("token `{}` is of no use any more", token.name));
    Ok(())
}

/// A name or an id has nothing in it that means something in a path.
fn path(token: &str) -> Result<String, Stop> {
    let fits = !token.is_empty() && token.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'-');
    if !fits {
        // It may be the token itself, so it is not repeated.
        return Err(Stop::new(Exit::Usage, "that is neither the name nor the id of a token").hint("fn tokens list"));
    }
    Ok(format!("/api/v1/tokens/{token}"))
}
