// Greets by name.

import { Failure, handler, log, output, shape } from '@weft/sdk';

const guest = shape.object({ name: shape.string });

export default handler({ data: guest }, async (event) => {
  const { name } = event.data;
  if (name === '') throw Failure.invalid('no-name', 'nobody is called nothing');
  log.info('somebody was greeted', { name });
  return output('guest.greeted', { greeting: `Hello, ${name}!` });
});
