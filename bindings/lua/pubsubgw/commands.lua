-- The gateway's calls for commands of the host's own; tokens are those of EV.COMMAND.
local C = require("pubsubgw.library").C
local status = require "pubsubgw.status"

local commands = {}

-- Commands `name` (PubSubReq field `request`, answered with PubSubResp field `response`) go to
-- `queue`; nil ends that. route: an id; nil for all routes.
function commands:command_on(route, name, request, response, queue)
    return status.done(C.pubsubgw_command_on(
        self.handle, route, name, request, response, queue and queue.handle))
end

-- message: the response's encoded sub-message.
function commands:command_reply(token, message)
    return status.done(C.pubsubgw_command_reply(self.handle, token, message, #message))
end

-- code: what the client sees; nil or 0: 10.
function commands:command_fail(token, code, text)
    return status.done(C.pubsubgw_command_fail(self.handle, token, code or 0, text))
end

return commands
