// HTTP: the path is the behaviour.

import { Failure, http, shape } from '@weft/sdk';

import { fail } from './handler.ts';

const guest = shape.object({ name: shape.string });

export default http(async (request) => {
  const url = new URL(request.url);
  const [, first, second] = url.pathname.split('/');
  switch (first) {
    case 'hello':
      return new Response('Hello, World!', { headers: { 'content-type': 'text/plain; charset=utf-8' } });
    case 'echo':
      return new Response(request.body, { headers: { 'content-type': request.headers.get('content-type') ?? '' } });
    case 'json': {
      const { name } = await request.readJson(guest);
      return Response.json({ greeting: `Hello, ${name}!` });
    }
    case 'describe':
      return Response.json({
        method: request.method,
        path: url.pathname,
        query: url.search === '' ? null : url.search.slice(1),
        header: request.headers.get('x-suite'),
        bytes: (await request.arrayBuffer()).byteLength,
      });
    case 'status':
      return new Response(null, { status: Number(second) });
    case 'headers':
      return { status: 200, headers: [['x-one', '1'], ['x-two', 'a'], ['x-two', 'b']] };
    case 'large':
      return new Response(new Uint8Array(Number(second)).fill(0x78), { headers: { 'content-type': 'application/octet-stream' } });
    case 'invalid':
      return fail(Failure.invalid('asked', 'no'));
    case 'transient':
      return fail(Failure.transient('asked', 'no', { retryAfterMs: 1500 }));
    case 'fatal':
      return fail(Failure.fatal('asked', 'no'));
    case 'error':
      return fail(new Error('nobody thought of this'));
    default:
      return new Response(null, { status: 404 });
  }
});
