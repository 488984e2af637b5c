// Shapes of JSON: small functions that give a value back, typed, or throw what is wrong with it and where.

function wrong(path, wanted, value) {
  const found = value === null ? 'null' : Array.isArray(value) ? 'a list' : typeof value;
  throw new Error(`${path || 'the value'} should be ${wanted}, and is ${value === undefined ? 'missing' : found}`);
}

export const string = (value, path = '') => (typeof value === 'string' ? value : wrong(path, 'a string', value));

export const boolean = (value, path = '') => (typeof value === 'boolean' ? value : wrong(path, 'true or false', value));

export const number = (value, path = '') => (typeof value === 'number' ? value : wrong(path, 'a number', value));

export const integer = (value, path = '') => (Number.isSafeInteger(value) ? value : wrong(path, 'an integer', value));

/** Anything, as it came. */
export const any = (value) => value;

/** The shape, or absent or null: then the fallback. */
export function optional(shape, fallback = undefined) {
  const checked = (value, path = '') => (value === undefined || value === null ? fallback : shape(value, path));
  return checked;
}

/** A list of the shape. */
export function list(shape) {
  return (value, path = '') =>
    Array.isArray(value) ? value.map((item, index) => shape(item, `${path}[${index}]`)) : wrong(path, 'a list', value);
}

/** An object with these fields. Others are left out. */
export function object(fields) {
  return (value, path = '') => {
    if (value === null || typeof value !== 'object' || Array.isArray(value)) wrong(path, 'an object', value);
    const read = {};
    for (const [name, shape] of Object.entries(fields)) {
      read[name] = shape(Object.hasOwn(value, name) ? value[name] : undefined, path ? `${path}.${name}` : name);
    }
    return read;
  };
}

/** An object whose values are of the shape. */
export function record(shape) {
  return (value, path = '') => {
    if (value === null || typeof value !== 'object' || Array.isArray(value)) wrong(path, 'an object', value);
    return Object.fromEntries(Object.entries(value).map(([name, it]) => [name, shape(it, path ? `${path}.${name}` : name)]));
  };
}

/** One of these values. */
export function oneOf(...values) {
  return (value, path = '') =>
    values.includes(value) ? value : wrong(path, `one of ${values.map((it) => JSON.stringify(it)).join(', ')}`, value);
}
