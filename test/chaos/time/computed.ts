/**
 * Returns the time that this thread has computed so far, in ms. It does not pass while other programs have the processor, so
 * that a busy machine does not make a request slower.
 */
export function computedMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}
