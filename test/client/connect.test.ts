import { once } from 'node:events';
import { createServer } from 'node:net';
import t from 'tap';
import { type ClientStep, withFreshToken } from '../../src/client/index.ts';
import { ManualClock } from '../../src/lib/clock.ts';
import { ANSWERS, requestsOf, scriptedGateway, welcome } from '../support/scripted-gateway.ts';

const limit = (what: RegExp) => ({ code: 'ERR_TIMEOUT', message: what, hint: /log/ });

t.test('the steps of connecting are told in order', async (t) => {
  await using gateway = await scriptedGateway((socket) => welcome(socket));
  const steps: ClientStep['step'][] = [];
  await using client = await gateway.connect({ onStep: ({ step }) => steps.push(step) });
  t.ok(client.connected);
  t.strictSame(steps, ['tls', 'challenge', 'token', 'authenticated', 'tunnel']);
});

t.test('a time limit that passes says what was waited for', async (t) => {
  const answers = [ANSWERS.challenge, ANSWERS.complete];
  const cases: [number, RegExp][] = [
    [0, /60 s: the login was not answered/],
    [1, /60 s: the token was not answered/],
    [2, /60 s: the request for the tunnel was not answered/],
  ];
  for (const [answered, words] of cases) {
    const clock = new ManualClock();
    await using gateway = await scriptedGateway(async (socket) => {
      const requests = requestsOf(socket);
      for (const answer of answers.slice(0, answered)) {
        await requests.next();
        socket.write(answer);
      }
      await requests.next();
      clock.advance(60_000);
    });
    await t.rejects(gateway.connect({ clock, timeout: 60_000 }), limit(words));
  }
});

t.test('a server that takes the connection and says nothing is given up', async (t) => {
  const clock = new ManualClock();
  await using gateway = await scriptedGateway(() => {});
  const silent = createServer((socket) => socket.once('data', () => clock.advance(30_000)));
  silent.listen(0, '127.0.0.1');
  await once(silent, 'listening');
  t.teardown(() => silent.close());
  const { port } = silent.address() as { port: number };
  const server = `https://localhost:${port}`;
  await t.rejects(gateway.connect({ clock, server }), limit(/30 s: there was no TLS connection/));
});

t.test('a token that does not come is waited for no longer than anything else', async (t) => {
  const clock = new ManualClock();
  await using gateway = await scriptedGateway((socket) => welcome(socket));
  const never = Promise.withResolvers<string>();
  const token = (): Promise<string> => {
    queueMicrotask(() => clock.advance(30_000));
    return never.promise;
  };
  await t.rejects(gateway.connect({ clock, token }), limit(/token function returned no token/));
  never.reject(new Error('too late for anybody to hear'));
});

t.test('a token that cannot be had is an error of its own', async (t) => {
  await using gateway = await scriptedGateway((socket) => welcome(socket));
  const token = async (): Promise<string> => {
    throw new Error('the user went away');
  };
  await t.rejects(gateway.connect({ token }), { message: 'the user went away' });
});

t.test('what is no token is told so, and not sent', async (t) => {
  const asked: number[] = [];
  await using gateway = await scriptedGateway(async (socket) => {
    const requests = requestsOf(socket);
    await requests.next();
    socket.write(ANSWERS.challenge);
    await requests.next();
    asked.push(1);
  });
  const wrong: unknown[] = [() => undefined, () => null, async () => ({ accessToken: 'x' }), () => 7, 7, undefined];
  for (const token of wrong) {
    await t.rejects(gateway.connect({ token: token as string }), { code: 'ERR_CLIENT_SIGN_IN', hint: /string/ });
  }
  const source = async () => undefined as unknown as string;
  await t.rejects(
    withFreshToken(source, (token) => gateway.connect({ token })),
    { code: 'ERR_CLIENT_SIGN_IN' },
  );
  t.strictSame(asked, []);
});

t.test('connecting is given up by a signal, at whichever step, and a tunnel that is there is not', async (t) => {
  const reason = new Error('changed my mind');
  const already = AbortSignal.abort(reason);
  await using gateway = await scriptedGateway((socket) => welcome(socket));
  await t.rejects(gateway.connect({ signal: already }), reason);
  t.equal(gateway.accepted.length, 0, 'nothing was opened');
  for (const at of ['tls', 'challenge', 'token', 'authenticated', 'tunnel'] as const) {
    const control = new AbortController();
    const onStep = ({ step }: ClientStep): void => {
      if (step === at) control.abort(reason);
    };
    await t.rejects(gateway.connect({ signal: control.signal, onStep }), reason, at);
  }
  for (const socket of gateway.accepted) if (!socket.resume().destroyed) await once(socket, 'close');
  const control = new AbortController();
  await using client = await gateway.connect({ signal: control.signal });
  control.abort(reason);
  t.ok(client.connected);
});
