/**
 * Reads the preference `wait` of a `Prefer` header (RFC 7240, section 4.3). Later repetitions of a preference, and
 * values that are no number of seconds, are ignored, as the RFC requires.
 *
 * @returns seconds; undefined if the request does not ask to wait
 */
export function waitSecondsOf(prefer: string | undefined): number | undefined {
  const preferences = (prefer ?? '').split(',').map((one) => one.split(';')[0]?.trim() ?? '');
  const wait = preferences.find((one) => /^wait(\s*=|$)/i.test(one));
  const [, digits] = /^wait\s*=\s*"?(\d{1,9})"?$/i.exec(wait ?? '') ?? [];
  const seconds = Number(digits ?? 0);
  return seconds > 0 ? seconds : undefined;
}
