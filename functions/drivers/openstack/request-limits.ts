/**
 * Messages with which Nova and Neutron answer 403 to a request that is wrong in itself: the request is beyond a limit
 * for one request, or combines what does not fit together. The credential lacks no right, and no quota is used up. The
 * messages are those of `nova/exception.py` and of the API code that raises HTTPForbidden.
 */
export const REQUEST_LIMITS: readonly RegExp[] = [
  /^maximum number of metadata items exceeds/i,
  /^image metadata limit exceeded/i,
  /^personality (file|content)/i,
  /^quota exceeded, too many servers in group/i,
  /^only volume-backed servers are allowed/i,
  /^it is not allowed to create an interface on/i,
  // The image asks for a placement of CPUs or memory that the flavor rules out.
  /^image property .* is not permitted to override/i,
  /^image .* is (unacceptable|not active)/i,
  /^block device mapping .* exceeds|^too many (disk )?devices|the maximum allowed number of disk devices/i,
  /^flavor's (disk|memory) is too small/i,
  /^page size .* forbidden|^locked_memory value/i,
  /\b(user_?data|key_?name|hostname)\b.*\b(too (large|long)|exceeds|not allowed|invalid)/i,
];
