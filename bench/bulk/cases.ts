/** One run of `bench -- bulk`, which asks for alike machines. */
export interface BulkPlan {
  case: string;
  instances: number;
  /** Number of regions over which one fleet is spread. Requests for one machine each are all for one region. */
  regions: number;
  /** The machines are asked for by requests for one machine each. Absent: by one fleet. */
  singles?: {
    /** Seconds over which the requests are spread evenly. */
    withinSeconds: number;
    /** True if all machines are alike, so that they may share calls; false if each has user data of its own. */
    areAlike: boolean;
  };
  /** True for the reserve that a connection to EC2 has by default. Otherwise, nothing is left for others. */
  hasDefaultReserve?: boolean;
  /** Name of the case of the removal of these machines, which follows. */
  removal?: string;
  /** True if the case is also run with the limits of the tier `cautious`, and a call for each machine. */
  hasBaseline?: boolean;
}

const SINGLES = { instances: 300, regions: 1 };

export const BULK_PLANS: readonly BulkPlan[] = [
  { case: '1000-in-one-region', instances: 1_000, regions: 1, hasBaseline: true },
  { case: '850-in-one-region', instances: 850, regions: 1, hasDefaultReserve: true },
  {
    case: '10000-over-10-regions',
    instances: 10_000,
    regions: 10,
    removal: 'terminate-10000-over-10-regions',
  },
  { case: '10000-in-one-region', instances: 10_000, regions: 1 },
  { case: '300-alike-singles-in-a-minute', ...SINGLES, singles: { withinSeconds: 60, areAlike: true } },
  { case: '300-different-singles-in-a-minute', ...SINGLES, singles: { withinSeconds: 60, areAlike: false } },
];

/** Names of all cases, in the order of the document. */
export const BULK_CASES: readonly string[] = [
  ...BULK_PLANS.map((plan) => plan.case),
  ...BULK_PLANS.flatMap(({ removal }) => removal ?? []),
];
