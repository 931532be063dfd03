import type { DriverMetadata } from './metadata.ts';

/**
 * Returns the class of an instance type whose vCPUs the driver's clouds count together; undefined if the driver has no
 * classes. Pure.
 */
export function quotaClassOf(
  { quotaClasses }: Pick<DriverMetadata, 'quotaClasses'>,
  instanceType: string,
): string | undefined {
  if (!quotaClasses) return undefined;
  const named = Object.entries(quotaClasses.named).find(([, beginning]) =>
    new RegExp(`^(?:${beginning})`).test(instanceType),
  );
  return named?.[0] ?? quotaClasses.others;
}
