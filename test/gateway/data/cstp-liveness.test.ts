import t from 'tap';
import { CstpChannel } from '../../../src/gateway/data/cstp-channel.ts';
import type { Tunnel } from '../../../src/gateway/session/tunnel.ts';
import type { RecordWriter } from '../../../src/tls/record-writer.ts';
import { CstpType, serializeCstp } from '../../../src/wire/cstp.ts';

/* A CSTP channel between a connection and a tunnel that only write down what is asked of them. */

const DPD = 30;
const BEGIN = 1_000_000;

function setup() {
  const time = { now: BEGIN };
  const sent: number[] = [];
  const calls: string[] = [];
  const writer = {
    largest: 16_384,
    expect: () => {},
    write: (buffer: Buffer, from: number) => sent.push(buffer[from + 6]!) > 0,
  };
  const tunnel = {
    mtu: 1400,
    receiveControlData: (_buffer: Buffer, _offset: number, length: number) => void calls.push(`data ${length}`),
    answersDpd: () => true,
    disconnectedByClient() {
      calls.push('goodbye');
      channel.close(false);
    },
    protocolError: (_channel: string, reason: string) => void calls.push(`error ${reason}`),
  };
  const channel: CstpChannel = new CstpChannel(
    {
      writer: writer as unknown as RecordWriter,
      remote: '192.0.2.1:4000',
      closeConnection: () => void calls.push('closed'),
      monotonic: () => time.now,
    },
    tunnel as unknown as Tunnel,
  );
  const probes = (): number => sent.splice(0).filter((type) => type === CstpType.DpdRequest).length;
  /** Looks so many milliseconds after the begin, at which the client was heard. */
  const look = (after: number): number | undefined => {
    time.now = BEGIN + after;
    return channel.checkLiveness(time.now, DPD);
  };
  return { channel, time, sent, calls, probes, look };
}

t.test('a silent client is probed after two periods, again each half period, and given up after three', async (t) => {
  const { channel, look, probes } = setup();
  t.equal(look(60_000), undefined);
  t.equal(probes(), 0);
  t.equal(channel.nextLook(DPD), BEGIN + 60_000, 'there is nothing to look for before');
  t.equal(channel.deadAt(DPD), Infinity, 'nor an end of who was not asked');
  look(60_001);
  t.equal(probes(), 1);
  t.equal(channel.asked, true);
  t.equal(channel.nextLook(DPD), BEGIN + 75_001);
  t.equal(channel.deadAt(DPD), BEGIN + 90_001);
  look(75_000);
  t.equal(probes(), 0);
  look(75_001);
  t.equal(probes(), 1, 'the first one may be lost');
  t.equal(channel.nextLook(DPD), BEGIN + 90_001);
  t.equal(look(90_000), undefined);
  t.equal(look(90_001), 90_001);
});

t.test('who answers is probed anew after two more periods, whenever the last probe was', async (t) => {
  const { channel, look, probes } = setup();
  look(80_000);
  channel.batchEnd();
  t.equal(channel.asked, false);
  t.equal(channel.deadAt(DPD), Infinity);
  probes();
  look(140_000);
  t.equal(probes(), 0);
  look(140_001);
  t.equal(probes(), 1);
});

t.test('nobody is given up who was not asked', async (t) => {
  const { look, probes } = setup();
  t.equal(look(500_000), undefined);
  t.equal(probes(), 1);
  t.equal(look(500_001), 500_001);
});

t.test('with DPD off nobody is asked, however long the silence', async (t) => {
  const { channel, time, probes } = setup();
  time.now += 1e9;
  t.equal(channel.checkLiveness(time.now, 0), undefined);
  t.equal(channel.askBefore(1e9, 0), false);
  t.equal(probes(), 0);
  t.equal(channel.deadAt(0), Infinity);
  t.equal(channel.nextLook(0), Infinity);
});

t.test('before a leap those are asked whose silence would be too long after it', async (t) => {
  const { channel, time, probes } = setup();
  time.now += 10_000;
  t.equal(channel.askBefore(80_000, DPD), false);
  t.equal(probes(), 0);
  t.equal(channel.askBefore(80_001, DPD), true);
  t.equal(probes(), 1);
  channel.vouch(time.now + 80_001);
  t.equal(channel.deadAt(DPD), time.now + 80_001 + 90_001, 'who answers counts as heard until its end');
  channel.vouch(time.now);
  t.equal(channel.deadAt(DPD), time.now + 80_001 + 90_001, 'and what was heard later is not forgotten');
});

t.test('what follows a goodbye in the same read is nobody’s', async (t) => {
  const { channel, calls, sent } = setup();
  channel.receive(
    Buffer.concat([
      serializeCstp(CstpType.Data, Buffer.alloc(20)),
      serializeCstp(CstpType.Disconnect, Buffer.from([0xb0])),
      serializeCstp(CstpType.DpdRequest),
      serializeCstp(CstpType.Data, Buffer.alloc(30)),
    ]),
  );
  t.strictSame(calls, ['data 20', 'goodbye', 'closed']);
  channel.receive(serializeCstp(CstpType.DpdRequest));
  channel.close(true);
  t.strictSame(sent, [], 'no answer, and no goodbye in return');
  t.equal(calls.length, 3, 'closing twice is harmless');
});

t.test('a disconnect packet is sent if that is asked for', async (t) => {
  const { channel, sent } = setup();
  channel.close(true);
  t.strictSame(sent, [CstpType.Disconnect]);
});
