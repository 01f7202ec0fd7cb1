-- The direct client in plain LuaJIT: luajit kafka.lua BROKERS (topic demo: 500 records)
local pubsubgw = require "pubsubgw"
local E = pubsubgw.E

local function same(found, wanted)
    if found ~= wanted then
        error(("found %s, wanted %s"):format(tostring(found), tostring(wanted)), 2)
    end
end

local function fails(code, part, value, text, found)
    same(value, nil)
    same(found, code)
    if not text:find(part, 1, true) then error(text .. " is without " .. part, 2) end
end

assert(pubsubgw.set_log_level(pubsubgw.LOG.OFF))
local gateway = assert(pubsubgw.new())
assert(gateway:start())
fails(E.CONFIG, "nodes", pubsubgw.kafka(gateway, { nodes = {} }))
fails(E.NO_ROUTE, "none", pubsubgw.kafka(gateway, { route = "none" }))
local kafka = assert(pubsubgw.kafka(gateway, { nodes = arg[1] }))

same(assert(kafka:list_offset("demo", 0, -1)), 500)
same(assert(kafka:list_offset("demo", 0, -2)), 0)
assert(assert(kafka:metadata "demo"):find('"name":"demo"', 1, true))
assert(assert(kafka:metadata()):find('"name":"demo"', 1, true))

local function follow(next_batch)
    local offset = 0
    while offset < 500 do
        local batch = assert(next_batch(offset))
        for _, record in ipairs(batch.records) do
            same(record.offset, offset)
            same(record.topic, "demo")
            same(record.partition, 0)
            assert(#record.value > 0 and record.timestamp > 0)
            offset = offset + 1
        end
        same(batch.next_offset, offset)
    end
end

follow(function(offset)
    return kafka:fetch { topic = "demo", offset = offset, max_bytes = 5000 }
end)
local batch = assert(kafka:fetch { topic = "demo", offset = -1 })
same(#batch.records, 0)
same(batch.next_offset, 500)
same(batch.high_watermark, 500)
same(assert(kafka:fetch { topic = "demo", offset = -2, isolation = "read_committed" }).records[1].offset, 0)

fails(E.KAFKA - 1, "", kafka:fetch { topic = "demo", offset = 999 })
fails(E.KAFKA - 3, "", kafka:fetch { topic = "missing" })
fails(E.INVALID, "", kafka:fetch { topic = "demo", partition = -1 })
same(pcall(kafka.fetch, kafka, { topic = "demo", isolation = "none" }), false)

local subscription = assert(kafka:subscribe { topic = "demo", start = "earliest" })
follow(function() return subscription:next(20) end)
same(subscription:next(0), nil)
local second = assert(kafka:subscribe { topic = "demo", offset = 490 })
same(assert(second:next(20)).records[1].offset, 490)
subscription:cancel()
fails(E.GONE, "", subscription:next(20))

local lost = assert(kafka:subscribe { topic = "demo", start = "latest" })
same(lost:next(0.2), nil)
kafka:close()
fails(E.GONE, "", lost:next(20))
fails(E.GONE, "", kafka:list_offset("demo", 0, -1))
