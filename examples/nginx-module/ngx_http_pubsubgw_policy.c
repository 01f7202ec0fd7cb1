/* What one session may do, from nginx variables: the JSON of pubsubgw_open.policy_json. */
#include "ngx_http_pubsubgw.h"

/* A copy with a NUL behind it; NULL: no memory, or a NUL inside would hide the rest. */
u_char *
ngx_http_pubsubgw_c_string(ngx_http_request_t *r, ngx_str_t *text)
{
    u_char *copy;

    if (ngx_strlchr(text->data, text->data + text->len, '\0') != NULL) return NULL;
    copy = ngx_pnalloc(r->pool, text->len + 1);
    if (copy != NULL) *ngx_cpymem(copy, text->data, text->len) = 0;
    return copy;
}

/* A value as a JSON string behind `to`; at most six bytes for one, and the quotes. */
static u_char *
put_string(u_char *to, u_char *data, size_t len)
{
    *to++ = '"';
    to = (u_char *) ngx_escape_json(to, data, len);
    *to++ = '"';
    return to;
}

static u_char *
put_text(u_char *to, const char *text)
{
    return ngx_cpymem(to, text, ngx_strlen(text));
}

static ngx_uint_t
is_separator(u_char byte)
{
    return byte == ',' || byte == ' ';
}

/* "a, b c" as ["a","b","c"]; how many names it has is told by `count`. */
static u_char *
put_names(u_char *to, ngx_str_t *list, ngx_uint_t *count)
{
    u_char *at = list->data, *end = list->data + list->len;

    *to++ = '[';
    while (at < end) {
        u_char *name = at;

        while (at < end && !is_separator(*at)) at++;
        if (at > name) {
            if ((*count)++) *to++ = ',';
            to = put_string(to, name, at - name);
        }
        if (at < end) at++;
    }
    *to++ = ']';
    return to;
}

static u_char *
put_member(u_char *to, u_char *begin, const char *key, ngx_str_t *value)
{
    if (value->len == 0) return to;
    if (to > begin + 1) *to++ = ',';
    to = put_string(to, (u_char *) key, ngx_strlen(key));
    *to++ = ':';
    return put_string(to, value->data, value->len);
}

static ngx_int_t
value_of(ngx_http_request_t *r, ngx_http_complex_value_t *value, ngx_str_t *text)
{
    ngx_str_null(text);
    return value == NULL ? NGX_OK : ngx_http_complex_value(r, value, text);
}

/* pubsubgw_topics, pubsubgw_principal and pubsubgw_trace. */
static ngx_int_t
compose(ngx_http_request_t *r, ngx_http_pubsubgw_loc_conf_t *conf, ngx_str_t *policy)
{
    ngx_str_t   topics, principal, trace;
    ngx_uint_t  count = 0;
    u_char     *to;

    if (value_of(r, conf->topics, &topics) != NGX_OK
        || value_of(r, conf->principal, &principal) != NGX_OK
        || value_of(r, conf->trace, &trace) != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
    /* an escaped byte has 6; a name of one byte in a list adds its quotes and comma */
    to = ngx_pnalloc(r->pool, 128 + 6 * (topics.len + principal.len + trace.len));
    if (to == NULL) return NGX_HTTP_INTERNAL_SERVER_ERROR;
    policy->data = to;
    *to++ = '{';
    if (conf->topics) {
        to = put_text(to, "\"topics\":{\"allow\":");
        to = put_names(to, &topics, &count);
        *to++ = '}';
        /* An empty variable must not open everything, nor a session that can do nothing. */
        if (count == 0) return NGX_HTTP_FORBIDDEN;
    }
    to = put_member(to, policy->data, "principal", &principal);
    to = put_member(to, policy->data, "trace", &trace);
    *to++ = '}';
    *to = 0;
    policy->len = to - policy->data;
    return NGX_OK;
}

/* NGX_OK with `policy` (data NULL: the route's own rules), or an HTTP status. */
ngx_int_t
ngx_http_pubsubgw_policy(ngx_http_request_t *r, ngx_http_pubsubgw_loc_conf_t *conf,
    ngx_str_t *policy)
{
    ngx_str_t text;

    ngx_str_null(policy);
    if (conf->policy == NULL) {
        if (!conf->topics && !conf->principal && !conf->trace) return NGX_OK;
        return compose(r, conf, policy);
    }
    if (value_of(r, conf->policy, &text) != NGX_OK) return NGX_HTTP_INTERNAL_SERVER_ERROR;
    if (text.len == 0) return NGX_HTTP_FORBIDDEN;
    policy->len = text.len;
    policy->data = ngx_http_pubsubgw_c_string(r, &text);
    return policy->data ? NGX_OK : NGX_HTTP_INTERNAL_SERVER_ERROR;
}
