import type { AppConfiguration } from './app-configuration.ts';

const TUNNEL = 'com.microsoft.tunnel.';
const BROWSER = 'com.microsoft.intune.mam.managedbrowser.';
/** Edge for iOS and for Android, which policies treat alike. */
const EDGE: ReadonlySet<string> = new Set(['com.microsoft.msedge', 'com.microsoft.emmx']);

/** What an app does by its policies. */
export interface AppRules {
  /** What the SDK is given. */
  readonly settings: Readonly<Record<string, string>>;
  /** There is a gateway to connect to. */
  readonly hasTunnel: boolean;
  /** Why it connects by itself; undefined: it does not. */
  readonly connect: string | undefined;
  /** Why it does not: a sentence. */
  readonly why: string;
  /** Nothing is opened without a tunnel (a key of Edge alone, corrections.md 17). */
  readonly strict: boolean;
}

/** What policies mean for an app of this platform (reference tunnel-for-mam.md §1, §3.1, §3.2). */
export function appRules(
  { app, platform }: { readonly app: string; readonly platform: 'ios' | 'android' },
  { settings, protection, notes }: AppConfiguration,
): AppRules {
  const edge = EDGE.has(app.toLowerCase());
  const isTrue = (key: string): boolean => Object.hasOwn(settings, key) && /^true$/i.test(settings[key]!.trim());
  const given = platform === 'android' && !edge ? withoutPac(settings) : settings;
  const hasTunnel = Object.keys(settings).some((key) => key.startsWith(TUNNEL));
  const strict = edge && isTrue(`${BROWSER}StrictTunnelMode`);
  const none = (why: string): AppRules => ({ settings: given, hasTunnel, connect: undefined, why, strict });
  if (!hasTunnel) {
    return none(
      notes.length === 0 ? 'No policy speaks of a tunnel.' : `No policy speaks of a tunnel. ${notes.join(' ')}`,
    );
  }
  const goes = (connect: string): AppRules => ({ settings: given, hasTunnel, connect, why: '', strict });
  if (edge && isTrue(`${BROWSER}TunnelAvailable.IntuneMAMOnly`)) {
    return goes('a work account uses Edge, and identity switch is on');
  }
  if (platform === 'android') {
    return protection?.connectToVpnOnLaunch
      ? goes('the app protection policy starts it with the app')
      : none('The app protection policy does not start the tunnel with the app (connectToVpnOnLaunch).');
  }
  return edge
    ? none(`Identity switch is off: ${BROWSER}TunnelAvailable.IntuneMAMOnly is not True.`)
    : goes('the SDK starts it with the app');
}

/** On Android a PAC script works in Edge only; other apps take host and port (corrections.md 16). */
function withoutPac(settings: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const { [`${TUNNEL}proxy_pacurl`]: _, ...rest } = settings;
  return rest;
}
