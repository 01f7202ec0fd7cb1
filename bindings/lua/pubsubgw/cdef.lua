-- Made from include/pubsubgw.h by bindings/lua/generate; do not edit.
return { version = 0x000100, text = [[
typedef struct pubsubgw_gateway pubsubgw_gateway;
typedef struct pubsubgw_queue pubsubgw_queue;
typedef struct pubsubgw_client pubsubgw_client;
typedef struct pubsubgw_producer pubsubgw_producer;
typedef uint64_t pubsubgw_session;
enum {
  PUBSUBGW_PAUSE = 1,
  PUBSUBGW_OUTPUT = 2,
  PUBSUBGW_OK = 0,
  PUBSUBGW_E_INVALID = -1,
  PUBSUBGW_E_NOMEM = -2,
  PUBSUBGW_E_GONE = -3,
  PUBSUBGW_E_FORKED = -4,
  PUBSUBGW_E_SYSTEM = -5,
  PUBSUBGW_E_FULL = -6,
  PUBSUBGW_E_STATE = -7,
  PUBSUBGW_E_CONFIG = -8,
  PUBSUBGW_E_NO_ROUTE = -9,
  PUBSUBGW_E_TIMEOUT = -10,
  PUBSUBGW_E_PROTOCOL = -11,
  PUBSUBGW_E_TLS = -12,
  PUBSUBGW_E_AUTH = -13,
  PUBSUBGW_E_UNSUPPORTED = -14,
  PUBSUBGW_E_KAFKA = -1000
};
uint32_t pubsubgw_version(void);
int pubsubgw_check_version(uint32_t header_version);
int pubsubgw_has_feature(const char *name);
const char *pubsubgw_error_name(int code);
const char *pubsubgw_strerror(int code);
const char *pubsubgw_last_error(void);
void pubsubgw_free(void *p);
enum {
  PUBSUBGW_LOG_OFF = 0,
  PUBSUBGW_LOG_ERROR = 1,
  PUBSUBGW_LOG_WARN = 2,
  PUBSUBGW_LOG_INFO = 3,
  PUBSUBGW_LOG_DEBUG = 4
};
typedef void (*pubsubgw_log_fn)(void *arg, int level, const char *line, size_t len);
int pubsubgw_set_log(int level, pubsubgw_log_fn fn, void *arg);
int pubsubgw_new(const char *config_json, pubsubgw_gateway **out);
int pubsubgw_start(pubsubgw_gateway *g);
int pubsubgw_drain(pubsubgw_gateway *g, int ws_close_code, int timeout_ms);
int pubsubgw_stop(pubsubgw_gateway *g, int timeout_ms);
void pubsubgw_destroy(pubsubgw_gateway *g);
int pubsubgw_route_check(const char *json, size_t len);
int pubsubgw_upstream_check(const char *json, size_t len);
int pubsubgw_route_put(pubsubgw_gateway *g, const char *id, const char *json, size_t len);
enum {
  PUBSUBGW_CLOSE_SESSIONS = 1
};
int pubsubgw_route_delete(pubsubgw_gateway *g, const char *id, uint32_t flags);
int pubsubgw_upstream_put(pubsubgw_gateway *g, const char *id, const char *json, size_t len);
int pubsubgw_upstream_delete(pubsubgw_gateway *g, const char *id);
int pubsubgw_route_match(pubsubgw_gateway *g, const char *host, const char *uri,
                                      char *id, size_t id_cap);
char *pubsubgw_routes_json(pubsubgw_gateway *g, size_t *len);
enum {
  PUBSUBGW_EV_OUTPUT = 1,
  PUBSUBGW_EV_MESSAGE = 2,
  PUBSUBGW_EV_RESUME = 3,
  PUBSUBGW_EV_CLOSED = 4,
  PUBSUBGW_EV_COMMAND = 5,
  PUBSUBGW_EV_DELIVERY = 6,
  PUBSUBGW_EV_RECORDS = 7,
  PUBSUBGW_EV_OFFSET = 8,
  PUBSUBGW_EV_METADATA = 9,
  PUBSUBGW_EV_DRAINED = 10,
  PUBSUBGW_EV_LOG = 11,
  PUBSUBGW_EV_TOKEN = 12,
  PUBSUBGW_EV_ROOM = 13,
  PUBSUBGW_EV_FLUSHED = 14,
  PUBSUBGW_EV_TRANSACTION = 15
};
enum {
  PUBSUBGW_COMMAND_JSON = 1,
  PUBSUBGW_LAST = 2,
  PUBSUBGW_MAY_BE_STORED = 4,
  PUBSUBGW_MUST_ABORT = 8,
  PUBSUBGW_FATAL = 16
};
typedef struct pubsubgw_event {
  uint32_t type;
  int32_t status;
  uint64_t session;
  uint64_t token;
  uint64_t user_data;
  const uint8_t *data;
  size_t len;
  int32_t code;
  uint32_t flags;
  int64_t number;
  int64_t number2;
} pubsubgw_event;
enum {
  PUBSUBGW_QUEUE_LOG = 1
};
int pubsubgw_queue_new(pubsubgw_gateway *g, uint32_t flags, pubsubgw_queue **out);
int pubsubgw_queue_fd(pubsubgw_queue *q);
int pubsubgw_queue_poll(pubsubgw_queue *q, pubsubgw_event *events, int max,
                                     size_t event_size);
int pubsubgw_queue_wait(pubsubgw_queue *q, pubsubgw_event *events, int max,
                                     size_t event_size, int timeout_ms);
int pubsubgw_queue_wake_listen(pubsubgw_queue *q, const char *unix_path);
void pubsubgw_queue_destroy(pubsubgw_queue *q);
enum {
  PUBSUBGW_OPEN_DUP_FD = 1,
  PUBSUBGW_OPEN_BORROW_FD = 2,
  PUBSUBGW_OPEN_NO_CLOSED_EVENT = 4,
  PUBSUBGW_OPEN_TELL_OUTPUT = 8
};
typedef struct pubsubgw_open {
  uint32_t struct_size;
  uint32_t flags;
  const char *route_id;
  const char *host;
  const char *uri;
  const char *remote_addr;
  const void *request_head;
  size_t request_head_len;
  const char *websocket_key;
  const char *websocket_protocol;
  const char *websocket_extensions;
  const char *policy_json;
  const void *preread;
  size_t preread_len;
  pubsubgw_queue *queue;
  uint64_t user_data;
  const char *origin;
} pubsubgw_open;
int pubsubgw_session_adopt_fd(pubsubgw_gateway *g, int fd, const pubsubgw_open *open,
                                           pubsubgw_session *out);
int pubsubgw_session_open_bytes(pubsubgw_gateway *g, const pubsubgw_open *open,
                                             pubsubgw_session *out);
int pubsubgw_session_feed(pubsubgw_gateway *g, pubsubgw_session s, const void *data,
                                       size_t len);
typedef struct pubsubgw_slice {
  const void *data;
  size_t len;
} pubsubgw_slice;
int pubsubgw_session_output(pubsubgw_gateway *g, pubsubgw_session s,
                                         pubsubgw_slice *out, int max);
int pubsubgw_session_consume(pubsubgw_gateway *g, pubsubgw_session s, size_t len);
int pubsubgw_session_open_messages(pubsubgw_gateway *g, const pubsubgw_open *open,
                                                pubsubgw_session *out);
int pubsubgw_session_message(pubsubgw_gateway *g, pubsubgw_session s, int opcode,
                                          const void *data, size_t len);
int pubsubgw_session_close(pubsubgw_gateway *g, pubsubgw_session s, int ws_code,
                                        const char *reason);
int pubsubgw_session_push(pubsubgw_gateway *g, pubsubgw_session s, uint32_t resp_field,
                                       const void *msg, size_t len);
int pubsubgw_session_forget(pubsubgw_gateway *g, pubsubgw_session s);
int pubsubgw_open_check(pubsubgw_gateway *g, const pubsubgw_open *open, char *protocol,
                                     size_t cap);
int pubsubgw_handshake(const char *websocket_key, const char *protocol, char *buf,
                                    size_t cap);
int pubsubgw_listen(pubsubgw_gateway *g, const char *address, int mode);
typedef void (*pubsubgw_command_fn)(void *arg, const pubsubgw_event *command);
int pubsubgw_command_on(pubsubgw_gateway *g, const char *route_id, const char *name,
                                     uint32_t req_field, uint32_t resp_field, pubsubgw_queue *q);
int pubsubgw_command_on_fn(pubsubgw_gateway *g, const char *route_id, const char *name,
                                        uint32_t req_field, uint32_t resp_field,
                                        pubsubgw_command_fn fn, void *arg);
int pubsubgw_command_reply(pubsubgw_gateway *g, uint64_t token, const void *msg,
                                        size_t len);
int pubsubgw_command_fail(pubsubgw_gateway *g, uint64_t token, int code,
                                       const char *message);
int pubsubgw_token_on(pubsubgw_gateway *g, const char *name, pubsubgw_queue *q);
int pubsubgw_token_set(pubsubgw_gateway *g, const char *name, const char *token,
                                    int64_t lifetime_ms, const char *extensions_json);
int pubsubgw_token_fail(pubsubgw_gateway *g, const char *name, const char *reason);
typedef struct pubsubgw_header {
  const char *name;
  const void *value;
  size_t value_len;
} pubsubgw_header;
enum {
  PUBSUBGW_APPEND_TIME = 1
};
typedef struct pubsubgw_record {
  uint32_t struct_size;
  int32_t partition;
  const char *topic;
  int64_t offset;
  int64_t timestamp;
  const void *key;
  size_t key_len;
  const void *value;
  size_t value_len;
  const pubsubgw_header *headers;
  size_t header_count;
  uint32_t flags;
} pubsubgw_record;
const pubsubgw_record *pubsubgw_event_record(const pubsubgw_event *ev, size_t i);
int pubsubgw_client_new(pubsubgw_gateway *g, const char *config_json,
                                     pubsubgw_queue *q, uint64_t user_data, pubsubgw_client **out);
void pubsubgw_client_destroy(pubsubgw_client *c);
typedef struct pubsubgw_fetch_args {
  uint32_t struct_size;
  int32_t partition;
  const char *topic;
  int64_t offset;
  int32_t max_bytes;
  int32_t min_bytes;
  int32_t max_wait_ms;
  int32_t isolation;
} pubsubgw_fetch_args;
int pubsubgw_fetch(pubsubgw_client *c, const pubsubgw_fetch_args *a, uint64_t token);
int pubsubgw_list_offset(pubsubgw_client *c, const char *topic, int32_t partition,
                                      int64_t timestamp, uint64_t token);
int pubsubgw_metadata(pubsubgw_client *c, const char *topic, uint64_t token);
enum {
  PUBSUBGW_START_OFFSET = 0,
  PUBSUBGW_START_EARLIEST = 1,
  PUBSUBGW_START_LATEST = 2,
  PUBSUBGW_START_TIMESTAMP = 3
};
typedef struct pubsubgw_subscribe_args {
  uint32_t struct_size;
  int32_t partition;
  const char *topic;
  int64_t offset;
  int64_t timestamp;
  int32_t start;
  int32_t isolation;
  const char *options_json;
} pubsubgw_subscribe_args;
int pubsubgw_subscribe(pubsubgw_client *c, const pubsubgw_subscribe_args *a,
                                    uint64_t token);
int pubsubgw_cancel(pubsubgw_client *c, uint64_t token);
typedef struct pubsubgw_produce_args {
  uint32_t struct_size;
  int32_t partition;
  const char *topic;
  const void *key;
  size_t key_len;
  const void *value;
  size_t value_len;
  const pubsubgw_header *headers;
  size_t header_count;
  int64_t timestamp;
  uint64_t token;
} pubsubgw_produce_args;
typedef struct pubsubgw_delivery {
  uint32_t struct_size;
  int32_t partition;
  const char *topic;
  int64_t offset;
  int64_t timestamp;
  const uint64_t *tokens;
  size_t count;
  const char *text;
} pubsubgw_delivery;
const pubsubgw_delivery *pubsubgw_event_delivery(const pubsubgw_event *ev);
int pubsubgw_producer_new(pubsubgw_client *c, const char *settings_json,
                                       uint64_t user_data, pubsubgw_producer **out);
void pubsubgw_producer_destroy(pubsubgw_producer *p);
int pubsubgw_produce(pubsubgw_producer *p, const pubsubgw_produce_args *record);
int pubsubgw_produce_batch(pubsubgw_producer *p, const pubsubgw_produce_args *records,
                                        size_t count);
int pubsubgw_flush(pubsubgw_producer *p, uint64_t token);
enum {
  PUBSUBGW_TRANSACTION_BEGIN = 1,
  PUBSUBGW_TRANSACTION_COMMIT = 2,
  PUBSUBGW_TRANSACTION_ABORT = 3
};
int pubsubgw_transaction_begin(pubsubgw_producer *p, uint64_t token);
int pubsubgw_transaction_commit(pubsubgw_producer *p, uint64_t token);
int pubsubgw_transaction_abort(pubsubgw_producer *p, uint64_t token);
typedef struct pubsubgw_stats {
  uint32_t struct_size;
  uint32_t threads;
  uint64_t sessions;
  uint64_t sessions_total;
  uint64_t messages_in;
  uint64_t messages_out;
  uint64_t bytes_in;
  uint64_t bytes_out;
  uint64_t commands;
  uint64_t command_errors;
  uint64_t kafka_requests;
  uint64_t kafka_errors;
  uint64_t kafka_connections;
  uint64_t records_in;
  uint64_t records_out;
  uint64_t queued_events;
} pubsubgw_stats;
int pubsubgw_get_stats(pubsubgw_gateway *g, pubsubgw_stats *s);
char *pubsubgw_metrics_text(pubsubgw_gateway *g, size_t *len);
]] }
