import { ownString } from '../lib/own-string.ts';
import { escapeXml, xmlElements } from './xml-elements.ts';

/*
 * The XML documents of the authentication phase: requests of clients and answers of gateways (draft-mavrogiannopoulos-openconnect).
 * Like ocserv 1.3.0, this looks for a few elements in requests and writes fixed documents.
 */

const DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n';

/** Longest part of a document that is read; no valid document is longer. */
const SCAN_LIMIT = 65_536;
/** Stored lengths of strings from the peer. 63 characters as in ocserv 1.3.0. */
const MAX_TEXT = 63;
const MAX_BANNER = 4096;

/**
 * Form of a document. `wrapped`: inside `config-auth`, for all current clients.
 * `bare`: `auth` as the root, for openconnect before version 4 (observed: ocserv 1.3.0).
 */
export type AuthDialect = 'wrapped' | 'bare';

/** A client's document. Strings longer than 63 characters are truncated when they are read. */
export interface ClientDocument {
  readonly type: 'init' | 'auth-reply' | 'logout';
  /** Version of the client program. */
  readonly version?: string | undefined;
  /** Kind of machine: `linux-64`, `win`, `apple-ios`. */
  readonly deviceId?: string | undefined;
  /** The requested URL. */
  readonly groupAccess?: string | undefined;
  readonly groupSelect?: string | undefined;
}

const CLIENT_TYPES: ReadonlySet<string> = new Set<ClientDocument['type']>(['init', 'auth-reply', 'logout']);

/** A gateway's document. */
export type ServerDocument =
  | {
      /** Asks to authenticate. */
      readonly type: 'auth-request';
      readonly message: string;
      /** Path to which the form is sent. */
      readonly action: string;
    }
  | {
      /** Authentication succeeded. */
      readonly type: 'complete';
      readonly title: string;
      readonly banner?: string | undefined;
    };

/** Answer to a load balancer's probe (microsoft/mstunnel-ocserv, IntuneChangeDocs/GetAlivePageChange.md). */
export const PROBE_DOCUMENT = '<message>I am still alive!!</message>';

/** Writes a client's document. */
export function serializeClientDocument(document: ClientDocument): string {
  const element = (name: string, text: string | undefined, attributes = ''): string =>
    text === undefined ? '' : `<${name}${attributes}>${escapeXml(text)}</${name}>`;
  const body = [
    element('version', document.version, ' who="vpn"'),
    element('device-id', document.deviceId),
    element('group-access', document.groupAccess),
    element('group-select', document.groupSelect),
  ];
  return `${DECLARATION}<config-auth client="vpn" type="${document.type}" aggregate-auth-version="2">${body.join('')}</config-auth>`;
}

/**
 * Reads a client's document for the log; it does not affect authentication. Never throws; returns undefined for anything else,
 * including a urlencoded form.
 */
export function parseClientDocument(body: Buffer): ClientDocument | undefined {
  let type: string | undefined;
  const texts = new Map<string, string>();
  for (const { name, attributes, text } of xmlElements(body.toString('utf8', 0, SCAN_LIMIT))) {
    if (name === 'config-auth') type ??= attributes.get('type');
    else if (!texts.has(name)) texts.set(name, ownString(text.trim().slice(0, MAX_TEXT)));
  }
  if (!isClientType(type)) return undefined;
  return {
    type,
    version: texts.get('version'),
    deviceId: texts.get('device-id'),
    groupAccess: texts.get('group-access'),
    groupSelect: texts.get('group-select'),
  };
}

function isClientType(type: string | undefined): type is ClientDocument['type'] {
  return type !== undefined && CLIENT_TYPES.has(type);
}

/**
 * Writes a gateway's document, byte for byte as ocserv 1.3.0 does. With bearer tokens the form has no inputs: it only shows a client
 * that it should have sent a token.
 */
export function serializeServerDocument(document: ServerDocument, dialect: AuthDialect): string {
  if (document.type === 'complete') {
    const banner = document.banner ? `<banner>${escapeXml(document.banner)}</banner>` : '';
    const auth = `<auth id="success">\n<title>${escapeXml(document.title)}</title>${banner}</auth>`;
    return `${wrap(dialect, document.type, auth, '')}\n`;
  }
  const form = `<message>${escapeXml(document.message)}</message>\n<form method="post" action="${escapeXml(document.action)}">\n</form></auth>`;
  const text = wrap(dialect, document.type, `<auth id="main">\n${form}`, '\n');
  return dialect === 'bare' ? `${text}\n` : text;
}

function wrap(dialect: AuthDialect, type: string, auth: string, end: string): string {
  if (dialect === 'bare') return `${DECLARATION}${auth}`;
  return `${DECLARATION}<config-auth client="vpn" type="${type}">\n<version who="sg">0.1(1)</version>\n${auth}${end}</config-auth>`;
}

/** Reads a gateway's document in either dialect; undefined when it is not one. */
export function parseServerDocument(body: Buffer): ServerDocument | undefined {
  let id: string | undefined;
  let action = '';
  const texts = new Map<string, string>();
  for (const { name, attributes, text } of xmlElements(body.toString('utf8', 0, SCAN_LIMIT))) {
    if (name === 'auth') id ??= attributes.get('id');
    else if (name === 'form') action ||= attributes.get('action') ?? '';
    else if (!texts.has(name)) texts.set(name, text.trim().slice(0, MAX_BANNER));
  }
  if (id === undefined) return undefined;
  if (id === 'success') return { type: 'complete', title: texts.get('title') ?? '', banner: texts.get('banner') };
  return { type: 'auth-request', message: texts.get('message') ?? '', action };
}
