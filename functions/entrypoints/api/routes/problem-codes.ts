/** Every code that a problem may have, with its HTTP status. Scripts rely on both. */
export const PROBLEM_STATUS = {
  'invalid-request': 400,
  'malformed-json': 400,
  unauthorized: 401,
  forbidden: 403,
  'cap-reached': 403,
  'not-found': 404,
  'method-not-allowed': 405,
  'name-taken': 409,
  'not-empty': 409,
  'in-use': 409,
  'disks-kept': 409,
  'being-deleted': 409,
  'part-of-a-fleet': 409,
  'illegal-action': 409,
  'deployment-ending': 409,
  'body-too-large': 413,
  'unsupported-media-type': 415,
  'idempotency-key-reused': 422,
  'internal-error': 500,
  'issuer-unreachable': 503,
} as const;

export type ProblemCode = keyof typeof PROBLEM_STATUS;
type ProblemStatus = (typeof PROBLEM_STATUS)[ProblemCode];

export const STATUS_TITLES: Readonly<Record<ProblemStatus, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  409: 'Conflict',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  422: 'Unprocessable Content',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
};
