import t from 'tap';
import { banner, programName, quote } from '../../src/cli/banner.ts';

const facts = {
  version: '1.2.3',
  gateway: 'https://localhost:8443',
  authority: 'https://localhost:8444/tenant',
  admin: 'http://127.0.0.1:8445',
  caPath: '/home/me/my certs/ca.pem',
  directory: '/home/me/my certs',
  program: 'npx tunnelite',
  where: "--certs '/home/me/my certs'",
  udp: true,
  users: ['alice@contoso.com'],
  builtIn: true,
  page: 'http://intranet.contoso.internal/',
} as const;

t.test('the banner shows the openconnect commands for root and for everyone else', async (t) => {
  const text = banner(facts);
  const openconnect =
    "openconnect --protocol=anyconnect --http-auth=Bearer --token-mode=oidc --token-secret=@'/home/me/my certs/token.jwt' --cafile='/home/me/my certs/ca.pem'";
  t.ok(text.includes(`  sudo ${openconnect} https://localhost:8443\n`));
  t.ok(text.includes(`  ${openconnect} --script-tun --script "ocproxy -D 11080" https://localhost:8443\n`));
  t.ok(text.includes("npx tunnelite token --output '/home/me/my certs/token.jwt' --certs '/home/me/my certs'\n"));
  t.ok(text.includes('curl -x socks5h://127.0.0.1:11080 http://intranet.contoso.internal/\n'));
});

t.test('what does not apply is left out', async (t) => {
  const memory = banner({ ...facts, caPath: undefined, directory: undefined });
  t.notMatch(memory, /openconnect/);
  t.match(memory, /set certs\.directory/);
  const foreign = banner({ ...facts, builtIn: false, users: [] });
  t.notMatch(foreign, /tunnelite token/);
  t.match(foreign, /sign in at/);
  t.match(banner({ ...facts, udp: false }), /TCP only/);
});

t.test('the program is named as it was called', async (t) => {
  t.equal(programName('/repo/src/cli/main.ts', {}), 'npm run -s tunnelite --');
  t.equal(programName('/app/node_modules/.bin/tunnelite', {}), 'npx tunnelite');
  t.equal(programName('/usr/local/bin/tunnelite', {}), 'tunnelite');
});

t.test('words are quoted as a POSIX shell needs it', async (t) => {
  t.equal(quote('/a/b-c.d'), '/a/b-c.d');
  t.equal(quote('a b'), "'a b'");
  t.equal(quote("it's $HOME"), "'it'\\''s $HOME'");
});
