/* Directives, and how settings are inherited. */
#include "ngx_http_pubsubgw.h"

static char *set_settings(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
static char *add_block(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
static char *add_string(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
static char *add_file(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
static char *set_location(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
static char *set_metrics(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

static ngx_conf_enum_t log_levels[] = {
    { ngx_string("off"), PUBSUBGW_LOG_OFF },
    { ngx_string("error"), PUBSUBGW_LOG_ERROR },
    { ngx_string("warn"), PUBSUBGW_LOG_WARN },
    { ngx_string("info"), PUBSUBGW_LOG_INFO },
    { ngx_string("debug"), PUBSUBGW_LOG_DEBUG },
    { ngx_null_string, 0 }
};

#define MAIN(field) NGX_HTTP_MAIN_CONF_OFFSET, offsetof(ngx_http_pubsubgw_main_conf_t, field)
#define LOCATION(field) NGX_HTTP_LOC_CONF_OFFSET, offsetof(ngx_http_pubsubgw_loc_conf_t, field)
#define ANY_LEVEL (NGX_HTTP_MAIN_CONF | NGX_HTTP_SRV_CONF | NGX_HTTP_LOC_CONF | NGX_CONF_TAKE1)

static ngx_command_t commands[] = {
    { ngx_string("pubsubgw_settings"), NGX_HTTP_MAIN_CONF | NGX_CONF_BLOCK | NGX_CONF_NOARGS,
      set_settings, MAIN(settings), NULL },
    { ngx_string("pubsubgw_upstream"), NGX_HTTP_MAIN_CONF | NGX_CONF_BLOCK | NGX_CONF_TAKE1,
      add_block, MAIN(upstreams), NULL },
    { ngx_string("pubsubgw_upstream_json"), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE2,
      add_string, MAIN(upstreams), NULL },
    { ngx_string("pubsubgw_upstream_file"), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE2,
      add_file, MAIN(upstreams), NULL },
    { ngx_string("pubsubgw_route"), NGX_HTTP_MAIN_CONF | NGX_CONF_BLOCK | NGX_CONF_TAKE1,
      add_block, MAIN(routes), NULL },
    { ngx_string("pubsubgw_route_json"), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE2,
      add_string, MAIN(routes), NULL },
    { ngx_string("pubsubgw_route_file"), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE2,
      add_file, MAIN(routes), NULL },
    { ngx_string("pubsubgw_log_level"), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1,
      ngx_conf_set_enum_slot, MAIN(log_level), log_levels },
    { ngx_string("pubsubgw_drain_timeout"), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot, MAIN(drain_timeout), NULL },
    { ngx_string("pubsubgw"), ANY_LEVEL, set_location, LOCATION(enable), NULL },
    { ngx_string("pubsubgw_topics"), ANY_LEVEL,
      ngx_http_set_complex_value_slot, LOCATION(topics), NULL },
    { ngx_string("pubsubgw_principal"), ANY_LEVEL,
      ngx_http_set_complex_value_slot, LOCATION(principal), NULL },
    { ngx_string("pubsubgw_trace"), ANY_LEVEL,
      ngx_http_set_complex_value_slot, LOCATION(trace), NULL },
    { ngx_string("pubsubgw_policy"), ANY_LEVEL,
      ngx_http_set_complex_value_slot, LOCATION(policy), NULL },
    { ngx_string("pubsubgw_metrics"), NGX_HTTP_LOC_CONF | NGX_CONF_FLAG,
      set_metrics, LOCATION(metrics), NULL },
    ngx_null_command
};

/* ---- JSON of the http block ---- */

static char *
set_settings(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_pubsubgw_main_conf_t *main_conf = conf;

    if (main_conf->settings.json.data != NULL) return "is duplicate";
    return ngx_http_pubsubgw_json_block(cf, &main_conf->settings);
}

/* A new item with the id of the directive's first argument; NULL: it is taken, or no memory. */
static ngx_http_pubsubgw_json_t *
add_item(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_array_t              *items = (ngx_array_t *) ((u_char *) conf + cmd->offset);
    ngx_str_t                *words = cf->args->elts;
    ngx_http_pubsubgw_json_t *item = items->elts;

    for (ngx_uint_t i = 0; i < items->nelts; i++) {
        if (item[i].id.len == words[1].len
            && ngx_strncmp(item[i].id.data, words[1].data, words[1].len) == 0)
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "%V \"%V\" is duplicate", &words[0],
                               &words[1]);
            return NULL;
        }
    }

    item = ngx_array_push(items);
    if (item == NULL) return NULL;
    ngx_memzero(item, sizeof *item);
    item->id = words[1];
    return item;
}

static char *
add_block(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_pubsubgw_json_t *item = add_item(cf, cmd, conf);

    return item ? ngx_http_pubsubgw_json_block(cf, item) : NGX_CONF_ERROR;
}

static char *
add_string(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_str_t                *words = cf->args->elts;
    ngx_http_pubsubgw_json_t *item = add_item(cf, cmd, conf);

    if (item == NULL) return NGX_CONF_ERROR;
    ngx_http_pubsubgw_json_string(cf, &words[2], item);
    return NGX_CONF_OK;
}

static char *
add_file(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_str_t                *words = cf->args->elts;
    ngx_http_pubsubgw_json_t *item = add_item(cf, cmd, conf);

    return item ? ngx_http_pubsubgw_json_file(cf, &words[2], item) : NGX_CONF_ERROR;
}

/* ---- locations ---- */

/* pubsubgw on | off | route=ID */
static char *
set_location(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_pubsubgw_loc_conf_t    *location = conf;
    ngx_str_t                       *word = (ngx_str_t *) cf->args->elts + 1;
    ngx_str_t                        id;
    ngx_http_compile_complex_value_t compile;

    if (location->enable != NGX_CONF_UNSET) return "is duplicate";
    if (ngx_strcmp(word->data, "off") == 0) {
        location->enable = 0;
        return NGX_CONF_OK;
    }
    location->enable = 1;
    if (ngx_strcmp(word->data, "on") == 0) return NGX_CONF_OK;
    if (word->len <= 6 || ngx_strncmp(word->data, "route=", 6) != 0)
        return "takes \"on\", \"off\" or \"route=ID\"";

    id.data = word->data + 6;
    id.len = word->len - 6;
    location->route = ngx_pcalloc(cf->pool, sizeof(ngx_http_complex_value_t));
    if (location->route == NULL) return NGX_CONF_ERROR;
    ngx_memzero(&compile, sizeof compile);
    compile.cf = cf;
    compile.value = &id;
    compile.complex_value = location->route;
    return ngx_http_compile_complex_value(&compile) == NGX_OK ? NGX_CONF_OK : NGX_CONF_ERROR;
}

/* pubsubgw_metrics on | off */
static char *
set_metrics(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_pubsubgw_loc_conf_t *location = conf;
    ngx_http_core_loc_conf_t     *core;
    char                         *error = ngx_conf_set_flag_slot(cf, cmd, conf);

    if (error != NGX_CONF_OK || !location->metrics) return error;
    core = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    core->handler = ngx_http_pubsubgw_metrics_handler;
    return NGX_CONF_OK;
}

/* A constant id has to be one of the routes; one of variables is looked up at each upgrade. */
static char *
check_route(ngx_conf_t *cf, ngx_http_complex_value_t *route)
{
    ngx_http_pubsubgw_main_conf_t *conf;
    ngx_http_pubsubgw_json_t      *item;

    if (route == NULL || route->lengths != NULL) return NGX_CONF_OK;
    conf = ngx_http_conf_get_module_main_conf(cf, ngx_http_pubsubgw_module);
    item = conf->routes.elts;
    for (ngx_uint_t i = 0; i < conf->routes.nelts; i++) {
        if (item[i].id.len == route->value.len
            && ngx_strncmp(item[i].id.data, route->value.data, route->value.len) == 0)
        {
            return NGX_CONF_OK;
        }
    }
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "there is no pubsubgw_route \"%V\"", &route->value);
    return NGX_CONF_ERROR;
}

/* ---- configurations ---- */

static void *
create_main_conf(ngx_conf_t *cf)
{
    ngx_http_pubsubgw_main_conf_t *conf = ngx_pcalloc(cf->pool, sizeof *conf);

    if (conf == NULL
        || ngx_array_init(&conf->upstreams, cf->pool, 4, sizeof(ngx_http_pubsubgw_json_t))
           != NGX_OK
        || ngx_array_init(&conf->routes, cf->pool, 4, sizeof(ngx_http_pubsubgw_json_t)) != NGX_OK)
    {
        return NULL;
    }
    conf->log_level = NGX_CONF_UNSET_UINT;
    conf->drain_timeout = NGX_CONF_UNSET_MSEC;
    return conf;
}

static char *
init_main_conf(ngx_conf_t *cf, void *conf)
{
    ngx_http_pubsubgw_main_conf_t *main_conf = conf;

    ngx_conf_init_uint_value(main_conf->log_level, PUBSUBGW_LOG_WARN);
    ngx_conf_init_msec_value(main_conf->drain_timeout, 60000);
    return ngx_http_pubsubgw_make_gateway(cf, main_conf);
}

static void *
create_loc_conf(ngx_conf_t *cf)
{
    ngx_http_pubsubgw_loc_conf_t *conf = ngx_pcalloc(cf->pool, sizeof *conf);

    if (conf == NULL) return NULL;
    conf->enable = NGX_CONF_UNSET;
    conf->metrics = NGX_CONF_UNSET;
    return conf;
}

/* A policy replaces the three single values of the levels above, and they replace it. */
static void
merge_policy(ngx_http_pubsubgw_loc_conf_t *parent, ngx_http_pubsubgw_loc_conf_t *child)
{
    if (child->policy == NULL && !child->topics && !child->principal && !child->trace)
        child->policy = parent->policy;
    if (child->policy != NULL) return;
    if (child->topics == NULL) child->topics = parent->topics;
    if (child->principal == NULL) child->principal = parent->principal;
    if (child->trace == NULL) child->trace = parent->trace;
}

static char *
merge_loc_conf(ngx_conf_t *cf, void *parent_conf, void *child_conf)
{
    ngx_http_pubsubgw_loc_conf_t *parent = parent_conf, *child = child_conf;
    ngx_http_core_loc_conf_t     *core;

    if (child->policy && (child->topics || child->principal || child->trace))
        return "\"pubsubgw_policy\" says everything itself: pubsubgw_topics, pubsubgw_principal and"
               " pubsubgw_trace cannot stand beside it";
    if (child->enable == 1 && child->metrics == 1)
        return "\"pubsubgw\" and \"pubsubgw_metrics\" want a location each";
    if (child->enable == NGX_CONF_UNSET) child->route = parent->route;
    ngx_conf_merge_value(child->enable, parent->enable, 0);
    merge_policy(parent, child);

    core = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    if (child->enable && core->handler == NULL) core->handler = ngx_http_pubsubgw_handler;
    return child->enable ? check_route(cf, child->route) : NGX_CONF_OK;
}

static ngx_int_t
before_configuration(ngx_conf_t *cf)
{
    if (ngx_http_pubsubgw_check_library(cf) != NGX_OK) return NGX_ERROR;
    return ngx_http_pubsubgw_add_variables(cf);
}

static ngx_http_module_t context = {
    before_configuration, NULL,
    create_main_conf, init_main_conf,
    NULL, NULL,
    create_loc_conf, merge_loc_conf
};

ngx_module_t ngx_http_pubsubgw_module = {
    NGX_MODULE_V1,
    &context,
    commands,
    NGX_HTTP_MODULE,
    NULL,                                 /* init_master: nginx never calls it */
    ngx_http_pubsubgw_count_generation,   /* init_module */
    ngx_http_pubsubgw_init_process,
    NULL,
    NULL,
    ngx_http_pubsubgw_exit_process,
    NULL,
    NGX_MODULE_V1_PADDING
};
