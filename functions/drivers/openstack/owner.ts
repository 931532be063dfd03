import { DEPLOYMENT_TAG } from '../contract/driver.ts';

/** Nova's metadata keys are of letters, digits and `-_:. `; labels have `/` where those have `:`, and never a `:`. */
export function metadataOf(tags: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(tags).map(([key, value]) => [key.replaceAll('/', ':'), value]));
}

/**
 * Whose a network resource is stands in its description, `key=value` with `;` between them and the deployment first:
 * Neutron takes a description with the request that makes something, its tags only with a second one.
 */
export function descriptionOf(deploymentId: string, tags: Readonly<Record<string, string>>): string {
  const entries = Object.entries({ ...tags, [DEPLOYMENT_TAG]: deploymentId });
  const owner = entries.filter(([key]) => key === DEPLOYMENT_TAG);
  const others = entries.filter(([key]) => key !== DEPLOYMENT_TAG);
  return [...owner, ...others].map(([key, value]) => `${key}=${value}`).join(';');
}

/** The tags that a description of ours has; none of another's. */
export function tagsOf(description: string): Record<string, string> {
  if (!description.startsWith(`${DEPLOYMENT_TAG}=`)) return {};
  return Object.fromEntries(
    description.split(';').flatMap((entry) => {
      const at = entry.indexOf('=');
      return at < 0 ? [] : [[entry.slice(0, at), entry.slice(at + 1)]];
    }),
  );
}

/** Whether it carries a deployment's tag, or, where it carries none, a name that only that deployment gives. */
export function isOf(
  deploymentId: string,
  tags: Readonly<Record<string, string>>,
  hasNameOfOurs: boolean,
): boolean {
  const owner = tags[DEPLOYMENT_TAG];
  return owner === undefined ? hasNameOfOurs : owner === deploymentId;
}
