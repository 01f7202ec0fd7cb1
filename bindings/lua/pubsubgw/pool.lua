-- Light threads that run the host's handlers. They are kept: a finished one is freed only when its
-- parent ends, and the parent here, the dispatcher, lasts as long as the worker.
local semaphore = require "ngx.semaphore"

local Pool = {}
Pool.__index = Pool

local THREADS_MAX = 256
local FOREVER = 86400 -- seconds

function Pool.new()
    return setmetatable({
        first = 1, last = 0, idle = 0, threads = 0, waiting = semaphore.new() }, Pool)
end

function Pool:next()
    while self.first > self.last do
        self.idle = self.idle + 1
        self.waiting:wait(FOREVER)
        self.idle = self.idle - 1
        if self.over then return nil end
    end
    local job = self[self.first]
    self[self.first] = nil
    self.first = self.first + 1
    return job
end

function Pool:work()
    while true do
        local job = self:next()
        if not job then return end
        local fine, text = pcall(job)
        if not fine then ngx.log(ngx.ERR, "pubsubgw: ", text) end
    end
end

-- Runs it soon, beside up to 255 others.
function Pool:run(job)
    self.last = self.last + 1
    self[self.last] = job
    if self.idle > 0 or self.threads == THREADS_MAX then return self.waiting:post() end
    self.threads = self.threads + 1
    ngx.thread.spawn(self.work, self)
end

-- Lets idle threads end; busy ones end after their job.
function Pool:finish()
    self.over = true
    if self.threads > 0 then self.waiting:post(self.threads) end
end

return Pool
