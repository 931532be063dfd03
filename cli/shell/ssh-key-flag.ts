import type { FleetRequest } from '../../functions/model/fleet-request.ts';
import { parsePublicKey } from '../../functions/model/ssh-public-key.ts';
import type { Flag } from './command.ts';
import type { World } from './context.ts';
import { usageError } from './exit.ts';
import { readText } from './files.ts';

/** Names of the keys in `~/.ssh` that `--ssh-key auto` takes, the first that exists. */
const OWN_KEYS = ['id_ed25519.pub', 'id_ecdsa.pub', 'id_rsa.pub'] as const;

export const SSH_KEY_FLAG: Flag = [
  '--ssh-key <file>',
  `file with your public key, which may then sign in; auto: the first of ${OWN_KEYS.join(', ')} in ~/.ssh (default: the deployment makes a key)`,
];

/**
 * Reads the public key that the flag `--ssh-key` names.
 *
 * @throws CliError (wrong use) if there is no such file, or it has no public key
 */
export async function readSshKey(world: World, named: string): Promise<string> {
  const { file, text } = await (named === 'auto' ? ownKey(world) : readNamed(world, named));
  const line = text.trim();
  const key = parsePublicKey(line);
  if ('fault' in key)
    throw usageError(`${file} ${key.fault}`, 'Name a public key, such as --ssh-key ~/.ssh/id_ed25519.pub.');
  return line;
}

async function readNamed(world: World, named: string): Promise<{ file: string; text: string }> {
  const home = world.env['HOME'];
  const file = home !== undefined && named.startsWith('~/') ? `${home}${named.slice(1)}` : named;
  return { file, text: await readText(world, file) };
}

async function ownKey(world: World): Promise<{ file: string; text: string }> {
  const folder = `${world.env['HOME'] ?? ''}/.ssh`;
  for (const name of OWN_KEYS) {
    const file = `${folder}/${name}`;
    try {
      return { file, text: await world.readFile(file) };
    } catch (error) {
      if (!(error instanceof Error) || !('code' in error) || error.code !== 'ENOENT') throw error;
    }
  }
  throw usageError(
    `${folder} has none of ${OWN_KEYS.join(', ')}`,
    'Make a key with `ssh-keygen -t ed25519`, or name the file of another public key.',
  );
}

/** Gives the key to the node groups of a request that name no keys. */
export function withSshKey(request: FleetRequest, key: string): FleetRequest {
  return {
    ...request,
    nodeGroups: request.nodeGroups.map((group) => ({
      ...group,
      ssh: { ...group.ssh, publicKeys: group.ssh?.publicKeys ?? [key] },
    })),
  };
}
