import { once } from 'node:events';
import { readFileSync, statSync } from 'node:fs';
import { request } from 'node:http';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import t from 'tap';
import { connectSimulator } from '../../src/index.ts';
import { blockAt } from '../../src/wire/pcapng.ts';
import { connect, start } from '../support/running-simulator.ts';

t.setTimeout(120_000);

/** Names of the interfaces of a file, with how many packets each has. */
function interfacesOf(file: Buffer): Map<string, number> {
  const names: string[] = [];
  const packets = new Map<string, number>();
  for (let at = 0; at < file.length; at += blockAt(file, at).length) {
    const type = file.readUInt32LE(at);
    if (type === 1) {
      const name = file.toString('utf8', at + 20, at + 20 + file.readUInt16LE(at + 18));
      names.push(name);
      packets.set(name, 0);
    } else if (type === 6) {
      const name = names[file.readUInt32LE(at + 8)];
      if (name === undefined) throw new Error('a packet came before its interface');
      packets.set(name, packets.get(name)! + 1);
    }
  }
  return packets;
}

function collector(): { to: Writable; bytes: () => Buffer } {
  const parts: Buffer[] = [];
  const to = new Writable({
    write(chunk, _, done) {
      parts.push(chunk);
      done();
    },
  });
  return { to, bytes: () => Buffer.concat(parts) };
}

t.test('each session has interfaces, and there is a note for each event and fault', async (t) => {
  const sim = await start(t);
  const file = join(t.testdir(), 'all.pcapng');
  const capture = await sim.capture({ file });
  const { client, id } = await connect(t, sim);
  const other = await connect(t, sim);
  await sim.journal.waitFor({ name: 'channel.switch', fields: { session: id } });
  sim.faults.add({ name: 'slow', on: { seam: 'udp', session: id }, then: { do: 'delay', ms: 1 } });
  t.equal((await client.fetch('http://intranet.contoso.internal/')).status, 200);
  const { lost, packets } = await capture.stop();
  t.equal(lost, 0);
  const bytes = readFileSync(file);
  if (process.platform !== 'win32') t.equal(statSync(file).mode & 0o777, 0o600);
  const found = interfacesOf(bytes);
  t.equal(
    [...found.values()].reduce((sum, count) => sum + count, 0),
    packets,
  );
  t.ok(found.get(`${id} inner`)! > 5);
  t.ok(found.get(`${id} outer`)! > 5);
  t.ok(found.get(`${other.id} outer`)! > 0);
  t.ok(found.get('gateway outer')! > 5, 'what came before it was known whose it is');
  const text = bytes.toString('latin1');
  t.match(text, /fault\.injected: Injected the fault slow/);
  t.match(text, /session\.connect: alice/);
  t.match(text, /SERVER_TRAFFIC_SECRET_0 [0-9a-f]{64} /, 'keys of TLS');
  t.match(text, /CLIENT_RANDOM [0-9a-f]{64} /, 'keys of DTLS');
  t.match(sim.journal.query({ name: 'capture.*' as 'capture.started' }), [
    { name: 'capture.started', fields: { layers: 'both' } },
    { name: 'capture.stopped', fields: { packets } },
  ]);
  t.equal(sim.captures.packets, undefined, 'nobody is shown anything any more');
  t.equal(sim.captures.datagrams, undefined);
  t.equal(sim.captures.keys, undefined);
  t.equal(sim.captures.connections, undefined);
});

t.test('a capture of one session has its handshakes when it comes back, and nothing of others', async (t) => {
  const sim = await start(t);
  const token = await sim.token();
  const { TunnelClient } = await import('../../src/index.ts');
  await using client = await TunnelClient.connect({ server: sim.urls.gateway, ca: sim.ca, token });
  const { fields } = await sim.journal.waitFor({ name: 'session.connect' });
  await using capture = await sim.capture({ session: fields.session, layers: 'outer' });
  const other = await connect(t, sim);
  const mark = sim.journal.mark();
  sim.sessions.rekey(fields.session);
  await sim.journal.waitFor({ name: 'session.connect', since: mark });
  await client.fetch('http://intranet.contoso.internal/');
  const found = interfacesOf(capture.bytes());
  t.strictSame([...found.keys()].toSorted(), [`${fields.session} outer`, 'journal'].toSorted());
  t.notMatch(capture.bytes().toString('latin1'), new RegExp(other.id));
  // SYN, a record of the type handshake, version, ClientHello.
  t.ok(capture.bytes().indexOf(Buffer.from([0x16, 3, 1])) > 0, 'the ClientHello is there');
});

t.test('captures are begun, looked at, read and removed over REST', async (t) => {
  const sim = await start(t);
  const remote = await connectSimulator(sim.urls.admin, { secret: sim.admin.secret });
  const { id } = await remote.captures.start({ layers: 'inner', ring: 1_000_000 });
  const { client } = await connect(t, sim);
  await client.fetch('http://intranet.contoso.internal/');
  t.match(await remote.captures.list(), [{ id, state: 'running', layers: 'inner' }]);
  t.match(await remote.captures.stop(id), { state: 'stopped' });
  const { to, bytes } = collector();
  await remote.captures.download(id, to);
  t.ok([...interfacesOf(bytes()).keys()].every((name) => name === 'journal' || name.endsWith(' inner')));
  t.notMatch(bytes().toString('latin1'), /TRAFFIC_SECRET|CLIENT_RANDOM/, 'packets in tunnels need no key');
  await remote.captures.remove(id);
  await t.rejects(remote.captures.get(id), { code: 'ERR_CAPTURE_UNKNOWN' });
  await t.rejects(remote.captures.download(id, collector().to), { code: 'ERR_CAPTURE_UNKNOWN' });
  await t.rejects(remote.captures.start({ ring: 5 }), { code: 'ERR_CAPTURE_OPTIONS' });
  await t.rejects(remote.captures.start({ duration: 'soon' }), { code: 'ERR_DURATION_INVALID' });
  await t.rejects(remote.captures.start({ ring: 1e12 }), { code: 'ERR_CAPTURE_OPTIONS' });
  for (let i = 0; i < 8; i++) await remote.captures.start({ ring: 300_000 });
  await t.rejects(remote.captures.start(), { code: 'ERR_CAPTURE_LIMIT' });

  t.equal((await fetch(`${sim.urls.admin}/api/capture`)).status, 401, 'not without the secret');
  t.equal((await fetch(`${sim.urls.admin}/api/capture/stream`)).status, 401);
});

t.test('a stream ends with its signal, its limits and its reader, and leaves nothing behind', async (t) => {
  const sim = await start(t);
  const remote = await connectSimulator(sim.urls.admin, { secret: sim.admin.secret });
  const abort = new AbortController();
  const first = collector();
  const streaming = remote.captures.stream({}, first.to, abort.signal);
  await sim.journal.waitFor({ name: 'capture.started' });
  const { client } = await connect(t, sim);
  await client.fetch('http://intranet.contoso.internal/');
  while (!first.bytes().includes('resource.end')) await once(first.to, 'drain').catch(() => {});
  abort.abort();
  await streaming;
  t.ok(interfacesOf(first.bytes()).size > 3);
  await sim.journal.waitFor({ name: 'capture.stopped' });
  const second = collector();
  await remote.captures.stream({ duration: '50ms' }, second.to);
  t.equal(interfacesOf(second.bytes()).get('journal'), 0);
  const third = collector();
  const limited = remote.captures.stream({ size: 3_000 }, third.to);
  await sim.journal.waitFor({
    name: 'capture.started',
    since: sim.journal.query({ name: 'capture.stopped' }).at(-1)!.seq,
  });
  await client.fetch('http://intranet.contoso.internal/');
  await limited;
  t.ok(third.bytes().length >= 3_000 && third.bytes().length < 6_000, `${third.bytes().length}`);
  t.strictSame(sim.captures.list(), []);
});

t.test('a reader that takes nothing holds up nobody, and is told what it has missed', async (t) => {
  const sim = await start(t);
  const { client } = await connect(t, sim);
  const { port } = new URL(sim.urls.admin);
  const headers = { authorization: `Bearer ${sim.admin.secret}` };
  const asked = request({ host: '127.0.0.1', port, path: '/api/capture/stream?layers=inner', headers }).end();
  const [answer] = (await once(asked, 'response')) as [import('node:http').IncomingMessage & { socket: Socket }];
  answer.pause();
  const before = process.memoryUsage().arrayBuffers;
  const size = 26_000_000;
  for (let i = 0; i < 2; i++) {
    const page = await client.fetch(`http://intranet.contoso.internal/bytes/${size / 2}`);
    t.equal(page.body.length, size / 2);
  }
  t.ok(process.memoryUsage().arrayBuffers - before < 150e6);
  const parts: Buffer[] = [];
  answer.on('data', (chunk: Buffer) => parts.push(chunk)).resume();
  const [capture] = sim.captures.list();
  capture!.stop('the test says so');
  await once(answer, 'end');
  const bytes = Buffer.concat(parts);
  const packets = [...interfacesOf(bytes).values()].reduce((sum, count) => sum + count, 0);
  const dropped = Number(bytes.readBigUInt64LE(bytes.length - 16));
  t.ok(dropped > 1_000, `${dropped} dropped`);
  t.equal(packets + dropped, capture!.status.packets);
});
