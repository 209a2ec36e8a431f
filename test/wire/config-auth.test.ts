import t from 'tap';
import { authCompleteDocument, authRequestDocument, describeAuthBody, escapeXml } from '../../src/wire/config-auth.ts';

t.test('documents have the lengths that the transcripts show', async (t) => {
  // T:40 GET / and the answer to a good token; T:41 for old clients.
  t.equal(authRequestDocument('wrapped').length, 250);
  t.equal(authCompleteDocument('wrapped', 'Welcome to the example lab').length, 232);
  t.equal(authCompleteDocument('bare', 'Welcome to the example lab').length, 140);
  t.notMatch(authRequestDocument('bare'), /config-auth/);
  t.notMatch(authCompleteDocument('wrapped', undefined), /banner/);
});

t.test('a banner cannot add elements', async (t) => {
  t.notMatch(authCompleteDocument('wrapped', '</banner><evil a="b">&'), /<evil/);
  t.equal(escapeXml(`a<b>&"'`), 'a&#60;b&#62;&#38;&#34;&#39;');
});

t.test('what a client says of itself is found, whatever the order around it', async (t) => {
  const init = Buffer.from(
    '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE x>\n<config-auth client="vpn" type="init" aggregate-auth-version="2"><version who="vpn">v9.01-3</version><device-id>linux-64</device-id><group-select>staff</group-select></config-auth>',
  );
  t.strictSame(describeAuthBody(init), {
    kind: 'xml',
    type: 'init',
    version: 'v9.01-3',
    deviceId: 'linux-64',
    group: 'staff',
  });
  t.match(describeAuthBody(Buffer.from('username=a&group%5flist=staff')), { kind: 'form', group: 'staff' });
  t.match(describeAuthBody(Buffer.alloc(0)), { kind: 'empty' });
});

t.test('a body made to be slow to search is not', async (t) => {
  const hostile = Buffer.from(`<?xml ${'<config-auth '.repeat(5000)}${'<version '.repeat(5000)}`);
  t.match(describeAuthBody(hostile), { kind: 'xml', type: undefined });
});
