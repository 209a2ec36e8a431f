import type { Visitor } from '../../src/lib/person.ts';

/** Somebody whose connection a mock service is handed. */
export const visitor: Visitor = {
  session: 'a1b2c3',
  person: { username: '02d589a5', signInName: 'alice@contoso.example', objectId: '02d589a5', tenantId: 'tenant' },
  sourceAddress: '169.254.0.2',
  sourcePort: 40_000,
  destinationAddress: '10.20.0.10',
  destinationPort: 80,
};
