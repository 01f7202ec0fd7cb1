-- A gateway in LuaJIT: luajit serve.lua LIBRARY HEADER ADDRESS BROKERS
-- (HEADER: `cpp -P -DPUBSUBGW_API= pubsubgw.h`; ends when standard input does)
local ffi = require "ffi"
local library, header, address, brokers = unpack(arg)
local cdef = assert(io.open(header)):read "*a"
ffi.cdef(cdef:sub(cdef:find "typedef struct pubsubgw_gateway" or 1))
local C = ffi.load(library)

local function check(result)
    if result >= 0 then return result end
    error(ffi.string(C.pubsubgw_error_name(result)) .. ": " .. ffi.string(C.pubsubgw_last_error()))
end

local out = ffi.new "pubsubgw_gateway *[1]"
check(C.pubsubgw_new(nil, out))
local gateway = out[0]
local route = ([[{"uri": "/kafka", "pubsub": {"origins": ["*"]},
    "upstream": {"scheme": "kafka", "type": "none", "nodes": "%s"}}]]):format(brokers)
check(C.pubsubgw_route_put(gateway, "kafka", route, #route))
check(C.pubsubgw_start(gateway))
print(("listening on %s, port %d"):format(address, check(C.pubsubgw_listen(gateway, address, 0))))
io.stdout:flush()

io.stdin:read "*a"
check(C.pubsubgw_stop(gateway, 5000))
C.pubsubgw_destroy(gateway)
