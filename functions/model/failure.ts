import type { FieldError } from './field-error.ts';
import type { QuotaSubject } from './quota-subject.ts';

/**
 * The reason why an operation failed, for the user. The code is an error code of the driver contract, or a code that
 * Fleetwright adds to these.
 */
export interface Failure {
  code: string;
  message: string;
  /**
   * Tells what else fails for the same reason, if the code does not tell it. `launch`: nothing else. `zone`: launches in
   * the same zone. `market`: launches in the same market at the same site. `site`: launches at the same site. `connection`: every launch of the connection.
   */
  scope?: 'launch' | 'zone' | 'market' | 'site' | 'connection' | undefined;
  /** Number of machines that the refused call asked for. Absent: one. */
  machines?: number | undefined;
  /** True if the launch has not asked the cloud, and would wait here if no other attempt could follow. */
  wouldWait?: boolean | undefined;
  /** What the quota counts that refused the call. Absent: another code, or the quota of the machine's family. */
  quotaOf?: QuotaSubject | undefined;
  /** The fields of the request that are wrong, if only the cloud could tell it. */
  errors?: FieldError[] | undefined;
}
