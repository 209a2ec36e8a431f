import fc from 'fast-check';
import t from 'tap';
import { CSTP_MAX_PAYLOAD, CstpReader, CstpType, serializeCstp, writeCstpHeader } from '../../src/wire/cstp.ts';

interface Seen {
  readonly type: number;
  readonly payload: string;
}

function reading(maxPayload?: number): { reader: CstpReader; seen: Seen[] } {
  const seen: Seen[] = [];
  const reader = new CstpReader((type, buffer, offset, length) => {
    seen.push({ type, payload: buffer.toString('hex', offset, offset + length) });
  }, maxPayload);
  return { reader, seen };
}

t.test('a DPD request looks as in the capture', async (t) => {
  // "STF", version 1, length 4, type 3, reserved 0, payload "abcd" (reference openconnect-protocol §6)
  t.equal(serializeCstp(CstpType.DpdRequest, Buffer.from('abcd')).toString('hex'), '5354460100040300' + '61626364');
});

t.test('the header goes in front of a payload that is already there', async (t) => {
  const buffer = Buffer.alloc(16, 0xff);
  writeCstpHeader(buffer, 4, CstpType.Data, 0x1234);
  t.equal(buffer.toString('hex'), 'ffffffff5354460112340000ffffffff');
});

t.test('packets come out whole whatever the boundaries of the chunks', async () => {
  const runs = Number(process.env['TUNNELITE_FUZZ'] ?? 300);
  fc.assert(
    fc.property(
      fc.array(fc.record({ type: fc.nat(255), payload: fc.uint8Array({ maxLength: 2000 }) }), { maxLength: 12 }),
      fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 60 }),
      (packets, cuts) => {
        const stream = Buffer.concat(packets.map((packet) => serializeCstp(packet.type, packet.payload)));
        const { reader, seen } = reading();
        for (let at = 0, i = 0; at < stream.length; i++) {
          const size = cuts[i % cuts.length]!;
          if (reader.push(stream.subarray(at, at + size))) return false;
          at += size;
        }
        const wanted = packets.map((p) => ({ type: p.type, payload: Buffer.from(p.payload).toString('hex') }));
        return JSON.stringify(seen) === JSON.stringify(wanted) && reader.pending === 0;
      },
    ),
    { numRuns: runs },
  );
});

t.test('bytes that are no CSTP are named for what is wrong with them', async (t) => {
  const good = serializeCstp(CstpType.DpdRequest);
  const changed = (at: number, value: number): Buffer => {
    const bytes = Buffer.from(good);
    bytes[at] = value;
    return bytes;
  };
  t.equal(reading().reader.push(changed(2, 0x58)), 'magic');
  t.equal(reading().reader.push(changed(3, 2)), 'version');
  t.equal(reading().reader.push(changed(7, 1)), 'reserved');
  t.equal(reading().reader.push(changed(4, 0xff)), 'length');
  t.equal(reading().reader.push(Buffer.from('GET / H')), 'magic', 'as soon as four bytes are there');
});

t.test('after a fault nothing more is taken', async (t) => {
  const { reader, seen } = reading();
  reader.push(Buffer.from('garbage!'));
  t.equal(reader.push(serializeCstp(CstpType.Data, Buffer.from('x'))), 'magic');
  t.strictSame(seen, []);
});

t.test('a handler that stops the reader gets nothing more of the same chunk', async (t) => {
  const seen: number[] = [];
  const reader = new CstpReader((type) => {
    seen.push(type);
    reader.stop();
  });
  t.equal(reader.push(Buffer.concat([serializeCstp(5), serializeCstp(3)])), undefined);
  t.strictSame(seen, [5]);
});

t.test('the largest packet fits a TLS record', async (t) => {
  t.equal(serializeCstp(CstpType.Data, Buffer.alloc(CSTP_MAX_PAYLOAD)).length, 16_384);
});

t.test('the largest payload passes, one byte more does not', async (t) => {
  const { reader, seen } = reading();
  t.equal(reader.push(serializeCstp(0, Buffer.alloc(CSTP_MAX_PAYLOAD))), undefined);
  t.equal(seen.length, 1);
  t.equal(reading().reader.push(serializeCstp(0, Buffer.alloc(CSTP_MAX_PAYLOAD + 1))), 'length');
});

t.test('random bytes never make the reader throw or hold more than one packet', async () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 64 }), { maxLength: 40 }), (chunks) => {
      const { reader } = reading(256);
      for (const chunk of chunks) reader.push(Buffer.from(chunk));
      return reader.pending <= 256 + 8;
    }),
    { numRuns: 300 },
  );
});
