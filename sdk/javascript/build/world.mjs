// The world of a component: exactly what its code imports and exports, so that it needs no grant for what it never uses.

import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const EXPORTS = {
  handler: 'weft:function/handler@0.1.0',
  http: 'wasi:http/incoming-handler@0.2.12',
  job: 'wasi:cli/run@0.2.12',
};

/** The text of the world. */
export function world(imports, kinds) {
  const lines = [...new Set(imports)].sort().map((it) => `  import ${it};`);
  lines.push(...kinds.map((kind) => `  export ${EXPORTS[kind]};`));
  return `package weft:build;\n\nworld component {\n${lines.join('\n')}\n}\n`;
}

/** The contract's files as dependencies of a world: paths and texts. */
export function contract(wit, small) {
  const files = (folder) => readdirSync(folder).filter((it) => it.endsWith('.wit')).sort();
  const own = files(wit).map((it) => [join('deps/weft-function', it), join(wit, it)]);
  const others = files(join(wit, 'deps')).map((it) => [join('deps', it), join(wit, 'deps', it)]);
  const read = (path, file) => (small ? asynchronous(path, readFileSync(file, 'utf8')) : readFileSync(file, 'utf8'));
  return [...own, ...others].map(([path, file]) => [path, read(path, file)]);
}

/** Writes the world and what it names below `folder`. */
export function write(folder, text, wit, small) {
  for (const [path, content] of [['world.wit', text], ...contract(wit, small)]) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
}

/** QuickJS waits for promises only in functions that are asynchronous to the host, too; what they take and give is the same. */
function asynchronous(path, text) {
  if (path.endsWith('handler.wit')) return text.replace('handle: func(', 'handle: async func(');
  if (path.endsWith('cli.wit')) return text.replace('run: func() ->', 'run: async func() ->');
  return text;
}
