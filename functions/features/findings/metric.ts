/**
 * Returns the fields of a log line from which CloudWatch derives a metric. Source: docs.aws.amazon.com, embedded metric
 * format.
 */
export function metricOf(type: string, nowMs: number): Record<string, unknown> {
  const Name = type.replaceAll(' ', '');
  const metrics = { Namespace: 'Fleetwright', Dimensions: [[]], Metrics: [{ Name, Unit: 'Count' }] };
  return { _aws: { Timestamp: nowMs, CloudWatchMetrics: [metrics] }, [Name]: 1 };
}
