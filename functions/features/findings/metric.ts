/**
 * Returns the fields that make CloudWatch derive a metric from a log line. Source: docs.aws.amazon.com, embedded metric
 * format.
 */
export function metricOf(type: string, nowMs: number): Record<string, unknown> {
  const Name = type.replaceAll(' ', '');
  const metrics = { Namespace: 'Fleetwright', Dimensions: [[]], Metrics: [{ Name, Unit: 'Count' }] };
  return { _aws: { Timestamp: nowMs, CloudWatchMetrics: [metrics] }, [Name]: 1 };
}
