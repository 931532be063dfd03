const FRAMES = 80;
const PRODUCT_FILE = /\/(functions\/[\w./-]+\.ts)/g;
/**
 * Files of features and entry points. `callingModule` returns another file only if the stack has no such
 * file.
 */
const ACTOR = /^functions\/(features|entrypoints)\//;

/**
 * Returns the product file that made the current call, as a path relative to the repository. This is the
 * innermost feature or entry point on the stack, async stack frames included, else the innermost product
 * file. Returns undefined if the stack has no product file.
 */
export function callingModule(): string | undefined {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = FRAMES;
  const { stack = '' } = new Error('only its stack is read');
  Error.stackTraceLimit = stackTraceLimit;
  const files = [...stack.matchAll(PRODUCT_FILE)].flatMap(([, file]) => (file === undefined ? [] : [file]));
  return files.find((file) => ACTOR.test(file)) ?? files[0];
}
