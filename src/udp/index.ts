import type { DatagramSocket, DatagramSocketOptions } from './datagram-socket.ts';
import { DgramSocket } from './dgram-socket.ts';
import { loadLibc } from './libc.ts';
import { MmsgSocket } from './mmsg-socket.ts';

export type { DatagramFault, DatagramFaults } from './datagram-faults.ts';
export { type DatagramMemory, SlabMemory } from './datagram-memory.ts';
export type {
  DatagramReceiver,
  DatagramSocket,
  DatagramSocketOptions,
  DatagramSocketStats,
  Endpoint,
} from './datagram-socket.ts';
export { type DatagramFaultOptions, FaultyDatagramSocket } from './faulty-datagram-socket.ts';

/** How datagrams are read and written here, and why not in batches where they are not. */
export type DatagramAcceleration = { readonly kind: 'mmsg' } | { readonly kind: 'dgram'; readonly reason: string };

/** Tells whether sockets of this machine work in batches. The first call loads the system's calls. */
export function datagramAcceleration(): DatagramAcceleration {
  const libc = loadLibc();
  return typeof libc === 'string' ? { kind: 'dgram', reason: libc } : { kind: 'mmsg' };
}

/** `TUNNELITE_ACCELERATE=0` turns all native code off, here and for records, whatever the caller wants. */
export function accelerationWanted(enabled: boolean): boolean {
  return enabled && process.env.TUNNELITE_ACCELERATE !== '0';
}

/**
 * Opens a UDP socket: batched where that works, else on node:dgram. Rejects with the system's error when it cannot bind.
 *
 * @param enabled false = always node:dgram, as `TUNNELITE_ACCELERATE=0` has it
 */
export function openDatagramSocket(options: DatagramSocketOptions, enabled = true): Promise<DatagramSocket> {
  const libc = accelerationWanted(enabled) && !options.host.includes('%') ? loadLibc() : '';
  return typeof libc === 'string' ? DgramSocket.open(options) : MmsgSocket.open(libc, options);
}
