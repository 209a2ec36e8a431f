import { request as plainRequest } from 'node:http';
import { request as secureRequest } from 'node:https';

/** Ours: maximum length of a response, in bytes, and its time limit, in milliseconds. */
const MAX_BYTES = 1024 * 1024;
const TIMEOUT_MS = 30_000;

export interface Post {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** PEM of the CA to trust instead of the system's. */
  readonly ca?: string | undefined;
}

/** Sends one POST request. Resolves with status and body, whatever the status is. @throws the system's error */
export function post(
  url: URL,
  { headers, body, ca }: Post,
): Promise<{ readonly status: number; readonly body: string }> {
  const secure = url.protocol === 'https:';
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; body: string }>();
  const options = { method: 'POST', headers, agent: false, signal: AbortSignal.timeout(TIMEOUT_MS) };
  const request = secure
    ? secureRequest(url, { ...options, ...(ca !== undefined && { ca }) })
    : plainRequest(url, options);
  request.once('error', reject);
  request.once('response', (response) => {
    const chunks: Buffer[] = [];
    let size = 0;
    response.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= MAX_BYTES) chunks.push(chunk);
      else response.destroy(new Error(`the answer is longer than ${MAX_BYTES} bytes`));
    });
    response.once('error', reject);
    response.once('end', () => resolve({ status: response.statusCode!, body: Buffer.concat(chunks).toString('utf8') }));
  });
  request.end(body);
  return promise;
}
