-- The whole of the binding in plain LuaJIT: luajit binding.lua; an assertion ends it with status 1.
local ffi = require "ffi"
local pubsubgw = require "pubsubgw"

ffi.cdef [[
    int socketpair(int domain, int type, int protocol, int fds[2]);
    int close(int fd);
    ssize_t write(int fd, const void *data, size_t count);
    ssize_t read(int fd, void *data, size_t count);
    int usleep(unsigned microseconds);
]]

local ROUTE = { uri = "/kafka", upstream = {
    scheme = "kafka", type = "none", nodes = { ["127.0.0.1:9"] = 1 } } }

local function same(found, wanted)
    if found ~= wanted then
        error(("found %s, wanted %s"):format(tostring(found), tostring(wanted)), 2)
    end
end

local function fails(code, text, value, found_text, found_code)
    same(value, nil)
    same(found_code, code)
    if not found_text:find(text, 1, true) then error(found_text .. " is without " .. text, 2) end
end

local function count(directory)
    local pipe = io.popen("ls /proc/" .. directory .. " | wc -l")
    local found = tonumber(pipe:read "*a")
    pipe:close()
    return found
end

-- What the system takes a moment to say: a thread that was joined is still listed for a while.
local function becomes(wanted, found)
    for _ = 1, 500 do
        if found() == wanted then return end
        ffi.C.usleep(10000)
    end
    same(found(), wanted)
end

local function own_pid()
    local stat = io.open "/proc/self/stat"
    local pid = stat:read "*n"
    stat:close()
    return pid
end

local function names_and_numbers()
    assert(pubsubgw.version:match "^%d+%.%d+%.%d+$")
    same(pubsubgw.error_name(pubsubgw.E.GONE), "PUBSUBGW_E_GONE")
    same(pubsubgw.error_name(pubsubgw.E.KAFKA - 1), "OFFSET_OUT_OF_RANGE")
    assert(#pubsubgw.strerror(pubsubgw.E.NOMEM) > 10)
    same(pubsubgw.has_feature "listen-unix", true)
    same(pubsubgw.has_feature "nonsense", false)
    local C = require("pubsubgw.library").C
    for name, code in pairs(pubsubgw.E) do same(C["PUBSUBGW_E_" .. name], code) end
    for name, kind in require("pubsubgw.cdef").text:gmatch "PUBSUBGW_EV_(%w+) = (%d+)" do
        same(pubsubgw.EV[name], tonumber(kind))
    end
    for name, level in pairs(pubsubgw.LOG) do same(C["PUBSUBGW_LOG_" .. name], level) end
end

local function texts_of_failures()
    local E = pubsubgw.E
    fails(E.CONFIG, "line 1, column 2", pubsubgw.new "{")
    fails(E.CONFIG, "nonsense", pubsubgw.new { nonsense = 1 })
    fails(E.CONFIG, "upstream", pubsubgw.route_check { uri = "/x" })
    fails(E.INVALID, "level", pubsubgw.set_log_level(9))
    local gateway = assert(pubsubgw.new { threads = 1, host_plugins = pubsubgw.list {} })
    fails(E.CONFIG, "id", gateway:route_put(nil, ROUTE))
    fails(E.NO_ROUTE, "x", gateway:route_delete "x")
    fails(E.NO_ROUTE, "", gateway:route_match(nil, "/none"))
    fails(E.STATE, "start", gateway:listen "127.0.0.1:0")
    fails(E.STATE, "", gateway:queue())
    gateway:close()
    fails(E.GONE, "destroyed", gateway:start())
end

local function routes()
    local gateway = assert(pubsubgw.new())
    assert(gateway:upstream_put("u", ROUTE.upstream))
    assert(gateway:route_put("kafka", ROUTE))
    assert(gateway:route_put("by-id", '{"uri": "/other", "upstream_id": "u"}'))
    same(gateway:route_match(nil, "/kafka?x=1"), "kafka")
    assert(gateway:routes_json():find('"by-id"', 1, true))
    fails(pubsubgw.E.STATE, "by-id", gateway:upstream_delete "u")
    assert(gateway:route_delete("by-id", true))
    assert(gateway:upstream_delete "u")
    local notes, text = pubsubgw.route_check(
        { uri = "/x", upstream = { scheme = "kafka", nodes = "h:1", retries = 2 } })
    assert(notes >= 1 and text:find("retries", 1, true), text)
    notes, text = pubsubgw.upstream_check { scheme = "kafka", nodes = "h:1", retries = 2 }
    assert(notes == 1 and text:find("retries", 1, true), text)
    local quoted = { desc = 'a"b\\\n\1', uri = "/q", upstream = ROUTE.upstream }
    assert(gateway:route_put("q", quoted))
    local found = gateway:routes_json()
    assert(found:find([["desc":"a\"b\\\n\u0001"]], 1, true), found)
end

local function sessions_and_events()
    local gateway = assert(pubsubgw.new { threads = 1 })
    assert(gateway:route_put("kafka", ROUTE))
    assert(gateway:start())
    fails(pubsubgw.E.STATE, "started before", gateway:start())
    local queue = assert(gateway:queue { log = true })
    assert(queue:fd() > 2)
    assert(gateway:listen "127.0.0.1:0" > 0)
    local pair = ffi.new "int[2]"
    same(ffi.C.socketpair(1, 1, 0, pair), 0)
    fails(pubsubgw.E.CONFIG, "policy", gateway:adopt(pair[0], { route = "kafka", policy = "{" }))
    local session = assert(gateway:adopt(pair[0], {
        route = "kafka", queue = queue, user_data = 2 ^ 40, policy = { principal = "ann" } }))
    same(type(session), "number")
    same(gateway:stats().sessions_total <= 1, true)
    ffi.C.close(pair[1])
    local closed
    repeat
        for _, event in ipairs(assert(queue:wait(10000))) do
            if event.type == pubsubgw.EV.CLOSED then closed = event end
        end
    until closed
    same(closed.session, session)
    same(closed.user_data, 2 ^ 40)
    same(closed.code, 1006)
    assert(gateway:metrics():find("pubsubgw_", 1, true))
    assert(gateway:drain(1012, 1000))
    local drained
    repeat
        for _, event in ipairs(assert(queue:wait(10000))) do
            drained = drained or event.type == pubsubgw.EV.DRAINED and event
        end
    until drained
    same(drained.status, 0)
    same(#assert(queue:poll()), 0)
    assert(gateway:stop(1000))
    queue:close()
    fails(pubsubgw.E.GONE, "destroyed", queue:poll())
end

-- What nobody refers to ends by itself: its threads and descriptors too.
local function dropped_handles_end()
    local pid = own_pid()
    local function threads() return count(pid .. "/task") end
    local function descriptors() return count(pid .. "/fd") end
    collectgarbage()
    collectgarbage()
    local threads_before, descriptors_before = threads(), descriptors()
    for _ = 1, 20 do
        local gateway = assert(pubsubgw.new())
        assert(gateway:start())
        assert(gateway:queue())
    end
    assert(threads() > threads_before)
    collectgarbage()
    collectgarbage()
    becomes(threads_before, threads)
    becomes(descriptors_before, descriptors)
end

assert(pubsubgw.set_log_level(pubsubgw.LOG.OFF))
names_and_numbers()
texts_of_failures()
routes()
sessions_and_events()
dropped_handles_end()
