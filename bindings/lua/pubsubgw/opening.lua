-- How a client comes in: pubsubgw_open from a table.
--   route                   a route's id; or host and uri, or what the request head says
--   request_head            the whole HTTP request head: the library checks and answers it
--   key, protocol, extensions, origin
--                           of a head that the host has checked; without key the host sent the 101
--   remote_addr, preread    text; bytes that the host read behind the head
--   policy                  narrows the route: a table or JSON
--   queue, user_data        where events go, and a number or 64-bit cdata that comes back in them
--   dup, no_closed_event    flags
--   tell_output             bytes and messages sessions: feed and message say what waits; see there
local ffi = require "ffi"
local bit = require "bit"
local C = require("pubsubgw.library").C
local json = require "pubsubgw.json"

local OPEN = ffi.typeof "pubsubgw_open"

local function flags(options)
    return bit.bor(options.dup and C.PUBSUBGW_OPEN_DUP_FD or 0,
        options.no_closed_event and C.PUBSUBGW_OPEN_NO_CLOSED_EVENT or 0,
        options.tell_output and C.PUBSUBGW_OPEN_TELL_OUTPUT or 0)
end

local function text(value)
    -- To C the text would end there.
    if value and value:find "%z" then error("pubsubgw: a NUL in a text for C", 0) end
    return value
end

-- The struct holds pointers into strings that `options` has to hold until the library returns; the
-- policy's text is put there for that reason.
return function(options)
    local open = OPEN()
    local policy = json.text(options.policy)
    options.policy = policy
    open.struct_size = ffi.sizeof(open)
    open.flags = flags(options)
    open.route_id, open.host = text(options.route), text(options.host)
    open.uri, open.origin = text(options.uri), text(options.origin)
    open.remote_addr = text(options.remote_addr)
    if options.request_head then
        open.request_head, open.request_head_len = options.request_head, #options.request_head
    end
    open.websocket_key, open.websocket_protocol = text(options.key), text(options.protocol)
    open.websocket_extensions = text(options.extensions)
    open.policy_json = policy
    if options.preread then open.preread, open.preread_len = options.preread, #options.preread end
    if options.queue then open.queue = options.queue.handle end
    open.user_data = options.user_data or 0
    return open
end
