import type { Harness } from '../suite/harness.ts';

/**
 * The harnesses; the key is the driver's name. A harness is loaded only when it runs, so that a broken SDK
 * fails only the suite of its driver.
 */
export const HARNESSES = {
  sim: async () => (await import('./sim.ts')).simHarness,
  aws: async () => (await import('./aws.ts')).awsHarness,
  'cb-spider': async () => (await import('./cb-spider.ts')).cbSpiderHarness,
  openstack: async () => (await import('./openstack.ts')).openstackHarness,
} as const satisfies Record<string, () => Promise<Harness>>;

export function isHarnessed(driver: string): driver is keyof typeof HARNESSES {
  return Object.hasOwn(HARNESSES, driver);
}
