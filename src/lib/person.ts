/**
 * The user of a token: determined once, when the token is verified, then stored with the session, passed to resources and
 * services, and displayed.
 */
export interface Person {
  /** The name that the gateway uses for limits and logs: the configured user-name claim, by default Entra's object id. */
  readonly username: string;
  /** Readable name of the user, for display only: Entra's sign-in names can be reassigned and do not identify a user. */
  readonly signInName: string | undefined;
  /** Entra object id (`oid`), when the token has one. */
  readonly objectId: string | undefined;
  /** Tenant id (`tid`), when the token has one. */
  readonly tenantId: string | undefined;
  /** Facts for access rules; omitted when the token contains none. */
  readonly facts?: PersonFacts | undefined;
}

/** Facts in a token besides the user. */
export interface PersonFacts {
  /** Client id of the app that the token was issued to (`azp`, `appid`). */
  readonly app: string | undefined;
  /** Ids of groups (`groups`), in lower case; undefined when the token has no such claim. */
  readonly groups: readonly string[] | undefined;
  /** Device id (`deviceid`), in lower case. */
  readonly device: string | undefined;
}

/** Extracts only the person from an object with more members. */
export function personOf({ username, signInName, objectId, tenantId, facts }: Person): Person {
  return { username, signInName, objectId, tenantId, ...(facts ? { facts } : {}) };
}

/** Fields of a person in events. */
export interface PersonFields {
  user: Person['username'];
  signInName: Person['signInName'];
}

/** Converts a person to event fields. */
export function personFields({ username, signInName }: Person): PersonFields {
  return { user: username, signInName };
}

/** The requester of a resource, if known: the session with the source address. */
export interface Requester {
  readonly session: string | undefined;
  readonly person: Person | undefined;
}

/** The visitor of a service, as passed to the service. */
export interface Visitor extends Requester {
  /** Id of the connect request, as in the journal. */
  readonly request?: string | undefined;
  readonly sourceAddress: string;
  readonly sourcePort: number;
  readonly destinationAddress: string;
  readonly destinationPort: number;
  /** Answer that a fault requires from an HTTP service. */
  readonly answer?: AnswerOnPurpose | undefined;
}

/** An HTTP answer injected by a fault. */
export interface AnswerOnPurpose {
  readonly status: number;
  /** Seconds, for `Retry-After`. */
  readonly retryAfter?: number;
  /** Delay of the answer in milliseconds. */
  readonly delay?: number;
}
