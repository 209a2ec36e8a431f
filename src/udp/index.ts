import type { DatagramSocket, DatagramSocketOptions } from './datagram-socket.ts';
import { DgramSocket } from './dgram-socket.ts';
import { loadLibc } from './libc.ts';
import { MmsgSocket } from './mmsg-socket.ts';
import { chooseWatch } from './readiness-trial.ts';

export type {
  DatagramDirection,
  DatagramFaults,
  DatagramGate,
  DatagramPlace,
  PassingDatagram,
} from './datagram-faults.ts';
export { SocketMemory } from './datagram-memory.ts';
export {
  type DatagramReceiver,
  type DatagramSocket,
  type DatagramSocketOptions,
  type Endpoint,
  endpointOf,
  freshStats,
  MAX_DATAGRAM,
} from './datagram-socket.ts';
export type { DatagramTap, DatagramTaps } from './datagram-tap.ts';
export { FaultyDatagramSocket } from './faulty-datagram-socket.ts';

/** How datagrams are read and written on this machine, and why not in batches if they are not. */
type DatagramAcceleration = { readonly kind: 'mmsg' } | { readonly kind: 'dgram'; readonly reason: string };

/** Checks whether batched sockets work on this machine. The first call loads the system's functions. */
export function datagramAcceleration(): DatagramAcceleration {
  const libc = loadLibc();
  return typeof libc === 'string' ? { kind: 'dgram', reason: libc } : { kind: 'mmsg' };
}

/**
 * `TUNNELITE_ACCELERATION=0`, `false`, `no` or `off` turns off all native code, for datagrams and for records, whatever the caller
 * requests.
 */
export function accelerationWanted(enabled: boolean): boolean {
  return enabled && !/^\s*(0|false|no|off)\s*$/i.test(process.env.TUNNELITE_ACCELERATION ?? '');
}

/**
 * Opens a UDP socket: batched if possible, otherwise on node:dgram. Rejects with the system's error if it cannot bind.
 *
 * @param enabled false = always node:dgram, as with `TUNNELITE_ACCELERATION=0`
 */
export async function openDatagramSocket(options: DatagramSocketOptions, enabled = true): Promise<DatagramSocket> {
  const libc = accelerationWanted(enabled) && !options.host.includes('%') ? loadLibc() : '';
  return typeof libc === 'string' ? DgramSocket.open(options) : MmsgSocket.open(libc, options, await chooseWatch(libc));
}
