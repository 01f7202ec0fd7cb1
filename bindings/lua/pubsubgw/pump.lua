-- For programs without a loop: who waits for an event takes everybody's from the queue meanwhile.
local Queue = require "pubsubgw.queue"

local Pump = {}
Pump.__index = Pump
local Mailbox = {}
Mailbox.__index = Mailbox

function Pump.new(queue)
    return setmetatable({ queue = queue, gateway = queue.gateway, tokens = {}, next_token = 1, sources = {} }, Pump)
end

-- A token for a request, and what is called with each event that carries it.
function Pump:token(receiver)
    local token = self.next_token
    self.next_token = token + 1
    self.tokens[token] = receiver
    return token
end

-- source: as of pubsubgw.nginx's `token`. It is asked while somebody waits for an event.
function Pump:on_token(name, source)
    self.sources[name] = source
    return self.gateway:token_on(name, self.queue)
end

function Pump:take(event)
    local source = event.type == 12 and self.sources[event.data] -- TOKEN
    if source then return self.gateway:token_answer(event.data, source) end
    local receiver = self.tokens[Queue.owner(event)]
    if receiver then receiver(event) end
end

function Pump:forget(token) self.tokens[token] = nil end

function Pump:mailbox() return setmetatable({ pump = self, first = 1, last = 0 }, Mailbox) end

function Mailbox:put(item)
    self.last = self.last + 1
    self[self.last] = item
end

-- The next item; blocks up to `seconds` for one (to the second, while others get theirs). nil: none
-- came.
function Mailbox:take(seconds)
    local ends = os.time() + seconds
    while self.first > self.last do
        local left = math.max(0, math.min(seconds, ends - os.time()))
        local events = self.pump.queue:wait(left * 1000) or {}
        if #events == 0 then break end
        for _, event in ipairs(events) do self.pump:take(event) end
    end
    local item = self[self.first]
    if item == nil then return nil end
    self[self.first] = nil
    self.first = self.first + 1
    return item
end

return Pump
