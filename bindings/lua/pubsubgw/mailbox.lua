-- First in, first out, between light threads of nginx. One taker at a time.
local semaphore = require "ngx.semaphore"

local Mailbox = {}
Mailbox.__index = Mailbox

function Mailbox.new()
    return setmetatable({ first = 1, last = 0, semaphore = semaphore.new() }, Mailbox)
end

function Mailbox:put(item)
    self.last = self.last + 1
    self[self.last] = item
    if self.waiting then
        self.waiting = false
        self.semaphore:post()
    end
end

-- The next item; waits up to `seconds` for one. nil: none came.
function Mailbox:take(seconds)
    if self.first > self.last then
        self.waiting = true
        self.semaphore:wait(seconds)
        self.waiting = false
        if self.first > self.last then return nil end
    end
    local item = self[self.first]
    self[self.first] = nil
    self.first = self.first + 1
    return item
end

return Mailbox
