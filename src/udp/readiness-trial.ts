import { systemClock, type Timer } from '../lib/clock.ts';
import { patience } from '../lib/late-tick.ts';
import type { Libc } from './libc.ts';
import { MmsgSocket } from './mmsg-socket.ts';
import { type Watch, watchByDgram, watchByPipe } from './readiness.ts';

/** Milliseconds that the trial may take before Node's insides count as unknown. */
const TRIAL_TIMEOUT_MS = 2_000;
const HOST = '127.0.0.1';
/** Datagrams that are sent in the trial, each after the one before has come. */
const DATAGRAMS = 3;

let trial: Promise<Watch> | undefined;

/** How to watch descriptors in this process: by Node's insides, if a trial with a socket that sends to itself shows that this works. */
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
          // Told of readiness where there is none, again and again: that would be a busy loop.
          if (++batches > 2 * DATAGRAMS) resolve(false);
          else if (came >= DATAGRAMS) resolve(true);
          else send();
        },
      },
    },
    watchByPipe,
  );
  const send = (): void => void socket.send(Uint8Array.of(came), 0, 1, socket.endpoint(HOST, socket.port));
  // The clock's timers let the process end, as nothing else might keep it.
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
