/** Fields of a node group that have a successor. An old field stays accepted, but not together with its successor. */
export const SUCCESSORS = [
  ['zone', 'zones'],
  ['instanceType', 'instanceTypes'],
] as const;

/** An error of a rule over several fields of one node group. The path is relative to the group. */
export interface GroupIssue {
  path: (string | number)[];
  code: string;
  message: string;
}

/** Finds the old fields of a node group that the request has together with their successors. Pure. */
export function bothOldAndNew(group: Readonly<Record<string, unknown>>): GroupIssue[] {
  return SUCCESSORS.filter(
    ([old, successor]) => group[old] !== undefined && group[successor] !== undefined,
  ).map(([old, successor]) => ({
    path: [old],
    code: 'contradictory',
    message: `must be left out beside ${successor}, which replaces it`,
  }));
}
