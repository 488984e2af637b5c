// HTTP: requests and responses of the web, over wasi:http.

import { Fields, OutgoingResponse, ResponseOutparam } from 'wasi:http/types@0.2.12';
import { encode, jsonOf, toJson, utf8 } from '../codec.js';
import { failureOf } from '../failure.js';
import { incoming, send } from '../streams.js';
import { Entry, withOptions } from './entry.js';

const STATUS = { invalid: 422, transient: 503, fatal: 500 };

/** A server: `http(async (request) => new Response('hello'))`. */
export function http(options, work) {
  const [, then] = withOptions(options, work);
  return new Entry('http', {
    async handle(request, out) {
      let response;
      try {
        response = message(await then(read(request)));
      } catch (thrown) {
        response = problem(failureOf(thrown));
      }
      try {
        await answer(response, out);
      } catch (error) {
        console.error(`the response was not sent: ${error?.message ?? JSON.stringify(error)}`);
      }
    },
  });
}

function read(raw) {
  const headers = new Headers();
  const decoder = new TextDecoder();
  for (const [name, value] of raw.headers().entries()) headers.append(name, decoder.decode(value));
  const { tag, val } = raw.method();
  const method = tag === 'other' ? val : tag.toUpperCase();
  const url = `http://${raw.authority() ?? 'localhost'}${raw.pathWithQuery() ?? '/'}`;
  const hasBody = method !== 'GET' && method !== 'HEAD';
  const request = new Request(url, { method, ...(hasBody && { body: incoming(raw), duplex: 'half' }) });
  // A request that somebody else made has headers that one's own may not have.
  Object.defineProperty(request, 'headers', { value: headers });
  const readJson = async (shape) => jsonOf(new Uint8Array(await request.arrayBuffer()), shape);
  return Object.defineProperty(request, 'readJson', { value: readJson });
}

/** Status, header fields and body of whatever was returned. */
function message(response) {
  if (response instanceof Response) {
    const fields = [...response.headers].map(([name, value]) => [name, utf8(value)]);
    return { status: response.status, fields, body: response.body };
  }
  if (response === undefined || response === null) return { status: 204, fields: [], body: undefined };
  const { status = 200, headers = [], body } = response;
  const pairs = Array.isArray(headers) ? headers : [...Object.entries(headers)];
  const fields = pairs.map(([name, value]) => [name.toLowerCase(), utf8(String(value))]);
  if (body instanceof ReadableStream) return { status, fields, body };
  const { bytes, contentType } = encode(body);
  const isTyped = contentType === undefined || fields.some(([name]) => name === 'content-type');
  return { status, fields: isTyped ? fields : [...fields, ['content-type', utf8(contentType)]], body: bytes };
}

/** A failure answers as the host answers for handlers. */
function problem({ kind, code, message: title, retryAfterMs }) {
  const status = STATUS[kind];
  const fields = [['content-type', utf8('application/problem+json')]];
  if (retryAfterMs !== undefined) fields.push(['retry-after', utf8(String(Math.ceil(retryAfterMs / 1000)))]);
  return { status, fields, body: utf8(toJson({ status, title, code })) };
}

async function answer({ status, fields, body }, out) {
  const response = new OutgoingResponse(Fields.fromList(fields));
  response.setStatusCode(status);
  const outgoing = response.body();
  ResponseOutparam.set(out, { tag: 'ok', val: response });
  await send(outgoing, body);
}
