// Events: the type of the event is the behaviour.

import {
  Failure, config, context, handler, keyvalue, log, model, output, publish, shape,
  type Context, type Event, type Returned,
} from '@weft/sdk';

export type Behaviour = (event: Event, context: Context) => Returned | Promise<Returned>;

const LEVELS = ['trace', 'debug', 'info', 'warn', 'error'] as const;

const typed = shape.object({
  name: shape.string,
  count: shape.integer,
  tags: shape.optional(shape.list(shape.string), []),
  note: shape.optional(shape.string, null),
});

const asked = shape.object({
  name: shape.string,
  input: shape.string,
  shape: shape.list(shape.integer),
  values: shape.optional(shape.list(shape.number)),
  doubles: shape.optional(shape.list(shape.number)),
  integers: shape.optional(shape.list(shape.integer)),
  strings: shape.optional(shape.list(shape.string)),
});

const at = { bucket: shape.string, key: shape.string };

export const BEHAVIOURS: Record<string, Behaviour> = {
  echo: ({ type, bytes, inlet, subject, contentType, key, extensions }) =>
    output(type, bytes, { outlet: inlet, subject, contentType, key, extensions }),
  text: (event) => {
    const text = event.text();
    let characters = 0;
    for (const _ of text) characters += 1;
    return { text, upper: text.toUpperCase(), characters, bytes: event.bytes.length };
  },
  typed: (event) => event.json(typed),
  split: (event) => Array.from({ length: numberOf(event) }, (_, index) => output('part', String(index))),
  none: () => undefined,
  plain: () => 'as it is',
  status: (event) => output(event.type, null, { status: numberOf(event) }),
  invalid: (event) => fail(Failure.invalid('asked', event.text())),
  fatal: (event) => fail(Failure.fatal('asked', event.text())),
  transient: (event) => fail(Failure.transient('asked', 'later', { retryAfterMs: numberOf(event) })),
  error: (event) => fail(new Error(event.text())),
  flaky: (event, { attempt }) =>
    attempt < numberOf(event) ? fail(Failure.transient('flaky', `this is attempt ${attempt}`)) : attempt,
  log: (event) => {
    for (let line = 0; line < numberOf(event); line += 1) {
      log[LEVELS[line % LEVELS.length]](`line ${line}`, { line, id: event.id });
    }
  },
  print: (event) => {
    for (let line = 0; line < numberOf(event); line += 1) {
      console.log(`out ${line}`);
      console.error(`err ${line}`);
    }
  },
  huge: (event) => new Uint8Array(numberOf(event)).fill(0x78),
  context: (event, call) => seen(event, call),
  model: (event) => {
    const { name, input, shape: dims, values, doubles, integers, strings } = event.json(asked);
    const data = values ?? (doubles && new Float64Array(doubles)) ?? (integers && BigInt64Array.from(integers, BigInt)) ?? strings ?? [];
    return predicted(model.infer(name, { [input]: { shape: dims, data } }));
  },
  current: (event) => model.current(event.text()),
  config: (event) => ({ value: config.get(event.text()) ?? null }),
  require: (event) => ({ value: config.require(event.text()) }),
  bump: (event) => {
    const { bucket, key, by } = event.json(shape.object({ ...at, by: shape.integer }));
    return keyvalue.open(bucket).increment(key, by);
  },
  remember: (event) => {
    const { bucket, key, value } = event.json(shape.object({ ...at, value: shape.any }));
    let before: unknown = null;
    const after = keyvalue.open(bucket).update(key, (seen) => {
      before = seen ?? null;
      return value;
    });
    return { before, after };
  },
  forget: (event) => {
    const { bucket, key } = event.json(shape.object(at));
    const state = keyvalue.open(bucket);
    const existed = state.exists(key);
    state.delete(key);
    return { existed };
  },
  publish: (event) => {
    const { to, type, data } = event.json(shape.object({ to: shape.string, type: shape.string, data: shape.any }));
    publish.send(to, output(type, data, { contentType: 'application/json' }));
    return 1;
  },
};

export function answering(behaviours: Record<string, Behaviour>) {
  return handler((event, call) => {
    const behave = Object.hasOwn(behaviours, event.type) ? behaviours[event.type] : undefined;
    return behave ? behave(event, call) : fail(Failure.invalid('unknown-behaviour', `nobody told me how to ${event.type}`));
  });
}

export function predicted({ version, outputs }: model.Prediction) {
  const told = Object.entries(outputs).map(([name, { dtype, shape: dims, data }]) => ({
    name, dtype, shape: dims, values: Array.from(data as Iterable<unknown>, (it) => (typeof it === 'bigint' ? Number(it) : it)),
  }));
  return { version, outputs: told };
}

export function fail(error: Error): never {
  throw error;
}

function numberOf(event: Event): number {
  const text = event.text();
  return /^\d+$/.test(text) ? Number(text) : fail(Failure.invalid('bad-number', `\`${text}\` is no number`));
}

function seen(event: Event, call: Context) {
  const { id, source, type, subject = null, time = null, contentType = null, key, inlet, extensions, origin = null } = event;
  return {
    call_id: call.callId,
    revision: call.revision,
    attempt: call.attempt,
    remaining_ms: call.remainingMs,
    cancelled: call.cancelled,
    traceparent: context.traceparent ?? null,
    trigger: call.trigger,
    origin,
    event: {
      id, source, type, subject, time, content_type: contentType,
      key: key ? new TextDecoder().decode(key) : null, inlet, extensions,
    },
  };
}
