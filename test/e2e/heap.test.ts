import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { connect as connectDtls } from '../../src/dtls/connect.ts';
import { cli, spawnCli } from '../support/cli.ts';
import { AGENT, cookieOf, header, RawClient, statusLine, TUNNEL_HEADERS } from '../support/gateway.ts';
import { heapSnapshotOf, Secrets, SNAPSHOT_OPTIONS } from '../support/heap-snapshot.ts';

t.setTimeout(120_000);

/** What is logged is written out, which makes one string of what was put together; what is not logged still consists of its parts. */
for (const level of ['debug', 'silent'])
  t.test(
    `after a login neither token nor request is found in the memory of the process, log level ${level}`,
    async (t) => {
      const directory = t.testdir();
      const certs = join(directory, 'certs');
      const started = spawnCli(['start', '--port', '0', '--certs', certs, '--json', '--log-level', level], {
        cwd: directory,
        nodeOptions: SNAPSHOT_OPTIONS,
      });
      t.teardown(() => started.child.kill('SIGKILL'));
      const { gateway } = JSON.parse(await started.waitFor(/\n/)) as { gateway: string };
      const ca = readFileSync(join(certs, 'ca.pem'));
      const dial = () => RawClient.dial({ host: '127.0.0.1', port: Number(new URL(gateway).port), ca });
      const tokenOf = async (...args: string[]): Promise<string> =>
        JSON.parse((await cli(['token', '--certs', certs, '--json', ...args])).out).accessToken;
      const secrets = new Secrets();
      const word = (where: string): string => secrets.word(where);

      const good = await tokenOf();
      const bad = await tokenOf('--wrong', 'expired');
      for (const [label, token] of Object.entries({ good, bad })) secrets.addToken(`the ${label} token`, token);
      const login = (token: string, label: string): string[] => [
        `Authorization: Bearer ${token}`,
        `User-Agent: ${AGENT} ${'with a long name '.repeat(5)}${word(`agent of the ${label} login`)}`,
        `Cookie: webvpncontext=none; other=${word(`cookie of the ${label} login`)}; webvpn=none`,
        `X-CSTP-Hostname: client1`,
        `X-Other: ${word(`header of the ${label} login`)}`,
      ];
      const body = (label: string): string =>
        `<?xml version="1.0"?><config-auth client="vpn" type="init"><version who="vpn">v9.01-3 of somebody</version><device-id>a-device-with-a-long-name</device-id><password>${word(`body of the ${label} login`)}</password></config-auth>`;

      const client = await dial();
      t.equal(statusLine(await client.request('POST', '/', [])), 'HTTP/1.1 401 Unauthorized');
      const answer = await client.request('POST', '/', login(good, 'good'), body('good'));
      t.equal(statusLine(answer), 'HTTP/1.1 200 OK');
      secrets.add('cookie of the session', cookieOf(answer));
      const tunnel = [
        ...TUNNEL_HEADERS,
        `X-DTLS-Master-Secret: ${'ab'.repeat(48)}`,
        `X-Other: ${word('header of CONNECT')}`,
      ];
      t.equal(statusLine(await client.connectTunnel(undefined, tunnel)), 'HTTP/1.1 200 CONNECTED');
      // Another with DTLS.
      const mobile = await dial();
      const mobileAnswer = await mobile.request('POST', '/', login(good, 'mobile'), body('mobile'));
      secrets.add('cookie of the session with DTLS', cookieOf(mobileAnswer));
      const offer = await mobile.connectTunnel(undefined, [
        ...TUNNEL_HEADERS,
        'X-DTLS-CipherSuite: PSK-NEGOTIATE',
        `X-Other: ${word('header of CONNECT with DTLS')}`,
      ]);
      const key = mobile.tls.exportKeyingMaterial(32, 'EXPORTER-openconnect-psk', undefined as unknown as Buffer);
      secrets.add('key of DTLS', key.toString('hex'));
      const udp = await connectDtls({
        host: '127.0.0.1',
        port: Number(header(offer, 'X-DTLS-Port')),
        credentials: { kind: 'psk', key, identity: 'psk' },
        sessionId: Buffer.from(header(offer, 'X-DTLS-App-ID')!, 'hex'),
      });
      t.teardown(() => udp.close());
      // Logged in, and no CONNECT yet.
      const waiting = await dial();
      t.equal(
        statusLine(await waiting.request('POST', '/', login(good, 'waiting'), body('waiting'))),
        'HTTP/1.1 200 OK',
      );
      const refused = await dial();
      t.equal(
        statusLine(await refused.request('POST', '/', login(bad, 'bad'), body('bad'))),
        'HTTP/1.1 401 Authentication failed',
      );

      // Refusals say what came, and are kept.
      const refuse = async (label: string, ...headers: string[]): Promise<void> => {
        const stranger = await dial();
        t.equal(
          statusLine(await stranger.request('POST', '/', headers, body(label))),
          'HTTP/1.1 401 Authentication failed',
        );
        stranger.close();
      };
      await refuse('bare', `Authorization: ${'eyJ'.repeat(9)}${word('token without a scheme')}`);
      await refuse('foreign', `Authorization: Something-Of-Our-Own ${word('credentials of another scheme')}`);
      const broken = await dial();
      broken.send(`Authorization: Bearer ${word('header without a request')}\r\n\r\n`);
      await broken.ended;

      const text = await heapSnapshotOf(started.child, directory);
      t.match(text, 'a-device-with-a-long-name', 'what the journal tells is there');
      t.strictSame(secrets.foundIn(text), [], `none of ${secrets.size} secrets`);
      for (const each of [client, mobile, waiting, refused]) each.close();
      started.child.kill('SIGTERM');
      await started.ended;
    },
  );
