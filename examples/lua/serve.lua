-- A gateway in LuaJIT: luajit serve.lua ADDRESS BROKERS (ends when standard input does)
-- Lua finds the binding through LUA_PATH, the binding the library through PUBSUBGW_LIBRARY,
-- LUA_CPATH or the system's loader.
local pubsubgw = require "pubsubgw"
local address, brokers = unpack(arg)

local gateway = assert(pubsubgw.new())
assert(gateway:route_put("kafka", {
    uri = "/kafka",
    pubsub = { origins = { "*" } },
    upstream = { scheme = "kafka", type = "none", nodes = brokers },
}))
assert(gateway:start())
print(("listening on %s, port %d"):format(address, assert(gateway:listen(address))))
io.stdout:flush()

io.stdin:read "*a"
assert(gateway:stop(5000))
