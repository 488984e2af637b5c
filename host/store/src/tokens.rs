//! Tokens: made, listed, revoked. The secret leaves here once, and is kept only as a digest.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use host_core::{
    Digest, Name,
    identity::{Role, TOKEN_PREFIX, Token, TokenId},
    page::{Page, PageRequest},
};
use jiff::Timestamp;
use rand::{TryRngCore as _, rngs::OsRng};
use serde_json::json;

use crate::{
    Store, StoreError,
    audit::HostDeed,
    cursor,
    generation::{self, Of},
    sql::{Row, Select, Tx, args},
};

/// A token to make.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// Its name, which is who did what its bearers do. No other token in use may have it.
    pub name: Name,
    /// What its bearers may do.
    pub role: Role,
    /// The one project they may do it in; every project, when absent.
    pub project: Option<Name>,
    /// From when on it is of no use; never, when absent.
    pub expires_at: Option<Timestamp>,
}

/// A token that was just made, with the text that its bearer shows. Nobody can read it again.
pub struct Minted {
    /// What is kept of it.
    pub token: Token,
    /// `weft_<id>_<secret>`.
    pub text: String,
}

impl fmt::Debug for Minted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Minted").field("token", &self.token).finish_non_exhaustive()
    }
}

/// Why a token was not made or revoked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// A token in use has the name.
    #[error("a token named `{0}` is in use already")]
    Taken(Name),
    /// It would be of no use from the start.
    #[error("the token would have expired at {0} already")]
    Expired(Timestamp),
    /// There are as many as the host takes.
    #[error("this host has {0} tokens in use, as many as it takes")]
    TooMany(u32),
    /// The operating system gave no randomness.
    #[error("the system gave no random bytes: {0}")]
    NoRandomness(String),
    /// The database failed, or there is no such token.
    #[error(transparent)]
    Store(#[from] StoreError),
}

macro_rules! select_token {
    ($rest:literal) => {
        concat!(
            "SELECT id, name, role, project, digest, created_by, created_at, expires_at, revoked_by, revoked_at, \
             last_used_at FROM token ",
            $rest
        )
    };
}
pub(crate) use select_token;

impl Store {
    /// Makes a token, at most as the `most`-th in use.
    ///
    /// # Errors
    /// When its name is taken, its time is over, or there are too many.
    pub async fn create_token(&self, new: NewToken, most: u32, who: &str) -> Result<Minted, TokenError> {
        let (id, secret) = random()?;
        let mut tx = self.begin().await?;
        // Growing first holds others back, so that a name is given once.
        generation::grow(&mut tx, Of::Tokens).await?;
        let now = tx.now().await?;
        if let Some(end) = new.expires_at.filter(|end| *end <= now) {
            return Err(TokenError::Expired(end));
        }
        check_room(&mut tx, &new.name, now, most).await?;
        let token = Token {
            id,
            name: new.name,
            role: new.role,
            project: new.project,
            created_by: who.to_owned(),
            created_at: now,
            expires_at: new.expires_at,
            revoked_by: None,
            revoked_at: None,
            last_used_at: None,
        };
        insert(&mut tx, &token, Digest::of(secret.as_bytes())).await?;
        let details = json!({ "id": id, "role": token.role, "project": token.project, "expires_at": token.expires_at });
        let deed = HostDeed { who, action: "token.created", subject: token.name.as_str() };
        deed.record(&mut tx, token.project.as_ref(), now, details).await?;
        tx.commit().await?;
        self.follow_tokens().await;
        Ok(Minted { text: format!("{TOKEN_PREFIX}{id}_{secret}"), token })
    }

    /// Tokens, newest first; with a project only those for it.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn tokens(&self, project: Option<&Name>, page: &PageRequest) -> Result<Page<Token>, StoreError> {
        let select = Select::new(select_token!("WHERE 1 = 1"), vec![]).when("project = ?", project.map(Name::as_str));
        let select = cursor::newest(select, page, "(created_at, id) < (?, ?)")?;
        let (sql, args) = select.end("ORDER BY created_at DESC, id DESC LIMIT ?", vec![cursor::one_more(page)]);
        let rows = self.db().rows(sql, args).await?;
        cursor::page(rows, page, read, |it| cursor::Place::write(it.created_at, it.id))
    }

    /// Revokes a token by its id or its name, within a project where one is given. This host refuses it at once, others
    /// of the same database within a second.
    ///
    /// # Errors
    /// When no token in use has that id or name.
    pub async fn revoke_token(&self, token: &str, within: Option<&Name>, who: &str) -> Result<Token, StoreError> {
        let mut tx = self.begin().await?;
        generation::grow(&mut tx, Of::Tokens).await?;
        let now = tx.now().await?;
        let select = Select::new(select_token!("WHERE revoked_at IS NULL"), vec![])
            .and("(id = ? OR name = ?)", args![token, token])
            .when("project = ?", within.map(Name::as_str));
        let (sql, args) = select.end("ORDER BY created_at DESC, id DESC LIMIT 1", vec![]);
        let row = tx.row(sql, args).await?.ok_or_else(|| StoreError::NotFound(format!("token `{token}`")))?;
        let mut token = read(&row)?;
        let update = "UPDATE token SET revoked_at = $1, revoked_by = $2 WHERE id = $3";
        tx.execute(update, args![now, who, token.id]).await?;
        let deed = HostDeed { who, action: "token.revoked", subject: token.name.as_str() };
        deed.record(&mut tx, token.project.as_ref(), now, json!({ "id": token.id })).await?;
        tx.commit().await?;
        (token.revoked_at, token.revoked_by) = (Some(now), Some(who.to_owned()));
        self.follow_tokens().await;
        Ok(token)
    }

    /// Whether there is a token by which every project can be administered.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn has_admin_token(&self) -> Result<bool, StoreError> {
        let now = self.db().now().await?;
        let sql = "SELECT id FROM token WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $1) \
                   AND role = 'admin' AND project IS NULL LIMIT 1";
        Ok(self.db().row(sql, args![now]).await?.is_some())
    }

    /// The change is durable by now; where it cannot be read at once, it is within a second.
    async fn follow_tokens(&self) {
        if let Err(error) = self.keyring().follow_now().await {
            tracing::warn!(%error, "a change of the tokens is not followed yet");
        }
    }
}

fn random() -> Result<(TokenId, String), TokenError> {
    let (mut id, mut secret) = ([0; 8], [0; 32]);
    let filled = OsRng.try_fill_bytes(&mut id).and_then(|()| OsRng.try_fill_bytes(&mut secret));
    filled.map_err(|error| TokenError::NoRandomness(error.to_string()))?;
    Ok((TokenId::from_raw(id), URL_SAFE_NO_PAD.encode(secret)))
}

async fn check_room(tx: &mut Tx, name: &Name, now: Timestamp, most: u32) -> Result<(), TokenError> {
    let same = "SELECT id FROM token WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $1) AND name = $2 LIMIT 1";
    if tx.row(same, args![now, name]).await?.is_some() {
        return Err(TokenError::Taken(name.clone()));
    }
    let count =
        "SELECT COUNT(*) AS live FROM token WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $1)";
    let live = tx.row(count, args![now]).await?.map_or(Ok(0), |row| row.get::<u64>("live"))?;
    if live >= u64::from(most) { Err(TokenError::TooMany(most)) } else { Ok(()) }
}

async fn insert(tx: &mut Tx, token: &Token, digest: Digest) -> Result<(), StoreError> {
    let insert = "INSERT INTO token (id, name, role, project, digest, created_by, created_at, expires_at) \
                  VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let project = token.project.as_ref().map(Name::as_str);
    let (role, by) = (token.role.as_str(), token.created_by.as_str());
    let args = args![token.id, &token.name, role, project, digest, by, token.created_at, token.expires_at];
    tx.execute(insert, args).await.map(drop)
}

pub(crate) fn read(row: &Row) -> Result<Token, StoreError> {
    Ok(Token {
        id: row.get("id")?,
        name: row.get("name")?,
        role: row.word("role")?,
        project: row.get("project")?,
        created_by: row.get("created_by")?,
        created_at: row.get("created_at")?,
        expires_at: row.get("expires_at")?,
        revoked_by: row.get("revoked_by")?,
        revoked_at: row.get("revoked_at")?,
        last_used_at: row.get("last_used_at")?,
    })
}
