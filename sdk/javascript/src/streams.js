// Bodies of HTTP between the streams of WASI and those of the web.

import { IncomingBody, OutgoingBody } from 'wasi:http/types@0.2.12';
import { own } from './codec.js';

/** What is read in one go. */
const PIECE = 64 << 10;

/** The body of a message that came, as a stream. */
export function incoming(message) {
  const body = message.consume();
  const stream = body.stream();
  const end = () => {
    stream[Symbol.dispose]();
    IncomingBody.finish(body);
  };
  return new ReadableStream({
    type: 'bytes',
    pull(controller) {
      const piece = next(stream);
      if (piece !== undefined) return controller.enqueue(piece);
      end();
      controller.close();
    },
    cancel: end,
  });
}

/** The next piece; undefined at the end. */
function next(stream) {
  try {
    for (;;) {
      const piece = stream.blockingRead(BigInt(PIECE));
      if (piece.length > 0) return own(piece);
    }
  } catch (thrown) {
    if (thrown?.payload?.tag === 'closed') return undefined;
    throw new Error('the body broke off before its end');
  }
}

/** Writes the whole of a body, of whatever kind the web has, and ends it. */
export async function send(outgoing, body) {
  const stream = outgoing.write();
  try {
    if (body instanceof Uint8Array) write(stream, body);
    else if (body !== undefined && body !== null) for await (const piece of piecesOf(body)) write(stream, piece);
    stream.blockingFlush();
  } finally {
    // A stream has to end before its body does.
    stream[Symbol.dispose]();
  }
  OutgoingBody.finish(outgoing, undefined);
}

async function* piecesOf(stream) {
  const reader = stream.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    yield value;
  }
}

function write(stream, bytes) {
  for (let at = 0; at < bytes.length; ) {
    const room = Number(stream.checkWrite());
    if (room === 0) {
      const ready = stream.subscribe();
      ready.block();
      ready[Symbol.dispose]();
      continue;
    }
    const piece = bytes.subarray(at, at + room);
    stream.write(piece);
    at += piece.length;
  }
}
