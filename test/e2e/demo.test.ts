import t from 'tap';
import { cli } from '../support/cli.ts';

t.test('the demo walks through all actions and shows the page', async (t) => {
  const { code, out, err } = await cli(['demo']);
  t.equal(code, 0, err);
  for (const label of ['0  ', '1  ', '2  ', '3  ', '4a ', '4b '])
    t.match(out, new RegExp(`^${label}`, 'm'), `action ${label.trim()}`);
  t.match(out, /The DTLS handshake is complete \(TLS_PSK_WITH_AES_256_GCM_SHA384\): UDP carries the packets/);
  t.match(out, /HTTP 200/);
  t.match(out, /You reached the on-premises network through the tunnel/);
  t.equal(err, '');
});
