import { generateKeyPairSync } from 'node:crypto';

/** Returns a new RSA public key in OpenSSH's format. */
export function rsaPublicKey(): string {
  const { n = '', e = '' } = generateKeyPairSync('rsa', { modulusLength: 2_048 }).publicKey.export({
    format: 'jwk',
  });
  const field = (bytes: Buffer) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    return Buffer.concat([length, bytes]);
  };
  const modulus = Buffer.concat([Buffer.from([0]), Buffer.from(n, 'base64url')]);
  const blob = Buffer.concat([
    field(Buffer.from('ssh-rsa')),
    field(Buffer.from(e, 'base64url')),
    field(modulus),
  ]);
  return `ssh-rsa ${blob.toString('base64')} contract`;
}
