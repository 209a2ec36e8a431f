import { accelerationWanted, datagramAcceleration } from '../udp/index.ts';
import { EvpRecordProtection } from './record/evp-record-protection.ts';
import { loadLibcrypto } from './record/libcrypto.ts';
import type { RecordProtection } from './record/record-protection.ts';

/** The accelerators in use, for one log line at startup. */
interface Acceleration {
  /** How records are sealed and opened. */
  readonly records: 'evp' | 'node:crypto';
  /** How datagrams are read and written. */
  readonly datagrams: 'mmsg' | 'dgram';
  /** One sentence, with the reason if something is not accelerated. */
  readonly text: string;
}

/** Returns which accelerators work on this machine. The first call loads them; nothing is logged. */
export function accelerationInUse(enabled = true): Acceleration {
  if (!accelerationWanted(enabled)) {
    return {
      records: 'node:crypto',
      datagrams: 'dgram',
      text: 'Not accelerated: node:crypto and node:dgram (turned off)',
    };
  }
  const crypto = evp();
  const sockets = datagramAcceleration();
  const records = typeof crypto === 'string' ? 'node:crypto' : 'evp';
  const parts = [
    typeof crypto === 'string' ? `records by node:crypto (${crypto})` : "records by Node's own OpenSSL",
    sockets.kind === 'dgram' ? `UDP by node:dgram (${sockets.reason})` : 'UDP in batches',
  ];
  const head = records === 'evp' || sockets.kind === 'mmsg' ? 'Accelerated' : 'Not accelerated';
  return { records, datagrams: sockets.kind, text: `${head}: ${parts.join(', ')}` };
}

/** The accelerated protection of records; undefined = the engine's own on node:crypto. */
export function acceleratedProtection(enabled = true): RecordProtection | undefined {
  if (!accelerationWanted(enabled)) return undefined;
  const protection = evp();
  return typeof protection === 'string' ? undefined : protection;
}

let protection: EvpRecordProtection | string | undefined;

function evp(): EvpRecordProtection | string {
  if (protection === undefined) {
    const crypto = loadLibcrypto();
    protection = typeof crypto === 'string' ? crypto : new EvpRecordProtection(crypto);
  }
  return protection;
}
