// The suite's guest in TypeScript: one component with all three ways in.

import { fetch } from '@weft/sdk';

import { BEHAVIOURS, answering, type Behaviour } from './handler.ts';
import serve from './http.ts';
import run from './job.ts';

const fetching: Behaviour = async (event) => {
  const response = await fetch(event.text());
  return { status: response.status, body: await response.text() };
};

export default [answering({ ...BEHAVIOURS, fetch: fetching }), serve, run];
