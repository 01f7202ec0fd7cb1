/* The master: version check, the gateway with its routes, reload or shutdown. */
#include "ngx_http_pubsubgw.h"

/* Counts the configurations that were applied, in memory that all processes share: a worker that
 * finds more than it was born with is replaced (a reload), another one is not (a shutdown). */
static ngx_shm_t shared;

ngx_int_t
ngx_http_pubsubgw_check_library(ngx_conf_t *cf)
{
    static const char *needed[] = { "borrow-fd", "bytes" };
    uint32_t           version = pubsubgw_version();

    if (version >> 8 != PUBSUBGW_VERSION >> 8) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "this pubsubgw module was built for libpubsubgw %d.%d, but %d.%d.%d is"
                      " loaded: build the module again", PUBSUBGW_VERSION >> 16,
                      PUBSUBGW_VERSION >> 8 & 0xff, version >> 16, version >> 8 & 0xff,
                      version & 0xff);
        return NGX_ERROR;
    }
    for (ngx_uint_t i = 0; i < sizeof needed / sizeof needed[0]; i++) {
        if (pubsubgw_has_feature(needed[i])) continue;
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0, "this libpubsubgw cannot do \"%s\"", needed[i]);
        return NGX_ERROR;
    }
    return NGX_OK;
}

typedef int (*check_fn)(const char *json, size_t len);
typedef int (*put_fn)(pubsubgw_gateway *g, const char *id, const char *json, size_t len);

/* What is accepted and has no effect here, one line each. The gateway's settings decided already
 * whether the object is right. */
static void
tell_notes(ngx_conf_t *cf, const char *what, check_fn check, ngx_http_pubsubgw_json_t *item)
{
    /* "nginx -t" shows warnings; each start need not say them again. */
    ngx_uint_t  level = ngx_test_config ? NGX_LOG_WARN : NGX_LOG_NOTICE;
    char       *note, *end;

    if (check((const char *) item->json.data, item->json.len) <= 0) return;
    note = strdup(pubsubgw_last_error());
    for (char *line = note; line && *line; line = end) {
        end = line + strcspn(line, "\n");
        if (*end) *end++ = 0;
        ngx_http_pubsubgw_json_error(level, cf->log, what, item, line);
    }
    free(note);
}

static char *
put_all(ngx_conf_t *cf, pubsubgw_gateway *g, ngx_array_t *items, const char *what, put_fn put,
        check_fn check)
{
    ngx_http_pubsubgw_json_t *item = items->elts;

    for (ngx_uint_t i = 0; i < items->nelts; i++) {
        if (put(g, (char *) item[i].id.data, (char *) item[i].json.data, item[i].json.len) < 0) {
            ngx_http_pubsubgw_json_error(NGX_LOG_EMERG, cf->log, what, &item[i],
                                         pubsubgw_last_error());
            return NGX_CONF_ERROR;
        }
        tell_notes(cf, what, check, &item[i]);
    }
    return NGX_CONF_OK;
}

static void
destroy_gateway(void *gateway)
{
    pubsubgw_destroy(gateway);
}

/* No thread, no descriptor: each worker starts the copy that it gets by the fork. */
char *
ngx_http_pubsubgw_make_gateway(ngx_conf_t *cf, ngx_http_pubsubgw_main_conf_t *conf)
{
    ngx_pool_cleanup_t *cleanup = ngx_pool_cleanup_add(cf->pool, 0);
    char               *settings = NULL;

    if (cleanup == NULL) return NGX_CONF_ERROR;
    if (conf->settings.json.data != NULL) {
        settings = ngx_pnalloc(cf->pool, conf->settings.json.len + 1);
        if (settings == NULL) return NGX_CONF_ERROR;
        *ngx_cpymem(settings, conf->settings.json.data, conf->settings.json.len) = 0;
    }
    if (pubsubgw_new(settings, &conf->gateway) < 0) {
        ngx_http_pubsubgw_json_error(NGX_LOG_EMERG, cf->log, "pubsubgw_settings", &conf->settings,
                                     pubsubgw_last_error());
        return NGX_CONF_ERROR;
    }
    cleanup->handler = destroy_gateway;
    cleanup->data = conf->gateway;
    if (put_all(cf, conf->gateway, &conf->upstreams, "pubsubgw_upstream", pubsubgw_upstream_put,
                pubsubgw_upstream_check)
        != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }
    return put_all(cf, conf->gateway, &conf->routes, "pubsubgw_route", pubsubgw_route_put,
                   pubsubgw_route_check);
}

/* In the master, once for each configuration that is going to be applied. */
ngx_int_t
ngx_http_pubsubgw_count_generation(ngx_cycle_t *cycle)
{
    if (shared.addr == NULL) {
        shared.size = ngx_pagesize;
        ngx_str_set(&shared.name, "pubsubgw");
        shared.log = cycle->log;
        if (ngx_shm_alloc(&shared) != NGX_OK) return NGX_ERROR;
    }
    (void) ngx_atomic_fetch_add((ngx_atomic_t *) shared.addr, 1);
    return NGX_OK;
}

ngx_uint_t
ngx_http_pubsubgw_generation(void)
{
    return shared.addr ? *(volatile ngx_atomic_t *) shared.addr : 0;
}
