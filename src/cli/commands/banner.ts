import { delimiter, join } from 'node:path';
import { shellWord } from '../../lib/shell-word.ts';

/** The facts about a running instance in the banner. */
export interface BannerFacts {
  readonly version: string;
  readonly gateway: string;
  readonly authority: string;
  readonly admin: string;
  /** The same two URLs for other machines, such as a phone, an emulator or another container. */
  readonly elsewhere: readonly { readonly gateway: string; readonly authority: string | undefined }[];
  /** True if the gateway listens on every address of the machine, and the configuration names none of them. */
  readonly unnamed: boolean;
  /** PEM file of the CA; undefined if certificates are in memory. */
  readonly caPath: string | undefined;
  /** The certificate directory; undefined if certificates are in memory. */
  readonly directory: string | undefined;
  /** How to call this program: `npx tunnelite`. */
  readonly program: string;
  /** Options with which other commands find this instance: `--certs ...`, or nothing. */
  readonly where: string;
  readonly udp: boolean;
  /** Sign-in names of the first users. */
  readonly users: readonly string[];
  readonly builtIn: boolean;
  /** How a user without root calls openconnect: by its path if their PATH does not include its folder. */
  readonly openconnect: string;
  /** A page of the mock network, if it has one. */
  readonly page: string | undefined;
  /** The system whose shell the commands are for. */
  readonly platform: NodeJS.Platform;
}

/** The port on which ocproxy offers its SOCKS proxy in the commands shown. */
const SOCKS_PORT = 11_080;

/** What to do next, with commands to paste. */
export function banner(facts: BannerFacts): string {
  const { program, where, platform } = facts;
  const word = (text: string): string => shellWord(text, platform);
  const call = (rest: string): string => [program, rest, where].filter(Boolean).join(' ');
  const lines = [
    `Tunnelite ${facts.version}`,
    '',
    `  Gateway    ${facts.gateway} (${facts.udp ? 'TCP and UDP' : 'TCP only'})`,
    `  Entra ID   ${facts.authority}${facts.builtIn ? '' : ' (external)'}`,
  ];
  for (const { gateway, authority } of facts.elsewhere) {
    lines.push(`  For others ${gateway}${authority === undefined ? '' : `, ${authority}`}`);
  }
  if (facts.unnamed) {
    lines.push('             To use another name or address, add it to gateway.names and identity.names');
  }
  if (facts.users.length > 0) lines.push(`  Users      ${facts.users.join(', ')}`);
  if (facts.directory !== undefined) lines.push(`  Dashboard  ${facts.admin} ("${call('dashboard --open')}" opens it)`);
  lines.push(`  Health     ${facts.admin}/readyz`);
  if (facts.caPath === undefined || facts.directory === undefined) {
    lines.push('  CA         in memory; set certs.directory to connect clients from outside');
    return `${lines.join('\n')}\n`;
  }
  lines.push(`  CA         ${facts.caPath} ("${call('ca --trust')}" explains how to trust it)`);
  const tokenFile = join(facts.directory, 'token.jwt');
  const options = [
    '--protocol=anyconnect --http-auth=Bearer --token-mode=oidc',
    `--token-secret=@${word(tokenFile)} --cafile=${word(facts.caPath)}`,
  ].join(' ');
  lines.push('', 'Connect a stock client. First get a token:', '');
  lines.push(
    facts.builtIn
      ? `  ${call(`token --output ${word(tokenFile)}`)}`
      : `  (sign in at ${facts.authority}, and write the access token to ${tokenFile})`,
  );
  if (platform === 'win32') {
    // ocproxy is not available there.
    lines.push('', 'then, in a terminal of an administrator:', '', `  openconnect ${options} ${facts.gateway}`);
    if (facts.page !== undefined) lines.push(`  curl ${facts.page}`);
    return `${lines.join('\n')}\n`;
  }
  lines.push('', 'then with root:', '', `  sudo openconnect ${options} ${facts.gateway}`);
  if (facts.page !== undefined) lines.push(`  curl ${facts.page}`);
  lines.push('', 'or without, through a SOCKS proxy:', '');
  lines.push(
    `  ${word(facts.openconnect)} ${options} --script-tun --script "ocproxy -D ${SOCKS_PORT}" ${facts.gateway}`,
  );
  if (facts.page !== undefined) lines.push(`  curl -x socks5h://127.0.0.1:${SOCKS_PORT} ${facts.page}`);
  return `${lines.join('\n')}\n`;
}

/** Where Debian and others install programs that are not in an ordinary user's PATH. */
const SYSTEM_FOLDERS = ['/usr/sbin', '/sbin', '/usr/local/sbin'];

/** A program as a shell with this PATH finds it: its name, or its path in a folder for administrators. */
export function programPath(
  name: string,
  path: string,
  isThere: (file: string) => boolean,
  folders: readonly string[] = SYSTEM_FOLDERS,
): string {
  const inPath = path.split(delimiter).some((folder) => folder !== '' && isThere(join(folder, name)));
  const elsewhere = inPath ? undefined : folders.find((folder) => isThere(join(folder, name)));
  return elsewhere === undefined ? name : join(elsewhere, name);
}

/** How to call this program again, derived from this call. */
export function programName(file: string, env: Readonly<Record<string, string | undefined>>): string {
  if (/[\\/]src[\\/]cli[\\/]main\.js$/.test(file)) return 'npm run -s tunnelite --';
  if (env.npm_config_user_agent !== undefined || /[\\/]node_modules[\\/]/.test(file)) return 'npx tunnelite';
  return 'tunnelite';
}
