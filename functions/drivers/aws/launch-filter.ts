import { listPatternsOf } from '../contract/launch-list.ts';

/**
 * Returns the values for an EC2 filter by a tag with launch tokens: the launch token itself, and patterns that match a
 * batch's list of tokens if the list contains this token.
 */
export const valuesWith = (token: string): string[] => [token, ...listPatternsOf(token)];
