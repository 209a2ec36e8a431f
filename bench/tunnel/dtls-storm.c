// DTLS handshakes by a client that costs little: a part of sessions.ts, which compiles it where there is a compiler.
//
//   cc -O2 -o dtls-storm dtls-storm.c -lssl -lcrypto -lpthread
//   dtls-storm ADDRESS PORT
//
// Input, line by line: "<session id, 64 hex digits> <pre-shared key, 64 hex digits>" adds a session; "run THREADS" makes a handshake for
// each that was added since the last run, with so many threads, and answers with a line of JSON. The sockets stay open until the end of the
// input: a server learns from ICMP when one is closed, and may end the session.
#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

#define THREADS 256

typedef struct {
  unsigned char id[32], key[32];
} session;

static session *sessions;
static int count, room, next, connected;
static SSL_CTX *context;
static struct sockaddr_in server;

static void parse(const char *text, unsigned char *out) {
  for (int i = 0; i < 32; i++) sscanf(text + 2 * i, "%2hhx", out + i);
}

static unsigned give_key(SSL *ssl, const char *hint, char *identity, unsigned identity_room, unsigned char *key,
                         unsigned key_room) {
  (void)hint;
  if (identity_room < 4 || key_room < 32) return 0;
  strcpy(identity, "psk");
  memcpy(key, ((session *)SSL_get_app_data(ssl))->key, 32);
  return 32;
}

// The server finds the session by the id that the first flight asks to resume.
static SSL_SESSION *ask_for(SSL *ssl, const session *one) {
  const unsigned char master[48] = {1};
  SSL_SESSION *resumed = SSL_SESSION_new();
  SSL_SESSION_set_protocol_version(resumed, DTLS1_2_VERSION);
  SSL_SESSION_set1_id(resumed, one->id, 32);
  SSL_SESSION_set1_master_key(resumed, master, 48);
  SSL_SESSION_set_cipher(resumed, SSL_CIPHER_find(ssl, (const unsigned char *)"\x00\xa9"));
  return resumed;
}

static void handshake(session *one) {
  int fd = socket(AF_INET, SOCK_DGRAM, 0);
  if (fd < 0 || connect(fd, (void *)&server, sizeof server) != 0) {
    perror("dtls-storm");
    return;
  }
  struct timeval wait = {5, 0};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
  SSL *ssl = SSL_new(context);
  SSL_set_app_data(ssl, one);
  SSL_SESSION *resumed = ask_for(ssl, one);
  SSL_set_session(ssl, resumed);
  SSL_SESSION_free(resumed);
  BIO *bio = BIO_new_dgram(fd, BIO_NOCLOSE);
  BIO_ctrl(bio, BIO_CTRL_DGRAM_SET_CONNECTED, 0, &server);
  SSL_set_bio(ssl, bio, bio);
  SSL_set_options(ssl, SSL_OP_NO_QUERY_MTU);
  SSL_set_mtu(ssl, 1400);
  if (SSL_connect(ssl) == 1) __atomic_fetch_add(&connected, 1, __ATOMIC_RELAXED);
  else ERR_print_errors_fp(stderr);
  SSL_free(ssl);
}

static void *work(void *unused) {
  for (int i; (i = __atomic_fetch_add(&next, 1, __ATOMIC_RELAXED)) < count;) handshake(&sessions[i]);
  return unused;
}

static double seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

static void run(int threads) {
  pthread_t all[THREADS];
  int from = next, before = connected;
  if (threads < 1) threads = 1;
  if (threads > THREADS) threads = THREADS;
  double start = seconds();
  for (int i = 0; i < threads; i++) pthread_create(&all[i], 0, work, 0);
  for (int i = 0; i < threads; i++) pthread_join(all[i], 0);
  double took = seconds() - start;
  next = count; // each thread has counted one too many
  printf("{\"done\":%d,\"failed\":%d,\"perSecond\":%.1f}\n", connected - before, count - from - (connected - before),
         (connected - before) / took);
  fflush(stdout);
}

int main(int argc, char **argv) {
  if (argc != 3) {
    fprintf(stderr, "dtls-storm ADDRESS PORT\n");
    return 2;
  }
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  server.sin_family = AF_INET;
  server.sin_port = htons(atoi(argv[2]));
  inet_pton(AF_INET, argv[1], &server.sin_addr);
  context = SSL_CTX_new(DTLS_client_method());
  SSL_CTX_set_min_proto_version(context, DTLS1_2_VERSION);
  SSL_CTX_set_max_proto_version(context, DTLS1_2_VERSION);
  SSL_CTX_set_cipher_list(context, "PSK-AES256-GCM-SHA384");
  SSL_CTX_set_psk_client_callback(context, give_key);
  char line[256], id[65], key[65];
  while (fgets(line, sizeof line, stdin)) {
    int threads;
    if (sscanf(line, "run %d", &threads) == 1) run(threads);
    else if (sscanf(line, "%64[0-9a-f] %64[0-9a-f]", id, key) == 2 && strlen(id) == 64 && strlen(key) == 64) {
      if (count == room && !(sessions = realloc(sessions, (room = 2 * room + 64) * sizeof *sessions))) return 1;
      parse(id, sessions[count].id);
      parse(key, sessions[count++].key);
    } else {
      fprintf(stderr, "dtls-storm: not understood: %s", line);
      return 2;
    }
  }
  return 0;
}
