// Keyed state: what a function remembers between calls, in the buckets that its manifest grants.

import * as atomics from 'wasi:keyvalue/atomics@0.2.0-draft2';
import * as batch from 'wasi:keyvalue/batch@0.2.0-draft2';
import * as store from 'wasi:keyvalue/store@0.2.0-draft2';
import { jsonOf, own, textOf, toJson, utf8 } from './codec.js';
import { Failure, payloadOf } from './failure.js';
import { maybe, wide } from './numbers.js';

/** How often an update is tried again because somebody else was faster. */
const TRIES = 100;

/** The bucket of that name. */
export function open(name) {
  return new Bucket(name, asked(name, () => store.open(name)));
}

class Bucket {
  #name;
  #bucket;

  constructor(name, bucket) {
    this.#name = name;
    this.#bucket = bucket;
  }

  /** The JSON of a key; undefined where it has no value. */
  get(key, shape) {
    return read(key, this.getBytes(key), shape);
  }

  /** The text of a key. */
  getText(key) {
    const bytes = this.getBytes(key);
    return bytes === undefined ? undefined : textOf(bytes);
  }

  /** The bytes of a key. */
  getBytes(key) {
    const bytes = maybe(this.#ask(() => this.#bucket.get(key)));
    return bytes && own(bytes);
  }

  /** Gives a key a value, as JSON. */
  set(key, value) {
    this.setBytes(key, utf8(toJson(value, 'bad-state')));
  }

  /** Gives a key a text, as it is. */
  setText(key, text) {
    this.setBytes(key, utf8(text));
  }

  /** Gives a key bytes. */
  setBytes(key, bytes) {
    this.#ask(() => this.#bucket.set(key, bytes));
  }

  /** Forgets a key. */
  delete(key) {
    this.#ask(() => this.#bucket.delete(key));
  }

  /** Whether a key has a value. */
  exists(key) {
    return this.#ask(() => this.#bucket.exists(key));
  }

  /** Adds to the number of a key, and says the sum. */
  increment(key, by = 1) {
    // One engine cannot hand the host an integer of 64 bits that is below 0.
    if (by < 0) return this.#change(key, (bytes) => [whole(key, bytes) + by, String(whole(key, bytes) + by)]);
    return Number(this.#ask(() => atomics.increment(this.#bucket, key, wide(by))));
  }

  /** Reads, changes and writes the JSON of a key as one, whoever else is at it; says what it is now. */
  update(key, change) {
    return this.#change(key, (bytes) => {
      const value = change(read(key, bytes));
      return [value, toJson(value, 'bad-state')];
    });
  }

  /** Swaps bytes for a text, however often somebody else is faster. */
  #change(key, change) {
    let seen = this.#ask(() => atomics.Cas.new(this.#bucket, key));
    for (let tries = 0; tries < TRIES; tries += 1) {
      const [value, text] = change(maybe(this.#ask(() => seen.current())));
      const newer = this.#swap(seen, utf8(text));
      if (newer === undefined) return value;
      seen = newer;
    }
    throw Failure.transient('state-busy', `\`${key}\` was changed by others ${TRIES} times in a row`);
  }

  /** The JSON of several keys, in their order. */
  getMany(keys) {
    const values = this.#ask(() => batch.getMany(this.#bucket, keys));
    return values.map(([key, bytes]) => read(key, maybe(bytes)));
  }

  /** Gives several keys values, as JSON. */
  setMany(entries) {
    const pairs = Object.entries(entries).map(([key, value]) => [key, utf8(toJson(value, 'bad-state'))]);
    this.#ask(() => batch.setMany(this.#bucket, pairs));
  }

  /** Forgets several keys. */
  deleteMany(keys) {
    this.#ask(() => batch.deleteMany(this.#bucket, keys));
  }

  /** Every key, page by page. */
  *keys() {
    let cursor;
    do {
      const page = this.#ask(() => this.#bucket.listKeys(cursor));
      yield* page.keys;
      cursor = maybe(page.cursor);
    } while (cursor !== undefined);
  }

  #ask(ask) {
    return asked(this.#name, ask);
  }

  /** What is seen now, where somebody else was faster. */
  #swap(seen, bytes) {
    try {
      atomics.swap(seen, bytes);
      return undefined;
    } catch (thrown) {
      const error = payloadOf(thrown);
      if (error?.tag === 'cas-failed') return error.val;
      throw explained(this.#name, error?.tag === 'store-error' ? error.val : error, thrown);
    }
  }
}

function read(key, bytes, shape) {
  if (bytes === undefined) return undefined;
  try {
    return jsonOf(bytes, shape);
  } catch (error) {
    throw Failure.fatal('bad-state', `the value of \`${key}\` cannot be read: ${error.message}`);
  }
}

/** The number a key has; 0, where it has none. */
function whole(key, bytes) {
  const value = read(key, bytes) ?? 0;
  if (Number.isSafeInteger(value)) return value;
  throw Failure.fatal('bad-state', `the value of \`${key}\` is no whole number`);
}

function asked(bucket, ask) {
  try {
    return ask();
  } catch (thrown) {
    throw explained(bucket, payloadOf(thrown), thrown);
  }
}

function explained(bucket, error, thrown) {
  switch (error?.tag) {
    case 'no-such-store':
    case 'access-denied':
      return Failure.fatal('state-not-granted', `bucket \`${bucket}\` is not granted: add it to \`keyvalue\` under [grants]`);
    case 'other':
      return Failure.transient('state-failed', error.val);
    default:
      return thrown;
  }
}
