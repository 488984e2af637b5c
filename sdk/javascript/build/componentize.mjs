// jco: a module and a world become a component.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { Told } from './told.mjs';
import { write } from './world.mjs';

/** Makes the component `out`. */
export async function componentize({ jco, out, code, world, wit, small, fetch }) {
  const { componentize: make } = await import(pathToFileURL(join(jco, 'dist/cmd/componentize.js')));
  const folder = mkdtempSync(join(tmpdir(), 'weft-javascript-'));
  try {
    const source = join(folder, 'function.js');
    writeFileSync(source, code);
    mkdirSync(join(folder, 'wit'));
    write(join(folder, 'wit'), world, wit, small);
    // The engine's own server takes one request and no more; its fetch needs the other half of http.
    const disable = fetch ? ['fetch-event'] : ['http', 'fetch-event'];
    const backend = small ? { backend: 'quickjs' } : { backend: 'starlingmonkey', disable };
    await make(source, { wit: join(folder, 'wit'), worldName: 'component', out, ...backend });
  } catch (error) {
    throw new Told(explained(String(error?.message ?? error)));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** jco's words without what only its makers can read. */
function explained(text) {
  const asked = /unknown import(?:ed function)?: [`']([^`'#]+)/.exec(text);
  if (asked) return `it asks the host for ${asked[1]} while its modules are loaded; do that inside the function`;
  const lines = text.split('\n').filter((line) => !/^\s*\d+:\s+0x[0-9a-f]+ - /.test(line));
  return `jco could not make a component of it: ${lines.join('\n').replace(/^[:\s]+/, '')}`;
}
