/** Content of an EC2 answer. Keys are element names, and lists become `item` elements. */
export type Xml = string | number | boolean | undefined | readonly Xml[] | { readonly [name: string]: Xml };

const XMLNS = 'http://ec2.amazonaws.com/doc/2016-11-15/';

export function answer(action: string, body: Readonly<Record<string, Xml>>): Response {
  const inner = elements({ requestId: 'r-1', ...body });
  return xml(200, `<${action}Response xmlns="${XMLNS}">${inner}</${action}Response>`);
}

/** Returns an error in EC2's form. */
export function refusal(status: number, code: string, message: string): Response {
  const error = elements({ Errors: { Error: { Code: code, Message: message } }, RequestID: 'r-1' });
  return xml(status, `<Response>${error}</Response>`);
}

export function identity(account: string): Response {
  const result = elements({
    GetCallerIdentityResult: { Arn: `arn:aws:iam::${account}:user/u`, Account: account },
  });
  return xml(200, `<GetCallerIdentityResponse>${result}</GetCallerIdentityResponse>`);
}

function xml(status: number, body: string): Response {
  return new Response(`<?xml version="1.0" encoding="UTF-8"?>${body}`, {
    status,
    headers: { 'content-type': 'text/xml;charset=UTF-8' },
  });
}

function elements(body: Readonly<Record<string, Xml>>): string {
  return Object.entries(body)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `<${name}>${content(value)}</${name}>`)
    .join('');
}

function content(value: Xml): string {
  if (value === undefined) return '';
  if (typeof value !== 'object') return escaped(String(value));
  if (isList(value)) return value.map((item) => `<item>${content(item)}</item>`).join('');
  return elements(value);
}

function isList(value: object): value is readonly Xml[] {
  return Array.isArray(value);
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
