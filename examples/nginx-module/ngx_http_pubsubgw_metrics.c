/* pubsubgw_metrics on: what this worker counts, as Prometheus reads it. */
#include "ngx_http_pubsubgw.h"

/* {worker="18446744073709551615",} */
enum { LABEL_MAX = sizeof "{worker=\"\",}" + NGX_INT_T_LEN };

static size_t
count_lines(const char *text, size_t len)
{
    size_t lines = 0;

    for (const char *at = text; (at = memchr(at, LF, text + len - at)) != NULL; at++) lines++;
    return lines;
}

/* One line, its newline included. A comment has no labels. A name ends at its labels or, where it
 * has none, at the blank before the value. */
static u_char *
add_label(u_char *to, const char *line, size_t len)
{
    size_t name = 0;

    if (line[0] == '#') return ngx_cpymem(to, line, len);
    while (name < len && line[name] != '{' && line[name] != ' ') name++;
    if (name == len) return ngx_cpymem(to, line, len);
    to = ngx_cpymem(to, line, name);
    if (line[name] == '{') {
        to = ngx_sprintf(to, "{worker=\"%ui\",", ngx_worker);
        name++;
    } else {
        to = ngx_sprintf(to, "{worker=\"%ui\"}", ngx_worker);
    }
    return ngx_cpymem(to, line + name, len - name);
}

/* Whichever worker takes the connection answers: without the label, the counters of several would be
 * taken for one that goes up and down. */
static ngx_int_t
add_labels(ngx_http_request_t *r, const char *text, size_t len, ngx_buf_t *buf)
{
    const char *end = text + len;

    buf->start = ngx_pnalloc(r->pool, len + count_lines(text, len) * LABEL_MAX);
    if (buf->start == NULL) return NGX_ERROR;
    buf->pos = buf->last = buf->start;
    while (text < end) {
        const char *newline = memchr(text, LF, end - text);
        size_t      line = newline ? (size_t) (newline + 1 - text) : (size_t) (end - text);

        buf->last = add_label(buf->last, text, line);
        text += line;
    }
    return NGX_OK;
}

static ngx_int_t
get_text(ngx_http_request_t *r, ngx_buf_t *buf)
{
    size_t     len;
    ngx_int_t  rc;
    char      *text = pubsubgw_metrics_text(ngx_http_pubsubgw_worker.gateway, &len);

    if (text == NULL) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0, "pubsubgw_metrics: %s",
                      pubsubgw_last_error());
        return NGX_ERROR;
    }
    rc = add_labels(r, text, len, buf);
    pubsubgw_free(text);
    return rc;
}

ngx_int_t
ngx_http_pubsubgw_metrics_handler(ngx_http_request_t *r)
{
    ngx_buf_t   *buf;
    ngx_chain_t  out;
    ngx_int_t    rc;

    if (!(r->method & (NGX_HTTP_GET | NGX_HTTP_HEAD))) return NGX_HTTP_NOT_ALLOWED;
    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) return rc;
    if (ngx_http_pubsubgw_worker.gateway == NULL) return NGX_HTTP_SERVICE_UNAVAILABLE;

    buf = ngx_calloc_buf(r->pool);
    if (buf == NULL || get_text(r, buf) != NGX_OK) return NGX_HTTP_INTERNAL_SERVER_ERROR;
    buf->memory = 1;
    buf->last_buf = r == r->main;
    buf->last_in_chain = 1;

    r->headers_out.status = NGX_HTTP_OK;
    r->headers_out.content_length_n = buf->last - buf->pos;
    ngx_str_set(&r->headers_out.content_type, "text/plain; version=0.0.4");
    r->headers_out.content_type_len = r->headers_out.content_type.len;
    rc = ngx_http_send_header(r);
    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) return rc;
    out.buf = buf;
    out.next = NULL;
    return ngx_http_output_filter(r, &out);
}
