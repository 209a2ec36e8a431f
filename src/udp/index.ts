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

/** How datagrams are read and written here, and why not in batches where they are not. */
type DatagramAcceleration = { readonly kind: 'mmsg' } | { readonly kind: 'dgram'; readonly reason: string };

/** Tells whether sockets of this machine work in batches. The first call loads the system's calls. */
export function datagramAcceleration(): DatagramAcceleration {
  const libc = loadLibc();
  return typeof libc === 'string' ? { kind: 'dgram', reason: libc } : { kind: 'mmsg' };
}

/** `TUNNELITE_ACCELERATION=0`, `false`, `no` or `off` turns all native code off, here and for records, whatever the caller wants. */
export function accelerationWanted(enabled: boolean): boolean {
  return enabled && !/^\s*(0|false|no|off)\s*$/i.test(process.env.TUNNELITE_ACCELERATION ?? '');
}

/**
 * Opens a UDP socket: batched where that works, else on node:dgram. Rejects with the system's error when it cannot bind.
 *
 * @param enabled false = always node:dgram, as `TUNNELITE_ACCELERATION=0` has it
 */
export async function openDatagramSocket(options: DatagramSocketOptions, enabled = true): Promise<DatagramSocket> {
  const libc = accelerationWanted(enabled) && !options.host.includes('%') ? loadLibc() : '';
  return typeof libc === 'string' ? DgramSocket.open(options) : MmsgSocket.open(libc, options, await chooseWatch(libc));
}
