/* Each worker: start, the queue in nginx's loop, drain, stop. */
#include "ngx_http_pubsubgw.h"

enum {
    EVENTS_A_POLL = 64,
    POLLS_A_TURN = 16,          /* then nginx's other connections have their turn */
    /* A worker that is to stop at once ("nginx -s stop") has less than a second, or the master
     * kills it: time for the close frames to be written, not for their answers. */
    FAREWELL_MS = 200,
    STOP_MS = 300
};

ngx_http_pubsubgw_worker_t ngx_http_pubsubgw_worker;

static ngx_http_pubsubgw_worker_t *worker = &ngx_http_pubsubgw_worker;

/* ---- events ---- */

static void
log_line(const pubsubgw_event *event)
{
    static const ngx_uint_t levels[] = {
        NGX_LOG_ERR, NGX_LOG_ERR, NGX_LOG_WARN, NGX_LOG_INFO, NGX_LOG_DEBUG
    };
    ngx_uint_t level = event->code < 0 || event->code > PUBSUBGW_LOG_DEBUG
                       ? NGX_LOG_ERR : levels[event->code];

    ngx_log_error(level, ngx_cycle->log, 0, "pubsubgw: %*s", event->len, event->data);
}

static void
dispatch(const pubsubgw_event *event)
{
    switch (event->type) {
    case PUBSUBGW_EV_LOG:
        log_line(event);
        break;
    case PUBSUBGW_EV_DRAINED:
        if (event->status == PUBSUBGW_E_TIMEOUT && !worker->is_ending)
            ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                          "pubsubgw: %L sessions are left after pubsubgw_drain_timeout",
                          event->number);
        break;
    default:
        if (event->session) ngx_http_pubsubgw_session_event(event);
    }
}

/* Takes what waits; answers whether there was something. */
static ngx_uint_t
poll_queue(void)
{
    pubsubgw_event events[EVENTS_A_POLL];
    int            n = 0;
    ngx_uint_t     taken = 0;

    for (ngx_uint_t polls = 0; polls < POLLS_A_TURN; polls++) {
        n = pubsubgw_queue_poll(worker->queue, events, EVENTS_A_POLL, sizeof events[0]);
        if (n <= 0) break;
        taken = 1;
        /* An event may end another session whose events stand behind it in the array. */
        worker->is_polling = 1;
        for (int i = 0; i < n; i++) dispatch(&events[i]);
        worker->is_polling = 0;
        ngx_http_pubsubgw_free_dead();
        if (n < EVENTS_A_POLL) break;
    }
    if (n < 0)
        ngx_log_error(NGX_LOG_ALERT, ngx_cycle->log, 0, "pubsubgw_queue_poll: %s",
                      pubsubgw_last_error());
    return taken;
}

/* ---- end ---- */

static void
drain(int timeout_ms)
{
    /* 1012: "service restart", come again at once. 1001: "going away". */
    int code = ngx_http_pubsubgw_generation() != worker->generation ? 1012 : 1001;

    if (worker->is_draining) return;
    worker->is_draining = 1;
    if (pubsubgw_drain(worker->gateway, code, timeout_ms) < 0)
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0, "pubsubgw_drain: %s",
                      pubsubgw_last_error());
}

/* The queue has events; or, because the connection is marked idle, the worker begins to go
 * (close), or its worker_shutdown_timeout is over (close, error): nginx then ends the requests. */
static void
queue_handler(ngx_event_t *event)
{
    ngx_connection_t *c = event->data;

    if (c->close) {
        c->close = 0;
        c->error = 0;
        drain((int) worker->drain_timeout);
    }
    (void) poll_queue();
}

static void
ignore_write(ngx_event_t *event)
{
}

/* ---- start ---- */

static ngx_int_t
watch_queue(ngx_cycle_t *cycle)
{
    ngx_connection_t *c = ngx_get_connection(pubsubgw_queue_fd(worker->queue), cycle->log);

    if (c == NULL) return NGX_ERROR;
    c->idle = 1;
    c->read->handler = queue_handler;
    c->read->log = cycle->log;
    c->write->handler = ignore_write;
    c->write->log = cycle->log;
    worker->connection = c;
    return ngx_add_event(c->read, NGX_READ_EVENT, 0);
}

/* nginx ends a worker that has been told to go as soon as no timer is left, and sessions have
 * none of their own: this one stands for all of them. */
static void
anchor_handler(ngx_event_t *event)
{
    if (worker->sessions) ngx_add_timer(event, NGX_HTTP_PUBSUBGW_ANCHOR_MS);
}

static ngx_int_t
start(ngx_cycle_t *cycle, ngx_http_pubsubgw_main_conf_t *conf)
{
    ngx_memzero(worker, sizeof *worker);
    worker->generation = ngx_http_pubsubgw_generation();
    worker->drain_timeout = conf->drain_timeout;
    (void) pubsubgw_set_log((int) conf->log_level, NULL, NULL);
    if (pubsubgw_start(conf->gateway) < 0) return NGX_ERROR;
    worker->gateway = conf->gateway;
    if (pubsubgw_queue_new(worker->gateway, PUBSUBGW_QUEUE_LOG, &worker->queue) < 0)
        return NGX_ERROR;
    if (watch_queue(cycle) != NGX_OK) return NGX_ERROR;
    worker->anchor.handler = anchor_handler;
    worker->anchor.data = worker->connection;
    worker->anchor.log = cycle->log;
    return NGX_OK;
}

static void
stop(void)
{
    if (worker->gateway == NULL) return;
    (void) pubsubgw_stop(worker->gateway, STOP_MS);
    if (worker->queue) (void) poll_queue();   /* the last log lines */
    if (worker->connection) {
        /* or nginx takes it for a leak */
        worker->connection->fd = (ngx_socket_t) -1;
        ngx_free_connection(worker->connection);
    }
    pubsubgw_queue_destroy(worker->queue);
    ngx_memzero(worker, sizeof *worker);
}

/* A worker that cannot start the library serves everything else, and answers upgrades with 503. */
ngx_int_t
ngx_http_pubsubgw_init_process(ngx_cycle_t *cycle)
{
    ngx_http_pubsubgw_main_conf_t *conf;

    if (ngx_process != NGX_PROCESS_WORKER && ngx_process != NGX_PROCESS_SINGLE) return NGX_OK;
    conf = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_pubsubgw_module);
    if (conf == NULL || conf->routes.nelts == 0) return NGX_OK;
    if (start(cycle, conf) == NGX_OK) return NGX_OK;
    ngx_log_error(NGX_LOG_ALERT, cycle->log, 0, "pubsubgw does not start: %s",
                  pubsubgw_last_error());
    stop();
    return NGX_OK;
}

void
ngx_http_pubsubgw_exit_process(ngx_cycle_t *cycle)
{
    if (worker->gateway == NULL) return;
    worker->is_ending = 1;
    if (worker->sessions) {
        drain(FAREWELL_MS);
        for (ngx_uint_t ms = 0; worker->sessions && ms < FAREWELL_MS; ms += 10) {
            if (!poll_queue()) ngx_msleep(10);
        }
    }
    /* Joins the library's threads: nothing of it runs any more when nginx unloads. */
    stop();
}
