// 64-bit integers: bigints on one engine, plain numbers on the other.

/* global WEFT_SMALL */

/** An integer as the engine wants those of 64 bits. */
export function wide(value) {
  return WEFT_SMALL ? Number(value) : BigInt(value);
}

/** Empty options are null on one engine and undefined on the other; here they are undefined. */
export function maybe(value) {
  return value === null ? undefined : value;
}
