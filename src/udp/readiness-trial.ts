import { systemClock, type Timer } from '../lib/clock.ts';
import { patience } from '../lib/late-tick.ts';
import type { Libc } from './libc.ts';
import { MmsgSocket } from './mmsg-socket.ts';
import { type Watch, watchByDgram, watchByPipe } from './readiness.ts';

/** Duration in milliseconds after which the trial fails. */
const TRIAL_TIMEOUT_MS = 2_000;
const HOST = '127.0.0.1';
/** Number of datagrams in the trial, each sent after the previous one was received. */
const DATAGRAMS = 3;

let trial: Promise<Watch> | undefined;

/** How to watch descriptors in this process: with Node's internals, if a trial with a socket that sends to itself succeeds. */
export function chooseWatch(libc: Libc): Promise<Watch> {
  trial ??= tryPipe(libc).then(
    (works) => (works ? watchByPipe : watchByDgram),
    () => watchByDgram,
  );
  return trial;
}

async function tryPipe(libc: Libc): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  let came = 0;
  let batches = 0;
  const socket = await MmsgSocket.open(
    libc,
    {
      host: HOST,
      port: 0,
      receiver: {
        onDatagram: (buffer, offset, length) => {
          if (length !== 1 || buffer[offset] !== came) resolve(false);
          came++;
        },
        onBatchEnd: () => {
          // Repeated events without data would be a busy loop.
          if (++batches > 2 * DATAGRAMS) resolve(false);
          else if (came >= DATAGRAMS) resolve(true);
          else send();
        },
      },
    },
    watchByPipe,
  );
  const send = (): void => void socket.send(Uint8Array.of(came), 0, 1, socket.endpoint(HOST, socket.port));
  // The clock's timers do not keep the process alive, and nothing else might.
  const alive = setInterval(() => {}, TRIAL_TIMEOUT_MS);
  let timer: Timer | undefined;
  try {
    timer = patience(systemClock, TRIAL_TIMEOUT_MS, () => resolve(false));
    send();
    return await promise;
  } finally {
    timer?.cancel();
    clearInterval(alive);
    await socket.close();
  }
}
