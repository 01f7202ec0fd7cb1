/* Tokens that the host brings: who is asked, when, and what is no token. */
#include "peer.h"

static pubsubgw_gateway *g;
static pubsubgw_queue *q;

static void refused(int status, int expected, const char *why)
{
    if (status != expected || strstr(pubsubgw_last_error(), why) == NULL)
        fprintf(stderr, "%d, %s\n", status, pubsubgw_last_error());
    MUST(status == expected && strstr(pubsubgw_last_error(), why) != NULL);
}

static void arguments(void)
{
    refused(pubsubgw_token_on(NULL, "a", q), PUBSUBGW_E_INVALID, "gateway");
    refused(pubsubgw_token_on(g, NULL, q), PUBSUBGW_E_INVALID, "name is NULL");
    refused(pubsubgw_token_on(g, "a b", q), PUBSUBGW_E_INVALID, "the token's name");
    refused(pubsubgw_token_on(g, "", q), PUBSUBGW_E_INVALID, "the token's name");
    refused(pubsubgw_token_on(g, "a", NULL), PUBSUBGW_E_INVALID, "nobody is registered");
    refused(pubsubgw_token_set(NULL, "a", "t", 1, NULL), PUBSUBGW_E_INVALID, "gateway");
    refused(pubsubgw_token_set(g, NULL, "t", 1, NULL), PUBSUBGW_E_INVALID, "name is NULL");
    refused(pubsubgw_token_set(g, "a", NULL, 1, NULL), PUBSUBGW_E_INVALID, "token is NULL");
    refused(pubsubgw_token_set(g, "a", "", 1, NULL), PUBSUBGW_E_INVALID, "the token is empty");
    refused(pubsubgw_token_set(g, "a", "t t", 1, NULL), PUBSUBGW_E_INVALID, "no token may");
    refused(pubsubgw_token_set(g, "a", "\xff", 1, NULL), PUBSUBGW_E_INVALID, "UTF-8");
    refused(pubsubgw_token_set(g, "a", "t", 0, NULL), PUBSUBGW_E_INVALID, "is over");
    refused(pubsubgw_token_set(g, "a", "t", INT64_MIN, NULL), PUBSUBGW_E_INVALID, "is over");
    refused(pubsubgw_token_set(g, "a", "t", 1, "{"), PUBSUBGW_E_CONFIG, "extensions_json");
    refused(pubsubgw_token_set(g, "a", "t", 1, "[]"), PUBSUBGW_E_CONFIG, "expected object");
    refused(pubsubgw_token_set(g, "a", "t", 1, "{\"auth\": \"x\"}"), PUBSUBGW_E_CONFIG, "auth");
    refused(pubsubgw_token_set(g, "a", "t", 1, "{\"x\": 1}"), PUBSUBGW_E_CONFIG, "expected string");
    refused(pubsubgw_token_fail(g, NULL, "x"), PUBSUBGW_E_INVALID, "name is NULL");
    refused(pubsubgw_token_fail(g, "a", "\xff"), PUBSUBGW_E_INVALID, "UTF-8");
    IS(pubsubgw_token_set(g, "early", "t", INT64_MAX, "{}"), 0);
    IS(pubsubgw_token_fail(g, "early", NULL), 0);

    pubsubgw_gateway *other = gateway(NULL);
    pubsubgw_queue *foreign;
    IS(pubsubgw_queue_new(other, 0, &foreign), 0);
    refused(pubsubgw_token_on(g, "a", foreign), PUBSUBGW_E_INVALID, "another gateway");
    pubsubgw_destroy(other);
    pubsubgw_queue_destroy(foreign);
}

static pubsubgw_client *client(const char *token)
{
    char config[300];
    pubsubgw_client *c;
    snprintf(config, sizeof config,
             "{\"nodes\": \"127.0.0.1:1\", \"plugins\": {\"kafka-proxy\": {\"sasl\": "
             "{\"mechanism\": \"OAUTHBEARER\", \"host_token\": \"%s\"}}}}", token);
    IS(pubsubgw_client_new(g, config, q, 7, &c), 0);
    return c;
}

/* The next event of this kind. */
static pubsubgw_event next_of(uint32_t type)
{
    for (;;) {
        pubsubgw_event e = next_event(q);
        if (e.type == type) return e;
    }
}

static void asked(void)
{
    pubsubgw_client *c = client("nobody");
    IS(pubsubgw_list_offset(c, "t", 0, -1, 1), 0);
    pubsubgw_event e = next_of(PUBSUBGW_EV_OFFSET);
    MUST(e.status == PUBSUBGW_E_AUTH && e.token == 1 && e.flags == PUBSUBGW_LAST);
    MUST(memmem(e.data, e.len, "nobody brings it", 16) != NULL);
    pubsubgw_client_destroy(c);

    IS(pubsubgw_token_on(g, "idp", q), 0);
    c = client("idp");
    IS(pubsubgw_list_offset(c, "t", 0, -1, 2), 0);
    e = next_of(PUBSUBGW_EV_TOKEN);
    MUST(e.len == 3 && memcmp(e.data, "idp", 3) == 0 && e.number == 0 && e.session == 0);
    IS(pubsubgw_token_fail(g, "idp", "not today"), 0);
    e = next_of(PUBSUBGW_EV_OFFSET);
    MUST(e.status == PUBSUBGW_E_AUTH && memmem(e.data, e.len, "not today", 9) != NULL);

    /* With a token the connection is tried: nobody is at that port. */
    IS(pubsubgw_token_set(g, "idp", "t0ken", 60000, "{\"traceId\": \"9\"}"), 0);
    for (uint64_t token = 3; e.status == PUBSUBGW_E_AUTH; token++) {
        IS(pubsubgw_list_offset(c, "t", 0, -1, token), 0);
        e = next_of(PUBSUBGW_EV_OFFSET);
    }
    MUST(e.status == PUBSUBGW_E_SYSTEM);
    MUST(memmem(e.data, e.len, "t0ken", 5) == NULL);
    pubsubgw_client_destroy(c);
    IS(pubsubgw_token_on(g, "idp", NULL), 0);
    refused(pubsubgw_token_on(g, "idp", NULL), PUBSUBGW_E_INVALID, "nobody is registered");
}

int main(void)
{
    pubsubgw_set_log(PUBSUBGW_LOG_OFF, NULL, NULL);
    IS(pubsubgw_has_feature("sasl-oauthbearer"), 1);
    g = gateway(NULL);
    IS(pubsubgw_queue_new(g, 0, &q), 0);
    arguments();
    asked();
    IS(pubsubgw_stop(g, 1000), 0);
    pubsubgw_queue_destroy(q);
    pubsubgw_destroy(g);
    return 0;
}
