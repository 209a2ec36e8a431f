/**
 * Whom a token speaks for, as far as it tells: found out once, when the token is verified, then kept with the session, told
 * to resources and services, and shown.
 */
export interface Person {
  /** The name that the gateway counts and logs by: the configured user-name claim, Entra's object id by default. */
  readonly username: string;
  /** What people call the user. Entra's sign-in names change hands and are no identity: only for showing. */
  readonly signInName: string | undefined;
  /** Entra object id (`oid`), when the token has one. */
  readonly objectId: string | undefined;
  /** Tenant id (`tid`), when the token has one. */
  readonly tenantId: string | undefined;
  /** What rules of access can ask for; left out when the token says nothing of it. */
  readonly facts?: PersonFacts | undefined;
}

/** What a token says beside who it is of. */
export interface PersonFacts {
  /** Client id of the app that the token was issued to (`azp`, `appid`). */
  readonly app: string | undefined;
  /** Ids of groups (`groups`), in lower case; undefined when the token has no such claim. */
  readonly groups: readonly string[] | undefined;
  /** Device id (`deviceid`), in lower case. */
  readonly device: string | undefined;
}

/** Only the person of something that knows more. */
export function personOf({ username, signInName, objectId, tenantId, facts }: Person): Person {
  return { username, signInName, objectId, tenantId, ...(facts ? { facts } : {}) };
}

/** How events name a person. */
export interface PersonFields {
  user: Person['username'];
  signInName: Person['signInName'];
}

/** A person in the terms of events. */
export function personFields({ username, signInName }: Person): PersonFields {
  return { user: username, signInName };
}

/** Who asks for a resource, when it is known: the session behind the source address. */
export interface Requester {
  readonly session: string | undefined;
  readonly person: Person | undefined;
}

/** Who reached a service, and how: what the service is told, shows and logs. */
export interface Visitor extends Requester {
  /** Id of the connect request, as in the journal. */
  readonly request?: string | undefined;
  readonly sourceAddress: string;
  readonly sourcePort: number;
  readonly destinationAddress: string;
  readonly destinationPort: number;
  /** What a service that speaks HTTP is to answer on purpose. */
  readonly answer?: AnswerOnPurpose | undefined;
}

/** An answer over HTTP that is not what the service would say. */
export interface AnswerOnPurpose {
  readonly status: number;
  /** Seconds, for `Retry-After`. */
  readonly retryAfter?: number;
  /** Milliseconds until it goes. */
  readonly delay?: number;
}
