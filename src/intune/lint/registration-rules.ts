import { GRAPH_RESOURCE_ID, MAM_RESOURCE_ID, WELL_KNOWN_RESOURCES } from '../../entra/directory/well-known.ts';
import { TUNNEL_RESOURCE_ID } from '../../lib/tunnel-api.ts';
import { type AppRegistration, registrationFromGraph } from '../app-check/app-registration.ts';
import { checkRegistration } from '../app-check/registration-checks.ts';
import type { LintFinding } from './findings.ts';
import { nameOf, type Picture } from './picture.ts';

/* App registrations and service principals: what apps with the Tunnel for MAM SDK need to sign in (memdocs, `microsoft-tunnel/mam-ios.md`). */

const NEEDED = [TUNNEL_RESOURCE_ID, MAM_RESOURCE_ID, GRAPH_RESOURCE_ID];

/** Checks the service principals that the tenant needs. */
export function lintServicePrincipals({ servicePrincipals }: Picture): readonly LintFinding[] {
  if (servicePrincipals === undefined) return [];
  return NEEDED.filter((id) => !servicePrincipals.includes(id)).map((id) => {
    const { name } = WELL_KNOWN_RESOURCES.find(({ appId }) => appId === id)!;
    return {
      level: 'error',
      rule: 'service-principal',
      subject: `Service principal of ${name}`,
      message: 'The tenant has none: sign-in fails with AADSTS500011 or AADSTS650052.',
      fix: `Create it: az ad sp create --id ${id}`,
    };
  });
}

/** Checks the registrations of phone apps, like `tunnelite app check`: those with a redirect URI for MSAL. */
export function lintApplications({ applications = [], servicePrincipals }: Picture): readonly LintFinding[] {
  return applications.flatMap((application): readonly LintFinding[] => {
    let registration: AppRegistration;
    try {
      registration = registrationFromGraph(JSON.stringify(application));
    } catch {
      return [];
    }
    const known = servicePrincipals === undefined ? registration : { ...registration, servicePrincipals };
    const uris = registration.redirectUris.filter((uri) => /^msauth\./i.test(uri));
    if (uris.length === 0) return [];
    const subject = `App registration “${nameOf(registration.displayName)}”`;
    const slashes = uris
      .filter((uri) => /^msauth\.[^:]+:\/auth$/i.test(uri))
      .map((uri): LintFinding => {
        const right = uri.replace(':/auth', '://auth');
        return {
          level: 'error',
          rule: 'app-registration',
          subject,
          message: `The redirect URI ${uri} has one slash after the colon, as on a page of the documentation; MSAL requires ${right}, and sign-in fails with AADSTS50011.`,
          fix: `Change it to ${right}.`,
        };
      });
    return [
      ...slashes,
      ...checkRegistration(known)
        .filter(({ level }) => level !== 'ok')
        .map(
          ({ level, subject: part, message, fix }): LintFinding => ({
            level: level === 'error' ? 'error' : 'warning',
            rule: 'app-registration',
            subject: `${subject}, ${part}`,
            message,
            fix,
          }),
        ),
    ];
  });
}
