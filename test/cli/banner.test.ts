import t from 'tap';
import { banner, programName, programPath } from '../../src/cli/commands/banner.ts';

const facts = {
  version: '1.2.3',
  gateway: 'https://localhost:8443',
  authority: 'https://localhost:8444/tenant',
  admin: 'http://127.0.0.1:8445',
  elsewhere: [],
  unnamed: false,
  caPath: '/home/me/my certs/ca.pem',
  directory: '/home/me/my certs',
  program: 'npx tunnelite',
  where: "--certs '/home/me/my certs'",
  udp: true,
  users: ['alice@contoso.com'],
  builtIn: true,
  openconnect: '/usr/sbin/openconnect',
  page: 'http://intranet.contoso.internal/',
  platform: 'linux',
} as const;

t.test('the banner shows the openconnect commands for root and for everyone else', async (t) => {
  const text = banner(facts);
  const options =
    "--protocol=anyconnect --http-auth=Bearer --token-mode=oidc --token-secret=@'/home/me/my certs/token.jwt' --cafile='/home/me/my certs/ca.pem'";
  t.ok(text.includes(`  sudo openconnect ${options} https://localhost:8443\n`));
  t.ok(
    text.includes(
      `  /usr/sbin/openconnect ${options} --script-tun --script "ocproxy -D 11080" https://localhost:8443\n`,
    ),
  );
  t.ok(text.includes("npx tunnelite token --output '/home/me/my certs/token.jwt' --certs '/home/me/my certs'\n"));
  t.ok(text.includes('curl -x socks5h://127.0.0.1:11080 http://intranet.contoso.internal/\n'));
});

t.test('the banner shows what a phone or another container has to use', async (t) => {
  t.notMatch(banner(facts), /others/);
  const elsewhere = [
    { gateway: 'https://10.0.2.2:8443', authority: 'https://10.0.2.2:8444/tenant' },
    { gateway: 'https://tunnelite:8443', authority: undefined },
  ];
  const text = banner({ ...facts, elsewhere });
  t.match(
    text,
    '  For others https://10.0.2.2:8443, https://10.0.2.2:8444/tenant\n  For others https://tunnelite:8443\n',
  );
  t.notMatch(text, /gateway\.names/);
  t.match(banner({ ...facts, unnamed: true }), /add it to gateway\.names and identity\.names/);
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

t.test('a program for administrators is shown with its path to who does not have it in PATH', async (t) => {
  const there = (file: string): boolean => file === '/usr/sbin/openconnect';
  t.equal(programPath('openconnect', '/usr/bin:/bin', there), '/usr/sbin/openconnect');
  t.equal(programPath('openconnect', '/usr/bin:/usr/sbin', there), 'openconnect');
  t.equal(programPath('ocproxy', '/usr/bin', there), 'ocproxy', 'not installed: the name tells what to install');
});

t.test('the program is named as it was called', async (t) => {
  t.equal(programName('/repo/src/cli/main.js', {}), 'npm run -s tunnelite --');
  t.equal(programName('/app/node_modules/.bin/tunnelite', {}), 'npx tunnelite');
  t.equal(programName('/usr/local/bin/tunnelite', {}), 'tunnelite');
});

t.test('on Windows the commands are for its own shells, without sudo and without ocproxy', async (t) => {
  const text = banner({
    ...facts,
    caPath: 'C:\\Users\\me too\\certs\\ca.pem',
    directory: 'C:/certs',
    where: '',
    platform: 'win32',
  });
  t.match(text, /^ {2}npx tunnelite token --output C:\/certs[\\/]token\.jwt$/m);
  t.match(text, /^ {2}openconnect .* --cafile="C:\\Users\\me too\\certs\\ca\.pem" https:\/\/localhost:8443$/m);
  t.notMatch(text, /sudo|ocproxy|'/);
});
