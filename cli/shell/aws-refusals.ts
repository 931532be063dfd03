import { AwsRefusal, type CallName, type RefusalKind } from './aws-calls.ts';

const DENIED =
  /^(AccessDenied|AccessDeniedException|UnauthorizedOperation|AuthorizationError(Exception)?|NotAuthorized)$/;
const ABSENT =
  /^(ParameterNotFound|ResourceNotFoundException|NoSuchEntity(Exception)?|NoSuchResourceException|QueueDoesNotExist|AWS\.SimpleQueueService\.NonExistentQueue|ServiceSettingNotFound)$/;
const UNSUPPORTED =
  /^(UnknownOperation(Exception)?|InvalidAction|UnsupportedOperation(Exception)?|NotImplemented(Exception)?|UnsupportedService|OperationNotSupported|InternalFailure\.NotImplemented)$/;
/** AWS refuses the credentials themselves, or there are none. */
const CREDENTIALS =
  /^(CredentialsProviderError|TokenProviderError|ExpiredToken(Exception)?|InvalidClientTokenId|UnrecognizedClient(Exception)?|InvalidSignature(Exception)?|SignatureDoesNotMatch|AuthFailure|OptInRequired|RequestExpired|InvalidAccessKeyId)$/;
const NETWORK =
  /^(TimeoutError|ECONNREFUSED|ECONNRESET|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|EPIPE|CERT_.*|.*CERTIFICATE.*)$/;

/** The parts of the SDK's errors that tell what happened. */
interface SdkError {
  name: string;
  message: string;
  code?: string;
  status?: number;
}

/** Returns the refusal for an error of the AWS SDK. */
export function refusalOf(action: CallName, error: unknown): AwsRefusal {
  const told = readError(error);
  return new AwsRefusal(kindOf(action, told), action, `${told.name}: ${told.message}`.slice(0, 500), error);
}

function readError(error: unknown): SdkError {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error) };
  const { name, message } = error;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  const metadata = '$metadata' in error ? error.$metadata : undefined;
  const status =
    typeof metadata === 'object' && metadata !== null && 'httpStatusCode' in metadata
      ? Number(metadata.httpStatusCode)
      : undefined;
  return {
    name,
    message,
    ...(code === undefined ? {} : { code }),
    ...(status === undefined ? {} : { status }),
  };
}

function kindOf(action: CallName, { name, message, code = '', status }: SdkError): RefusalKind {
  if (DENIED.test(name)) return 'denied';
  if (CREDENTIALS.test(name) || NETWORK.test(name) || NETWORK.test(code)) return 'unreachable';
  if (ABSENT.test(name)) return 'absent';
  // CloudFormation has no code of its own for a stack that does not exist.
  if (action.startsWith('cloudformation:') && /does not exist/i.test(message)) return 'absent';
  // A local engine answers a request to a service that it does not have with a page, from which the SDK reads no code.
  if (UNSUPPORTED.test(name) || /^Unknown(Error)?$/.test(name) || status === 501) return 'unsupported';
  if (/not (yet )?(been )?(implemented|supported)|unknown (action|operation|service)/i.test(message))
    return 'unsupported';
  return 'failed';
}
