import type { NetworkResourceKind } from '../contract/driver.ts';

export const RESOURCE_PATHS = {
  network: 'networks',
  'security-group': 'security-groups',
  'key-pair': 'key-pairs',
} as const satisfies Record<NetworkResourceKind, string>;

/** Returns the parts of a path below a location. */
export function at(location: string, ...rest: readonly string[]): string[] {
  return ['locations', location, ...rest];
}
