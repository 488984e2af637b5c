// Greets over HTTP.

import { http, shape } from '@weft/sdk';

const guest = shape.object({ name: shape.string });

export default http(async (request) => {
  switch (request.method) {
    case 'GET':
      return new Response('POST {"name": …} to be greeted\n');
    case 'POST': {
      const { name } = await request.readJson(guest);
      return Response.json({ greeting: `Hello, ${name}!` });
    }
    default:
      return new Response(null, { status: 405, headers: { allow: 'GET, POST' } });
  }
});
