import { TUNNEL_RESOURCE_ID, TUNNEL_SCOPE } from '../../lib/tunnel-api.ts';

/** A Microsoft resource for which a tenant can have a service principal. */
export interface WellKnownResource {
  readonly appId: string;
  readonly name: string;
  /** App ID URIs accepted in a scope, without trailing slash. */
  readonly uris: readonly string[];
  readonly scopes: readonly WellKnownScope[];
  readonly roles: readonly string[];
  readonly accessTokenVersion: 1 | 2;
}

export interface WellKnownScope {
  readonly id: string;
  readonly value: string;
  /** Text on the consent page. */
  readonly description: string;
  readonly adminConsentRequired?: boolean;
}

/** Microsoft Mobile Application Management (`TunnelProfiles.ps1` in mikeliddle/TunnelTestEnv). */
export const MAM_RESOURCE_ID = '0a5f63c0-b750-4f38-a71c-4fc0d58b89e2';
/** Microsoft Graph. */
export const GRAPH_RESOURCE_ID = '00000003-0000-0000-c000-000000000000';

/** `aud` of tokens for Graph. */
export const GRAPH_AUDIENCES = [
  GRAPH_RESOURCE_ID,
  'https://graph.microsoft.com',
  'https://graph.microsoft.com/',
] as const;

/** Tenant of personal Microsoft accounts; `consumers` stands for this GUID (Microsoft: "Access tokens in the Microsoft identity platform"). */
export const CONSUMER_TENANT_ID = '9188040d-6c67-4c5b-b112-36a304b66dad';
/** Display name in messages. The simulator has no users in it. */
export const CONSUMER_TENANT_NAME = 'Microsoft Accounts';

/**
 * Graph permissions for administrators of the policies and registrations stored here. The IDs are those of Microsoft's delegated
 * permissions, as published by Graph's own service principal.
 */
const GRAPH_ADMIN_SCOPES: readonly WellKnownScope[] = [
  {
    id: 'a154be20-db9c-4678-8ab7-66f6cc099a59',
    value: 'User.Read.All',
    description: "Read all users' full profiles",
  },
  {
    id: 'f1493658-876a-4c87-8fa7-edb559b3476a',
    value: 'DeviceManagementConfiguration.Read.All',
    description: 'Read Microsoft Intune device configuration and policies',
  },
  {
    id: '0883f392-0a7a-443d-8c76-16a6d39c7b63',
    value: 'DeviceManagementConfiguration.ReadWrite.All',
    description: 'Read and write Microsoft Intune device configuration and policies',
  },
  {
    id: '4edf5f54-4666-44af-9de9-0144fb4b6e8c',
    value: 'DeviceManagementApps.Read.All',
    description: 'Read Microsoft Intune apps',
  },
  {
    id: '7b3f05d5-f68c-4b8d-8c59-a2ecd12f24af',
    value: 'DeviceManagementApps.ReadWrite.All',
    description: 'Read and write Microsoft Intune apps',
  },
  { id: 'c79f8feb-a9db-4090-85f9-90d820caa0eb', value: 'Application.Read.All', description: 'Read applications' },
  {
    id: 'bdfbf15f-ee85-4955-8675-146e8e5296b5',
    value: 'Application.ReadWrite.All',
    description: 'Read and write all applications',
  },
  { id: '5f8c59db-677d-491f-a6b8-5f174b11ec1d', value: 'Group.Read.All', description: 'Read all groups' },
  {
    id: '4e46008b-f24c-477d-8fff-7bb4ec7aafe0',
    value: 'Group.ReadWrite.All',
    description: 'Read and write all groups',
  },
  { id: '06da0dbc-49e2-44d2-8312-53f166ab848a', value: 'Directory.Read.All', description: 'Read directory data' },
  {
    id: 'c5366453-9fb0-48a5-a156-24f0c49a4b84',
    value: 'Directory.ReadWrite.All',
    description: 'Read and write directory data',
  },
].map((scope) => ({ ...scope, adminConsentRequired: true }));

/**
 * The Microsoft resources that a LOB app of Tunnel for MAM requests. Scope IDs of Tunnel, MAM and User.Read are Microsoft's.
 * The version of Tunnel tokens is not published; in Entra, a resource without a setting gets v1.0. The default here is v2.0, and
 * a tenant's service principal can override it (`requestedAccessTokenVersion`).
 */
export const WELL_KNOWN_RESOURCES: readonly WellKnownResource[] = [
  {
    appId: TUNNEL_RESOURCE_ID,
    name: 'Microsoft Tunnel Gateway',
    uris: [],
    scopes: [
      {
        id: 'eb539595-3fe1-474e-9c1d-feb3625d1be5',
        value: TUNNEL_SCOPE,
        description: 'Connect to the network of your organization with Microsoft Tunnel',
      },
    ],
    roles: [],
    accessTokenVersion: 2,
  },
  {
    appId: MAM_RESOURCE_ID,
    name: 'Microsoft Mobile Application Management',
    uris: ['https://msmamservice.api.application'],
    scopes: [
      {
        id: '3c7192af-9629-4473-9276-d35e4e4b36c5',
        value: 'DeviceManagementManagedApps.ReadWrite',
        description: 'Read and write the data of app management',
      },
    ],
    roles: [],
    accessTokenVersion: 1,
  },
  {
    appId: GRAPH_RESOURCE_ID,
    name: 'Microsoft Graph',
    uris: ['https://graph.microsoft.com'],
    scopes: [
      {
        id: 'e1fe6dd8-ba31-4d61-89e7-88639da4683d',
        value: 'User.Read',
        description: 'Sign you in and read your profile',
      },
      { id: '37f7f235-527c-4136-accd-4a02d197296e', value: 'openid', description: 'Sign you in' },
      { id: '14dad69e-099b-42c9-810b-d002981feec1', value: 'profile', description: 'View your basic profile' },
      { id: '64a6cdd6-aab1-4aaf-94b8-3cc8405e90d0', value: 'email', description: 'View your email address' },
      {
        id: '7427e0e9-2fba-42fe-b0c0-848c9e6a8182',
        value: 'offline_access',
        description: 'Maintain access to data you have given it access to',
      },
      ...GRAPH_ADMIN_SCOPES,
    ],
    roles: GRAPH_ADMIN_SCOPES.map(({ value }) => value),
    accessTokenVersion: 1,
  },
];
