import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import t from 'tap';
import type { FaultAction } from '../../src/config/fault-schema.ts';
import { cli, spawnCli } from '../support/cli.ts';
import { start } from '../support/running-simulator.ts';

// What rules about the bytes of connections leave behind: nothing.

t.setTimeout(120_000);

const ACTIONS: readonly FaultAction[] = [
  { do: 'latency', latency: 60_000 },
  { do: 'bandwidth', rate: 1 },
  { do: 'slow_close', delay: 60_000 },
  { do: 'timeout', timeout: 60_000 },
  { do: 'timeout', timeout: 0 },
  { do: 'reset_peer', timeout: 60_000 },
  { do: 'slicer', average_size: 1, delay: 1_000_000 },
  { do: 'limit_data', bytes: 100 },
  { do: 'stall' },
  { do: 'hold' },
];

t.test('connections that are reset under each action are gone, with all that waited in them', async (t) => {
  const sim = await start(t);
  for (const action of ACTIONS) {
    await using rule = sim.faults.add({ on: { seam: 'tcp' }, then: action });
    const sockets: Socket[] = [];
    for (let i = 0; i < 20; i++) {
      const raw = connect(sim.gateway.port, '127.0.0.1');
      raw.on('error', () => {});
      const tls = connectTls({ socket: raw, ca: sim.ca, servername: 'localhost' });
      tls.on('error', () => {});
      sockets.push(raw);
      await once(raw, 'connect');
    }
    while (rule.seen() < 20) await new Promise((resolve) => setImmediate(resolve));
    for (const socket of sockets) socket.resetAndDestroy();
    while (sim.gateway.stats()['connectionsPending']! > 0) await new Promise((resolve) => setImmediate(resolve));
    t.equal(rule.held(), 0, action.do);
    t.equal([...sim.gateway.tcpConnections()].length, 0, action.do);
  }
});

t.test('a gateway that is closed waits for no byte that a rule keeps', async (t) => {
  const sim = await start(t);
  const rule = sim.faults.add({ on: { seam: 'tcp', direction: 'out' }, then: { do: 'stall' } });
  const raw = connect(sim.gateway.port, '127.0.0.1');
  raw.on('error', () => {});
  const tls = connectTls({ socket: raw, ca: sim.ca, servername: 'localhost' });
  tls.on('error', () => {});
  await rule.struck();
  const gone = once(raw, 'close');
  await sim.gateway.stop();
  await gone;
  await sim.gateway.start();
  await sim.reset();
  t.equal(sim.faults.list().length, 0);
});

t.test('a rule with a toxic from the command line', async (t) => {
  const certs = t.testdir();
  const started = spawnCli(['start', '--port', '0', '--certs', certs, '--json', '--log-level', 'silent']);
  t.teardown(() => started.child.kill('SIGKILL'));
  await started.waitFor(/\n/);
  const run = (...args: string[]) => cli(['fault', 'add', 'tcp', ...args, '--certs', certs]);
  const sizes = ['--average-size', '64', '--size-variation', '8', '--delay', '10'];
  const { code, out, err } = await run('slicer', ...sizes, '--json');
  t.equal(code, 0, err);
  t.match(JSON.parse(out).rule, {
    on: { seam: 'tcp' },
    then: { do: 'slicer', average_size: 64, size_variation: 8, delay: 10 },
  });
  t.match((await run('latency', '--latency', 'much')).err, /"--latency much" is not a number/);
  t.match((await run('latency')).err, /latency needs "latency"/);
});
