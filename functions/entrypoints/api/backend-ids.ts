/**
 * Returns a copy of an answer without the clouds' own ids of machines, networks and disks. Viewers get this copy. All
 * schemas of answers that viewers get have `backendId` as an optional property.
 */
export function withoutBackendIds(body: unknown): unknown {
  if (Array.isArray(body)) return body.map(withoutBackendIds);
  if (typeof body !== 'object' || body === null) return body;
  return Object.fromEntries(
    Object.entries(body).flatMap(([name, value]) =>
      name === 'backendId' ? [] : [[name, withoutBackendIds(value)]],
    ),
  );
}
