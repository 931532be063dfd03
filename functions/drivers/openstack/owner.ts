import { DEPLOYMENT_TAG } from '../contract/driver.ts';

/**
 * Converts tags to metadata. Nova's metadata keys allow letters, digits and `-_:. `. Each `/` in a key becomes `:`. The
 * keys stay distinct, because no key of a user's label contains `:`.
 */
export function metadataOf(tags: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(tags).map(([key, value]) => [key.replaceAll('/', ':'), value]));
}

/**
 * Returns tags as a description: `key=value` separated by `;`, the deployment's tag first. Neutron accepts a
 * description in the request that makes a resource, but tags only in a second request.
 */
export function descriptionOf(deploymentId: string, tags: Readonly<Record<string, string>>): string {
  const entries = Object.entries({ ...tags, [DEPLOYMENT_TAG]: deploymentId });
  const owner = entries.filter(([key]) => key === DEPLOYMENT_TAG);
  const others = entries.filter(([key]) => key !== DEPLOYMENT_TAG);
  return [...owner, ...others].map(([key, value]) => `${key}=${value}`).join(';');
}

/** Reads the tags from a description that `descriptionOf` wrote. Returns no tags for any other description. */
export function tagsOf(description: string): Record<string, string> {
  if (!description.startsWith(`${DEPLOYMENT_TAG}=`)) return {};
  return Object.fromEntries(
    description.split(';').flatMap((entry) => {
      const at = entry.indexOf('=');
      return at < 0 ? [] : [[entry.slice(0, at), entry.slice(at + 1)]];
    }),
  );
}

/**
 * Returns true if the resource carries this deployment's tag. If the resource carries no deployment's tag, the
 * resource's name decides.
 */
export function isOf(
  deploymentId: string,
  tags: Readonly<Record<string, string>>,
  hasNameOfOurs: boolean,
): boolean {
  const owner = tags[DEPLOYMENT_TAG];
  return owner === undefined ? hasNameOfOurs : owner === deploymentId;
}
