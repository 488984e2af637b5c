// The same as a small function, which has no HTTP of its own.

import { Failure } from '@weft/sdk';

import { BEHAVIOURS, answering, fail } from './handler.ts';
import run from './job.ts';

const fetching = () => fail(Failure.fatal('http-denied', 'a small function sends no requests'));

export default [answering({ ...BEHAVIOURS, fetch: fetching }), run];
