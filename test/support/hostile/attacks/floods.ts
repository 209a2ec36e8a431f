import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { DEFAULT_CLIENT_ID } from '../../../../src/entra/directory/default-directory.ts';
import type { Target } from '../intruder.ts';
import type { Attack, Mounted } from './types.ts';

/* Requests to what stands beside the gateway in the same process: Entra ID and administration. */

interface Request {
  readonly url: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** Sends requests, 16 at a time, and counts the answers by status. */
async function requests(target: Target, count: number, make: (index: number) => Request): Promise<Mounted> {
  const counts: Record<string, number> = {};
  const secure = new HttpsAgent({ keepAlive: true, maxSockets: 16, ca: target.ca });
  const plain = new HttpAgent({ keepAlive: true, maxSockets: 16 });
  const one = ({ url, method = 'GET', headers = {}, body }: Request): Promise<void> =>
    new Promise((resolve) => {
      const finish = (status: string): void => {
        counts[status] = (counts[status] ?? 0) + 1;
        resolve();
      };
      const options = { method, headers };
      const answered = (answer: import('node:http').IncomingMessage): void => {
        answer.resume().once('close', () => finish(String(answer.statusCode)));
      };
      const request = url.startsWith('https:')
        ? httpsRequest(url, { ...options, agent: secure }, answered)
        : httpRequest(url, { ...options, agent: plain }, answered);
      request.once('error', (error: NodeJS.ErrnoException) => finish(error.code ?? error.message));
      request.end(body);
    });
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) await one(make(next++));
  };
  await Promise.all(Array.from({ length: 16 }, worker));
  return {
    counts,
    release: () => {
      secure.destroy();
      plain.destroy();
    },
  };
}

const FORM = { 'content-type': 'application/x-www-form-urlencoded' };
const CLIENT = DEFAULT_CLIENT_ID;

/** Wrong secrets, wrong passwords, wrong codes, and bodies that are as large as may be. */
const tokenRequests: Attack = (target) =>
  requests(target, 1000, (i) => {
    const grants = [
      `grant_type=client_credentials&client_id=${CLIENT}&client_secret=${'x'.repeat(50)}&scope=a/.default`,
      `grant_type=password&client_id=${CLIENT}&username=user${i}@contoso.com&password=wrong&scope=openid`,
      `grant_type=refresh_token&client_id=${CLIENT}&refresh_token=${'r'.repeat(8000)}`,
      `grant_type=authorization_code&client_id=${CLIENT}&code=${i}&redirect_uri=http://localhost`,
      `grant_type=client_credentials&client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer&client_assertion=${'e'.repeat(8000)}`,
      'a=b&'.repeat(16_000),
      `claims=${encodeURIComponent('['.repeat(8000))}&grant_type=password`,
    ];
    return {
      url: `${target.authority}/oauth2/v2.0/token`,
      method: 'POST',
      headers: FORM,
      body: grants[i % grants.length]!,
    };
  });

/** Sign-ins and device codes that are begun and left, and pages that nobody looks at. */
const signIns: Attack = (target) =>
  requests(target, 1000, (i) => {
    const authorize = `${target.authority}/oauth2/v2.0/authorize?client_id=${CLIENT}&response_type=code&scope=openid&redirect_uri=http://localhost&state=${i}`;
    const kinds: Request[] = [
      { url: authorize },
      { url: `${authorize}&login_hint=${'h'.repeat(2000)}` },
      {
        url: `${target.authority}/oauth2/v2.0/devicecode`,
        method: 'POST',
        headers: FORM,
        body: `client_id=${CLIENT}&scope=openid`,
      },
      { url: `${target.authority}/v2.0/.well-known/openid-configuration` },
      { url: `${new URL(target.authority).origin}/${'x'.repeat(100)}${i}/oauth2/v2.0/authorize` },
    ];
    return kinds[i % kinds.length]!;
  });

/** The administration listener, without the secret, with wrong bodies, and its health probe again and again. */
const administration: Attack = (target) =>
  requests(target, 500, (i) => {
    const wrong = { authorization: `Bearer ${'a'.repeat(43)}` };
    const kinds: Request[] = [
      { url: `${target.admin}/livez` },
      { url: `${target.admin}/readyz` },
      { url: `${target.admin}/api/sessions`, headers: wrong },
      { url: `${target.admin}/api/tokens`, method: 'POST', headers: { 'content-type': 'application/json' }, body: '{' },
      { url: `${target.admin}/${'y'.repeat(200)}${i}` },
    ];
    return kinds[i % kinds.length]!;
  });

export const floodAttacks = { tokenRequests, signIns, administration } satisfies Record<string, Attack>;
