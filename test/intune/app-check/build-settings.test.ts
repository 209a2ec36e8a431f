import t from 'tap';
import {
  type BuildSettings,
  buildSettingsFiller,
  parseXcconfig,
  unresolved,
  type XcconfigFile,
} from '../../../src/intune/app-check/build-settings.ts';

const fill = (text: string, settings: BuildSettings): string => buildSettingsFiller(settings)(text);

/** Files by name; those that are included too. */
function xcconfig(files: Readonly<Record<string, string>>, name = 'main', before = {}) {
  const include = (path: string): XcconfigFile | undefined =>
    Object.hasOwn(files, path) ? { text: files[path]!, include } : undefined;
  return parseXcconfig(files[name]!, include, before);
}

// biome-ignore-start lint/suspicious/noTemplateCurlyInString: Xcode's other spelling of a build setting
t.test('settings are filled in through several levels', async (t) => {
  const settings = {
    BUNDLE: '$(PREFIX).$(NAME:lower)',
    PREFIX: 'com.${ORGANIZATION}',
    ORGANIZATION: 'contoso',
    NAME: 'LOB',
    STAGE: 'TEST',
    HOST_TEST: 'test.example.com',
  };
  t.equal(fill('msauth.$(BUNDLE)://auth', settings), 'msauth.com.contoso.lob://auth');
  t.equal(fill('$(HOST_$(STAGE))', settings), 'test.example.com', 'a name may be made of others');
  t.equal(fill('https:/$()/a', settings), 'https://a', 'an empty reference is nothing');
  t.equal(fill('no reference: $5, $x, ()', settings), 'no reference: $5, $x, ()');
});

t.test('the operators of Xcode do what they do there', async (t) => {
  const settings = { NAME: 'My App_1', EMPTY: '', DEFAULT_HOST: 'x' };
  t.equal(fill('$(NAME:rfc1034identifier)', settings), 'My-App-1');
  t.equal(fill('${NAME:c99extidentifier}', settings), 'My_App_1');
  t.equal(fill('$(NAME:rfc1034identifier:lower)', settings), 'my-app-1');
  t.equal(fill('$(NAME:upper)', settings), 'MY APP_1');
  t.equal(fill('$(MISSING:default=https://a:1)', settings), 'https://a:1');
  t.equal(fill('$(EMPTY:default=b) $(NAME:default=b)', settings), 'b My App_1');
});

t.test('a reference without a value stays, and so does one through a setting that lacks it', async (t) => {
  const settings = { A: 'a$(MISSING)' };
  t.equal(fill('x $(MISSING) ${MISSING:lower}', settings), 'x $(MISSING) ${MISSING:lower}');
  t.equal(fill('$(A)', settings), '$(A)');
  t.equal(fill('$(constructor) $(__proto__)', settings), '$(constructor) $(__proto__)');
  t.ok(unresolved(fill('$(A)', settings)));
});
// biome-ignore-end lint/suspicious/noTemplateCurlyInString: Xcode's other spelling of a build setting

t.test('settings that name themselves, or double at each level, come to an end', async (t) => {
  t.equal(fill('$(A)', { A: '$(B)', B: '$(A)' }), '$(A)');
  t.equal(fill('$(A)', { A: 'x$(A)' }), '$(A)');
  const doubling: Record<string, string> = { S0: 'x' };
  for (let i = 1; i < 200; i++) doubling[`S${i}`] = `$(S${i - 1})$(S${i - 1})`;
  t.equal(fill('$(S199)', doubling), '$(S199)');
  t.equal(fill('$(S3)', doubling), 'xxxxxxxx');
  const failing: Record<string, string> = {};
  for (let i = 1; i < 30; i++) failing[`S${i}`] = `$(S${i - 1})$(S${i - 1})`;
  t.equal(fill('$(S29)', failing), '$(S29)');
});

t.test('a build configuration is read as Xcode reads it', async (t) => {
  const settings = xcconfig({
    main: [
      '// a comment',
      '#include "shared"',
      '#include? "absent"',
      'PRODUCT_BUNDLE_IDENTIFIER = com.contoso.lob // and why',
      'AUTHORITY = https:/$()/login.microsoftonline.com/common',
      'CUT = https://login.microsoftonline.com',
      'FLAGS = $(inherited) -b',
      'SDK[sdk=iphoneos*] = device',
      'SDK[sdk=iphonesimulator*] = simulator',
      'SDK[sdk=macosx*][arch=x86_64] = mac',
      'EMPTY =',
      'LAST = one\r',
      'LAST = two=2',
    ].join('\n'),
    shared: 'FLAGS = -a\nSHARED = yes\n',
  });
  t.strictSame(settings, {
    FLAGS: '-a -b',
    SHARED: 'yes',
    PRODUCT_BUNDLE_IDENTIFIER: 'com.contoso.lob',
    AUTHORITY: 'https:/$()/login.microsoftonline.com/common',
    CUT: 'https:',
    SDK: 'device',
    EMPTY: '',
    LAST: 'two=2',
  });
});

t.test('one build configuration follows on another', async (t) => {
  t.strictSame(xcconfig({ main: 'A = $(inherited)2' }, 'main', { A: '1', B: '3' }), { A: '12', B: '3' });
});

t.test('what is no build configuration is refused in words', async (t) => {
  const refused: readonly (readonly [Readonly<Record<string, string>>, RegExp])[] = [
    [{ main: 'A = 1\nnonsense' }, /Line 2 of a build configuration is not a setting: "nonsense"/],
    [{ main: '#include "absent"' }, /Line 1 of a build configuration includes "absent", which does not exist/],
    [{ main: '#include "main"' }, /includes more than 64 files; does one include itself/],
    [{ main: '#include "a"\n'.repeat(65), a: '' }, /includes more than 64 files/],
    [{ main: `A = ${'x'.repeat(4097)}` }, /The build setting A is longer than 4096 characters/],
    [{ main: `A = x\n${'A = $(inherited)$(inherited)\n'.repeat(40)}` }, /longer than 4096/],
    [{ main: 'x'.repeat(1_048_577) }, /more than 1048576 characters/],
    [{ main: 'y'.repeat(1000) }, /is not a setting: "y{80}"/],
  ];
  for (const [files, words] of refused) {
    t.throws(() => xcconfig(files), { code: 'ERR_IDENTITY_APP_CHECK', message: words });
  }
});
