-- SPDX-License-Identifier: MIT
-- One question to the agent, over its socket. Whatever goes wrong leaves doublelock_ok unset.
core.register_action("doublelock", { "http-req" }, function(txn, socket, path)
	txn:set_var("txn.doublelock_ok", false)
	txn:set_var("txn.doublelock_status", 0)
	-- Before HAProxy 2.9 there are three hidden retries: the patience is four times this.
	local answer = core.httpclient():get {
		url = "http://doublelock" .. path,
		dst = socket,
		timeout = 1250,
		headers = {
			["x-client-cert-der"] = { txn.c:base64(txn.f:ssl_c_der() or "") },
			["x-client-chain-der"] = { txn.c:base64(txn.f:ssl_c_chain_der() or "") },
			["x-real-ip"] = { tostring(txn.f:src()) },
			-- leave this one out where otp = none: then it is the application's
			["authorization"] = txn.http:req_get_headers()["authorization"],
		},
	}
	if not answer then
		return
	end
	txn:set_var("txn.doublelock_status", answer.status)
	local reason = answer.headers["x-doublelock-reason"]
	if reason then
		txn:set_var("txn.doublelock_reason", reason[0])
	end
	local user = answer.headers["x-doublelock-user"]
	if answer.status == 200 and user then
		txn:set_var("txn.doublelock_user", user[0])
		txn:set_var("txn.doublelock_ok", true)
	end
end, 2)
