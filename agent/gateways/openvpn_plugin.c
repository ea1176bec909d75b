/* SPDX-License-Identifier: MIT */
/*
 * openvpn_plugin.c - what OpenVPN calls (plugin API version 3). At TLS_VERIFY a certificate is
 * only kept, because the key has not been used yet and because OpenVPN cannot wait there; it
 * is judged, with the code, at AUTH_USER_PASS_VERIFY. OpenVPN has verified the chain against
 * its own CAs before: this can only narrow.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#if __has_include(<openvpn/openvpn-plugin.h>)
#include <openvpn/openvpn-plugin.h>
#else /* Fedora's place for it */
#include <openvpn-plugin.h>
#endif

#include "base/text.h"
#include "openvpn_login.h"
#include "password.h"
#include "wire/client.h"

#define EXPORT     __attribute__((visibility("default")))
#define NAME       "doublelock"
#define DEPTH_MAX  8
#define CHAIN_MOST (48 * 1024) /* octets of what the client sent beside its own */

typedef int encode_x509(const void *x509, unsigned char **out);

struct plugin {
	struct dlk_entry entry;
	char *agent, *service, *prompt;
	encode_x509 *encode; /* of the OpenSSL that OpenVPN has loaded */
	plugin_log_t log;
};

/* One connection of a client. */
struct client {
	struct plugin *plugin;
	struct dlk_buf certificate[DEPTH_MAX]; /* by depth, of the last handshake */
	struct dlk_login *login;
	bool allowed; /* this connection was, by `verdict` */
	struct dlk_verdict verdict;
};

/* --- starting -----------------------------------------------------------------------------
 */

static bool
take_argument(struct plugin *p, const char *argument)
{
	const struct {
		const char *name;
		char **value;
	} known[] = { { "service=", &p->service }, { "agent=", &p->agent },
		{ "prompt=", &p->prompt } };

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		size_t n = strlen(known[i].name);
		if (strncmp(argument, known[i].name, n) != 0)
			continue;
		free(*known[i].value);
		*known[i].value = strdup(argument + n);
		return *known[i].value && (*known[i].value)[0];
	}
	return false;
}

static bool
take_arguments(struct plugin *p, const char *const *argv)
{
	p->service = strdup("openvpn");
	p->agent = strdup(DLK_GATEWAY_SOCKET);
	p->prompt = strdup("Verification code: ");
	for (size_t i = 1; argv[0] && argv[i]; i++)
		if (!take_argument(p, argv[i])) {
			p->log(
			    PLOG_ERR, NAME, "not an argument of this plugin: %.100s", argv[i]);
			return false;
		}
	return p->service && p->agent && p->prompt && dlk_text_is_name(p->service);
}

static int
open_entry(struct plugin *p)
{
	pthread_condattr_t monotonic;

	(void)pthread_mutex_init(&p->entry.lock, NULL);
	(void)pthread_condattr_init(&monotonic);
	(void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&p->entry.answered, &monotonic);
	(void)pthread_condattr_destroy(&monotonic);
	p->entry.agent = p->agent;
	p->entry.prompt = p->prompt;
	p->entry.uid = dlk_client_agent();
	int error = dlk_pool_new(&p->entry.pool);
	if (error == 0)
		error = dlk_line_new(p->agent, p->entry.uid, p->entry.pool, &p->entry.line);
	if (error != 0 && p->entry.pool)
		(void)dlk_pool_free(p->entry.pool);
	return error;
}

static void
free_plugin(struct plugin *p)
{
	for (size_t i = 0; i < DLK_STATES; i++)
		dlk_buf_free(&p->entry.state[i].certificate);
	dlk_line_free(p->entry.line);
	free(p->agent);
	free(p->service);
	free(p->prompt);
	free(p);
}

static bool
start(struct plugin *p, const struct openvpn_plugin_args_open_in *in)
{
	p->log = in->callbacks->plugin_log;
	if (in->ssl_api != SSLAPI_OPENSSL) {
		p->log(PLOG_ERR, NAME, "this OpenVPN has no OpenSSL");
		return false;
	}
	void *encode = dlsym(RTLD_DEFAULT, "i2d_X509");
	memcpy(&p->encode, &encode, sizeof(encode)); /* as POSIX has it, and ISO C has not */
	if (!encode) {
		p->log(PLOG_ERR, NAME, "OpenVPN's OpenSSL has no i2d_X509");
		return false;
	}
	if (!take_arguments(p, (const char *const *)in->argv))
		return false;
	int error = open_entry(p);
	if (error < 0)
		p->log(PLOG_ERR, NAME, "no thread: %s", strerrordesc_np(-error));
	return error == 0;
}

EXPORT int
openvpn_plugin_min_version_required_v1(void)
{
	return 3;
}

/* After the change into a daemon, in which threads would be lost, and before the change of
 * root and user. */
EXPORT int
openvpn_plugin_select_initialization_point_v1(void)
{
	return OPENVPN_PLUGIN_INIT_POST_DAEMON;
}

EXPORT int
openvpn_plugin_open_v3(const int version, struct openvpn_plugin_args_open_in const *in,
    struct openvpn_plugin_args_open_return *out)
{
	struct plugin *p = version >= 5 ? calloc(1, sizeof(*p)) : NULL;

	if (!p)
		return OPENVPN_PLUGIN_FUNC_ERROR;
	if (!start(p, in)) {
		free_plugin(p);
		return OPENVPN_PLUGIN_FUNC_ERROR;
	}
	out->type_mask = OPENVPN_PLUGIN_MASK(OPENVPN_PLUGIN_TLS_VERIFY) |
			 OPENVPN_PLUGIN_MASK(OPENVPN_PLUGIN_AUTH_USER_PASS_VERIFY) |
			 OPENVPN_PLUGIN_MASK(OPENVPN_PLUGIN_CLIENT_CRRESPONSE) |
			 OPENVPN_PLUGIN_MASK(OPENVPN_PLUGIN_CLIENT_CONNECT_V2) |
			 OPENVPN_PLUGIN_MASK(OPENVPN_PLUGIN_CLIENT_DISCONNECT);
	out->handle = (openvpn_plugin_handle_t)p;
	return OPENVPN_PLUGIN_FUNC_SUCCESS;
}

EXPORT void
openvpn_plugin_close_v1(openvpn_plugin_handle_t handle)
{
	struct plugin *p = (struct plugin *)handle;

	if (dlk_pool_free(p->entry.pool))
		free_plugin(p);
}

EXPORT void *
openvpn_plugin_client_constructor_v1(openvpn_plugin_handle_t handle)
{
	struct client *client = calloc(1, sizeof(*client));

	if (client)
		client->plugin = (struct plugin *)handle;
	return client;
}

EXPORT void
openvpn_plugin_client_destructor_v1(openvpn_plugin_handle_t handle, void *context)
{
	struct client *client = context;

	(void)handle;
	if (!client)
		return;
	dlk_login_drop(client->login);
	for (size_t i = 0; i < DEPTH_MAX; i++)
		dlk_buf_free(&client->certificate[i]);
	free(client);
}

/* --- what OpenVPN says --------------------------------------------------------------------
 */

static const char *
find(const char *const *envp, const char *name)
{
	size_t n = strlen(name);

	for (; envp && *envp; envp++)
		if (strncmp(*envp, name, n) == 0 && (*envp)[n] == '=')
			return *envp + n + 1;
	return "";
}

static const char *
source_of(const char *const *envp, const char *prefix4, const char *prefix6)
{
	const char *four = find(envp, prefix4);

	return four[0] ? four : find(envp, prefix6);
}

/* The chain comes from its far end, the client's own last: a certificate ends what was known
 * of those below it. Until the key is proven it is kept, and nothing is asked. */
static int
keep_certificate(struct client *client, const struct openvpn_plugin_args_func_in *in)
{
	size_t depth = (size_t)in->current_cert_depth;

	if (in->current_cert_depth < 0 || depth >= DEPTH_MAX || !in->current_cert)
		return OPENVPN_PLUGIN_FUNC_ERROR;
	dlk_line_raise(client->plugin->entry.line);
	for (size_t i = 0; i <= depth; i++)
		client->certificate[i].n = 0;
	struct dlk_buf *der = &client->certificate[depth];
	int n = client->plugin->encode(in->current_cert, NULL);
	if (n <= 0 || n > DLK_CERTIFICATE_TEXT_MAX || dlk_buf_reserve(der, (size_t)n) != 0)
		return OPENVPN_PLUGIN_FUNC_ERROR;
	unsigned char *end = der->p;
	if (client->plugin->encode(in->current_cert, &end) != n)
		return OPENVPN_PLUGIN_FUNC_ERROR;
	der->n = (size_t)n;
	return OPENVPN_PLUGIN_FUNC_SUCCESS;
}

static int
show_certificates(const struct client *client, struct dlk_request *request)
{
	int error = dlk_inquiry_certify(
	    request, DLK_EVIDENCE_CERTIFICATE, dlk_bytes_of(&client->certificate[0]));

	for (size_t i = 1; i < DEPTH_MAX && error == 0; i++)
		if (request->chain.n + client->certificate[i].n <= CHAIN_MOST)
			error = dlk_buf_add(&request->chain, CHAIN_MOST,
			    dlk_bytes_of(&client->certificate[i]));
	return error;
}

/* A token that OpenVPN has verified renews this very connection, not one before it. */
static void
name_visit(const struct client *client, const char *const *envp, struct dlk_request *request)
{
	const char *state = find(envp, "session_state");

	(void)dlk_text_copy(request->visit, sizeof(request->visit), find(envp, "session_id"));
	request->renews = client->allowed && strncmp(state, "Authenticated", 13) == 0;
}

static int
collect(const struct client *client, const char *const *envp, char *ret_state,
    struct dlk_request *request)
{
	int error = dlk_inquiry_begin(client->plugin->service, request);

	if (error == 0)
		error = show_certificates(client, request);
	if (error == 0 &&
	    !dlk_text_copy(request->user, sizeof(request->user), find(envp, "username")))
		error = -EBADMSG;
	if (error == 0)
		error = dlk_password_read(
		    dlk_bytes_str(find(envp, "password")), ret_state, &request->code);
	request->has_code = error == 0 && request->code.n > 0;
	dlk_inquiry_locate(request, source_of(envp, "untrusted_ip", "untrusted_ip6"));
	name_visit(client, envp, request);
	return error;
}

/* --- what it asks -------------------------------------------------------------------------
 */

/* What threads had to say. */
static void
speak(struct plugin *p)
{
	pthread_mutex_lock(&p->entry.lock);
	for (size_t i = 0; i < p->entry.n_said; i++)
		p->log(PLOG_NOTE, NAME, "%s", p->entry.said[i]);
	p->entry.n_said = 0;
	pthread_mutex_unlock(&p->entry.lock);
}

static bool
takes_crtext(const char *const *envp)
{
	const char *list = find(envp, "IV_SSO");

	for (size_t n; list[0]; list += n + (list[n] == ',')) {
		n = strcspn(list, ",");
		if (n == 6 && strncmp(list, "crtext", 6) == 0)
			return true;
	}
	return false;
}

/* Of a login that was decided after OpenVPN had asked. */
static void
see_outcome(struct client *client)
{
	if (client->login && dlk_login_allowed(client->login, &client->verdict))
		client->allowed = true;
}

static int
authenticate(struct client *client, const char *const *envp)
{
	static const int codes[] = { [DLK_OUTCOME_NO] = OPENVPN_PLUGIN_FUNC_ERROR,
		[DLK_OUTCOME_YES] = OPENVPN_PLUGIN_FUNC_SUCCESS,
		[DLK_OUTCOME_LATER] = OPENVPN_PLUGIN_FUNC_DEFERRED };
	char state[DLK_PASSWORD_STATE_MAX + 1] = "";
	DLK_AUTO_REQUEST request = { 0 };

	see_outcome(client);
	int error = collect(client, envp, state, &request);
	/* the next handshake has to show its own */
	for (size_t i = 0; i < DEPTH_MAX; i++)
		client->certificate[i].n = 0;
	const struct dlk_asked asked = { .control = find(envp, "auth_control_file"),
		.pending = find(envp, "auth_pending_file"),
		.reason = find(envp, "auth_failed_reason_file"),
		.state = state,
		.crtext = takes_crtext(envp),
		.named = request.user[0] };

	dlk_login_drop(client->login);
	client->login = NULL;
	if (error < 0) {
		client->plugin->log(PLOG_NOTE, NAME,
		    "what the client sent is not understood: %s", strerrordesc_np(-error));
		return OPENVPN_PLUGIN_FUNC_ERROR;
	}
	enum dlk_outcome outcome = dlk_login_begin(
	    &client->plugin->entry, &request, &asked, &client->login, &client->verdict);
	client->allowed = outcome == DLK_OUTCOME_YES;
	return codes[outcome];
}

static int
take_answer(struct client *client, const char *const *envp)
{
	DLK_AUTO_SECRET code = { 0 };

	if (!client->login ||
	    dlk_password_decode(dlk_bytes_str(find(envp, "crresponse")), &code) != 0)
		return OPENVPN_PLUGIN_FUNC_ERROR;
	dlk_login_answer(client->login, &code);
	return OPENVPN_PLUGIN_FUNC_SUCCESS;
}

/* --- sessions -----------------------------------------------------------------------------
 */

/* Addresses and counts are OpenVPN's own words; what is none of them is left out. */
static const char *
plain(const char *const *envp, const char *name)
{
	const char *value = find(envp, name);

	return value[strspn(value, "0123456789abcdef.:")] == '\0' && strlen(value) < 40 ? value
											: "";
}

static void
describe(enum dlk_session session, const char *const *envp, char *remark, size_t size)
{
	const char *four = plain(envp, "ifconfig_pool_remote_ip");
	const char *six = plain(envp, "ifconfig_pool_remote_ip6");
	size_t n;

	dlk_text_print(remark, size, "%s%s%s inside", four, four[0] && six[0] ? " " : "", six);
	n = strlen(remark);
	if (session == DLK_SESSION_CLOSED)
		dlk_text_print(remark + n, size - n, "; %s s, %s octets received, %s sent",
		    plain(envp, "time_duration"), plain(envp, "bytes_received"),
		    plain(envp, "bytes_sent"));
}

/* Nobody is kept out where it cannot be told. */
static int
tell(struct client *client, enum dlk_session session, const char *const *envp)
{
	DLK_AUTO_REQUEST request = { .session = session };

	see_outcome(client);
	if (!client->allowed || dlk_inquiry_begin(client->plugin->service, &request) < 0)
		return OPENVPN_PLUGIN_FUNC_SUCCESS;
	memset(request.attempt, 0, sizeof(request.attempt));
	(void)dlk_text_copy(request.user, sizeof(request.user), client->verdict.user);
	(void)dlk_text_copy(request.login, sizeof(request.login), client->verdict.event);
	dlk_inquiry_locate(&request, source_of(envp, "trusted_ip", "trusted_ip6"));
	describe(session, envp, request.remark, sizeof(request.remark));
	dlk_login_note(&client->plugin->entry, &request);
	return OPENVPN_PLUGIN_FUNC_SUCCESS;
}

EXPORT int
openvpn_plugin_func_v3(const int version, struct openvpn_plugin_args_func_in const *in,
    struct openvpn_plugin_args_func_return *out)
{
	struct client *client = in->per_client_context;
	const char *const *envp = (const char *const *)in->envp;

	(void)version, (void)out;
	if (!client)
		return OPENVPN_PLUGIN_FUNC_ERROR;
	speak(client->plugin);
	switch (in->type) {
	case OPENVPN_PLUGIN_TLS_VERIFY:
		return keep_certificate(client, in);
	case OPENVPN_PLUGIN_AUTH_USER_PASS_VERIFY:
		return authenticate(client, envp);
	case OPENVPN_PLUGIN_CLIENT_CRRESPONSE:
		return take_answer(client, envp);
	case OPENVPN_PLUGIN_CLIENT_CONNECT_V2:
		return tell(client, DLK_SESSION_OPENED, envp);
	case OPENVPN_PLUGIN_CLIENT_DISCONNECT:
		return tell(client, DLK_SESSION_CLOSED, envp);
	default:
		return OPENVPN_PLUGIN_FUNC_ERROR;
	}
}
