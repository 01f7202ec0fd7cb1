/* ngx_http_pubsubgw.h - what the files of this module share.
 *
 *   module     directives, and how settings are inherited
 *   json       JSON in the configuration: a block, a string or a file; true positions in errors
 *   gateway    the master: version check, the gateway with its routes, reload or shutdown
 *   worker     each worker: start, the queue in nginx's loop, drain, stop
 *   upgrade    the content handler: the request head, the hand-over
 *   policy     what one session may do, from nginx variables
 *   session    the life of a session between nginx and the library
 *   bytes      TLS: nginx reads and writes, the library takes and gives bytes
 *   metrics    what a worker counts, as Prometheus reads it
 *   variables  $pubsubgw_*, for logs
 */
#ifndef NGX_HTTP_PUBSUBGW_H
#define NGX_HTTP_PUBSUBGW_H

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include <pubsubgw.h>

extern ngx_module_t ngx_http_pubsubgw_module;

/* nginx loads modules RTLD_GLOBAL: only the module itself is to be seen by others. */
#pragma GCC visibility push(hidden)

/* How often the timer comes that keeps a worker with sessions from ending. */
enum { NGX_HTTP_PUBSUBGW_ANCHOR_MS = 60000 };

/* JSON of a directive, and where it stands. */
typedef struct {
    ngx_str_t  id;
    ngx_str_t  json;
    ngx_str_t  file;   /* the file that holds the JSON */
    ngx_uint_t line;   /* of the directive */
    unsigned   is_whole:1; /* the library's lines are the file's own */
} ngx_http_pubsubgw_json_t;

typedef struct {
    ngx_http_pubsubgw_json_t settings;
    ngx_array_t              upstreams; /* of ngx_http_pubsubgw_json_t */
    ngx_array_t              routes;    /* the same */
    ngx_uint_t               log_level;
    ngx_msec_t               drain_timeout;
    pubsubgw_gateway        *gateway;   /* made in the master, started in each worker */
} ngx_http_pubsubgw_main_conf_t;

typedef struct {
    ngx_flag_t                enable;
    ngx_http_complex_value_t *route;    /* NULL: matched by host and uri */
    ngx_http_complex_value_t *topics;
    ngx_http_complex_value_t *principal;
    ngx_http_complex_value_t *trace;
    ngx_http_complex_value_t *policy;
    ngx_flag_t                metrics;  /* not inherited: a location of its own */
} ngx_http_pubsubgw_loc_conf_t;

/* A client. Outside of the request's pool, because the library may still know it when nginx has
 * freed the request, and the other way round; freed when neither does. */
typedef struct ngx_http_pubsubgw_session_s ngx_http_pubsubgw_session_t;

struct ngx_http_pubsubgw_session_s {
    pubsubgw_session             id;        /* 0: the library has ended it */
    ngx_http_request_t          *request;   /* NULL: nginx has freed it */
    ngx_http_pubsubgw_session_t *next_dead;
    unsigned                     is_bytes:1;
    unsigned                     is_paused:1;    /* until PUBSUBGW_EV_RESUME */
    unsigned                     has_ended:1;    /* the client's stream */
};

/* Outlives the session in the request's pool: the access log is written last. */
typedef struct {
    ngx_http_pubsubgw_session_t *session;   /* not to be used behind the request's cleanup */
    ngx_uint_t                   close_code;
    ngx_str_t                    close_reason;
    off_t                        bytes_received;
    unsigned                     has_ended:1;
} ngx_http_pubsubgw_ctx_t;

/* This worker process. */
typedef struct {
    pubsubgw_gateway            *gateway;   /* NULL: not started */
    pubsubgw_queue              *queue;
    ngx_connection_t            *connection; /* of the queue's descriptor */
    ngx_event_t                  anchor;    /* a timer: nginx does not end a worker that has one */
    ngx_uint_t                   sessions;
    ngx_msec_t                   drain_timeout;
    ngx_http_pubsubgw_session_t *dead;      /* to be freed behind the batch of events */
    ngx_uint_t                   generation;
    unsigned                     is_draining:1;
    unsigned                     is_polling:1;
    unsigned                     is_ending:1;  /* at once: nobody waits for the drain */
} ngx_http_pubsubgw_worker_t;

extern ngx_http_pubsubgw_worker_t ngx_http_pubsubgw_worker;

/* json */
char *ngx_http_pubsubgw_json_block(ngx_conf_t *cf, ngx_http_pubsubgw_json_t *json);
char *ngx_http_pubsubgw_json_file(ngx_conf_t *cf, ngx_str_t *path, ngx_http_pubsubgw_json_t *json);
void ngx_http_pubsubgw_json_string(ngx_conf_t *cf, ngx_str_t *text, ngx_http_pubsubgw_json_t *json);
void ngx_http_pubsubgw_json_error(ngx_uint_t level, ngx_log_t *log, const char *what,
    ngx_http_pubsubgw_json_t *json, const char *error);

/* gateway */
ngx_int_t ngx_http_pubsubgw_check_library(ngx_conf_t *cf);
char *ngx_http_pubsubgw_make_gateway(ngx_conf_t *cf, ngx_http_pubsubgw_main_conf_t *conf);
ngx_int_t ngx_http_pubsubgw_count_generation(ngx_cycle_t *cycle);
ngx_uint_t ngx_http_pubsubgw_generation(void);

/* worker */
ngx_int_t ngx_http_pubsubgw_init_process(ngx_cycle_t *cycle);
void ngx_http_pubsubgw_exit_process(ngx_cycle_t *cycle);

/* upgrade, policy */
ngx_int_t ngx_http_pubsubgw_handler(ngx_http_request_t *r);
ngx_int_t ngx_http_pubsubgw_policy(ngx_http_request_t *r, ngx_http_pubsubgw_loc_conf_t *conf,
    ngx_str_t *policy);
u_char *ngx_http_pubsubgw_c_string(ngx_http_request_t *r, ngx_str_t *text);

/* session */
ngx_http_pubsubgw_session_t *ngx_http_pubsubgw_session_create(ngx_http_request_t *r);
void ngx_http_pubsubgw_session_event(const pubsubgw_event *event);
void ngx_http_pubsubgw_free_dead(void);

/* bytes */
#if (NGX_HTTP_SSL)
void ngx_http_pubsubgw_bytes_begin(ngx_http_pubsubgw_session_t *session);
#endif
void ngx_http_pubsubgw_bytes_read(ngx_http_request_t *r);
void ngx_http_pubsubgw_bytes_write(ngx_http_request_t *r);

/* metrics */
ngx_int_t ngx_http_pubsubgw_metrics_handler(ngx_http_request_t *r);

/* variables */
ngx_int_t ngx_http_pubsubgw_add_variables(ngx_conf_t *cf);

#pragma GCC visibility pop
#endif
