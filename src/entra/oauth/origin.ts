import type { IdentityContext, RequestContext } from '../context/context.ts';
import type { Application } from '../directory/schema.ts';
import { AadstsError } from '../errors/aadsts-error.ts';

/** The origin of the page that sent the request from a browser. */
function foreignOrigin(
  context: Pick<IdentityContext, 'origin'>,
  { origin }: Pick<RequestContext, 'origin'>,
): string | undefined {
  return origin === context.origin() ? undefined : origin;
}

/**
 * Codes and tokens of a single-page app must be redeemed from a page, and no others can be.
 *
 * @param spa true if the code or refresh token belongs to a single-page app
 * @throws AadstsError 9002326 from a page, but not for a single-page app; 9002327 the reverse
 */
export function checkRedemption(
  context: Pick<IdentityContext, 'origin'>,
  request: Pick<RequestContext, 'origin'>,
  spa: boolean,
): void {
  const origin = foreignOrigin(context, request);
  if (origin !== undefined && !spa) throw new AadstsError(9002326, { origin });
  if (origin === undefined && spa) throw new AadstsError(9002327);
}

/** Other grants work from a page if the app has such a platform. @throws AadstsError 9002326 */
export function refuseForeignPage(
  context: Pick<IdentityContext, 'origin'>,
  request: Pick<RequestContext, 'origin'>,
  app: Pick<Application, 'spaRedirectUris'>,
): void {
  const origin = foreignOrigin(context, request);
  if (origin !== undefined && app.spaRedirectUris.length === 0) throw new AadstsError(9002326, { origin });
}
