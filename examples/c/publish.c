/* publish.c - the operation Publish of an integration flow's Kafka connector: one message.
 *
 *   cc -o publish publish.c -lpubsubgw
 *   ./publish BROKERS TOPIC [NAME=VALUE]... < payload
 *
 * BROKERS: host:port,host:port; or an object as of pubsubgw_client_new, for a login or TLS.
 * NAME: partition, key, headers (an object of texts, as JSON), payload (a text, in place of standard
 * input), or a setting: see `settings`, which has the connector's defaults.
 * Prints {"topic", "partition", "offset"} and exits 0, or {"Code", "Description"} and exits 1. */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <pubsubgw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAYLOAD_MAX = 64 << 20, HEADERS_MAX = 100 };

static struct setting {
    const char *group, *name, *value;
} settings[] = {
    {"", "acks", "LeaderOnly"}, /* None, LeaderOnly, All */
    {"", "idempotence", "false"},
    {"", "max_message_bytes", "1000000"},
    {"", "request_timeout_ms", "10000"},
    {"", "delivery_timeout_ms", "120000"},
    {"", "linger_ms", "0"},
    {"flush", "bytes", "0"},
    {"flush", "messages", "0"},
    {"flush", "frequency_ms", "0"},
    {"flush", "max_messages", "0"},
};

enum { SETTINGS = sizeof settings / sizeof *settings };

/* ---- JSON ---- */

static void print_text(FILE *out, const char *text) {
    fputc('"', out);
    for (; *text; text++) {
        if (*text == '"' || *text == '\\') fprintf(out, "\\%c", *text);
        else if ((unsigned char)*text < ' ') fprintf(out, "\\u%04x", *text);
        else fputc(*text, out);
    }
    fputc('"', out);
}

/* The only code the connector knows; what went wrong stands in the description. */
static int fail(const char *what, const char *why) {
    char description[2000];
    snprintf(description, sizeof description, "%s: %s", what, why);
    printf("{\"Code\": \"CORE:RUNTIME\", \"Description\": ");
    print_text(stdout, description);
    printf("}\n");
    return 1;
}

static int refused(const char *what) { return fail(what, pubsubgw_last_error()); }

static const char *skip_space(const char *at) { return at + strspn(at, " \t\r\n"); }

/* Four hexadecimal digits; -1: they are none. */
static long code_unit(const char *at) {
    char digits[5] = "";
    for (int i = 0; i < 4; i++) {
        if (!at[i] || !strchr("0123456789abcdefABCDEF", at[i])) return -1;
        digits[i] = at[i];
    }
    return strtol(digits, NULL, 16);
}

static char *put_utf8(char *to, long code) {
    int more = code < 0x80 ? 0 : code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    static const int first[] = {0, 0xC0, 0xE0, 0xF0};
    *to++ = (char)(first[more] | code >> 6 * more);
    while (more-- > 0) *to++ = (char)(0x80 | (code >> 6 * more & 0x3F));
    return to;
}

/* Reads a text into *to, which moves on and has room for what is left; what follows it, or NULL. */
static const char *read_text(const char *at, char **to, size_t *length) {
    char *start = *to;
    if (*at++ != '"') return NULL;
    while (*at != '"') {
        if ((unsigned char)*at < ' ') return NULL; /* the end, too */
        if (*at != '\\') {
            *(*to)++ = *at++;
            continue;
        }
        static const char names[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
        const char *name = at[1] ? strchr(names, at[1]) : NULL;
        if (name) {
            *(*to)++ = meant[name - names];
            at += 2;
            continue;
        }
        long code = at[1] == 'u' ? code_unit(at + 2) : -1;
        at += 6;
        if (code >= 0xD800 && code < 0xDC00) { /* a pair of surrogates is one character */
            long low = at[0] == '\\' && at[1] == 'u' ? code_unit(at + 2) : -1;
            if (low < 0xDC00 || low > 0xDFFF) return NULL;
            code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
            at += 6;
        } else if (code >= 0xDC00 && code <= 0xDFFF) {
            return NULL;
        }
        if (code < 0) return NULL;
        *to = put_utf8(*to, code);
    }
    *length = (size_t)(*to - start);
    *(*to)++ = 0;
    return at + 1;
}

/* Reads an object of texts, whose bytes go to `room`, as long as `json`. How many; -1: it is none. */
static int read_headers(const char *json, char *room, pubsubgw_header *headers) {
    int count = 0;
    const char *at = skip_space(json);
    if (*at != '{') return -1;
    at = skip_space(at + 1);
    if (*at == '}') return *skip_space(at + 1) ? -1 : 0;
    for (;; count++) {
        size_t length;
        char *name = room;
        if (count == HEADERS_MAX || !(at = read_text(at, &room, &length))) return -1;
        if (strlen(name) != length || *(at = skip_space(at)) != ':') return -1;
        char *value = room;
        if (!(at = read_text(skip_space(at + 1), &room, &length))) return -1;
        headers[count] = (pubsubgw_header){name, value, length};
        at = skip_space(at);
        if (*at == '}') return *skip_space(at + 1) ? -1 : count + 1;
        if (*at != ',') return -1;
        at = skip_space(at + 1);
    }
}

/* Words that JSON has of its own stand as they are; what they may be is the library's to say. */
static void print_value(FILE *out, const char *value) {
    int number = *value && strspn(value, "-0123456789") == strlen(value);
    if (number || !strcmp(value, "true") || !strcmp(value, "false")) fputs(value, out);
    else print_text(out, value);
}

static char *settings_json(void) {
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out) return NULL;
    const char *separator = "{";
    for (int i = 0; i < SETTINGS; i++) {
        const char *group = settings[i].group;
        int opens = *group && (i == 0 || strcmp(settings[i - 1].group, group));
        int closes = *group && (i + 1 == SETTINGS || strcmp(settings[i + 1].group, group));
        fputs(separator, out);
        if (opens) fprintf(out, "\"%s\": {", group);
        fprintf(out, "\"%s\": ", settings[i].name);
        print_value(out, settings[i].value);
        if (closes) fputs("}", out);
        separator = ", ";
    }
    fputs("}", out);
    return fclose(out) ? NULL : text;
}

static int set(const char *name, size_t length, const char *value) {
    for (int i = 0; i < SETTINGS; i++) {
        char full[40];
        const char *group = settings[i].group;
        snprintf(full, sizeof full, "%s%s%s", group, *group ? "." : "", settings[i].name);
        if (strlen(full) != length || memcmp(full, name, length)) continue;
        settings[i].value = value;
        return 1;
    }
    return 0;
}

/* A partition's number; -1: it is none. */
static int32_t partition_of(const char *text) {
    char *end;
    errno = 0;
    long number = strtol(text, &end, 10);
    int digits = *text && strspn(text, "0123456789") == strlen(text);
    return digits && !errno && number <= INT32_MAX ? (int32_t)number : -1;
}

/* ---- sending ---- */

static int publish(const char *brokers, const pubsubgw_produce_args *record) {
    char *settings_text = settings_json(), *config = NULL;
    size_t size;
    FILE *out = open_memstream(&config, &size);
    if (!settings_text || !out) return fail("settings", "no memory");
    if (*brokers == '{') {
        fputs(brokers, out);
    } else {
        fputs("{\"nodes\": ", out);
        print_text(out, brokers);
        fputs("}", out);
    }
    if (fclose(out)) return fail("brokers", "no memory");

    pubsubgw_gateway *g;
    pubsubgw_queue *q;
    pubsubgw_client *c;
    pubsubgw_producer *p;
    pubsubgw_set_log(PUBSUBGW_LOG_OFF, NULL, NULL);
    if (pubsubgw_new(NULL, &g) < 0 || pubsubgw_start(g) < 0) return refused("start");
    if (pubsubgw_queue_new(g, 0, &q) < 0) return refused("queue");
    if (pubsubgw_client_new(g, config, q, 0, &c) < 0) return refused("brokers");
    if (pubsubgw_producer_new(c, settings_text, 0, &p) < 0) return refused("settings");
    if (pubsubgw_produce(p, record) < 0) return refused("message");

    /* It is told of within delivery_timeout_ms, whatever happens. */
    int status = -1, done = 0;
    while (!done) {
        pubsubgw_event event;
        int n = pubsubgw_queue_wait(q, &event, 1, sizeof event, -1);
        if (n < 0) return refused("wait");
        const pubsubgw_delivery *d = n ? pubsubgw_event_delivery(&event) : NULL;
        if (!d) continue;
        done = 1;
        status = event.status;
        if (status < 0) {
            char what[400];
            snprintf(what, sizeof what, "topic %.249s: %s", record->topic, pubsubgw_error_name(status));
            fail(what, d->text);
            continue;
        }
        printf("{\"topic\": ");
        print_text(stdout, d->topic);
        printf(", \"partition\": %" PRId32 ", \"offset\": %" PRId64 "}\n", d->partition, d->offset);
    }
    pubsubgw_producer_destroy(p);
    pubsubgw_client_destroy(c);
    pubsubgw_destroy(g);
    pubsubgw_queue_destroy(q);
    free(config);
    free(settings_text);
    return status < 0;
}

int main(int argc, char **argv) {
    if (argc < 3) return fprintf(stderr, "usage: %s BROKERS TOPIC [NAME=VALUE]...\n", argv[0]), 2;
    pubsubgw_produce_args record = {
        .struct_size = sizeof record, .partition = -1, .topic = argv[2]};
    pubsubgw_header headers[HEADERS_MAX];
    char *header_room = NULL, *payload = NULL;
    for (int i = 3; i < argc; i++) {
        const char *equals = strchr(argv[i], '=');
        if (!equals) return fail(argv[i], "is not NAME=VALUE");
        const char *value = equals + 1;
        size_t length = (size_t)(equals - argv[i]);
        if (!strncmp(argv[i], "partition=", length + 1)) {
            if ((record.partition = partition_of(value)) < 0)
                return fail(argv[i], "a partition is a number from 0 to 2147483647");
        } else if (!strncmp(argv[i], "key=", length + 1)) {
            record.key = value;
            record.key_len = strlen(value);
        } else if (!strncmp(argv[i], "payload=", length + 1)) {
            record.value = value;
            record.value_len = strlen(value);
        } else if (!strncmp(argv[i], "headers=", length + 1)) {
            free(header_room);
            if (!(header_room = malloc(strlen(value) + 1))) return fail("headers", "no memory");
            int count = read_headers(value, header_room, headers);
            if (count < 0)
                return fail(argv[i], "headers are a JSON object of at most 100 texts");
            record.headers = headers;
            record.header_count = (size_t)count;
        } else if (!set(argv[i], length, value)) {
            return fail(argv[i], "there is no setting of this name");
        }
    }
    if (!record.value) {
        if (!(payload = malloc(PAYLOAD_MAX))) return fail("payload", "no memory");
        record.value_len = fread(payload, 1, PAYLOAD_MAX, stdin);
        if (ferror(stdin)) return fail("payload", strerror(errno));
        if (record.value_len == PAYLOAD_MAX) return fail("payload", "it has 64 MiB or more");
        record.value = payload;
    }
    int status = publish(argv[1], &record);
    free(payload);
    free(header_room);
    return status;
}
