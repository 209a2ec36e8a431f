import { once } from 'node:events';
import { connect } from 'node:tls';
import t from 'tap';
import { WRONG_TOKEN_NAMES, WRONG_TOKENS } from '../../src/identity/tokens/wrong-token.ts';
import { startSimulator } from '../../src/index.ts';

/** The status line that a POST with this token gets; empty when the connection is closed without one. */
async function login(url: string, ca: string, token: string): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), ca, servername: 'localhost' });
  await once(socket, 'secureConnect');
  const lines = ['POST / HTTP/1.1', 'Host: localhost', 'X-Transcend-Version: 1', 'User-Agent: AnyConnect-compatible'];
  socket.on('error', () => undefined);
  socket.write(`${[...lines, `Authorization: Bearer ${token}`, 'Content-Length: 0'].join('\r\n')}\r\n\r\n`);
  let text = '';
  const done = new Promise<void>((resolve) => {
    socket.once('close', () => resolve());
    socket.on('data', (data) => {
      text += data.toString('latin1');
      if (text.includes('\r\n')) resolve();
    });
  });
  await done;
  socket.destroy();
  return text.split('\r\n')[0] ?? '';
}

for (const policy of ['gateway', 'strict'] as const) {
  t.test(
    `${policy}: each wrong token that "tunnelite token" makes is answered by the gateway as the table says`,
    async (t) => {
      await using sim = await startSimulator({ identity: { policy } });
      const refused = () => sim.journal.query({ name: 'auth.refused' }).length;
      for (const name of WRONG_TOKEN_NAMES) {
        const expected = WRONG_TOKENS[name][policy];
        const { accessToken } = await sim.mintToken({ wrong: name });
        const before = refused();
        const status = await login(sim.urls.gateway, sim.ca, accessToken);
        if (name === '1mb') {
          t.notMatch(status, /200/, '1mb: the listener does not read that far');
        } else if (expected === 'accepted') {
          t.match(status, /^HTTP\/1\.1 200 /, name);
          t.equal(refused(), before, name);
        } else {
          t.match(status, /^HTTP\/1\.1 401 /, name);
          const [event] = sim.journal.query({ name: 'auth.refused' }).slice(before);
          t.equal(event?.fields.reason, expected, name);
          t.notOk(event?.text.includes(accessToken), 'the token is not in the journal');
        }
      }
      t.match(await login(sim.urls.gateway, sim.ca, (await sim.mintToken({})).accessToken), / 200 /, 'the good one');
    },
  );
}
