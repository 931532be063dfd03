import { generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fingerprintOf } from '../../../functions/features/networks/user-key.ts';
import {
  type PublicKeyType,
  parsePublicKey,
  publicKeyOf,
  publicKeySchema,
} from '../../../functions/model/ssh-public-key.ts';

const field = (bytes: Buffer | string) => {
  const content = Buffer.from(bytes);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(content.length);
  return Buffer.concat([length, content]);
};
const line = (type: string, ...fields: (Buffer | string)[]) =>
  `${type} ${Buffer.concat([field(type), ...fields.map(field)]).toString('base64')} someone@host`;

function rsa(bits: number): string {
  const { n = '', e = '' } = generateKeyPairSync('rsa', { modulusLength: bits }).publicKey.export({
    format: 'jwk',
  });
  const modulus = Buffer.concat([Buffer.from([0]), Buffer.from(n, 'base64url')]);
  return line('ssh-rsa', Buffer.from(e, 'base64url'), modulus);
}
const point = (bytes: number) => Buffer.alloc(bytes, 4);

const ED25519 = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl';

describe('a public key in OpenSSH format', () => {
  it.each<[PublicKeyType, string]>([
    ['ssh-ed25519', `${ED25519} contract`],
    ['ssh-ed25519', ED25519],
    ['ssh-rsa', rsa(2_048)],
    ['ssh-rsa', rsa(3_072)],
    ['ecdsa-sha2-nistp256', line('ecdsa-sha2-nistp256', 'nistp256', point(65))],
    ['ecdsa-sha2-nistp384', line('ecdsa-sha2-nistp384', 'nistp384', point(97))],
    ['ecdsa-sha2-nistp521', line('ecdsa-sha2-nistp521', 'nistp521', point(133))],
    ['sk-ssh-ed25519@openssh.com', line('sk-ssh-ed25519@openssh.com', point(32), 'ssh:')],
    [
      'sk-ecdsa-sha2-nistp256@openssh.com',
      line('sk-ecdsa-sha2-nistp256@openssh.com', 'nistp256', point(65), 'ssh:'),
    ],
  ])('of type %s is accepted, with and without a comment', (type, key) => {
    expect(parsePublicKey(key)).toMatchObject({ type });
    expect(parsePublicKey(` ${key}\n`)).toMatchObject({ type });
  });

  it('has the same text and fingerprint whatever its comment is', () => {
    const keys = [ED25519, `${ED25519} a comment with spaces`].map(publicKeyOf);
    expect(keys.map(({ text }) => text)).toEqual([ED25519, ED25519]);
    expect(new Set(keys.map(fingerprintOf)).size).toBe(1);
    expect(fingerprintOf(publicKeyOf(ED25519))).toMatch(/^[A-Za-z0-9+/]{43}$/);
  });

  it.each([
    ['a private key', '-----BEGIN OPENSSH PRIVATE KEY-----\nsecret\n', 'must be the public key'],
    ['another type', line('ssh-dss', 'x'), 'must be a public key in OpenSSH format'],
    ['options before the key', `command="sh" ${ED25519}`, 'must be a public key in OpenSSH format'],
    ['two lines', `${ED25519}\n${ED25519}`, 'must be a public key in OpenSSH format'],
    ['nothing', '', 'must be a public key in OpenSSH format'],
    ['a key of 1,024 bits', rsa(1_024), 'must have from 2048 to 16384 bits; the key has 1024'],
    ['a key that was cut off', ED25519.slice(0, -4), 'is not a whole ssh-ed25519 key'],
    ['a key that is too short', line('ssh-ed25519', point(31)), 'is not a whole ssh-ed25519 key'],
    ['a key with more fields', line('ssh-ed25519', point(32), 'x'), 'is not a whole ssh-ed25519 key'],
    ['a key of another type inside', `ssh-rsa ${ED25519.split(' ')[1]}`, 'is not a whole ssh-rsa key'],
    [
      'a point of another curve',
      line('ecdsa-sha2-nistp256', 'nistp384', point(65)),
      'is not a whole ecdsa-sha2-nistp256 key',
    ],
  ])('is refused with a clear word: %s', (_, text, message) => {
    const [issue] = publicKeySchema.safeParse(text).error?.issues ?? [];
    expect(issue?.message).toContain(message);
    expect(issue?.message).not.toContain('secret');
  });

  it('is refused if it is longer than 4,096 characters', () => {
    expect(publicKeySchema.safeParse(`${ED25519} ${'x'.repeat(4_096)}`).success).toBe(false);
  });

  it('never fails to be read: any text is a key or has a fault', () => {
    const blob = fc.uint8Array({ maxLength: 80 }).map((bytes) => Buffer.from(bytes).toString('base64'));
    const near = fc.tuple(fc.constantFrom('ssh-rsa', 'ssh-ed25519', 'ecdsa-sha2-nistp256'), blob);
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          near.map((parts) => parts.join(' ')),
        ),
        (text) => {
          const key = parsePublicKey(text);
          expect('fault' in key || key.text.startsWith(key.type)).toBe(true);
        },
      ),
    );
  });
});
