import type { Directory } from '../entra/directory/directory.ts';
import { MEMBERS } from './document-members.ts';
import { applicationObject, servicePrincipalObject } from './graph/directory-objects.ts';
import type { GraphObjects } from './graph/objects.ts';
import { type Entry, SETS, type SetName } from './graph/store.ts';

/** An object in a document: with its references, as IDs. */
export function documentObject({ object, links }: Entry): Readonly<Record<string, unknown>> {
  return {
    ...object,
    ...(links.configuration === undefined ? {} : { microsoftTunnelConfiguration: { id: links.configuration } }),
    ...(links.members?.length ? { [MEMBERS]: links.members.map((id) => `directoryObjects/${id}`) } : {}),
  };
}

/**
 * All objects as lists, by the names of Graph's collections: the input format of `import` and the configuration. Excludes servers:
 * they register themselves.
 */
export function exportDocument(
  { store }: GraphObjects,
  directory: Directory,
): Readonly<Record<string, readonly object[]>> {
  const tenant = directory.defaultTenant;
  const listOf = (set: SetName): readonly object[] => store.list(set).map(documentObject);
  return {
    servicePrincipals: [...tenant.servicePrincipals].map((each) => servicePrincipalObject(tenant, each)),
    applications: [...tenant.applications].map((each) => applicationObject(tenant, each)),
    ...Object.fromEntries(SETS.filter((set) => set !== 'microsoftTunnelServers').map((set) => [set, listOf(set)])),
  };
}
