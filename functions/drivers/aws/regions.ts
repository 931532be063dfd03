/**
 * Display name, country (ISO 3166-1 alpha-3), and approximate latitude and longitude of each region. EC2 does not
 * report these facts.
 */
const REGIONS: Readonly<Record<string, readonly [string, string, number, number]>> = {
  'af-south-1': ['Africa (Cape Town)', 'ZAF', -33.92, 18.42],
  'ap-east-1': ['Asia Pacific (Hong Kong)', 'HKG', 22.32, 114.17],
  'ap-east-2': ['Asia Pacific (Taipei)', 'TWN', 25.03, 121.57],
  'ap-northeast-1': ['Asia Pacific (Tokyo)', 'JPN', 35.68, 139.69],
  'ap-northeast-2': ['Asia Pacific (Seoul)', 'KOR', 37.57, 126.98],
  'ap-northeast-3': ['Asia Pacific (Osaka)', 'JPN', 34.69, 135.5],
  'ap-south-1': ['Asia Pacific (Mumbai)', 'IND', 19.08, 72.88],
  'ap-south-2': ['Asia Pacific (Hyderabad)', 'IND', 17.39, 78.49],
  'ap-southeast-1': ['Asia Pacific (Singapore)', 'SGP', 1.35, 103.82],
  'ap-southeast-2': ['Asia Pacific (Sydney)', 'AUS', -33.87, 151.21],
  'ap-southeast-3': ['Asia Pacific (Jakarta)', 'IDN', -6.21, 106.85],
  'ap-southeast-4': ['Asia Pacific (Melbourne)', 'AUS', -37.81, 144.96],
  'ap-southeast-5': ['Asia Pacific (Malaysia)', 'MYS', 3.14, 101.69],
  'ap-southeast-6': ['Asia Pacific (New Zealand)', 'NZL', -36.85, 174.76],
  'ap-southeast-7': ['Asia Pacific (Thailand)', 'THA', 13.76, 100.5],
  'ca-central-1': ['Canada (Central)', 'CAN', 45.5, -73.57],
  'ca-west-1': ['Canada West (Calgary)', 'CAN', 51.05, -114.07],
  'cn-north-1': ['China (Beijing)', 'CHN', 39.9, 116.4],
  'cn-northwest-1': ['China (Ningxia)', 'CHN', 38.47, 106.28],
  'eu-central-1': ['Europe (Frankfurt)', 'DEU', 50.11, 8.68],
  'eu-central-2': ['Europe (Zurich)', 'CHE', 47.38, 8.54],
  'eu-north-1': ['Europe (Stockholm)', 'SWE', 59.33, 18.07],
  'eu-south-1': ['Europe (Milan)', 'ITA', 45.46, 9.19],
  'eu-south-2': ['Europe (Spain)', 'ESP', 41.65, -0.88],
  'eu-west-1': ['Europe (Ireland)', 'IRL', 53.35, -6.26],
  'eu-west-2': ['Europe (London)', 'GBR', 51.51, -0.13],
  'eu-west-3': ['Europe (Paris)', 'FRA', 48.86, 2.35],
  'il-central-1': ['Israel (Tel Aviv)', 'ISR', 32.09, 34.78],
  'me-central-1': ['Middle East (UAE)', 'ARE', 24.45, 54.38],
  'me-south-1': ['Middle East (Bahrain)', 'BHR', 26.07, 50.56],
  'mx-central-1': ['Mexico (Central)', 'MEX', 20.59, -100.39],
  'sa-east-1': ['South America (São Paulo)', 'BRA', -23.55, -46.63],
  'us-east-1': ['US East (N. Virginia)', 'USA', 38.95, -77.45],
  'us-east-2': ['US East (Ohio)', 'USA', 39.96, -83],
  'us-gov-east-1': ['AWS GovCloud (US-East)', 'USA', 39.96, -83],
  'us-gov-west-1': ['AWS GovCloud (US-West)', 'USA', 45.52, -122.68],
  'us-west-1': ['US West (N. California)', 'USA', 37.35, -121.96],
  'us-west-2': ['US West (Oregon)', 'USA', 45.84, -119.7],
};

export interface RegionFacts {
  displayName: string;
  country?: string;
  latitude?: number;
  longitude?: number;
}

/** Returns the facts of a region. For a region that is not in the table, returns only the region's own name. */
export function regionFacts(region: string): RegionFacts {
  const facts = REGIONS[region];
  if (!facts) return { displayName: region };
  const [displayName, country, latitude, longitude] = facts;
  return { displayName, country, latitude, longitude };
}

export function isKnownRegion(region: string): boolean {
  return Object.hasOwn(REGIONS, region);
}

/** Regions of each partition that every account has enabled, in the order in which the driver asks them for a list. */
const ENABLED: readonly (readonly string[])[] = [
  ['us-east-1', 'us-west-2', 'eu-west-1', 'eu-central-1', 'ap-northeast-1'],
  ['cn-north-1', 'cn-northwest-1'],
  ['us-gov-west-1', 'us-gov-east-1'],
];

/** Returns other regions of the same partition, which are enabled for every account. */
export function otherRegions(region: string): string[] {
  const partition = /^(cn|us-gov)-/.exec(region)?.[1];
  const enabled = ENABLED.find(([first = '']) => /^(cn|us-gov)-/.exec(first)?.[1] === partition) ?? [];
  return enabled.filter((one) => one !== region);
}
