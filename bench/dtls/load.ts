/**
 * The clients of udp.ts, in a process of their own.
 *
 *   node bench/dtls/load.ts echo <port> <seconds> <clients> <records in flight>
 *   node bench/dtls/load.ts handshakes <port> <seconds> <clients>
 *   node bench/dtls/load.ts idle <port> <seconds> <clients>
 *
 * Prints a number: records that came back per second, handshakes completed, associations held (it prints that one when all
 * stand, and then holds them). With LOAD_KEY (hexadecimal) that is the key of every client, else serve.ts's rule holds.
 */
import { createHash } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { type ConnectOptions, connect, type DtlsSocket } from '../../src/dtls/index.ts';

const [mode = 'echo', port = '0', seconds = '1', clients = '1', flight = '32'] = process.argv.slice(2);
const SIZE = 1400;
/** Silence after which the records in flight are taken for lost, in milliseconds. */
const LOST_AFTER_MS = 50;
/** Handshakes at a time while idle associations are made. */
const AT_ONCE = 16;

let made = 0;
function open(acceleration: boolean, onMessage?: (message: Buffer) => void): Promise<DtlsSocket> {
  // 16 bytes, as short ones could be met again in a later run against the same server.
  const sessionId = createHash('sha256').update(`${process.pid} ${made++}`).digest().subarray(0, 16);
  const key = process.env.LOAD_KEY
    ? Buffer.from(process.env.LOAD_KEY, 'hex')
    : createHash('sha256').update('psk').update(sessionId).digest();
  const options: ConnectOptions = {
    port: Number(port),
    credentials: { kind: 'psk', key, identity: 'psk' },
    cipherSuites: ['TLS_PSK_WITH_AES_128_GCM_SHA256'],
    acceleration,
    ...(process.env.LOAD_KEY ? {} : { sessionId }),
    ...(onMessage ? { onMessage } : {}),
  };
  return connect(options);
}

async function echo(): Promise<number> {
  let received = 0;
  const record = Buffer.alloc(SIZE, 7);
  const sockets: DtlsSocket[] = [];
  for (let i = 0; i < Number(clients); i++) {
    const socket = await open(true, () => {
      received++;
      socket.send(record);
    });
    sockets.push(socket);
  }
  const fill = (): void => {
    for (const socket of sockets) for (let i = 0; i < Number(flight); i++) socket.send(record);
  };
  fill();
  let seen = 0;
  const refill = setInterval(() => {
    if (received === seen) fill();
    seen = received;
  }, LOST_AFTER_MS);
  // The first fifth compiles code, on both sides.
  await setTimeout(Number(seconds) * 200);
  const [from, since] = [received, performance.now()];
  await setTimeout(Number(seconds) * 800);
  const rate = (received - from) / ((performance.now() - since) / 1000);
  clearInterval(refill);
  await Promise.all(sockets.map((socket) => socket.close()));
  return Math.round(rate);
}

async function handshakes(): Promise<number> {
  const end = performance.now() + Number(seconds) * 1000;
  let done = 0;
  const one = async (): Promise<void> => {
    while (performance.now() < end) {
      await (await open(false)).close();
      done++;
    }
  };
  await Promise.all(Array.from({ length: Number(clients) }, one));
  return done;
}

async function idle(): Promise<number> {
  let held = 0;
  const some = async (): Promise<void> => {
    for (; held < Number(clients); ) {
      held++;
      const socket = await open(false);
      // A server may keep its last flight until data comes.
      socket.send(Buffer.alloc(1));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, some));
  return held;
}

console.log(await { echo, handshakes, idle }[mode as 'echo' | 'handshakes' | 'idle']());
if (mode === 'idle') await setTimeout(Number(seconds) * 1000);
process.exit(0);
