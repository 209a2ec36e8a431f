import { isIP } from 'node:net';
import type { Config, FlagSetting } from '../../config/index.ts';
import { isWildcard } from '../../lib/endpoint.ts';
import { TunneliteError } from '../../lib/errors.ts';
import { lanAddress, lanName, linkMtu } from '../../pairing/lan-address.ts';

/** Options of `start` for phones in the local network. */
export const lanOptions = {
  lan: { type: 'boolean', description: 'Let phones in the local network connect, with a page of instructions' },
  name: {
    type: 'string',
    valueHint: 'name',
    description: 'With --lan: name or address of this machine; default <host>.local',
  },
  'lan-port': { type: 'string', valueHint: 'port', description: 'With --lan: port of the page; default 8446' },
} as const;

const PAGE_PORT = 8446;
/** MTU of an Ethernet or Wi-Fi link, and the default of the configuration, in bytes. */
const USUAL_MTU = 1500;

/** How phones reach this machine. */
export interface Lan {
  readonly address: string;
  /** The host in certificates, addresses and the page. */
  readonly name: string;
  readonly pagePort: number;
  /** The resulting settings of the configuration. */
  readonly flags: readonly FlagSetting[];
}

/**
 * Reads `--lan` and related options; undefined without it.
 * @param read the configuration without those
 * @throws TunneliteError `ERR_CLI_USAGE`, `ERR_LAN_ADDRESS`
 */
export function lanSettings(args: Readonly<Record<string, unknown>>, read: () => Config): Lan | undefined {
  if (args.lan !== true) {
    const stray = ['name', 'lan-port'].find((option) => args[option] !== undefined);
    if (stray === undefined) return undefined;
    throw new TunneliteError('ERR_CLI_USAGE', `The option --${stray} requires --lan.`, {
      hint: 'Add --lan, or remove it.',
    });
  }
  const config = read();
  const host = typeof args.host === 'string' && isIP(args.host) !== 0 && !isWildcard(args.host) ? args.host : undefined;
  const found = host === undefined ? lanAddress() : { address: host, interface: '' };
  const { address } = found;
  const name = typeof args.name === 'string' ? args.name : lanName();
  const set = (key: string, text: string, flag = '--lan'): FlagSetting => ({ key, text, flag });
  const flags: FlagSetting[] = [];
  for (const section of ['gateway', 'identity'] as const) {
    const { names } = config[section];
    if (isLoopback(config[section].host)) flags.push(set(`${section}.host`, '0.0.0.0'));
    const all = [...new Set([...names, name, address])];
    flags.push(set(`${section}.names`, all.join(','), args.name === undefined ? '--lan' : '--name'));
  }
  // The address of --host is for clients. Administration stays on this machine.
  if (args.host !== undefined) flags.push(set('admin.host', '127.0.0.1'));
  if (config.gateway.banner === null) flags.push(set('gateway.banner', `Tunnelite on ${name}: a gateway for tests`));
  const mtu = linkMtu(found.interface);
  if (mtu !== undefined && mtu < USUAL_MTU && config.gateway.mtu === USUAL_MTU) {
    flags.push(set('gateway.mtu', String(Math.max(mtu, 576))));
  }
  return { address, name, pagePort: pagePort(args), flags };
}

const isLoopback = (address: string): boolean => address === '::1' || address.startsWith('127.');

function pagePort({ 'lan-port': given, port }: Readonly<Record<string, unknown>>): number {
  // A single --port 0 is enough to run next to anything else.
  if (given === undefined) return port === '0' ? 0 : PAGE_PORT;
  if (typeof given === 'string' && /^\d{1,5}$/.test(given) && Number(given) <= 65_535) return Number(given);
  throw new TunneliteError('ERR_CLI_USAGE', `"--lan-port ${given}" is not a port.`, {
    hint: 'Use a number from 0 to 65535; 0 is any free port.',
  });
}
