//! State in Redis: a hash of values per bucket, and beside it its keys in order. Both change together.

use std::sync::OnceLock;

use async_trait::async_trait;
use bytes::Bytes;
use host_core::{
    ports::{Bucket, KeyValue, KeyValueError, Keys, keyvalue::not_a_number},
    size::Millis,
};
use redis::{
    Client, IntoConnectionInfo as _, Pipeline, RedisError, Script,
    aio::{ConnectionManager, ConnectionManagerConfig},
    cmd, pipe,
};

/// How often a lost connection is tried again before whoever waits for it is told.
const TRIES: usize = 2;

/// How many values of a bucket Redis looks at to say how large it is.
const SAMPLES: u32 = 100;

/// Sets a value if the present one is the expected one.
const SWAP: &str = "
local now = redis.call('HGET', KEYS[1], ARGV[1])
if ARGV[2] == 'none' then
    if now then return 0 end
elseif now ~= ARGV[3] then
    return 0
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[4])
redis.call('ZADD', KEYS[2], 0, ARGV[1])
return 1
";

/// State in Redis. The connection is made when it is first needed, and again when it was lost.
pub struct RedisState {
    client: Client,
    config: ConnectionManagerConfig,
    connection: OnceLock<ConnectionManager>,
    swap: Script,
}

/// Where a bucket lies. The braces keep both in one place of a cluster.
struct Place {
    values: String,
    index: String,
}

impl Place {
    fn of(bucket: &Bucket) -> Self {
        let Bucket { project, name } = bucket;
        Self { values: format!("weft:{{{project}/{name}}}"), index: format!("weft:{{{project}/{name}}}:keys") }
    }
}

impl RedisState {
    /// The state at `address`, such as `redis://cache:6379/0`; nothing is asked yet.
    ///
    /// # Errors
    /// When it is no address.
    pub fn new(address: &str, password: Option<&str>, patience: Millis) -> Result<Self, KeyValueError> {
        let invalid = |error: &RedisError| KeyValueError::Invalid(format!("the address of Redis is none: {error}"));
        let mut to = address.into_connection_info().map_err(|error| invalid(&error))?;
        if let Some(password) = password {
            let settings = to.redis_settings().clone().set_password(password);
            to = to.set_redis_settings(settings);
        }
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(patience.duration()))
            .set_response_timeout(Some(patience.duration()))
            .set_number_of_retries(TRIES);
        let client = Client::open(to).map_err(|error| invalid(&error))?;
        Ok(Self { client, config, connection: OnceLock::new(), swap: Script::new(SWAP) })
    }

    /// Whether it answers.
    ///
    /// # Errors
    /// When it does not, with the reason.
    pub async fn ping(&self) -> Result<(), KeyValueError> {
        cmd("PING").query_async(&mut self.connection()?).await.map_err(|error| told(&error))
    }

    fn connection(&self) -> Result<ConnectionManager, KeyValueError> {
        if let Some(connection) = self.connection.get() {
            return Ok(connection.clone());
        }
        let new = ConnectionManager::new_lazy_with_config(self.client.clone(), self.config.clone());
        let new = new.map_err(|error| told(&error))?;
        Ok(self.connection.get_or_init(|| new).clone())
    }

    /// All commands of `work`, or none.
    async fn together<T: redis::FromRedisValue>(&self, work: &Pipeline) -> Result<T, KeyValueError> {
        work.query_async(&mut self.connection()?).await.map_err(|error| told(&error))
    }
}

/// What Redis says of a value that it cannot count on, and what the connection says of itself.
fn told(error: &RedisError) -> KeyValueError {
    let text = error.to_string();
    if text.contains("not an integer") {
        not_a_number()
    } else if text.contains("would overflow") {
        KeyValueError::Invalid("the sum has more than 64 bits".into())
    } else {
        KeyValueError::Unavailable(format!("Redis did not do it: {text}; try again in a moment"))
    }
}

#[async_trait]
impl KeyValue for RedisState {
    async fn get(&self, bucket: &Bucket, keys: &[String]) -> Result<Vec<Option<Bytes>>, KeyValueError> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let mut read = cmd("HMGET");
        read.arg(Place::of(bucket).values).arg(keys);
        read.query_async(&mut self.connection()?).await.map_err(|error| told(&error))
    }

    async fn set(&self, bucket: &Bucket, entries: Vec<(String, Bytes)>) -> Result<(), KeyValueError> {
        let place = Place::of(bucket);
        let (mut values, mut index) = (cmd("HSET"), cmd("ZADD"));
        values.arg(place.values);
        index.arg(place.index);
        for (key, value) in &entries {
            values.arg(key).arg(value.as_ref());
            index.arg(0).arg(key);
        }
        let mut work = pipe();
        self.together(work.atomic().add_command(values).ignore().add_command(index).ignore()).await
    }

    async fn delete(&self, bucket: &Bucket, keys: &[String]) -> Result<(), KeyValueError> {
        let place = Place::of(bucket);
        let mut work = pipe();
        work.atomic().cmd("HDEL").arg(place.values).arg(keys).ignore();
        work.cmd("ZREM").arg(place.index).arg(keys).ignore();
        self.together(&work).await
    }

    async fn keys(&self, bucket: &Bucket, after: Option<&str>, most: u32) -> Result<Keys, KeyValueError> {
        let begin = after.map_or_else(|| "-".to_owned(), |key| format!("({key}"));
        let mut read = cmd("ZRANGEBYLEX");
        read.arg(Place::of(bucket).index).arg(begin).arg("+").arg("LIMIT").arg(0).arg(u64::from(most) + 1);
        let mut keys: Vec<String> = read.query_async(&mut self.connection()?).await.map_err(|error| told(&error))?;
        let is_last = keys.len() <= most as usize;
        keys.truncate(most as usize);
        let next = if is_last { None } else { keys.last().cloned() };
        Ok(Keys { keys, next })
    }

    async fn increment(&self, bucket: &Bucket, key: &str, delta: i64) -> Result<i64, KeyValueError> {
        let place = Place::of(bucket);
        let mut work = pipe();
        work.atomic().cmd("HINCRBY").arg(place.values).arg(key).arg(delta);
        work.cmd("ZADD").arg(place.index).arg(0).arg(key).ignore();
        let (sum,): (i64,) = self.together(&work).await?;
        Ok(sum)
    }

    /// As Redis estimates it from a few of the values, what it needs to keep them included.
    async fn size(&self, bucket: &Bucket) -> Result<Option<u64>, KeyValueError> {
        let mut usage = cmd("MEMORY");
        usage.arg("USAGE").arg(Place::of(bucket).values).arg("SAMPLES").arg(SAMPLES);
        let bytes: Option<u64> = usage.query_async(&mut self.connection()?).await.map_err(|error| told(&error))?;
        Ok(Some(bytes.unwrap_or(0)))
    }

    async fn swap(
        &self,
        bucket: &Bucket,
        key: &str,
        expected: Option<&Bytes>,
        value: Bytes,
    ) -> Result<bool, KeyValueError> {
        let place = Place::of(bucket);
        let mut swap = self.swap.key(place.values);
        swap.key(place.index).arg(key).arg(if expected.is_some() { "some" } else { "none" });
        swap.arg(expected.map_or(&[][..], AsRef::as_ref)).arg(value.as_ref());
        swap.invoke_async(&mut self.connection()?).await.map_err(|error| told(&error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_server_that_is_away_is_told_without_the_password() {
        // A port that nothing listens on: the first of those that are never given out.
        let state = RedisState::new("redis://weft@127.0.0.1:1/0", Some("hunter22"), Millis(500)).unwrap();
        let bucket = Bucket { project: "default".parse().unwrap(), name: "default".parse().unwrap() };
        let error = state.increment(&bucket, "n", 1).await.unwrap_err();
        assert!(matches!(&error, KeyValueError::Unavailable(_)), "{error}");
        assert!(!error.to_string().contains("hunter22"), "{error}");
    }
}
