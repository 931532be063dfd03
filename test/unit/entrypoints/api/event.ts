import type { APIGatewayProxyEventV2 } from 'aws-lambda';

export interface Request {
  method?: string;
  path?: string;
  headers?: Record<string, string>;
  query?: Record<string, string>;
  /** The query as it is sent, if it cannot be written as `query`. */
  rawQuery?: string;
  body?: string;
  isBase64Encoded?: boolean;
  /** ARN of the caller that API Gateway has authorized with IAM. */
  iamArn?: string;
}

/** Returns the event that API Gateway sends to a function for a request. */
export function eventOf({
  method = 'GET',
  path = '/v1/namespaces',
  headers = {},
  query,
  rawQuery,
  body,
  isBase64Encoded = false,
  iamArn,
}: Request): APIGatewayProxyEventV2 {
  return {
    version: '2.0',
    routeKey: '$default',
    rawPath: path,
    rawQueryString: rawQuery ?? new URLSearchParams(query).toString(),
    headers,
    ...(query ? { queryStringParameters: query } : {}),
    requestContext: {
      ...(iamArn === undefined ? {} : { authorizer: { iam: { userArn: iamArn } } }),
      accountId: '0',
      apiId: 'api',
      domainName: 'api',
      domainPrefix: 'api',
      http: { method, path, protocol: 'HTTP/1.1', sourceIp: '127.0.0.1', userAgent: 'test' },
      requestId: 'request-1',
      routeKey: '$default',
      stage: '$default',
      time: '',
      timeEpoch: 0,
    },
    ...(body === undefined ? {} : { body }),
    isBase64Encoded,
  };
}
