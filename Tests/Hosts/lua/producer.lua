-- Producing in plain LuaJIT: luajit producer.lua BROKERS (topics t: 1 partition, tx: 1, empty)
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
local kafka = assert(pubsubgw.kafka(gateway, { nodes = arg[1] }))
fails(E.CONFIG, "linger.ms", kafka:producer { ["linger.ms"] = -1 })

local producer = assert(kafka:producer { linger_ms = 1 })
local place = assert(producer:produce {
    topic = "t", key = "k", value = "a\0b", headers = { { name = "n", value = "x" }, { name = "m" } } })
same(place.topic, "t")
same(place.partition, 0)
same(place.offset, 0)
same(assert(producer:produce { topic = "t", partition = 0, timestamp = 5 }).offset, 1)
local many = {}
for index = 1, 25000 do many[index] = "v" .. index end
same(assert(producer:produce_batch(many, "t")).offset, 25001)
fails(E.INVALID, "topic", producer:produce { value = "x" })
fails(E.INVALID, "partition", producer:produce { topic = "t", partition = -5 })
fails(E.KAFKA - 3, "9", producer:produce { topic = "t", partition = 9 })
-- Little room: it is waited for.
local narrow = assert(kafka:producer { ["buffer.memory"] = 2000, ["linger.ms"] = 1 })
same(assert(narrow:produce_batch({ "1", "2", "3", "4" }, "t")).offset, 25005)
for index = 1, 200 do many[index] = { topic = "t", value = ("x"):rep(100) } end
for index = 201, 25000 do many[index] = nil end
same(assert(narrow:produce_batch(many)).offset, 25205)
assert(producer:flush())
narrow:close()
fails(E.GONE, "closed", narrow:produce { topic = "t" })

local batch = assert(kafka:fetch { topic = "t", offset = 0, max_bytes = 100 })
same(batch.records[1].value, "a\0b")
same(batch.records[1].key, "k")
same(batch.records[1].headers[1].value, "x")
same(batch.records[1].headers[2].value, nil)
same(batch.records[2].value, nil)
same(batch.records[2].timestamp, 5)

local tx = assert(kafka:producer { transactional_id = "lua" })
fails(E.STATE, "transaction", tx:produce { topic = "tx", value = "outside" })
assert(tx:transaction(function(producer)
    assert(producer:produce { topic = "tx", value = "a" })
    assert(producer:produce { topic = "tx", value = "b" })
end))
local fine, text = pcall(tx.transaction, tx, function(producer)
    assert(producer:produce { topic = "tx", value = "c" })
    error "no"
end)
same(fine, false)
assert(text:find "no")
fails(E.KAFKA - 3, "9", tx:transaction(function(producer)
    return producer:produce { topic = "tx", partition = 9 }
end))
assert(tx:transaction(function(producer) return producer:produce { topic = "tx", value = "d" } end))
local seen = {}
batch = assert(kafka:fetch { topic = "tx", offset = 0, isolation = "read_committed" })
for _, record in ipairs(batch.records) do seen[#seen + 1] = record.value end
same(table.concat(seen, " "), "a b d")
tx:close()
producer:close()
kafka:close()
gateway:close()
