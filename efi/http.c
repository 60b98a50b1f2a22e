/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One request at a time, each in a child of the service of its own; see http.h. */
#include "http.h"

#include <string.h>

#define TIMEOUT_S      10
#define STEP_US	       1000u
#define PIECE	       ((UINTN)16 * 1024)
#define METHOD_GET     0
#define VERSION_1_1    1
#define STATUS_OK      3  /* the specification counts them: 200 */
#define STATUS_NO_FILE 21 /* 404 */
#define DIGITS_MAX     9

static EFI_GUID binding_guid = {
	0xbdc8e6af, 0xd9bc, 0x4379, { 0xa7, 0x2a, 0xe0, 0xc4, 0xe7, 0x5d, 0xae, 0x1c }
};
static EFI_GUID http_guid = {
	0x7a59b29b, 0x910b, 0x4171, { 0x82, 0x42, 0xa8, 0x5a, 0x0d, 0xf2, 0x5b, 0x5b }
};

struct service_binding {
	EFI_STATUS(EFIAPI *create)(struct service_binding *this, EFI_HANDLE *child);
	EFI_STATUS(EFIAPI *destroy)(struct service_binding *this, EFI_HANDLE child);
};

struct http_access_point {
	BOOLEAN use_default;
	UINT8 address[4], mask[4];
	UINT16 port;
};

struct http_config {
	UINT32 version;
	UINT32 timeout_ms;
	BOOLEAN is_ipv6;
	struct http_access_point *access_point;
};

struct http_header {
	const char *name, *value;
};

struct http_request {
	UINT32 method;
	CHAR16 *url;
};

struct http_response {
	UINT32 status;
};

struct http_message {
	union {
		struct http_request *request;
		struct http_response *response;
	} data;
	UINTN header_count;
	struct http_header *headers; /* of a response: from the pool, ours to free */
	UINTN body_length;
	void *body;
};

struct http_token {
	EFI_EVENT event;
	EFI_STATUS status;
	struct http_message *message;
};

struct http {
	EFI_STATUS(EFIAPI *get_mode)(struct http *this, struct http_config *config);
	EFI_STATUS(EFIAPI *configure)(struct http *this, struct http_config *config);
	EFI_STATUS(EFIAPI *request)(struct http *this, struct http_token *token);
	EFI_STATUS(EFIAPI *cancel)(struct http *this, struct http_token *token);
	EFI_STATUS(EFIAPI *response)(struct http *this, struct http_token *token);
	EFI_STATUS(EFIAPI *poll)(struct http *this);
};

struct client {
	const char *url;
	struct service_binding *binding;
	EFI_HANDLE child;
	struct http *http;
	struct http_access_point access_point;
};

static void client_close(struct client *client)
{
	if (client->http)
		client->http->configure(client->http, NULL);
	if (client->child)
		client->binding->destroy(client->binding, client->child);
}

/* The address is that which HTTP Boot got: there is no second round of DHCP. */
static EFI_STATUS client_open(const struct medium *medium, struct client *client,
			      struct err *err)
{
	EFI_DEVICE_PATH *path = (EFI_DEVICE_PATH *)medium->device_path;
	struct http_config config = { .version = VERSION_1_1,
				      .timeout_ms = TIMEOUT_S * 1000,
				      .access_point = &client->access_point };
	EFI_HANDLE card = NULL;
	EFI_STATUS status = EFI_NOT_FOUND;

	if (path)
		status = BS->LocateDevicePath(&binding_guid, &path, &card);
	if (!EFI_ERROR(status))
		status = BS->HandleProtocol(card, &binding_guid,
					    (void **)&client->binding);
	if (EFI_ERROR(status))
		return err_fact(err, EFI_NOT_FOUND,
				"'%s': the firmware knows no HTTP on this network card",
				client->url);
	status = client->binding->create(client->binding, &client->child);
	if (!EFI_ERROR(status))
		status = BS->HandleProtocol(client->child, &http_guid,
					    (void **)&client->http);
	if (!EFI_ERROR(status)) {
		client->access_point.use_default = !medium->network.has_ipv4;
		memcpy(client->access_point.address, medium->network.address, 4);
		memcpy(client->access_point.mask, medium->network.mask, 4);
		status = client->http->configure(client->http, &config);
	}
	return EFI_ERROR(status) ? err_status(err, status, "'%s': HTTP", client->url)
				 : EFI_SUCCESS;
}

static void EFIAPI token_done(EFI_EVENT event, void *context)
{
	*(volatile bool *)context = true;
	(void)event;
}

/* Starts one step and waits for its end. */
static EFI_STATUS run_token(struct client *client, struct http_message *message,
			    EFI_STATUS(EFIAPI *step)(struct http *, struct http_token *))
{
	volatile bool done = false;
	struct http_token token = { .message = message, .status = EFI_NOT_READY };
	EFI_STATUS status = BS->CreateEvent(EVT_NOTIFY_SIGNAL, TPL_CALLBACK, token_done,
					    (void *)&done, &token.event);

	if (EFI_ERROR(status))
		return status;
	status = step(client->http, &token);
	for (unsigned int us = 0; !EFI_ERROR(status) && !done; us += STEP_US) {
		if (us >= TIMEOUT_S * 1000000u) {
			client->http->cancel(client->http, &token);
			status = EFI_TIMEOUT;
		}
		client->http->poll(client->http);
		BS->Stall(STEP_US);
	}
	BS->CloseEvent(token.event);
	return EFI_ERROR(status) ? status : token.status;
}

static EFI_STATUS send_request(struct client *client, struct err *err)
{
	static char host[URL_SIZE];
	static CHAR16 url[URL_SIZE];
	struct http_header headers[] = { { "Host", host },
					 { "User-Agent", "openbmr/" OPENBMR_VERSION },
					 { "Accept", "*/*" } };
	struct http_request request = { .method = METHOD_GET, .url = url };
	struct http_message message = { .data.request = &request,
					.headers = headers,
					.header_count = 3 };
	EFI_STATUS status;
	size_t i = 0;

	if (url_host(client->url, host, err))
		return EFI_INVALID_PARAMETER;
	do
		url[i] = (CHAR16)client->url[i];
	while (client->url[i++]);
	status = run_token(client, &message, client->http->request);
	return EFI_ERROR(status)
		       ? err_status(err, status, "'%s': HTTP request", client->url)
		       : EFI_SUCCESS;
}

static bool same_name(const char *a, const char *b)
{
	for (; *a && *b; a++, b++)
		if ((*a | 0x20) != (*b | 0x20))
			return false;
	return *a == *b;
}

/* False: the server does not tell, or it is no number. */
static bool content_length(const struct http_message *message, UINTN *ret)
{
	for (UINTN i = 0; i < message->header_count; i++) {
		const char *digits = message->headers[i].value;
		UINTN value = 0, count = 0;

		if (!same_name(message->headers[i].name, "Content-Length"))
			continue;
		for (; *digits >= '0' && *digits <= '9' && count < DIGITS_MAX; count++)
			value = value * 10 + (UINTN)(*digits++ - '0');
		*ret = value;
		return count && !*digits;
	}
	return false;
}

static void free_headers(struct http_message *message)
{
	for (UINTN i = 0; message->headers && i < message->header_count; i++) {
		BS->FreePool((void *)message->headers[i].name);
		BS->FreePool((void *)message->headers[i].value);
	}
	if (message->headers)
		BS->FreePool(message->headers);
	message->headers = NULL;
	message->header_count = 0;
}

/* The head, with the first bytes of the body. */
static EFI_STATUS receive_head(struct client *client, UINT8 *body, size_t limit,
			       UINTN *ret_done, UINTN *ret_size, struct err *err)
{
	struct http_response response = { 0 };
	struct http_message message = { .data.response = &response,
					.body = body,
					.body_length = limit };
	EFI_STATUS status = run_token(client, &message, client->http->response);
	bool told = content_length(&message, ret_size);

	free_headers(&message);
	if (response.status == STATUS_NO_FILE)
		return err_fact(err, EFI_NOT_FOUND, "'%s': not on the server",
				client->url);
	if (!EFI_ERROR(status) && response.status != STATUS_OK)
		status = EFI_PROTOCOL_ERROR;
	if (EFI_ERROR(status))
		return err_status(err, status, "'%s': HTTP answer", client->url);
	if (!told)
		return err_fact(err, EFI_PROTOCOL_ERROR,
				"'%s': the server does not tell how long it is",
				client->url);
	if (*ret_size > limit)
		return err_fact(err, EFI_BAD_BUFFER_SIZE, "'%s': %zu bytes, limit is %zu",
				client->url, (size_t)*ret_size, limit);
	*ret_done = message.body_length;
	return EFI_SUCCESS;
}

static EFI_STATUS receive_rest(struct client *client, UINT8 *body, UINTN done, UINTN size,
			       struct err *err)
{
	while (done < size) {
		UINTN room = size - done < PIECE ? size - done : PIECE;
		struct http_message message = { .body = body + done,
						.body_length = room };
		EFI_STATUS status = run_token(client, &message, client->http->response);

		if (!EFI_ERROR(status) &&
		    (!message.body_length || message.body_length > room))
			status = EFI_END_OF_FILE;
		if (EFI_ERROR(status))
			return err_status(err, status,
					  "'%s': read fails at byte %zu of %zu",
					  client->url, (size_t)done, (size_t)size);
		done += message.body_length;
	}
	return EFI_SUCCESS;
}

static EFI_STATUS get(struct client *client, const struct medium *medium, size_t limit,
		      struct bytes *ret, struct err *err)
{
	AUTO_POOL UINT8 *body = pool_allocate(limit + 1);
	EFI_STATUS status = client_open(medium, client, err);
	UINTN done = 0, size = 0;

	if (!EFI_ERROR(status) && !body)
		return err_fact(err, EFI_OUT_OF_RESOURCES, "'%s': no memory",
				client->url);
	if (!EFI_ERROR(status))
		status = send_request(client, err);
	if (!EFI_ERROR(status))
		status = receive_head(client, body, limit, &done, &size, err);
	if (!EFI_ERROR(status))
		status = receive_rest(client, body, done, size, err);
	if (EFI_ERROR(status))
		return status;
	*ret = (struct bytes){ .data = body, .size = size };
	body = NULL;
	return EFI_SUCCESS;
}

EFI_STATUS http_get(const struct medium *medium, const char *url, size_t limit,
		    struct bytes *ret, struct err *err)
{
	struct client client = { .url = url };
	EFI_STATUS status = get(&client, medium, limit, ret, err);

	client_close(&client);
	return status;
}
