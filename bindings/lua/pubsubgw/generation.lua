-- What nginx's configurations are called, in a file that all of its processes read: by that an old
-- worker knows whether it goes for a reload or for good. A name is the time it was read, in ms.

local process = require "ngx.process"

local generation = {}
local Generation = { __index = generation }

local RELOAD_MILLISECONDS = 60000
local ENOENT = 2

-- Of the configuration that is being read. `path_of(name)` is where a file or socket is.
function generation.new(path_of)
    local name = ("%.0f"):format(ngx.now() * 1000)
    return setmetatable({ path_of = path_of, name = name }, Generation)
end

local function read(path)
    local file = io.open(path)
    local name = file and file:read "*l"
    if file then file:close() end
    return name, tonumber(name)
end

-- A file of root's, or of a worker that has died, does not stand in the way, and nobody reads half
-- a name. nil and a text on failure.
function generation:announce()
    local path = self.path_of "generation"
    local _, newest = read(path)
    if newest and newest > tonumber(self.name) then return true end
    local own = ("%s.%d"):format(path, ngx.worker.pid())
    local file, text = io.open(own, "w")
    if not file then return nil, text end
    file:write(self.name, "\n")
    file:close()
    return os.rename(own, path)
end

-- In the master, which has read the new configuration: it tells the old workers to go a tenth of a
-- second after it forked the new ones, which may not have begun by then. In a first start there is
-- no master yet, and nothing to announce.
function generation:announce_reload()
    if process.type() == "master" then self:announce() end
end

-- Whether a newer configuration has workers, or will have them. What was announced long ago and has
-- none was a reload that failed.
function generation:is_replaced()
    local name, time = read(self.path_of "generation")
    if name == self.name then return false end
    if not time or math.abs(ngx.now() * 1000 - time) < RELOAD_MILLISECONDS then return true end
    local _, _, errno = io.open(self.path_of(name .. "-0.sock"))
    return errno ~= ENOENT
end

return generation
