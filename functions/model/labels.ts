import * as z from 'zod';

const MAX_LABELS = 40;
/** Maximum number of tags in a request. Each cloud allows fewer or as many (`TagRules` of the driver). */
const MAX_TAGS = 128;
/** Matches text without control characters. Clouds store labels as tags, and tags allow no control characters. */
// Editors read the pattern from the JSON Schema, some of them without Unicode properties.
const ONE_LINE = /^[ -~\u00a0-\uffff]*$/;

export const labelsSchema = z
  .record(
    z.string().regex(/^[A-Za-z0-9._/-]{1,63}$/),
    z.string().max(255).regex(ONE_LINE, 'must be one line'),
  )
  .refine((labels) => Object.keys(labels).length <= MAX_LABELS, {
    message: `must have at most ${MAX_LABELS} labels`,
    params: { code: 'too-big' },
  });

/** Tags that a user gives to machines. What each cloud accepts is checked when the connection is known. */
export const tagsSchema = z
  .record(
    z.string().min(1).max(255).regex(ONE_LINE, 'must be one line'),
    z.string().max(255).regex(ONE_LINE, 'must be one line'),
  )
  .refine((tags) => Object.keys(tags).length <= MAX_TAGS, {
    message: `must have at most ${MAX_TAGS} tags`,
    params: { code: 'too-big' },
  });

/** Labels and tags that the machines of one node group get. */
export interface TagSources {
  /** Labels of the fleet. */
  fleetLabels?: Readonly<Record<string, string>> | undefined;
  /** Labels of the node group. */
  labels?: Readonly<Record<string, string>> | undefined;
  tags?: Readonly<Record<string, string>> | undefined;
}

/** Returns the tags of a machine at its cloud. A label of the node group wins over one of the fleet, and a tag over both. */
export function machineTags({ fleetLabels, labels, tags }: TagSources): Record<string, string> {
  return { ...fleetLabels, ...labels, ...tags };
}
