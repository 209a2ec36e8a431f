import { TunneliteError } from '../../lib/errors.ts';

const number = (valueHint: string, description: string) => ({ type: 'string', valueHint, description }) as const;

/** Options for the parameters of actions at the seam `tcp`; other parameters use `--with`. */
export const TOXIC_OPTIONS = {
  latency: number('ms', 'Of latency: milliseconds'),
  jitter: number('ms', 'Random variation in milliseconds'),
  rate: number('KB/s', 'Of bandwidth: thousand bytes per second'),
  delay: number('number', 'Of slow_close: milliseconds; of slicer: microseconds'),
  timeout: number('ms', 'Of timeout and reset_peer: milliseconds'),
  'average-size': number('bytes', 'Of slicer: bytes per slice'),
  'size-variation': number('bytes', 'Of slicer: variation in bytes'),
  bytes: number('count', 'Of limit_data: bytes; of mtu_blackhole: bytes of a datagram'),
} as const;

/** The members of a rule's `then` given as options. */
export function toxicMembers(args: Readonly<Record<string, unknown>>): Record<string, number> {
  const members: Record<string, number> = {};
  for (const key of Object.keys(TOXIC_OPTIONS)) {
    const value = args[key];
    if (typeof value !== 'string') continue;
    if (!/^\d{1,15}$/.test(value)) throw new TunneliteError('ERR_CLI_USAGE', `"--${key} ${value}" is not a number.`);
    members[key.replace('-', '_')] = Number(value);
  }
  return members;
}
