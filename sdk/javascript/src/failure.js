// Why there is no answer, and what the host should do about it.

export class Failure extends Error {
  constructor(kind, code, message, { retryAfterMs, cause } = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'Failure';
    this.kind = kind;
    this.code = code;
    this.retryAfterMs = retryAfterMs;
  }

  /** The event or the params are at fault: never retried, 422 over HTTP. */
  static invalid(code, message, options) {
    return new Failure('invalid', code, message, options);
  }

  /** The world is at fault: tried again, 503 over HTTP. */
  static transient(code, message, options) {
    return new Failure('transient', code, message, options);
  }

  /** The function is at fault: not retried, 500 over HTTP. */
  static fatal(code, message, options) {
    return new Failure('fatal', code, message, options);
  }
}

/** Whatever was thrown, as a failure. What nobody thought of is fatal, and its stack goes to standard error. */
export function failureOf(thrown) {
  if (thrown instanceof Failure) return thrown;
  if (thrown instanceof Error) {
    console.error(thrown.stack ? `${thrown}\n${thrown.stack}` : String(thrown));
    const named = thrown.name === 'Error' ? thrown.message : `${thrown.name}: ${thrown.message}`;
    return Failure.fatal('error', named, { cause: thrown });
  }
  return Failure.fatal('error', typeof thrown === 'string' ? thrown : JSON.stringify(thrown) ?? String(thrown));
}

/** A failure as the contract has it. */
export function toWit({ kind, code, message, retryAfterMs }) {
  const wait = retryAfterMs === undefined ? undefined : Math.min(Math.max(0, Math.ceil(retryAfterMs)), 0xffffffff);
  return { kind, code, message, retryAfterMs: wait };
}

/** What an import threw: one engine wraps it, the other does not. */
export function payloadOf(thrown) {
  if (thrown !== null && typeof thrown === 'object' && 'payload' in thrown) return thrown.payload;
  return thrown;
}
