/* The life of a session between nginx and the library.
 *
 * nginx may free the request first (worker_shutdown_timeout, a write that fails): the library is
 * told to forget the session. Or the library ends it first: PUBSUBGW_EV_CLOSED finalizes the
 * request. The struct goes with the later of the two, and never within a batch of events, where
 * events of it may stand in the array still. */
#include "ngx_http_pubsubgw.h"

static ngx_http_pubsubgw_worker_t *worker = &ngx_http_pubsubgw_worker;

static void
release(ngx_http_pubsubgw_session_t *session)
{
    if (session->id || session->request) return;
    session->next_dead = worker->dead;
    worker->dead = session;
    if (!worker->is_polling) ngx_http_pubsubgw_free_dead();
}

void
ngx_http_pubsubgw_free_dead(void)
{
    while (worker->dead) {
        ngx_http_pubsubgw_session_t *session = worker->dead;

        worker->dead = session->next_dead;
        ngx_free(session);
    }
}

/* Before nginx closes the connection. */
static void
request_is_freed(void *data)
{
    ngx_http_pubsubgw_session_t *session = data;
    ngx_log_t                   *log = session->request->connection->log;

    if (session->id) {
        if (pubsubgw_session_forget(worker->gateway, session->id) == PUBSUBGW_E_TIMEOUT)
            ngx_log_error(NGX_LOG_ALERT, log, 0, "pubsubgw_session_forget: %s",
                          pubsubgw_last_error());
        session->id = 0;
    }
    session->request = NULL;
    if (--worker->sessions == 0 && worker->anchor.timer_set) ngx_del_timer(&worker->anchor);
    release(session);
}

ngx_http_pubsubgw_session_t *
ngx_http_pubsubgw_session_create(ngx_http_request_t *r)
{
    ngx_http_pubsubgw_ctx_t     *ctx = ngx_pcalloc(r->pool, sizeof *ctx);
    ngx_http_cleanup_t          *cleanup = ngx_http_cleanup_add(r, 0);
    ngx_http_pubsubgw_session_t *session;

    if (ctx == NULL || cleanup == NULL) return NULL;
    session = ngx_calloc(sizeof *session, r->connection->log);
    if (session == NULL) return NULL;
    session->request = r;
    ctx->session = session;
    ctx->close_code = 1006;              /* unless the library tells another one */
    cleanup->handler = request_is_freed;
    cleanup->data = session;
    ngx_http_set_ctx(r, ctx, ngx_http_pubsubgw_module);
    r->read_event_handler = ngx_http_request_empty_handler;
    r->write_event_handler = ngx_http_request_empty_handler;
    if (worker->sessions++ == 0) ngx_add_timer(&worker->anchor, NGX_HTTP_PUBSUBGW_ANCHOR_MS);
    return session;
}

/* What the access log tells. */
static void
note_end(ngx_http_pubsubgw_session_t *session, const pubsubgw_event *event)
{
    ngx_http_request_t      *r = session->request;
    ngx_http_pubsubgw_ctx_t *ctx = ngx_http_get_module_ctx(r, ngx_http_pubsubgw_module);

    ctx->has_ended = 1;
    ctx->close_code = (ngx_uint_t) event->code;
    ctx->bytes_received = event->number2;
    ctx->close_reason.data = ngx_pnalloc(r->pool, event->len);
    if (ctx->close_reason.data != NULL) {
        ngx_memcpy(ctx->close_reason.data, event->data, event->len);
        ctx->close_reason.len = event->len;
    }
    /* 101, or the refusal's; 499: the client went before it had an answer */
    r->headers_out.status = event->flags ? event->flags : NGX_HTTP_CLIENT_CLOSED_REQUEST;
    if (!session->is_bytes) r->connection->sent += event->number;
}

/* A lent descriptor has been shut down in peace by the library. What nginx wrote itself may still
 * be on the way: a close with unread bytes would make the kernel take it back. */
static void
finish(ngx_http_pubsubgw_session_t *session)
{
    ngx_http_request_t *r = session->request;
    ngx_connection_t   *c = r->connection;

    if (c->write->timer_set) ngx_del_timer(c->write);
    if (!session->is_bytes || session->has_ended || c->error) {
        ngx_http_finalize_request(r, NGX_ERROR);
        return;
    }
    r->read_event_handler = ngx_http_request_empty_handler;
    r->write_event_handler = ngx_http_request_empty_handler;
    r->lingering_close = 1;
    ngx_http_finalize_request(r, NGX_DONE);
}

void
ngx_http_pubsubgw_session_event(const pubsubgw_event *event)
{
    ngx_http_pubsubgw_session_t *session = (void *) (uintptr_t) event->user_data;
    ngx_http_request_t          *r = session->request;
    ngx_connection_t            *c;

    if (session->id != event->session) return;   /* forgotten meanwhile */
    c = r->connection;
    ngx_http_set_log_request(c->log, r);
    switch (event->type) {
    case PUBSUBGW_EV_OUTPUT:
        ngx_http_pubsubgw_bytes_write(r);
        break;
    case PUBSUBGW_EV_RESUME:
        session->is_paused = 0;
        ngx_http_pubsubgw_bytes_read(r);
        break;
    case PUBSUBGW_EV_CLOSED:
        session->id = 0;
        note_end(session, event);
        finish(session);
        break;
    }
    ngx_http_run_posted_requests(c);
}
