/**
 * Every error code of the project, in one table: what happened (`summary`) and what to do next (`hint`).
 * `docs/errors.md` shows the same table; a test compares both.
 *
 * Add codes in the section of the module that raises them; a code is never renamed once published.
 */
export const ERROR_CODES = {
  // lib
  ERR_INTERNAL: {
    summary: 'A condition that the code rules out was met.',
    hint: 'Report this with the log lines before it.',
  },
  ERR_CLOSED: {
    summary: 'The object was used after it was closed.',
    hint: 'Keep it open for as long as it is in use, or make a new one.',
  },
  ERR_TIMEOUT: {
    summary: 'A wait ended before what it waited for happened.',
    hint: 'Look at the journal for what happened instead, or wait longer.',
  },
  // wire
  ERR_DNS_MALFORMED: {
    summary: 'A DNS message is malformed.',
    hint: 'Look at the sender; the message was not used.',
  },
  ERR_PACKET_MALFORMED: {
    summary: 'An IP packet, or what it carries, is malformed.',
    hint: 'Look at who made the packet; a capture shows its bytes.',
  },
  ERR_DTLS_PACKET_INVALID: {
    summary: 'A packet on the DTLS data channel was empty or too long.',
    hint: 'Each record holds one type byte and its payload; look at what the client sends.',
  },
  // config
  ERR_CONFIG_FILE: {
    summary: 'The configuration file, or a file that it names, cannot be read or written.',
    hint: 'Check the path; "tunnelite init" writes a commented file to start from.',
  },
  ERR_CONFIG_SYNTAX: {
    summary: 'A configuration file is neither valid YAML nor valid JSON.',
    hint: 'Look at the line and column named; in YAML, indentation counts.',
  },
  ERR_CONFIG_INVALID: {
    summary: 'The configuration has keys or values that are not possible.',
    hint: 'Correct each place named; docs/configuration.md lists all keys, and "tunnelite config check" tries a file.',
  },
  // certs
  ERR_CERT_DIRECTORY: {
    summary: 'The certificate directory, or a file in it, could not be made, read or written.',
    hint: 'Check the path and its permissions, or choose another directory with certs.directory.',
  },
  ERR_CERT_CORRUPT: {
    summary: 'A certificate file does not hold what Tunnelite wrote to it.',
    hint: 'Restore the file, or delete ca.pem and ca-key.pem to have a new CA made; clients must then trust the new one.',
  },
  ERR_CERT_MISMATCH: {
    summary: 'A certificate and its private key do not belong together.',
    hint: 'Restore the missing or right file, or delete ca.pem and ca-key.pem to have a new CA made; clients must then trust the new one.',
  },
  ERR_CERT_NAME_NOT_PERMITTED: {
    summary: "A certificate was asked for a name that the CA's name constraints do not permit.",
    hint: 'Add the name to gateway.names, or its domain to certs.domains, in the configuration.',
  },
  ERR_STATE_CORRUPT: {
    summary: 'A state file in the certificate directory is not valid.',
    hint: 'Delete the file; Tunnelite makes a new one at the next start.',
  },
  // telemetry
  // dtls
  ERR_DTLS_CERTIFICATE: {
    summary: 'A certificate for DTLS, or its private key, cannot be used.',
    hint: 'Give the chain as PEM with the leaf first, and the private key of that leaf (RSA, ECDSA or Ed25519).',
  },
  ERR_DTLS_OPTION: {
    summary: 'An option of the DTLS endpoint cannot be used.',
    hint: 'See docs/dtls.md for what each option takes.',
  },
  ERR_DTLS_HANDSHAKE: {
    summary: 'The DTLS handshake failed.',
    hint: 'Compare the keys and cipher suites of both sides; the message says at what step it ended.',
  },
  ERR_DTLS_HANDSHAKE_TIMEOUT: {
    summary: 'The DTLS handshake was not complete in time.',
    hint: 'Check that UDP reaches the server and that both sides have the same key.',
  },
  // netstack
  ERR_NETSTACK_ADDRESS: {
    summary: 'An address is not an IP address, or both ends are not of one IP family.',
    hint: 'Give numeric addresses of one family for the local and the remote end.',
  },
  ERR_NETSTACK_FLOW_TAKEN: {
    summary: 'The flow has an owner already.',
    hint: 'Call toDuplex() once, or set a handler, not both.',
  },
  ERR_NETSTACK_LIMIT: {
    summary: 'The stack has as many flows as its limits allow.',
    hint: 'Close flows that are not needed, or raise limits.tcpFlows or limits.memory.',
  },
  ERR_NETSTACK_PORT_IN_USE: {
    summary: 'No local port is free towards this address and port.',
    hint: 'Choose another local port or address, or wait until old connections have left TIME-WAIT.',
  },
  ERR_NETSTACK_RESET: {
    summary: 'The peer reset the connection.',
    hint: 'Look at the peer for why it closed with data outstanding or without a listener.',
  },
  ERR_NETSTACK_REFUSED: {
    summary: 'The peer refused the connection.',
    hint: 'Check that something listens on this address and port.',
  },
  ERR_NETSTACK_TIMEOUT: {
    summary: 'The peer stopped answering.',
    hint: 'Check the path to the peer: packets are lost, or it is gone.',
  },
  ERR_NETSTACK_UNREACHABLE: {
    summary: 'The peer cannot be reached.',
    hint: 'Check routes and filters on the way; the peer may have left the tunnel.',
  },
  ERR_NETSTACK_CLOSED: {
    summary: 'The connection is closed.',
    hint: 'Open a new connection.',
  },
  // identity
  ERR_IDENTITY_DIRECTORY_INVALID: {
    summary: 'An object of the identity directory is not valid.',
    hint: 'Correct the members named in the message; docs/identity.md lists all of them.',
  },
  ERR_IDENTITY_NOT_FOUND: {
    summary: 'The identity directory has no such object.',
    hint: 'List the objects of that kind to see their names.',
  },
  ERR_IDENTITY_EXISTS: {
    summary: 'The identity directory has an object of that name or id already.',
    hint: 'Choose another name or id, or change the object that is there.',
  },
  ERR_IDENTITY_NOT_LISTENING: {
    summary: 'The identity provider has no address yet.',
    hint: 'Call listen() first, or give it a publicOrigin when it is mounted on another server.',
  },
  ERR_IDENTITY_LISTEN: {
    summary: 'The listener of the built-in Entra ID could not be opened.',
    hint: 'Stop what uses the port (another Tunnelite?), choose another with identity.port, or use 0 for any free one.',
  },
  ERR_IDENTITY_OVERRIDE: {
    summary: 'The one-shot failure or outage is not one that the identity provider knows.',
    hint: 'Use an AADSTS number from the table in docs/identity.md, or one of the endpoint names given there.',
  },
  ERR_IDENTITY_KEYS_INVALID: {
    summary: 'The file with the signing keys of the built-in Entra ID cannot be read.',
    hint: 'Delete that file: new keys are made at the next start (tokens issued before are then refused).',
  },
  ERR_IDENTITY_DISCOVERY: {
    summary: 'The metadata or the signing keys of the authority could not be loaded.',
    hint: 'Check that the authority is right and reachable from here, and that its certificate is trusted.',
  },
  ERR_IDENTITY_FETCH: {
    summary: 'A document of the authority could not be fetched.',
    hint: 'Check the address, the network and the certificate of the authority.',
  },
  ERR_IDENTITY_AUTHORITY: {
    summary: 'The authority is not one that a tenant can be named by.',
    hint: 'Give https://<login host>/<tenant id or domain>, for example https://login.microsoftonline.com/contoso.com.',
  },
  ERR_IDENTITY_WRONG_TOKEN: {
    summary: 'There is no deliberately wrong token of that name.',
    hint: 'Run "tunnelite token --help" for the names.',
  },
  ERR_IDENTITY_APP_CHECK: {
    summary: 'The application settings to compare cannot be read.',
    hint: 'Give the XML Info.plist of the Xcode project ("plutil -convert xml1 Info.plist" converts a binary one).',
  },
  // gateway
  ERR_GATEWAY_POOL_INVALID: {
    summary: 'The address pool of the gateway is not usable.',
    hint: 'Give a network in CIDR form with room for the gateway and at least one client, such as 169.254.0.0/16.',
  },
  ERR_GATEWAY_PORT_IN_USE: {
    summary: 'The port of the gateway is in use.',
    hint: 'Stop the program that uses it (another Tunnelite?), choose another with gateway.port, or use 0 for any free one.',
  },
  ERR_GATEWAY_LISTEN: {
    summary: 'The gateway could not listen on its address.',
    hint: 'Check that the host is an address of this machine and that the port needs no privilege.',
  },
  ERR_GATEWAY_CERTIFICATE: {
    summary: 'The certificate or key of the gateway cannot be used.',
    hint: 'Give a PEM certificate chain, leaf first, and the private key that belongs to the leaf.',
  },
  // resources
  ERR_RESOURCE_RULE: {
    summary: 'A rule under resources cannot be understood.',
    hint: 'Give an address, a CIDR range such as 192.0.2.0/24, or a host name such as app.example.com or *.example.com.',
  },
  // services
  ERR_SERVICE_ADDRESS_TWICE: {
    summary: 'Two mock hosts have the same address.',
    hint: 'Give each host under services.hosts addresses of its own.',
  },
  // client
  ERR_CLIENT_CONNECT: {
    summary: 'The gateway could not be reached.',
    hint: 'Check that it runs (tunnelite start) and that the address and port are the ones its banner shows.',
  },
  ERR_CLIENT_UNTRUSTED: {
    summary: "The gateway's certificate is not trusted.",
    hint: 'Pass the CA that “tunnelite ca” shows, and connect by a name that is in the certificate.',
  },
  ERR_CLIENT_TOKEN_REFUSED: {
    summary: 'The gateway refused the token.',
    hint: 'Its log tells why. “tunnelite token” prints one that the default configuration accepts.',
  },
  ERR_CLIENT_SESSION_REFUSED: {
    summary: 'The gateway refused to open a tunnel.',
    hint: 'Its log tells why: a cookie that is no longer valid, no free address, or too many sessions.',
  },
  ERR_CLIENT_PROTOCOL: {
    summary: 'The server does not speak the protocol of a Tunnel gateway.',
    hint: 'Check that the address is that of a gateway and that nothing in between changes the traffic.',
  },
  ERR_CLIENT_DISCONNECTED: {
    summary: 'The tunnel ended.',
    hint: 'Connect again; the gateway’s log tells why it ended.',
  },
  ERR_CLIENT_DNS: {
    summary: 'A name could not be resolved through the tunnel.',
    hint: 'Ask for a name of the on-premises network; the gateway’s log shows the DNS queries that it saw.',
  },
  ERR_CLIENT_FETCH: {
    summary: 'An HTTP request through the tunnel failed.',
    hint: 'For https: pass the CA that “tunnelite ca” shows; the gateway’s log has a line for the request.',
  },
  ERR_CLIENT_OPEN: {
    summary: 'A connection through the tunnel could not be opened.',
    hint: 'The gateway’s log has a line for each request, with the rule that decided on it.',
  },
  // simulator and cli
  ERR_SIMULATOR_NOT_READY: {
    summary: 'The simulator started but does not work.',
    hint: 'The message names the part that failed; the log lines before it tell more.',
  },
  ERR_SIMULATOR_TOKEN_REQUEST: {
    summary: 'The token that was asked for cannot be made.',
    hint: 'The message names what is wrong with the request.',
  },
  ERR_SIMULATOR_NO_PROVIDER: {
    summary: 'There is no built-in Entra ID to issue tokens: a real tenant is configured as the authority.',
    hint: 'Get a token from that tenant, or remove identity.authority from the configuration.',
  },
  ERR_CLI_USAGE: {
    summary: 'The command line is not understood.',
    hint: 'Add --help for what is possible.',
  },
  ERR_CLI_NOT_RUNNING: {
    summary: 'No running instance was found.',
    hint: 'Run "tunnelite start" (in the repository: npm start), in the same folder or with the same --certs.',
  },
  ERR_CLI_REFUSED: {
    summary: 'The running instance refused what it was asked for.',
    hint: 'Its own words are in the message; its log says more.',
  },
  ERR_CLI_FILE_EXISTS: {
    summary: 'A file to be written is there already.',
    hint: 'Add --force to overwrite it, or name another file.',
  },
  ERR_CLI_FILE: {
    summary: 'A file could not be written.',
    hint: 'Check the folder and its permissions.',
  },
  ERR_ADMIN_LISTEN: {
    summary: 'The administration listener could not be opened.',
    hint: 'Stop what uses the port (another Tunnelite?), choose another with admin.port, or use 0 for any free one.',
  },
} as const satisfies Record<string, { readonly summary: string; readonly hint: string }>;

/** One of the stable codes that a {@link TunneliteError} carries. */
export type ErrorCode = keyof typeof ERROR_CODES;
