import type { FieldCase } from '../harness/case.ts';
import { type Denial, inTwoRegions, playDeniedCreates } from './denials.ts';

function kind(id: string, denial: Omit<Denial, 'call'>): FieldCase {
  return {
    id,
    title: `a create that region A denies with ${denial.code} goes to region B, and the connection stays Ready`,
    play: () => inTwoRegions((field) => playDeniedCreates(field, { ...denial, call: 'RunInstances' })),
  };
}

/** Before the fix, the connection became Failed, half of the fleet failed, and the next fleet was refused. */
export const f01: FieldCase[] = [
  kind('F1', {
    status: 400,
    code: 'PendingVerification',
    words: 'Your request for accessing resources in this region is being validated',
  }),
  kind('F1-opt-in', { status: 401, code: 'OptInRequired', words: 'You are not subscribed to this service.' }),
  kind('F1-access-denied', {
    status: 403,
    code: 'AccessDenied',
    words: 'explicit deny in a service control policy',
  }),
];
