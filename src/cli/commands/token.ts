import { chmodSync, writeFileSync } from 'node:fs';
import type { MintedToken, TokenRequest } from '../../admin/index.ts';
import { errorText, TunneliteError } from '../../lib/errors.ts';
import { suggest } from '../../lib/schema/suggest.ts';
import { command, repeated } from '../context/command.ts';
import { configFromArgs, fileOptions } from '../context/config-options.ts';
import { ask, findInstance } from '../context/instance.ts';
import { type CliIo, EXIT } from '../context/io.ts';

export default command({
  args: {
    ...fileOptions,
    user: { type: 'string', alias: 'u', valueHint: 'name', description: 'User of the token; default: the first user' },
    tenant: { type: 'string', valueHint: 'id or domain', description: 'Tenant; default: the first' },
    client: { type: 'string', valueHint: 'app id', description: 'App of the token; default: the first' },
    wrong: { type: 'string', valueHint: 'what', description: 'A deliberately wrong token; "list" shows the kinds' },
    claims: { type: 'string', valueHint: 'json', description: 'Claims to replace; null removes one' },
    claim: { type: 'string', valueHint: 'name=value', description: 'One claim to replace; repeatable' },
    audience: { type: 'string', valueHint: 'aud', description: 'An API other than the Tunnel gateway' },
    scope: { type: 'string', valueHint: 'names', description: 'Scopes, separated by spaces' },
    'token-version': { type: 'string', valueHint: '1.0|2.0', description: 'Version of the token format' },
    'expires-in': { type: 'string', valueHint: 'seconds', description: 'Lifetime' },
    output: {
      type: 'string',
      alias: 'o',
      valueHint: 'file',
      description: 'Write the token to a file that only you can read',
    },
    check: {
      type: 'string',
      valueHint: 'file',
      description: 'Check the token in a file as the gateway does; - reads standard input',
    },
    json: { type: 'boolean', description: 'Print JSON, with the claims' },
  },
  async run({ args, rawArgs, io }) {
    if (args.wrong === 'list') return listWrong(args.json === true, io);
    if (args.check) {
      const { checkToken } = await import('./token-check.ts');
      return checkToken(findInstance(configFromArgs(args, rawArgs, io)), args.check, args.json === true, io);
    }
    if (args.wrong) await knowWrong(args.wrong);
    const claims = { ...claimsOf(args.claims), ...Object.fromEntries(repeated(rawArgs, 'claim').map(claimOf)) };
    const text = (value: unknown): string | undefined =>
      typeof value === 'string' && value !== '' ? value : undefined;
    const request: Record<string, unknown> = {
      user: text(args.user),
      tenant: text(args.tenant),
      client: text(args.client),
      wrong: text(args.wrong),
      audience: text(args.audience),
      scopes: text(args.scope)?.split(/\s+/),
      version: text(args['token-version']),
      expiresIn: secondsOf(args['expires-in']),
      claims: Object.keys(claims).length > 0 ? claims : undefined,
    };
    const instance = findInstance(configFromArgs(args, rawArgs, io));
    const { status, value } = await ask(
      instance,
      '/api/tokens',
      request satisfies Partial<Record<keyof TokenRequest, unknown>>,
    );
    if (status === 404) {
      throw new TunneliteError(
        'ERR_CLI_REFUSED',
        `The instance accepts tokens of ${instance.authority}, which only that authority can issue.`,
        {
          hint: 'Sign in there, or start without identity.authority to use the built-in Entra ID.',
        },
      );
    }
    const minted = value as MintedToken;
    if (args.output) {
      writePrivate(args.output, minted.accessToken);
      const { expiresIn } = minted;
      const validity = expiresIn > 0 ? `valid for ${expiresIn} s` : `expired ${-expiresIn} s ago`;
      io.err(`Wrote a token of ${minted.user ?? 'the app'}, ${validity}, to ${args.output}\n`);
    } else if (!args.json) io.out(`${minted.accessToken}\n`);
    if (args.json) io.out(`${JSON.stringify(minted)}\n`);
    return EXIT.ok;
  },
});

function writePrivate(file: string, text: string): void {
  try {
    writeFileSync(file, text, { mode: 0o600 });
    chmodSync(file, 0o600);
  } catch (cause) {
    throw new TunneliteError('ERR_CLI_FILE', `${file} cannot be written: ${errorText(cause)}`, { cause });
  }
}

/** Lists the kinds of wrong tokens; with `json`, also the verdict of each policy. */
/** @throws TunneliteError `ERR_CLI_USAGE` if there is no such kind of wrong token */
async function knowWrong(kind: string): Promise<void> {
  const { WRONG_TOKENS } = await import('../../entra/tokens/wrong-token.ts');
  if (Object.hasOwn(WRONG_TOKENS, kind)) return;
  const meant = suggest(kind, Object.keys(WRONG_TOKENS));
  throw new TunneliteError('ERR_CLI_USAGE', `There is no deliberately wrong token "${kind}".`, {
    hint: `${meant === undefined ? '' : `Did you mean "${meant}"? `}"tunnelite token --wrong list" shows all kinds.`,
  });
}

async function listWrong(json: boolean, io: CliIo): Promise<number> {
  const { WRONG_TOKENS } = await import('../../entra/tokens/wrong-token.ts');
  if (json) {
    const kinds = Object.entries(WRONG_TOKENS).map(([name, { summary, gateway, strict }]) => {
      return { name, summary, gateway, strict };
    });
    io.out(`${JSON.stringify({ kinds })}\n`);
    return EXIT.ok;
  }
  const width = Math.max(...Object.keys(WRONG_TOKENS).map((name) => name.length));
  for (const [name, { summary }] of Object.entries(WRONG_TOKENS)) io.out(`${name.padEnd(width)}  ${summary}\n`);
  return EXIT.ok;
}

function claimsOf(text: string | undefined): Record<string, unknown> {
  if (text === undefined) return {};
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
    throw new Error('it is not an object');
  } catch (error) {
    throw new TunneliteError('ERR_CLI_USAGE', `The value of --claims is not valid: ${errorText(error)}`, {
      hint: `Write JSON in quotes, for example --claims '{"scp":null}'.`,
    });
  }
}

/** `name=value`; the value is JSON if it is valid JSON, otherwise a string. */
function claimOf(pair: string): [string, unknown] {
  const at = pair.indexOf('=');
  if (at < 1) {
    throw new TunneliteError('ERR_CLI_USAGE', `"--claim ${pair}" is not valid.`, {
      hint: 'Write --claim name=value, for example --claim acct=1.',
    });
  }
  const text = pair.slice(at + 1);
  try {
    return [pair.slice(0, at), JSON.parse(text)];
  } catch {
    return [pair.slice(0, at), text];
  }
}

function secondsOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new TunneliteError('ERR_CLI_USAGE', `"--expires-in ${text}" is not a number of seconds.`);
}
