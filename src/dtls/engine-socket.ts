import type { Clock } from '../lib/clock.ts';
import type { Closable } from '../lib/dispose.ts';
import type { SocketMemory } from '../udp/datagram-memory.ts';
import { type DatagramSocket, type Endpoint, openDatagramSocket } from '../udp/index.ts';
import { EngineTimer, type TimedEngine } from './engine-timer.ts';

/** Space for any UDP datagram, since a peer may send several records in one; not a multiple of 4 KB, to avoid cache conflicts. */
const MAX_DATAGRAM = 65_600;

/** Options of {@link openEngineSocket}. */
interface EngineSocketOptions {
  readonly engine: TimedEngine & { close(): void };
  /** The engine's memory. */
  readonly memory: SocketMemory;
  /** The engine's input; the datagram belongs to the socket and is valid only during the call. */
  readonly input: (datagram: Buffer, from: Endpoint, now: number) => void;
  readonly clock: Clock;
  readonly host: string;
  readonly port: number;
  readonly acceleration: boolean;
}

/** An engine on a UDP socket, with its timer. Closing it closes the engine first, so its last messages are still sent. */
interface EngineSocket extends Closable {
  readonly socket: DatagramSocket;
  readonly timer: EngineTimer;
}

/** Opens a UDP socket for an engine. Rejects with the system's error when it cannot bind. */
export async function openEngineSocket(options: EngineSocketOptions): Promise<EngineSocket> {
  const { engine, memory, clock, input, host, port } = options;
  const timer = new EngineTimer(engine, clock);
  /** Monotonic time of the current batch; NaN between batches. */
  let now = Number.NaN;
  const receiver = {
    onDatagram(buffer: Buffer, offset: number, length: number, from: Endpoint): void {
      if (Number.isNaN(now)) now = clock.monotonic();
      input(buffer.subarray(offset, offset + length), from, now);
    },
    onBatchEnd(): void {
      now = Number.NaN;
      timer.arm();
    },
  };
  const socket = await openDatagramSocket({ host, port, maxDatagram: MAX_DATAGRAM, receiver }, options.acceleration);
  memory.use(socket);
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closing ??= (async () => {
      engine.close();
      timer.cancel();
      socket.flush();
      await socket.close();
    })();
    return closing;
  };
  return { socket, timer, close, [Symbol.asyncDispose]: close };
}
