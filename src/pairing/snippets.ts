import { SCOPE, sdkConfig, tokenUrl } from './app-settings.ts';
import type { PairingFacts, PairingIdentity } from './types.ts';

/* Source code to paste. Values come from our own configuration; they are quoted all the same. */

/** As a string literal of Kotlin, in which `$` would begin a name. */
const kotlin = (text: string): string => JSON.stringify(text).replaceAll('$', '\\u0024');
/** As a string literal of Swift, whose escapes have braces. */
const swift = (text: string): string => JSON.stringify(text).replaceAll(/\\u([0-9a-f]{4})/gi, '\\u{$1}');

/** Swift for an app with the Tunnel for MAM SDK. Names come from its public headers (microsoftconnect/ms-intune-tunnel-sdk-ios). */
export function swiftSnippet(facts: PairingFacts, identity: PairingIdentity): string {
  const pairs = Object.entries(sdkConfig(facts)).map(([key, value]) => `    ${swift(key)}: ${swift(value)},`);
  return `import MicrosoftTunnelApi

let tunnelConfig: [String: String] = [
${pairs.join('\n')}
]
// after the SDK was initialized with your delegate:
//   MicrosoftTunnel.sharedInstance.setConfig(tunnelConfig)
//   MicrosoftTunnel.sharedInstance.connect()

// What your delegate does in onTokenRequiredWithCallback:withFailedToken:
func tunnelToken(password: String, _ callback: @escaping (String) -> Void) {
    var form = URLComponents()
    form.queryItems = [
        URLQueryItem(name: "grant_type", value: "password"),
        URLQueryItem(name: "client_id", value: ${swift(identity.clientId)}),
        URLQueryItem(name: "username", value: ${swift(identity.user)}),
        URLQueryItem(name: "password", value: password),
        URLQueryItem(name: "scope", value: ${swift(SCOPE)}),
    ]
    var request = URLRequest(url: URL(string: ${swift(tokenUrl(identity))})!)
    request.httpMethod = "POST"
    request.setValue("application/x-www-form-urlencoded", forHTTPHeaderField: "Content-Type")
    request.httpBody = form.percentEncodedQuery?.replacingOccurrences(of: "+", with: "%2B").data(using: .utf8)
    URLSession.shared.dataTask(with: request) { data, _, _ in
        let answer = data.flatMap { try? JSONSerialization.jsonObject(with: $0) } as? [String: Any]
        callback(answer?["access_token"] as? String ?? "") // empty: there is none
    }.resume()
}
`;
}

/** As a string literal of Objective-C, whose escapes are those of C. */
const objectiveC = (text: string): string =>
  `@${JSON.stringify(text).replaceAll(/\\u00([0-9a-f]{2})/gi, (_, hex: string) => `\\${Number.parseInt(hex, 16).toString(8).padStart(3, '0')}`)}`;

/** Objective-C for an app with the Tunnel for MAM SDK, with the same names. */
export function objectiveCSnippet(facts: PairingFacts, identity: PairingIdentity): string {
  const pairs = Object.entries(sdkConfig(facts)).map(([key, value]) => `    ${objectiveC(key)}: ${objectiveC(value)},`);
  return `#import <MicrosoftTunnelApi/MicrosoftTunnelApi.h>

NSDictionary<NSString *, NSString *> *tunnelConfig = @{
${pairs.join('\n')}
};
// after the SDK was initialized with your delegate:
//   [MicrosoftTunnel.sharedInstance setConfig:tunnelConfig];
//   [MicrosoftTunnel.sharedInstance connect];

// What your delegate does in onTokenRequiredWithCallback:withFailedToken:
void tunnelToken(NSString *password, void (^callback)(NSString *)) {
    NSURLComponents *form = [NSURLComponents new];
    form.queryItems = @[
        [NSURLQueryItem queryItemWithName:@"grant_type" value:@"password"],
        [NSURLQueryItem queryItemWithName:@"client_id" value:${objectiveC(identity.clientId)}],
        [NSURLQueryItem queryItemWithName:@"username" value:${objectiveC(identity.user)}],
        [NSURLQueryItem queryItemWithName:@"password" value:password],
        [NSURLQueryItem queryItemWithName:@"scope" value:${objectiveC(SCOPE)}],
    ];
    NSMutableURLRequest *request = [NSMutableURLRequest requestWithURL:[NSURL URLWithString:${objectiveC(tokenUrl(identity))}]];
    request.HTTPMethod = @"POST";
    [request setValue:@"application/x-www-form-urlencoded" forHTTPHeaderField:@"Content-Type"];
    request.HTTPBody = [[form.percentEncodedQuery stringByReplacingOccurrencesOfString:@"+" withString:@"%2B"] dataUsingEncoding:NSUTF8StringEncoding];
    [[NSURLSession.sharedSession dataTaskWithRequest:request completionHandler:^(NSData *data, NSURLResponse *response, NSError *error) {
        NSDictionary *answer = data ? [NSJSONSerialization JSONObjectWithData:data options:0 error:nil] : nil;
        callback(answer[@"access_token"] ?: @""); // empty: there is none
    }] resume];
}
`;
}

/** Kotlin for a client of one's own. On Android the real client is the Defender app, which takes its values from the policy. */
export function kotlinSnippet(facts: PairingFacts, identity: PairingIdentity): string {
  const pairs = Object.entries(sdkConfig(facts)).map(([key, value]) => `    ${kotlin(key)} to ${kotlin(value)},`);
  return `import java.net.URL
import java.net.URLEncoder
import javax.net.ssl.HttpsURLConnection
import org.json.JSONObject

val tunnelConfig = mapOf(
${pairs.join('\n')}
)

/** A token for the gateway; call it off the main thread. */
fun tunnelToken(password: String): String {
    val form = mapOf(
        "grant_type" to "password",
        "client_id" to ${kotlin(identity.clientId)},
        "username" to ${kotlin(identity.user)},
        "password" to password,
        "scope" to ${kotlin(SCOPE)},
    ).map { (key, value) -> key + "=" + URLEncoder.encode(value, "UTF-8") }.joinToString("&")
    val connection = URL(${kotlin(tokenUrl(identity))}).openConnection() as HttpsURLConnection
    connection.requestMethod = "POST"
    connection.doOutput = true
    connection.outputStream.use { it.write(form.toByteArray()) }
    return JSONObject(connection.inputStream.bufferedReader().readText()).getString("access_token")
}
`;
}
