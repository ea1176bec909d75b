// SPDX-License-Identifier: MIT
// One question to the agent, over its socket. Whatever goes wrong closes the connection.
const agent = 'http://unix:/run/doublelock/agent.sock:';
const path = '/v1/auth/nginx/bastion';

async function access(s) {
	try {
		const answer = await ngx.fetch(agent + path, {
			headers: {
				'X-SSL-Client-Cert': s.variables.ssl_client_escaped_cert || '',
				'X-Real-IP': s.remoteAddress,
			},
		});
		if (answer.status === 200) {
			s.done();
			return;
		}
	} catch (e) {
		s.error('doublelock: ' + e);
	}
	s.deny();
}

export default { access };
