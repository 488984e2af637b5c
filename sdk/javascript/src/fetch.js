// Requests that a function sends, to where `http = ["https://api.example.com"]` under `[grants]` allows.

import { handle } from 'wasi:http/outgoing-handler@0.2.12';
import { Fields, OutgoingRequest, RequestOptions } from 'wasi:http/types@0.2.12';
import { encode, utf8 } from './codec.js';
import { Failure, payloadOf } from './failure.js';
import { incoming, send } from './streams.js';

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH'];

/** A status at which a response has no body. */
const EMPTY = [101, 204, 205, 304];

/**
 * Sends a request and gives the response, whatever its status. Redirects are not followed. A value that is a placeholder
 * such as `{{weft-secret:api-key}}` has the secret put in by the host.
 */
export async function fetch(url, { method = 'GET', headers = {}, body, timeoutMs } = {}) {
  const { protocol, host, pathname, search } = parsed(url);
  const fields = [...new Headers(headers)];
  const content = body === undefined ? undefined : encode(body);
  if (content !== undefined) {
    if (!fields.some(([name]) => name === 'content-type')) fields.push(['content-type', content.contentType]);
    fields.push(['content-length', String(content.bytes.length)]);
  }
  const request = new OutgoingRequest(Fields.fromList(fields.map(([name, value]) => [name, utf8(value)])));
  request.setMethod(METHODS.includes(method) ? { tag: method.toLowerCase() } : { tag: 'other', val: method });
  request.setScheme({ tag: protocol === 'https:' ? 'HTTPS' : 'HTTP' });
  request.setAuthority(host);
  request.setPathWithQuery(pathname + search);
  const outgoing = content && request.body();
  const future = asked(url, () => handle(request, options(timeoutMs)));
  // A server may answer without reading all of a body: what it says counts, not that the rest was not taken.
  if (outgoing) await send(outgoing, content.bytes).catch(() => undefined);
  // Others that were sent beside this one get their turn before it is waited for.
  await Promise.resolve();
  return response(url, future);
}

function parsed(url) {
  let read;
  try {
    read = new URL(url);
  } catch {
    throw Failure.fatal('http-invalid', `\`${url}\` is no URL`);
  }
  if (read.protocol === 'https:' || read.protocol === 'http:') return read;
  throw Failure.fatal('http-invalid', `\`${url}\` begins with neither https:// nor http://`);
}

function options(timeoutMs) {
  if (timeoutMs === undefined) return undefined;
  const nanos = BigInt(Math.ceil(timeoutMs)) * 1_000_000n;
  const set = new RequestOptions();
  set.setConnectTimeout(nanos);
  set.setFirstByteTimeout(nanos);
  set.setBetweenBytesTimeout(nanos);
  return set;
}

function response(url, future) {
  const ready = future.subscribe();
  ready.block();
  ready[Symbol.dispose]();
  const answer = future.get()?.val;
  if (answer === undefined) throw Failure.transient('http-failed', 'no answer came');
  if (answer.tag === 'err') throw explained(url, answer.val);
  const message = answer.val;
  const headers = new Headers();
  const decoder = new TextDecoder();
  for (const [name, value] of message.headers().entries()) headers.append(name, decoder.decode(value));
  const status = message.status();
  return new Response(EMPTY.includes(status) ? null : incoming(message), { status, headers });
}

function asked(url, ask) {
  try {
    return ask();
  } catch (thrown) {
    const code = payloadOf(thrown);
    throw code?.tag === undefined ? thrown : explained(url, code);
  }
}

function explained(url, code) {
  switch (code.tag) {
    case 'HTTP-request-denied':
      return Failure.fatal('http-denied', `${url} was refused: the function's log has the line to add to function.toml`);
    case 'HTTP-request-URI-invalid':
    case 'HTTP-request-method-invalid':
      return Failure.fatal('http-invalid', `that is no request: ${code.tag}`);
    default:
      return Failure.transient('http-failed', `the request to ${url} failed: ${code.tag}`);
  }
}
