import { join } from 'node:path';

/** What the banner tells of a running instance. */
export interface BannerFacts {
  readonly version: string;
  readonly gateway: string;
  readonly authority: string;
  readonly admin: string;
  /** PEM file of the CA; undefined when certificates are in memory. */
  readonly caPath: string | undefined;
  /** The certificate directory; undefined when certificates are in memory. */
  readonly directory: string | undefined;
  /** How this program is called: `npx tunnelite`. */
  readonly program: string;
  /** What the other commands need to find this instance: `--certs ...`, or nothing. */
  readonly where: string;
  readonly udp: boolean;
  /** Sign-in names of the first users. */
  readonly users: readonly string[];
  readonly builtIn: boolean;
  /** A page of the mock network, if it has one. */
  readonly page: string | undefined;
}

/** The port on which ocproxy offers its SOCKS proxy in the commands shown. */
const SOCKS_PORT = 11_080;

/** What to do now, with commands that work when pasted. */
export function banner(facts: BannerFacts): string {
  const { program, where } = facts;
  const call = (rest: string): string => [program, rest, where].filter(Boolean).join(' ');
  const lines = [
    `Tunnelite ${facts.version}`,
    '',
    `  Gateway    ${facts.gateway} (${facts.udp ? 'TCP and UDP' : 'TCP only'})`,
    `  Entra ID   ${facts.authority}${facts.builtIn ? '' : ' (not ours)'}`,
  ];
  if (facts.users.length > 0) lines.push(`  Users      ${facts.users.join(', ')}`);
  lines.push(`  Health     ${facts.admin}/readyz`);
  if (facts.caPath === undefined || facts.directory === undefined) {
    lines.push('  CA         in memory; set certs.directory to connect clients from outside');
    return `${lines.join('\n')}\n`;
  }
  lines.push(`  CA         ${facts.caPath} ("${call('ca --trust')}" tells how to trust it)`);
  const tokenFile = join(facts.directory, 'token.jwt');
  const openconnect = [
    'openconnect --protocol=anyconnect --http-auth=Bearer --token-mode=oidc',
    `--token-secret=@${quote(tokenFile)} --cafile=${quote(facts.caPath)}`,
  ].join(' ');
  lines.push('', 'Connect a stock client. First get a token:', '');
  lines.push(
    facts.builtIn
      ? `  ${call(`token --output ${quote(tokenFile)}`)}`
      : `  (sign in at ${facts.authority}, and write the access token to ${tokenFile})`,
  );
  lines.push('', 'then with root:', '', `  sudo ${openconnect} ${facts.gateway}`);
  if (facts.page !== undefined) lines.push(`  curl ${facts.page}`);
  lines.push('', 'or without, through a SOCKS proxy:', '');
  lines.push(`  ${openconnect} --script-tun --script "ocproxy -D ${SOCKS_PORT}" ${facts.gateway}`);
  if (facts.page !== undefined) lines.push(`  curl -x socks5h://127.0.0.1:${SOCKS_PORT} ${facts.page}`);
  return `${lines.join('\n')}\n`;
}

/** How the person can call this program again, from what is known of this call. */
export function programName(file: string, env: Readonly<Record<string, string | undefined>>): string {
  if (file.endsWith('.ts')) return 'npm run -s tunnelite --';
  if (env.npm_config_user_agent !== undefined || /[\\/]node_modules[\\/]/.test(file)) return 'npx tunnelite';
  return 'tunnelite';
}

/** A word as a POSIX shell takes it. */
export function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
