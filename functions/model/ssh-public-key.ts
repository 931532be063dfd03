import * as z from 'zod';

/** The types of keys that `ssh.publicKeys` accepts. Each driver accepts some of them. */
export const PUBLIC_KEY_TYPES = [
  'ssh-ed25519',
  'ssh-rsa',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'sk-ssh-ed25519@openssh.com',
  'sk-ecdsa-sha2-nistp256@openssh.com',
] as const;
export type PublicKeyType = (typeof PUBLIC_KEY_TYPES)[number];

/** Maximum length of one key with its comment. An RSA key of 16,384 bits has 2,800 characters. */
const MAX_KEY_LENGTH = 4_096;
/** Maximum number of keys in a request. Drivers may accept fewer. */
const MAX_KEYS = 10;
const SHORTEST_RSA_BITS = 2_048;
const LONGEST_RSA_BITS = 16_384;
/** Length in bytes of the point of each elliptic curve, uncompressed. */
const POINT_BYTES: Readonly<Partial<Record<PublicKeyType, number>>> = {
  'ecdsa-sha2-nistp256': 65,
  'ecdsa-sha2-nistp384': 97,
  'ecdsa-sha2-nistp521': 133,
  'sk-ecdsa-sha2-nistp256@openssh.com': 65,
};
const LINE = /^([a-z0-9@.-]+) ([A-Za-z0-9+/]+={0,2})(?: [^\p{Cc}]*)?$/u;

/** A public key of a user. */
export interface PublicKey {
  type: PublicKeyType;
  /** The key in OpenSSH format, without a comment. Equal keys have equal texts. */
  text: string;
}

/** Reads one line of an OpenSSH `.pub` file. @returns the key, or what is wrong with the line */
export function parsePublicKey(line: string): PublicKey | { fault: string } {
  if (/PRIVATE KEY/.test(line)) return { fault: 'must be the public key, from the file that ends with .pub' };
  const [, word = '', base64 = ''] = LINE.exec(line.trim()) ?? [];
  const type = PUBLIC_KEY_TYPES.find((one) => one === word);
  if (!type)
    return {
      fault: `must be a public key in OpenSSH format, as in a .pub file: a type (${PUBLIC_KEY_TYPES.join(', ')}), a space, and the key in base64`,
    };
  const fault = faultOf(type, fieldsOf(Buffer.from(base64, 'base64')));
  return fault === undefined ? { type, text: `${type} ${base64}` } : { fault };
}

/** Reads a key that was checked before. @throws RangeError if it is not valid */
export function publicKeyOf(line: string): PublicKey {
  const key = parsePublicKey(line);
  if ('fault' in key) throw new RangeError(`a public key ${key.fault}`);
  return key;
}

/**
 * Reads the fields of a key: each has its length in four bytes, then its bytes (RFC 4253, section 6.6).
 *
 * @returns undefined if the lengths do not fit
 */
function fieldsOf(blob: Buffer): Buffer[] | undefined {
  const fields: Buffer[] = [];
  for (let at = 0; at < blob.length; ) {
    if (at + 4 > blob.length) return undefined;
    const length = blob.readUInt32BE(at);
    if (at + 4 + length > blob.length) return undefined;
    fields.push(blob.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return fields;
}

/** Says what is wrong with the fields of a key; undefined if nothing is. */
function faultOf(type: PublicKeyType, fields: Buffer[] | undefined): string | undefined {
  const damaged = `is not a whole ${type} key: copy the whole line of the .pub file`;
  const [name, first, second] = fields ?? [];
  if (name?.toString('latin1') !== type || !first) return damaged;
  switch (type) {
    case 'ssh-rsa': {
      if (!second || fields?.length !== 3 || first.length === 0) return damaged;
      const bits = bitsOf(second);
      if (bits >= SHORTEST_RSA_BITS && bits <= LONGEST_RSA_BITS) return undefined;
      return `must have from ${SHORTEST_RSA_BITS} to ${LONGEST_RSA_BITS} bits; the key has ${bits}`;
    }
    case 'ssh-ed25519':
      return fields?.length === 2 && first.length === 32 ? undefined : damaged;
    case 'sk-ssh-ed25519@openssh.com':
      return fields?.length === 3 && first.length === 32 ? undefined : damaged;
    case 'ecdsa-sha2-nistp256':
    case 'ecdsa-sha2-nistp384':
    case 'ecdsa-sha2-nistp521':
    case 'sk-ecdsa-sha2-nistp256@openssh.com': {
      const count = type.startsWith('sk-') ? 4 : 3;
      const isWhole = fields?.length === count && second?.length === POINT_BYTES[type];
      return isWhole && type.includes(first.toString('latin1')) ? undefined : damaged;
    }
  }
}

/** Returns the number of bits of a positive number, without leading zeros. */
function bitsOf(number: Buffer): number {
  const first = number.findIndex((byte) => byte !== 0);
  return first < 0 ? 0 : (number.length - first) * 8 - Math.clz32(number[first] ?? 0) + 24;
}

/** A public key in OpenSSH format. Messages do not repeat the value, because it may be a private key by mistake. */
export const publicKeySchema = z
  .string()
  .max(MAX_KEY_LENGTH)
  .superRefine((line, context) => {
    const key = parsePublicKey(line);
    if ('fault' in key)
      context.addIssue({ code: 'custom', message: key.fault, params: { code: 'invalid-public-key' } });
  });

export const publicKeysSchema = z
  .array(publicKeySchema)
  .min(1)
  .max(MAX_KEYS)
  .describe(
    'Public keys of the user, in OpenSSH format, that may sign in. Absent: the deployment makes a key for the fleet.',
  );
