-- A plug-in of APISIX that answers commands, after its move to this library: the shape of
-- apisix/pubsub/kafka.lua. Two lines are different, and marked. `ngx` stands for apisix.core here.
local ffi = require "ffi"
local pubsub = require "pubsubgw.apisix"             -- was: core.pubsub
local consumers = require("pubsubgw.nginx").kafka    -- was: require("resty.kafka.basic-consumer")

local _M = {}

-- Large 64-bit integers come as "#123".
local function int64(value)
    if type(value) ~= "string" then return value end
    local digits = value:match "%d+"
    local sum = 0LL
    for digit in digits:gmatch "%d" do sum = sum * 10 + tonumber(digit) end
    return value:find("-", 1, true) and -sum or sum
end

function _M.access(api_ctx)
    local ps, err = pubsub.new()
    if not ps then
        ngx.log(ngx.ERR, "failed to initialize pubsub module, err: ", err)
        return ngx.exit(400)
    end

    local consumer
    consumer, err = consumers { nodes = api_ctx.matched_upstream.nodes }
    if not consumer then
        ngx.log(ngx.ERR, "no consumer, err: ", err)
        return ngx.exit(500)
    end

    ps:on("cmd_kafka_list_offset", function (params)
        local offset, err = consumer:list_offset(
            params.topic, params.partition, int64(params.timestamp))
        if not offset then
            return nil, "failed to list offset, topic: " .. params.topic ..
                ", partition: " .. params.partition .. ", err: " .. err
        end
        return { kafka_list_offset_resp = { offset = offset } }
    end)

    ps:on("cmd_kafka_fetch", function (params)
        local batch, err = consumer:fetch {
            topic = params.topic, partition = params.partition, offset = int64(params.offset) }
        if not batch then
            return nil, "failed to fetch message, topic: " .. params.topic ..
                ", partition: " .. params.partition .. ", err: " .. err
        end
        return { kafka_fetch_resp = { messages = batch.records } }
    end)

    ps:wait()
end

return _M
