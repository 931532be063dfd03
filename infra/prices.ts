/**
 * AWS list prices in us-east-1, in US dollars, without free tiers, and from the first (highest) price tier.
 * Each price is from the page that the comment above it names, as of June 2026. DynamoDB's prices have been
 * in force since 1 November 2024.
 */
const MILLION = 1e6;

/** https://aws.amazon.com/dynamodb/pricing/on-demand/ (table class Standard) */
export const DYNAMODB = {
  usdPerWriteUnit: 0.625 / MILLION,
  usdPerReadUnit: 0.125 / MILLION,
  usdPerStoredGbMonth: 0.25,
  usdPerPointInTimeRecoveryGbMonth: 0.2,
} as const;

/** https://aws.amazon.com/sqs/pricing/ (standard queues; a request of up to 64 KB) */
export const SQS = { usdPerRequest: 0.4 / MILLION } as const;

/** https://aws.amazon.com/lambda/pricing/ */
export const LAMBDA = {
  usdPerRequest: 0.2 / MILLION,
  /** On arm64. */
  usdPerGbSecond: 0.0000133334,
  usdPerX86GbSecond: 0.0000166667,
} as const;

/** https://aws.amazon.com/step-functions/pricing/ (standard workflows; each retry is a transition, too) */
export const STEP_FUNCTIONS = { usdPerTransition: 0.025 / 1_000 } as const;

/** https://aws.amazon.com/cloudwatch/pricing/ (standard resolution; one alarm metric, not one alarm) */
export const CLOUDWATCH = {
  usdPerAlarmMetricMonth: 0.1,
  usdPerIngestedLogGb: 0.5,
  usdPerStoredLogGbMonth: 0.03,
} as const;

/** https://aws.amazon.com/api-gateway/pricing/ (HTTP API; a request of up to 512 KB) */
export const HTTP_API = { usdPerRequest: 1 / MILLION } as const;

/** https://aws.amazon.com/systems-manager/pricing/ (standard parameters, standard throughput) */
export const PARAMETER_STORE = { usdPerParameterMonth: 0, usdPerRequest: 0 } as const;

/**
 * https://aws.amazon.com/kms/pricing/ (symmetric keys). A key that AWS manages, such as `aws/ssm`, costs nothing by
 * itself. Its requests are billed to the account, also those that Parameter Store makes for a SecureString.
 */
export const KMS = { usdPerRequest: 0.03 / 10_000, usdPerKeyMonth: 1 } as const;

/** https://aws.amazon.com/xray/pricing/ (recorded traces) */
export const XRAY = { usdPerTrace: 5 / MILLION } as const;

/** https://aws.amazon.com/eventbridge/pricing/ (rules on the default bus; custom events) */
export const EVENTBRIDGE = { usdPerScheduledInvocation: 0, usdPerCustomEvent: 1 / MILLION } as const;
