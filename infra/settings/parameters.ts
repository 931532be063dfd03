import { CfnCondition, CfnParameter, Fn } from 'aws-cdk-lib';
import { Architecture } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import { NETWORK_POOL, type Stage } from './config.ts';

/** Retention times that CloudWatch Logs accepts, in days. */
const LOG_RETENTION_DAYS = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
];

/**
 * Shortest interval of the scheduled work of each connection, in minutes. EventBridge also refuses the plural in
 * `rate(1 minutes)`.
 */
const SHORTEST_INTERVAL_MINUTES = 5;
/** Longest interval of that work. A finding that no sweep looks at for a week is a leak of a week. */
const LONGEST_INTERVAL_MINUTES = 7 * 24 * 60;

interface NumberParameter {
  readonly description: string;
  readonly minValue?: number;
  readonly maxValue?: number;
  readonly allowedValues?: readonly number[];
  readonly defaultOf: (stage: Stage) => number;
}

/** Numbers that an operator may set at each deploy. The stage has their defaults. */
const NUMBERS = {
  DriverConcurrency: {
    description:
      "Maximum number of concurrent invocations of one driver's function (2 to 1000). The account's Lambda concurrency must have room for it, once for each driver.",
    minValue: 2,
    maxValue: 1_000,
    defaultOf: ({ driverConcurrency }) => driverConcurrency,
  },
  InventoryIntervalMinutes: {
    description:
      'Minutes between two verifications of each connection (5 to 10080). A verification also syncs the inventory if it is older than the interval of the driver.',
    minValue: SHORTEST_INTERVAL_MINUTES,
    maxValue: LONGEST_INTERVAL_MINUTES,
    defaultOf: ({ inventoryIntervalMinutes }) => inventoryIntervalMinutes,
  },
  SweepIntervalMinutes: {
    description: 'Minutes between two sweeps for orphans at each connection (5 to 10080).',
    minValue: SHORTEST_INTERVAL_MINUTES,
    maxValue: LONGEST_INTERVAL_MINUTES,
    defaultOf: ({ sweepIntervalMinutes }) => sweepIntervalMinutes,
  },
  NetworkGraceSeconds: {
    description:
      'Seconds for which a network that fleets share is kept after its last fleet has left it (0 to 86400). The same holds for its security groups.',
    minValue: 0,
    maxValue: 86_400,
    defaultOf: ({ networkGraceSeconds }) => networkGraceSeconds,
  },
  ApiRequestsPerSecond: {
    description:
      'Average number of API requests a second, over all callers (1 to 10000). API Gateway answers 429 to more.',
    minValue: 1,
    maxValue: 10_000,
    defaultOf: ({ apiRequestsPerSecond }) => apiRequestsPerSecond,
  },
  ApiChangesPerSecond: {
    description:
      'Number of requests a second, and together, to each route that changes something, over all callers (1 to 10000). API Gateway answers 429 to more.',
    minValue: 1,
    maxValue: 10_000,
    defaultOf: ({ apiChangesPerSecond }) => apiChangesPerSecond,
  },
  ApiBurstRequests: {
    description: 'Number of API requests that may arrive together (1 to 5000).',
    minValue: 1,
    maxValue: 5_000,
    defaultOf: ({ apiRequestsPerSecond }) => 2 * apiRequestsPerSecond,
  },
  WaitingRequests: {
    description:
      "Number of API requests that may wait for their instance at a time (0 to 500). Each keeps one of the account's concurrent Lambda invocations for up to 25 seconds.",
    minValue: 0,
    maxValue: 500,
    defaultOf: ({ waitingRequests }) => waitingRequests,
  },
  LogRetentionDays: {
    description: 'Days for which CloudWatch keeps the logs of functions and state machines.',
    allowedValues: LOG_RETENTION_DAYS,
    defaultOf: ({ logRetentionDays }) => logRetentionDays,
  },
} as const satisfies Record<string, NumberParameter>;

type NumberName = keyof typeof NUMBERS;

/** The issuer whose tokens the API accepts, and what the API reads of them. */
export interface TokenParameters {
  /** Empty: none. */
  readonly issuer: string;
  readonly audience: string;
  readonly subjectClaim: string;
  readonly groupsClaim: string;
  /** Subject that has all rights without a binding. Empty: none. */
  readonly firstAdministrator: string;
}

/** A setting with an empty default. `isSet` is the condition that the operator has set it. */
export interface OptionalText {
  readonly value: string;
  readonly isSet: CfnCondition;
}

/**
 * Makes the CloudFormation parameters: what an operator may set without another template, by
 * `cdk deploy --parameters Name=value` or `aws cloudformation deploy --parameter-overrides Name=value`.
 * CloudFormation keeps a parameter's value over later deploys. The settings that add resources are in the CDK
 * context; see config.ts.
 *
 * The local stage has its numbers in the template. MiniStack turns a number that a template takes from a parameter into
 * a text, and its queue pollers then fail.
 */
export class Parameters extends Construct {
  readonly driverConcurrency: number;
  readonly inventoryIntervalMinutes: number;
  readonly sweepIntervalMinutes: number;
  readonly networkGraceSeconds: number;
  /** CIDR from which shared networks get their address ranges. */
  readonly networkPool: string;
  /** Addresses that are not public and to which requests may be sent: CIDRs and host names, with commas. */
  readonly allowedAddresses: string;
  readonly tokens: TokenParameters;
  readonly apiRequestsPerSecond: number;
  readonly apiBurstRequests: number;
  readonly apiChangesPerSecond: number;
  readonly waitingRequests: number;
  readonly logRetentionDays: number;
  readonly functionArchitecture: Architecture;
  /** Address to which alarms are sent. Undefined: the stage has no alarms. */
  readonly alarmEmail: OptionalText | undefined;
  /** Id that the operator chooses for the deployment. */
  readonly chosenDeploymentId: OptionalText;

  constructor(scope: Construct, id: string, { stage }: { stage: Stage }) {
    super(scope, id);
    this.driverConcurrency = this.#number('DriverConcurrency', stage);
    this.inventoryIntervalMinutes = this.#number('InventoryIntervalMinutes', stage);
    this.sweepIntervalMinutes = this.#number('SweepIntervalMinutes', stage);
    this.networkGraceSeconds = this.#number('NetworkGraceSeconds', stage);
    this.networkPool = this.#networkPool(stage);
    this.allowedAddresses = this.#allowedAddresses(stage);
    this.tokens = this.#tokens(stage);
    this.apiRequestsPerSecond = this.#number('ApiRequestsPerSecond', stage);
    this.apiChangesPerSecond = this.#number('ApiChangesPerSecond', stage);
    this.apiBurstRequests = this.#number('ApiBurstRequests', stage);
    this.waitingRequests = this.#number('WaitingRequests', stage);
    this.logRetentionDays = this.#number('LogRetentionDays', stage);
    this.functionArchitecture = this.#architecture(stage);
    this.alarmEmail =
      stage.alarms === 'none'
        ? undefined
        : this.#optionalText('AlarmEmail', {
            description:
              'E-mail address to which alarms are sent. AWS asks the address to confirm. Empty: alarms are only shown in CloudWatch.',
            allowedPattern: '|[^@\\s]{1,64}@[^@\\s]+\\.[^@\\s.]+',
            constraintDescription: 'must be an e-mail address, or empty',
            maxLength: 320,
          });
    this.chosenDeploymentId = this.#optionalText('ChosenDeploymentId', {
      description:
        "Id of this deployment, which is on everything that it makes at a cloud. It cannot change after the first deploy. Empty: the stack's UUID.",
      allowedPattern: '|[a-z0-9-]{3,36}',
      constraintDescription: 'must be 3 to 36 characters of a-z, 0-9 and -, or empty',
    });
  }

  #number(name: NumberName, stage: Stage): number {
    const { defaultOf, allowedValues, ...rules }: NumberParameter = NUMBERS[name];
    if (stage.name === 'local') return defaultOf(stage);
    const parameter = new CfnParameter(this, name, {
      type: 'Number',
      ...rules,
      // CDK writes allowed values as texts, and the default must be one of them.
      ...(allowedValues === undefined
        ? { default: defaultOf(stage) }
        : { default: String(defaultOf(stage)), allowedValues: allowedValues.map(String) }),
    });
    parameter.overrideLogicalId(name);
    return parameter.valueAsNumber;
  }

  #networkPool(stage: Stage): string {
    if (stage.name === 'local') return NETWORK_POOL;
    const parameter = new CfnParameter(this, 'NetworkPool', {
      type: 'String',
      default: NETWORK_POOL,
      description:
        'CIDR (/8 to /16) from which networks that fleets share get their address ranges: a /16 each, which no other shared network of the namespace has.',
      allowedPattern: '(\\d{1,3}\\.){3}\\d{1,3}/(8|9|1[0-6])',
      constraintDescription: 'must be an IPv4 CIDR from /8 to /16, such as 10.0.0.0/8',
    });
    parameter.overrideLogicalId('NetworkPool');
    return parameter.valueAsString;
  }

  #allowedAddresses({ name: stage, allowedAddresses }: Stage): string {
    if (stage === 'local') return allowedAddresses;
    const parameter = new CfnParameter(this, 'AllowedAddresses', {
      type: 'String',
      default: allowedAddresses,
      description:
        'Addresses of private clouds and issuers to which requests may be sent although they are not public: CIDRs and host names, separated by commas, such as 10.20.0.0/16,keystone.example.internal. Link-local and metadata addresses are always refused.',
      allowedPattern: '[A-Za-z0-9.:/_,-]*',
      constraintDescription: 'must be CIDRs and host names, separated by commas without spaces',
      maxLength: 2_000,
    });
    parameter.overrideLogicalId('AllowedAddresses');
    return parameter.valueAsString;
  }

  #tokens(stage: Stage): TokenParameters {
    const text = (name: string, preset: string, allowedPattern: string, description: string) => {
      if (stage.name === 'local') return preset;
      const parameter = new CfnParameter(this, name, {
        type: 'String',
        default: preset,
        description,
        allowedPattern,
        maxLength: 600,
      });
      parameter.overrideLogicalId(name);
      return parameter.valueAsString;
    };
    return {
      issuer: text(
        'OidcIssuer',
        '',
        '|https://[^\\s?#]+',
        'URL of the OpenID Connect issuer whose tokens the API accepts, exactly as its discovery document and its tokens have it. Empty: API keys only.',
      ),
      audience: text(
        'OidcAudience',
        '',
        '\\S*',
        'Audience (aud) that tokens must have. Needed with OidcIssuer.',
      ),
      subjectClaim: text(
        'OidcSubjectClaim',
        'sub',
        '\\S+',
        'Claim of tokens that names the user. It must never be given to another user.',
      ),
      groupsClaim: text(
        'OidcGroupsClaim',
        'groups',
        '\\S+',
        'Claim of tokens that names the groups of the user.',
      ),
      firstAdministrator: text(
        'FirstAdministrator',
        '',
        '\\S*',
        'Subject of tokens that is a platform-admin without a binding, to make the first bindings. Empty: none.',
      ),
    };
  }

  /** The code is JavaScript and runs on both architectures. */
  #architecture({ name: stage }: Stage): Architecture {
    if (stage === 'local') return Architecture.ARM_64;
    const name = 'FunctionArchitecture';
    const parameter = new CfnParameter(this, name, {
      type: 'String',
      default: Architecture.ARM_64.name,
      allowedValues: [Architecture.ARM_64.name, Architecture.X86_64.name],
      description:
        'Processors that run the functions. x86_64 is for a region without arm64, and costs a quarter more.',
    });
    parameter.overrideLogicalId(name);
    return Architecture.custom(parameter.valueAsString);
  }

  #optionalText(
    name: string,
    rules: { description: string; allowedPattern: string; constraintDescription: string; maxLength?: number },
  ): OptionalText {
    const parameter = new CfnParameter(this, name, { type: 'String', default: '', ...rules });
    parameter.overrideLogicalId(name);
    const isSet = new CfnCondition(this, `Has${name}`, {
      expression: Fn.conditionNot(Fn.conditionEquals(parameter.valueAsString, '')),
    });
    isSet.overrideLogicalId(`Has${name}`);
    return { value: parameter.valueAsString, isSet };
  }
}
