import { lookup } from 'node:dns/promises';

/** Resolves a name to addresses, best first; rejects when there are none. */
export type LookUp = (host: string) => Promise<readonly string[]>;

/** This machine's resolver, with its hosts file and a container network's names. @throws the system's error */
export const systemLookUp: LookUp = async (host) =>
  (await lookup(host, { all: true, order: 'verbatim' })).map(({ address }) => address);
