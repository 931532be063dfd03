import { expect, test } from 'vitest';
import { errorOfAnswer } from '../../../../functions/drivers/cb-spider/errors.ts';

const codeOf = (message: string) =>
  errorOfAnswer({ status: 500, message, call: 'POST /vm', rate: {} }, 'changes').code;

test.each([
  'UnauthorizedOperation: You are not authorized to perform this operation.',
  'PendingVerification: Your request for accessing resources in this region is being validated',
  'OptInRequired: You are not subscribed to this service.',
  'ERROR CODE: AuthorizationFailed, The client does not have authorization to perform action',
  "ERROR CODE: RequestDisallowedByPolicy, Resource 'vm' was disallowed by policy.",
  'ERROR CODE: MissingSubscriptionRegistration',
  "googleapi: Error 403: Required 'compute.instances.create' permission for 'projects/p', forbidden",
  'googleapi: Error 403: Compute Engine API has not been used in project p before, accessNotConfigured',
  'ErrorCode: Forbidden.RAM, User not authorized to operate on the specified resource',
  '[TencentCloudSDKError] Code=AuthFailure.UnauthorizedOperation, Message=no CAM right',
  'Code=UnauthorizedOperation, Message=you are not authorized',
  'NotAuthorizedOrNotFound: Authorization failed or requested resource not found.',
  'The request is not authorized: not_authorized',
  "Expected HTTP response code [202], but got 403 instead: Policy doesn't allow servers:create",
])('the words “%s” are Forbidden: the cloud accepts the credential and denies the call', (message) => {
  expect(codeOf(message)).toBe('Forbidden');
});

test.each([
  'AuthFailure: AWS was not able to validate the provided access credentials',
  'InvalidClientTokenId: The security token included in the request is invalid.',
  'SignatureDoesNotMatch: The request signature we calculated does not match',
  'AADSTS7000222: The provided client secret keys are expired.',
  'ERROR CODE: InvalidAuthenticationTokenTenant',
  'ERROR CODE: ReadOnlyDisabledSubscription',
  'oauth2: "invalid_grant" "Invalid JWT Signature."',
  'googleapi: Error 401: Request had invalid authentication credentials., authError',
  'ErrorCode: InvalidAccessKeyId.NotFound, Specified access key is not found.',
  'Code=AuthFailure.SecretIdNotFound, Message=The SecretId is not found.',
  'Code=AuthFailure.SignatureFailure, Message=The provided credentials could not be validated.',
  'Provided API key could not be found., errorCode: BXNIM0415E',
  'The request you have made requires authentication.',
  'Blocked: This account is currently blocked and not recognized as a valid account.',
])('the words “%s” are Unauthorized: the cloud refuses the credential', (message) => {
  expect(codeOf(message)).toBe('Unauthorized');
});

test.each([
  ['RequestExpired: Request has expired.', 'Unavailable'],
  ['Code=AuthFailure.SignatureExpire, Message=Request expired.', 'Unavailable'],
  [
    'got 403 instead {"forbidden": {"message": "Maximum number of metadata items exceeds 128"}}',
    'InvalidRequest',
  ],
] as const)('the words “%s” are %s', (message, code) => {
  expect(codeOf(message)).toBe(code);
});

test('status 401 of CB-Spider is Unauthorized, and status 403 is Forbidden', () => {
  const of = (status: number) =>
    errorOfAnswer({ status, message: 'no', call: 'GET /vm', rate: {} }, 'reads').code;
  expect([of(401), of(403)]).toEqual(['Unauthorized', 'Forbidden']);
});
