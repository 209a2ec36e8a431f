import type { Directory } from '../entra/directory/index.ts';
import type { Person } from '../lib/person.ts';
import type { PersonDirectory } from '../resources/index.ts';

/** The built-in Entra ID's current data about people, whatever their tokens contained when they were issued. */
export function personDirectory(directory: () => Directory | undefined): PersonDirectory {
  const find = ({ tenantId, objectId }: Person) => {
    const tenant = tenantId === undefined ? undefined : directory()?.findTenant(tenantId);
    return { tenant, user: objectId === undefined ? undefined : tenant?.users.find(objectId) };
  };
  return {
    groupsOf: (person) => find(person).user?.groups.map((group) => group.toLowerCase()),
    deviceOf(person) {
      const { tenant, user } = find(person);
      const id = person.facts?.device ?? user?.device;
      return id === undefined ? undefined : tenant?.devices.find(id);
    },
  };
}
