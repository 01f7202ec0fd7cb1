/* $pubsubgw_close_code, $pubsubgw_close_reason and $pubsubgw_bytes_received, for the access log. */
#include "ngx_http_pubsubgw.h"

enum variable { CLOSE_CODE, CLOSE_REASON, BYTES_RECEIVED };

static ngx_int_t
number(ngx_http_request_t *r, ngx_http_variable_value_t *value, off_t n)
{
    value->data = ngx_pnalloc(r->pool, NGX_OFF_T_LEN);
    if (value->data == NULL) return NGX_ERROR;
    value->len = ngx_sprintf(value->data, "%O", n) - value->data;
    return NGX_OK;
}

static ngx_int_t
get(ngx_http_request_t *r, ngx_http_variable_value_t *value, uintptr_t which)
{
    ngx_http_pubsubgw_ctx_t *ctx = ngx_http_get_module_ctx(r, ngx_http_pubsubgw_module);

    /* nothing before the session's end, and nothing for other requests */
    value->not_found = ctx == NULL || !ctx->has_ended;
    if (value->not_found) return NGX_OK;
    value->valid = 1;
    value->no_cacheable = 1;
    switch (which) {
    case CLOSE_CODE: return number(r, value, (off_t) ctx->close_code);
    case BYTES_RECEIVED: return number(r, value, ctx->bytes_received);
    default:
        value->len = ctx->close_reason.len;
        value->data = ctx->close_reason.data;
        return NGX_OK;
    }
}

ngx_int_t
ngx_http_pubsubgw_add_variables(ngx_conf_t *cf)
{
    static const struct { ngx_str_t name; enum variable which; } variables[] = {
        { ngx_string("pubsubgw_close_code"), CLOSE_CODE },
        { ngx_string("pubsubgw_close_reason"), CLOSE_REASON },
        { ngx_string("pubsubgw_bytes_received"), BYTES_RECEIVED },
    };

    for (ngx_uint_t i = 0; i < sizeof variables / sizeof variables[0]; i++) {
        ngx_str_t            name = variables[i].name;
        ngx_http_variable_t *variable;

        variable = ngx_http_add_variable(cf, &name, NGX_HTTP_VAR_NOCACHEABLE);
        if (variable == NULL) return NGX_ERROR;
        variable->get_handler = get;
        variable->data = variables[i].which;
    }
    return NGX_OK;
}
