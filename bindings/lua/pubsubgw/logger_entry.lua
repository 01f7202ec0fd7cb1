-- What a log entry says of the request at hand, in the shapes of APISIX's loggers. For log_by_lua.
local json = require "pubsubgw.json"

local entry = {}

local REPLACEMENT = "\239\191\189"

-- nginx's tables of headers and arguments answer to numbers, too.
local function copy(found)
    local plain = {}
    for name, value in pairs(found or {}) do plain[name] = value end
    return plain
end

-- The length of the character that begins with these bytes; nil: none does (RFC 3629).
local function length(a, b, c, d)
    local function follows(byte, least, most)
        return byte and byte >= (least or 0x80) and byte <= (most or 0xBF)
    end
    if a < 0xC2 or a > 0xF4 then return nil end
    if a < 0xE0 then return follows(b) and 2 end
    if a < 0xF0 then
        return follows(b, a == 0xE0 and 0xA0, a == 0xED and 0x9F) and follows(c) and 3
    end
    return follows(b, a == 0xF0 and 0x90, a == 0xF4 and 0x8F) and follows(c) and follows(d) and 4
end

-- Text that readers of JSON take: who sends other bytes must not spoil the batch.
local function utf8(text)
    local at = text:find "[\128-\255]"
    if not at then return text end
    local parts, from = {}, 1
    while at do
        local size = length(text:byte(at, at + 3))
        if size then
            at = at + size
        else
            parts[#parts + 1] = text:sub(from, at - 1)
            parts[#parts + 1] = REPLACEMENT
            at = at + 1
            from = at
        end
        at = text:find("[\128-\255]", at)
    end
    parts[#parts + 1] = text:sub(from)
    return table.concat(parts)
end

-- A table as JSON text.
function entry.json(fields) return utf8(json.text(fields)) end

-- A text as JSON text: a string.
function entry.quoted(text) return utf8(json.text { text }):sub(2, -2) end

-- The request's body, as far as nginx has read it: its first `bytes_max` bytes, or nil.
function entry.body(bytes_max)
    local body = ngx.req.get_body_data()
    if body then return body:sub(1, bytes_max) end
    local path = ngx.req.get_body_file()
    if not path then return nil end
    local file, text = io.open(path, "rb")
    if not file then
        ngx.log(ngx.ERR, "pubsubgw: kafka-logger: the request's body: ", text)
        return nil
    end
    body = file:read(bytes_max)
    file:close()
    return body
end

-- Seconds of all upstreams that were asked: "0.001, 0.002 : 0.003", "-" where there was no answer.
local function upstream_seconds()
    local sum
    for number in (ngx.var.upstream_response_time or ""):gmatch "[%d.]+" do
        sum = (sum or 0) + (tonumber(number) or 0)
    end
    return sum
end

local function formatted(parts, bytes_max)
    local fields = {}
    for key, part in pairs(parts) do
        if part.fields then
            fields[key] = formatted(part.fields, bytes_max)
        elseif part.variable == "request_body" then
            fields[key] = entry.body(bytes_max)
        elseif part.variable then
            fields[key] = ngx.var[part.variable]
        else
            fields[key] = part.value
        end
    end
    return fields
end

-- By log_format. options: route_id, service_id.
function entry.formatted(conf, options)
    local fields = formatted(conf.log_format, conf.max_req_body_bytes)
    fields.route_id = options.route_id
    fields.service_id = options.service_id
    return fields
end

-- Whether the request's body is to be logged.
function entry.wants_body(conf)
    return conf.include_req_body
        and (not conf.include_req_body_expr or conf.include_req_body_expr(ngx.var))
end

-- All that is known. options: route_id, service_id, consumer, version. body: the response's, or nil.
function entry.full(conf, options, body)
    local var = ngx.var
    local started = ngx.req.start_time()
    local latency = (ngx.now() - started) * 1000
    local upstream = upstream_seconds()
    local username = options.consumer and options.consumer()
    local fields = {
        request = {
            url = ("%s://%s:%s%s"):format(
                var.scheme or "", var.host or "", var.server_port or "", var.request_uri or ""),
            uri = var.request_uri,
            method = ngx.req.get_method(),
            headers = copy(ngx.req.get_headers()),
            querystring = copy(ngx.req.get_uri_args()),
            size = tonumber(var.request_length),
            body = entry.wants_body(conf) and entry.body(conf.max_req_body_bytes) or nil,
        },
        response = {
            status = ngx.status,
            headers = copy(ngx.resp.get_headers()),
            size = tonumber(var.bytes_sent),
            body = body,
        },
        server = { hostname = var.hostname, version = options.version },
        upstream = var.upstream_addr,
        service_id = options.service_id or (options.route_id and "" or var.host),
        route_id = options.route_id,
        consumer = username and { username = username } or nil,
        client_ip = var.remote_addr,
        start_time = started * 1000,
        latency = latency,
        upstream_latency = upstream and upstream * 1000,
        -- The two are taken of different clocks.
        apisix_latency = math.max(0, latency - (upstream or 0) * 1000),
    }
    if conf.log_format_extra then
        for key, value in pairs(formatted(conf.log_format_extra, conf.max_req_body_bytes)) do
            if fields[key] == nil then fields[key] = value end
        end
    end
    return fields
end

-- The request's head, as nginx has read it, and its body.
function entry.origin(conf)
    local headers, names = ngx.req.get_headers(), {}
    for name in pairs(headers) do names[#names + 1] = name end
    table.sort(names)
    local lines = { ngx.var.request or "" }
    for _, name in ipairs(names) do
        local values = headers[name]
        for _, value in ipairs(type(values) == "table" and values or { values }) do
            lines[#lines + 1] = name .. ": " .. (value == true and "" or value)
        end
    end
    return table.concat(lines, "\r\n") .. "\r\n\r\n"
        .. (entry.wants_body(conf) and entry.body(conf.max_req_body_bytes) or "")
end

return entry
