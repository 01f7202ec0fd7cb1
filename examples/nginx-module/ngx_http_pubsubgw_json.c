/* JSON in the configuration: a block, a string or a file, with true positions in errors. */
#include "ngx_http_pubsubgw.h"

/* The end of the object that begins at `at`, one behind its brace; NULL: it has none. */
static u_char *
end_of_object(u_char *at, u_char *end)
{
    ngx_uint_t depth = 0, is_string = 0;

    for (; at < end; at++) {
        if (is_string) {
            if (*at == '\\') at++;
            else if (*at == '"') is_string = 0;
            continue;
        }
        switch (*at) {
        case '"': is_string = 1; break;
        case '{': depth++; break;
        case '}': if (--depth == 0) return at + 1;
        }
    }
    return NULL;
}

/* The whole file into the pool. */
static ngx_int_t
read_file(ngx_conf_t *cf, ngx_file_t *file, ngx_str_t *text)
{
    ssize_t n;

    text->len = (size_t) ngx_file_size(&file->info);
    text->data = ngx_pnalloc(cf->pool, text->len + 1);
    if (text->data == NULL) return NGX_ERROR;
    n = pread(file->fd, text->data, text->len, 0);
    if (n == (ssize_t) text->len) return NGX_OK;
    ngx_conf_log_error(NGX_LOG_EMERG, cf, n < 0 ? ngx_errno : 0, "cannot read \"%V\"",
                       &file->name);
    return NGX_ERROR;
}

/* Lets nginx go on at `offset` of the file that it is reading. */
static void
skip_to(ngx_conf_t *cf, ngx_str_t *text, off_t offset)
{
    ngx_conf_file_t *conf = cf->conf_file;
    ngx_buf_t       *buffer = conf->buffer;

    if (offset <= conf->file.offset) {
        buffer->pos = buffer->last - (conf->file.offset - offset);
        return;
    }
    /* What nginx did not read itself is missing in the output of "nginx -T". */
    if (conf->dump)
        conf->dump->last = ngx_cpymem(conf->dump->last, text->data + conf->file.offset,
                                      offset - conf->file.offset);
    conf->file.offset = offset;
    buffer->pos = buffer->last = buffer->start;
}

/* The directive's block, whose brace nginx has just read. In front of it stand as many newlines and
 * blanks as in the file, so that the library's line and column are those of the file. */
char *
ngx_http_pubsubgw_json_block(ngx_conf_t *cf, ngx_http_pubsubgw_json_t *json)
{
    ngx_conf_file_t *conf = cf->conf_file;
    ngx_str_t        text;
    u_char          *open, *end, *line, *to;

    json->file = conf->file.name;
    json->line = conf->line;
    json->is_whole = 1;
    if (read_file(cf, &conf->file, &text) != NGX_OK) return NGX_CONF_ERROR;
    open = text.data + conf->file.offset - (conf->buffer->last - conf->buffer->pos) - 1;
    end = end_of_object(open, text.data + text.len);
    if (end == NULL) return "holds JSON that does not end";

    skip_to(cf, &text, end - text.data);
    for (u_char *at = open; at < end; at++) if (*at == LF) conf->line++;

    to = line = text.data;
    for (u_char *at = text.data; at < open; at++) {
        if (*at != LF) continue;
        *to++ = LF;
        line = at + 1;
    }
    ngx_memset(to, ' ', open - line);
    to += open - line;
    ngx_memmove(to, open, end - open);
    json->json.data = text.data;
    json->json.len = to + (end - open) - text.data;
    return NGX_CONF_OK;
}

/* A quoted string: nginx does not tell where it begins, so errors name the directive's line. */
void
ngx_http_pubsubgw_json_string(ngx_conf_t *cf, ngx_str_t *text, ngx_http_pubsubgw_json_t *json)
{
    json->json = *text;
    json->file = cf->conf_file->file.name;
    json->line = cf->conf_file->line;
}

char *
ngx_http_pubsubgw_json_file(ngx_conf_t *cf, ngx_str_t *path, ngx_http_pubsubgw_json_t *json)
{
    ngx_file_t file;
    ngx_int_t  rc;

    ngx_memzero(&file, sizeof file);
    file.name = *path;
    file.log = cf->log;
    if (ngx_conf_full_name(cf->cycle, &file.name, 1) != NGX_OK) return NGX_CONF_ERROR;
    file.fd = ngx_open_file(file.name.data, NGX_FILE_RDONLY, NGX_FILE_OPEN, 0);
    if (file.fd == NGX_INVALID_FILE || ngx_fd_info(file.fd, &file.info) == NGX_FILE_ERROR) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno, "cannot open \"%V\"", &file.name);
        if (file.fd != NGX_INVALID_FILE) ngx_close_file(file.fd);
        return NGX_CONF_ERROR;
    }
    rc = read_file(cf, &file, &json->json);
    ngx_close_file(file.fd);
    json->file = file.name;
    json->line = 1;
    json->is_whole = 1;
    return rc == NGX_OK ? NGX_CONF_OK : NGX_CONF_ERROR;
}

/* Logs the library's "line 3, column 9: upstream.typ: ..." with the file's name and that line. */
void
ngx_http_pubsubgw_json_error(ngx_uint_t level, ngx_log_t *log, const char *what,
    ngx_http_pubsubgw_json_t *json, const char *error)
{
    unsigned line = (unsigned) json->line;

    if (json->is_whole) (void) sscanf(error, "line %u,", &line);
    ngx_log_error(level, log, 0, "%s \"%V\": %s in %V:%ui", what, &json->id, error, &json->file,
                  (ngx_uint_t) line);
}
