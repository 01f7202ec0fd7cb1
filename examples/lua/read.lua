-- Reads a partition with LuaJIT: luajit read.lua BROKERS TOPIC [PARTITION [OFFSET]]
-- Prints what there is from the offset on, then what comes, until it is interrupted.
local pubsubgw = require "pubsubgw"
local brokers, topic, partition, offset = unpack(arg)

local gateway = assert(pubsubgw.new())
assert(gateway:start())
local kafka = assert(pubsubgw.kafka(gateway, { nodes = brokers }))
local ends = assert(kafka:list_offset(topic, tonumber(partition) or 0, -1))
io.stderr:write(("the partition ends at %d\n"):format(ends))

local subscription = assert(kafka:subscribe {
    topic = topic, partition = tonumber(partition) or 0, start = "offset",
    offset = tonumber(offset) or 0,
})
while true do
    local batch, text = subscription:next(60)
    if text then error(text) end
    for _, record in ipairs(batch and batch.records or {}) do
        print(("%d\t%s\t%s"):format(record.offset, record.key or "-", record.value or "-"))
    end
    io.stdout:flush()
end
