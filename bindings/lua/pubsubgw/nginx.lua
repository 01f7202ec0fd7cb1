-- The gateway inside of nginx with Lua (OpenResty, libnginx-mod-http-lua): one in each worker.
--
--     init_by_lua_block        { require("pubsubgw.nginx").init { dir = "/run/pubsubgw",
--                                    routes = { kafka = { uri = "/kafka", upstream = ... } } } }
--     init_worker_by_lua_block { require("pubsubgw.nginx").init_worker() }
--     exit_worker_by_lua_block { require("pubsubgw.nginx").exit_worker() }
--
-- The worker's gateway listens on a unix socket of its own in `dir`; a location passes clients on:
--
--     set_by_lua_block $pubsubgw { return require("pubsubgw.nginx").address() }
--     proxy_pass http://$pubsubgw;
--
-- What fails in init keeps nginx from starting, and from a reload: error_log says what and where
-- (`nginx -t` does not run init_by_lua).
local pubsubgw = require "pubsubgw"
local generation = require "pubsubgw.generation"
local json = require "pubsubgw.json"
local status = require "pubsubgw.status"

local nginx = {}

local ONLY_OWNER = 384 -- 0600: the workers run as one user
local SOCKET_PATH_MAX = 107
local WATCH_SECONDS = 1000000 -- a timer lasts at most 2^31 ms

-- options of init, `gateway`, and what this configuration is called.
local state = {}

-- The route of sessions that no Kafka is behind (pubsubgw.apisix).
nginx.own_route = "pubsubgw.lua"

local function own_route(origins)
    return { uri = "/pubsubgw.lua", upstream = { scheme = "lua" },
        pubsub = { origins = origins and pubsubgw.list(origins) } }
end

local function with_own_scheme(settings)
    local copy, schemes = {}, pubsubgw.list { "lua" }
    for key, value in pairs(settings or {}) do copy[key] = value end
    for _, scheme in ipairs(copy.host_schemes or {}) do schemes[#schemes + 1] = scheme end
    copy.host_schemes = schemes
    return copy
end

local function path_of(name)
    local path = ("%s/pubsubgw-%s"):format(state.dir, name)
    assert(#path <= SOCKET_PATH_MAX, "pubsubgw: too long for a unix socket: " .. path)
    return path
end

local function path_of_worker(suffix)
    return path_of(("%s-%d%s"):format(state.generation.name, ngx.worker.id(), suffix))
end

-- Made once when nginx reads its configuration. Nothing starts here: the workers are forked later.
--   dir         where the workers' sockets are; the user of the workers must be able to write there
--   routes      by id, upstreams: by id: tables or JSON
--   settings    of pubsubgw.new: a table
--   commands    of the host's own, a list; see `on`
--   tokens      for logins by OAUTHBEARER, by the route's "host_token"; see `token`
--   origins     pages that may use plug-ins in APISIX's shape (pubsubgw.apisix), as in a route; default:
--               those of the host that is asked
--   drain_ms    how long sessions may take to end when nginx reloads or quits; default 10000
function nginx.init(options)
    assert(type(options.dir) == "string", "pubsubgw: init needs `dir`")
    local found, text = io.open(options.dir .. "/.")
    if not found then
        error("pubsubgw: init's `dir` has to be there, and the workers' user has to write in it: "
            .. text)
    end
    found:close()
    local gateway = assert(pubsubgw.new(with_own_scheme(options.settings)))
    state = setmetatable({ gateway = gateway, clients = {} }, { __index = options })
    assert(state.gateway:route_put(nginx.own_route, own_route(options.origins)))
    -- A worker that is born again finds the stale socket of the one that died under its own name,
    -- and a reload never meets a name that an old worker still uses.
    state.generation = generation.new(path_of)
    for id, upstream in pairs(options.upstreams or {}) do
        assert(state.gateway:upstream_put(id, upstream))
    end
    for id, route in pairs(options.routes or {}) do assert(state.gateway:route_put(id, route)) end
    state.generation:announce_reload()
    return state.gateway
end

-- Where this worker's gateway listens.
local function listen(suffix)
    local path = path_of_worker(suffix)
    assert(state.gateway:listen("unix:" .. path, ONLY_OWNER))
    state.path = path
end

-- A graceful end (nginx -s quit, reload) ends timers early: 1012 asks clients to come again soon.
local function watch(premature)
    if not premature then return ngx.timer.at(WATCH_SECONDS, watch) end
    state.is_leaving = true
    local close_code = state.generation:is_replaced() and 1012 or 1001
    local drained, text = state.gateway:drain(close_code, state.drain_ms or 10000)
    if not drained then return ngx.log(ngx.ERR, "pubsubgw: drain: ", text) end
    -- Whom this worker has accepted already is not refused: there he is told to come again.
    if close_code == 1012 then listen ".late" end
end

-- Starts this worker's gateway. Not in the processes that serve nobody.
function nginx.init_worker()
    if not ngx.worker.id() then return end
    assert(state.gateway:start())
    listen ".sock"
    assert(state.generation:announce())
    assert(ngx.timer.at(WATCH_SECONDS, watch))
    for _, command in ipairs(state.commands or {}) do assert(nginx.on(command)) end
    for name, source in pairs(state.tokens or {}) do assert(nginx.token(name, source)) end
    local loggers = package.loaded["pubsubgw.kafka_logger"]
    if loggers then loggers.init_worker() end
end

-- Joins the library's threads. Nginx no longer moves bytes here, so nothing is waited for.
function nginx.exit_worker()
    if state.path then state.gateway:stop(0) end
    if state.dispatcher then state.dispatcher:close() end
end

-- nginx goes on when init_worker fails, and error_log says why it did.
local DOWN = "this worker's gateway does not run; error_log says why, at the worker's start"

-- For proxy_pass: where this worker's gateway listens.
function nginx.address()
    if not state.path then error("pubsubgw: " .. DOWN, 2) end
    return "unix:" .. state.path
end

-- This worker's gateway (pubsubgw/gateway.lua).
function nginx.gateway() return state.gateway end

-- What takes this worker's events (pubsubgw/dispatcher.lua); made when first needed, and once more
-- for clients that come when it has ended already.
function nginx.dispatcher()
    if state.dispatcher and not state.dispatcher.closed then return state.dispatcher end
    if not state.path then return nil, DOWN, status.codes.STATE end
    local text, code
    state.dispatcher, text, code = require("pubsubgw.dispatcher").new(
        state.gateway, path_of_worker "-wake.sock", state.is_leaving)
    return state.dispatcher, text, code
end

-- A command of the host's own, for all clients of `route` (nil: of all routes), however they came.
--   name, request, response   as of pubsubgw_command_on
--   handler                   function (message, event): see pubsubgw/dispatcher.lua
function nginx.on(command)
    local dispatcher, text, code = nginx.dispatcher()
    if not dispatcher then return nil, text, code end
    dispatcher:on(command.request, command.handler)
    return state.gateway:command_on(
        command.route, command.name, command.request, command.response, dispatcher.queue)
end

-- Brings the token of routes with { mechanism = "OAUTHBEARER", host_token = name }.
--   source   function (name) that returns the token and its lifetime in seconds, and perhaps its
--            extensions; or nil and a reason. It may ask an identity provider by a cosocket.
function nginx.token(name, source)
    local dispatcher, text, code = nginx.dispatcher()
    if not dispatcher then return nil, text, code end
    return dispatcher:on_token(name, source)
end

-- Serves the request at hand as a WebSocket: nginx keeps the connection (with TLS), the library
-- does the rest, the handshake too. For content_by_lua; returns when the session has ended, with
-- the event of its end; or nil, text, code, and then the request's status is 503.
--   options   nil, or as of gateway:adopt: route, policy, ...
function nginx.serve(options)
    local ended
    local dispatcher, text, code = nginx.dispatcher()
    if dispatcher then
        ended, text, code = require "pubsubgw.bytes"(state.gateway, dispatcher, options or {})
        if ended then return ended end
    end
    ngx.log(dispatcher and ngx.WARN or ngx.ERR, "pubsubgw: a client was answered 503: ", text)
    ngx.status = 503
    return nil, text, code
end

-- Whether the request at hand may be upgraded: path, version, Origin by the rules of the route,
-- sub-protocols. For who answers it by lua-resty-websocket, which looks at no Origin and confirms any
-- sub-protocol: ask before. Afterwards the request's Sec-WebSocket-Protocol is what to confirm.
--   options   as of serve_websocket
-- Returns the sub-protocol, "" for none; or nil, text and the HTTP status to answer with.
function nginx.check(options)
    if ngx.req.http_version() ~= 1.1 then return nil, "bad http version", 400 end
    options.request_head = options.request_head or ngx.req.raw_header()
    local protocol, text, code = state.gateway:open_check(options)
    if not protocol then
        if code > 0 then return nil, text, code end
        return nil, text, code == pubsubgw.E.STATE and 503 or 500
    end
    nginx.confirm(protocol)
    return protocol
end

-- Makes lua-resty-websocket agree to this sub-protocol, and to no other; "": to none.
function nginx.confirm(protocol)
    if protocol == "" then return ngx.req.clear_header("Sec-WebSocket-Protocol") end
    ngx.req.set_header("Sec-WebSocket-Protocol", protocol)
end

-- A session for a WebSocket of lua-resty-websocket (`resty.websocket.server`, in Debian
-- `nginx.websocket.server`); run() runs it. See pubsubgw/websocket.lua.
function nginx.open(ws, options, class)
    local dispatcher, text, code = nginx.dispatcher()
    if not dispatcher then return nil, text, code end
    return require("pubsubgw.websocket").open(state.gateway, dispatcher, ws, options, class)
end

-- The same in one: opens, runs, returns the event of the end. Who has not asked nginx.check before has
-- its client closed with 1008 where that would have refused it.
function nginx.serve_websocket(ws, options)
    local session, text, code = nginx.open(ws, options or {})
    if not session then return nil, text, code end
    return session:run()
end

-- Reads Kafka while other light threads run (pubsubgw/kafka.lua). config: { route = id }, or
-- { nodes = "host:port,..." }, ...; the same gives the same client of this worker again.
function nginx.kafka(config)
    local key = json.text(config)
    if state.clients[key] then return state.clients[key] end
    local dispatcher, text, code = nginx.dispatcher()
    if not dispatcher then return nil, text, code end
    state.clients[key], text, code = require("pubsubgw.kafka").new(state.gateway, key, dispatcher)
    return state.clients[key], text, code
end

return nginx
