// Configuration and secrets, as far as the manifest grants them.

import * as host from 'wasi:config/store@0.2.0-rc.1';
import { Failure, payloadOf } from './failure.js';
import { maybe } from './numbers.js';

/** The value of that name; undefined where none is granted. */
export function get(name) {
  return maybe(asked(() => host.get(name)));
}

/** The value of that name. */
export function require(name) {
  const value = get(name);
  if (value !== undefined) return value;
  const hint = 'add it to `secret` or `config` under [grants]';
  throw Failure.fatal('config-not-granted', `\`${name}\` is not granted: ${hint}`);
}

/** Every name and value that is granted. */
export function all() {
  return Object.fromEntries(asked(() => host.getAll()));
}

function asked(ask) {
  try {
    return ask();
  } catch (thrown) {
    const error = payloadOf(thrown);
    if (error?.tag === undefined) throw thrown;
    throw Failure.fatal('config-unavailable', String(error.val));
  }
}
