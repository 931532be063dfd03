import type { Decoded } from './decode-spellings.ts';

/** Characters that may occur between the characters of an encoded text: white space, quotes, backslashes. */
const BETWEEN = /[\s\\"']/;
const BASE64 = /[A-Za-z0-9+/_-]/;
const HEX = /[0-9A-Fa-f]/;
const BETWEEN_HEX = /[\s\\"':,-]/;
const BASE64_OFFSETS = [0, 1, 2, 3] as const;
const HEX_OFFSETS = [0, 1] as const;
const DECIMALS = /(?<![0-9])[0-9]{1,3}(?:[\s,+\\"']+[0-9]{1,3}){3,}(?![0-9])/g;
const MAX_BYTE = 255;

/**
 * Finds the stretches of a text that may be encoded, decodes each stretch, and returns each result as a separate text
 * (a layer). Decodes base64 and base64url at every alignment, because an encoded value may begin anywhere in the
 * stretch. Also decodes hexadecimal digits, with or without separators, and lists of decimal bytes.
 *
 * @param leastBytes minimum number of bytes that a stretch encodes; shorter stretches of base64 or hexadecimal digits
 * are not decoded
 */
export function layersOf(decoded: Decoded, leastBytes: number): Decoded[] {
  return [
    ...base64Layers(decoded, Math.ceil((leastBytes * 8) / 6)),
    ...hexLayers(decoded, leastBytes * 2),
    ...decimalLayers(decoded),
  ];
}

function base64Layers(decoded: Decoded, shortest: number): Decoded[] {
  if (decoded.bytes.length < shortest) return [];
  return runsOf(decoded.bytes, BASE64, BETWEEN, shortest).flatMap((run) => {
    const text = run.map((at) => decoded.bytes[at]).join('');
    return BASE64_OFFSETS.map((offset) => {
      const bytes = Buffer.from(text.slice(offset), 'base64').toString('latin1');
      return layer(decoded, bytes, run, (byte) => [
        offset + Math.floor((byte * 8) / 6),
        offset + Math.floor((byte * 8 + 7) / 6),
      ]);
    });
  });
}

function hexLayers(decoded: Decoded, shortest: number): Decoded[] {
  if (decoded.bytes.length < shortest) return [];
  // The prefix `0x` is replaced by blanks, because its zero would be read as a digit.
  const digits = decoded.bytes.replaceAll(/0x(?=[0-9a-f]{2})/gi, '  ');
  return runsOf(digits, HEX, BETWEEN_HEX, shortest).flatMap((run) => {
    const text = run.map((at) => digits[at]).join('');
    return HEX_OFFSETS.map((offset) => {
      const bytes = Buffer.from(text.slice(offset), 'hex').toString('latin1');
      return layer(decoded, bytes, run, (byte) => [offset + byte * 2, offset + byte * 2 + 1]);
    });
  });
}

function decimalLayers({ bytes, starts, ends }: Decoded): Decoded[] {
  return [...bytes.matchAll(DECIMALS)].map((list) => {
    const numbers = [...list[0].matchAll(/[0-9]+/g)].filter(([number]) => Number(number) <= MAX_BYTE);
    return {
      bytes: numbers.map(([number]) => String.fromCharCode(Number(number))).join(''),
      starts: numbers.map(({ index }) => starts[list.index + index] ?? 0),
      ends: numbers.map(({ index, 0: number }) => ends[list.index + index + number.length - 1] ?? 0),
    };
  });
}

/**
 * Makes a layer from the bytes that one stretch (run) of characters encodes.
 *
 * @param partOf takes the index of a byte, and returns two indices in the run: those of the first and the last
 * character that encode this byte
 */
function layer(
  { starts, ends }: Decoded,
  bytes: string,
  run: readonly number[],
  partOf: (byte: number) => readonly [first: number, last: number],
): Decoded {
  const parts = Array.from(bytes, (_, byte) => partOf(byte));
  return {
    bytes,
    starts: parts.map(([first]) => starts[run[first] ?? 0] ?? 0),
    ends: parts.map(([, last]) => ends[run[Math.min(last, run.length - 1)] ?? 0] ?? 0),
  };
}

/**
 * Finds the stretches that consist only of characters of `alphabet` and of `between`. @returns for each stretch with at
 * least `shortest` characters of `alphabet`, the indices of these characters
 */
function runsOf(text: string, alphabet: RegExp, between: RegExp, shortest: number): number[][] {
  const runs: number[][] = [];
  let run: number[] = [];
  const end = () => {
    if (run.length >= shortest) runs.push(run);
    run = [];
  };
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at] ?? '';
    if (alphabet.test(character)) run.push(at);
    else if (!between.test(character)) end();
  }
  end();
  return runs;
}
