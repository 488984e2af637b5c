// Events: between the contract's batches and the handlers people write.

import { context } from '../context.js';
import { Event } from '../event.js';
import { failureOf, toWit } from '../failure.js';
import { log } from '../log.js';
import { outputsOf } from '../output.js';
import { Entry, withOptions } from './entry.js';

/** A handler of events: `handler(async (event, context) => output)`. `{ data }` is the shape of payloads. */
export function handler(options, work) {
  const [{ data }, then] = withOptions(options, work);
  const answer = (raw, index) => {
    try {
      const event = new Event(raw, index, data);
      // Read at once, so that what does not fit never reaches the function.
      if (data !== undefined) void event.data;
      const returned = then(event, context);
      return isPromise(returned) ? settled(returned, raw.type) : { tag: 'ok', val: outputsOf(returned, raw.type) };
    } catch (thrown) {
      return failed(thrown);
    }
  };
  return new Entry('handler', {
    handle(events) {
      const answers = [];
      for (let index = 0; index < events.length; index += 1) {
        const one = answer(events[index], index);
        // A function that never waits is answered without the engine's loop, which takes as long as many a function.
        if (isPromise(one)) return others(answers, one, events, answer);
        answers.push(one);
      }
      return answers;
    },
  });
}

/** The rest of a batch whose next answer is waited for: one after the other. */
async function others(answers, pending, events, answer) {
  answers.push(await pending);
  for (let index = answers.length; index < events.length; index += 1) answers.push(await answer(events[index], index));
  return answers;
}

async function settled(returned, type) {
  try {
    return { tag: 'ok', val: outputsOf(await returned, type) };
  } catch (thrown) {
    return failed(thrown);
  }
}

function isPromise(value) {
  return typeof value?.then === 'function';
}

/** A handler of whole batches: it gives a list with an answer to each event, in their order; a failure is one of them. */
export function batch(options, work) {
  const [{ data }, then] = withOptions(options, work);
  return new Entry('handler', {
    async handle(raw) {
      const slots = raw.map((it, index) => read(it, index, data));
      const events = slots.filter((it) => it.event).map((it) => it.event);
      let answers;
      try {
        answers = await then(events, context);
      } catch (thrown) {
        return raw.map(() => failed(thrown));
      }
      if (answers?.length !== events.length) {
        log.error(`the handler gave ${answers?.length ?? 'no list of'} answers to ${events.length} events`);
        // Which answer is whose is unknown: no answers at all is a wrong number too, and that is what the host checks.
        return [];
      }
      let next = 0;
      return slots.map((slot, index) => slot.failed ?? answered(answers[next++], raw[index].type));
    },
  });
}

function read(raw, index, shape) {
  const event = new Event(raw, index, shape);
  try {
    if (shape !== undefined) void event.data;
    return { event };
  } catch (thrown) {
    return { failed: failed(thrown) };
  }
}

function answered(returned, type) {
  if (returned instanceof Error) return failed(returned);
  try {
    return { tag: 'ok', val: outputsOf(returned, type) };
  } catch (thrown) {
    return failed(thrown);
  }
}

function failed(thrown) {
  return { tag: 'err', val: toWit(failureOf(thrown)) };
}
