import type { FieldCase } from '../harness/case.ts';
import { f01 } from './f01-region-under-validation.ts';
import { f02CbSpider } from './f02-cb-spider.ts';
import { f02 } from './f02-region-not-enabled.ts';
import { f03 } from './f03-policy-denies-region.ts';
import { f03Rights } from './f03-rights.ts';
import { f04 } from './f04-request-limits.ts';
import { f05 } from './f05-subnet-refused.ts';
import { f06 } from './f06-type-not-in-zone.ts';
import { f07 } from './f07-full-zone.ts';
import { f08 } from './f08-error-after-running.ts';
import { f09 } from './f09-stopped-outside.ts';
import { f10 } from './f10-late-addresses.ts';
import { f11 } from './f11-protected-machine.ts';
import { f12 } from './f12-foreign-interface.ts';
import { f13 } from './f13-stale-port.ts';
import { f14 } from './f14-boot-volume.ts';
import { f15 } from './f15-reason-while-ending.ts';
import { f16 } from './f16-used-token.ts';
import { f17 } from './f17-limits-of-one-request.ts';
import { f18 } from './f18-rate-that-says-quota.ts';
import { f19 } from './f19-words-of-other-clouds.ts';
import { f20 } from './f20-throttled-batch.ts';
import { f21 } from './f21-connection-deleted-under-creates.ts';
import { f22 } from './f22-namespace-deleted-under-creates.ts';
import { f23EveryDriver } from './f23-every-driver.ts';
import { f23 } from './f23-slow-list.ts';
import { f24 } from './f24-quick-boots.ts';
import { f25 } from './f25-unknown-words.ts';
import { f26 } from './f26-answer-says-running.ts';
import { f27 } from './f27-workers-die-with-calls.ts';
import { f28 } from './f28-copies.ts';
import { f29 } from './f29-another-account.ts';
import { f29Unchecked } from './f29-unchecked-account.ts';
import { f30 } from './f30-restored-tables.ts';
import { f31 } from './f31-two-deployments.ts';
import { f32 } from './f32-request-beyond-quota.ts';
import { f34 } from './f34-list-without-fault.ts';
import { f35 } from './f35-failures-being-removed.ts';
import { f36 } from './f36-gone-within-the-window.ts';
import { f37 } from './f37-shortfall.ts';
import { f38 } from './f38-unknown-price.ts';
import { f39 } from './f39-credential-deleted.ts';
import { f40 } from './f40-race-for-a-quota.ts';
import { f41 } from './f41-quota-of-networks.ts';
import { f42 } from './f42-denied-networks.ts';
import { f43 } from './f43-quotas-that-are-read.ts';
import { quiet } from './quiet.ts';

/** All cases, in the order of their numbers. */
export const CASES: readonly FieldCase[] = [
  ...quiet,
  ...f01,
  ...f02,
  ...f02CbSpider,
  ...f03,
  ...f03Rights,
  ...f04,
  ...f05,
  ...f06,
  ...f07,
  ...f08,
  ...f09,
  ...f10,
  ...f11,
  ...f12,
  ...f13,
  ...f14,
  ...f15,
  ...f16,
  ...f17,
  ...f18,
  ...f19,
  ...f20,
  ...f21,
  ...f22,
  ...f23,
  ...f23EveryDriver,
  ...f24,
  ...f25,
  ...f26,
  ...f27,
  ...f28,
  ...f29,
  ...f29Unchecked,
  ...f30,
  ...f31,
  ...f32,
  ...f40,
  ...f41,
  ...f42,
  ...f43,
  ...f34,
  ...f35,
  ...f36,
  ...f37,
  ...f38,
  ...f39,
];
