import t from 'tap';
import { parseInfoPlist } from '../../../src/intune/app-check/info-plist.ts';
import { isTunneliteError } from '../../../src/lib/errors.ts';

const HEAD = `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">`;

t.test('every kind of value in a property list is read', (t) => {
  const text = `${HEAD}
<dict>
  <!-- a comment -->
  <key>text</key><string>a &amp; b &lt;c&gt; &#65;&#x42;</string>
  <key>empty</key><string></string>
  <key>nothing</key><string/>
  <key>number</key><integer>42</integer>
  <key>real</key><real>1.5</real>
  <key>yes</key><true/>
  <key>no</key><false/>
  <key>list</key><array><string>x</string><dict><key>k</key><string>v</string></dict></array>
  <key>none</key><array/>
  <key>when</key><date>2026-01-01T00:00:00Z</date>
</dict>
</plist>`;
  t.same(parseInfoPlist(text), {
    text: 'a & b <c> AB',
    empty: '',
    nothing: '',
    number: 42,
    real: 1.5,
    yes: true,
    no: false,
    list: ['x', { k: 'v' }],
    none: [],
    when: '2026-01-01T00:00:00Z',
  });
  t.end();
});

t.test('what is no XML property list is refused in words', (t) => {
  const refused: Record<string, RegExp> = {
    'bplist00\u0000': /binary property list/,
    '': /not XML|not a property list/,
    '{"a":1}': /not XML|not a property list/,
    '<html></html>': /not a property list/,
    [`${HEAD}<array/></plist>`]: /not a property list with a dictionary/,
    [`${HEAD}<dict><key>a</key></dict></plist>`]: /"a" of the property list has no value/,
    [`${HEAD}<dict><string>a</string></dict></plist>`]: /instead of a <key>/,
    [`${HEAD}<dict><key>a</key><bomb/></dict></plist>`]: /element <bomb>/,
    [`${HEAD}<dict><key>a</key><string>b</dict></plist>`]: /line 3/,
    [`${HEAD}${'<dict><key>a</key>'.repeat(60)}<true/>${'</dict>'.repeat(60)}</plist>`]: /nested too deeply/,
    '<?xml version="1.0"?><!DOCTYPE plist [<!ENTITY a "b">]><plist><dict/></plist>': /defines entities/,
    '<!DOCTYPE plist SYSTEM "x" [<!ENTITY % a SYSTEM "file:///etc/passwd"> %a;]><plist><dict/></plist>':
      /defines entities/,
    ['x'.repeat(1_100_000)]: /more than 1048576 characters/,
  };
  for (const [text, words] of Object.entries(refused)) {
    try {
      parseInfoPlist(text);
      t.fail(`was taken: ${text.slice(0, 200)}`);
    } catch (error) {
      t.ok(isTunneliteError(error, 'ERR_IDENTITY_APP_CHECK'), text.slice(-60));
      t.match(String(error), words);
    }
  }
  t.end();
});

t.test('a hostile property list is refused in few words', async (t) => {
  const fill = (part: string): string => part.repeat(Math.floor(1_000_000 / part.length));
  const names = Array.from({ length: 30_000 }, (_, i) => `<a xmlns:x${i}="b">`).join('');
  for (const text of [
    `${HEAD}${fill('<array>')}`,
    `${HEAD}${'<array>'.repeat(60_000)}${'</array>'.repeat(60_000)}</plist>`,
    `${HEAD}${names}`,
    `${HEAD}${fill('<')}`,
    `${HEAD}${fill('<!--')}`,
    `${HEAD}${fill('<a ')}`,
    `${HEAD}<dict a="${fill('"b=')}"/></plist>`,
    `<!DOCTYPE ${fill('a ')}`,
  ]) {
    const error = await (async () => parseInfoPlist(text))().catch((error: unknown) => error);
    t.ok(isTunneliteError(error, 'ERR_IDENTITY_APP_CHECK'), text.slice(150, 200));
    t.ok(String(error).length < 400, `${String(error).length} characters`);
  }
});

t.test('entities that XML does not have stay as they are written, and nothing grows', async (t) => {
  const value = parseInfoPlist(`${HEAD}<dict><key>a</key><string>&lol; &amp;amp; &#x110000;</string></dict></plist>`);
  t.equal(value.a, '&lol; &amp; &#x110000;');
});

t.test('a key __proto__ is a key', (t) => {
  const value = parseInfoPlist(
    `${HEAD}<dict><key>__proto__</key><dict><key>polluted</key><true/></dict></dict></plist>`,
  );
  t.notOk('polluted' in {});
  t.equal(value.polluted, undefined);
  t.end();
});
