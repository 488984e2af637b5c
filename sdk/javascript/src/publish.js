// Events that are sent at once, beside the outputs: to topics, queues and functions that the manifest names.

import { send as hand } from 'weft:function/publish@0.1.0';
import { Failure, payloadOf } from './failure.js';
import { outputsOf } from './output.js';

/** Sends one output or several, in order, and returns once they are where they should be. */
export function send(to, outputs) {
  const events = outputsOf(outputs, '');
  try {
    hand(to, events);
  } catch (thrown) {
    throw explained(payloadOf(thrown), thrown);
  }
}

function explained(error, thrown) {
  switch (error?.tag) {
    case 'not-granted':
      return Failure.fatal('publish-not-granted', `sending to \`${error.val}\` is not granted: add it to \`publish\` under [grants]`);
    case 'refused':
      return Failure.fatal('publish-refused', error.val);
    case 'unavailable':
      return Failure.transient('publish-unavailable', error.val);
    default:
      return thrown;
  }
}
