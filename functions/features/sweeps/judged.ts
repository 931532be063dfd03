import type { CloudVolume } from '../../drivers/contract/capabilities.ts';
import type { CloudInstance } from '../../drivers/contract/driver.ts';
import type { Subject } from '../findings/findings.ts';
import type { Verdict } from './classify.ts';

/** A machine, volume or network resource that a cloud shows, and whether a record claims it. */
export interface Judged {
  subject: Subject;
  verdict: Verdict;
  machine?: CloudInstance;
  volume?: CloudVolume;
}
