//! The tokens in use, from memory: a snapshot that follows the store's generation. Being asked costs no query.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;
use async_trait::async_trait;
use host_core::{
    Digest,
    identity::{Bearer, Principal, Token, TokenId},
    ports::{TokenRefusal, Tokens},
};
use subtle::ConstantTimeEq as _;
use tokio::{sync::Mutex, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use crate::{
    StoreError,
    generation::{self, Of},
    sql::{Db, args},
    tokens::{read, select_token},
};

/// How often other hosts' changes are looked for.
const EVERY: Duration = Duration::from_secs(1);

/// How often an unknown token may make the host look for it, however many are shown.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// How often it is written down when tokens were last used, counted in looks: once a minute.
const LOOKS_PER_NOTE: u32 = 60;

/// A token in use.
struct Known {
    token: Token,
    digest: Digest,
    /// When it was last used, in microseconds; 0 for not since it was read.
    used: AtomicI64,
}

struct Snapshot {
    generation: u64,
    tokens: HashMap<TokenId, Arc<Known>>,
}

/// The tokens in use.
pub struct Keyring {
    db: Db,
    snapshot: ArcSwap<Snapshot>,
    /// One reader at a time, so that an old answer never replaces a newer one; and when it last looked.
    reading: Mutex<Instant>,
}

impl Keyring {
    /// Reads the tokens, and follows them until told to stop.
    pub(crate) async fn start(db: Db, stop: CancellationToken) -> Result<(Arc<Self>, JoinHandle<()>), StoreError> {
        let snapshot = ArcSwap::from_pointee(load(&db, &HashMap::new()).await?);
        let keyring = Arc::new(Self { db, snapshot, reading: Mutex::new(Instant::now()) });
        let task = tokio::spawn(follow(Arc::clone(&keyring), stop));
        Ok((keyring, task))
    }

    /// Reads the tokens again if their generation moved.
    pub(crate) async fn follow_now(&self) -> Result<(), StoreError> {
        let mut looked = self.reading.lock().await;
        *looked = Instant::now();
        self.look().await
    }

    /// Another host may have made the token a moment ago. Whoever shows nonsense must not make the database work, so it
    /// is asked a few times a second at most.
    async fn look_again(&self) {
        let mut looked = self.reading.lock().await;
        if looked.elapsed() < LOOK_AGAIN {
            return;
        }
        *looked = Instant::now();
        if let Err(error) = self.look().await {
            tracing::warn!(%error, "could not look for a token");
        }
    }

    async fn look(&self) -> Result<(), StoreError> {
        let seen = self.snapshot.load_full();
        if generation::now(&self.db, Of::Tokens).await? != seen.generation {
            self.snapshot.store(Arc::new(load(&self.db, &seen.tokens).await?));
        }
        Ok(())
    }

    /// Writes down when tokens were last used.
    async fn note_uses(&self) -> Result<(), StoreError> {
        let snapshot = self.snapshot.load_full();
        let used = |known: &Arc<Known>| (known.token.id, known.used.load(Ordering::Relaxed));
        let uses: Vec<_> = snapshot.tokens.values().map(used).filter(|(_, at)| *at != 0).collect();
        if uses.is_empty() {
            return Ok(());
        }
        let mut tx = self.db.begin().await?;
        let update = "UPDATE token SET last_used_at = $1 WHERE id = $2 AND (last_used_at IS NULL OR last_used_at < $1)";
        for (id, at) in &uses {
            tx.execute(update, args![*at, *id]).await?;
        }
        tx.commit().await?;
        for (id, at) in uses {
            if let Some(known) = snapshot.tokens.get(&id) {
                // Used again meanwhile, it is written next time.
                let _ = known.used.compare_exchange(at, 0, Ordering::Relaxed, Ordering::Relaxed);
            }
        }
        Ok(())
    }

    fn find(&self, bearer: &Bearer<'_>) -> Option<Arc<Known>> {
        let known = self.snapshot.load().tokens.get(&bearer.id).map(Arc::clone)?;
        let is_same: bool = known.digest.as_raw().ct_eq(bearer.digest().as_raw()).into();
        is_same.then_some(known)
    }
}

#[async_trait]
impl Tokens for Keyring {
    async fn verify(&self, text: &str) -> Result<Principal, TokenRefusal> {
        let bearer = Bearer::parse(text).ok_or(TokenRefusal::Unknown)?;
        let mut known = self.find(&bearer);
        if known.is_none() {
            self.look_again().await;
            known = self.find(&bearer);
        }
        let known = known.ok_or(TokenRefusal::Unknown)?;
        let now = self.db.clock.now();
        match known.token.expires_at {
            Some(end) if known.token.has_expired(now) => Err(TokenRefusal::Expired(end)),
            _ => {
                known.used.store(now.as_microsecond(), Ordering::Relaxed);
                Ok(known.token.principal())
            }
        }
    }
}

/// The generation is read first: a change in between is seen twice rather than never.
async fn load(db: &Db, before: &HashMap<TokenId, Arc<Known>>) -> Result<Snapshot, StoreError> {
    let generation = generation::now(db, Of::Tokens).await?;
    let rows = db.rows(select_token!("WHERE revoked_at IS NULL"), vec![]).await?;
    let mut tokens = HashMap::with_capacity(rows.len());
    for row in &rows {
        let (token, digest) = (read(row)?, row.get("digest")?);
        let used = before.get(&token.id).map_or(0, |it| it.used.load(Ordering::Relaxed));
        tokens.insert(token.id, Arc::new(Known { token, digest, used: AtomicI64::new(used) }));
    }
    Ok(Snapshot { generation, tokens })
}

async fn follow(keyring: Arc<Keyring>, stop: CancellationToken) {
    let (mut is_away, mut looks) = (false, 0);
    while stop.run_until_cancelled(tokio::time::sleep(EVERY)).await.is_some() {
        match keyring.follow_now().await {
            Ok(()) => is_away = false,
            Err(error) if !is_away => {
                is_away = true;
                tracing::error!(%error, "tokens cannot be followed; those last known go on being taken");
            }
            Err(_) => {}
        }
        looks += 1;
        if looks % LOOKS_PER_NOTE == 0 {
            note(&keyring).await;
        }
    }
    note(&keyring).await;
}

async fn note(keyring: &Keyring) {
    if let Err(error) = keyring.note_uses().await {
        tracing::warn!(%error, "could not write down when tokens were last used");
    }
}
