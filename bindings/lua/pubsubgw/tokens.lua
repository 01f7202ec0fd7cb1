-- The gateway's calls for tokens of the host's, for logins by OAUTHBEARER.
local C = require("pubsubgw.library").C
local json = require "pubsubgw.json"
local status = require "pubsubgw.status"

local tokens = {}

-- Requests for the token go to `queue` as EV.TOKEN (data: its name); nil ends that.
function tokens:token_on(name, queue)
    return status.done(C.pubsubgw_token_on(self.handle, name, queue and queue.handle))
end

-- Here is the token, good for `milliseconds` from now on. extensions: nil, or { name = value }.
function tokens:token_set(name, token, milliseconds, extensions)
    return status.done(C.pubsubgw_token_set(
        self.handle, name, token, milliseconds, json.text(extensions)))
end

-- There is none now, for this reason.
function tokens:token_fail(name, reason)
    return status.done(C.pubsubgw_token_fail(self.handle, name, reason))
end

-- Answers a request by what `source` returns: the token, its lifetime in seconds, its extensions
-- (nil: none); or nil and a reason.
function tokens:token_answer(name, source)
    local fine, token, lifetime, extensions = pcall(source, name)
    if not fine then token, lifetime = nil, token end
    if token then
        local set, text = self:token_set(
            name, token, (tonumber(lifetime) or 0) * 1000, extensions)
        if set then return true end
        lifetime = text
    end
    return self:token_fail(name, lifetime and tostring(lifetime))
end

return tokens
