import { nodesAt, type Parameters, tagsAt, textAt, textsAt } from './query.ts';
import type { Region } from './region.ts';
import { isoOf, type Part, type PartKind, passes, Refusal, stateAt, tagsXml } from './state.ts';
import type { Xml } from './xml.ts';

export interface Call {
  region: Region;
  parameters: Parameters;
  nowMs: number;
}
export type Action = (call: Call) => Readonly<Record<string, Xml>>;

function make(
  { region, parameters, nowMs }: Call,
  kind: PartKind,
  prefix: string,
  facts: Readonly<Record<string, string>>,
): Part {
  const tags = tagsAt(parameters, kind);
  return region.add({
    kind,
    id: region.newId(prefix),
    tags,
    createdAtMs: nowMs,
    facts: new Map(Object.entries(facts)),
  });
}

function list(
  { region, parameters }: Call,
  kind: PartKind,
  ids: string,
  notFound: string,
  view: (part: Part) => Xml,
): Xml[] {
  const asked = textsAt(parameters, ids);
  const parts = asked.length > 0 ? asked.map((id) => region.part(kind, id, notFound)) : region.partsOf(kind);
  return parts
    .filter((part) => passes(parameters, part.tags, (name) => valuesOf(part, name)))
    .map((part) => view(part));
}

/** Filters that select resources of a kind by their ids. */
const ID_FILTERS: Readonly<Partial<Record<PartKind, string>>> = {
  vpc: 'vpc-id',
  subnet: 'subnet-id',
  'security-group': 'group-id',
};

function valuesOf(part: Part, name: string): string[] {
  if (ID_FILTERS[part.kind] === name) return [part.id];
  const value = part.facts.get(name);
  return value === undefined ? [] : [value];
}

const fact = (part: Part, name: string): string => part.facts.get(name) ?? '';
const done = { return: true };

const vpcXml = (part: Part): { [name: string]: Xml } => ({
  vpcId: part.id,
  state: 'available',
  cidrBlock: fact(part, 'cidr'),
  tagSet: tagsXml(part.tags),
});
const subnetXml = (part: Part): Xml => ({
  subnetId: part.id,
  vpcId: fact(part, 'vpc-id'),
  cidrBlock: fact(part, 'cidr'),
  availabilityZone: fact(part, 'availability-zone'),
  tagSet: tagsXml(part.tags),
});
const gatewayXml = (part: Part): Xml => ({
  internetGatewayId: part.id,
  attachmentSet: valuesOf(part, 'attachment.vpc-id').map((vpcId) => ({ vpcId, state: 'available' })),
  tagSet: tagsXml(part.tags),
});
const groupXml = (part: Part): Xml => ({
  groupId: part.id,
  groupName: fact(part, 'group-name'),
  vpcId: fact(part, 'vpc-id'),
  tagSet: tagsXml(part.tags),
});
const templateXml = (part: Part): Xml => ({
  launchTemplateId: part.id,
  launchTemplateName: fact(part, 'launch-template-name'),
  createTime: isoOf(part.createdAtMs),
  tagSet: tagsXml(part.tags),
});

/**
 * Answers requests for VPCs and their resources, for key pairs, and for the launch templates that the driver
 * uses to reserve names.
 */
export const NETWORK_ACTIONS: Readonly<Record<string, Action>> = {
  CreateVpc: (call) => {
    const vpc = make(call, 'vpc', 'vpc', { cidr: textAt(call.parameters, 'CidrBlock') });
    const facts = { 'vpc-id': vpc.id, 'association.main': 'true' };
    make({ ...call, parameters: {} }, 'route-table', 'rtb', facts);
    make({ ...call, parameters: {} }, 'security-group', 'sg', { 'vpc-id': vpc.id, 'group-name': 'default' });
    return { vpc: vpcXml(vpc) };
  },
  DescribeVpcs: (call) => ({ vpcSet: list(call, 'vpc', 'VpcId', 'InvalidVpcID.NotFound', vpcXml) }),
  DeleteVpc: ({ region, parameters }) => {
    const { id } = region.part('vpc', textAt(parameters, 'VpcId'), 'InvalidVpcID.NotFound');
    const own = [...region.parts.values()].filter((part) => fact(part, 'vpc-id') === id);
    const goesAlong = (part: Part) => part.kind === 'route-table' || fact(part, 'group-name') === 'default';
    const attached = region
      .partsOf('internet-gateway')
      .some((part) => fact(part, 'attachment.vpc-id') === id);
    if (attached || own.some((part) => !goesAlong(part))) {
      throw new Refusal(
        400,
        'DependencyViolation',
        `The vpc '${id}' has dependencies and cannot be deleted.`,
      );
    }
    for (const part of [...own, { id }]) region.parts.delete(part.id);
    return done;
  },
  CreateSubnet: (call) => ({
    subnet: subnetXml(
      make(call, 'subnet', 'subnet', {
        'vpc-id': textAt(call.parameters, 'VpcId'),
        cidr: textAt(call.parameters, 'CidrBlock'),
        'availability-zone': textAt(call.parameters, 'AvailabilityZone'),
      }),
    ),
  }),
  DescribeSubnets: (call) => ({
    subnetSet: list(call, 'subnet', 'SubnetId', 'InvalidSubnetID.NotFound', subnetXml),
  }),
  DeleteSubnet: remove('subnet', 'SubnetId', 'InvalidSubnetID.NotFound'),
  CreateInternetGateway: (call) => ({
    internetGateway: gatewayXml(make(call, 'internet-gateway', 'igw', {})),
  }),
  AttachInternetGateway: ({ region, parameters }) => {
    const id = textAt(parameters, 'InternetGatewayId');
    const gateway = region.part('internet-gateway', id, 'InvalidInternetGatewayID.NotFound');
    gateway.facts.set('attachment.vpc-id', textAt(parameters, 'VpcId'));
    return done;
  },
  DetachInternetGateway: ({ region, parameters }) => {
    const id = textAt(parameters, 'InternetGatewayId');
    region
      .part('internet-gateway', id, 'InvalidInternetGatewayID.NotFound')
      .facts.delete('attachment.vpc-id');
    return done;
  },
  DescribeInternetGateways: (call) => ({
    internetGatewaySet: list(
      call,
      'internet-gateway',
      'InternetGatewayId',
      'InvalidInternetGatewayID.NotFound',
      gatewayXml,
    ),
  }),
  DeleteInternetGateway: remove('internet-gateway', 'InternetGatewayId', 'InvalidInternetGatewayID.NotFound'),
  DescribeRouteTables: (call) => ({
    routeTableSet: list(call, 'route-table', 'RouteTableId', 'InvalidRouteTableID.NotFound', (part) => ({
      routeTableId: part.id,
      vpcId: fact(part, 'vpc-id'),
      routeSet: valuesOf(part, 'route').map((destinationCidrBlock) => ({ destinationCidrBlock })),
    })),
  }),
  CreateRoute: ({ region, parameters }) => {
    const table = region.part(
      'route-table',
      textAt(parameters, 'RouteTableId'),
      'InvalidRouteTableID.NotFound',
    );
    table.facts.set('route', textAt(parameters, 'DestinationCidrBlock'));
    return done;
  },
  CreateSecurityGroup: (call) => {
    const name = textAt(call.parameters, 'GroupName');
    const vpcId = textAt(call.parameters, 'VpcId');
    const taken = call.region
      .partsOf('security-group')
      .some((part) => fact(part, 'group-name') === name && fact(part, 'vpc-id') === vpcId);
    if (taken)
      throw new Refusal(400, 'InvalidGroup.Duplicate', `The security group '${name}' already exists`);
    const group = make(call, 'security-group', 'sg', { 'group-name': name, 'vpc-id': vpcId });
    return { ...done, groupId: group.id };
  },
  AuthorizeSecurityGroupIngress: ({ region, parameters }) => {
    region.part('security-group', textAt(parameters, 'GroupId'), 'InvalidGroup.NotFound');
    return done;
  },
  DescribeSecurityGroups: (call) => ({
    securityGroupInfo: list(call, 'security-group', 'GroupId', 'InvalidGroup.NotFound', groupXml),
  }),
  DeleteSecurityGroup: ({ region, parameters, nowMs }) => {
    const { id } = region.part('security-group', textAt(parameters, 'GroupId'), 'InvalidGroup.NotFound');
    const used = region
      .shown(nowMs)
      .some((machine) => machine.groupIds.includes(id) && stateAt(machine, nowMs) !== 'terminated');
    if (used) throw new Refusal(400, 'DependencyViolation', `resource ${id} has a dependent object`);
    region.parts.delete(id);
    return done;
  },
  DescribeNetworkInterfaces: ({ region, parameters, nowMs }) => ({
    networkInterfaceSet: [
      ...region.foreignInterfaces,
      ...region
        .shown(nowMs)
        .filter((machine) => stateAt(machine, nowMs) !== 'terminated')
        .map(({ id, vpcId }) => ({ id: `eni-${id}`, vpcId })),
    ]
      .filter(({ vpcId }) => passes(parameters, new Map(), (name) => (name === 'vpc-id' ? [vpcId] : [])))
      .map(({ id }) => ({ networkInterfaceId: id })),
  }),
  ImportKeyPair: (call) => {
    const name = textAt(call.parameters, 'KeyName');
    if (call.region.partsOf('key-pair').some((part) => fact(part, 'key-name') === name)) {
      throw new Refusal(400, 'InvalidKeyPair.Duplicate', `The keypair already exists`);
    }
    make(call, 'key-pair', 'key', { 'key-name': name });
    return { keyName: name, keyFingerprint: '00:00' };
  },
  DescribeKeyPairs: (call) => ({
    keySet: list(call, 'key-pair', 'KeyPairId', 'InvalidKeyPair.NotFound', (part) => ({
      keyName: fact(part, 'key-name'),
      keyPairId: part.id,
      createTime: isoOf(part.createdAtMs),
      tagSet: tagsXml(part.tags),
    })),
  }),
  DeleteKeyPair: ({ region, parameters }) => {
    const name = textAt(parameters, 'KeyName');
    for (const part of region.partsOf('key-pair'))
      if (fact(part, 'key-name') === name) region.parts.delete(part.id);
    return done;
  },
  CreateLaunchTemplate: (call) => {
    const name = textAt(call.parameters, 'LaunchTemplateName');
    const taken = call.region
      .partsOf('launch-template')
      .some((part) => fact(part, 'launch-template-name') === name);
    if (taken) {
      const message = `Launch template name already in use.`;
      throw new Refusal(400, 'InvalidLaunchTemplateName.AlreadyExistsException', message);
    }
    const template = make(call, 'launch-template', 'lt', { 'launch-template-name': name });
    return { launchTemplate: templateXml(template) };
  },
  DescribeLaunchTemplates: (call) => {
    const names = textsAt(call.parameters, 'LaunchTemplateName');
    const all = list(
      call,
      'launch-template',
      'LaunchTemplateId',
      'InvalidLaunchTemplateId.NotFound',
      templateXml,
    );
    const known = call.region.partsOf('launch-template').map((part) => fact(part, 'launch-template-name'));
    const missing = names.find((name) => !known.includes(name));
    if (missing !== undefined) {
      const message = `At least one of the launch templates specified in the request does not exist.`;
      throw new Refusal(400, 'InvalidLaunchTemplateName.NotFoundException', message);
    }
    return { launchTemplates: all };
  },
  DeleteLaunchTemplate: ({ region, parameters }) => {
    const id = textAt(parameters, 'LaunchTemplateId');
    region.part('launch-template', id, 'InvalidLaunchTemplateId.NotFound');
    region.parts.delete(id);
    return {};
  },
  CreateTags: ({ region, parameters }) => {
    const tags = nodesAt(parameters, 'Tag');
    for (const id of textsAt(parameters, 'ResourceId')) {
      const target = region.machines.get(id) ?? region.parts.get(id);
      if (!target) throw new Refusal(400, 'InvalidID', `The ID '${id}' is not valid`);
      for (const tag of tags) target.tags.set(textAt(tag, 'Key'), textAt(tag, 'Value'));
    }
    return done;
  },
  DeleteTags: ({ region, parameters }) => {
    for (const id of textsAt(parameters, 'ResourceId')) {
      const target = region.machines.get(id) ?? region.parts.get(id);
      for (const tag of nodesAt(parameters, 'Tag')) target?.tags.delete(textAt(tag, 'Key'));
    }
    return done;
  },
};

function remove(kind: PartKind, parameter: string, notFound: string): Action {
  return ({ region, parameters }) => {
    const { id } = region.part(kind, textAt(parameters, parameter), notFound);
    region.parts.delete(id);
    return done;
  };
}
