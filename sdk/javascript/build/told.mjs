// A mistake in the function rather than in the build: told in a sentence, without a stack.

export class Told extends Error {}
