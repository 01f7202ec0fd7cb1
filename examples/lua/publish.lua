-- The operation Publish of an integration flow's Kafka connector, with LuaJIT: one message.
--
--     luajit publish.lua BROKERS TOPIC [NAME=VALUE]... < payload
--
-- BROKERS: host:port,host:port; or an object as of pubsubgw_client_new, for a login or TLS.
-- NAME: partition, key, headers (an object of texts, as JSON), payload (a text, in place of standard
-- input), or a setting: see `settings`, which has the connector's defaults.
-- Prints {"topic", "partition", "offset"} and exits 0, or {"Code", "Description"} and exits 1.
local pubsubgw = require "pubsubgw"
local json = require "pubsubgw.json"

local settings = {
    acks = "LeaderOnly", -- None, LeaderOnly, All
    idempotence = false, max_message_bytes = 1000000, request_timeout_ms = 10000,
    delivery_timeout_ms = 120000, linger_ms = 0,
    flush = { bytes = 0, messages = 0, frequency_ms = 0, max_messages = 0 },
}

-- The only code the connector knows; what went wrong stands in the description.
local function fail(what, why)
    print(json.text { Code = "CORE:RUNTIME", Description = what .. ": " .. tostring(why) })
    os.exit(1)
end

local function done(what, value, text, code)
    if value == nil or value == false then
        fail(code and pubsubgw.error_name(code) or what, text)
    end
    return value
end

-- An object of texts ------------------------------------------------------------------------------

local meant = { b = "\b", f = "\f", n = "\n", r = "\r", t = "\t", ['"'] = '"', ["\\"] = "\\", ["/"] = "/" }

local function utf8(code)
    if code < 0x80 then return string.char(code) end
    local parts, first = {}, code < 0x800 and 0xC0 or code < 0x10000 and 0xE0 or 0xF0
    local limit = first == 0xC0 and 0x20 or first == 0xE0 and 0x10 or 8
    while code >= limit do
        table.insert(parts, 1, string.char(0x80 + code % 64))
        code = math.floor(code / 64)
    end
    return string.char(first + code) .. table.concat(parts)
end

-- The text that begins at `at`, and what follows it; nil: it is none.
local function text_at(json_text, at)
    if json_text:sub(at, at) ~= '"' then return nil end
    local parts = {}
    at = at + 1
    while true do
        local plain = json_text:match('^[^%c"\\]+', at) or ""
        parts[#parts + 1], at = plain, at + #plain
        local mark, name = json_text:sub(at, at), json_text:sub(at + 1, at + 1)
        if mark == '"' then return table.concat(parts), at + 1 end
        if mark == "\127" then -- a control character to Lua, not to JSON
            parts[#parts + 1], at = mark, at + 1
        elseif mark == "\\" and meant[name] then
            parts[#parts + 1], at = meant[name], at + 2
        else
            local code = tonumber(json_text:match("^\\u(%x%x%x%x)", at) or "", 16)
            at = at + 6
            if code and code >= 0xD800 and code < 0xDC00 then -- a pair is one character
                local low = tonumber(json_text:match("^\\u(%x%x%x%x)", at) or "", 16)
                if not low or low < 0xDC00 or low > 0xDFFF then return nil end
                code, at = 0x10000 + (code - 0xD800) * 1024 + low - 0xDC00, at + 6
            elseif not code or code >= 0xDC00 and code <= 0xDFFF then
                return nil
            end
            parts[#parts + 1] = utf8(code)
        end
    end
end

local function headers_of(json_text)
    local headers = {}
    local at = json_text:match "^[ \t\r\n]*{[ \t\r\n]*()"
    if not at then return nil end
    if json_text:match("^}[ \t\r\n]*$", at) then return headers end
    while true do
        local header = {}
        header.name, at = text_at(json_text, at)
        at = at and json_text:match("^[ \t\r\n]*:[ \t\r\n]*()", at)
        if not at or header.name:find "%z" then return nil end
        header.value, at = text_at(json_text, at)
        if not at then return nil end
        headers[#headers + 1] = header
        if json_text:match("^[ \t\r\n]*}[ \t\r\n]*$", at) then return headers end
        at = json_text:match("^[ \t\r\n]*,[ \t\r\n]*()", at)
        if not at then return nil end
    end
end

-- What was asked for ------------------------------------------------------------------------------

-- Words that JSON has of its own; what they may be is the library's to say.
local function setting(value)
    if value == "true" or value == "false" then return value == "true" end
    return value:match "^-?%d+$" and tonumber(value) or value
end

local brokers, topic = arg[1], arg[2]
if not topic then
    io.stderr:write "usage: luajit publish.lua BROKERS TOPIC [NAME=VALUE]...\n"
    os.exit(2)
end
local record = { topic = topic }
for index = 3, #arg do
    local name, value = arg[index]:match "^([^=]*)=(.*)$"
    if not name then fail(arg[index], "is not NAME=VALUE") end
    local flush = name:match "^flush%.(.+)$"
    if name == "partition" then
        record.partition = value:match "^%d+$" and tonumber(value)
        if not record.partition or record.partition >= 2 ^ 31 then
            fail(arg[index], "a partition is a number from 0 to 2147483647")
        end
    elseif name == "key" then
        record.key = value
    elseif name == "payload" then
        record.value = value
    elseif name == "headers" then
        record.headers = headers_of(value)
            or fail(arg[index], "headers are a JSON object of texts")
    elseif flush and settings.flush[flush] then
        settings.flush[flush] = setting(value)
    elseif name ~= "flush" and settings[name] ~= nil then
        settings[name] = setting(value)
    else
        fail(arg[index], "there is no setting of this name")
    end
end
record.value = record.value or io.read "*a"

pubsubgw.set_log_level(pubsubgw.LOG.OFF)
local gateway = done("start", pubsubgw.new())
done("start", gateway:start())
local config = brokers:sub(1, 1) == "{" and brokers or { nodes = brokers }
local kafka = done("brokers", pubsubgw.kafka(gateway, config))
local producer = done("settings", kafka:producer(settings))
-- It is told of within delivery_timeout_ms, whatever happens.
local place, text, code = producer:produce(record)
if not place then fail(("topic %s: %s"):format(topic, pubsubgw.error_name(code)), text) end
print(('{"topic": %s, "partition": %d, "offset": %d}')
    :format(json.text { place.topic }:sub(2, -2), place.partition, tonumber(place.offset)))
producer:close()
