const FRAMES = 80;
const PRODUCT_FILE = /\/(functions\/[\w./-]+\.ts)/g;
/** Layers below the features make their calls for others, so they are named only if nothing else is on the stack. */
const ACTOR = /^functions\/(features|entrypoints)\//;

/**
 * Returns the file of the product that makes the present call, relative to the repository: the innermost feature or
 * entry point on the stack, awaiting callers included. Undefined if the stack shows no file of the product.
 */
export function callingModule(): string | undefined {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = FRAMES;
  const { stack = '' } = new Error('only its stack is read');
  Error.stackTraceLimit = stackTraceLimit;
  const files = [...stack.matchAll(PRODUCT_FILE)].flatMap(([, file]) => (file === undefined ? [] : [file]));
  return files.find((file) => ACTOR.test(file)) ?? files[0];
}
