import { Duplex } from 'node:stream';
import { connect, createSecureContext, TLSSocket } from 'node:tls';
import { systemClock, type Timer } from '../lib/clock.ts';
import { patience } from '../lib/late-tick.ts';
import { TRIAL_TIMEOUT_MS } from './constants.ts';
import { type CiphertextSink, DirectPath, type WriteForm, WriteOutcome, watchWriteForm } from './direct-path.ts';
import { ReadMemory, readInto } from './shared-reads.ts';

/** One end of a pipe in memory, with the additional input of a transport. */
class PipeEnd extends Duplex implements CiphertextSink {
  #peer: PipeEnd | undefined;
  /** Content lengths of the received application data records. */
  readonly records: number[] = [];

  /** @param first the other end, if it exists already */
  constructor(first?: PipeEnd) {
    super();
    if (!first) return;
    this.#peer = first;
    first.#peer = this;
  }

  collect(chunks: readonly Buffer[]): void {
    const bytes = Buffer.concat(chunks);
    for (let at = 0; at + 5 <= bytes.length; at += 5 + bytes.readUInt16BE(at + 3)) {
      if (bytes[at] === 23) this.records.push(bytes.readUInt16BE(at + 3));
    }
    this.#peer?.push(bytes);
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: () => void): void {
    this.#peer?.push(chunk);
    callback();
  }
}

/** TLS 1.2, because it sends no tickets after the handshake, and a pre-shared key, because it needs no certificate. */
const CIPHER = { ciphers: 'PSK-AES128-GCM-SHA256', minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' } as const;
/** Bytes that AES-GCM adds to a record in TLS 1.2. */
const OVERHEAD = 24;
const FRAGMENT = 1000;

/** The internals of Node that work as expected. */
interface Findings {
  /** How to write directly; undefined: impossible. */
  readonly form: WriteForm | undefined;
  /** Whether sockets can be given memory to read into. */
  readonly reads: boolean;
}

const NOTHING: Findings = { form: undefined, reads: false };

let trial: Promise<Findings> | undefined;
let findings = NOTHING;

/** How to write directly in this process, after `tryDirectWrites` has succeeded; undefined: impossible or unknown. */
export function directWriteForm(): WriteForm | undefined {
  return findings.form;
}

/** Whether sockets can share the memory that they read into (shared-reads.ts), according to `tryDirectWrites`. */
export function readsAreShared(): boolean {
  return findings.reads;
}

/**
 * Checks once per process, on a TLS connection in memory, whether Node's internals work as `DirectPath` and `readInto` expect. If not, all
 * connections use public interfaces: the same records, but fewer writes per turn, and a new buffer for each read.
 */
export async function tryDirectWrites(): Promise<boolean> {
  trial ??= run().catch(() => NOTHING);
  findings = await trial;
  return findings.form !== undefined;
}

async function run(): Promise<Findings> {
  const near = new PipeEnd();
  const far = new PipeEnd(near);
  const psk = Buffer.alloc(32, 1);
  const server = new TLSSocket(near, {
    isServer: true,
    secureContext: createSecureContext(CIPHER),
    ...({ pskCallback: () => psk } as object),
  });
  const client = connect({
    socket: far,
    ...CIPHER,
    pskCallback: () => ({ psk, identity: 'trial' }),
    checkServerIdentity: () => undefined,
  });
  // The clock's timers do not keep the process alive, and nothing else might.
  const alive = setInterval(() => {}, TRIAL_TIMEOUT_MS);
  let timer: Timer | undefined;
  try {
    const broken = new Promise<never>((_, reject) => {
      for (const each of [near, far, server, client]) each.on('error', reject);
      timer = patience(systemClock, TRIAL_TIMEOUT_MS, () => reject(new Error('the trial took too long')));
    });
    const judged = async (): Promise<Findings> => {
      await new Promise((resolve) => server.once('secure', resolve));
      const reads = await judgeReads(server, client);
      return { reads, form: await judgeWrites(server, client, near) };
    };
    return await Promise.race([broken, judged()]);
  } finally {
    timer?.cancel();
    clearInterval(alive);
    server.destroy();
    client.destroy();
  }
}

async function judgeReads(server: TLSSocket, client: TLSSocket): Promise<boolean> {
  const memory = new ReadMemory(FRAGMENT);
  // The next read overwrites what a caller keeps of this one.
  memory.watch(() => memory.bytes.fill(0xff));
  const got: Buffer[] = [];
  let asEvents = 0;
  let size = 0;
  const sent = Buffer.from(Array.from({ length: 3 * FRAGMENT + 1 }, (_, i) => i % 251));
  const all = new Promise<void>((resolve) => {
    const count = (length: number): void => {
      size += length;
      if (size >= sent.length) resolve();
    };
    server.on('data', (chunk: Buffer) => {
      asEvents++;
      count(chunk.length);
    });
    server.pause();
    const done = readInto(server, memory, (chunk) => {
      got.push(Buffer.from(chunk));
      count(chunk.length);
    });
    if (!done) resolve();
  });
  client.write(sent);
  server.resume();
  await all;
  return asEvents === 0 && Buffer.concat(got).equals(sent);
}

async function judgeWrites(server: TLSSocket, client: TLSSocket, near: PipeEnd): Promise<WriteForm | undefined> {
  const got: Buffer[] = [];
  let size = 0;
  let wake = (): void => {};
  client.on('data', (chunk: Buffer) => {
    got.push(chunk);
    size += chunk.length;
    wake();
  });
  const received = async (count: number): Promise<void> => {
    while (size < count) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
  let form: WriteForm | undefined;
  if (!watchWriteForm(server, (seen) => (form = seen))) return undefined;
  const greeting = Buffer.from('greeting');
  await new Promise((resolve) => server.write(greeting, resolve));
  if (form === undefined) return undefined;
  const path = DirectPath.take(server, near, form, () => {});
  if (!path) return undefined;
  const sent = [greeting];
  // Several sizes in one turn, each a record; then one that OpenSSL splits.
  for (const length of [1, 1000, 60, 16_384, 1000]) {
    const bytes = Buffer.alloc(length, sent.length);
    sent.push(Buffer.from(bytes));
    if (path.write(bytes) !== WriteOutcome.Done) return undefined;
    // The memory of a packet is reused at once.
    bytes.fill(0xff);
  }
  server.setMaxSendFragment(FRAGMENT);
  sent.push(Buffer.alloc(3 * FRAGMENT, 7));
  if (path.write(sent.at(-1)!) !== WriteOutcome.Done) return undefined;
  const wanted = [1, 1000, 60, 16_384, 1000, FRAGMENT, FRAGMENT, FRAGMENT];
  if (near.records.join() !== wanted.map((length) => length + OVERHEAD).join()) return undefined;
  // Ordinary writes must still work as before.
  const farewell = Buffer.from('farewell');
  await new Promise((resolve) => server.write(farewell, resolve));
  const all = Buffer.concat([...sent, farewell]);
  await received(all.length);
  return Buffer.concat(got).equals(all) ? form : undefined;
}
