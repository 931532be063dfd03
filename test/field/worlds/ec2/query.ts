/** The parsed parameters of EC2's query API. `Filter.1.Name=x` becomes `{ Filter: { 1: { Name: 'x' } } }`. */
export interface Parameters {
  readonly [name: string]: string | Parameters | undefined;
}

export function parametersOf(text: string): Parameters {
  const root: Record<string, unknown> = {};
  for (const [path, value] of new URLSearchParams(text)) {
    const parts = path.split('.');
    let at = root;
    for (const part of parts.slice(0, -1)) {
      const next = at[part];
      const node = isNode(next) ? next : {};
      at[part] = node;
      at = node;
    }
    at[parts.at(-1) ?? ''] = value;
  }
  return frozen(root);
}

function isNode(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function frozen(node: Record<string, unknown>): Parameters {
  return Object.fromEntries(
    Object.entries(node).map(([name, value]) => [name, isNode(value) ? frozen(value) : String(value)]),
  );
}

export function textAt(parameters: Parameters, name: string): string {
  const value = parameters[name];
  return typeof value === 'string' ? value : '';
}

/** Returns the values of `Name.1`, `Name.2`, … in order. */
export function textsAt(parameters: Parameters, name: string): string[] {
  return itemsAt(parameters, name).flatMap((item) => (typeof item === 'string' ? [item] : []));
}

/** Returns the structures `Name.1.…`, `Name.2.…`, … in order. */
export function nodesAt(parameters: Parameters, name: string): Parameters[] {
  return itemsAt(parameters, name).flatMap((item) => (typeof item === 'object' ? [item] : []));
}

function itemsAt(parameters: Parameters, name: string): (string | Parameters)[] {
  const node = parameters[name];
  if (typeof node !== 'object') return [];
  return Object.entries(node)
    .toSorted(([one], [other]) => Number(one) - Number(other))
    .map(([, item]) => item)
    .filter((item) => item !== undefined);
}

/** Returns the tags that a request gives to resources of this type. */
export function tagsAt(parameters: Parameters, resourceType: string): Map<string, string> {
  const specification = nodesAt(parameters, 'TagSpecification').find(
    (one) => textAt(one, 'ResourceType') === resourceType,
  );
  const tags = specification ? nodesAt(specification, 'Tag') : [];
  return new Map(tags.map((tag) => [textAt(tag, 'Key'), textAt(tag, 'Value')]));
}
