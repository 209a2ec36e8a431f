/* Policies of Intune: as the admin center names their parts, and as Graph has them. */

const TUNNEL = 'com.microsoft.tunnel.';
const GRAPH = '#microsoft.graph.';

/** Platforms, as the admin center calls them. */
const PLATFORMS = /** @type {Record<string, string>} */ ({
  ios: 'iOS/iPadOS',
  android: 'Android',
  androidWorkProfile: 'Android Enterprise (work profile)',
  androidDeviceOwner: 'Android Enterprise (fully managed)',
  aospDeviceOwner: 'Android (AOSP)',
  macOS: 'macOS',
  windows81: 'Windows',
});

/** Platforms of trusted certificate profiles. */
export const CERTIFICATE_PLATFORMS = Object.keys(PLATFORMS);

/**
 * The policies that can be created here, step by step. `subject`: their name in findings.
 * @typedef {'appConfiguration' | 'iosProtection' | 'androidProtection' | 'trustedRoot'} Kind
 * @type {Record<Kind, { title: string, subject: string, set: string, steps: readonly string[] }>}
 */
export const KINDS = {
  appConfiguration: {
    title: 'App configuration policy',
    subject: 'App configuration policy',
    set: 'targetedManagedAppConfigurations',
    steps: ['Basics', 'Apps', 'Settings', 'Assignments'],
  },
  iosProtection: {
    title: 'App protection policy, iOS/iPadOS',
    subject: 'App protection policy (iOS)',
    set: 'iosManagedAppProtections',
    steps: ['Basics', 'Apps', 'Settings', 'Assignments'],
  },
  androidProtection: {
    title: 'App protection policy, Android',
    subject: 'App protection policy (Android)',
    set: 'androidManagedAppProtections',
    steps: ['Basics', 'Apps', 'Settings', 'Assignments'],
  },
  trustedRoot: {
    title: 'Trusted certificate profile',
    subject: 'Trusted certificate profile',
    set: 'deviceConfigurations',
    steps: ['Basics', 'Settings', 'Assignments'],
  },
};

/** What else there is: made and changed as JSON. @type {Record<string, { title: string, subject: string }>} */
const OTHERS = {
  microsoftTunnelSites: { title: 'Tunnel site', subject: 'Site' },
  microsoftTunnelConfigurations: { title: 'Server configuration', subject: 'Server configuration' },
  groups: { title: 'Group', subject: 'Group' },
};

/** App configuration keys with a field in the admin center. */
const FIELDS = /** @type {const} */ ([
  ['connectionType', 'connection_type'],
  ['connectionName', 'connection_name'],
  ['site', 'site_id'],
  ['serverAddress', 'server_address'],
  ['pac', 'proxy_pacurl'],
  ['proxyAddress', 'proxy_address'],
  ['proxyPort', 'proxy_port'],
]);
const ROOTS = `${TUNNEL}trusted_root_certificates`;

/**
 * @typedef {Record<string, any>} GraphObject
 * @typedef {Record<string, readonly GraphObject[]>} Document
 * @typedef {{ platform: 'ios' | 'android', id: string }} AppId
 * @typedef {{ to: string, groupId?: string | undefined, raw?: GraphObject }} Target
 * @typedef {{
 *   kind: Kind, displayName: string, description: string, apps: AppId[], group: string, levels: string, tunnel: boolean, connectionType: string,
 *   connectionName: string, site: string, serverAddress: string, roots: string[], rootsAsWritten: string, pac: string, proxyAddress: string,
 *   proxyPort: string, general: { name: string, value: string }[], launch: boolean, platform: string, fileName: string, certificate: string,
 *   targets: Target[],
 * }} Draft
 * @typedef {{ title: string, rows: [string, string][] }} Section
 */

const text = (/** @type {unknown} */ value) => (value === undefined || value === null ? '' : String(value));

/** @param {string} set */
export function kindOfSet(set) {
  return /** @type {Kind | undefined} */ (
    Object.keys(KINDS).find((kind) => KINDS[/** @type {Kind} */ (kind)].set === set)
  );
}

/** @param {string} set @returns {{ title: string, subject: string } | undefined} */
export function kindNames(set) {
  const kind = kindOfSet(set);
  if (kind) return KINDS[kind];
  return Object.hasOwn(OTHERS, set) ? OTHERS[set] : undefined;
}

/** How findings call an object. @param {string} set @param {GraphObject} object */
export function subjectOf(set, object) {
  return `${kindNames(set)?.subject} “${text(object.displayName).slice(0, 256)}”`;
}

/** Findings that are about an object. @template {{ subject: string }} F @param {readonly F[]} findings @param {string} subject */
export function findingsOf(findings, subject) {
  return findings.filter((one) => one.subject === subject || one.subject.startsWith(`${subject}, `));
}

/** @param {string} platform */
export const platformName = (platform) => (Object.hasOwn(PLATFORMS, platform) ? PLATFORMS[platform] : platform);

/** @param {GraphObject} object @returns {AppId[]} */
function appsOf(object) {
  /** @type {AppId[]} */
  const apps = [];
  for (const one of object.apps ?? []) {
    const app = one?.mobileAppIdentifier;
    if (typeof app?.bundleId === 'string') apps.push({ platform: 'ios', id: app.bundleId });
    else if (typeof app?.packageId === 'string') apps.push({ platform: 'android', id: app.packageId });
  }
  return apps;
}

/** @param {GraphObject} object @returns {Target[]} */
function targetsOf(object) {
  const list = /** @type {any[]} */ (object.assignments ?? []);
  return list.map(({ target }) => ({
    to: text(target?.['@odata.type']).replace(GRAPH, ''),
    ...(target?.groupId === undefined ? {} : { groupId: target.groupId }),
    raw: target,
  }));
}

/** @param {Target} target @param {Document} document */
export function targetWords({ to, groupId }, document) {
  const group = document.groups?.find(({ id }) => id === groupId);
  const name = group ? text(group.displayName) : `a group that is not there (${text(groupId)})`;
  if (to === 'groupAssignmentTarget') return name;
  if (to === 'exclusionGroupAssignmentTarget') return `not ${name}`;
  if (to === 'allLicensedUsersAssignmentTarget') return 'All users';
  return to === 'allDevicesAssignmentTarget' ? 'All devices' : to;
}

/** Rows of everything that can be looked at. @param {Document} document */
export function rowsOf(document) {
  const sets = [...Object.values(KINDS).map(({ set }) => set), ...Object.keys(OTHERS)];
  return sets.flatMap((set) =>
    (document[set] ?? []).map((object) => {
      const apps = appsOf(object).map(({ id }) => id);
      const whom = targetsOf(object).map((one) => targetWords(one, document));
      const type = kindNames(set)?.title ?? set;
      const certificate = /(\w+)TrustedRootCertificate$/.exec(text(object['@odata.type']))?.[1];
      const what = certificate ? `${type}, ${platformName(certificate)}` : type;
      return {
        set,
        id: text(object.id),
        key: `${set}/${text(object.id)}`,
        name: text(object.displayName),
        type: what,
        apps: apps.join(', ') || (object.appGroupType === 'allApps' ? 'all apps' : ''),
        whom: whom.join(', '),
        subject: subjectOf(set, object),
        text: [object.displayName, object.id, what, ...apps, ...whom].join(' ').toLowerCase(),
      };
    }),
  );
}

/** @param {Kind} kind @returns {Draft} */
export function emptyDraft(kind) {
  return {
    kind,
    displayName: '',
    description: '',
    apps: [],
    group: 'selectedPublicApps',
    levels: 'unspecified',
    tunnel: kind === 'appConfiguration',
    connectionType: 'MicrosoftProtect',
    connectionName: '',
    site: '',
    serverAddress: '',
    roots: [],
    rootsAsWritten: '',
    pac: '',
    proxyAddress: '',
    proxyPort: '',
    general: [],
    launch: kind === 'androidProtection',
    platform: 'ios',
    fileName: '',
    certificate: '',
    targets: [],
  };
}

/** What the wizard begins with for an object that is there. @param {Kind} kind @param {GraphObject} object @param {Document} document @returns {Draft} */
export function draftOf(kind, object, document) {
  const draft = {
    ...emptyDraft(kind),
    displayName: text(object.displayName),
    description: text(object.description),
    apps: appsOf(object),
    targets: targetsOf(object),
  };
  if (kind === 'trustedRoot') {
    draft.platform = /(\w+)TrustedRootCertificate$/.exec(text(object['@odata.type']))?.[1] ?? 'ios';
    draft.fileName = text(object.certFileName);
    draft.certificate = text(object.trustedRootCertificate);
    return draft;
  }
  draft.group = text(object.appGroupType) || 'selectedPublicApps';
  draft.levels = text(object.targetedAppManagementLevels) || 'unspecified';
  draft.launch = object.connectToVpnOnLaunch === true;
  draft.tunnel = false;
  const taken = new Set();
  for (const { name, value } of object.customSettings ?? []) {
    const field = FIELDS.find(([, key]) => name === `${TUNNEL}${key}`)?.[0];
    if (taken.has(name) || (field === undefined && name !== ROOTS)) {
      draft.general.push({ name: text(name), value: text(value) });
      continue;
    }
    taken.add(name);
    draft.tunnel = true;
    if (field !== undefined) draft[field] = text(value);
    else {
      draft.rootsAsWritten = text(value);
      draft.roots = profilesIn(draft.rootsAsWritten, document) ?? [];
    }
  }
  return draft;
}

/** The profiles whose certificates are in a value; undefined where one of them is of no profile. @param {string} value @param {Document} document */
function profilesIn(value, document) {
  /** @type {any} */
  let list;
  try {
    list = JSON.parse(value);
  } catch {
    return undefined;
  }
  if (!Array.isArray(list)) return undefined;
  const found = list.map((item) =>
    document.deviceConfigurations?.find((one) => one.trustedRootCertificate === item?.trustedRootCertificate),
  );
  return found.includes(undefined) ? undefined : found.map((one) => text(one?.id));
}

/** The address that a site gives its clients. @param {string} site @param {Document} document */
export function siteAddress(site, document) {
  const found = document.microsoftTunnelSites?.find(({ id }) => id === site);
  if (!found) return '';
  const linked = found.microsoftTunnelConfiguration?.id;
  const port = document.microsoftTunnelConfigurations?.find(({ id }) => id === linked)?.listenPort ?? 443;
  return `${text(found.publicAddress)}:${port}`;
}

/** What Graph takes for it. @param {Draft} draft @param {Document} document @returns {GraphObject} */
export function bodyOf(draft, document) {
  const { kind, displayName, description } = draft;
  const assignments = draft.targets.map(({ to, groupId, raw }) => ({
    target: raw ?? {
      '@odata.type': `${GRAPH}${to}`,
      ...(groupId === undefined ? {} : { groupId }),
      deviceAndAppManagementAssignmentFilterId: null,
      deviceAndAppManagementAssignmentFilterType: 'none',
    },
  }));
  if (kind === 'trustedRoot') {
    return {
      '@odata.type': `${GRAPH}${draft.platform}TrustedRootCertificate`,
      displayName,
      description,
      certFileName: draft.fileName,
      trustedRootCertificate: draft.certificate,
      assignments,
    };
  }
  return {
    displayName,
    description,
    appGroupType: draft.group,
    targetedAppManagementLevels: draft.levels,
    apps: draft.apps.map(({ platform, id }) => ({
      mobileAppIdentifier: {
        '@odata.type': `${GRAPH}${platform}MobileAppIdentifier`,
        [platform === 'ios' ? 'bundleId' : 'packageId']: id,
      },
    })),
    assignments,
    ...(kind === 'appConfiguration' ? { customSettings: pairsOf(draft, document) } : {}),
    ...(kind === 'androidProtection' ? { connectToVpnOnLaunch: draft.launch } : {}),
  };
}

/** @param {Draft} draft @param {Document} document */
function pairsOf(draft, document) {
  const roots = rootsValue(draft, document);
  const tunnel = [
    ...FIELDS.map(([field, key]) => ({ name: `${TUNNEL}${key}`, value: draft[field] })),
    { name: ROOTS, value: roots },
  ];
  return [...(draft.tunnel ? tunnel.filter(({ value }) => value !== '') : []), ...draft.general];
}

/** The certificates of the profiles that are chosen; as it was written where none of them was changed. @param {Draft} draft @param {Document} document */
function rootsValue({ roots, rootsAsWritten }, document) {
  const before = rootsAsWritten === '' ? [] : profilesIn(rootsAsWritten, document);
  const same = before === undefined ? roots.length === 0 : before.join() === roots.join();
  if (same) return rootsAsWritten;
  const chosen = roots.flatMap((id) => document.deviceConfigurations?.find((one) => one.id === id) ?? []);
  if (chosen.length === 0) return '';
  return JSON.stringify(
    chosen.map((one) => ({
      '@odata.type': one['@odata.type'],
      id: one.id,
      displayName: one.displayName,
      lastModifiedDateTime: one.lastModifiedDateTime,
      trustedRootCertificate: one.trustedRootCertificate,
    })),
  );
}

const APP_GROUPS = /** @type {Record<string, string>} */ ({
  selectedPublicApps: 'Selected apps',
  allCoreMicrosoftApps: 'Core Microsoft apps',
  allMicrosoftApps: 'All Microsoft apps',
  allApps: 'All apps',
});
const LEVELS = /** @type {Record<string, string>} */ ({
  unspecified: 'All device types',
  unmanaged: 'Unmanaged',
  mdm: 'Managed (enrolled)',
});
export const APP_GROUP_CHOICES = Object.entries(APP_GROUPS);
export const LEVEL_CHOICES = Object.entries(LEVELS);

/** The parts of a policy, by the admin center's names. @param {Draft} draft @param {Document} document @returns {Section[]} */
export function sectionsOf(draft, document) {
  const { kind } = draft;
  const whom = draft.targets.map((one) => targetWords(one, document));
  const isRoot = kind === 'trustedRoot';
  /** @type {Section[]} */
  const sections = [
    {
      title: 'Basics',
      rows: [
        ['Name', draft.displayName],
        ['Description', draft.description || '--'],
        ...(isRoot ? [/** @type {[string, string]} */ (['Platform', platformName(draft.platform)])] : []),
      ],
    },
  ];
  if (!isRoot) {
    const apps = draft.apps.map(({ id, platform }) => `${id} (${platformName(platform)})`);
    sections.push({
      title: 'Apps',
      rows: [
        ['Target policy to', APP_GROUPS[draft.group] ?? draft.group],
        ['Custom apps', apps.join(', ') || 'No app'],
        ['Device types', LEVELS[draft.levels] ?? draft.levels],
      ],
    });
  }
  sections.push({ title: 'Settings', rows: settingsRows(draft, document) });
  sections.push({
    title: 'Assignments',
    rows: [
      ['Included and excluded', whom.join(', ') || (isRoot ? 'Nobody, which is enough for Tunnel for MAM' : 'Nobody')],
    ],
  });
  return sections;
}

/** @param {Draft} draft @param {Document} document @returns {[string, string][]} */
function settingsRows(draft, document) {
  if (draft.kind === 'trustedRoot') {
    const length = Math.floor((draft.certificate.replace(/\s|=/g, '').length * 3) / 4);
    return [
      ['Certificate file', draft.fileName || '--'],
      ['Certificate', length === 0 ? 'None' : `${length} bytes`],
    ];
  }
  if (draft.kind === 'androidProtection')
    return [['Start Microsoft Tunnel connection on app-launch', draft.launch ? 'Yes' : 'No']];
  if (draft.kind === 'iosProtection') return [['Microsoft Tunnel', 'Nothing to set: the app starts it']];
  const general = draft.general.map(({ name, value }) => /** @type {[string, string]} */ ([name, value]));
  if (!draft.tunnel) return [['Use Microsoft Tunnel for MAM', 'Not configured'], ...general];
  const site = document.microsoftTunnelSites?.find(({ id }) => id === draft.site);
  const names = draft.roots.map((id) => text(document.deviceConfigurations?.find((one) => one.id === id)?.displayName));
  const written = draft.rootsAsWritten === '' ? 'None' : 'As written, of no profile that is here';
  const proxy = draft.proxyAddress || draft.proxyPort ? `${draft.proxyAddress}:${draft.proxyPort}` : '';
  return [
    ['Use Microsoft Tunnel for MAM', 'Yes'],
    ...(draft.connectionType === 'MicrosoftProtect'
      ? []
      : [/** @type {[string, string]} */ (['Connection type', draft.connectionType || 'None'])]),
    ['Connection name', draft.connectionName || '--'],
    ['Site', site ? text(site.displayName) : draft.site || '--'],
    ['Server address', draft.serverAddress || '--'],
    ['Root certificate', names.join(', ') || written],
    ['Proxy', [draft.pac, proxy].filter(Boolean).join(' and ') || 'None'],
    ...general,
  ];
}

/** Members of what is no policy, by the admin center's names. @param {string} set @param {GraphObject} object @param {Document} document @returns {[string, string][]} */
export function factsOf(set, object, document) {
  const list = (/** @type {unknown} */ value) => (Array.isArray(value) ? value.map(text).join(', ') : text(value));
  if (set === 'microsoftTunnelSites') {
    const linked = object.microsoftTunnelConfiguration?.id;
    const configuration = document.microsoftTunnelConfigurations?.find(({ id }) => id === linked);
    return [
      ['Public IP address or FQDN', text(object.publicAddress)],
      ['Server configuration', configuration ? text(configuration.displayName) : 'None'],
      ['Clients are told', siteAddress(text(object.id), document)],
      ['URL for internal network access check', text(object.internalNetworkProbeUrl)],
      ['Automatically upgrade servers', object.upgradeAutomatically ? 'Yes' : 'No'],
    ];
  }
  if (set === 'microsoftTunnelConfigurations') {
    return [
      ['IP address range', text(object.network)],
      ['IPv6 address range', text(object.ipv6Network)],
      ['Server port', text(object.listenPort)],
      ['DNS servers', list(object.dnsServers)],
      ['DNS suffix search', text(object.defaultDomainSuffix)],
      ['Split DNS', list(object.splitDNS)],
      ['IP ranges to include', list([...(object.routesInclude ?? []), ...(object.routeIncludes ?? [])])],
      ['IP ranges to exclude', list([...(object.routesExclude ?? []), ...(object.routeExcludes ?? [])])],
      ['Disable UDP connections', object.disableUdpConnections ? 'Yes' : 'No'],
      ...(object.advancedSettings ?? []).map((/** @type {any} */ one) => [text(one.name), text(one.value)]),
    ];
  }
  const members = object['members@odata.bind'] ?? [];
  return [
    ['Description', text(object.description)],
    ['Members', list(members.map((/** @type {unknown} */ one) => text(one).replace(/^.*\//, '')))],
  ];
}

/** A certificate as Graph takes it: base64 of DER. What is not one certificate goes as it is, for the instance to say what it is. @param {Uint8Array} bytes */
export function certificateBase64(bytes) {
  const raw = [...bytes].map((one) => String.fromCharCode(one)).join('');
  const blocks = [...raw.matchAll(/-----BEGIN ([A-Z0-9 ]+)-----([^-]*)-----END \1-----/g)];
  if (blocks.length === 1 && blocks[0]?.[1] === 'CERTIFICATE') return String(blocks[0][2]).replace(/\s+/g, '');
  return btoa(raw);
}
