import { hash } from 'node:crypto';

type Part = string | number;

/**
 * Returns a number in [0, 1) that depends only on `parts`, and not on earlier draws. Therefore the order of
 * requests does not change the numbers that they draw.
 */
export function draw(...parts: readonly Part[]): number {
  return digest(parts).readUIntBE(0, 6) / 2 ** 48;
}

/** Draws a number within a range, including its ends. */
export function drawBetween([low, high]: readonly [number, number], ...parts: readonly Part[]): number {
  return low + (high - low) * draw(...parts);
}

/**
 * Fills a template for ids, such as `i-{hex17}`, with characters that depend only on `parts`. Placeholders:
 * `{hexN}`, `{digitsN}`, `{alnumN}` with N up to 32, and `{uuid}`.
 */
export function drawId(template: string, ...parts: readonly Part[]): string {
  let at = 0;
  return template.replace(
    /\{(?:(hex|digits|alnum)(\d{1,2})|uuid)\}/g,
    (_, kind?: string, length?: string) => {
      const bytes = digest([...parts, 'id', at++]);
      if (kind === undefined) return uuidOf(bytes.toString('hex'));
      const alphabet = ALPHABETS[kind] ?? '0';
      return Array.from(bytes.subarray(0, Number(length)), (byte) =>
        alphabet.charAt(byte % alphabet.length),
      ).join('');
    },
  );
}

const ALPHABETS: Readonly<Record<string, string>> = {
  hex: '0123456789abcdef',
  digits: '123456789',
  alnum: 'abcdefghijklmnopqrstuvwxyz0123456789',
};

function digest(parts: readonly Part[]): Buffer {
  return hash('sha256', parts.join('\n'), 'buffer');
}

function uuidOf(hex: string): string {
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
