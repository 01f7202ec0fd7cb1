-- APISIX's core.pubsub on top of the gateway: `new`, `on` and `wait` as there, so that a plug-in
-- moves over by one line:
--
--     local pubsub = require "pubsubgw.apisix"          -- was: require("apisix.core").pubsub
--
--     local ps, err = pubsub.new()
--     ps:on("cmd_kafka_list_offset", function (params) return { kafka_list_offset_resp = ... } end)
--     ps:wait()
--
-- Handlers get the command's fields and return the fields of PubSubResp, or nil and a text for the
-- client; one runs at a time for each connection. 64-bit integers are as in the original: numbers,
-- or "#123" where they are large. "#123" and "123" are taken back, exactly.
--
-- What is different: pages of other hosts are refused, unless the route's `origins` (of new { route },
-- else of pubsubgw.nginx's init) let them in. new { route = id } lets the library serve the commands that have no handler
-- (Kafka's, subscriptions) by that route; without it they are unknown commands. Their replies may
-- come behind those of handlers. Fragmented messages, pings and close frames are answered as
-- RFC 6455 wants it, replies have any size, and a reload closes with 1012.
local proto = require "pubsubgw.proto"
local nginx = require "pubsubgw.nginx"
local Session = require "pubsubgw.websocket"

local apisix = { version = 0.1 }
local Connection = setmetatable({}, { __index = Session })
Connection.__index = Connection

local schema

-- The messages of commands: text of .proto files. A file that says `message PubSubReq` again adds
-- fields to it. For init_by_lua; without it there is the library's pubsub.proto alone.
function apisix.load(...)
    schema = proto.schema(require "pubsubgw.pubsub_proto")
    for _, text in ipairs { ... } do schema:load(text) end
end

-- lua-resty-websocket, under its own name or Debian's.
local function server()
    local found, module = pcall(require, "resty.websocket.server")
    if found then return module end
    return require "nginx.websocket.server"
end

local function pong(params) return { pong_resp = params } end

-- Takes the request over as a WebSocket. nil, a text, and the HTTP status that fits: it is none, or of
-- a page that the route does not let in, and nothing was answered.
-- options: nil, or a table: `route`, a route's id; `websocket`, options for lua-resty-websocket.
function apisix.new(options)
    options = options or {}
    if not schema then apisix.load() end
    local opening = { route = options.route or nginx.own_route }
    local protocol, text, status = nginx.check(opening)
    if not protocol then return nil, text, status end
    -- Handlers speak protobuf alone.
    if protocol == "pubsub.json" or protocol == "pubsub.text" then nginx.confirm "" end
    opening.protocol = "pubsub.proto"
    local ws
    ws, text = server():new(options.websocket)
    if not ws then return nil, text, 400 end
    local self
    self, text = nginx.open(ws, opening, Connection)
    if not self then return nil, text end
    self.serves_kafka, self.handlers, self.ws_server = options.route ~= nil, {}, ws
    self:on("cmd_ping", pong)
    return self
end

-- handler: function (params) return response, err end
function Connection:on(command, handler) self.handlers[command] = handler end

-- Until the client or the gateway ends the session.
function Connection:wait() self:run() end

function Connection:send_response(sequence, response)
    response.sequence = sequence
    local fine, encoded = pcall(schema.encode, schema, "PubSubResp", response)
    if not fine then
        return ngx.log(ngx.ERR, "failed to encode response message, err: ", encoded)
    end
    if not self:send(2, encoded) then self:lost() end
end

function Connection:send_error(sequence, text)
    self:send_response(sequence, { error_resp = { code = 0, message = text } })
end

-- For the light thread that writes: one job at a time, in order.
function Connection:later(job, ...)
    local arguments = { ... }
    self.outgoing:put { job = function() job(self, unpack(arguments)) end }
    return true
end

function Connection:handle(handler, request)
    local response, text = handler(request[request.req])
    if not response then return self:send_error(request.sequence, text) end
    self:send_response(request.sequence, response)
end

-- A whole message of the client; called by the light thread that reads.
function Connection:deliver(opcode, message)
    if opcode ~= 2 then
        ngx.log(ngx.WARN, "pubsub server receive non-binary data, type: text, data: ", message)
        return true
    end
    local request, text = schema:decode("PubSubReq", message)
    if not request then
        ngx.log(ngx.ERR, "pubsub server receives undecodable data, err: ", text)
        return self:later(self.send_error, 0, "wrong command")
    end
    local handler = self.handlers[request.req]
    if handler then return self:later(self.handle, handler, request) end
    if self.serves_kafka then return Session.deliver(self, opcode, message) end
    if not request.req then
        ngx.log(ngx.WARN, "pubsub server receives empty command")
        return true
    end
    ngx.log(ngx.ERR, "pubsub callback handler not registered for the command, command: ", request.req)
    return self:later(self.send_error, request.sequence, "unknown command")
end

return apisix
