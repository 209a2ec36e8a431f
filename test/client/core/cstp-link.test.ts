import { EventEmitter } from 'node:events';
import t from 'tap';
import type { ControlConnection } from '../../../src/client/core/control-connection.ts';
import { CstpLink, endedByGateway } from '../../../src/client/core/cstp-link.ts';
import type { TunneliteError } from '../../../src/lib/errors.ts';
import { CSTP_HEADER_BYTES, CstpType, serializeCstp } from '../../../src/wire/cstp.ts';

const NAMES: Readonly<Record<number, string>> = Object.fromEntries(
  Object.entries(CstpType).map(([name, value]) => [value, name]),
);

class FakeSocket extends EventEmitter {
  destroyed = false;
  calls: string[] = [];
  pause = (): void => void this.calls.push('pause');
  resume = (): void => void this.calls.push('resume');
  end = (): void => void this.calls.push('end');
  destroy = (): void => void this.calls.push('destroy');
}

/** A link on a clock of its own, over a connection that keeps what is written to it. */
function setup(times: { dpd?: number; keepalive?: number } = {}) {
  const clock = { now: 1000 };
  const log: string[] = [];
  const ends: { error: TunneliteError; final: boolean }[] = [];
  const written: string[] = [];
  const socket = new FakeSocket();
  let take: (chunk: Buffer) => void = () => {};
  let closed = 0;
  const connection = {
    socket,
    writer: {
      largest: 1000,
      expect: () => {},
      write: (buffer: Buffer, start: number, end: number) => {
        const payload = buffer.toString('latin1', start + CSTP_HEADER_BYTES, end);
        written.push(`${NAMES[buffer[start + 6]!]}${payload && ` ${payload}`}`);
        return true;
      },
      close: (done: () => void) => done(),
    },
    listen: (taker: (chunk: Buffer) => void) => {
      take = taker;
    },
    close: () => {
      closed++;
    },
  } as unknown as ControlConnection;
  const link = new CstpLink(
    connection,
    1400,
    { dpd: times.dpd ?? 0, keepalive: times.keepalive ?? 0 },
    {
      now: () => clock.now,
      onBatch: () => log.push('batch'),
      onPacket: (buffer, offset, length) => log.push(buffer.toString('latin1', offset, offset + length)),
      onBatchEnd: () => log.push('end of batch'),
      onEnd: (error, final) => ends.push({ error, final }),
    },
  );
  link.start();
  return {
    link,
    clock,
    log,
    ends,
    socket,
    closed: () => closed,
    come: (...bytes: Buffer[]) => take(Buffer.concat(bytes)),
    /** What has been written since the last look. */
    sent: () => written.splice(0),
    /** Time passes up to this many ms after the start; what is written then, and when it wants to be called again. */
    at: (ms: number, late = 0) => {
      clock.now = 1000 + ms;
      const due = link.tick(clock.now, late) - 1000;
      return { due, sent: written.splice(0) };
    },
  };
}

const packet = (type: number, text = ''): Buffer => serializeCstp(type, Buffer.from(text));

t.test(
  'after one DPD period of silence the gateway is asked, again after half of one, and left after two',
  async (t) => {
    const { at, ends, closed } = setup({ dpd: 1000 });
    t.strictSame(at(0), { due: 1000, sent: [] });
    t.strictSame(at(999), { due: 1000, sent: [] });
    t.strictSame(at(1000), { due: 1500, sent: ['DpdRequest'] });
    t.strictSame(at(1499), { due: 1500, sent: [] });
    t.strictSame(at(1500), { due: 2000, sent: ['DpdRequest'] });
    t.strictSame(at(2000).sent, ['DpdRequest']);
    t.strictSame(ends, [], 'two periods are bearable');
    t.strictSame(at(2001), { due: Infinity, sent: [] });
    t.match(ends, [{ error: { code: 'ERR_CLIENT_DISCONNECTED', message: 'The gateway has been silent for 2 s.' } }]);
    t.equal(ends[0]?.final, false, 'it is worth another try');
    t.equal(closed(), 1);
    t.equal(at(9000).due, Infinity);
    t.equal(ends.length, 1, 'it ends once');
  },
);

t.test('whatever the gateway sends proves that it lives', async (t) => {
  for (const type of [CstpType.Data, CstpType.DpdResponse, CstpType.Keepalive]) {
    const { at, come, clock, ends } = setup({ dpd: 1000 });
    at(1000);
    clock.now = 1000 + 1900;
    come(packet(type));
    t.strictSame(at(2900), { due: 3400, sent: ['DpdRequest'] }, String(NAMES[type]));
    t.strictSame(ends, []);
  }
});

t.test('without DPD silence means nothing, and nothing is due', async (t) => {
  const { at, ends } = setup();
  t.strictSame(at(1e9), { due: Infinity, sent: [] });
  t.strictSame(ends, []);
});

t.test('time in which nobody listened is no silence of the gateway', async (t) => {
  const { at, ends } = setup({ dpd: 1000 });
  at(1000);
  t.strictSame(at(5000, 4000).sent, [], 'as if the last four seconds had not been');
  t.strictSame(ends, []);
  at(6001);
  t.equal(ends.length, 1);
});

t.test('a keepalive goes when nothing was sent for its time, and everything that is sent counts', async (t) => {
  const { at, link, clock, sent } = setup({ keepalive: 500 });
  t.strictSame(at(499), { due: 500, sent: [] });
  t.strictSame(at(500), { due: 1000, sent: ['Keepalive'] });
  clock.now = 1000 + 900;
  const packet = Buffer.from('........inner');
  t.equal(link.send(packet, 8, 5), true);
  t.strictSame(sent(), ['Data inner']);
  t.strictSame(at(1000), { due: 1400, sent: [] });
  const both = setup({ keepalive: 500, dpd: 400 });
  t.strictSame(both.at(400), { due: 600, sent: ['DpdRequest'] });
  t.strictSame(both.at(500), { due: 600, sent: [] }, 'the question was a sign of life');
});

t.test('a question has to be answered in its time, whatever was before', async (t) => {
  const asked = () => {
    const one = setup();
    one.clock.now = 61_000;
    one.link.question(61_000, 300);
    t.strictSame(one.sent(), ['DpdRequest']);
    return one;
  };
  const silent = asked();
  t.strictSame(silent.at(60_300), { due: 60_301, sent: [] });
  t.strictSame(silent.ends, []);
  silent.at(60_301);
  t.match(silent.ends, [{ error: { message: 'The gateway has been silent for 0 s.' }, final: false }]);
  const answering = asked();
  answering.come(packet(CstpType.DpdResponse));
  t.strictSame(answering.at(99_000), { due: Infinity, sent: [] });
  const late = asked();
  late.at(62_000, 1700);
  t.strictSame(late.ends, [], 'nobody listened meanwhile');
});

t.test('packets come within their batch, and what asks for an answer gets it', async (t) => {
  const { come, log, sent } = setup();
  come(packet(CstpType.Data, 'one'), packet(CstpType.DpdRequest, 'echo'), packet(CstpType.Data, 'two'));
  t.strictSame(log, ['batch', 'one', 'two', 'end of batch']);
  t.strictSame(sent(), ['DpdResponse echo']);
  const half = packet(CstpType.Data, 'three');
  come(half.subarray(0, 9));
  come(half.subarray(9));
  t.strictSame(log.slice(4), ['batch', 'end of batch', 'batch', 'three', 'end of batch']);
});

t.test('the gateway’s own end of the session is final, and says why', async (t) => {
  for (const type of [CstpType.Disconnect, CstpType.Terminate]) {
    const { come, ends, log, closed } = setup();
    come(packet(type, '\xb0idle'), packet(CstpType.Data, 'after'));
    t.match(ends, [
      { error: { code: 'ERR_CLIENT_DISCONNECTED', message: /^The gateway ended the session: / }, final: true },
    ]);
    t.strictSame(log, ['batch'], 'nothing is taken behind it');
    come(packet(CstpType.Data, 'later'));
    t.strictSame(log, ['batch']);
    t.equal(closed(), 1);
  }
  t.equal(endedByGateway(Buffer.from('..\x01why'), 2, 4).message, 'The gateway ended the session: why');
  t.equal(endedByGateway(Buffer.from('..\x01'), 2, 1).message, 'The gateway ended the session.');
  t.equal(endedByGateway(Buffer.from('..'), 2, 0).message, 'The gateway ended the session.');
});

t.test('what was not agreed on, and what is no CSTP, is a fault of the protocol, and final', async (t) => {
  for (const [bytes, message] of [
    [packet(CstpType.Compressed, 'x'), /compressed packet/],
    [Buffer.from('HTTP/1.1'), /not CSTP \(magic\)/],
  ] as const) {
    const { come, ends, log } = setup();
    come(bytes);
    t.match(ends, [{ error: { code: 'ERR_CLIENT_PROTOCOL', message }, final: true }]);
    t.notOk(log.includes('end of batch'));
  }
});

t.test('a connection that breaks or closes ends the link, once, and not for good', async (t) => {
  const { socket, ends } = setup();
  socket.emit('error', new Error('reset'));
  socket.emit('close');
  t.match(ends, [{ error: { message: 'The connection was lost: reset.' }, final: false }]);
  t.equal(ends.length, 1);
  const other = setup();
  other.socket.emit('close');
  t.match(other.ends, [{ error: { message: 'The gateway closed the connection.' }, final: false }]);
});

t.test('a goodbye says that the user left, waits for the connection’s end, and nothing counts after it', async (t) => {
  const { link, socket, sent, come, log, ends, at } = setup({ dpd: 10 });
  let done = 0;
  link.goodbye(() => done++);
  t.match(sent(), ['Disconnect \xb0client closed']);
  t.strictSame(socket.calls, ['resume', 'end']);
  come(packet(CstpType.Data, 'late'));
  t.strictSame(log, []);
  t.equal(at(1000).due, Infinity);
  t.equal(done, 0);
  socket.emit('end');
  t.strictSame(socket.calls, ['resume', 'end', 'destroy'], 'a half-open connection goes');
  socket.emit('close');
  t.equal(done, 1);
  t.strictSame(ends, []);

  const gone = setup();
  gone.socket.destroyed = true;
  gone.link.goodbye(() => done++);
  t.equal(done, 2, 'at once where there is no connection');
  t.strictSame(gone.sent(), []);
});

t.test('a dropped link closes its connection without a word; a paused one reads nothing', async (t) => {
  const { link, socket, closed, come, log, sent } = setup();
  link.pause();
  link.resume();
  t.strictSame(socket.calls, ['pause', 'resume']);
  link.drop();
  t.equal(closed(), 1);
  come(packet(CstpType.Data, 'late'));
  t.strictSame([log, sent()], [[], []]);
});
