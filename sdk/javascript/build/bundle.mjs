// A function's modules as one, and what it imports of the host and exports to it.

import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

import { Told } from './told.mjs';

const SDK = join(dirname(fileURLToPath(import.meta.url)), '..');
const NAME = '@weft/sdk';

/** What the host gives, by interface. */
const HOST = /^(weft|wasi):/;

/** Where the package has each way in, and what a component exports for it. */
const KINDS = { handler: 'handler', http: 'incomingHandler', job: 'run' };

/** And the function in it. */
const FUNCTIONS = { handler: 'handle', http: 'handle', job: 'run' };

/** The module around the function's. */
const WRAPPER = '\0weft:component';

/** Bundles the module `entry` of a function and what it imports. */
export async function bundle({ jco, entry, small }) {
  const tools = await load(jco);
  const first = await rolled(tools, entry, entry, small);
  const kinds = kindsOf(first, entry, small);
  const wrapper = wrap(entry, kinds, first.exports, small);
  const whole = await rolled(tools, WRAPPER, entry, small, wrapper);
  const imports = whole.imports.filter((it) => HOST.test(it));
  if (small && imports.some((it) => it.startsWith('wasi:http/'))) {
    throw new Told(`${entry}: \`profile = "small"\` cannot send requests of its own; leave the profile out`);
  }
  return { code: unmarked(whole, entry), imports, kinds };
}

/** The code without the lines that say where each module lay: built elsewhere, the same is the same. */
function unmarked({ code, modules }, entry) {
  const paths = Object.keys(modules).map((id) => relative(dirname(entry), id));
  const marks = new Set(paths.flatMap((path) => [`// ${path}`, `//#region ${path}`]));
  return code.split('\n').filter((line) => !marks.has(line)).join('\n');
}

async function load(jco) {
  const require = createRequire(join(jco, 'package.json'));
  const { rolldown } = await import(pathToFileURL(require.resolve('rolldown')));
  const { engineCompatPlugin } = await import(pathToFileURL(join(jco, 'dist/engine-compat.js')));
  return { rolldown, engineCompatPlugin };
}

async function rolled({ rolldown, engineCompatPlugin }, input, entry, small, wrapper) {
  let build;
  try {
    build = await rolldown({
      input,
      cwd: dirname(entry),
      platform: 'neutral',
      logLevel: 'silent',
      tsconfig: false,
      resolve: { mainFields: ['module', 'main'], conditionNames: ['import', 'default'] },
      transform: { define: { WEFT_SMALL: String(small) } },
      // What only the host does has no effect by being imported.
      treeshake: { moduleSideEffects: (id, isExternal) => !isExternal && !isOfSdk(id) },
      plugins: [resolver(wrapper), engineCompatPlugin()],
    });
    const { output } = await build.generate({ format: 'esm', codeSplitting: false });
    return output[0];
  } catch (error) {
    throw new Told(plain(error, entry));
  } finally {
    await build?.close();
  }
}

/** Finds this package, the host's interfaces and the wrapper; whatever else cannot be found is a mistake. */
function resolver(wrapper) {
  return {
    name: 'weft',
    async resolveId(id, importer) {
      if (id === WRAPPER) return id;
      if (HOST.test(id)) return { id, external: true };
      if (id === NAME) return join(SDK, 'src/index.js');
      if (id === `${NAME}/polyfill`) return join(SDK, 'src/polyfill.js');
      if (id.startsWith('node:')) throw new Told(`${importer}: there is no ${id} in a component`);
      const found = await this.resolve(id, importer, { skipSelf: true });
      if (!found || found.external) throw new Told(`${importer}: cannot find \`${id}\`; is it installed?`);
      return found;
    },
    load: (id) => (id === WRAPPER ? wrapper : undefined),
  };
}

function isOfSdk(id) {
  return !relative(join(SDK, 'src'), id).startsWith('..') && !id.endsWith('polyfill.js');
}

/** The ways in: those of this package that the function uses, and those it exports by itself. */
function kindsOf(chunk, entry, small) {
  const used = (kind) => {
    const file = join(SDK, 'src/entry', `${kind}.js`);
    return Object.keys(chunk.modules).includes(file) && chunk.exports.includes('default');
  };
  const kinds = Object.keys(KINDS).filter((kind) => used(kind) || chunk.exports.includes(KINDS[kind]));
  if (kinds.length === 0) {
    throw new Told(`${entry}: it exports no function; begin with \`export default handler(…)\`, \`http(…)\` or \`job(…)\` of ${NAME}`);
  }
  if (small && kinds.includes('http')) {
    throw new Told(`${entry}: \`profile = "small"\` cannot serve HTTP by itself; leave the profile out, or write a handler`);
  }
  return kinds;
}

function wrap(entry, kinds, exports, small) {
  const lines = small ? [`import '${NAME}/polyfill';`] : [];
  lines.push(`import * as written from ${JSON.stringify(entry)};`, 'const entries = [written.default].flat();');
  for (const kind of kinds) {
    const name = KINDS[kind];
    const found = exports.includes(name) ? `written.${name}` : `entries.find((it) => it?.kind === '${kind}')?.functions`;
    const called = FUNCTIONS[kind];
    // QuickJS takes nothing but a promise from a function that may wait.
    const given = small ? `{ ${called}: async (...values) => (${found}).${called}(...values) }` : found;
    lines.push(`export const ${name} = ${given};`);
  }
  return lines.join('\n');
}

/** The bundler's words, without its own stack. */
function plain(error, entry) {
  const causes = error?.errors?.length ? error.errors : [error];
  return causes.map((it) => (it instanceof Told ? it.message : (it?.message ?? String(it)))).join('\n') || `${entry}: it cannot be bundled`;
}
