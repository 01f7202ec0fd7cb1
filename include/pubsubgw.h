/* pubsubgw.h - C interface of libpubsubgw (soname libpubsubgw.so.0)
 *
 * libpubsubgw lets WebSocket clients read Apache Kafka through the proxy or service that already
 * accepts them. The host registers routes, then either hands over upgraded sockets or lets the
 * library listen. The library speaks WebSocket and the pub/sub protocol (proto/pubsub.proto) to the
 * clients, and the Kafka protocol to the brokers, on threads of its own.
 *
 *     pubsubgw_gateway *g;
 *     pubsubgw_new(NULL, &g);                                  // no thread, no descriptor yet
 *     pubsubgw_route_put(g, "kafka", json, strlen(json));      // an APISIX route object
 *     pubsubgw_start(g);                                       // after the process's last fork
 *     pubsubgw_listen(g, "127.0.0.1:9080", 0);
 *     ...
 *     pubsubgw_stop(g, 5000);
 *     pubsubgw_destroy(g);
 *
 * RULES that hold for every function unless its comment says otherwise
 *
 *   Result     0 (PUBSUBGW_OK) or a positive number that the comment explains, or a negative
 *              PUBSUBGW_E_*. pubsubgw_last_error() then says in one line what and where.
 *   Arguments  Are checked, as far as that is possible. NULL where it is not allowed, a handle that
 *              was destroyed or never existed, a wrong struct_size or text that is not UTF-8 give a
 *              status; nothing crashes, nothing is half done. A pointer to memory that the process
 *              may not read is beyond checking.
 *   Strings    NUL-terminated UTF-8, or a pointer with a length; copied before the call returns.
 *              At most 64 KiB, JSON 4 MiB; bytes with a length, 16 MiB in one call.
 *   Threads    Any function from any thread with 64 KiB of stack left, but from no signal handler. One
 *              thread at a time may poll one queue. pthread_cancel waits for the end of a call.
 *   Blocking   None blocks, but pubsubgw_stop, pubsubgw_queue_wait and those that say so.
 *   Callbacks  The library calls the host in two cases only: the functions given to
 *              pubsubgw_set_log and to pubsubgw_command_on_fn. Everything else is an event in a
 *              queue.
 *   Signals    The library raises none, installs no handlers, and its threads block them all.
 *   Process    It reads no environment variable, registers nothing with atexit, and stays loaded
 *              after dlclose. Loading it, pubsubgw_new and the route functions start no thread. But
 *              what logins by GSSAPI open reads variables: Kerberos KRB5_CONFIG, KRB5CCNAME (where
 *              tickets are), KRB5_CLIENT_KTNAME (a keytab to get them with), KRB5_TRACE and others
 *              that its manual names; Cyrus SASL_PATH and SASL_CONF_PATH. nginx clears its workers'
 *              environment, but for what its `env` directives name.
 *   Fork       Load, pubsubgw_new and the route functions before a fork are fine, and each child
 *              may start its own copy. After pubsubgw_start the gateway belongs to the process that
 *              called it: in a forked child all its descriptors are closed, and every function of
 *              the sections below "library" answers PUBSUBGW_E_FORKED.
 *   Growth     Numbers and fields are only ever added, fields at the end of their struct. A flag that
 *              this version does not know, or a field of a later header that is not zero, gives
 *              PUBSUBGW_E_UNSUPPORTED.
 *
 * LIFE of a gateway: new, route_put, [fork], start, queue_new/listen/adopt, drain, stop, destroy. */
#ifndef PUBSUBGW_H
#define PUBSUBGW_H
#include <stddef.h>
#include <stdint.h>

/* Version of this header, 0xMMmmpp. The library's own is pubsubgw_version(). Until 1.0 a change of
 * the middle number may break source or binary compatibility; then the soname changes too. */
#define PUBSUBGW_VERSION 0x000100u

#ifndef PUBSUBGW_API
# if defined(__GNUC__)
#  define PUBSUBGW_API __attribute__((visibility("default")))
# else
#  define PUBSUBGW_API
# endif
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- types ------------------------------------------------------------------------------------ */

/* Routes, threads, sessions. From pubsubgw_new to pubsubgw_destroy. */
typedef struct pubsubgw_gateway pubsubgw_gateway;

/* Events for one event loop of the host. From pubsubgw_queue_new to pubsubgw_queue_destroy. */
typedef struct pubsubgw_queue pubsubgw_queue;

/* A Kafka client for the host itself. From pubsubgw_client_new to pubsubgw_client_destroy. */
typedef struct pubsubgw_client pubsubgw_client;

/* Sends records to Kafka for the host. From pubsubgw_producer_new to pubsubgw_producer_destroy. */
typedef struct pubsubgw_producer pubsubgw_producer;

/* One client connection. Never reused within the process; 0 is none. Below 2^53, so that it is
 * exact as a number of Lua or JavaScript. */
typedef uint64_t pubsubgw_session;

/* Statuses. pubsubgw_error_name() spells them, pubsubgw_strerror() explains them. */
enum {
  PUBSUBGW_PAUSE = 1,           /* of functions that take data: taken, but give no more before
                                   PUBSUBGW_EV_RESUME */
  PUBSUBGW_OUTPUT = 2,          /* of the same functions, alone or as a bit beside PUBSUBGW_PAUSE:
                                   output waits; only with PUBSUBGW_OPEN_TELL_OUTPUT */
  PUBSUBGW_OK = 0,
  PUBSUBGW_E_INVALID = -1,      /* an argument is NULL, malformed, or not a handle of this library */
  PUBSUBGW_E_NOMEM = -2,        /* memory is exhausted */
  PUBSUBGW_E_GONE = -3,         /* the handle or session has ended */
  PUBSUBGW_E_FORKED = -4,       /* called in a child of the process that called pubsubgw_start */
  PUBSUBGW_E_SYSTEM = -5,       /* a system call failed; last_error names it and its errno */
  PUBSUBGW_E_FULL = -6,         /* a buffer or a limit does not allow it now */
  PUBSUBGW_E_STATE = -7,        /* not in this state of the gateway: not started, draining, stopped */
  PUBSUBGW_E_CONFIG = -8,       /* JSON is wrong; last_error gives key, line and column */
  PUBSUBGW_E_NO_ROUTE = -9,     /* no route has this id, or none matches host and uri */
  PUBSUBGW_E_TIMEOUT = -10,     /* not finished in the given time */
  PUBSUBGW_E_PROTOCOL = -11,    /* a peer broke a protocol */
  PUBSUBGW_E_TLS = -12,         /* TLS to a broker failed */
  PUBSUBGW_E_AUTH = -13,        /* a broker refused the credentials */
  PUBSUBGW_E_UNSUPPORTED = -14, /* this version of the library cannot do that */
  PUBSUBGW_E_KAFKA = -1000      /* -1000 - n is the Kafka protocol's error n */
};

/* ---- library ----------------------------------------------------------------------------------
 * These work at any time and in any process, forked or not. */

/* The loaded library's version, 0xMMmmpp. A host that was compiled against a header with another
 * middle number should refuse to go on. */
PUBSUBGW_API uint32_t pubsubgw_version(void);

/* Whether the loaded library fits the header that a host was compiled against; call it first, as
 * PUBSUBGW_CHECK_VERSION(). 0: it has all that the header declares, and means the same by it.
 * E_UNSUPPORTED: it does not; last_error names both versions. */
PUBSUBGW_API int pubsubgw_check_version(uint32_t header_version);
#define PUBSUBGW_CHECK_VERSION() pubsubgw_check_version(PUBSUBGW_VERSION)

/* 1 if the library can do what `name` says, on this machine and now; else 0, also for NULL and for
 * unknown names. Names: "listen-tcp", "listen-unix", "adopt-fd", "borrow-fd", "bytes",
 * "messages", "wake-listen", "host-commands", "client", "producer", "permessage-deflate", "kafka-tls",
 * "sasl-plain", "sasl-scram-256", "sasl-scram-512", "sasl-scram-token" (delegation tokens),
 * "sasl-oauthbearer", "sasl-gssapi", "secret-files" ("password_file", ...), and the codecs "gzip",
 * "snappy", "lz4", "zstd". The last three and GSSAPI are other libraries (libsnappy.so.1, liblz4.so.1,
 * libzstd.so.1; libsasl2.so.2 with its plug-in), opened when first needed or asked for here. */
PUBSUBGW_API int pubsubgw_has_feature(const char *name);

/* "PUBSUBGW_E_GONE", "PUBSUBGW_OK"; for -1000-n Kafka's own name ("OFFSET_OUT_OF_RANGE"); for any
 * other number "PUBSUBGW_E_UNKNOWN". Static, never NULL. */
PUBSUBGW_API const char *pubsubgw_error_name(int code);

/* One English sentence for the same numbers. Static, never NULL. */
PUBSUBGW_API const char *pubsubgw_strerror(int code);

/* What went wrong in this thread's last failed call, or the notes of its last pubsubgw_route_check
 * or pubsubgw_upstream_check. "" if nothing did. At most 2047 bytes of UTF-8. It holds no password and
 * no key. Valid until this thread's next call of the library; coroutines must read it before they
 * yield. Never NULL. */
PUBSUBGW_API const char *pubsubgw_last_error(void);

/* Frees what the library returned as `char *`. NULL is fine. */
PUBSUBGW_API void pubsubgw_free(void *p);

/* Levels of log lines, each with all those before it. */
enum {
  PUBSUBGW_LOG_OFF = 0,
  PUBSUBGW_LOG_ERROR = 1, /* something is broken and somebody has to act */
  PUBSUBGW_LOG_WARN = 2,  /* a broker is away, a client was refused, a line was suppressed */
  PUBSUBGW_LOG_INFO = 3,  /* one line per session and per broker connection, opened and closed */
  PUBSUBGW_LOG_DEBUG = 4  /* requests */
};

/* `line` has `len` bytes of UTF-8 without a newline and without control characters, and a NUL
 * behind them; valid during the call. Called on threads of the library, one call at a time, for
 * which all others that have something to log wait: for hosts written in C. It must not block, and
 * not call pubsubgw_set_log, nor what may wait for another thread: pubsubgw_stop, pubsubgw_destroy,
 * pubsubgw_session_forget, pubsubgw_get_stats, pubsubgw_metrics_text. */
typedef void (*pubsubgw_log_fn)(void *arg, int level, const char *line, size_t len);

/* Sets the level and the receiver of log lines for the whole process. `fn` NULL: standard error,
 * unless a queue of that gateway takes its lines (PUBSUBGW_QUEUE_LOG). Before the first call:
 * PUBSUBGW_LOG_WARN to standard error. More than 100 lines a second (after a burst of 200) are
 * counted instead of written, and the count is logged; errors are counted for themselves, so that
 * no flood of others hides them. What lasts (a broker that is away) is told when it begins and when
 * it ends. Lines never hold payloads, passwords or keys; text of a peer is cut, and its control
 * characters are escaped.
 * When it returns, the former `fn` is not running and will not be called again.
 * E_INVALID: no such level. E_STATE: called by `fn` itself. */
PUBSUBGW_API int pubsubgw_set_log(int level, pubsubgw_log_fn fn, void *arg);

/* ---- gateway ---------------------------------------------------------------------------------- */

/* Makes a gateway. No thread and no descriptor: fork-safe.
 *
 * config_json: NULL for the defaults, or an object with these keys, all optional; others are errors.
 *   "threads"       1           loops, each with one thread, 1...256; a worker process wants 1
 *   "cache_bytes"   67108864    budget of the record cache of one loop, in bytes; at least 4 MiB
 *   "client_id"     "pubsubgw"  what brokers see: 1 to 249 printable ASCII characters
 *   "host_plugins"  []          names of route plugins that the host enforces by itself; a route
 *                               that names any other plugin is refused
 *   "host_schemes"  []          upstream schemes that the host serves by commands of its own
 *                               ("redis"). A route with such a scheme needs no nodes and no Kafka;
 *                               the commands that want Kafka get ErrorResp code 3 there
 *   "limits"        {}          "sessions" and "sessions_per_address" of the whole gateway; 0: none.
 *                               "memory_bytes" (268435456) is what the sessions of one loop may hold
 *                               beside the record cache: replies that wait to be sent, and messages
 *                               that have not come whole. Beyond half of it who holds more
 *                               than its share is neither read from nor answered until there is
 *                               room, so that it is never reached
 * *out is set on success, and to NULL on failure.
 * E_CONFIG: last_error gives key, line and column. E_FORKED. */
PUBSUBGW_API int pubsubgw_new(const char *config_json, pubsubgw_gateway **out);

/* Starts `threads` loops. Four more threads, for name look-ups, for the keys of SCRAM logins, for
 * files with secrets and for Kerberos, start when they are first needed. Call it in the process that will serve, after its last fork.
 * E_STATE: it was started before. E_SYSTEM: a thread or descriptor could not be made; the gateway
 * is as before. */
PUBSUBGW_API int pubsubgw_start(pubsubgw_gateway *g);

/* Goes out of service in peace. Listening ends at once; every session is closed with `ws_close_code`
 * (1001 when the host shuts down, 1012 when it reloads) after what was already being sent to it.
 * Upgrades in flight are answered 503. But with 1012 nobody is refused, because somebody else serves
 * the same address by now: whoever still comes, handed over or by a pubsubgw_listen called since, is
 * let in and closed with 1012. Each queue of the gateway gets PUBSUBGW_EV_DRAINED when
 * the last session has ended, or after `timeout_ms`, whichever is first. Returns at once.
 * A second call sets a new time limit; if the event has come before, it comes once more.
 * E_INVALID: a code that no server may send (RFC 6455 section 7.4), or timeout_ms < 0.
 * E_STATE: not started, or stopped. */
PUBSUBGW_API int pubsubgw_drain(pubsubgw_gateway *g, int ws_close_code, int timeout_ms);

/* Ends every session (with 1001, if pubsubgw_drain did not close it before), waits up to
 * `timeout_ms` for their close frames to be sent, cuts what is left, and joins every thread (but
 * one that hangs in the system's name look-up: it is left behind, and touches nothing any more). It
 * blocks. Afterwards nothing of the gateway runs; queues can still be polled for what they hold.
 * E_INVALID: timeout_ms < 0. E_STATE: not started, or called on a thread of the library.
 * Stopping twice is fine and returns 0. */
PUBSUBGW_API int pubsubgw_stop(pubsubgw_gateway *g, int timeout_ms);

/* Ends the handle. A gateway that still runs is stopped first, with a time limit of 0. Its queues
 * stay valid until they are destroyed themselves. NULL and dead handles are ignored. In a forked
 * child nothing is freed. */
PUBSUBGW_API void pubsubgw_destroy(pubsubgw_gateway *g);

/* ---- routes -----------------------------------------------------------------------------------
 * A route is an APISIX route object as JSON, with a `pubsub` object of our own. README.md beside
 * this file lists the keys. Put and delete work at any time from pubsubgw_new until pubsubgw_destroy; a change is seen
 * by the next upgrade. A live session keeps the route that it began with.
 *
 * Kafka's internal topics ("__consumer_offsets") are refused whatever "topics": {"deny"} says, unless
 * an entry of "allow" begins with "__"; the same in a session's policy that has an "allow".
 * Certificates and keys of "tls" are read when an object is put or checked: what is wrong is E_CONFIG
 * with its key.
 *
 *   {"uri": "/kafka", "upstream": {"scheme": "kafka", "type": "none",
 *    "nodes": {"broker1:9092": 1, "broker2:9092": 1}}}                                             */

/* Checks a route without a gateway, as a configuration test does. Schemes that only the gateway's
 * "host_schemes" would allow are reported as notes.
 * Returns the number of notes: keys that are accepted and have no effect here, one per line in
 * pubsubgw_last_error(). E_CONFIG: last_error gives key, line and column. */
PUBSUBGW_API int pubsubgw_route_check(const char *json, size_t len);

/* The same for an upstream object. */
PUBSUBGW_API int pubsubgw_upstream_check(const char *json, size_t len);

/* Adds the route, or replaces the one with the same id. `id` NULL: the object's own "id".
 * E_CONFIG: malformed, or no id, or an id other than the object's, or an "upstream_id" that is not
 * known. */
PUBSUBGW_API int pubsubgw_route_put(pubsubgw_gateway *g, const char *id, const char *json, size_t len);

enum {
  PUBSUBGW_CLOSE_SESSIONS = 1 /* also close the route's sessions, with 1001 */
};

/* Removes a route. flags: 0 or PUBSUBGW_CLOSE_SESSIONS. E_NO_ROUTE: there is none with this id. */
PUBSUBGW_API int pubsubgw_route_delete(pubsubgw_gateway *g, const char *id, uint32_t flags);

/* Adds or replaces an upstream object, for routes with "upstream_id". Routes that refer to it use
 * it from their next session on. E_CONFIG as with pubsubgw_route_put. */
PUBSUBGW_API int pubsubgw_upstream_put(pubsubgw_gateway *g, const char *id, const char *json, size_t len);

/* Removes an upstream. E_STATE: a route still refers to it; last_error names the route.
 * E_NO_ROUTE: there is none with this id. */
PUBSUBGW_API int pubsubgw_upstream_delete(pubsubgw_gateway *g, const char *id);

/* Which route would serve this request? `host` NULL: any. `uri` is a path, with or without a query,
 * as in a request line (see pubsubgw_open).
 * Writes the route's id with a NUL to `id` and returns its length. `id` NULL: only asks.
 * E_NO_ROUTE: none. E_INVALID: `host` or `uri` is malformed. E_FULL: `id_cap` is less than the length
 * and its NUL; nothing is written. */
PUBSUBGW_API int pubsubgw_route_match(pubsubgw_gateway *g, const char *host, const char *uri,
                                      char *id, size_t id_cap);

/* All routes and upstreams as one JSON object {"routes": [...], "upstreams": [...]}, with passwords
 * and private keys shown as "***". NUL-terminated, to be freed with pubsubgw_free; *len (if not
 * NULL) is its length without the NUL. NULL on failure. */
PUBSUBGW_API char *pubsubgw_routes_json(pubsubgw_gateway *g, size_t *len);

/* ---- events -----------------------------------------------------------------------------------
 * A queue collects what happens for one event loop of the host. Its descriptor is readable while
 * events wait. A session's events keep their order, and PUBSUBGW_EV_CLOSED is its last one. */

/* Kinds of events. A host ignores those it does not know. */
enum {
  PUBSUBGW_EV_OUTPUT = 1,   /* of a bytes session: bytes wait for the client. See
                               pubsubgw_session_output */
  PUBSUBGW_EV_MESSAGE = 2,  /* of a messages session: send `data` to the client as one WebSocket
                               message. code: its opcode, 1 text or 2 binary */
  PUBSUBGW_EV_RESUME = 3,   /* after PUBSUBGW_PAUSE: the session takes data again */
  PUBSUBGW_EV_CLOSED = 4,   /* a session ended. code: WebSocket close code (1006: without a close
                               frame; 0: refused before the 101; the library's own: 4408 idle, or
                               too long with a message, 4429 too many commands, 4430 does not read,
                               4450 no answer to a ping), data: reason text (UTF-8), number:
                               bytes sent to the client, number2: bytes received from it, flags: the
                               HTTP status that the upgrade, or a POST, was answered with (0: with
                               none) */
  PUBSUBGW_EV_COMMAND = 5,  /* a client sent a command of the host's (pubsubgw_command_on). code:
                               req_field, number: the client's sequence, number2: resp_field, data:
                               the bytes of the request's sub-message; token: for
                               pubsubgw_command_reply or _fail, once; session, user_data: the
                               client's. flags: 0 or PUBSUBGW_COMMAND_JSON */
  PUBSUBGW_EV_DELIVERY = 6, /* what became of records of a producer, of one batch or of a part of one.
                               status 0: they are stored; else data (of pubsubgw_event_delivery) says
                               why not. len is their number; pubsubgw_event_delivery gives their
                               tokens. code: partition (-1: none was chosen), number: the offset of
                               the first, the others behind it (-1: not told), number2: the broker's
                               timestamp (-1: they keep their own). flags: PUBSUBGW_MAY_BE_STORED */
  PUBSUBGW_EV_RECORDS = 7,  /* fetch, subscription. status 0: len is the number of records, 0 if
                               there are none; pubsubgw_event_record gives them. code: partition,
                               number: high watermark (-1: not known freshly), number2: the offset
                               to read on at. status < 0: failed, data: why; with OFFSET_OUT_OF_RANGE
                               (-1001) number: high watermark, number2: log start offset, or -1;
                               with records that cannot be read (-1002, -1010, -1076, or E_LIMIT for
                               a batch over fetch.batch_bytes) number2: the offset to read on at,
                               or -1.
                               flags: PUBSUBGW_LAST: nothing more comes for this token */
  PUBSUBGW_EV_OFFSET = 8,   /* list_offset is done. number: offset (-1: no record is as late),
                               number2: its timestamp (-1: none); or status < 0 and data: why */
  PUBSUBGW_EV_METADATA = 9, /* metadata is done. data: JSON, see pubsubgw_metadata; or status < 0 and
                               data: why */
  PUBSUBGW_EV_DRAINED = 10, /* pubsubgw_drain is done. status 0: every session has ended;
                               E_TIMEOUT: `number` sessions are left */
  PUBSUBGW_EV_LOG = 11,     /* a log line, for queues with PUBSUBGW_QUEUE_LOG. code: its level,
                               data: the line */
  PUBSUBGW_EV_TOKEN = 12,   /* a token is wanted (pubsubgw_token_on). data: its name, number: how many
                               milliseconds the one that is there has left, 0: there is none. The
                               answer is pubsubgw_token_set, or pubsubgw_token_fail */
  PUBSUBGW_EV_ROOM = 13,    /* of a producer, after PUBSUBGW_E_FULL: half of its buffer is free */
  PUBSUBGW_EV_FLUSHED = 14, /* pubsubgw_flush is done: what was produced before has been told of, in
                               events before this one; or status < 0 and data: why not */
  PUBSUBGW_EV_TRANSACTION = 15 /* a pubsubgw_transaction_* is done. code: PUBSUBGW_TRANSACTION_*;
                               status < 0 and data: why not, and flags what to do then */
};

/* Flags of events. */
enum {
  PUBSUBGW_COMMAND_JSON = 1, /* of PUBSUBGW_EV_COMMAND: the session speaks pubsub.json or pubsub.text.
                               data is a JSON value, and the reply's msg has to be one */
  PUBSUBGW_LAST = 2,         /* of the events of a pubsubgw_client: the last one of its token */
  PUBSUBGW_MAY_BE_STORED = 4, /* of a producer's failures: a request was sent, and nobody has told */
  PUBSUBGW_MUST_ABORT = 8,   /* the transaction can only be aborted */
  PUBSUBGW_FATAL = 16        /* the producer is of no use any more: make another one */
};

/* One event, 72 bytes in this version. Fields that a kind does not mention are 0. */
typedef struct pubsubgw_event {
  uint32_t type;      /* PUBSUBGW_EV_* */
  int32_t status;     /* 0 or PUBSUBGW_E_* */
  uint64_t session;   /* 0: of no session */
  uint64_t token;     /* the host's, of the request that this answers */
  uint64_t user_data; /* as given with the session */
  const uint8_t *data; /* `len` bytes, valid until the next poll or wait of this queue, or its end */
  size_t len;
  int32_t code;
  uint32_t flags;
  int64_t number;
  int64_t number2;
} pubsubgw_event;

enum {
  PUBSUBGW_QUEUE_LOG = 1 /* log lines of this gateway come as PUBSUBGW_EV_LOG. While 1,000 of them
                            wait unpolled (1,200 for errors), further lines are dropped and counted
                            in the next one */
};

/* Makes a queue. flags: 0 or PUBSUBGW_QUEUE_LOG. *out is NULL on failure.
 * E_STATE: the gateway is not started, or stopped. E_SYSTEM: no descriptor. */
PUBSUBGW_API int pubsubgw_queue_new(pubsubgw_gateway *g, uint32_t flags, pubsubgw_queue **out);

/* The queue's descriptor (an eventfd): wait for it to be readable, level-triggered; do not read,
 * write or close it. It is the queue's until pubsubgw_queue_destroy. */
PUBSUBGW_API int pubsubgw_queue_fd(pubsubgw_queue *q);

/* Takes up to `max` events. event_size: sizeof(pubsubgw_event) of the host; it says how much of each
 * event is written, and the stride of the array. Returns how many were taken; 0: none waits.
 * E_INVALID: max < 1, or event_size is below 72, above 4096, or no multiple of 8. */
PUBSUBGW_API int pubsubgw_queue_poll(pubsubgw_queue *q, pubsubgw_event *events, int max,
                                     size_t event_size);

/* The same, and blocks up to `timeout_ms` (-1: without limit) until there is an event. Returns 0 when
 * the time is over or a signal came. E_GONE: the queue was destroyed meanwhile. */
PUBSUBGW_API int pubsubgw_queue_wait(pubsubgw_queue *q, pubsubgw_event *events, int max,
                                     size_t event_size, int timeout_ms);

/* For loops that cannot wait for a descriptor, as that of nginx's Lua: listens on a unix stream
 * socket at this path (mode 0600; a stale file is replaced; the file goes with
 * pubsubgw_queue_destroy). To each connection the library writes one byte when the queue goes from
 * empty to non-empty, and one at once on connecting when events wait already. The peer reads what
 * there is, then polls the queue until that returns 0. Up to 8 connections; further ones are closed.
 * What the peer writes is ignored. The connections are closed when the queue is destroyed or the
 * gateway stops: poll once more then.
 * E_INVALID: the path is empty or longer than 107 bytes. E_SYSTEM: the path is in use, ... E_STATE:
 * the queue listens already, or the gateway does not run. */
PUBSUBGW_API int pubsubgw_queue_wake_listen(pubsubgw_queue *q, const char *unix_path);

/* Ends the queue, with its descriptor and the events that nobody took. Remove the descriptor from
 * the host's loop first. Sessions that were opened with it live on without events. NULL and dead
 * handles are ignored. */
PUBSUBGW_API void pubsubgw_queue_destroy(pubsubgw_queue *q);

/* ---- sessions --------------------------------------------------------------------------------- */

enum {
  PUBSUBGW_OPEN_DUP_FD = 1,          /* work on a duplicate; the host keeps (and closes) its own */
  PUBSUBGW_OPEN_BORROW_FD = 2,       /* work on the host's own descriptor, which is never closed:
                                        see pubsubgw_session_adopt_fd */
  PUBSUBGW_OPEN_NO_CLOSED_EVENT = 4, /* no PUBSUBGW_EV_CLOSED for this session */
  PUBSUBGW_OPEN_TELL_OUTPUT = 8      /* bytes and messages sessions: what is there when feed or
                                        message returns is told by PUBSUBGW_OUTPUT; see there */
};

/* How a client comes in. Zero it, then set struct_size = sizeof(pubsubgw_open). Everything is copied.
 *
 * Which route: `route_id`; or, with route_id NULL, `host` and `uri`; or, with uri NULL too, what the
 * request head says.
 * A path is decoded once, here and at every other door, and refused (400; E_INVALID for `uri`) where
 * a proxy in front may read another one: "." and ".." segments, empty segments before the last, "\",
 * "%2f", control characters, in any encoding, and what is not UTF-8. `uri` is to be as in the request
 * line: what a host has decoded has to be encoded again.
 * Which handshake, one of three:
 *   request_head set            the whole HTTP request head, to the empty line. The library checks it
 *                               (version, key, Origin, sub-protocols, extensions) and sends the 101
 *                               or the refusal. Best: nothing can be forgotten. At most 32 KiB, 128
 *                               headers, 8 KiB a line: more is answered 431 (414 the request line)
 *   websocket_key set           the host has checked the head; the library sends the 101.
 *   neither                     the host has checked the head and sent the 101. */
typedef struct pubsubgw_open {
  uint32_t struct_size;
  uint32_t flags;                   /* PUBSUBGW_OPEN_* */
  const char *route_id;             /* or NULL */
  const char *host;                 /* or NULL; as in the Host header */
  const char *uri;                  /* or NULL; a path, with or without a query */
  const char *remote_addr;          /* or NULL: asked from the socket; for limits and log lines. Any
                                       text: equal texts are one address. Without a descriptor NULL
                                       is none, and limits by address do not bind the session */
  const void *request_head;         /* or NULL */
  size_t request_head_len;
  const char *websocket_key;        /* or NULL; the value of Sec-WebSocket-Key */
  const char *websocket_protocol;   /* without a head: the sub-protocol that was agreed, or NULL */
  const char *websocket_extensions; /* without a head: the extensions that were agreed, or NULL */
  const char *policy_json;          /* or NULL; narrows the route for this session: an object with
                                       any of "commands", "topics", "limits", "headers" as in the
                                       route's "pubsub", and "principal", "trace": who the client
                                       is, for log lines and what it produces */
  const void *preread;              /* or NULL; bytes that the host read behind the request head */
  size_t preread_len;
  pubsubgw_queue *queue;            /* or NULL: no events */
  uint64_t user_data;               /* comes back in every event of the session; the library does not
                                       look at it. A pointer there has to live until
                                       PUBSUBGW_EV_CLOSED or pubsubgw_session_forget */
  const char *origin;               /* without a head: the value of the Origin header, for the route's
                                       "origins"; NULL: there is none, or the host has judged it */
} pubsubgw_open;

/* Hands over a connected stream socket (TCP or unix) without TLS. Take it out of the host's epoll
 * before: an epoll does not forget a descriptor that has a duplicate.
 * On success the library owns fd, or its duplicate with PUBSUBGW_OPEN_DUP_FD; on failure the host
 * still does, and nothing was sent. It sets O_NONBLOCK (which all duplicates share) and TCP_NODELAY.
 * At the end it shuts the connection down and closes the descriptor. If the host closes it before,
 * against this, the session is lost, and whoever got its number may be written to for a second.
 * With PUBSUBGW_OPEN_BORROW_FD the library works on that very descriptor and never closes it; the
 * host leaves it alone until PUBSUBGW_EV_CLOSED is polled or pubsubgw_session_forget has returned.
 * With PUBSUBGW_EV_CLOSED it is the host's again, to be closed: the connection is shut down, and the
 * peer's end was read (for 2 s at most), so that closing it cuts nothing off. It needs a queue and
 * the closed event, and excludes PUBSUBGW_OPEN_DUP_FD. A forked child keeps its copy.
 * *out (if out is not NULL) is the session's id, or 0 on failure; no event of it is in the queue
 * before.
 * What the request head asks for is answered later, on the connection: a refusal there is no error
 * here, and PUBSUBGW_EV_CLOSED tells.
 * E_INVALID: fd is no connected stream socket; a struct_size that no version has; host, uri or what
 * was agreed is malformed; a queue of another gateway. E_CONFIG: policy_json is wrong. E_NO_ROUTE.
 * E_STATE: not started, stopped, draining (but see pubsubgw_drain). E_SYSTEM. */
PUBSUBGW_API int pubsubgw_session_adopt_fd(pubsubgw_gateway *g, int fd, const pubsubgw_open *open,
                                           pubsubgw_session *out);

/* ---- bytes sessions ----------------------------------------------------------------------------
 * The host owns the connection, TLS too, and moves the bytes: what it reads goes to
 * pubsubgw_session_feed, what pubsubgw_session_output hands out it writes.
 *
 *     readable:  n = read(...); r = pubsubgw_session_feed(g, s, buffer, n);
 *                if (r > 0 && r & PUBSUBGW_PAUSE) stop reading;
 *     r & PUBSUBGW_OUTPUT, PUBSUBGW_EV_OUTPUT, and when the socket is writable again:
 *                while ((n = pubsubgw_session_output(g, s, slices, 8)) > 0) {
 *                    sent = writev(...);  if (sent <= 0) { wait until it is writable; break; }
 *                    pubsubgw_session_consume(g, s, sent);
 *                }
 *     PUBSUBGW_EV_RESUME:  read again
 *     PUBSUBGW_EV_CLOSED:  close the connection. A client that broke the protocol may go on sending:
 *                read and drop that for a while, or what is left unread cuts off the Close frame
 *
 * With TLS give SSL_write one slice at a time, and consume what it has taken. After
 * SSL_ERROR_WANT_WRITE it wants the same bytes at the same place again, or more of them: that is the
 * first slice until it is consumed.
 *
 * One thread at a time calls feed, output and consume for one session. Where another one polls the
 * queue, it may see PUBSUBGW_EV_RESUME before the call has returned PUBSUBGW_PAUSE.
 *
 * A little input, for which nothing but the session is needed (a ping, a cached fetch), is worked on
 * in the call itself where the session's loop is idle: two changes of threads cost more. With
 * PUBSUBGW_OPEN_TELL_OUTPUT the call then answers PUBSUBGW_OUTPUT in place of the event, and the
 * host's loop need not be woken for it. The host's own functions are never called from within. */

/* Opens one. `open` is as for pubsubgw_session_adopt_fd; a queue is needed, and flags that speak of
 * a descriptor are refused. The 101, or the refusal, is the first output.
 * *out is the session's id, or 0 on failure; no event of it is in the queue before.
 * E_INVALID, E_CONFIG, E_NO_ROUTE, E_STATE as with pubsubgw_session_adopt_fd. */
PUBSUBGW_API int pubsubgw_session_open_bytes(pubsubgw_gateway *g, const pubsubgw_open *open,
                                             pubsubgw_session *out);

/* Bytes that came from the client, any piece of its stream; they are copied. `len` 0: the client
 * has ended its stream, or the connection is lost; PUBSUBGW_EV_CLOSED follows at once, and output
 * that still waits is dropped. Behind that nothing may be fed.
 * 0: taken. PUBSUBGW_PAUSE: taken, but stop reading until PUBSUBGW_EV_RESUME. With
 * PUBSUBGW_OPEN_TELL_OUTPUT both may have the bit PUBSUBGW_OUTPUT: send what waits, as with
 * PUBSUBGW_EV_OUTPUT, which does not come for it. What comes behind the end of the session (until
 * PUBSUBGW_EV_CLOSED) is taken and ignored.
 * E_FULL: not taken: fed on after PUBSUBGW_PAUSE, and more than 1 MiB waits. E_STATE: fed after the
 * end of the stream. E_GONE: the session has ended, and its last event is in the queue. */
PUBSUBGW_API int pubsubgw_session_feed(pubsubgw_gateway *g, pubsubgw_session s, const void *data,
                                       size_t len);

/* A piece of output; laid out as struct iovec. */
typedef struct pubsubgw_slice {
  const void *data;
  size_t len;
} pubsubgw_slice;

/* What waits to be sent, in order, in at most `max` slices; returns how many, 0: nothing. The bytes
 * stay where they are until they are consumed, or the session is forgotten, or PUBSUBGW_EV_CLOSED
 * is polled.
 * PUBSUBGW_EV_OUTPUT comes once when output goes from none to some: send until this function or
 * pubsubgw_session_consume says that nothing is left, and only then count on the next event. When
 * the socket is full, go on when it is writable: no second event comes meanwhile. An event may find
 * nothing left. E_GONE: the session has ended. */
PUBSUBGW_API int pubsubgw_session_output(pubsubgw_gateway *g, pubsubgw_session s,
                                         pubsubgw_slice *out, int max);

/* The first `len` bytes of the output were sent. Returns 1: more waits, 0: nothing.
 * PUBSUBGW_EV_CLOSED comes when the last byte of a session that is over was consumed.
 * E_INVALID: `len` is more than waits. E_GONE: the session has ended. */
PUBSUBGW_API int pubsubgw_session_consume(pubsubgw_gateway *g, pubsubgw_session s, size_t len);

/* ---- messages sessions --------------------------------------------------------------------------
 * The host owns WebSocket too: its handshake, pings, fragments, compression and Close frames. Whole
 * messages go in by pubsubgw_session_message and come out as PUBSUBGW_EV_MESSAGE. When the gateway
 * ends the session, PUBSUBGW_EV_CLOSED has the code and the reason of the Close frame that the host
 * is to send (1005 and 1006 are told only, never sent).
 * Message events that wait unpolled are a client that does not read: from 256 KiB of them on, the
 * session's reads from Kafka pause. */

/* Opens one. With request_head the library checks it as ever (path, Host, version, Origin,
 * sub-protocols), and closes the session with 1008 where it would have refused it: ask
 * pubsubgw_open_check before the 101. Without one the host has checked it; `origin` lets the library
 * judge that by the route. websocket_protocol says what was agreed ("pubsub.json", ...); NULL: what
 * pubsubgw_open_check says of the head, or without a head protobuf in binary messages.
 * websocket_key and websocket_extensions must be NULL. A queue is needed. *out as with
 * pubsubgw_session_open_bytes. */
PUBSUBGW_API int pubsubgw_session_open_messages(pubsubgw_gateway *g, const pubsubgw_open *open,
                                                pubsubgw_session *out);

/* One whole message of the client, copied. opcode 1: text, 2: binary; or 8: the client has closed
 * (data: two bytes of code, then the reason), or with len 0: it is gone.
 * 0: taken. PUBSUBGW_PAUSE: taken, but give no more before PUBSUBGW_EV_RESUME. With
 * PUBSUBGW_OPEN_TELL_OUTPUT both may have the bit PUBSUBGW_OUTPUT: events wait in the queue that its
 * descriptor does not tell of; poll it.
 * E_INVALID: another opcode, or a close of one byte. E_FULL: not taken: given after PUBSUBGW_PAUSE,
 * and more than 1 MiB waits. E_STATE: given after the client's close. E_GONE: the session has
 * ended. */
PUBSUBGW_API int pubsubgw_session_message(pubsubgw_gateway *g, pubsubgw_session s, int opcode,
                                          const void *data, size_t len);

/* ---- sessions of any kind --------------------------------------------------------------------- */

/* Closes a session of any kind, with a code of RFC 6455 section 7.4 that an application may send
 * (1000, 1001, 1003, 1007-1014, 3000-4999) and a reason (at most 123 bytes; NULL: none), after what
 * is being sent already. Of a session that closes already nothing changes. PUBSUBGW_EV_CLOSED comes
 * as always, some time later: the peer has 5 s for its half of the closing handshake.
 * E_INVALID: the code or the reason. E_GONE: the session has ended. */
PUBSUBGW_API int pubsubgw_session_close(pubsubgw_gateway *g, pubsubgw_session s, int ws_code,
                                        const char *reason);

/* Sends PubSubResp{sequence 0, field `resp_field` = msg} to the client of a session of any kind: a
 * message of the host's own without a request. resp_field: as for pubsubgw_command_on. `msg` is
 * the sub-message; in the JSON sub-protocols it is a JSON value, and goes under the name that a
 * command with this response field gives it. It stands behind what is being sent already, and in
 * front of replies that are still worked on. A session whose upgrade is not answered yet gets none.
 * E_INVALID: resp_field; or the client speaks JSON, and msg is no JSON value or no command names
 * the field. E_GONE: the session has ended. E_FULL: not taken: the client has more than
 * limits.unsent_bytes waiting; try later. */
PUBSUBGW_API int pubsubgw_session_push(pubsubgw_gateway *g, pubsubgw_session s, uint32_t resp_field,
                                       const void *msg, size_t len);

/* The host wants to hear no more of a session: no later poll returns an event of it, not even
 * PUBSUBGW_EV_CLOSED, so that its user data can be freed. Events that are in the host's array
 * already have to be skipped. The session is closed with 1001, as far as that is possible.
 * For a lent descriptor (PUBSUBGW_OPEN_BORROW_FD) it returns when the library does not use it any
 * more, usually within microseconds: it blocks for a turn of the session's loop, at most 1 s.
 * E_GONE: the session has ended, and none of its events waited. E_TIMEOUT: the descriptor is still
 * in use; call again. E_STATE: a lent descriptor, and this is a thread of the library. */
PUBSUBGW_API int pubsubgw_session_forget(pubsubgw_gateway *g, pubsubgw_session s);

/* Would this client be let in? For hosts that answer the upgrade by themselves, before they do. Route,
 * Origin and the whole head are checked, limits are not; nothing is opened. `open` is as for the
 * session that is to come, and request_head may stand beside websocket_protocol.
 * 0: yes. `protocol` (NULL: not asked for) gets the sub-protocol to agree to, with a NUL, "": none:
 * the first of the library's that the client offers, or the only one that it offers.
 * 400, 403, 404, 405, 414, 426, 431: no, with this HTTP status; last_error is a line for its body.
 * E_FULL: `cap` is less than the name and its NUL. Other errors as with pubsubgw_session_open_bytes;
 * E_STATE is a 503. */
PUBSUBGW_API int pubsubgw_open_check(pubsubgw_gateway *g, const pubsubgw_open *open, char *protocol,
                                     size_t cap);

/* Writes the response 101 to an upgrade, for hosts that have checked the request and send the
 * response themselves: `websocket_key` is the value of Sec-WebSocket-Key, `protocol` the agreed
 * sub-protocol or NULL. Returns the length; a NUL stands behind it. It needs no gateway.
 * E_INVALID: the key is not the base64 of 16 bytes, or `protocol` is no token of HTTP.
 * E_FULL: `cap` is less than the length and the NUL; nothing is written. 130 bytes are enough
 * without a sub-protocol; it takes 26 bytes more than its own length. */
PUBSUBGW_API int pubsubgw_handshake(const char *websocket_key, const char *protocol, char *buf,
                                    size_t cap);

/* Accepts clients on an address of its own, for proxies that pass the whole request on, and for
 * programs that have no listener. May be called several times.
 *   "127.0.0.1:9080"  "[::1]:9080"   a numeric address; port 0 lets the system choose
 *   "localhost:9080"  "*:9080"       127.0.0.1; all addresses, IPv4 and IPv6
 *   "unix:/run/pubsub.sock"          a unix socket; a stale file is replaced, and it is removed when
 *                                    listening ends. `mode` is its file mode, 0: 0660
 *   "unix:@name"                     an abstract unix socket
 *   "fd:3"                           a socket that listens already, systemd's or the host's: on a
 *                                    duplicate of it, so that who waits in its queue when the
 *                                    gateway ends is served by the next one
 * Returns the port, or 0 for a unix socket. `mode` must be 0 for TCP.
 * E_INVALID: the address or the mode is malformed, or the descriptor does not listen. E_SYSTEM: the
 * address is in use, ... E_STATE: not started, stopped, draining (but see pubsubgw_drain). */
PUBSUBGW_API int pubsubgw_listen(pubsubgw_gateway *g, const char *address, int mode);

/* ---- commands of the host's own ---------------------------------------------------------------
 * What APISIX calls pubsub:on. Request and response are fields of the two oneofs of the protocol,
 * PubSubReq.req and PubSubResp.resp; the host decodes and encodes the sub-messages itself.
 *
 * Numbers: 35 to 100, and 200 to 536870911 but 19000 to 19999. 1000 and up are recommended.
 *
 * Name: a letter of a-z, then up to 63 of a-z, 0-9 and "_", not that of a command of the library.
 * In the JSON sub-protocols the request's key is the name in lowerCamelCase (or as it is), and the
 * reply's is the name without a leading "cmd_", with "_resp", in lowerCamelCase: of
 * "cmd_redis_publish" these are "cmdRedisPublish" and "redisPublishResp". Metrics count by name.
 *
 * Who may use it: everybody on its routes, unless a "commands" list (of the route's "pubsub", or of
 * the session's policy_json) is there and does not name it. Lists can name it if it starts with
 * "cmd_". Refused: ErrorResp code 3.
 *
 * Replies keep the order of their commands within a session, together with those of ping, fetch
 * and list_offset. A command that is not answered within the route's "limits": {"command_ms"}
 * (30000) is answered with ErrorResp code 7. The bytes of requests that wait for the host count as
 * unsent bytes of their session: beyond "unsent_bytes" its socket is not read. */

/* Called on a thread of the library. It must not block, and not call pubsubgw_stop or
 * pubsubgw_destroy. `command` and its data are valid during the call. It may answer at once, or
 * keep the token and answer later, from any thread. */
typedef void (*pubsubgw_command_fn)(void *arg, const pubsubgw_event *command);

/* Commands of this name on this route go to `q` as PUBSUBGW_EV_COMMAND. route_id NULL: on all routes
 * that have none of their own with this req_field or name. The route need not exist yet. The same
 * route_id and req_field again: replaces the former registration. q NULL: ends it. Clients'
 * next commands see the change; those that were handed out before can still be answered.
 * E_INVALID: name or numbers break the rules above, another command of the route has the name, q
 * belongs to another gateway, or there is no registration to end. */
PUBSUBGW_API int pubsubgw_command_on(pubsubgw_gateway *g, const char *route_id, const char *name,
                                     uint32_t req_field, uint32_t resp_field, pubsubgw_queue *q);

/* The same, and calls `fn` with `arg` instead. fn NULL: ends the registration. The former function
 * may still be called until each loop has taken over the change, within microseconds usually, and
 * for certain until pubsubgw_stop. */
PUBSUBGW_API int pubsubgw_command_on_fn(pubsubgw_gateway *g, const char *route_id, const char *name,
                                        uint32_t req_field, uint32_t resp_field,
                                        pubsubgw_command_fn fn, void *arg);

/* Answers a command: `msg` is the response's sub-message (or a JSON value, see
 * PUBSUBGW_COMMAND_JSON), copied. Once for each token.
 * E_GONE: it was answered, has timed out, or its session has ended. E_INVALID: not JSON; the token
 * is still good. */
PUBSUBGW_API int pubsubgw_command_reply(pubsubgw_gateway *g, uint64_t token, const void *msg,
                                        size_t len);

/* Answers a command with ErrorResp. code: what the client sees, 0: 10. message NULL: "the command
 * failed". E_GONE as above. E_INVALID: a negative code. */
PUBSUBGW_API int pubsubgw_command_fail(pubsubgw_gateway *g, uint64_t token, int code,
                                       const char *message);

/* ---- tokens -----------------------------------------------------------------------------------
 * For logins by OAUTHBEARER (RFC 7628, KIP-255) whose tokens the host gets, from an identity provider
 * by HTTP, or by signing them: a route's {"mechanism": "OAUTHBEARER", "host_token": "name"}.
 *
 * One token of a name serves every route, loop and connection of the gateway that names it. The host
 * is asked (PUBSUBGW_EV_TOKEN) when a connection needs it first, or when the former one's life is
 * over; again when 80 % of its life has gone by, if it was used meanwhile; and again 10 s after a
 * failure, which is also 30 s without an answer. No connection is begun without it. Where brokers end
 * sessions with their token (KIP-368), connections log in again with the new one. */

/* Requests for the token go to `q`; to the last one that was given. q NULL: ends that.
 * E_INVALID: the name is not of 1 to 64 letters, digits, ".", "-", "_"; q belongs to another gateway;
 * there is no registration to end. */
PUBSUBGW_API int pubsubgw_token_on(pubsubgw_gateway *g, const char *name, pubsubgw_queue *q);

/* Here is the token, asked for or not, from pubsubgw_new on. lifetime_ms: how long it is good from
 * now on, more than 0. extensions_json: NULL, or {"name": "value"} to be sent with it (KIP-342),
 * beside the route's "extensions" or in their place. Connections that are open keep theirs.
 * E_INVALID: the name; the token is empty or has other characters than RFC 6750's; it is over.
 * E_CONFIG: extensions_json. */
PUBSUBGW_API int pubsubgw_token_set(pubsubgw_gateway *g, const char *name, const char *token,
                                    int64_t lifetime_ms, const char *extensions_json);

/* There is none now, for this reason (NULL: no special one), which the log and the errors of those
 * who wait for it tell. A token that is still good goes on being used. E_INVALID: the name. */
PUBSUBGW_API int pubsubgw_token_fail(pubsubgw_gateway *g, const char *name, const char *reason);

/* ---- Kafka for the host itself ----------------------------------------------------------------
 * A client reads Kafka on the same threads, connections and cache as the sessions whose route has
 * equal upstream settings. Topic rules of routes bind their WebSocket clients, not the host; and
 * what goes wrong is told as it is.
 *
 * Requests return at once. Their results are events of the client's queue, which carry the client's
 * user_data and the request's token. A token is the host's choice, unique among the requests of the
 * client that have not had their last event (PUBSUBGW_LAST).
 *
 * Failures: status -1000-n is Kafka's error n; E_SYSTEM: no broker or leader can be reached;
 * E_TIMEOUT; E_TLS, E_AUTH: TLS, the login; E_FULL: a limit; E_GONE: cancelled, or ended with its
 * client or gateway. data is the cause, in English. */

/* A record's header. Names are not unique. */
typedef struct pubsubgw_header {
  const char *name;  /* UTF-8 */
  const void *value; /* NULL: null */
  size_t value_len;
} pubsubgw_header;

enum {
  PUBSUBGW_APPEND_TIME = 1 /* pubsubgw_record.flags: the timestamp is the broker's */
};

/* One record, within its event. struct_size is this library's. */
typedef struct pubsubgw_record {
  uint32_t struct_size;
  int32_t partition;
  const char *topic;
  int64_t offset;
  int64_t timestamp; /* milliseconds since 1970; -1: none */
  const void *key;   /* NULL: null; an empty one is not NULL */
  size_t key_len;
  const void *value; /* likewise */
  size_t value_len;
  const pubsubgw_header *headers;
  size_t header_count;
  uint32_t flags; /* PUBSUBGW_APPEND_TIME */
} pubsubgw_record;

/* Record i of a PUBSUBGW_EV_RECORDS event, from 0. Valid until the next poll of its queue.
 * NULL: not such an event, or i >= len. */
PUBSUBGW_API const pubsubgw_record *pubsubgw_event_record(const pubsubgw_event *ev, size_t i);

/* Makes a client whose events go to `q`; `user_data` comes back in them. config_json, an object:
 *   {"route": "id"}   the brokers, credentials and defaults of a route, as it is now
 *   {"nodes": ..., "tls": ..., "timeout": ..., "plugins": {"kafka-proxy": ...}, "pubsub": ...}
 *                     its own, with the keys of a route's upstream; or with a whole "upstream" in
 *                     their place. "pubsub" has "isolation", "fetch", "retry", "client_id",
 *                     "request_timeout_ms" and "metadata_max_age_ms", as in a route
 * *out is NULL on failure. Nothing is connected before the first request.
 * E_CONFIG: last_error gives key, line and column. E_NO_ROUTE. E_INVALID: q belongs to another
 * gateway. E_STATE: not started, draining, stopped. */
PUBSUBGW_API int pubsubgw_client_new(pubsubgw_gateway *g, const char *config_json,
                                     pubsubgw_queue *q, uint64_t user_data, pubsubgw_client **out);

/* Ends the handle. Requests that are pending get their last event, status E_GONE. NULL and dead
 * handles are ignored. */
PUBSUBGW_API void pubsubgw_client_destroy(pubsubgw_client *c);

/* Zero it, then set struct_size = sizeof(pubsubgw_fetch_args). */
typedef struct pubsubgw_fetch_args {
  uint32_t struct_size;
  int32_t partition;
  const char *topic;
  int64_t offset;      /* or -1: the end of the log, -2: its beginning */
  int32_t max_bytes;   /* of records beyond the first; 0: "fetch": {"default_bytes"}, 1 MiB */
  int32_t min_bytes;   /* to wait for; 0: "fetch": {"min_bytes"}, 1 */
  int32_t max_wait_ms; /* 0: answer at once */
  int32_t isolation;   /* 0: the client's, 1: read uncommitted, 2: read committed */
} pubsubgw_fetch_args;

/* Records of one partition from an offset on: one PUBSUBGW_EV_RECORDS. There is at least one record
 * in it if there is one at or after the offset; len 0 with number2 below number (the high watermark)
 * means "go on at number2". An offset that is not in the log fails with -1001, or begins at the nearer
 * end of the log with "fetch": {"reset": "nearest"}.
 * E_INVALID: arguments, or the token is pending. E_GONE. E_STATE. */
PUBSUBGW_API int pubsubgw_fetch(pubsubgw_client *c, const pubsubgw_fetch_args *a, uint64_t token);

/* The offset of the first record with this timestamp (milliseconds) or a later one: one
 * PUBSUBGW_EV_OFFSET. timestamp -1: the end of the log, -2: its beginning, -3: the record with the
 * largest timestamp. Errors as pubsubgw_fetch. */
PUBSUBGW_API int pubsubgw_list_offset(pubsubgw_client *c, const char *topic, int32_t partition,
                                      int64_t timestamp, uint64_t token);

/* One topic, or all (`topic` NULL): one PUBSUBGW_EV_METADATA, whose data is
 *   {"topics": [{"name": "a", "internal": true, "error": -1029, "text": "...",
 *     "partitions": [{"partition": 0, "leader": 1, "leaderEpoch": 5}]}]}
 * sorted by name and partition. "internal" is there where it is true; "error" (a status) and "text"
 * where the partitions cannot be told. leader: a node id, -1: none now. leaderEpoch: -1: not told.
 * A topic that was asked for by name and cannot be told fails the request. Errors as pubsubgw_fetch. */
PUBSUBGW_API int pubsubgw_metadata(pubsubgw_client *c, const char *topic, uint64_t token);

/* Where a subscription begins. */
enum {
  PUBSUBGW_START_OFFSET = 0,
  PUBSUBGW_START_EARLIEST = 1,
  PUBSUBGW_START_LATEST = 2,
  PUBSUBGW_START_TIMESTAMP = 3 /* the first record as late as that, or else the end of the log */
};

/* Zero it, then set struct_size = sizeof(pubsubgw_subscribe_args). */
typedef struct pubsubgw_subscribe_args {
  uint32_t struct_size;
  int32_t partition;
  const char *topic;
  int64_t offset;           /* for PUBSUBGW_START_OFFSET */
  int64_t timestamp;        /* milliseconds, for PUBSUBGW_START_TIMESTAMP */
  int32_t start;            /* PUBSUBGW_START_* */
  int32_t isolation;        /* as in pubsubgw_fetch_args */
  const char *options_json; /* or NULL; {"max_bytes": bytes of records in one event beyond the first,
                               262144, "queue_bytes": 1048576} */
} pubsubgw_subscribe_args;

/* All records of one partition from a place on, as PUBSUBGW_EV_RECORDS, until it is cancelled or
 * fails; after that nothing comes for it, whatever becomes of the topic. It outlives outages of
 * brokers and moves of the leader: meanwhile no event comes, and the log tells. It fails with -1100
 * (UNKNOWN_TOPIC_ID) once its topic was deleted and created again. Where it begins, if that is no
 * offset, is looked up first, which fails as pubsubgw_list_offset does. Nothing is read for it while
 * more than "queue_bytes" of its events wait unpolled. Errors as pubsubgw_fetch; E_CONFIG:
 * options_json. */
PUBSUBGW_API int pubsubgw_subscribe(pubsubgw_client *c, const pubsubgw_subscribe_args *a,
                                    uint64_t token);

/* Ends a request: its last event has the status E_GONE, unless another one was on its way.
 * E_INVALID: no request of this token is pending. */
PUBSUBGW_API int pubsubgw_cancel(pubsubgw_client *c, uint64_t token);

/* ---- producing --------------------------------------------------------------------------------
 * A producer collects records in batches, sends them to the partitions' leaders, repeats what has to
 * be repeated, and tells of each record once. It uses the brokers and credentials of a client, on the
 * loop of that client, and connections of its own. Its functions may be called on any thread; what
 * one thread has produced keeps its order.
 *
 * settings_json, an object; NULL: the defaults. The names are Kafka's, with "_" or as they stand with
 * ".": {"acks": "all", "linger.ms": 5}. A wrong value is E_CONFIG, with its key and its range.
 *   acks                  all (-1)  who has a record when it counts as stored: all in-sync replicas,
 *                                   "leader" (1), or "none" (0): nobody tells, neither offset nor error
 *   enable_idempotence    true      each record once and in order though requests are repeated; with
 *                                   acks of all alone, and otherwise false
 *   linger_ms             5         0 to 86400000: how long a batch waits for more
 *   batch_size            16384     0 to 2^30: bytes of records that fill a batch
 *   max_request_size      1048576   1000 to 2^30: bytes of one request, and of one record
 *   buffer_memory         33554432  1000 to 2^40: bytes of records whose events were not polled yet;
 *                                   beyond it PUBSUBGW_E_FULL
 *   compression_type      none      gzip, snappy, lz4, zstd; compression_gzip_level 1 to 9,
 *                                   compression_lz4_level 1 to 17, compression_zstd_level to 22
 *   partitioner           default   Kafka's own: murmur2 of the key; without one, a partition at a time.
 *                                   murmur2, murmur2_random, consistent, consistent_random, fnv1a,
 *                                   fnv1a_random, random (librdkafka's); hash, reference_hash,
 *                                   round_robin, manual (Sarama's)
 *   partitioner_adaptive_partitioning_enable true, partitioner_availability_timeout_ms 0: KIP-794
 *   request_timeout_ms    30000     1 to 86400000: for the answer to one request
 *   delivery_timeout_ms   120000    from the call to the event, whatever happens; not less than
 *                                   linger_ms and request_timeout_ms together
 *   retries 2147483647, retry_backoff_ms 100, retry_backoff_max_ms 1000,
 *   max_in_flight_requests_per_connection 5 (1 to 5)
 *   topic_metadata_propagation_max_ms 30000: how long a topic may be unknown before its records fail.
 *                                   No topic is created by naming it
 *   transactional_id      none      records are sent in transactions of this id (KIP-98)
 *   transaction_timeout_ms 60000    after so long the coordinator aborts by itself
 *   max_block_ms          60000     1 to 86400000: for the event of a begin, commit or abort, from when
 *                                   what was asked before it is done
 *   delivery_events       all       or failures, or none: which PUBSUBGW_EV_DELIVERY come
 * Those of a route's "producer" are understood, too: "compression", "idempotence", "batch_bytes",
 * "max_message_bytes", "buffer_bytes", "flush": {"bytes", "messages", "frequency_ms",
 * "max_messages"}. */

/* A record to be produced. Zero it, then set struct_size = sizeof(pubsubgw_produce_args). Everything
 * is copied before the call returns. */
typedef struct pubsubgw_produce_args {
  uint32_t struct_size;
  int32_t partition;   /* -1: the partitioner chooses */
  const char *topic;
  const void *key;     /* NULL: null; an empty one is not NULL */
  size_t key_len;
  const void *value;   /* likewise */
  size_t value_len;
  const pubsubgw_header *headers;
  size_t header_count;
  int64_t timestamp;   /* milliseconds since 1970; 0: now */
  uint64_t token;      /* the host's; comes back in PUBSUBGW_EV_DELIVERY. Need not be unique */
} pubsubgw_produce_args;

/* What became of records, within its event. struct_size is this library's. */
typedef struct pubsubgw_delivery {
  uint32_t struct_size;
  int32_t partition;      /* -1: none was chosen */
  const char *topic;
  int64_t offset;         /* of the first record, the others behind it; -1: not told */
  int64_t timestamp;      /* the broker's, milliseconds since 1970; -1: they keep their own */
  const uint64_t *tokens; /* `count` of them, in the order of the records */
  size_t count;
  const char *text;       /* why they were not stored, in English; "" where they were */
} pubsubgw_delivery;

/* Of a PUBSUBGW_EV_DELIVERY. Valid until the next poll of its queue. NULL: not such an event. */
PUBSUBGW_API const pubsubgw_delivery *pubsubgw_event_delivery(const pubsubgw_event *ev);

/* Makes a producer whose events go to the queue of `c`; `user_data` comes back in them. It outlives
 * the client. *out is NULL on failure. Nothing is connected before the first record.
 * E_CONFIG: last_error gives key, line and column. E_GONE, E_STATE. */
PUBSUBGW_API int pubsubgw_producer_new(pubsubgw_client *c, const char *settings_json,
                                       uint64_t user_data, pubsubgw_producer **out);

/* Ends the handle. What was taken is still sent, for delivery_timeout_ms at most; an open transaction
 * is aborted. No event comes any more but those that wait in the queue: whoever wants to know flushes
 * first. NULL and dead handles are ignored. */
PUBSUBGW_API void pubsubgw_producer_destroy(pubsubgw_producer *p);

/* Takes one record. 0: it is told of by a PUBSUBGW_EV_DELIVERY, unless "delivery_events" says
 * otherwise. It wakes no thread for every record: up to linger_ms, and a millisecond, pass.
 * E_FULL: it is not taken, as buffer_memory is used up; PUBSUBGW_EV_ROOM comes.
 * E_INVALID: arguments; or key, value and headers have more than max_request_size. E_GONE, E_STATE. */
PUBSUBGW_API int pubsubgw_produce(pubsubgw_producer *p, const pubsubgw_produce_args *record);

/* Takes records that lie one behind the other, each with the struct_size of the first; 1048576 at
 * most. Costs a fraction of as many calls. Returns how many were taken, from the first on: fewer than
 * `count` where there is no room for more (PUBSUBGW_EV_ROOM comes), or the next one is wrong. If none
 * was, the errors of pubsubgw_produce. */
PUBSUBGW_API int pubsubgw_produce_batch(pubsubgw_producer *p, const pubsubgw_produce_args *records,
                                        size_t count);

/* Sends at once what waits for more. One PUBSUBGW_EV_FLUSHED with this token comes when all that was
 * produced before is told of. The token is unique among the producer's flushes and transactions that
 * have not had their event. E_INVALID: it is pending. E_GONE, E_STATE. */
PUBSUBGW_API int pubsubgw_flush(pubsubgw_producer *p, uint64_t token);

/* Of PUBSUBGW_EV_TRANSACTION. */
enum {
  PUBSUBGW_TRANSACTION_BEGIN = 1,
  PUBSUBGW_TRANSACTION_COMMIT = 2,
  PUBSUBGW_TRANSACTION_ABORT = 3
};

/* For producers with a transactional_id: each pubsubgw_transaction_* returns at once, and one
 * PUBSUBGW_EV_TRANSACTION with its token tells what came of it. They and what is produced are done in
 * the order of the calls, so that nobody has to wait for the events: what is produced behind a begin
 * that fails, fails.
 *
 * The first begin asks the coordinator for the producer's place, which fences another producer with the
 * same transactional_id. An event with the status E_TIMEOUT comes after max_block_ms, if the coordinator
 * is away, say: what was asked for goes on, as with Kafka's own client, and only the same may be asked
 * for again, which waits as long again. Anything else gets an event with E_STATE, and records fail.
 * E_INVALID: no transactional_id, or the token is pending. E_GONE, E_STATE. */
PUBSUBGW_API int pubsubgw_transaction_begin(pubsubgw_producer *p, uint64_t token);

/* Flushes first. status 0: all of it is stored, and readers of committed records see it. If a record
 * was not delivered, it fails with PUBSUBGW_MUST_ABORT; abort then. With PUBSUBGW_MAY_BE_STORED nobody
 * knows whether it was committed; after E_TIMEOUT another commit may tell. Errors as pubsubgw_transaction_begin. */
PUBSUBGW_API int pubsubgw_transaction_commit(pubsubgw_producer *p, uint64_t token);

/* Nothing more of the transaction is sent. Errors as pubsubgw_transaction_begin. */
PUBSUBGW_API int pubsubgw_transaction_abort(pubsubgw_producer *p, uint64_t token);

/* ---- numbers ---------------------------------------------------------------------------------- */

/* Zero it, then set struct_size = sizeof(pubsubgw_stats). Counters count from pubsubgw_start. */
typedef struct pubsubgw_stats {
  uint32_t struct_size;
  uint32_t threads;            /* loops that run now */
  uint64_t sessions;           /* open now */
  uint64_t sessions_total;
  uint64_t messages_in;        /* WebSocket messages */
  uint64_t messages_out;
  uint64_t bytes_in;           /* on client sockets */
  uint64_t bytes_out;
  uint64_t commands;
  uint64_t command_errors;     /* commands that were answered with an ErrorResp */
  uint64_t kafka_requests;
  uint64_t kafka_errors;       /* responses that carry an error code, and connections lost */
  uint64_t kafka_connections;  /* open now */
  uint64_t records_in;         /* decoded from brokers */
  uint64_t records_out;        /* sent to clients */
  uint64_t queued_events;      /* waiting in the gateway's queues now */
} pubsubgw_stats;

/* Fills as much of *s as struct_size says. Numbers of several loops are read one after another, by
 * asking each: usually microseconds, at most a second if a loop is held up, whose numbers are then
 * left out.
 * E_INVALID: struct_size is below 8 or above 4096. */
PUBSUBGW_API int pubsubgw_get_stats(pubsubgw_gateway *g, pubsubgw_stats *s);

/* The metrics in Prometheus' text format (version 0.0.4). NUL-terminated, to be freed with
 * pubsubgw_free; *len (if not NULL) is its length without the NUL. NULL on failure. */
PUBSUBGW_API char *pubsubgw_metrics_text(pubsubgw_gateway *g, size_t *len);

#ifdef __cplusplus
}
#endif
#endif
