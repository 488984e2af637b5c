// Jobs: programs with params, inputs and outputs, whose run is on record.

import * as host from 'weft:function/run@0.1.0';
import { jsonOf, utf8 } from '../codec.js';
import { failureOf, toWit } from '../failure.js';
import { Run } from '../run.js';
import { Entry, withOptions } from './entry.js';

/** A job: `job(async (params, run) => { … })`. `{ params }` is their shape. */
export function job(options, work) {
  const [{ params }, then] = withOptions(options, work);
  return new Entry('job', {
    async run() {
      try {
        await then(jsonOf(utf8(host.paramsJson() || '{}'), params, 'bad-params'), new Run());
      } catch (thrown) {
        host.fail(toWit(failureOf(thrown)));
        // An exit without a word: the host was told already, and what is thrown here has to be nothing.
        throw undefined;
      }
    },
  });
}
