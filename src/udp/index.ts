import type { RecordProtection } from '../dtls/record/record-protection.ts';
import type { DatagramSocket, DatagramSocketOptions } from './datagram-socket.ts';
import { DgramSocket } from './dgram-socket.ts';
import { EvpRecordProtection } from '../dtls/record/evp-record-protection.ts';
import { loadLibc } from './libc.ts';
import { loadLibcrypto } from '../dtls/record/libcrypto.ts';
import { MmsgSocket } from './mmsg-socket.ts';

export type {
  DatagramReceiver,
  DatagramSocket,
  DatagramSocketOptions,
  DatagramSocketStats,
  Endpoint,
} from './datagram-socket.ts';

/** What is in use, for one line in the log at start. */
export interface Acceleration {
  /** How records are sealed and opened. */
  readonly records: 'evp' | 'node:crypto';
  /** How datagrams are read and written. */
  readonly datagrams: 'mmsg' | 'dgram';
  /** One sentence, with the reason where something is not accelerated. */
  readonly text: string;
}

/** `TUNNELITE_ACCELERATE=0` turns all of it off, whatever the caller wants. */
function wanted(enabled: boolean): boolean {
  return enabled && process.env.TUNNELITE_ACCELERATE !== '0';
}

/** Tells which accelerators work here. The first call loads them; nothing is logged. */
export function acceleration(enabled = true): Acceleration {
  if (!wanted(enabled)) {
    return {
      records: 'node:crypto',
      datagrams: 'dgram',
      text: 'Not accelerated: node:crypto and node:dgram (turned off)',
    };
  }
  const crypto = evp();
  const libc = loadLibc();
  const records = typeof crypto === 'string' ? 'node:crypto' : 'evp';
  const datagrams = typeof libc === 'string' ? 'dgram' : 'mmsg';
  const parts = [
    typeof crypto === 'string' ? `records by node:crypto (${crypto})` : "records by node's own OpenSSL",
    typeof libc === 'string' ? `UDP by node:dgram (${libc})` : 'UDP in batches',
  ];
  const head = records === 'evp' || datagrams === 'mmsg' ? 'Accelerated' : 'Not accelerated';
  return { records, datagrams, text: `${head}: ${parts.join(', ')}` };
}

/** The accelerated protection of records; undefined = the engine's own on node:crypto. */
export function acceleratedProtection(enabled = true): RecordProtection | undefined {
  if (!wanted(enabled)) return undefined;
  const protection = evp();
  return typeof protection === 'string' ? undefined : protection;
}

/** Opens a UDP socket: batched where that works, else on node:dgram. Rejects with the system's error when it cannot bind. */
export function openDatagramSocket(options: DatagramSocketOptions, enabled = true): Promise<DatagramSocket> {
  const libc = wanted(enabled) && !options.host.includes('%') ? loadLibc() : '';
  return typeof libc === 'string' ? DgramSocket.open(options) : MmsgSocket.open(libc, options);
}

let protection: EvpRecordProtection | string | undefined;

function evp(): EvpRecordProtection | string {
  if (protection === undefined) {
    const crypto = loadLibcrypto();
    protection = typeof crypto === 'string' ? crypto : new EvpRecordProtection(crypto);
  }
  return protection;
}
