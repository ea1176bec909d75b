-- SPDX-License-Identifier: MIT
-- One question to the agent, over its socket. Whatever goes wrong is 403.
local unix = require "socket.unix"

local agent = "/run/doublelock/agent.sock"
local path = "/v1/auth/apache/web"

local function question(r)
	-- PEM in one line; r:escape() would make a space a plus
	local certificate = (r:ssl_var_lookup("SSL_CLIENT_CERT") or ""):gsub("%s+", " ")
	local lines = {
		"GET " .. path .. " HTTP/1.0",
		"X-SSL-Client-Cert: " .. certificate,
		"X-Real-IP: " .. r.useragent_ip,
	}
	-- leave this one out where otp = none: then it is the application's
	local authorization = r.headers_in["Authorization"]
	if authorization then
		table.insert(lines, "Authorization: " .. authorization)
	end
	return table.concat(lines, "\r\n") .. "\r\n\r\n"
end

-- The status, and the headers with their names in lower case.
local function ask(r)
	local socket = unix()
	socket:settimeout(5)
	if not (socket:connect(agent) and socket:send(question(r))) then
		socket:close()
		return nil, {}
	end
	local line = socket:receive("*l")
	local status = line and line:match("^HTTP/1%.%d (%d%d%d) ")
	local headers = {}
	-- whoever has not answered in time is not waited for again
	line = status and socket:receive("*l")
	while line and line ~= "" do
		local name, value = line:match("^([^:]+): (.*)$")
		if name then
			headers[name:lower()] = value
		end
		line = socket:receive("*l")
	end
	socket:close()
	-- a head that does not end is no answer
	return line == "" and tonumber(status) or nil, headers
end

function access(r)
	local status, headers = ask(r)
	if status == 200 and headers["x-doublelock-user"] then
		r.headers_in["X-Doublelock-User"] = headers["x-doublelock-user"]
		return apache2.OK
	end
	if status == 401 then
		r.err_headers_out["WWW-Authenticate"] = headers["www-authenticate"]
		return 401
	end
	return 403
end
