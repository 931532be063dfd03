import { Option } from 'commander';

/** Returns the option with which a benchmark in virtual time leaves out the limits of the AWS services. */
export const unlimitedServicesOption = (): Option =>
  new Option(
    '--unlimited-services',
    'leave out the limits of Lambda, Step Functions and Parameter Store, and let all clouds share one queue that has ' +
      'its full concurrency from the start',
  ).default(false);
