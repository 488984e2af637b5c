// Builds a component from a project's module: `node main.mjs --jco FOLDER --wit FOLDER --entry FILE --out FILE`.

import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

import { bundle } from './bundle.mjs';
import { componentize } from './componentize.mjs';
import { Told } from './told.mjs';
import { contract, world } from './world.mjs';

const OPTIONS = {
  // The folder of the package @bytecodealliance/jco.
  jco: { type: 'string' },
  // The folder of the contract, `sdk/wit`.
  wit: { type: 'string' },
  // The module that exports the function.
  entry: { type: 'string' },
  // The component.
  out: { type: 'string' },
  // A folder of components by what they were built from.
  cache: { type: 'string' },
  // QuickJS in place of StarlingMonkey.
  small: { type: 'boolean', default: false },
  // With the web's own fetch, for functions that are granted http.
  fetch: { type: 'boolean', default: false },
};

async function main() {
  const { values } = parseArgs({ options: OPTIONS });
  const { cache, small, fetch } = values;
  const [jco, wit, entry, out] = [values.jco, values.wit, values.entry, values.out].map((it) => resolve(it));
  const { code, imports, kinds } = await bundle({ jco, entry, small });
  const text = world(imports, kinds);
  const { version } = JSON.parse(readFileSync(join(jco, 'package.json'), 'utf8'));
  const key = digest([version, String(small), String(fetch), text, ...contract(wit, small).flat(), code]);
  const kept = cache && join(cache, `${key}.wasm`);
  const note = `${out}.from`;
  if (existsSync(out) && existsSync(note) && readFileSync(note, 'utf8') === key) return;
  mkdirSync(dirname(out), { recursive: true });
  rmSync(note, { force: true });
  if (kept && existsSync(kept)) copyFileSync(kept, out);
  else await componentize({ jco, out, code, world: text, wit, small, fetch });
  if (kept && !existsSync(kept)) keep(out, kept);
  writeFileSync(note, key);
}

/** Appears whole or not at all: others may be looking for it. */
function keep(file, kept) {
  mkdirSync(dirname(kept), { recursive: true });
  const unfinished = `${kept}.${process.pid}`;
  copyFileSync(file, unfinished);
  renameSync(unfinished, kept);
}

function digest(parts) {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(`${Buffer.byteLength(part)}\n${part}`);
  return hash.digest('hex');
}

main().catch((error) => {
  const text = error instanceof Told ? error.message : (error?.stack ?? String(error));
  process.stderr.write(`${text}\n`);
  process.exitCode = 1;
});
