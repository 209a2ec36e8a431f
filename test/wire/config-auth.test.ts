import fc from 'fast-check';
import t from 'tap';
import {
  type ClientDocument,
  parseClientDocument,
  parseServerDocument,
  type ServerDocument,
  serializeClientDocument,
  serializeServerDocument,
} from '../../src/wire/config-auth.ts';
import { escapeXml, xmlElements } from '../../src/wire/xml-elements.ts';

const FORM: ServerDocument = { type: 'auth-request', message: 'Please enter your username.', action: '/auth' };
const complete = (banner?: string): ServerDocument => ({ type: 'complete', title: 'SSL VPN Service', banner });

t.test('documents have the lengths that the transcripts show', async (t) => {
  // T:40 GET / and the answer to a good token; T:41 for old clients.
  t.equal(serializeServerDocument(FORM, 'wrapped').length, 250);
  t.equal(serializeServerDocument(complete('Welcome to the example lab'), 'wrapped').length, 232);
  t.equal(serializeServerDocument(complete('Welcome to the example lab'), 'bare').length, 140);
  t.notMatch(serializeServerDocument(FORM, 'bare'), /config-auth/);
  t.notMatch(serializeServerDocument(complete(), 'wrapped'), /banner/);
});

t.test('a banner cannot add elements', async (t) => {
  t.notMatch(serializeServerDocument(complete('</banner><evil a="b">&'), 'wrapped'), /<evil/);
  t.equal(escapeXml(`a<b>&"'`), 'a&#60;b&#62;&#38;&#34;&#39;');
});

t.test('what a client says of itself is found, whatever the order around it', async (t) => {
  const init = Buffer.from(
    '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE x>\n<config-auth client="vpn" type="init" aggregate-auth-version="2"><version who="vpn">v9.01-3</version><device-id>linux-64</device-id><group-select>staff</group-select></config-auth>',
  );
  const found = {
    type: 'init',
    version: 'v9.01-3',
    deviceId: 'linux-64',
    groupAccess: undefined,
    groupSelect: 'staff',
  };
  t.strictSame(parseClientDocument(init), found);
  t.match(parseClientDocument(Buffer.from(`<!-- <config-auth type="logout"> --> < ${init} <unfinished`)), found);
  t.match(
    parseClientDocument(
      Buffer.from("<config-auth a='>' type = 'init'><device-id platform-version=\"1>0\">win</device-id>"),
    ),
    { type: 'init', deviceId: 'win' },
  );
  for (const other of ['username=a&group%5flist=staff', '', '<config-auth type="other">', '<html>', '\0\xff<']) {
    t.equal(parseClientDocument(Buffer.from(other, 'latin1')), undefined, other);
  }
});

t.test('a text of another length than is kept is cut', async (t) => {
  const long = serializeClientDocument({ type: 'init', deviceId: 'a'.repeat(100) });
  t.equal(parseClientDocument(Buffer.from(long))?.deviceId, 'a'.repeat(63));
});

t.test('of two elements of one name the first counts', async (t) => {
  const twice = `<config-auth type="init"><version>1</version><version>2</version><config-auth type="auth-reply">`;
  t.match(parseClientDocument(Buffer.from(twice)), { type: 'init', version: /^1$/ });
});

t.test('a banner is kept up to 4096 characters', async (t) => {
  for (const length of [4096, 4097]) {
    const sent = { type: 'complete', title: 'T', banner: 'b'.repeat(length) } as const;
    const read = parseServerDocument(Buffer.from(serializeServerDocument(sent, 'wrapped')));
    t.match(read, { type: 'complete', banner: /^b{4096}$/ });
  }
});

t.test('documents of the real server are understood', async (t) => {
  // T:40
  const form =
    '<?xml version="1.0" encoding="UTF-8"?>\n<config-auth client="vpn" type="auth-request">\n<version who="sg">0.1(1)</version>\n<auth id="main">\n<message>Please enter your username.</message>\n<form method="post" action="/auth">\n</form></auth>\n</config-auth>';
  t.strictSame(parseServerDocument(Buffer.from(form)), FORM);
  const success =
    '<?xml version="1.0" encoding="UTF-8"?>\n<config-auth client="vpn" type="complete">\n<version who="sg">0.1(1)</version>\n<auth id="success">\n<title>SSL VPN Service</title><banner>Welcome to the example lab</banner></auth></config-auth>\n';
  t.strictSame(parseServerDocument(Buffer.from(success)), complete('Welcome to the example lab'));
  t.equal(parseServerDocument(Buffer.from('<html><body>nginx</body></html>')), undefined);
});

const text = fc
  .string({ unit: 'grapheme', maxLength: 15 })
  .map((each) => each.replaceAll(/[\0-\x1f\x7f-\x9f\ud800-\udfff]/g, '').trim());

t.test('what is written is read again, for both sides', async () => {
  const optional = fc.option(text, { nil: undefined });
  const client: fc.Arbitrary<ClientDocument> = fc.record(
    {
      type: fc.constantFrom('init', 'auth-reply', 'logout'),
      version: optional,
      deviceId: optional,
      groupAccess: optional,
      groupSelect: optional,
    },
    { noNullPrototype: true },
  );
  fc.assert(
    fc.property(client, (document) => {
      t.strictSame(parseClientDocument(Buffer.from(serializeClientDocument(document))), document);
    }),
  );
  const filled = text.filter((each) => each !== '');
  const server: fc.Arbitrary<ServerDocument> = fc.oneof(
    fc.record({ type: fc.constant('auth-request' as const), message: text, action: text }, { noNullPrototype: true }),
    fc.record(
      {
        type: fc.constant('complete' as const),
        title: text,
        banner: fc.option(filled, { nil: undefined }),
      },
      { noNullPrototype: true },
    ),
  );
  fc.assert(
    fc.property(server, fc.constantFrom('wrapped', 'bare'), (document, dialect) => {
      t.strictSame(parseServerDocument(Buffer.from(serializeServerDocument(document, dialect))), document);
    }),
  );
});

t.test('random text never makes the parser throw, and it finds no element twice', async () => {
  const piece = fc.oneof(
    fc.constantFrom(
      '<',
      '>',
      '"',
      "'",
      '<!--',
      '-->',
      '<a b="',
      '</a>',
      '<![CDATA[',
      ']]>',
      '<?x',
      '&#0;',
      '&#x110000;',
      '&amp;',
    ),
    fc.string({ maxLength: 5 }),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
      const source = pieces.join('');
      return [...xmlElements(source)].length <= source.split('<').length;
    }),
  );
});

/** Characters that regular expressions and searches look at grow with the document, not with its square. */
t.test('a body made to be slow to search is not', async (t) => {
  const searched: number[] = [];
  const { indexOf } = String.prototype;
  String.prototype.indexOf = function (this: string, wanted: string, from?: number) {
    const found = indexOf.call(this, wanted, from);
    searched.push((found < 0 ? this.length : found) - (from ?? 0));
    return found;
  };
  try {
    for (const piece of [
      '<',
      '<a',
      '<a ',
      '<a b="',
      '<!--',
      '<![CDATA[',
      '<?',
      '<!',
      '<a>',
      '"',
      '&#',
      '<config-auth ',
    ]) {
      searched.length = 0;
      const source = piece.repeat(65_536 / piece.length);
      for (const _ of xmlElements(source));
      const sum = searched.reduce((total, each) => total + each, 0);
      t.ok(sum <= 3 * source.length, `${JSON.stringify(piece)}: ${sum} for ${source.length}`);
    }
  } finally {
    String.prototype.indexOf = indexOf;
  }
});
