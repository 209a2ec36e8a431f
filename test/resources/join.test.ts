import type { Socket } from 'node:net';
import { Duplex, duplexPair } from 'node:stream';
import { finished } from 'node:stream/promises';
import t from 'tap';
import { ManualClock } from '../../src/lib/clock.ts';
import { join } from '../../src/resources/join.ts';

/** A socket whose peer ends its side, and takes as much as it is told to. */
class SlowSocket extends Duplex {
  reset = false;
  #taken: (() => void) | undefined;

  override _read(): void {
    this.push(null);
  }

  override _write(_chunk: Buffer, _encoding: BufferEncoding, callback: () => void): void {
    this.#taken = callback;
  }

  /** The peer has taken what was sent last. */
  acknowledge(): void {
    this.#taken?.();
  }

  resetAndDestroy(): void {
    this.reset = true;
    this.destroy();
  }
}

/** A flow that ended in good order, while the upstream has not taken all of it. */
async function orphan(): Promise<{ clock: ManualClock; socket: SlowSocket }> {
  const clock = new ManualClock();
  const socket = new SlowSocket();
  const [near, flow] = duplexPair();
  join(flow, socket as unknown as Socket, clock);
  for (let i = 0; i < 3; i++) near.write('x');
  near.end();
  near.resume();
  await finished(flow);
  await new Promise((resolve) => setImmediate(resolve));
  return { clock, socket };
}

const turns = async (): Promise<void> => {
  for (let i = 0; i < 4; i++) await new Promise((resolve) => setImmediate(resolve));
};

t.test('what an upstream does not take is given up, as long as it takes nothing', async (t) => {
  const { clock, socket } = await orphan();
  clock.advance(59_999);
  socket.acknowledge();
  await turns();
  clock.advance(1);
  t.notOk(socket.reset, 'some of it was taken');
  clock.advance(59_999);
  t.notOk(socket.reset);
  clock.advance(1);
  t.ok(socket.reset);
});

t.test('a process that stood still gives up nothing for it', async (t) => {
  const { clock, socket } = await orphan();
  clock.advance(59_999);
  clock.stall(3_600_000);
  clock.advance(0);
  await turns();
  t.notOk(socket.reset);
  clock.advance(1_000);
  t.ok(socket.reset, 'but a moment later');
});
