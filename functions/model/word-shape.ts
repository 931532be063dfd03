/**
 * The parts of a cloud's message that differ each time: addresses of resources, request ids, times and numbers. A token
 * of 12 and more letters and digits that has both is an id.
 */
const VARYING = /\b(?=[a-z]*[0-9])(?=[0-9]*[a-z])[0-9a-z]{12,}\b|[0-9a-f]{8}(-?[0-9a-f]{4,12})*|[0-9]+/gi;

/** Returns a message without the parts that differ each time. Two messages of the same kind have the same shape. */
export function shapeOf(words: string): string {
  return words.replaceAll(VARYING, '#').replaceAll(/\s+/g, ' ').trim();
}
