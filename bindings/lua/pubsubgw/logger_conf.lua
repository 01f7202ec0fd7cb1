-- Checks a route's plugins["kafka-logger"] as APISIX's own schema does, and more strictly: a key that
-- nobody knows is an error. What it means to the library: `client` and `producer`.
local expr = require "pubsubgw.logger_expr"

local conf = {}

local SECONDS_MAX = 86400 -- of what the library takes as milliseconds
local BYTES_MAX = 2 ^ 30
local COUNT_MAX = 2 ^ 31 - 1
local FORMAT_DEPTH_MAX = 5
local DELIVERY_MS = 120000

local WRONG = {} -- marks what `fail` raises

local function fail(place, text) error(setmetatable({ text = place .. ": " .. text }, WRONG), 0) end

local function shown(value)
    if value == ngx.null then return "null" end
    local kind = type(value)
    if kind == "string" then return ("%q"):format(#value > 40 and value:sub(1, 40) .. "..." or value) end
    if kind == "number" or kind == "boolean" then return tostring(value) end
    return "a " .. kind
end

local function is_list(value)
    if type(value) ~= "table" then return false end
    local count = 0
    for _ in pairs(value) do count = count + 1 end
    return count == #value
end

local function inside(place, key) return place == "" and key or place .. "." .. key end

-- Kinds: functions (value, place, notes) that return what the value means, or fail ------------------

local function text(value, place)
    if type(value) ~= "string" then fail(place, "expected a string, got " .. shown(value)) end
    if value:find "%z" then fail(place, "a string here has no NUL") end
    return value
end

local function secret(value, place)
    if type(value) ~= "string" then fail(place, "expected a string") end
    return text(value, place)
end

local function boolean(value, place)
    if type(value) ~= "boolean" then fail(place, "expected true or false, got " .. shown(value)) end
    return value
end

local function integer(least, most)
    local range = most == COUNT_MAX and ("of at least %d"):format(least)
        or ("from %d to %d"):format(least, most)
    return function(value, place)
        if type(value) ~= "number" or value % 1 ~= 0 or value < least or value > most then
            fail(place, ("expected an integer %s, got %s"):format(range, shown(value)))
        end
        return value
    end
end

local function one_of(...)
    local known = { ... }
    return function(value, place)
        for _, one in ipairs(known) do
            if one == value then return value end
        end
        fail(place, ("expected %s, got %s"):format(table.concat(known, " or "), shown(value)))
    end
end

local function object(fields)
    return function(value, place, notes)
        if type(value) ~= "table" or value[1] ~= nil then
            fail(place, "expected an object, got " .. (is_list(value) and "a list" or shown(value)))
        end
        local unknown = {}
        for key in pairs(value) do
            if not fields[key] then unknown[#unknown + 1] = tostring(key) end
        end
        table.sort(unknown)
        if unknown[1] then fail(inside(place, unknown[1]), "there is no such key") end
        local found = {}
        for key, field in pairs(fields) do
            local inner = value[key]
            if inner ~= nil then
                found[key] = field.kind(inner, inside(place, key), notes)
                if field.note then notes[#notes + 1] = inside(place, key) .. ": " .. field.note end
            elseif field.required then
                fail(inside(place, key), "is missing")
            else
                found[key] = field.default
            end
        end
        return found
    end
end

local function topic(value, place)
    if not text(value, place):find "^[%w._-]+$" or #value > 249 or value == "." or value == ".." then
        fail(place, "not a topic's name (letters, digits, \".\", \"_\", \"-\", 249 at most): "
            .. shown(value))
    end
    return value
end

local port = integer(1, 65535)

local function host(value, place)
    if text(value, place) == "" then fail(place, "is empty") end
    return value
end

local broker = object {
    host = { kind = host, required = true },
    port = { kind = port, required = true },
    sasl_config = { kind = object {
        mechanism = { kind = one_of("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"), default = "PLAIN" },
        user = { kind = text, required = true },
        password = { kind = secret, required = true },
    } },
}

local function same_login(one, other)
    if not one or not other then return one == other end
    return one.mechanism == other.mechanism and one.user == other.user
        and one.password == other.password
end

local function brokers(value, place, notes)
    if not is_list(value) or #value == 0 then
        fail(place, "expected a list of at least one broker, got " .. shown(value))
    end
    local found, seen = {}, {}
    for index, one in ipairs(value) do
        local here = ("%s[%d]"):format(place, index)
        found[index] = broker(one, here, notes)
        local address = found[index].host .. ":" .. found[index].port
        if seen[address] then fail(here, "is there twice: " .. address) end
        seen[address] = true
        if not same_login(found[index].sasl_config, found[1].sasl_config) then
            fail(here .. ".sasl_config", "differs from the first broker's: a cluster has one login")
        end
    end
    return found
end

local function broker_list(value, place)
    if type(value) ~= "table" or next(value) == nil or value[1] ~= nil then
        fail(place, "expected an object of at least one broker, {host: port}")
    end
    local found = {}
    for name, number in pairs(value) do
        host(name, place)
        found[#found + 1] = { host = name, port = port(number, inside(place, name)) }
    end
    table.sort(found, function(one, other) return one.host < other.host end)
    return found
end

local function format(value, place, notes, depth)
    depth = depth or 1
    if type(value) ~= "table" or depth == 1 and value[1] ~= nil then
        fail(place, "expected an object, got " .. (type(value) == "table" and "a list" or shown(value)))
    end
    local parts = {}
    for key, inner in pairs(value) do
        local here = inside(place, tostring(key))
        local kind = type(inner)
        if kind == "table" then
            if depth >= FORMAT_DEPTH_MAX then
                notes[#notes + 1] = ("%s: is deeper than %d levels and stays empty"):format(
                    here, FORMAT_DEPTH_MAX)
                parts[key] = { fields = {} }
            else
                parts[key] = { fields = format(inner, here, notes, depth + 1) }
            end
        elseif kind == "string" and inner:sub(1, 1) == "$" then
            if #inner == 1 then fail(here, "expected a variable's name behind \"$\"") end
            parts[key] = { variable = inner:sub(2) }
        elseif kind == "string" or kind == "number" or kind == "boolean" then
            parts[key] = { value = inner }
        else
            fail(here, "expected a string, a number, a boolean or an object, got " .. shown(inner))
        end
    end
    return parts
end

local function condition(value, place) return expr.compile(value, place, fail) end

local function nothing(value) return value end

local function unsupported(why)
    return function(_, place) fail(place, why) end
end

local count = integer(1, COUNT_MAX)

local plugin = object {
    _meta = { kind = object {
        disable = { kind = boolean, default = false },
        priority = { kind = nothing, note = "has no effect: the order is that of your calls" },
        error_response = { kind = nothing, note = "has no effect: a logger refuses no request" },
        filter = { kind = unsupported "is not supported: ask in your own code before you call the phases" },
        pre_function = { kind = unsupported "is not supported" },
    }, default = {} },
    meta_format = { kind = one_of("default", "origin"), default = "default" },
    log_format = { kind = format },
    log_format_extra = { kind = format },
    brokers = { kind = brokers },
    broker_list = { kind = broker_list },
    tls = { kind = object { verify = { kind = boolean, default = false } } },
    kafka_topic = { kind = topic, required = true },
    key = { kind = text },
    producer_type = { kind = one_of("async", "sync"), default = "async" },
    required_acks = { kind = one_of(1, -1), default = 1 },
    timeout = { kind = integer(1, SECONDS_MAX), default = 3 },
    include_req_body = { kind = boolean, default = false },
    include_req_body_expr = { kind = condition },
    include_resp_body = { kind = boolean, default = false },
    include_resp_body_expr = { kind = condition },
    max_req_body_bytes = { kind = count, default = 524288 },
    max_resp_body_bytes = { kind = count, default = 524288 },
    cluster_name = { kind = count,
        note = "has no effect: each logger has a producer of its own" },
    producer_batch_num = { kind = count, default = 200 },
    producer_batch_size = { kind = integer(0, BYTES_MAX), default = 1048576 },
    producer_max_buffering = { kind = count, default = 50000 },
    producer_time_linger = { kind = integer(1, SECONDS_MAX), default = 1 },
    meta_refresh_interval = { kind = integer(1, SECONDS_MAX), default = 30 },
    api_version = { kind = one_of(0, 1, 2),
        note = "has no effect: the newest version that a broker has is spoken" },
    name = { kind = text, default = "kafka logger" },
    max_retry_count = { kind = integer(0, COUNT_MAX), default = 0 },
    retry_delay = { kind = integer(0, COUNT_MAX), default = 1 },
    buffer_duration = { kind = count, default = 60 },
    inactive_timeout = { kind = count, default = 5 },
    batch_max_size = { kind = count, default = 1000 },
}

local function without_effect(given, found, notes)
    local function note(key, why)
        if given[key] ~= nil then notes[#notes + 1] = key .. ": has no effect: " .. why end
    end
    if found.producer_type == "sync" then
        for _, key in ipairs { "producer_batch_num", "producer_time_linger" } do
            note(key, "producer_type sync sends at once")
        end
    end
    if not found.include_req_body then note("include_req_body_expr", "include_req_body is false") end
    if not found.include_resp_body then note("include_resp_body_expr", "include_resp_body is false") end
    if found.max_retry_count == 0 then note("retry_delay", "max_retry_count is 0") end
    if found.meta_format == "origin" then
        note("log_format", "meta_format is origin")
        note("log_format_extra", "meta_format is origin")
        note("include_resp_body", "meta_format is origin")
        found.include_resp_body = false
    elseif found.log_format then
        note("log_format_extra", "there is log_format")
        note("include_resp_body", "log_format says what is logged")
        found.include_resp_body = false
    end
end

local function checked(given)
    local notes = {}
    local found = plugin(given, "", notes)
    if found.brokers and found.broker_list then fail("broker_list", "is there beside brokers: one of them") end
    found.brokers = found.brokers or found.broker_list
    if not found.brokers then fail("brokers", "is missing") end
    without_effect(given, found, notes)
    table.sort(notes)
    return found, notes
end

-- given: the plugin's object, as a table. Returns what it means, with all defaults, and a list of notes:
-- what is accepted and has no effect. nil and a text, "brokers[1].port: ...", where it is wrong.
function conf.check(given)
    if type(given) ~= "table" then return nil, "expected an object, got " .. shown(given) end
    local fine, found, notes = pcall(checked, given)
    if fine then return found, notes end
    if getmetatable(found) ~= WRONG then error(found, 0) end
    return nil, found.text
end

-- The configuration of the library's client.
function conf.client(found)
    local nodes = {}
    for index, one in ipairs(found.brokers) do
        nodes[index] = { host = one.host, port = one.port, weight = 1 }
    end
    local login = found.brokers[1].sasl_config
    return {
        nodes = nodes,
        tls = found.tls and { verify = found.tls.verify },
        plugins = login and { ["kafka-proxy"] = { sasl = {
            mechanism = login.mechanism, username = login.user, password = login.password } } },
        pubsub = { metadata_max_age_ms = found.meta_refresh_interval * 1000 },
    }
end

-- The settings of the library's producer. message_max: bytes of the largest message; held_max: bytes
-- that may wait.
function conf.producer(found, message_max, held_max)
    local request_ms = found.timeout * 1000
    local linger_ms = found.producer_type == "async" and found.producer_time_linger * 1000 or 0
    return {
        acks = found.required_acks == -1 and "all" or "leader",
        linger_ms = linger_ms,
        flush = linger_ms > 0 and {
            messages = found.producer_batch_num, frequency_ms = linger_ms,
            bytes = found.producer_batch_size > 0 and found.producer_batch_size or nil } or nil,
        batch_size = found.producer_batch_size,
        max_request_size = math.max(1048576, message_max + #(found.key or "") + 1024),
        buffer_memory = 2 * held_max + BYTES_MAX / 64,
        request_timeout_ms = request_ms,
        delivery_timeout_ms = math.max(DELIVERY_MS, linger_ms + request_ms),
    }
end

return conf
