import { generateKeyPair } from 'node:crypto';
import { promisify } from 'node:util';

export interface SshKey {
  /** Public key in the format of `authorized_keys`. */
  publicKey: string;
  /** PEM (PKCS #1), which every OpenSSH version reads. */
  privateKey: string;
}

/** Makes an RSA key of 3,072 bits. Every cloud can import such a key. */
export async function makeSshKey(comment: string): Promise<SshKey> {
  const { publicKey, privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: 3_072 });
  const { n, e } = publicKey.export({ format: 'jwk' });
  if (!n || !e) throw new Error('the RSA key has no modulus or exponent');
  const blob = Buffer.concat([field(Buffer.from('ssh-rsa')), mpint(e), mpint(n)]);
  return {
    publicKey: `ssh-rsa ${blob.toString('base64')} ${comment}`,
    privateKey: String(privateKey.export({ type: 'pkcs1', format: 'pem' })),
  };
}

/** Encodes a string as in RFC 4251, section 5: four bytes with the length, then the bytes of the string. */
function field(bytes: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

/**
 * Encodes a positive number as in RFC 4251, section 5. If the first bit of the number is set, a zero byte
 * precedes the number.
 */
function mpint(base64url: string): Buffer {
  const bytes = Buffer.from(base64url, 'base64url');
  return field((bytes[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.from([0]), bytes]) : bytes);
}
