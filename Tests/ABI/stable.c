/* The binary interface as it was published. A line here may be added, never changed. */
#include <pubsubgw.h>

#define NUMBER(name, value) _Static_assert((name) == (value), #name " has another value")
#define FIELD(type, field, at) \
    _Static_assert(offsetof(type, field) == (at), #type "." #field " has moved")

NUMBER(PUBSUBGW_OK, 0);
NUMBER(PUBSUBGW_E_INVALID, -1);
NUMBER(PUBSUBGW_E_NOMEM, -2);
NUMBER(PUBSUBGW_E_GONE, -3);
NUMBER(PUBSUBGW_E_FORKED, -4);
NUMBER(PUBSUBGW_E_SYSTEM, -5);
NUMBER(PUBSUBGW_E_FULL, -6);
NUMBER(PUBSUBGW_E_STATE, -7);
NUMBER(PUBSUBGW_E_CONFIG, -8);
NUMBER(PUBSUBGW_E_NO_ROUTE, -9);
NUMBER(PUBSUBGW_E_TIMEOUT, -10);
NUMBER(PUBSUBGW_E_PROTOCOL, -11);
NUMBER(PUBSUBGW_E_TLS, -12);
NUMBER(PUBSUBGW_E_AUTH, -13);
NUMBER(PUBSUBGW_E_UNSUPPORTED, -14);
NUMBER(PUBSUBGW_E_KAFKA, -1000);
NUMBER(PUBSUBGW_LOG_OFF, 0);
NUMBER(PUBSUBGW_LOG_ERROR, 1);
NUMBER(PUBSUBGW_LOG_WARN, 2);
NUMBER(PUBSUBGW_LOG_INFO, 3);
NUMBER(PUBSUBGW_LOG_DEBUG, 4);
NUMBER(PUBSUBGW_CLOSE_SESSIONS, 1);
NUMBER(PUBSUBGW_PAUSE, 1);
NUMBER(PUBSUBGW_EV_OUTPUT, 1);
NUMBER(PUBSUBGW_EV_MESSAGE, 2);
NUMBER(PUBSUBGW_EV_RESUME, 3);
NUMBER(PUBSUBGW_EV_CLOSED, 4);
NUMBER(PUBSUBGW_EV_DRAINED, 10);
NUMBER(PUBSUBGW_EV_LOG, 11);
NUMBER(PUBSUBGW_QUEUE_LOG, 1);
NUMBER(PUBSUBGW_OPEN_DUP_FD, 1);
NUMBER(PUBSUBGW_OPEN_BORROW_FD, 2);
NUMBER(PUBSUBGW_OPEN_NO_CLOSED_EVENT, 4);

#if UINTPTR_MAX == 0xffffffffffffffff
FIELD(pubsubgw_event, type, 0);
FIELD(pubsubgw_event, status, 4);
FIELD(pubsubgw_event, session, 8);
FIELD(pubsubgw_event, token, 16);
FIELD(pubsubgw_event, user_data, 24);
FIELD(pubsubgw_event, data, 32);
FIELD(pubsubgw_event, len, 40);
FIELD(pubsubgw_event, code, 48);
FIELD(pubsubgw_event, flags, 52);
FIELD(pubsubgw_event, number, 56);
FIELD(pubsubgw_event, number2, 64);
FIELD(pubsubgw_open, struct_size, 0);
FIELD(pubsubgw_open, flags, 4);
FIELD(pubsubgw_open, route_id, 8);
FIELD(pubsubgw_open, host, 16);
FIELD(pubsubgw_open, uri, 24);
FIELD(pubsubgw_open, remote_addr, 32);
FIELD(pubsubgw_open, request_head, 40);
FIELD(pubsubgw_open, request_head_len, 48);
FIELD(pubsubgw_open, websocket_key, 56);
FIELD(pubsubgw_open, websocket_protocol, 64);
FIELD(pubsubgw_open, websocket_extensions, 72);
FIELD(pubsubgw_open, policy_json, 80);
FIELD(pubsubgw_open, preread, 88);
FIELD(pubsubgw_open, preread_len, 96);
FIELD(pubsubgw_open, queue, 104);
FIELD(pubsubgw_open, user_data, 112);
FIELD(pubsubgw_slice, data, 0);
FIELD(pubsubgw_slice, len, 8);
FIELD(pubsubgw_stats, struct_size, 0);
FIELD(pubsubgw_stats, threads, 4);
FIELD(pubsubgw_stats, sessions, 8);
FIELD(pubsubgw_stats, sessions_total, 16);
FIELD(pubsubgw_stats, messages_in, 24);
FIELD(pubsubgw_stats, messages_out, 32);
FIELD(pubsubgw_stats, bytes_in, 40);
FIELD(pubsubgw_stats, bytes_out, 48);
FIELD(pubsubgw_stats, commands, 56);
FIELD(pubsubgw_stats, command_errors, 64);
FIELD(pubsubgw_stats, kafka_requests, 72);
FIELD(pubsubgw_stats, kafka_errors, 80);
FIELD(pubsubgw_stats, kafka_connections, 88);
FIELD(pubsubgw_stats, records_in, 96);
FIELD(pubsubgw_stats, records_out, 104);
FIELD(pubsubgw_stats, queued_events, 112);
#endif
