import { isTunneliteError, TunneliteError } from '../../lib/errors.ts';

/** Runs an operation on Graph objects and converts Graph errors to ours. @throws TunneliteError */
export function judged<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (isTunneliteError(error) || !(error instanceof Error) || !('path' in error)) throw error;
    const { status, path } = error as Error & { status: number; path: readonly (string | number)[] };
    const where = path.length === 0 ? '' : `${path.join('.').slice(0, 500)}: `;
    const code = status === 404 && path.length === 0 ? 'ERR_IDENTITY_NOT_FOUND' : 'ERR_INTUNE_DOCUMENT';
    throw new TunneliteError(code, `${where}${error.message}`, { cause: error, details: { path } });
  }
}
