import { type FleetRequest, fleetRequestSchema } from '../../functions/model/fleet-request.ts';
import type { World } from './context.ts';
import { nameOf, readText } from './files.ts';
import { withUserDataFiles } from './user-data-file.ts';
import { checkContent, type Located, parseYaml } from './yaml-file.ts';

/**
 * Reads a fleet.yaml and the files with user data that it names.
 *
 * @throws CliError (wrong use) that names line and column of every error
 */
export async function readFleetFile(world: World, file: string): Promise<Located<FleetRequest>> {
  const name = nameOf(file);
  const parsed = parseYaml(name, await readText(world, file));
  const value = await withUserDataFiles(world, file, parsed, 'nodeGroups');
  return checkContent(name, { ...parsed, value }, fleetRequestSchema);
}
