// A way into a component, as the build wraps it: what kind it is, and the functions the contract asks for.

export class Entry {
  constructor(kind, functions) {
    this.kind = kind;
    this.functions = functions;
  }
}

/** Options are optional, and come first. */
export function withOptions(options, work) {
  const [given, then] = typeof options === 'function' ? [{}, options] : [options, work];
  if (typeof then !== 'function') throw new TypeError('the last argument has to be a function');
  return [given, then];
}
