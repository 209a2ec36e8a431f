import { TunneliteError } from '../../lib/errors.ts';
import { printable } from '../../lib/printable.ts';
import type { SignIn } from './types.ts';

/**
 * The ocserv login with a name and a password, in forms sent one after the other (draft-mavrogiannopoulos-openconnect; observed: ocserv 1.3.0).
 * Servers with more questions are not supported.
 */
export function passwordSignIn(user: string, password: string): SignIn {
  return async (connection, { url, userAgent, signal, onStep }) => {
    const post = async (path: string, body: string): Promise<string> => {
      const headers = [
        ['Host', url.host],
        ['User-Agent', userAgent],
        ['X-Transcend-Version', '1'],
        ['X-Aggregate-Auth', '1'],
        ['Content-Type', 'application/x-www-form-urlencoded'],
      ] as const;
      const answer = await connection.exchange({ method: 'POST', path, headers, body }, signal);
      if (answer.status !== 200) {
        const message = `The gateway answered ${answer.status} ${printable(answer.text.slice(0, 60))} to the login with a password.`;
        throw new TunneliteError('ERR_CLIENT_TOKEN_REFUSED', message, {
          hint: 'Check name and password, and that the gateway uses form login, like ocserv with auth = plain.',
        });
      }
      return answer.body.toString('utf8');
    };
    await post('/', '');
    onStep({ step: 'challenge' });
    await post('/auth', `username=${encodeURIComponent(user)}`);
    const last = await post('/auth', `password=${encodeURIComponent(password)}`);
    if (/id="success"/.test(last)) return;
    const message = 'The gateway refused the name and password, or requires more.';
    throw new TunneliteError('ERR_CLIENT_TOKEN_REFUSED', message);
  };
}
