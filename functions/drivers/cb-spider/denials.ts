/**
 * Words about credentials and rights, by cloud. CB-Spider hands on the messages of each cloud's SDK. `errors.ts` tries
 * the patterns in the order REFUSED, DENIED, REFUSED_BY_SIGN_IN, because the clouds share some words:
 * Tencent's `AuthFailure.UnauthorizedOperation` is about a right, and EC2's `AuthFailure` is about the keys.
 */

const any = (...patterns: readonly RegExp[]): RegExp =>
  new RegExp(patterns.map(({ source }) => `(?:${source})`).join('|'), 'i');

/** The cloud refuses the credential itself, or has closed its account. */
export const REFUSED = any(
  // EC2
  /InvalidClientTokenId|UnrecognizedClient|IncompleteSignature|AccountDisabled|currently blocked|^Blocked\b/,
  // Shared by EC2, Alibaba and Tencent
  /SignatureDoesNotMatch|Expired ?Token|InvalidSecurityToken|security token .{0,40}(invalid|expired)/,
  // Alibaba
  /InvalidAccessKeyId|AccessKey\w* .{0,20}(not found|inactive|disabled)|UserDisable/,
  // Tencent
  /AuthFailure\.(SecretId\w*|InvalidSecretId|Signature(?!Expire)\w*|Token\w*|InvalidAuthorization|MFA\w*)/,
  // Azure: Entra refuses the application, or the subscription is unknown or disabled.
  /AADSTS[0-9]+|(Invalid|Expired)AuthenticationToken|SubscriptionNotFound|ReadOnlyDisabledSubscription|AuthenticationFailed/,
  // Google
  /invalid_(grant|client)|authError\b|UNAUTHENTICATED|invalid authentication credentials|CONSUMER_SUSPENDED/,
  // IBM
  /API key could not be found|BXNIM0415E|BXNIM0410E/,
  // Oracle
  /NotAuthenticated/,
  // NCP
  /Authentication Failed|Invalid ?(access|api) ?key/,
  /account .{0,60}(is|was|been|currently) (disabled|suspended|blocked|closed)/,
);

/** The cloud accepts the credential and denies it the call. */
export const DENIED = any(
  // EC2 and Tencent
  /UnauthorizedOperation|UnauthorizedException|OptInRequired|PendingVerification|RegionDisabled|not subscribed to this service/,
  // Azure: a missing role, a policy, a provider that is not registered, or a region that the subscription may not use.
  /AuthorizationFailed|AuthorizationPermission|Authori[sz]ation ?Failed|RequestDisallowedBy|SubscriptionNotRegistered|MissingSubscriptionRegistration|LocationNotAvailableForResourceType/,
  // Google: a missing role, a service that is off, or an organization's policy.
  /Error 403|Required '[^']+' permission|accessNotConfigured|SERVICE_DISABLED|SCOPE_INSUFFICIENT|constraints\/[\w.]+ (violated|is violated)|BILLING_DISABLED|billing to be enabled/,
  // Alibaba: `Forbidden.RAM`, `NoPermission`, or an account without the registration of a real name.
  /Forbidden|NoPermission|RealNameAuthentication|NotInTheWhiteList/,
  // IBM, Oracle, and clouds of OpenStack (`Policy doesn't allow …`)
  /not_authorized|NotAuthorizedOrNotFound|Policy doesn't allow|but got 403/,
  /(access|permission)s?[ _]?(is |was )?denied|not ?authori[sz]ed|insufficient (access|permission|privilege)s?/,
);

/** Other words of a refused sign-in. */
export const REFUSED_BY_SIGN_IN = any(
  /unauthori[sz]ed|AuthFailure|not ?authenticated|Authentication ?Failed|requires? authentication|authentication required/,
);

/**
 * Words about a request that is signed with a wrong time. The credential is right, and the call had no effect.
 */
export const WRONG_CLOCK = any(
  /RequestExpired|RequestHasExpired|RequestTimeTooSkewed|AuthFailure\.SignatureExpire|InvalidTimeStamp|signature (has )?expired/,
);

/** Messages of Nova with status 403 about a request that is beyond a limit for one request. */
export const BEYOND_REQUEST_LIMIT = any(
  /maximum number of metadata items exceeds|personality file|too many servers in group|only volume-backed servers are allowed/,
  /it is not allowed to create an interface|image property .* is not permitted to override|maximum allowed number of disk devices/,
);
