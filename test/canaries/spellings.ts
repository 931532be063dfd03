/** A way in which an endpoint, a proxy or a library may write a secret that it repeats. */
export interface Spelling {
  name: string;
  spell(text: string): string;
}

const json = (text: string) => JSON.stringify(text).slice(1, -1);
const url = encodeURIComponent;
const base64 = (text: string) => Buffer.from(text).toString('base64');
const hex = (text: string) => Buffer.from(text).toString('hex');
/** Returns a function that writes the characters of a text by these rules in turn. */
const perCharacter = (rules: readonly ((character: string) => string)[]) => (text: string) =>
  [...text].map((character, at) => rules[at % rules.length]?.(character) ?? character).join('');

const plain = (character: string) => character;
const percent = (character: string) =>
  [...Buffer.from(character)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
const unicode = (character: string) =>
  character
    .split('')
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .join('');
const entity = (character: string) => `&#${character.codePointAt(0)};`;
const hexEntity = (character: string) => `&#x${character.codePointAt(0)?.toString(16)};`;

const html = (text: string) =>
  text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');

/** Used by `test/unit/drivers/contract/redaction.test.ts` and by the tests of this folder. */
export const SPELLINGS: readonly Spelling[] = [
  { name: 'raw', spell: plain },
  { name: 'capitals', spell: (text) => text.toUpperCase() },
  { name: 'json', spell: json },
  { name: 'json-twice', spell: (text) => json(json(text)) },
  { name: 'json-every-character', spell: perCharacter([unicode]) },
  { name: 'url', spell: url },
  { name: 'url-small-hex', spell: (text) => url(text).replaceAll(/%../g, (hexed) => hexed.toLowerCase()) },
  { name: 'url-form', spell: (text) => new URLSearchParams([['v', text]]).toString().slice(2) },
  { name: 'url-twice', spell: (text) => url(url(text)) },
  { name: 'url-three-times', spell: (text) => url(url(url(text))) },
  { name: 'url-every-character', spell: perCharacter([percent]) },
  { name: 'json-in-url', spell: (text) => url(json(text)) },
  { name: 'url-in-json', spell: (text) => json(url(text)) },
  { name: 'html', spell: html },
  { name: 'html-twice', spell: (text) => html(html(text)) },
  { name: 'html-decimal', spell: perCharacter([entity]) },
  { name: 'html-hex', spell: perCharacter([hexEntity]) },
  { name: 'partly-url', spell: perCharacter([plain, percent, plain]) },
  { name: 'partly-json', spell: perCharacter([plain, plain, unicode]) },
  { name: 'mixed', spell: perCharacter([plain, percent, unicode, entity, hexEntity]) },
  { name: 'shell', spell: (text) => text.replaceAll("'", "'\\''") },
  { name: 'backslashes', spell: (text) => text.replaceAll(/(\W)/g, '\\$1') },
  { name: 'base64', spell: base64 },
  { name: 'base64-after-one', spell: (text) => base64(`x${text}`) },
  { name: 'base64-after-two', spell: (text) => base64(`xy${text}, and more`) },
  { name: 'base64-in-words', spell: (text) => `header${base64(text)}` },
  { name: 'base64url', spell: (text) => Buffer.from(text).toString('base64url') },
  { name: 'base64-in-lines', spell: (text) => base64(text).replaceAll(/(.{19})/g, '$1\n') },
  { name: 'base64-in-url', spell: (text) => url(base64(text)) },
  { name: 'base64-twice', spell: (text) => base64(base64(text)) },
  { name: 'url-in-base64', spell: (text) => base64(url(text)) },
  { name: 'json-in-base64', spell: (text) => base64(JSON.stringify({ secret: text })) },
  { name: 'basic-pair', spell: (text) => `Basic ${base64(`fleetwright:${text}`)}` },
  { name: 'hex', spell: hex },
  { name: 'hex-capitals', spell: (text) => hex(text).toUpperCase() },
  { name: 'hex-pairs', spell: (text) => hex(text).replaceAll(/(..)(?=.)/g, '$1:') },
  { name: 'byte-list', spell: (text) => JSON.stringify([...Buffer.from(text)]) },
  { name: 'go-bytes', spell: (text) => `[${[...Buffer.from(text)].join(' ')}]` },
  { name: 'escaped-bytes', spell: (text) => hex(text).replaceAll(/(..)/g, '\\x$1') },
  { name: 'in-lines', spell: (text) => text.replaceAll(/(.{5})/gs, '$1\n') },
  { name: 'with-control-characters', spell: (text) => [...text].join('\0') },
  { name: 'with-invisible-characters', spell: (text) => [...text].join('\u200b') },
];
