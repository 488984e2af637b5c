// Log lines with fields, kept with the call they belong to.

import { log as write } from 'weft:function/log@0.1.0';

function at(level) {
  return (message, fields = {}) => {
    const texts = Object.entries(fields).map(([name, value]) => [name, typeof value === 'string' ? value : field(value)]);
    write(level, String(message), texts);
  };
}

/** A field as text; what cannot be written is named, because a log line should not be what fails. */
function field(value) {
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return String(value);
  }
}

export const log = {
  trace: at('trace'),
  debug: at('debug'),
  info: at('info'),
  warn: at('warn'),
  error: at('error'),
};
