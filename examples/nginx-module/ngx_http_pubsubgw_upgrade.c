/* The content handler: the request head, the hand-over. */
#include "ngx_http_pubsubgw.h"

enum { ROUTE_ID_MAX = 1024 };

/* The head as the client sent it, but for headers that nginx drops or that the configuration has
 * changed. The library checks all of it: version, key, Origin, sub-protocols, extensions. */
static ngx_int_t
request_head(ngx_http_request_t *r, ngx_str_t *head)
{
    ngx_list_part_t *part;
    ngx_table_elt_t *header;
    u_char          *to;
    size_t           size = r->request_line.len + 4;

    for (part = &r->headers_in.headers.part; part; part = part->next) {
        header = part->elts;
        for (ngx_uint_t i = 0; i < part->nelts; i++)
            size += header[i].key.len + header[i].value.len + 4;
    }
    to = head->data = ngx_pnalloc(r->pool, size);
    if (to == NULL) return NGX_ERROR;

    to = ngx_cpymem(to, r->request_line.data, r->request_line.len);
    *to++ = CR; *to++ = LF;
    for (part = &r->headers_in.headers.part; part; part = part->next) {
        header = part->elts;
        for (ngx_uint_t i = 0; i < part->nelts; i++) {
            to = ngx_cpymem(to, header[i].key.data, header[i].key.len);
            *to++ = ':'; *to++ = ' ';
            to = ngx_cpymem(to, header[i].value.data, header[i].value.len);
            *to++ = CR; *to++ = LF;
        }
    }
    *to++ = CR; *to++ = LF;
    head->len = to - head->data;
    return NGX_OK;
}

/* The uri as a request line has it: nginx's is decoded. */
static u_char *
encoded_uri(ngx_http_request_t *r)
{
    size_t  more = 2 * ngx_escape_uri(NULL, r->uri.data, r->uri.len, NGX_ESCAPE_URI);
    u_char *text = ngx_pnalloc(r->pool, r->uri.len + more + 1);

    if (text == NULL) return NULL;
    *(u_char *) ngx_escape_uri(text, r->uri.data, r->uri.len, NGX_ESCAPE_URI) = 0;
    return text;
}

/* By host and by the uri that nginx has chosen the location by, not by what the client wrote. */
static ngx_int_t
match_route(ngx_http_request_t *r, char *id)
{
    u_char *host = ngx_http_pubsubgw_c_string(r, &r->headers_in.server);
    u_char *path = encoded_uri(r);
    int     status;

    if (host == NULL || path == NULL) return NGX_HTTP_BAD_REQUEST;
    status = pubsubgw_route_match(ngx_http_pubsubgw_worker.gateway, *host ? (char *) host : NULL,
                                  (char *) path, id, ROUTE_ID_MAX);
    if (status == PUBSUBGW_E_INVALID) return NGX_HTTP_BAD_REQUEST;
    return status < 0 ? NGX_HTTP_NOT_FOUND : NGX_OK;
}

static ngx_int_t
find_route(ngx_http_request_t *r, ngx_http_pubsubgw_loc_conf_t *conf, char *id)
{
    ngx_str_t value;

    if (conf->route == NULL) return match_route(r, id);
    if (ngx_http_complex_value(r, conf->route, &value) != NGX_OK)
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    if (value.len == 0 || value.len >= ROUTE_ID_MAX
        || ngx_strlchr(value.data, value.data + value.len, '\0') != NULL)
    {
        return NGX_HTTP_NOT_FOUND;
    }
    *ngx_cpymem(id, value.data, value.len) = 0;
    return NGX_OK;
}

static ngx_int_t
refusal(ngx_http_request_t *r, int status)
{
    switch (status) {
    case PUBSUBGW_E_NO_ROUTE:
        return NGX_HTTP_NOT_FOUND;
    case PUBSUBGW_E_STATE:
    case PUBSUBGW_E_FULL:
        return NGX_HTTP_SERVICE_UNAVAILABLE;
    case PUBSUBGW_E_CONFIG:
        /* A policy that says nothing that can be kept: its variables are the client's, perhaps. */
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0, "pubsubgw: %s",
                      pubsubgw_last_error());
        return NGX_HTTP_FORBIDDEN;
    default:
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0, "pubsubgw: %s",
                      pubsubgw_last_error());
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
}

/* Plain: the library works on nginx's own descriptor, which nginx has no hand on meanwhile. */
static int
lend(ngx_http_pubsubgw_session_t *session, pubsubgw_open *open)
{
    ngx_connection_t *c = session->request->connection;
    int               status;

    if (c->read->timer_set) ngx_del_timer(c->read);
    if (c->read->posted) { ngx_delete_posted_event(c->read); }
    if (ngx_del_conn) {
        (void) ngx_del_conn(c, 0);
    } else {
        if (c->read->active) (void) ngx_del_event(c->read, NGX_READ_EVENT, 0);
        if (c->write->active) (void) ngx_del_event(c->write, NGX_WRITE_EVENT, 0);
    }
    open->flags = PUBSUBGW_OPEN_BORROW_FD;
    status = pubsubgw_session_adopt_fd(ngx_http_pubsubgw_worker.gateway, c->fd, open,
                                       &session->id);
    if (status < 0 && ngx_handle_read_event(c->read, 0) != NGX_OK) c->error = 1;
    return status;
}

static int
hand_over(ngx_http_pubsubgw_session_t *session, pubsubgw_open *open)
{
#if (NGX_HTTP_SSL)
    if (session->request->connection->ssl) {
        int status;

        open->flags = PUBSUBGW_OPEN_TELL_OUTPUT;
        status = pubsubgw_session_open_bytes(ngx_http_pubsubgw_worker.gateway, open, &session->id);
        if (status >= 0) ngx_http_pubsubgw_bytes_begin(session);
        return status;
    }
#endif
    return lend(session, open);
}

/* From here on the request belongs to the session, until PUBSUBGW_EV_CLOSED. */
static ngx_int_t
keep_request(ngx_http_request_t *r)
{
    r->header_in->pos = r->header_in->last;
    r->keepalive = 0;
    r->headers_out.status = NGX_HTTP_SWITCHING_PROTOCOLS;
    r->connection->log->action = "serving a pubsub WebSocket";
    r->main->count++;
    return NGX_DONE;
}

static ngx_int_t
open_session(ngx_http_request_t *r, const char *route, ngx_str_t *policy)
{
    ngx_http_pubsubgw_session_t *session;
    pubsubgw_open                open;
    ngx_str_t                    head;
    int                          status;

    if (request_head(r, &head) != NGX_OK) return NGX_HTTP_INTERNAL_SERVER_ERROR;
    session = ngx_http_pubsubgw_session_create(r);
    if (session == NULL) return NGX_HTTP_INTERNAL_SERVER_ERROR;

    ngx_memzero(&open, sizeof open);
    open.struct_size = sizeof open;
    open.route_id = route;
    open.remote_addr = (char *) ngx_http_pubsubgw_c_string(r, &r->connection->addr_text);
    open.request_head = head.data;
    open.request_head_len = head.len;
    open.policy_json = (char *) policy->data;
    /* A client may send frames behind its request without waiting for the answer. */
    open.preread = r->header_in->pos;
    open.preread_len = r->header_in->last - r->header_in->pos;
    open.queue = ngx_http_pubsubgw_worker.queue;
    open.user_data = (uintptr_t) session;

    status = hand_over(session, &open);
    return status < 0 ? refusal(r, status) : keep_request(r);
}

ngx_int_t
ngx_http_pubsubgw_handler(ngx_http_request_t *r)
{
    ngx_http_pubsubgw_loc_conf_t *conf;
    ngx_str_t                     policy;
    ngx_int_t                     rc;
    char                          route[ROUTE_ID_MAX];

    if (r != r->main) return NGX_HTTP_INTERNAL_SERVER_ERROR;
    /* HTTP/2 has no Upgrade; RFC 8441, its own way, is not in this nginx. */
    if (r->http_version >= NGX_HTTP_VERSION_20) return 426;
    if (ngx_http_pubsubgw_worker.gateway == NULL) return NGX_HTTP_SERVICE_UNAVAILABLE;

    conf = ngx_http_get_module_loc_conf(r, ngx_http_pubsubgw_module);
    rc = find_route(r, conf, route);
    if (rc == NGX_OK) rc = ngx_http_pubsubgw_policy(r, conf, &policy);
    return rc == NGX_OK ? open_session(r, route, &policy) : rc;
}
