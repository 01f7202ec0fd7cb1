// A C++ host: the header has C linkage, and the types work with RAII.
#include <pubsubgw.h>

#include <cstdio>
#include <cstring>
#include <memory>

struct Destroy {
    void operator()(pubsubgw_gateway *g) const { pubsubgw_destroy(g); }
};

int main() {
    pubsubgw_gateway *raw = nullptr;
    if (pubsubgw_new(nullptr, &raw) != PUBSUBGW_OK) return 1;
    std::unique_ptr<pubsubgw_gateway, Destroy> gateway(raw);
    if (pubsubgw_start(gateway.get()) != PUBSUBGW_OK) return 2;
    if (pubsubgw_listen(gateway.get(), "127.0.0.1:0", 0) <= 0) return 3;
    if (pubsubgw_route_put(gateway.get(), "x", "{", 1) != PUBSUBGW_E_CONFIG) return 4;
    std::printf("%s: %s\n", pubsubgw_error_name(PUBSUBGW_E_CONFIG), pubsubgw_last_error());
    return std::strlen(pubsubgw_last_error()) > 0 ? 0 : 5;
}
