/* TLS: nginx reads and writes, the library takes and gives bytes. */
#include "ngx_http_pubsubgw.h"

enum {
    SLICES = 16,
    RECORD = 16384,             /* the largest TLS record */
    SHORT_READ = 4096,          /* well below what OpenSSL asks for when it reads ahead */
    READS_A_TURN = 8,           /* then nginx's other connections have their turn */
    WRITES_A_TURN = 32
};

static ngx_http_pubsubgw_worker_t *worker = &ngx_http_pubsubgw_worker;

/* One of each for all connections: whatever is in them is used up before anything else happens. */
static u_char input[RECORD], output[RECORD];

#if (NGX_HTTP_SSL)
void
ngx_http_pubsubgw_bytes_begin(ngx_http_pubsubgw_session_t *session)
{
    ngx_http_request_t *r = session->request;
    ngx_connection_t   *c = r->connection;

    session->is_bytes = 1;
    r->read_event_handler = ngx_http_pubsubgw_bytes_read;
    r->write_event_handler = ngx_http_pubsubgw_bytes_write;
    if (c->read->timer_set) ngx_del_timer(c->read);
    (void) ngx_tcp_nodelay(c);
    /* A write that has to be repeated comes from the library's memory again, which holds the same
     * bytes but not always at the same place, or more of them. */
    SSL_set_mode(c->ssl->connection,
                 SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_ENABLE_PARTIAL_WRITE);
    /* One read for a record instead of two. */
    SSL_set_read_ahead(c->ssl->connection, 1);
    /* OpenSSL may hold what nginx's epoll will not tell again. */
    ngx_post_event(c->read, &ngx_posted_events);
}
#endif

static ngx_http_pubsubgw_session_t *
session_of(ngx_http_request_t *r)
{
    ngx_http_pubsubgw_ctx_t *ctx = ngx_http_get_module_ctx(r, ngx_http_pubsubgw_module);

    return ctx->session;
}

/* ---- from the client ---- */

/* The library says when it is through: PUBSUBGW_EV_CLOSED. */
static void
end_of_stream(ngx_http_pubsubgw_session_t *session)
{
    session->has_ended = 1;
    (void) pubsubgw_session_feed(worker->gateway, session->id, NULL, 0);
}

/* As c->recv, which always reads until the socket has nothing, with one read less for the usual
 * small message: where OpenSSL got little, it has emptied the socket, and nginx's edge-triggered
 * epoll tells when more comes. An end of the stream is told once: after that, c->recv. */
static ssize_t
receive(ngx_connection_t *c)
{
#if (NGX_HTTP_SSL)
    SSL      *tls = c->ssl->connection;
    uint64_t  before = BIO_number_read(SSL_get_rbio(tls));
    int       n;

    if (!ngx_use_epoll_rdhup || c->read->pending_eof || c->ssl->saved_write_handler
        || c->ssl->in_early)
    {
        return c->recv(c, input, sizeof input);
    }
    ERR_clear_error();
    n = SSL_read(tls, input, sizeof input);
    if (n > 0) {
        uint64_t taken = BIO_number_read(SSL_get_rbio(tls)) - before;

        if (taken > 0 && taken < SHORT_READ && n < SHORT_READ && !SSL_has_pending(tls))
            c->read->ready = 0;
        return n;
    }
    /* nginx's own function tells an error from a wait, and logs it. */
    ERR_clear_error();
#endif
    return c->recv(c, input, sizeof input);
}

/* 0: read on. A little input has its answer at once. */
static ngx_uint_t
feed(ngx_http_pubsubgw_session_t *session, ngx_connection_t *c, size_t size)
{
    int status = pubsubgw_session_feed(worker->gateway, session->id, input, size);

    /* After an error nothing more is of use: the session is over, and its last event is on the
     * way. What the client still sends is read and dropped behind it. */
    session->is_paused = status < 0 || (status & PUBSUBGW_PAUSE);
    /* Behind this event: to write may end the request. */
    if (status > 0 && (status & PUBSUBGW_OUTPUT)) {
        ngx_post_event(c->write, &ngx_posted_events);
    }
    return session->is_paused;
}

void
ngx_http_pubsubgw_bytes_read(ngx_http_request_t *r)
{
    ngx_http_pubsubgw_session_t *session = session_of(r);
    ngx_connection_t            *c = r->connection;

    for (ngx_uint_t reads = 0; reads < READS_A_TURN; reads++) {
        ssize_t n;

        if (session->id == 0 || session->is_paused || session->has_ended) return;
        n = receive(c);
        if (n == 0 || n == NGX_ERROR) {
            end_of_stream(session);
            return;
        }
        if (n > 0 && feed(session, c, (size_t) n)) return;
        if (!c->read->ready) {
            /* The socket is empty, or nginx has posted the rest. */
            if (ngx_handle_read_event(c->read, 0) != NGX_OK) end_of_stream(session);
            return;
        }
    }
    ngx_post_event(c->read, &ngx_posted_next_events);
}

/* ---- to the client ---- */

/* A large first slice goes out of the library's memory; small ones share a record. */
static u_char *
gather(const pubsubgw_slice *slice, int count, size_t *size)
{
    u_char *to = output;

    *size = slice[0].len;
    if (count == 1 || slice[0].len >= RECORD) return (u_char *) slice[0].data;
    for (int i = 0; i < count; i++) {
        size_t room = output + sizeof output - to;
        size_t part = slice[i].len < room ? slice[i].len : room;

        to = ngx_cpymem(to, slice[i].data, part);
    }
    *size = to - output;
    return output;
}

/* NGX_OK: nothing waits any more, or its turn will come; NGX_AGAIN: the socket is full. */
static ngx_int_t
send_output(ngx_http_pubsubgw_session_t *session, ngx_connection_t *c)
{
    pubsubgw_slice slices[SLICES];

    for (ngx_uint_t writes = 0; writes < WRITES_A_TURN; writes++) {
        int      count = pubsubgw_session_output(worker->gateway, session->id, slices, SLICES);
        size_t   size;
        u_char  *data;
        ssize_t  sent;

        if (count <= 0) return NGX_OK;
        data = gather(slices, count, &size);
        sent = c->send(c, data, size);
        if (sent < 0) return sent;
        if (pubsubgw_session_consume(worker->gateway, session->id, (size_t) sent) != 1)
            return NGX_OK;
    }
    ngx_post_event(c->write, &ngx_posted_next_events);
    return NGX_OK;
}

void
ngx_http_pubsubgw_bytes_write(ngx_http_request_t *r)
{
    ngx_http_pubsubgw_session_t *session = session_of(r);
    ngx_connection_t            *c = r->connection;
    ngx_event_t                 *event = c->write;
    ngx_http_core_loc_conf_t    *core;
    off_t                        sent = c->sent;
    ngx_int_t                    rc;

    if (session->id == 0) return;
    if (event->timedout) {
        ngx_log_error(NGX_LOG_INFO, c->log, NGX_ETIMEDOUT, "client timed out");
        c->timedout = 1;
        ngx_http_finalize_request(r, NGX_HTTP_REQUEST_TIME_OUT);
        return;
    }
    rc = send_output(session, c);
    if (rc == NGX_ERROR) {
        session->has_ended = 1;
        ngx_http_finalize_request(r, NGX_ERROR);
        return;
    }
    if (rc == NGX_OK) {
        if (event->timer_set) ngx_del_timer(event);
        return;
    }
    /* send_timeout counts from the last byte that the client took */
    core = ngx_http_get_module_loc_conf(r, ngx_http_core_module);
    if (c->sent != sent && event->timer_set) ngx_del_timer(event);
    if (!event->timer_set) ngx_add_timer(event, core->send_timeout);
    if (ngx_handle_write_event(event, 0) != NGX_OK) ngx_http_finalize_request(r, NGX_ERROR);
}
